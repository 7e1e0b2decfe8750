-- What somebody has to show before an account is linked: bound to the trip and the browser by which
-- they arrived, to the identity that they arrived with, and to whoever had its address then.

CREATE TABLE proofs (
    id TEXT NOT NULL PRIMARY KEY,
    browser_digest TEXT NOT NULL,
    application TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    arrival TEXT NOT NULL,
    user_id TEXT,
    auth_time BIGINT,
    return_to TEXT NOT NULL,
    account_shown_at BIGINT,
    settled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX proofs_by_end ON proofs (expires_at);

-- A trip to another provider may be for showing that an account is theirs.
ALTER TABLE attempts ADD COLUMN proof TEXT;
