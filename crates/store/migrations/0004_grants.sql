-- What we give to clients as OpenID provider: requests that wait, codes, and grants.

-- A request that was pushed (RFC 9126) or that waits for somebody to sign in.
CREATE TABLE authorization_requests (
    digest TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT
);
CREATE INDEX authorization_requests_by_end ON authorization_requests (expires_at);

CREATE TABLE codes (
    digest TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    terms TEXT NOT NULL,
    session_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT,
    grant_id TEXT
);
CREATE INDEX codes_by_end ON codes (expires_at);

-- Also the family of refresh tokens, of which only the number of the newest is kept: the tokens
-- themselves are made and recognised by a key that is not in here.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    session_id TEXT NOT NULL,
    offline BOOLEAN NOT NULL,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    organisation_id TEXT,
    methods TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    dpop_jkt TEXT,
    generation BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoke_reason TEXT
);
CREATE INDEX grants_of_user ON grants (user_id, id);
CREATE INDEX grants_of_session ON grants (session_id);
CREATE INDEX grants_of_client ON grants (client_id);
CREATE INDEX grants_by_use ON grants (refreshed_at);
