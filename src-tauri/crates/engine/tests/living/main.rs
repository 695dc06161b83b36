//! What a running engine does by itself: automatic switches, notices, a pause, demo accounts. The providers are simulated, clients speak
//! over a socket.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test program: a failed unwrap is a failed test"
)]

mod balances;
mod busy;
mod demo;
mod farewell;
mod large;
mod limits;
mod notices;
mod pause;
mod stage;
mod switches;
mod upkeep;
