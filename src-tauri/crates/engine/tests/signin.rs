//! Signing in through the engine's use cases (F2, F3, F17, F20, F31): browser, paste-back and device code against a simulated issuer.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::{Engine, EngineEvent, OpenOptions, SignInKind, SignInView, VaultChoice};
use secrecy::SecretString;
use simulator::{AccountSetup, Setup, SimAccount, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Stage {
    folder: tempfile::TempDir,
    simulator: Simulator,
    engine: Arc<Engine>,
}

async fn stage_on(ports: [u16; 2]) -> Stage {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, ports, VaultChoice::Memory).await;
    Stage {
        folder,
        simulator,
        engine,
    }
}

async fn stage() -> Stage {
    stage_on([0, 0]).await
}

async fn open(
    folder: &Path,
    simulator: &Simulator,
    ports: [u16; 2],
    vault: VaultChoice,
) -> Arc<Engine> {
    let lock = Home::at(&folder.join("home")).unwrap().lock().unwrap();
    let env = Env::from_pairs(Vec::<(String, String)>::new());
    let mut options = OpenOptions::new(lock, env).unwrap();
    options.vault = vault;
    options.passphrase = Some(SecretString::from("correct horse"));
    options.callback_ports = ports;
    options.flags = vec![
        ("codex.base_url".into(), simulator.codex_base_url()),
        ("codex.usage_url".into(), simulator.usage_url()),
        ("codex.auth_url".into(), simulator.auth_url()),
        ("server.port".into(), "0".into()),
    ];
    Engine::open(options).await.unwrap()
}

impl Stage {
    /// An account at the issuer that the next sign-in is for.
    fn person(&self, name: &str) -> SimAccount {
        let account = self
            .simulator
            .add_codex_account(AccountSetup::new(&format!("{name}@example.com")));
        account.sign_in_next();
        account
    }

    async fn begin(&self, kind: SignInKind, again: Option<&str>) -> SignInView {
        self.engine.begin_sign_in(kind, again).await.unwrap()
    }

    /// Signs in at the issuer and gives the address the browser is sent to.
    async fn agree(&self, view: &SignInView) -> String {
        let page = get(&view.url, "").await;
        assert_eq!(page.status, 302, "{}", page.body);
        page.header("location").unwrap().to_owned()
    }

    /// Waits until the tokens were kept, or not.
    async fn ended(&self, id: &str) -> SignInView {
        loop {
            let view = self.engine.sign_in(id).unwrap();
            if !matches!(view.state, "waiting" | "exchanging") {
                return view;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The whole way in the browser, by pasting.
    async fn sign_in(&self, again: Option<&str>) -> SignInView {
        let view = self.begin(SignInKind::Browser, again).await;
        let address = self.agree(&view).await;
        self.engine
            .paste_sign_in(&view.id, &address.into())
            .unwrap();
        self.ended(&view.id).await
    }

    fn labels(&self) -> Vec<String> {
        let accounts = self.engine.accounts();
        accounts.into_iter().map(|account| account.label).collect()
    }

    async fn end(self) {
        self.engine.shutdown(Duration::ZERO).await;
        drop(self.folder);
    }
}

struct Page {
    status: u16,
    head: String,
    body: String,
}

impl Page {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn send(method: &str, address: &str, headers: &str) -> Page {
    let url: url::Url = address.parse().unwrap();
    let port = url.port().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = if headers.to_ascii_lowercase().contains("host:") {
        String::new()
    } else {
        format!("Host: {}:{port}\r\n", url.host_str().unwrap())
    };
    let request = format!("{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Page {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn get(address: &str, headers: &str) -> Page {
    send("GET", address, headers).await
}

/// A parameter of an address.
fn parameter(address: &str, name: &str) -> String {
    let url: url::Url = address.parse().unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap().1.into_owned()
}

/// The port that the sign-in's page will send the browser to.
fn port(view: &SignInView) -> u16 {
    let redirect: url::Url = parameter(&view.url, "redirect_uri").parse().unwrap();
    redirect.port().unwrap()
}

async fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).await.is_ok()
}

#[tokio::test]
async fn f3_a_sign_in_in_the_browser() {
    let stage = stage().await;
    let person = stage.person("ada");
    let mut events = stage.engine.events();
    let view = stage.begin(SignInKind::Browser, None).await;
    assert_eq!((view.state, view.listening), ("waiting", true));
    assert!(!view.terms && view.account.is_none() && view.error.is_none());
    assert_eq!(parameter(&view.url, "code_challenge_method"), "S256");
    let redirect = parameter(&view.url, "redirect_uri");
    let port = port(&view);
    assert_eq!(redirect, format!("http://localhost:{port}/auth/callback"));
    let state = parameter(&view.url, "state");
    assert!(state.len() >= 22, "at least 16 bytes");

    let address = stage.agree(&view).await;
    let code = parameter(&address, "code");
    for (method, path, headers, expected) in [
        ("GET", "/".to_owned(), "", 404),
        (
            "GET",
            format!("/callback?code={code}&state={state}"),
            "",
            404,
        ),
        (
            "GET",
            format!("/auth/callback/?code={code}&state={state}"),
            "",
            404,
        ),
        ("GET", "/auth/callback".to_owned(), "", 400),
        ("GET", format!("/auth/callback?code={code}"), "", 400),
        (
            "GET",
            format!("/auth/callback?code={code}&state=x{state}"),
            "",
            400,
        ),
        (
            "GET",
            "/auth/callback?error=access_denied&state=x".to_owned(),
            "",
            400,
        ),
        ("GET", format!("/auth/callback?state={state}"), "", 400),
        (
            "GET",
            format!("/auth/callback?code=&state={state}"),
            "",
            400,
        ),
        (
            "POST",
            format!("/auth/callback?code={code}&state={state}"),
            "",
            405,
        ),
        // A name that somebody else's DNS answers for (F29).
        (
            "GET",
            format!("/auth/callback?code={code}&state={state}"),
            "Host: rebound.example.com\r\n",
            404,
        ),
    ] {
        let page = send(method, &format!("http://localhost:{port}{path}"), headers).await;
        assert_eq!(page.status, expected, "{method} {path}");
        assert!(
            !page.body.contains(&code) && !page.body.contains(&state),
            "{path}"
        );
        assert_eq!(
            stage.engine.sign_in(&view.id).unwrap().state,
            "waiting",
            "{path}"
        );
    }
    assert_eq!(person.token_calls(), 0);

    let page = get(&address, "Accept-Language: zh-CN,zh;q=0.9,en;q=0.5\r\n").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("返回 Switchyard"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    for secret in [&code, &state, &person.current_refresh_token()] {
        assert!(!page.body.contains(secret.as_str()));
    }

    let view = stage.engine.sign_in(&view.id).unwrap();
    assert_eq!((view.state, view.error.as_deref()), ("done", None));
    let account = view.account.as_ref().unwrap();
    assert_eq!(
        (account.label.as_str(), account.health),
        ("ada@example.com", "unknown")
    );
    assert!(account.active, "the first account is the active one");
    assert_eq!(stage.labels(), ["ada@example.com"]);
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let told =
        told.filter(|event| matches!(event, EngineEvent::AccountChanged(id) if *id == account.id));
    assert!(
        told.count() >= 1,
        "whoever listens knows the account without a restart"
    );
    assert!(is_free(port).await);
    assert_eq!(stage.engine.refresh(None).await.unwrap()[0].result, "ok");
    stage.end().await;
}

#[tokio::test]
async fn f3_the_issuers_refusal_is_shown() {
    for (query, expected) in [
        ("error=access_denied", "declined"),
        (
            "error=x&error_description=missing_codex_entitlement",
            "workspace",
        ),
        (
            "error=server_error&error_description=%3Cb%3Elater%3C/b%3E",
            "server_error",
        ),
    ] {
        let stage = stage().await;
        let view = stage.begin(SignInKind::Browser, None).await;
        let (port, state) = (port(&view), parameter(&view.url, "state"));
        let address = format!("http://localhost:{port}/auth/callback?{query}&state={state}");
        let page = get(&address, "").await;
        assert_eq!(page.status, 400);
        assert!(
            page.body.contains(expected) && !page.body.contains("<b>"),
            "{}",
            page.body
        );
        let view = stage.ended(&view.id).await;
        assert_eq!(view.state, "failed");
        assert!(view.error.unwrap().contains(expected));
        assert!(is_free(port).await);
        stage.end().await;
    }
}

#[tokio::test]
async fn f3_a_code_that_is_not_accepted_fails_the_sign_in() {
    let stage = stage().await;
    stage.person("ada");
    let view = stage.begin(SignInKind::Browser, None).await;
    let (port, state) = (port(&view), parameter(&view.url, "state"));
    let address = format!("http://localhost:{port}/auth/callback?code=never-given&state={state}");
    let page = get(&address, "").await;
    assert_eq!(page.status, 400);
    assert!(!page.body.contains("never-given"));
    let view = stage.ended(&view.id).await;
    assert_eq!(view.state, "failed");
    assert!(view.error.unwrap().contains("invalid_grant"));
    assert!(stage.labels().is_empty());
    stage.end().await;
}

/// The clock of the timers stands still until it is moved: a thread that is busy keeps it from moving by itself.
struct Paused(std::sync::mpsc::Sender<()>);

impl Paused {
    async fn begin() -> Self {
        let (release, wait) = std::sync::mpsc::channel();
        let (told, running) = tokio::sync::oneshot::channel();
        tokio::task::spawn_blocking(move || {
            told.send(()).unwrap();
            wait.recv().unwrap();
        });
        running.await.unwrap();
        tokio::time::pause();
        Self(release)
    }

    fn end(self) {
        tokio::time::resume();
        self.0.send(()).unwrap();
    }
}

#[tokio::test]
async fn f3_a_sign_in_expires_after_five_minutes() {
    let stage = stage().await;
    let view = stage.begin(SignInKind::Browser, None).await;
    let port = port(&view);
    let paused = Paused::begin().await;
    // Let the new tasks look at the clock once.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(stage.engine.sign_in(&view.id).unwrap().state, "waiting");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(stage.ended(&view.id).await.state, "expired");
    paused.end();
    stage.engine.cancel_sign_in(&view.id).await.unwrap();
    assert!(is_free(port).await);
    let late = stage.engine.paste_sign_in(&view.id, &"code=late".into());
    assert!(late.is_err());
    stage.end().await;
}

#[tokio::test]
async fn f3_another_sign_in_ends_the_one_before_and_cancelling_frees_the_port() {
    let stage = stage().await;
    stage.person("ada");
    let first = stage.begin(SignInKind::Browser, None).await;
    let second = stage.begin(SignInKind::Browser, None).await;
    assert!(is_free(port(&first)).await);
    let first = stage.engine.sign_in(&first.id).unwrap();
    assert_eq!((first.state, first.listening), ("cancelled", false));
    // What belongs to the first one does nothing for the second.
    let address = stage.agree(&first).await;
    let (code, state) = (parameter(&address, "code"), parameter(&address, "state"));
    let mixed = format!(
        "http://localhost:{}/auth/callback?code={code}&state={state}",
        port(&second)
    );
    assert_eq!(get(&mixed, "").await.status, 400);

    let gone = stage.engine.cancel_sign_in(&second.id).await.unwrap();
    assert_eq!((gone.state, gone.listening), ("cancelled", false));
    assert!(is_free(port(&second)).await, "at once");
    assert!(stage.engine.sign_in("nothing").is_err());
    let device = stage.begin(SignInKind::Device, None).await;
    let third = stage.begin(SignInKind::Browser, None).await;
    assert_eq!(stage.engine.sign_in(&device.id).unwrap().state, "cancelled");
    assert_eq!(third.state, "waiting");
    assert!(stage.labels().is_empty());
    stage.end().await;
}

#[tokio::test]
async fn f3_paste_back_works_while_the_ports_are_busy() {
    let busy = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let ports = [0, 1].map(|n: usize| busy[n].local_addr().unwrap().port());
    let stage = stage_on(ports).await;
    type Form = fn(&str, &str, &str) -> String;
    let forms: [(&str, Form); 4] = [
        ("ada", |address, _, _| address.to_owned()),
        ("bob", |_, code, state| format!("{code}#{state}")),
        ("cyd", |_, code, state| {
            format!("?state={state}&code={code}")
        }),
        ("dan", |_, code, _| code.to_owned()),
    ];
    for (name, form) in forms {
        stage.person(name);
        let view = stage.begin(SignInKind::Browser, None).await;
        assert_eq!(
            (view.state, view.listening),
            ("waiting", false),
            "it says so"
        );
        assert_eq!(port(&view), 1455, "a registered one");
        let address = stage.agree(&view).await;
        let (code, state) = (parameter(&address, "code"), parameter(&address, "state"));
        for wrong in [
            format!("{code}#other"),
            format!("code={code}&state=other"),
            "hello there".into(),
        ] {
            let refused = stage.engine.paste_sign_in(&view.id, &wrong.as_str().into());
            let error = refused.unwrap_err().to_string();
            assert!(
                wrong.contains(' ') || error.contains("state mismatch"),
                "{error}"
            );
            assert!(!error.contains(&code));
        }
        assert_eq!(stage.engine.sign_in(&view.id).unwrap().state, "waiting");
        let text = SecretString::from(form(&address, &code, &state));
        stage.engine.paste_sign_in(&view.id, &text).unwrap();
        let ended = stage.ended(&view.id).await;
        assert_eq!((ended.state, ended.error), ("done", None), "{name}");
        assert!(stage.engine.paste_sign_in(&view.id, &text).is_err(), "once");
    }
    assert_eq!(
        stage.labels(),
        ["ada", "bob", "cyd", "dan"].map(|name| format!("{name}@example.com"))
    );
    stage.end().await;
}

/// F3: the second port where the first is busy.
#[tokio::test]
async fn f3_the_second_port_is_for_a_busy_first() {
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = busy.local_addr().unwrap().port();
    let stage = stage_on([first, 0]).await;
    stage.person("ada");
    let view = stage.begin(SignInKind::Browser, None).await;
    assert!(view.listening && port(&view) != first);
    let address = stage.agree(&view).await;
    assert_eq!(get(&address, "").await.status, 200);
    assert_eq!(stage.labels(), ["ada@example.com"]);
    stage.end().await;
}

#[tokio::test]
async fn f3_a_device_code() {
    let stage = stage().await;
    stage.person("ada");
    let mut events = stage.engine.events();
    let paused = Paused::begin().await;
    let view = stage.begin(SignInKind::Device, None).await;
    assert_eq!((view.state, view.listening), ("waiting", false));
    assert!(!view.user_code.as_deref().unwrap().is_empty());
    assert!(
        view.verification_url
            .as_deref()
            .unwrap()
            .ends_with("/codex/device")
    );
    assert!(
        stage
            .engine
            .paste_sign_in(&view.id, &"ac-1".into())
            .is_err()
    );
    let polls = |stage: &Stage| stage.simulator.requests_to("/deviceauth/token").len();
    let mut seconds = 0;
    let mut asked_at = Vec::new();
    while stage.engine.sign_in(&view.id).unwrap().state == "waiting" && seconds < 60 {
        tokio::time::advance(Duration::from_secs(1)).await;
        seconds += 1;
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        if polls(&stage) > asked_at.len() {
            asked_at.push(seconds);
        }
    }
    paused.end();
    // How soon an answer is read is the machine's affair; to the second it is checked beside `device`.
    let [first, second] = asked_at[..] else {
        panic!("asked at {asked_at:?}");
    };
    assert!(first >= 5 && second - first >= 5, "asked at {asked_at:?}");
    let view = stage.ended(&view.id).await;
    assert_eq!((view.state, view.error), ("done", None));
    while !matches!(events.recv().await.unwrap(), EngineEvent::AccountChanged(_)) {}
    assert_eq!(stage.labels(), ["ada@example.com"]);

    let view = stage.begin(SignInKind::Device, None).await;
    let before = polls(&stage);
    let gone = stage.engine.cancel_sign_in(&view.id).await.unwrap();
    assert_eq!(gone.state, "cancelled");
    let paused = Paused::begin().await;
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::task::yield_now().await;
    }
    paused.end();
    assert_eq!(
        polls(&stage),
        before,
        "nobody asks for a code that was given up"
    );
    stage.end().await;
}

/// F2, F20: the same workspace and person are the same account; what the person arranged stays.
#[tokio::test]
async fn f2_f20_signing_in_again_updates_the_account() {
    let stage = stage().await;
    let ada = stage.person("ada");
    let first = stage.sign_in(None).await.account.unwrap();
    stage.person("bob");
    stage.sign_in(None).await;
    let change = engine::AccountChange {
        label: Some("work".into()),
        ..Default::default()
    };
    stage
        .engine
        .change_account(first.id.as_str(), change)
        .await
        .unwrap();
    stage
        .engine
        .reorder(&["bob@example.com".into()])
        .await
        .unwrap();
    for again in [Some("work"), None] {
        ada.sign_in_next();
        let calls = ada.token_calls();
        let view = stage.sign_in(again).await;
        assert_eq!((view.state, view.error.as_deref()), ("done", None));
        assert_eq!(view.account.unwrap().id, first.id);
        assert_eq!(stage.labels(), ["bob@example.com", "work"]);
        assert_eq!(ada.token_calls(), calls + 1);
        let refreshed = stage.engine.refresh(Some("work")).await.unwrap();
        assert_eq!(refreshed[0].result, "ok", "with the new tokens");
    }
    stage.end().await;
}

/// F20: an account that waits for its person serves again, as the same account.
#[tokio::test]
async fn f20_signing_in_mends_an_account_that_waits_for_it() {
    let stage = stage().await;
    let setup = AccountSetup::new("ada@example.com").access_ttl_s(-60);
    let ada = stage.simulator.add_codex_account(setup);
    let file = format!(
        r#"{{"type":"codex","access_token":"{}","label":"mine"}}"#,
        ada.access_token
    );
    stage
        .engine
        .import(&file.into(), false, false)
        .await
        .unwrap();
    // Nothing can renew it: the first try finds out.
    let refreshed = stage.engine.refresh(Some("mine")).await.unwrap();
    assert_eq!(refreshed[0].result, "failed");
    let before = stage.engine.account("mine").unwrap();
    assert_eq!((before.health, before.refreshable), ("needs_login", false));
    ada.set_access_ttl(3600);
    ada.sign_in_next();
    let after = stage.sign_in(Some("mine")).await.account.unwrap();
    assert_eq!(after.id, before.id);
    assert!(
        matches!(after.health, "unknown" | "active"),
        "{}",
        after.health
    );
    assert!(after.refreshable && after.active && after.label == "mine");
    stage.end().await;
}

/// R7: another person, or another workspace, never slips into an account.
#[tokio::test]
async fn r7_another_account_is_not_taken_for_this_one() {
    let stage = stage().await;
    let ada = stage.person("ada");
    stage.sign_in(None).await;
    let mut team = AccountSetup::new("ada@example.com");
    team.account_id = "acc-team".into();
    let team = stage.simulator.add_codex_account(team);
    let mut colleague = AccountSetup::new("bob@example.com");
    colleague.account_id.clone_from(&ada.account_id);
    let colleague = stage.simulator.add_codex_account(colleague);

    team.sign_in_next();
    let view = stage.sign_in(Some("ada@example.com")).await;
    let error = view.error.unwrap();
    assert_eq!(view.state, "failed");
    assert!(
        error.contains("another workspace") && error.contains("added"),
        "{error}"
    );
    assert!(view.other.is_some());
    // Given up: nothing of it stays.
    let gone = stage.engine.cancel_sign_in(&view.id).await.unwrap();
    assert_eq!((gone.state, gone.other), ("failed", None));
    assert!(stage.engine.add_other_sign_in(&view.id).await.is_err());

    colleague.sign_in_next();
    let view = stage.sign_in(Some("ada@example.com")).await;
    let error = view.error.unwrap();
    assert!(error.contains("b•••@example.com"), "who: {error}");
    assert_eq!(stage.labels(), ["ada@example.com"], "nothing changed");
    let refreshed = stage.engine.refresh(None).await.unwrap();
    assert_eq!(refreshed[0].result, "ok", "and its tokens are its own");
    let added = stage.engine.add_other_sign_in(&view.id).await.unwrap();
    assert_eq!(
        (added.state, added.error, added.other),
        ("done", None, None)
    );
    assert_eq!(added.account.unwrap().label, "bob@example.com");
    assert_eq!(stage.labels(), ["ada@example.com", "bob@example.com"]);

    // One that is here already is named by its label.
    colleague.sign_in_next();
    let view = stage.sign_in(Some("ada@example.com")).await;
    assert_eq!(view.other.as_deref(), Some("bob@example.com"));
    stage.engine.add_other_sign_in(&view.id).await.unwrap();
    assert_eq!(stage.labels().len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn only_sign_ins_can_sign_in_again() {
    let stage = stage().await;
    let key = engine::NewKeyAccount {
        kind: "relay".into(),
        label: "relay".into(),
        base_url: stage.simulator.relay_base_url(),
        format: "openai".into(),
        key: SecretString::from("k1"),
        models: None,
        group: None,
        priority: None,
        proxy: None,
        extras: Default::default(),
    };
    stage.engine.add_key_account(key).await.unwrap();
    for again in ["relay", "nobody"] {
        let refused = stage
            .engine
            .begin_sign_in(SignInKind::Browser, Some(again))
            .await;
        assert!(refused.is_err(), "{again}");
    }
    stage.end().await;
}

/// F31: shown once, when a second sign-in is added.
#[tokio::test]
async fn f31_the_terms_are_shown_once() {
    let stage = stage().await;
    stage.person("ada");
    assert!(!stage.sign_in(None).await.terms);
    assert!(!stage.sign_in(Some("ada@example.com")).await.terms);
    stage.person("bob");
    assert!(stage.begin(SignInKind::Browser, None).await.terms);
    assert!(stage.sign_in(None).await.terms, "nothing was added before");
    stage.person("cyd");
    assert!(!stage.sign_in(None).await.terms);
    stage.end().await;
}

/// F17: the tokens are in the vault when the account is there, and outlive the program.
#[tokio::test]
async fn f17_a_sign_in_outlives_the_program() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, [0, 0], VaultChoice::File).await;
    let stage = Stage {
        folder,
        simulator,
        engine,
    };
    let ada = stage.person("ada");
    let view = stage.sign_in(None).await;
    assert_eq!((view.state, view.error.as_deref()), ("done", None));
    let shown = format!("{view:?}");
    for secret in [ada.current_refresh_token(), ada.access_token.clone()] {
        assert!(!shown.contains(&secret));
    }
    stage.engine.shutdown(Duration::ZERO).await;
    let Stage {
        folder,
        simulator,
        engine,
        ..
    } = stage;
    drop(engine);
    let engine = open(folder.path(), &simulator, [0, 0], VaultChoice::File).await;
    assert_eq!(engine.accounts().len(), 1);
    assert_eq!(engine.refresh(None).await.unwrap()[0].result, "ok");
    engine.shutdown(Duration::ZERO).await;
}
