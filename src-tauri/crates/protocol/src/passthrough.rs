//! The fast lane's way back: the upstream's bytes go on as they are, an observer reads along.

use crate::types::{Head, Options, Target};

/// What a passed-through answer needs to know of its request.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassState {
    /// The name the client asked for, where another was sent (T204, F92).
    pub(crate) echo_model: Option<Box<str>>,
    /// The client did not ask for the usage chunk (T154).
    pub(crate) hide_usage: bool,
    /// The client would trip over the backend's private events (T188).
    pub(crate) hide_private: bool,
    /// Unix seconds, for an error that must be told before the upstream said when.
    pub(crate) created: i64,
    /// The id told in such an error.
    pub(crate) fallback_id: Box<str>,
}

impl PassState {
    pub(crate) fn new(to: Target, head: &Head, options: &Options<'_>) -> Self {
        let asked = head
            .model
            .as_deref()
            .filter(|asked| options.model.is_some_and(|sent| sent != *asked));
        Self {
            echo_model: asked.map(Into::into),
            hide_usage: false,
            hide_private: to == Target::Codex && !options.codex_client,
            created: options.created,
            fallback_id: format!("resp_{}", options.request_id).into(),
        }
    }
}
