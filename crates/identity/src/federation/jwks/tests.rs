//! Key sets: which keys are taken, and which are tried for a token.
