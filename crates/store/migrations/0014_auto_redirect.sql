-- The provider that whoever comes to a door's login page is sent to. Taken away with the connection.

ALTER TABLE applications ADD COLUMN auto_redirect TEXT;
