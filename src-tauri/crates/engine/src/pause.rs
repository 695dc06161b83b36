//! Pausing: the gateway refuses requests for a while, because the person asked.

use pool::Timestamp;

use crate::compose::Engine;

impl Engine {
    /// Whether requests are refused: until then, or until the person resumes.
    pub fn paused(&self) -> Option<Option<Timestamp>> {
        None
    }
}
