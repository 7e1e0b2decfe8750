-- Sessions that have ended, and the clients that have to be told (OpenID Connect Back-Channel
-- Logout 1.0).

ALTER TABLE clients
    ADD COLUMN backchannel_logout_session_required BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE clients ADD COLUMN backchannel_logout_private BOOLEAN NOT NULL DEFAULT FALSE;

-- A session ends once, so each client is told once. due_at: when a worker may take it next. A
-- lease moves it forward; none means that it is done with, and the audit says how it went.
CREATE TABLE back_channel_logouts (
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    tries BIGINT NOT NULL,
    last_error TEXT,
    PRIMARY KEY (session_id, client_id)
);
CREATE INDEX back_channel_logouts_by_due ON back_channel_logouts (due_at, client_id)
    WHERE due_at IS NOT NULL;
CREATE INDEX back_channel_logouts_by_age ON back_channel_logouts (created_at);
CREATE INDEX back_channel_logouts_of_client ON back_channel_logouts (client_id);
