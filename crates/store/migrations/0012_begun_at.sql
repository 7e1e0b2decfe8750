-- A request that was answered counts as new from then on: this is when it came, or was answered last.

ALTER TABLE authorization_requests RENAME COLUMN created_at TO begun_at;
