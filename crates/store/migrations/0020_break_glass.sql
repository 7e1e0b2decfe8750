-- A sealed code that opens a door which takes no passwords, once, with the password of the one that
-- it is for. Sealed anew, the code before is forgotten. The code itself is nowhere.

CREATE TABLE break_glass_seals (
    application TEXT NOT NULL REFERENCES applications (key),
    user_id TEXT NOT NULL REFERENCES users (id),
    code_digest TEXT NOT NULL,
    sealed_at BIGINT NOT NULL,
    opened_at BIGINT,
    PRIMARY KEY (application, user_id)
);
CREATE INDEX break_glass_seals_of_user ON break_glass_seals (user_id);
