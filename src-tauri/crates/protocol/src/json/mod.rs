//! JSON without a tree: finding members by byte offsets, reading slices, writing by hand. Used by everything that reads, patches or translates bodies.

pub(crate) mod read;
pub mod scan;
pub(crate) mod text;
pub(crate) mod write;
