-- The keys that our tokens are signed with. The number counts the keys of an algorithm, so that of
-- several processes that make the first one, or the next one, at the same moment only one adds it.
-- The private half is sealed, and NULL once the key has retired.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    number BIGINT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private TEXT,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    retired_at BIGINT,
    UNIQUE (algorithm, number)
);
