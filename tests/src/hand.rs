//! The hand that client programs in other languages have on the simulated upstream: a small HTTP server on loopback.
//!
//! `POST /fresh` · `/script {"steps": [{"step": NAME, …}]}` · `/release` · `/wait-for-disconnect` · `/requests`. Called by
//! the tests in `tests/clients`.

use crate::LIMIT;
use crate::account::{Account, RELAY_MODEL};
use crate::app::TestApp;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use simulator::{Gate, KeySetup, RelayKey, Scripted, Setup, Simulator, Step};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

type Reply = Result<Json<Value>, (StatusCode, String)>;

/// The running control server.
pub struct Hand {
    shared: Shared,
    url: String,
    serving: JoinHandle<()>,
}

type Shared = Arc<Mutex<Held>>;

struct Held {
    subject: Subject,
    gate: Gate,
    /// Disconnects that had been seen when the last script was set.
    disconnects: usize,
}

/// What the clients talk to.
enum Subject {
    /// The application; a fresh account is made by the function.
    App {
        app: Box<TestApp>,
        fresh: fn() -> Account,
    },
    /// The simulated upstream itself.
    Direct {
        simulator: Box<Simulator>,
        key: RelayKey,
    },
}

impl Subject {
    fn simulator(&self) -> &Simulator {
        match self {
            Self::App { app, .. } => app.simulator(),
            Self::Direct { simulator, .. } => simulator,
        }
    }
}

impl Hand {
    /// A hand on the upstream of an application.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn on(app: TestApp, fresh: fn() -> Account) -> Self {
        Self::start(Subject::App {
            app: Box::new(app),
            fresh,
        })
        .await
    }

    /// A hand on an upstream without an application, and its address and key.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn direct() -> (Self, String, String) {
        let simulator = Simulator::start(Setup::default())
            .await
            .expect("the simulated upstream starts");
        let key =
            simulator.add_relay(KeySetup::new("sk-direct-0123456789abcdef").models(&[RELAY_MODEL]));
        let (url, text) = (simulator.base_url(), key.key.clone());
        let hand = Self::start(Subject::Direct {
            simulator: Box::new(simulator),
            key,
        })
        .await;
        (hand, url, text)
    }

    async fn start(subject: Subject) -> Self {
        let shared = Arc::new(Mutex::new(Held {
            subject,
            gate: Gate::new(),
            disconnects: 0,
        }));
        let router = Router::new()
            .route("/fresh", post(fresh))
            .route("/script", post(script))
            .route("/release", post(release))
            .route("/wait-for-disconnect", post(wait_for_disconnect))
            .route("/requests", post(requests))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Self {
            shared,
            url,
            serving,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Model requests that have reached the upstream, with their bodies.
    pub async fn bodies(&self) -> Vec<Value> {
        let held = self.shared.lock().await;
        let seen = model_requests(held.subject.simulator());
        seen.iter()
            .map(|seen| serde_json::from_slice(&seen.body).unwrap_or_default())
            .collect()
    }

    /// Places where a secret or a prompt stands in what the application has written.
    pub async fn leaks(&self) -> Vec<String> {
        match &self.shared.lock().await.subject {
            Subject::App { app, .. } => app.leaks(),
            Subject::Direct { .. } => Vec::new(),
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn model_requests(simulator: &Simulator) -> Vec<simulator::Seen> {
    let mut seen = simulator.requests();
    seen.retain(|seen| seen.method == http::Method::POST);
    seen.retain(|seen| {
        [
            "/responses",
            "/chat/completions",
            "/messages",
            "enerateContent",
        ]
        .iter()
        .any(|end| seen.path.ends_with(end))
    });
    seen
}

async fn fresh(State(shared): State<Shared>) -> Reply {
    let mut held = shared.lock().await;
    held.gate.release();
    held.gate = Gate::new();
    if let Subject::App { app, fresh } = &mut held.subject {
        app.replace_accounts(vec![fresh()]).await;
    }
    Ok(Json(json!({})))
}

async fn script(State(shared): State<Shared>, Json(body): Json<Value>) -> Reply {
    let mut held = shared.lock().await;
    held.disconnects = held.subject.simulator().disconnects();
    let wanted = body["steps"].as_array().cloned().unwrap_or_default();
    let mut steps = wanted
        .iter()
        .map(|step| read_step(step, &held.gate))
        .collect::<Result<Vec<_>, _>>()?;
    match &held.subject {
        Subject::App { app, .. } => app
            .upstreams()
            .iter()
            .for_each(|upstream| upstream.script(steps.clone())),
        Subject::Direct { key, .. } => {
            // Nobody tries again here, and what is left over would meet the next test.
            steps.truncate(1);
            key.script(steps);
        }
    }
    Ok(Json(json!({})))
}

fn read_step(step: &Value, gate: &Gate) -> Result<Step, (StatusCode, String)> {
    let events = || {
        step["events"]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default()
    };
    match step["step"].as_str().unwrap_or_default() {
        "usage_limit" => Ok(Step::UsageLimit {
            resets_in_s: step["seconds"].as_u64().unwrap_or(60),
        }),
        "http500" => Ok(Step::Http500),
        "cut_after" => Ok(Step::CutAfter { events: events() }),
        "failed_after" => Ok(Step::FailedAfter {
            events: events(),
            code: "server_error".to_owned(),
        }),
        "gated" => Ok(Step::Gated {
            events: events(),
            gate: gate.clone(),
        }),
        other => Err((
            StatusCode::BAD_REQUEST,
            format!("there is no step {other:?}"),
        )),
    }
}

async fn release(State(shared): State<Shared>) -> Reply {
    shared.lock().await.gate.release();
    Ok(Json(json!({})))
}

async fn wait_for_disconnect(State(shared): State<Shared>) -> Reply {
    let held = shared.lock().await;
    let wanted = held.disconnects + 1;
    match timeout(LIMIT / 4, held.subject.simulator().wait_disconnects(wanted)).await {
        Ok(()) => Ok(Json(json!({}))),
        Err(_) => Err((
            StatusCode::GATEWAY_TIMEOUT,
            "the upstream saw no disconnect".to_owned(),
        )),
    }
}

async fn requests(State(shared): State<Shared>) -> Reply {
    let held = shared.lock().await;
    Ok(Json(
        json!({"count": model_requests(held.subject.simulator()).len()}),
    ))
}
