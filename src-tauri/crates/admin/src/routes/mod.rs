//! The table of admin routes, one file per subject: each handler is a use case of the engine and a conversion.

mod accounts;
mod demo;
mod events;
mod files;
mod import;
mod keys;
mod limits;
mod quota;
mod relay;
mod requests;
mod settings;
mod signin;
mod status;
mod trying;
mod usage;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::Engine;
use utoipa_axum::router::OpenApiRouter;

use crate::error::AdminError;

pub(crate) use events::follow;

type Engines = State<Arc<Engine>>;
type Answer<T> = Result<Json<T>, AdminError>;
type Routes = OpenApiRouter<Arc<Engine>>;

/// Who asks: the same answers differ in a word or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// A browser, or a command.
    Console,
    /// The desktop window.
    Window,
}

/// What every transport offers.
pub(crate) fn common() -> Routes {
    OpenApiRouter::default()
        .merge(status::routes())
        .merge(accounts::routes())
        .merge(import::routes())
        .merge(signin::routes())
        .merge(relay::routes())
        .merge(quota::routes())
        .merge(usage::routes())
        .merge(requests::routes())
        .merge(keys::routes())
        .merge(limits::routes())
        .merge(settings::routes())
        .merge(demo::routes())
        .merge(trying::routes())
        .merge(events::routes())
}

/// What the window offers: [`common`], and files of this machine.
pub(crate) fn window() -> Routes {
    common().merge(files::routes())
}
