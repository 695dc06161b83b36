//! What handlers are mounted on: a router that serves them, or the document that describes them. Each handler is named once, in [`mount!`].
//!
//! Two tables rather than one that does both: the descriptions are a third of this room's code, and only the generator reads them. A
//! program that never makes a [`Described`] does not carry them.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;
use engine::Engine;
use utoipa::openapi::OpenApi;
use utoipa_axum::PathItemExt as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// Where handlers are mounted.
pub(crate) trait Table: Sized {
    /// Mounts one handler: how it is served, and how it is described.
    fn add<P: utoipa::Path>(
        self,
        served: impl FnOnce() -> MethodRouter<Arc<Engine>>,
        described: impl FnOnce() -> UtoipaMethodRouter<Arc<Engine>>,
    ) -> Self;
}

/// The table that serves.
#[derive(Default)]
pub(crate) struct Served(pub(crate) Router<Arc<Engine>>);

impl Table for Served {
    fn add<P: utoipa::Path>(
        self,
        served: impl FnOnce() -> MethodRouter<Arc<Engine>>,
        _: impl FnOnce() -> UtoipaMethodRouter<Arc<Engine>>,
    ) -> Self {
        Self(self.0.route(&P::path(), served()))
    }
}

/// The table that describes.
pub(crate) struct Described(pub(crate) OpenApiRouter<Arc<Engine>>);

impl Described {
    pub(crate) fn new(document: OpenApi) -> Self {
        Self(OpenApiRouter::with_openapi(document))
    }
}

impl Table for Described {
    fn add<P: utoipa::Path>(
        self,
        _: impl FnOnce() -> MethodRouter<Arc<Engine>>,
        described: impl FnOnce() -> UtoipaMethodRouter<Arc<Engine>>,
    ) -> Self {
        Self(self.0.routes(described()))
    }
}

/// The methods of a described handler, each answered by `handler`.
pub(crate) fn methods<P, H, X>(handler: H) -> MethodRouter<Arc<Engine>>
where
    P: utoipa::Path,
    H: axum::handler::Handler<X, Arc<Engine>>,
    X: 'static,
{
    P::methods()
        .iter()
        .fold(MethodRouter::new(), |router, method| {
            router.on(method.to_method_filter(), handler.clone())
        })
}

/// Mounts the named handlers at the paths and methods their `utoipa::path` attributes state.
macro_rules! mount {
    ($table:expr; $($handler:ident),+) => {{
        let table = $table;
        $(
            let table = utoipa_axum::paste! {
                $crate::routes::Table::add::<[<__path_ $handler>]>(
                    table,
                    || $crate::routes::table::methods::<[<__path_ $handler>], _, _>($handler),
                    || utoipa_axum::routes!($handler),
                )
            };
        )+
        table
    }};
}
pub(crate) use mount;
