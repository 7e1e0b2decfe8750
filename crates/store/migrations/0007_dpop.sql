-- Clients whose tokens must be bound to a key (RFC 9449).

ALTER TABLE clients ADD COLUMN require_dpop BOOLEAN NOT NULL DEFAULT FALSE;
