//! The pool behind its lock. Every decision is one short call; the lock is never held across an await.

use std::sync::{Mutex, PoisonError};

use pool::Pool;

/// The one pool that gateway and engine share.
#[derive(Debug)]
pub struct SharedPool(Mutex<Pool>);

impl SharedPool {
    /// Wraps a pool.
    pub fn new(pool: Pool) -> Self {
        Self(Mutex::new(pool))
    }

    /// Runs `decide` with the pool. A panic in an earlier call does not lock the pool for ever: its values stay usable.
    pub fn with<T>(&self, decide: impl FnOnce(&mut Pool) -> T) -> T {
        decide(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
