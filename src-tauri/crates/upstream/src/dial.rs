//! Tells whether a request opened a connection of its own or rode on an idle one.
//!
//! An idle connection may have been closed by the other side just before we used it. Such a failure says nothing about the
//! account and is retried once on a fresh connection (F122). The HTTP client does not report which case it was, but it
//! calls its connector inside the request's own future, so a thread-local mark around each poll is enough.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

thread_local! {
    static DIALLED: Cell<bool> = const { Cell::new(false) };
}

/// Connector layer that marks the poll in which a connection was begun.
#[derive(Clone, Copy)]
pub(crate) struct DialMark;

impl<S> Layer<S> for DialMark {
    type Service = Marking<S>;
    fn layer(&self, inner: S) -> Marking<S> {
        Marking(inner)
    }
}

#[derive(Clone)]
pub(crate) struct Marking<S>(S);

impl<S: Service<R>, R> Service<R> for Marking<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        DIALLED.set(true);
        self.0.call(request)
    }
}

/// Runs a request and tells beside its result whether it began a connection.
pub(crate) struct Watched<F> {
    inner: F,
    dialled: bool,
}

impl<F> Watched<F> {
    pub fn new(inner: F) -> Self {
        Self {
            inner,
            dialled: false,
        }
    }
}

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = (F::Output, bool);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        DIALLED.set(false);
        let polled = Pin::new(&mut self.inner).poll(cx);
        self.dialled |= DIALLED.get();
        polled.map(|output| (output, self.dialled))
    }
}
