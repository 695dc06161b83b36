//! The table of admin routes, one file per subject: each handler is a use case of the engine and a conversion.

mod accounts;
mod demo;
mod events;
mod files;
mod home;
mod import;
mod keys;
mod limits;
mod naming;
mod quota;
mod relay;
mod requests;
mod settings;
mod signin;
mod status;
mod table;
mod trying;
mod usage;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::Engine;

use crate::error::AdminError;

pub(crate) use events::follow;
use table::mount;
pub(crate) use table::{Described, Served, Table};

type Engines = State<Arc<Engine>>;
type Answer<T> = Result<Json<T>, AdminError>;

/// Who asks: the same answers differ in a word or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// A browser, or a command.
    Console,
    /// The desktop window.
    Window,
}

/// What every transport offers.
pub(crate) fn common<T: Table>(table: T) -> T {
    let table = status::routes(table);
    let table = accounts::routes(table);
    let table = import::routes(table);
    let table = signin::routes(table);
    let table = relay::routes(table);
    let table = naming::routes(table);
    let table = quota::routes(table);
    let table = usage::routes(table);
    let table = requests::routes(table);
    let table = keys::routes(table);
    let table = limits::routes(table);
    let table = settings::routes(table);
    let table = demo::routes(table);
    let table = home::routes(table);
    let table = trying::routes(table);
    events::routes(table)
}

/// What the window offers: [`common`], and files of this machine.
pub(crate) fn window<T: Table>(table: T) -> T {
    home::files(files::routes(common(table)))
}
