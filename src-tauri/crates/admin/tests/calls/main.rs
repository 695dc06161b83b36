//! The admin API through its router, over a real engine whose providers are simulated: what each call answers, and that none answers with a
//! secret. One file per subject; `stage` is what they have in common.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

mod accounts;
mod document;
mod events;
mod every;
mod files;
mod home;
mod limits;
mod quota;
mod relay;
mod requests;
mod shapes;
mod stage;
mod trying;
