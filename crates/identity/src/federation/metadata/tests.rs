//! Discovery documents: which are accepted, and what operators read about the others.
