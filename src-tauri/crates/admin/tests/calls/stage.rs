//! An engine in a folder of its own, simulated providers, and the window's router over it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use engine::env::Env;
use engine::home::Home;
use engine::{Engine, OpenOptions, VaultChoice};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use simulator::{AccountSetup, KeySetup, RelayKey, Setup, SimAccount, Simulator};
use tower::ServiceExt;

/// The key of the simulated relay: nothing a redactor would know by its looks.
pub(crate) const RELAY_KEY: &str = "relay-KEY-that-nobody-may-see-8842";

pub(crate) struct Stage {
    pub folder: tempfile::TempDir,
    pub simulator: Simulator,
    pub engine: Arc<Engine>,
    pub router: Router,
}

/// An answer as it came.
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The JSON of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.json()
    }

    /// The code of an error answer, whose shape is checked.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert!(!self.status.is_success(), "{}: {}", self.status, self.text);
        let body = self.json();
        let error = &body["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{}: {}", self.status, self.text);
        assert!(error["action"].is_null() || error["action"].is_string());
        error["code"].as_str().unwrap().to_owned()
    }

    /// The data of every server-sent event.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::prepared(|_| {}).await
    }

    /// The same on a home that `prepare` has written to.
    pub(crate) async fn prepared(prepare: impl FnOnce(&std::path::Path)) -> Self {
        let simulator = Simulator::start(Setup::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("home");
        let lock = Home::at(&root).unwrap().lock().unwrap();
        prepare(&root);
        let codex = folder.path().join("codex");
        std::fs::create_dir(&codex).unwrap();
        let env = Env::from_pairs([("CODEX_HOME".to_owned(), codex.display().to_string())]);
        let mut options = OpenOptions::new(lock, env).unwrap();
        options.vault = VaultChoice::Memory;
        options.flags = vec![
            ("codex.base_url".into(), simulator.codex_base_url()),
            ("codex.usage_url".into(), simulator.usage_url()),
            ("codex.auth_url".into(), simulator.auth_url()),
            ("server.port".into(), "0".into()),
        ];
        let engine = Engine::open(options).await.unwrap();
        let router = admin::window(engine.clone());
        Self {
            folder,
            simulator,
            engine,
            router,
        }
    }

    /// A sign-in at the provider that is an account here too.
    pub(crate) async fn sign_in(&self, email: &str) -> SimAccount {
        self.sign_in_as(AccountSetup::new(email)).await
    }

    pub(crate) async fn sign_in_as(&self, setup: AccountSetup) -> SimAccount {
        let account = self.simulator.add_codex_account(setup);
        let text = SecretString::from(account.auth_json());
        let report = self.engine.import(&text, false, false).await.unwrap();
        assert_eq!(report.failed, 0, "{:?}", report.errors);
        account
    }

    /// A relay that is an account here too.
    pub(crate) async fn relay(&self, label: &str, models: &[&str]) -> RelayKey {
        let key = self
            .simulator
            .add_relay(KeySetup::new(RELAY_KEY).label(label));
        let new = json!({"kind": "relay", "label": label, "base_url": self.simulator.relay_base_url(), "format": "openai", "key": RELAY_KEY, "models": models});
        self.post("/accounts", new).await.ok();
        key
    }

    /// The id of the account with this label.
    pub(crate) fn id(&self, label: &str) -> String {
        self.engine.account(label).unwrap().id.to_string()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let response = self.response(method, path, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// The answer with its body unread.
    pub(crate) async fn response(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Body::from(body)).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A prompt through the gateway, as a request that stands in the journal.
    pub(crate) async fn ask(&self, model: &str) -> Reply {
        self.post(
            "/try",
            json!({"protocol": "responses", "model": model, "prompt": "say:hello"}),
        )
        .await
    }

    pub(crate) async fn end(self) {
        self.engine.shutdown(Duration::ZERO).await;
    }
}

/// The events of one sort that come next, as `AdminEvent`s in JSON.
pub(crate) async fn next_of(
    events: &mut (impl futures_util::Stream<Item = Value> + Unpin),
    sort: &str,
) -> Value {
    loop {
        let event = events.next().await.unwrap();
        if event["type"] == sort {
            return event;
        }
    }
}
