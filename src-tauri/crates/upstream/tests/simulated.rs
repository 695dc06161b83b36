//! The whole room against the simulated providers: every scripted failure of theirs, named by us.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use http::StatusCode;
use http_body_util::BodyExt as _;
use pool::{AccountId, AccountKind, Clock, Format, Outcome, QuotaSource, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use simulator::{
    AccountSetup, Gate, Now, RefreshStep, Scripted, Setup, SimAccount, Simulator, Step,
};
use upstream::{
    AccessError, Call, Config, Credential, CredentialError, CredentialStore, Endpoint, OAuthTokens,
    ProxyChoice, QueryError, Target, TargetSpec, Upstream, classify, classify_event,
    identity::Identity,
    oauth::{device::DeviceProgress, pkce},
    quota_from_headers,
};

/// Both sides live at this second.
const NOW: i64 = 1_789_344_000;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }
}

#[derive(Default)]
struct Memory(Mutex<HashMap<AccountId, Credential>>);

impl CredentialStore for Memory {
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        let found = self.0.lock().unwrap().get(id).cloned();
        Box::pin(async { Ok(found) })
    }
    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        self.0
            .lock()
            .unwrap()
            .insert(id.clone(), credential.clone());
        Box::pin(async { Ok(()) })
    }
}

struct Stage {
    simulator: Simulator,
    memory: Arc<Memory>,
    upstream: Upstream,
}

impl Stage {
    async fn set() -> Self {
        let setup = Setup {
            now: Now::new(|| NOW),
            ..Setup::default()
        };
        let simulator = Simulator::start(setup).await.unwrap();
        let memory = Arc::new(Memory::default());
        let config = Config {
            codex_base_url: simulator.codex_base_url(),
            auth_url: simulator.auth_url(),
            headers_timeout: Duration::from_secs(5),
            ..Config::default()
        };
        let upstream = Upstream::new(config, memory.clone(), Arc::new(Fixed)).unwrap();
        Self {
            simulator,
            memory,
            upstream,
        }
    }

    fn account(&self, name: &str, lives: i64) -> (SimAccount, Target) {
        let email = format!("{name}@example.com");
        let account = self
            .simulator
            .add_codex_account(AccountSetup::new(&email).access_ttl_s(lives));
        account.set_access_ttl(864_000);
        let mut tokens = OAuthTokens {
            access: Some(SecretString::from(account.access_token.clone())),
            refresh: Some(SecretString::from(account.refresh_token.clone())),
            id_token: Some(SecretString::from(account.id_token.clone())),
            ..OAuthTokens::default()
        };
        tokens.adopt_claims();
        let target = self.target(name, AccountKind::CodexOauth, Format::Codex, "");
        self.memory
            .0
            .lock()
            .unwrap()
            .insert(target.id.clone(), Credential::OAuth(Box::new(tokens)));
        (account, target)
    }

    fn relay(&self, name: &str, format: Format) -> (simulator::RelayKey, Target) {
        let key = self.simulator.add_relay_key(&format!("sk-{name}"));
        let target = self.target(
            name,
            AccountKind::Relay,
            format,
            &self.simulator.relay_base_url(),
        );
        let credential = Credential::Key(SecretString::from(key.key.clone()));
        self.memory
            .0
            .lock()
            .unwrap()
            .insert(target.id.clone(), credential);
        (key, target)
    }

    fn target(&self, name: &str, kind: AccountKind, format: Format, base_url: &str) -> Target {
        Target::new(TargetSpec {
            id: AccountId::from(name),
            label: name.into(),
            kind,
            format,
            base_url: base_url.into(),
            proxy: ProxyChoice::Direct,
            headers: Vec::new(),
            provider_account_id: None,
            fedramp: false,
            manner: upstream::Manner::default(),
        })
        .unwrap()
    }

    /// What becomes of one streamed request, as the gateway would judge it before the commit point.
    async fn outcome(&self, target: &Target) -> Outcome {
        let access = match self.upstream.access(target).await {
            Ok(access) => access,
            Err(error) => return error.outcome(),
        };
        let (endpoint, body) = match target.format {
            Format::OpenAi => (Endpoint::ChatCompletions, CHAT),
            _ => (Endpoint::Responses, RESPONSES),
        };
        let call = Call::json(endpoint, vec![Bytes::from_static(body)], true);
        let answer = match self.upstream.send(target, &access, call).await {
            Ok(answer) => answer,
            Err(error) => return error.outcome,
        };
        let now = Timestamp::from_secs(NOW);
        let (head, body) = answer.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return error.outcome(),
        };
        let outcome = classify(target.format, head.status, &head.headers, &body, now);
        let events = std::str::from_utf8(&body)
            .unwrap()
            .lines()
            .filter_map(|l| l.strip_prefix("data: "));
        match outcome {
            Outcome::Success => events
                .filter_map(|data| classify_event(data.as_bytes(), now))
                .next()
                .unwrap_or(Outcome::Success),
            other => other,
        }
    }
}

const CHAT: &[u8] =
    br#"{"model":"gpt-5.5","stream":true,"messages":[{"role":"user","content":"say:hello"}]}"#;
const RESPONSES: &[u8] = br#"{"model":"gpt-5.5","stream":true,"store":false,"instructions":"",
    "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"say:hello"}]}]}"#;

#[tokio::test]
async fn f52_f53_every_scripted_failure_has_its_name() {
    let stage = Stage::set().await;
    let (account, codex) = stage.account("one", 864_000);
    let (chat_key, chat) = stage.relay("chat", Format::OpenAi);
    let (responses_key, responses) = stage.relay("responses", Format::Responses);
    let at = |secs: i64| Some(Timestamp::from_secs(NOW + secs));
    let rows: Vec<(Step, Outcome)> = vec![
        (Step::Ok, Outcome::Success),
        (
            Step::UsageLimit { resets_in_s: 600 },
            Outcome::UsageLimit { resets_at: at(600) },
        ),
        (
            Step::UsageLimitBare,
            Outcome::UsageLimit { resets_at: None },
        ),
        (
            Step::RateLimited {
                retry_after: Some("7".into()),
            },
            Outcome::RateLimited { retry_at: at(7) },
        ),
        (Step::Unauthorized, Outcome::Unauthorized),
        (Step::Http500, Outcome::ServerError { status: 500 }),
        (Step::Overloaded503, Outcome::Overloaded { retry_at: None }),
        (Step::PaymentRequired402, Outcome::PaymentRequired),
        (Step::Forbidden403Json, Outcome::Forbidden),
        (Step::HtmlChallenge403, Outcome::Challenge),
        (Step::HtmlPage200, Outcome::NotAnApi),
        (
            Step::InvalidEncryptedContent,
            Outcome::InvalidEncryptedContent,
        ),
        (Step::ModelUnsupported, Outcome::ModelUnsupported),
        (
            Step::ContextOverflow,
            Outcome::InvalidRequest { status: 400 },
        ),
        (
            Step::failed_first("server_error"),
            Outcome::ServerError { status: 500 },
        ),
        (
            Step::failed_first("server_is_overloaded"),
            Outcome::Overloaded { retry_at: None },
        ),
        (
            Step::failed_first("usage_limit_reached"),
            Outcome::UsageLimit { resets_at: None },
        ),
        (
            Step::ErrorEvent {
                events: 0,
                code: "slow_down".into(),
            },
            Outcome::Overloaded { retry_at: None },
        ),
        (
            Step::FailedAfter {
                events: 3,
                code: "server_error".into(),
            },
            Outcome::ServerError { status: 500 },
        ),
        (Step::ResetAfter { events: 2 }, Outcome::StreamCut),
        (Step::Incomplete, Outcome::Success),
        (
            Step::json(422, r#"{"detail":[{"msg":"bad"}]}"#),
            Outcome::InvalidRequest { status: 422 },
        ),
    ];
    for (step, want) in rows {
        account.script([step.clone()]);
        chat_key.script([step.clone()]);
        responses_key.script([step.clone()]);
        for target in [&codex, &chat, &responses] {
            let got = stage.outcome(target).await;
            // Whether a time comes beside these is the simulator's choice.
            let (got, want) = match (got, want) {
                (Outcome::Overloaded { .. }, Outcome::Overloaded { .. })
                | (Outcome::UsageLimit { .. }, Outcome::UsageLimit { resets_at: None }) => {
                    (want, want)
                }
                pair => pair,
            };
            assert_eq!(got, want, "{} {step:?}", target.label);
        }
    }
}

#[tokio::test]
async fn f122_resets_on_reused_connections_are_repeated_once_and_no_more() {
    let stage = Stage::set().await;
    let (account, target) = stage.account("one", 864_000);
    assert_eq!(stage.outcome(&target).await, Outcome::Success);
    account.script([Step::ResetBeforeHeaders]);
    assert_eq!(
        stage.outcome(&target).await,
        Outcome::Success,
        "stale, repeated"
    );
    account.script([Step::ResetBeforeHeaders, Step::ResetBeforeHeaders]);
    assert_eq!(stage.outcome(&target).await, Outcome::Network);
    account.script([Step::CloseBeforeHeaders]);
    assert_eq!(
        stage.outcome(&target).await,
        Outcome::Network,
        "a fresh connection is not repeated"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f16_fifty_requests_on_an_expired_account_make_one_token_call() {
    let stage = Stage::set().await;
    let (account, target) = stage.account("one", -10);
    let gate = Gate::new();
    account.script_refresh([RefreshStep::Gated(gate.clone())]);
    let release = async {
        gate.wait_reached(1).await;
        gate.release();
    };
    let stage = Arc::new(stage);
    let requests = join_all((0..50).map(|_| {
        let (stage, target) = (stage.clone(), target.clone());
        tokio::spawn(async move { stage.outcome(&target).await })
    }));
    let (outcomes, ()) = tokio::join!(requests, release);
    assert!(outcomes.into_iter().all(|o| o.unwrap() == Outcome::Success));
    assert_eq!(account.token_calls(), 1);
    // F17: what the vault holds is what the issuer will accept next.
    let Some(Credential::OAuth(kept)) = stage.memory.0.lock().unwrap().get(&target.id).cloned()
    else {
        panic!()
    };
    assert_eq!(
        kept.refresh.unwrap().expose_secret(),
        account.current_refresh_token()
    );
    assert!(account.is_spent(&account.refresh_token));
    assert_eq!(kept.email.as_deref(), Some("one@example.com"));
    assert_eq!(kept.expires_at, Some(Timestamp::from_secs(NOW + 864_000)));
}

#[tokio::test]
async fn f22_a_revoked_token_is_replaced_in_the_background() {
    let stage = Stage::set().await;
    let (account, target) = stage.account("one", 864_000);
    let used = stage.upstream.access(&target).await.unwrap();
    account.revoke_access();
    assert_eq!(stage.outcome(&target).await, Outcome::Unauthorized);
    stage.upstream.unauthorized(&target, &used);
    assert_eq!(stage.outcome(&target).await, Outcome::Success);
    assert_eq!(account.token_calls(), 1);
}

#[tokio::test]
async fn f18_every_refusal_of_the_issuer() {
    let stage = Stage::set().await;
    let status = |code: u16, body: &str| RefreshStep::Status {
        code,
        body: body.into(),
        content_type: "application/json".into(),
    };
    let refused = |banned| Outcome::RefreshRefused {
        confirmed: false,
        banned,
    };
    let rows = [
        (RefreshStep::Ok, Outcome::Success),
        (RefreshStep::AccessOnly, Outcome::Success),
        (
            RefreshStep::refused("refresh_token_expired"),
            refused(false),
        ),
        (RefreshStep::refused("refresh_token_reused"), refused(false)),
        (RefreshStep::refused("something_new"), refused(false)),
        (RefreshStep::InvalidGrant, refused(false)),
        (RefreshStep::refused("account_deactivated"), refused(true)),
        (RefreshStep::Http500, Outcome::RefreshUnavailable),
        (
            RefreshStep::RateLimited {
                retry_after: Some("30".into()),
            },
            Outcome::RefreshUnavailable,
        ),
        (RefreshStep::Region403, Outcome::RefreshUnavailable),
        (RefreshStep::Reset, Outcome::RefreshUnavailable),
        (RefreshStep::RotateThenReset, Outcome::RefreshUnavailable),
        (status(200, "{}"), Outcome::RefreshUnavailable),
        (status(200, "<html>"), Outcome::RefreshUnavailable),
        (status(302, ""), Outcome::RefreshUnavailable),
    ];
    for (n, (step, want)) in rows.into_iter().enumerate() {
        let (account, target) = stage.account(&format!("a{n}"), -10);
        account.script_refresh([step.clone()]);
        assert_eq!(stage.outcome(&target).await, want, "{step:?}");
        assert_eq!(account.token_calls(), 1, "{step:?}");
        // F19: nothing is ever deleted.
        assert!(stage.memory.0.lock().unwrap().contains_key(&target.id));
    }
}

#[tokio::test]
async fn f67_f68_f89_quota_usage_and_models() {
    let stage = Stage::set().await;
    let (_, target) = stage.account("one", 864_000);
    let access = stage.upstream.access(&target).await.unwrap();
    let call = Call::json(
        Endpoint::Responses,
        vec![Bytes::from_static(RESPONSES)],
        true,
    );
    let answer = stage.upstream.send(&target, &access, call).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let seen = quota_from_headers(answer.headers(), Timestamp::from_secs(NOW)).unwrap();
    assert_eq!(seen.source, QuotaSource::Header);
    assert!(seen.primary.unwrap().resets_at.unwrap() > Timestamp::from_secs(NOW));
    let asked = stage.upstream.query_usage(&target).await.unwrap();
    assert_eq!(
        (asked.source, asked.plan.as_deref()),
        (QuotaSource::Query, Some("plus"))
    );
    assert_eq!(
        asked.primary.unwrap().length,
        Some(Duration::from_secs(18_000))
    );

    let names = |list: Vec<upstream::Model>| list.into_iter().map(|m| m.id).collect::<Vec<_>>();
    let models = names(stage.upstream.list_models(&target).await.unwrap());
    assert!(models.contains(&"gpt-5.5".to_owned()), "{models:?}");
    // An old version hides new models (codex-backend 9.3).
    let old = Config {
        client_version: "0.1.0".into(),
        ..stage.upstream.config()
    };
    stage.upstream.set_config(old).unwrap();
    assert!(
        !names(stage.upstream.list_models(&target).await.unwrap()).contains(&"gpt-5.5".to_owned())
    );
    let (_, relay) = stage.relay("relay", Format::OpenAi);
    assert!(!stage.upstream.list_models(&relay).await.unwrap().is_empty());
    let refused = stage.upstream.query_usage(&relay).await.unwrap_err();
    assert!(matches!(refused, QueryError::NotApplicable(_)), "{refused}");
}

#[tokio::test]
async fn f77_compact_is_a_plain_json_call() {
    let stage = Stage::set().await;
    let (_, target) = stage.account("one", 864_000);
    let access = stage.upstream.access(&target).await.unwrap();
    let body = Bytes::from_static(
        br#"{"model":"gpt-5.5","instructions":"","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}]}"#,
    );
    let call = Call::json(Endpoint::Compact, vec![body], false);
    let answer = stage.upstream.send(&target, &access, call).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["output"].is_array());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let stage = Stage::set().await;
    let (account, target) = stage.account("one", 864_000);
    account.script([Step::HangAfter { events: 2 }, Step::HangHeaders]);
    let access = stage.upstream.access(&target).await.unwrap();
    let call = || {
        Call::json(
            Endpoint::Responses,
            vec![Bytes::from_static(RESPONSES)],
            true,
        )
    };
    let answer = stage.upstream.send(&target, &access, call()).await.unwrap();
    drop(answer);
    stage.simulator.wait_disconnects(1).await;
    // The same while the headers are awaited.
    let (upstream, target) = (stage.upstream.clone(), target.clone());
    let waiting =
        tokio::spawn(async move { upstream.send(&target, &access, call()).await.map(drop) });
    stage.simulator.wait_requests(2).await;
    waiting.abort();
    stage.simulator.wait_disconnects(2).await;
}

#[tokio::test]
async fn f3_sign_in_by_browser_and_revoke() {
    let stage = Stage::set().await;
    let (account, _) = stage.account("one", 864_000);
    account.sign_in_next();
    let pkce = pkce::Pkce::generate().unwrap();
    let redirect = "http://localhost:1455/auth/callback";
    let page = stage
        .upstream
        .authorize_url(redirect, &pkce.challenge, "state-1");
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = browser.get(page).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        back.starts_with(redirect) && back.ends_with("state=state-1"),
        "{back}"
    );
    let code = back
        .split(['?', '&'])
        .find_map(|p| p.strip_prefix("code="))
        .unwrap();
    let direct = ProxyChoice::Direct;
    let exchange = |redirect: &'static str| {
        stage
            .upstream
            .exchange_code(&direct, code, redirect, &pkce.verifier)
    };
    let tokens = exchange(redirect).await.unwrap();
    assert_eq!(tokens.account_id.as_deref(), Some("acc-one"));
    assert_eq!(tokens.user_id.as_deref(), Some("user-one"));
    assert_eq!(
        (tokens.plan.as_deref(), tokens.email.as_deref()),
        (Some("plus"), Some("one@example.com"))
    );
    assert!(
        matches!(
            exchange(redirect).await.unwrap_err(),
            AccessError::Refresh(_)
        ),
        "a code works once"
    );
    let identity =
        Identity::from_tokens(Some(tokens.access.as_ref().unwrap().expose_secret()), None);
    assert_eq!(identity.expires_at, tokens.expires_at);

    stage.upstream.revoke(&direct, &tokens).await.unwrap();
    let target = stage.target("again", AccountKind::CodexOauth, Format::Codex, "");
    stage
        .memory
        .0
        .lock()
        .unwrap()
        .insert(target.id.clone(), Credential::OAuth(Box::new(tokens)));
    assert_eq!(stage.outcome(&target).await, Outcome::Unauthorized);
}

#[tokio::test]
async fn f3_sign_in_by_device_code() {
    let stage = Stage::set().await;
    let (account, _) = stage.account("one", 864_000);
    account.sign_in_next();
    let direct = ProxyChoice::Direct;
    let code = stage.upstream.device_start(&direct).await.unwrap();
    assert!(!code.user_code.is_empty() && code.verification_url.ends_with("/codex/device"));
    let first = stage.upstream.device_poll(&direct, &code).await.unwrap();
    assert!(matches!(first, DeviceProgress::Pending));
    let DeviceProgress::Authorized(grant) =
        stage.upstream.device_poll(&direct, &code).await.unwrap()
    else {
        panic!()
    };
    let tokens = stage
        .upstream
        .exchange_device(&direct, &grant)
        .await
        .unwrap();
    assert_eq!(tokens.account_id.as_deref(), Some("acc-one"));
}
