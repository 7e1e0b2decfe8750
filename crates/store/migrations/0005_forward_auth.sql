-- Hosts behind a reverse proxy that asks us, and how a session comes to be known there.

CREATE TABLE protected_hosts (
    authority TEXT NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    application TEXT NOT NULL REFERENCES applications (key),
    added_at BIGINT NOT NULL
);

-- A ticket carries a session from our host to another one, once.
CREATE TABLE host_tickets (
    digest TEXT NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    application TEXT NOT NULL,
    browser_digest TEXT NOT NULL,
    session_id TEXT NOT NULL,
    return_to TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT
);
CREATE INDEX host_tickets_by_end ON host_tickets (expires_at);

-- A cookie of another host that stands for a session of ours; it has no life of its own.
CREATE TABLE host_sessions (
    digest TEXT NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    application TEXT NOT NULL,
    session_id TEXT NOT NULL,
    begun_at BIGINT NOT NULL
);
CREATE INDEX host_sessions_of_session ON host_sessions (session_id);
CREATE INDEX host_sessions_by_start ON host_sessions (begun_at);
