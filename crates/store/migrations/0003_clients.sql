-- The programs that sign people in through us.

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (key),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    authentication TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    backchannel_logout_uri TEXT,
    cors_origins TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes TEXT NOT NULL,
    resources TEXT NOT NULL,
    id_token_algorithm TEXT NOT NULL,
    require_pkce BOOLEAN NOT NULL,
    require_nonce BOOLEAN NOT NULL,
    require_par BOOLEAN NOT NULL,
    jwks TEXT,
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX clients_of_application ON clients (application, id);

-- At most two of a client are live: the newest has no end, the one before it ends soon.
CREATE TABLE client_secrets (
    digest TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_secrets_of_client ON client_secrets (client_id);
CREATE INDEX client_secrets_by_end ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

-- JWTs that clients have shown themselves by, until those expire anyway: each counts once.
CREATE TABLE client_assertions (
    digest TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX client_assertions_by_end ON client_assertions (expires_at);
