-- Whose tokens a door takes in exchange for ours (RFC 8693), and whether of staff, too.

ALTER TABLE connections ADD COLUMN exchange_audiences TEXT NOT NULL DEFAULT '[]';
ALTER TABLE connections ADD COLUMN exchange_staff BOOLEAN NOT NULL DEFAULT FALSE;
