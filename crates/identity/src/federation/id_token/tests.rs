//! ID tokens: what holds, and every way in which one does not.
