//! Simulated accounts beside the real ones: marked in their record, and removed as one.

/// What the record of a demo account names as its source.
pub(crate) const SOURCE: &str = "demo";
