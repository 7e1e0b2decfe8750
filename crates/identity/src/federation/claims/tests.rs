//! From claims to a person: names, addresses, and what the audit sees.
