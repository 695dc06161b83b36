//! The admin API: one axum router over the engine's use cases, whatever the transport (in process, control socket, HTTP with its own token).
//!
//! Three routers, each holding the one before it: [`router`] for a browser (served by [`console`]), [`window`] for the desktop window (files
//! of this machine, still no secret in any answer), and [`local`] for the control socket, whose few further answers are secrets. [`openapi`]
//! describes the second.

pub mod console;
pub mod control;
mod document;
mod dto;
mod error;
pub mod local;
mod routes;
mod serve;
mod unshaped;

use std::sync::Arc;

use axum::Extension;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use engine::Engine;
use futures_util::{Stream, StreamExt};

use crate::routes::{Served, Surface};

/// Largest body of a call in bytes: an import of 16 MiB of text, escaped, or a picture for the test page.
const LARGEST_BODY: usize = 48 << 20;

/// The router without secrets and without files of this machine.
pub fn router(engine: Arc<Engine>) -> axum::Router {
    routes::common(Served::default())
        .0
        .layer(Extension(Surface::Console))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(unshaped::shape))
        .with_state(engine)
}

/// The router of the desktop window, in process: also reads and writes files the person picked. No answer holds a secret.
pub fn window(engine: Arc<Engine>) -> axum::Router {
    routes::window(Served::default())
        .0
        .layer(Extension(Surface::Window))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(unshaped::shape))
        .with_state(engine)
}

/// The events of [`window`] as JSON values of the type `AdminEvent`, for whoever hands them to the window. Ends with the engine.
pub fn events(engine: Arc<Engine>) -> impl Stream<Item = serde_json::Value> {
    routes::follow(engine, Surface::Window)
        .filter_map(|event| async move { serde_json::to_value(event).ok() })
}

/// The OpenAPI document of [`window`].
pub fn openapi() -> serde_json::Value {
    document::document()
}
