//! Where a command is carried out: by the running instance over its control socket, or here on a home nobody is using (F138).
//!
//! Both ways go through the same router, so a command behaves the same either way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use anyhow::Context;
use axum::Router;
use axum::body::Body;
use engine::Engine;
use engine::home::{Entry, Home, Instance};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tower::ServiceExt;

use crate::failure::Failure;

/// How long a command waits for another command to let go of the home.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long between two looks at an instance that does not answer yet.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// See the module.
pub(crate) enum Desk {
    Remote(Instance),
    Local { engine: Arc<Engine>, router: Router },
}

/// What a call answered.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Reply {
    /// The answer as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).context(
            "the instance answered with something else than JSON; are both of one version?",
        )
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Desk {
    /// Finds the running instance, or opens the home.
    pub(crate) async fn open(
        home: &Home,
        options: impl FnOnce(engine::home::HomeLock) -> Result<engine::OpenOptions, Failure>,
    ) -> Result<Self, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let entered = {
                let home = home.clone();
                tokio::task::spawn_blocking(move || home.enter(PATIENCE))
                    .await
                    .context("the home could not be entered")?
            };
            let instance = match entered.map_err(engine::EngineError::from)? {
                Entry::Locked(lock) => {
                    let engine = Engine::open(options(lock)?).await?;
                    let router = admin::local::router(engine.clone());
                    return Ok(Self::Local { engine, router });
                }
                Entry::Running(instance) => instance,
            };
            // It may be about to open its control socket, or about to end: then the home is free soon.
            if connect(&instance.control).await.is_ok() {
                return Ok(Self::Remote(instance));
            }
            if waited >= PATIENCE {
                return Err(Failure::new(
                    Exit::HomeLocked,
                    format!(
                        "the home {} is in use by process {}, which does not answer on its control socket; stop it, or choose another home with --home",
                        home.root().display(),
                        instance.pid
                    ),
                ));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            waited += LOOK_AGAIN;
        }
    }

    /// The running instance, when it is one.
    pub(crate) fn instance(&self) -> Option<&Instance> {
        match self {
            Self::Remote(instance) => Some(instance),
            Self::Local { .. } => None,
        }
    }

    /// The engine, when the command runs here.
    pub(crate) fn engine(&self) -> Option<&Arc<Engine>> {
        match self {
            Self::Remote(_) => None,
            Self::Local { engine, .. } => Some(engine),
        }
    }

    /// One call; an error answer becomes a [`Failure`] with its exit code.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, Failure> {
        let body = body.map(|value| value.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "switchyard")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .context("the command makes no valid call")?;
        let response = match self {
            Self::Local { router, .. } => match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Self::Remote(instance) => remote(&instance.control, request).await?,
        };
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .context("the instance broke off")?
            .to_bytes()
            .to_vec();
        let reply = Reply { status, body };
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(Failure::from_admin(
            reply.status,
            &reply.json().unwrap_or_default(),
        ))
    }

    /// Lets go of the home.
    pub(crate) async fn close(self) {
        if let Self::Local { engine, .. } = self {
            engine.shutdown(Duration::ZERO).await;
        }
    }
}

#[cfg(unix)]
async fn connect(path: &PathBuf) -> std::io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(path).await
}

#[cfg(windows)]
async fn connect(
    path: &PathBuf,
) -> std::io::Result<tokio::net::windows::named_pipe::NamedPipeClient> {
    tokio::net::windows::named_pipe::ClientOptions::new().open(path)
}

async fn remote(
    control: &PathBuf,
    request: Request<Body>,
) -> Result<http::Response<Body>, Failure> {
    let stream = connect(control)
        .await
        .context("the running instance does not answer on its control socket")?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .context("the running instance does not answer")?;
    tokio::spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .context("the running instance broke off")?;
    Ok(response.map(Body::new))
}
