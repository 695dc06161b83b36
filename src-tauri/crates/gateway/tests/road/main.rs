//! The road of a request through the gateway in process: retries, repairs and bounds that need more than one room.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod clock;
mod connections;
mod embeddings;
mod gemini;
mod held;
mod images;
mod inside;
mod keys;
mod lost;
mod messages;
mod models;
mod naming;
mod panics;
mod previous;
mod rows;
mod sealed;
mod stage;
mod usage;
mod waiting;
mod zai;
