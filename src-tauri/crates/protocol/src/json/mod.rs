//! JSON without a tree: finding members by byte offsets. Used by everything that reads or patches bodies in place.

pub mod scan;
