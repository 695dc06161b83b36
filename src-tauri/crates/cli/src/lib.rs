//! The command line: what can be typed and what its end means. The binary `switchyard` does the work.

pub mod args;
pub mod exit;
