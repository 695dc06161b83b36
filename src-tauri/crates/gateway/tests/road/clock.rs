//! Time in the test's hand. A paused clock jumps ahead by itself whenever nothing is ready to run, also while a socket is awaited; a busy
//! blocking thread keeps it from that.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Holds the clock until dropped.
pub struct Hand(#[expect(dead_code, reason = "its drop ends the blocking thread")] Sender<()>);

impl Hand {
    pub fn take() -> Self {
        let (sender, receiver) = channel::<()>();
        tokio::task::spawn_blocking(move || {
            let _ = receiver.recv();
        });
        tokio::time::pause();
        Self(sender)
    }

    /// Lets this much time pass, in steps that give everybody a turn.
    pub async fn forward(&self, by: Duration) {
        let mut left = by;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(1));
            tokio::time::advance(step).await;
            left -= step;
        }
    }
}
