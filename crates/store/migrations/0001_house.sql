-- One text for SQLite and PostgreSQL. Columns are TEXT, BIGINT and BOOLEAN and nothing else:
-- ids are lower-case UUIDv7 text, times are microseconds since 1970 UTC, JSON is TEXT, and
-- digests are SHA-256 as base64url. No triggers, no now(), no engine's own syntax.

CREATE TABLE applications (
    key TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    user_type TEXT NOT NULL,
    population TEXT NOT NULL,
    return_origins TEXT NOT NULL,
    local_login BOOLEAN NOT NULL,
    session_idle BIGINT NOT NULL,
    session_absolute BIGINT NOT NULL,
    fresh_within BIGINT
);

CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A user is never removed, so that an address that once belonged to somebody cannot be taken
-- over: the unique key holds for the deleted as well.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    user_type TEXT NOT NULL,
    population TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    -- The key's bytes in hexadecimal digits: sorts and finds prefixes alike in every collation.
    email_order TEXT NOT NULL,
    email_standing TEXT NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    locale TEXT,
    status TEXT NOT NULL,
    birth TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (user_type, population, email_key)
);
CREATE INDEX users_in_order ON users (email_order, id);
CREATE INDEX users_of_type_in_order ON users (user_type, email_order, id);
CREATE INDEX users_of_status_in_order ON users (status, email_order, id);
CREATE INDEX users_of_type_and_status_in_order ON users (user_type, status, email_order, id);

CREATE TABLE memberships (
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE groups (
    id TEXT NOT NULL PRIMARY KEY,
    user_type TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    built_in BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (user_type, name_key)
);
CREATE INDEX groups_built_in ON groups (id) WHERE built_in;

-- granted_by says whose word it was: 'manual', or 'connection:ID' for a default group.
CREATE TABLE user_groups (
    user_id TEXT NOT NULL REFERENCES users (id),
    group_id TEXT NOT NULL REFERENCES groups (id),
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, group_id, granted_by)
);
CREATE INDEX user_groups_of_group ON user_groups (group_id, user_id);

CREATE TABLE passwords (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE providers (
    id TEXT NOT NULL PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    organisation_id TEXT REFERENCES organisations (id),
    authority TEXT NOT NULL,
    state TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_authentication TEXT NOT NULL,
    scopes TEXT NOT NULL,
    trusted_domains TEXT NOT NULL,
    allow_private TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    algorithms TEXT NOT NULL,
    promises_iss BOOLEAN NOT NULL,
    pkce BOOLEAN NOT NULL,
    sealed_secret TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX providers_of_organisation ON providers (organisation_id);

CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (key),
    provider_id TEXT NOT NULL REFERENCES providers (id),
    unknown_user TEXT NOT NULL,
    default_groups TEXT NOT NULL,
    position BIGINT NOT NULL,
    UNIQUE (application, provider_id)
);
CREATE INDEX connections_of_provider ON connections (provider_id);

CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    user_type TEXT NOT NULL,
    population TEXT NOT NULL,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    email TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (provider_id, subject, issuer, user_type, population)
);
CREATE INDEX identities_of_user ON identities (user_id, provider_id);

CREATE TABLE attempts (
    state_digest TEXT NOT NULL PRIMARY KEY,
    browser_digest TEXT NOT NULL,
    id TEXT NOT NULL,
    application TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT,
    return_to TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT
);
CREATE INDEX attempts_by_end ON attempts (expires_at);

-- The row is found by the digest of the cookie's value; what people and tokens see is the id.
-- Which attempt made it stands here and not at the attempt: one row less to write per sign-in.
CREATE TABLE sessions (
    digest TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    user_type TEXT NOT NULL,
    population TEXT NOT NULL,
    application TEXT NOT NULL,
    provider_id TEXT,
    identity_id TEXT,
    organisation_id TEXT,
    attempt_id TEXT,
    methods TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    absolute BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    browser_digest TEXT,
    user_agent TEXT,
    ended_at BIGINT,
    end_reason TEXT
);
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_of_attempt ON sessions (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE known_devices (
    user_id TEXT NOT NULL REFERENCES users (id),
    browser_digest TEXT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, browser_digest)
);
CREATE INDEX known_devices_by_use ON known_devices (last_used_at);

CREATE TABLE throttles (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    failures BIGINT NOT NULL,
    window_started_at BIGINT NOT NULL,
    blocked_until BIGINT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX throttles_by_change ON throttles (changed_at);

CREATE TABLE password_resets (
    digest TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    voided_at BIGINT
);
CREATE INDEX password_resets_of_user ON password_resets (user_id);
CREATE INDEX password_resets_by_end ON password_resets (expires_at);

CREATE TABLE setup_links (
    digest TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX setup_links_by_end ON setup_links (expires_at);

-- due_at: when a worker may take it next. A lease moves it forward; none means that the mail is
-- done with, sent or given up.
CREATE TABLE mails (
    id TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    tries BIGINT NOT NULL,
    sent_at BIGINT,
    failed_at BIGINT,
    last_error TEXT
);
CREATE INDEX mails_by_due ON mails (due_at);
CREATE INDEX mails_by_age ON mails (created_at);

-- No foreign keys: an entry outlives what it speaks of.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    user_id TEXT,
    application TEXT,
    provider_id TEXT,
    support_code TEXT UNIQUE,
    request_id TEXT,
    address TEXT,
    user_agent TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_of_user ON audit (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE data_keys (
    id TEXT NOT NULL PRIMARY KEY,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What other processes must forget. seq comes from change_counter, never from a sequence.
CREATE TABLE changes (
    seq BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX changes_by_time ON changes (at);

CREATE TABLE change_counter (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    pruned BIGINT NOT NULL
);
INSERT INTO change_counter (id, seq, pruned) VALUES (1, 0, 0);
