-- What somebody was asked to show, and the code that shows who reads mail at the address. The digest
-- holds the browser's own secret besides the code.

ALTER TABLE proofs ADD COLUMN asked TEXT NOT NULL DEFAULT 'account';
ALTER TABLE proofs ADD COLUMN code_digest TEXT;
ALTER TABLE proofs ADD COLUMN codes_sent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE proofs ADD COLUMN code_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE proofs ADD COLUMN mailbox_shown_at BIGINT;
