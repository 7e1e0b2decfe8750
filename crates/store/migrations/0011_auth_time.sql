-- When a session began is one thing, and when the person proved who they are is another: a provider
-- may have known them for weeks, and does not always tell. What nobody knows is null.

ALTER TABLE sessions RENAME COLUMN auth_time TO began_at;
ALTER TABLE sessions ADD COLUMN auth_time BIGINT;
UPDATE sessions SET auth_time = began_at WHERE provider_id IS NULL;

ALTER TABLE grants RENAME COLUMN auth_time TO began_at;
ALTER TABLE grants ADD COLUMN auth_time BIGINT;
UPDATE grants SET auth_time = began_at WHERE methods = '["pwd"]';
ALTER TABLE grants DROP COLUMN began_at;

-- How long ago the person may have signed in at the provider, as it was asked.
ALTER TABLE attempts ADD COLUMN max_age BIGINT;
