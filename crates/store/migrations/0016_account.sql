-- A trip to a provider may be for tying an identity to whoever is signed in: to this user, and only
-- while this session of theirs lives.

ALTER TABLE attempts ADD COLUMN link_user TEXT;
ALTER TABLE attempts ADD COLUMN link_session TEXT;
