//! Finding and skipping JSON values by byte offsets, without building anything.

use std::ops::Range;

/// One member of an object: its decoded key and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key, decoded.
    pub key: String,
    /// From the key's opening quote to the end of the value.
    pub whole: Range<usize>,
    /// The value alone.
    pub value: Range<usize>,
}
