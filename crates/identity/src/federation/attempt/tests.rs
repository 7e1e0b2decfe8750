//! Trips to a provider: how they begin and which answers end them.
