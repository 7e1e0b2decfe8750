-- The policy of a connection is one document of what was set; what was not is taken from that of its
-- application, else it is built in.

ALTER TABLE applications ADD COLUMN defaults TEXT NOT NULL DEFAULT '{}';
ALTER TABLE connections ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
UPDATE connections SET policy =
    '{"unknown_user":"' || unknown_user || '","default_groups":' || default_groups || '}';
ALTER TABLE connections DROP COLUMN unknown_user;
ALTER TABLE connections DROP COLUMN default_groups;
