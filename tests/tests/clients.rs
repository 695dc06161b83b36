//! The real client programs through the gateway, for every kind of upstream: the openai libraries for Python and Node,
//! the google-genai library for Python and the Codex CLI (issue of the first road; F75 to F77, F82, F148, T162 to T192).
//!
//! The cases stand in `tests/clients/`; here each client gets an application and an upstream of its own and runs once
//! per route. `cargo xtask clients` installs the programs.

use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;
use tests::{
    Account, CODEX_MODEL, Hand, RELAY_MODEL, TestApp, codex, relay_chat, relay_gemini,
    relay_responses,
};
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A whole suite of one client; they take seconds, but the machine may be small and busy.
const SUITE_LIMIT: Duration = Duration::from_secs(300);

/// Each suite is a client, an application and an upstream: more at once would only make all of them slow.
static ROOM: Semaphore = Semaphore::const_new(2);

#[derive(Clone, Copy)]
enum Route {
    Codex,
    RelayChat,
    RelayResponses,
    RelayGemini,
}

impl Route {
    fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::RelayChat => "relay-chat",
            Self::RelayResponses => "relay-responses",
            Self::RelayGemini => "relay-gemini",
        }
    }

    fn model(self) -> &'static str {
        match self {
            Self::Codex => CODEX_MODEL,
            Self::RelayChat | Self::RelayResponses | Self::RelayGemini => RELAY_MODEL,
        }
    }

    /// How a fresh account of this route is made.
    fn account(self) -> fn() -> Account {
        match self {
            Self::Codex => || codex(&new_label()),
            Self::RelayChat => || relay_chat(&new_label()),
            Self::RelayResponses => || relay_responses(&new_label()),
            Self::RelayGemini => || relay_gemini(&new_label()),
        }
    }
}

fn new_label() -> String {
    format!("account-{:08x}", fastrand::u32(..))
}

/// What a client program is pointed at.
struct Target {
    hand: Hand,
    url: String,
    key: String,
    model: &'static str,
    route: String,
    mark: String,
    _permit: SemaphorePermit<'static>,
}

async fn through_gateway(client: &str, route: Route) -> Target {
    let permit = ROOM.acquire().await.expect("the semaphore is never closed");
    let name = format!("{client}-{}", route.name());
    let app = TestApp::new(&name).account(route.account()()).start().await;
    let (url, key, mark) = (
        app.url().to_owned(),
        app.key().to_owned(),
        app.mark().to_owned(),
    );
    let hand = Hand::on(app, route.account()).await;
    Target {
        hand,
        url,
        key,
        model: route.model(),
        route: route.name().to_owned(),
        mark,
        _permit: permit,
    }
}

async fn without_gateway(dialect: &str) -> Target {
    let permit = ROOM.acquire().await.expect("the semaphore is never closed");
    let (hand, url, key) = Hand::direct().await;
    let (route, mark) = (format!("direct-{dialect}"), "prompt-mark".to_owned());
    Target {
        hand,
        url,
        key,
        model: RELAY_MODEL,
        route,
        mark,
        _permit: permit,
    }
}

fn pins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Where `cargo xtask clients` has put a program.
fn installed(variable: &str, usual: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(
        || {
            let this = env::current_exe().expect("the path of this test");
            let target = this.ancestors().nth(3).expect("a target folder");
            target.join("clients").join(usual)
        },
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "{} is missing: install the clients with `cargo xtask clients`",
        path.display()
    );
    path
}

fn python() -> PathBuf {
    installed(
        "SWITCHYARD_CLIENTS_PYTHON",
        if cfg!(windows) {
            "venv/Scripts/python.exe"
        } else {
            "venv/bin/python"
        },
    )
}

fn node_folder() -> PathBuf {
    installed("SWITCHYARD_CLIENTS_NODE", "node")
}

impl Target {
    /// A client program pointed at this target, and at nothing of the person who runs the tests.
    fn client(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("SWITCHYARD_URL", &self.url)
            .env("SWITCHYARD_KEY", &self.key)
            .env("SWITCHYARD_MODEL", self.model)
            .env("SWITCHYARD_ROUTE", &self.route)
            .env("SWITCHYARD_SIM", self.hand.url())
            .env("SWITCHYARD_PROMPT_MARK", &self.mark)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ] {
            command.env_remove(name);
        }
        for name in [
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
            "OPENAI_ORG_ID",
            "OPENAI_PROJECT_ID",
            "NODE_OPTIONS",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// At the end of a suite: nothing of it was left in the application's files.
    async fn expect_no_leaks(&self) {
        assert_eq!(self.hand.leaks().await, Vec::<String>::new());
    }
}

/// Runs a client to its end and returns what it printed; a failure shows all of it.
async fn finish(mut command: Command, what: &str) -> String {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{what} cannot be started: {error}"));
    let output = timeout(SUITE_LIMIT, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{what} did not end"))
        .expect("its output");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what}: {}\n{stdout}\n{stderr}",
        output.status
    );
    stdout
}

async fn run_python(target: &Target, files: &[&str]) {
    let mut command = target.client(&python());
    command
        .args(["-m", "pytest"])
        .args(files)
        .current_dir(pins().join("python"));
    let printed = finish(command, "pytest").await;
    println!(
        "{}: {}",
        target.route,
        printed.lines().last().unwrap_or_default()
    );
    target.expect_no_leaks().await;
}

/// The tests beside the installed `node_modules`, because that is where an ES module looks for its packages.
fn node_tests() -> PathBuf {
    static COPIED: Once = Once::new();
    let folder = node_folder().join("tests");
    COPIED.call_once(|| {
        fs::create_dir_all(&folder).expect("a folder for the tests");
        for entry in fs::read_dir(pins().join("node")).expect("the tests") {
            let entry = entry.expect("a test");
            if entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "mjs")
            {
                fs::copy(entry.path(), folder.join(entry.file_name())).expect("a copy of a test");
            }
        }
    });
    folder
}

async fn run_node(target: &Target, files: &[&str]) {
    for file in files {
        // One after the other: they share one upstream and its script.
        let mut command = target.client(Path::new("node"));
        command.arg(node_tests().join(file));
        let printed = finish(command, file).await;
        let passed = printed
            .lines()
            .rev()
            .find(|line| line.contains("pass "))
            .unwrap_or_default();
        println!("{} {file}: {passed}", target.route);
    }
    target.expect_no_leaks().await;
}

const PYTHON_FILES: &[&str] = &["test_chat.py", "test_responses.py", "test_errors.py"];
const GEMINI_FILES: &[&str] = &["test_gemini.py"];
const NODE_FILES: &[&str] = &["chat.test.mjs", "responses.test.mjs", "errors.test.mjs"];

/// How the Codex CLI is told where the gateway is (clients.md).
#[derive(Clone, Copy)]
enum Pointing {
    /// A provider of its own in `config.toml`, at this path.
    Provider(&'static str),
    /// `openai_base_url` and a key in `auth.json`: it tries a WebSocket first, and must be told to go on without (T192).
    BaseUrl,
}

async fn run_codex(target: Target, pointing: Pointing) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (home, work) = (folder.path().join("codex"), folder.path().join("work"));
    for path in [&home, &work] {
        fs::create_dir(path).expect("a folder for the Codex CLI");
    }
    let Target {
        url, model, key, ..
    } = &target;
    let common = format!("model = \"{model}\"\ncheck_for_update_on_startup = false\n");
    let quiet = "[analytics]\nenabled = false\n";
    let config = match pointing {
        Pointing::Provider(path) => format!(
            "{common}model_provider = \"gw\"\n{quiet}[model_providers.gw]\nname = \"gw\"\nbase_url = \"{url}{path}\"\n\
             env_key = \"SWITCHYARD_KEY\"\nwire_api = \"responses\"\n"
        ),
        Pointing::BaseUrl => {
            let auth = serde_json::json!({"auth_mode": "apikey", "OPENAI_API_KEY": key});
            fs::write(home.join("auth.json"), auth.to_string()).expect("its auth.json");
            format!("{common}openai_base_url = \"{url}/v1\"\n{quiet}")
        }
    };
    fs::write(home.join("config.toml"), config).expect("its config.toml");

    let script = node_folder().join("node_modules/@openai/codex/bin/codex.js");
    let mut command = target.client(Path::new("node"));
    command
        .arg(script)
        .args([
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
        ])
        .arg(format!(
            "Run one command. run:\"echo switchyard-ok\" ({})",
            target.mark
        ))
        .env("CODEX_HOME", &home)
        .env("HOME", folder.path())
        .current_dir(&work);
    let printed = finish(command, "codex exec").await;

    assert!(
        printed.contains("switchyard-ok"),
        "its last message quotes the command's output: {printed}"
    );
    let bodies = target.hand.bodies().await;
    assert_eq!(
        bodies.len(),
        2,
        "one request for the call, one with its result"
    );
    assert!(
        !brings_result(&bodies[0]) && brings_result(&bodies[1]),
        "the result went to the upstream"
    );
    target.expect_no_leaks().await;
}

/// Whether a request carries the output of the shell command.
fn brings_result(body: &Value) -> bool {
    let items = body["input"].as_array().or(body["messages"].as_array());
    items.into_iter().flatten().any(|item| {
        let kind = item["type"].as_str().unwrap_or_default();
        (kind.ends_with("call_output") || item["role"] == "tool")
            && item.to_string().contains("switchyard-ok")
    })
}

/// One test per client and route.
macro_rules! each {
    ($($name:ident: $run:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $run.await;
        })*
    };
}

each! {
    python_direct_chat: run_python(&without_gateway("chat").await, &["test_chat.py", "test_errors.py"]);
    python_direct_responses: run_python(&without_gateway("responses").await, &["test_responses.py"]);
    python_codex: run_python(&through_gateway("python", Route::Codex).await, PYTHON_FILES);
    python_relay_chat: run_python(&through_gateway("python", Route::RelayChat).await, PYTHON_FILES);
    python_relay_responses: run_python(&through_gateway("python", Route::RelayResponses).await, PYTHON_FILES);

    python_over_a_gemini_relay: run_python(&through_gateway("python", Route::RelayGemini).await, PYTHON_FILES);

    genai_codex: run_python(&through_gateway("genai", Route::Codex).await, GEMINI_FILES);
    genai_relay_chat: run_python(&through_gateway("genai", Route::RelayChat).await, GEMINI_FILES);
    genai_relay_responses: run_python(&through_gateway("genai", Route::RelayResponses).await, GEMINI_FILES);
    genai_relay_gemini: run_python(&through_gateway("genai", Route::RelayGemini).await, GEMINI_FILES);

    node_direct: run_node(&without_gateway("node").await, NODE_FILES);
    node_codex: run_node(&through_gateway("node", Route::Codex).await, NODE_FILES);
    node_relay_chat: run_node(&through_gateway("node", Route::RelayChat).await, NODE_FILES);
    node_relay_responses: run_node(&through_gateway("node", Route::RelayResponses).await, NODE_FILES);

    codex_exec_direct: run_codex(without_gateway("codex-provider").await, Pointing::Provider("/v1"));
    codex_exec_direct_base_url: run_codex(without_gateway("codex-base-url").await, Pointing::BaseUrl);
    codex_exec_provider_codex: run_codex(through_gateway("codex-provider", Route::Codex).await, Pointing::Provider("/v1"));
    codex_exec_provider_relay_chat: run_codex(through_gateway("codex-provider", Route::RelayChat).await, Pointing::Provider("/v1"));
    codex_exec_provider_relay_responses: run_codex(through_gateway("codex-provider", Route::RelayResponses).await, Pointing::Provider("/v1"));
    codex_exec_base_url_codex: run_codex(through_gateway("codex-base-url", Route::Codex).await, Pointing::BaseUrl);
    codex_exec_base_url_relay_chat: run_codex(through_gateway("codex-base-url", Route::RelayChat).await, Pointing::BaseUrl);
    codex_exec_base_url_relay_responses: run_codex(through_gateway("codex-base-url", Route::RelayResponses).await, Pointing::BaseUrl);
    codex_exec_raw_codex: run_codex(through_gateway("codex-raw", Route::Codex).await, Pointing::Provider("/codex/v1"));
}
