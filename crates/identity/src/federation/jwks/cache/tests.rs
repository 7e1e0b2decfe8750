//! The cache rules: fresh, stale, forced, failed.
