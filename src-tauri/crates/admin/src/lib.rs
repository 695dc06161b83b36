//! The admin API: one axum router over the engine's use cases, whatever the transport (in process, control socket, HTTP with its own token).
//!
//! No answer ever contains a secret. Showing a key and exporting accounts are not here: those are for the control socket and the desktop,
//! which add [`local`] beside this router.

pub mod control;
mod dto;
mod error;
pub mod local;
mod routes;

use std::sync::Arc;

use engine::Engine;

/// The router without secrets.
pub fn router(engine: Arc<Engine>) -> axum::Router {
    routes::router().with_state(engine)
}
