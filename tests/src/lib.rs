//! The harness of the tests that go through the front door: the real `switchyard` program, its command line and its
//! HTTP surface, in front of a simulated upstream.
//!
//! ```no_run
//! # use tests::{TestApp, codex, Step};
//! # async fn example() {
//! let app = TestApp::new("example")
//!     .account(codex("first").script([Step::Http500]))
//!     .account(codex("second"))
//!     .start()
//!     .await;
//! let answer = app.chat("say:hello").await;
//! assert_eq!(answer.text(), "hello");
//! # }
//! ```
//!
//! Every application has a home, a HOME and settings of its own; it is killed when its `TestApp` is dropped. It knows
//! no room's types. Nothing here sleeps: what is awaited has a time limit.

mod account;
mod answer;
mod app;
mod binary;
mod evidence;
mod hand;

pub use account::{
    Account, CODEX_MODEL, OTHER_CODEX_MODEL, OTHER_RELAY_MODEL, RELAY_MODEL, SimUpstream, codex,
    relay_chat, relay_gemini, relay_messages, relay_responses,
};
pub use answer::{Answer, Stream, text_of};
pub use app::{TestApp, TestAppBuilder, send};
pub use binary::{Run, binary_path};
pub use evidence::{Evidence, note_secret};
pub use hand::Hand;
pub use simulator::{Endpoint, Gate, RefreshStep, Scripted, Seen, SimAccount, Simulator, Step};

use std::time::Duration;

/// Longer than anything here may take, even on a busy machine with two cores.
pub const LIMIT: Duration = Duration::from_secs(60);
