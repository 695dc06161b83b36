//! The engine: composes vault, store, pool, upstream and gateway into one running whole.

pub mod clock;
pub mod env;
pub mod export;
pub mod home;
pub mod import;
pub mod redact;
pub mod settings;
