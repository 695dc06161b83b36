//! The real client programs through the gateway, for every kind of upstream: the vendors' libraries for Python and Node, the
//! standard tests of langchain, the AI SDK, the Codex CLI, Claude Code and the Gemini CLI (F75 to F82, F148, T162 to T192).
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
    Account, CODEX_MODEL, Hand, OTHER_CODEX_MODEL, OTHER_RELAY_MODEL, RELAY_MODEL, TestApp, codex,
    relay_chat, relay_gemini, relay_messages, relay_responses,
};
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// A whole suite of one client; they take seconds, but the machine may be small and busy.
const SUITE_LIMIT: Duration = Duration::from_secs(300);

/// Each suite is a client, an application and an upstream: more at once would only make all of them slow.
static ROOM: Semaphore = Semaphore::const_new(2);

const RELAY_MODELS: [&str; 2] = [RELAY_MODEL, OTHER_RELAY_MODEL];

#[derive(Clone, Copy)]
enum Route {
    Codex,
    RelayChat,
    RelayResponses,
    RelayMessages,
    RelayGemini,
}

impl Route {
    fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::RelayChat => "relay-chat",
            Self::RelayResponses => "relay-responses",
            Self::RelayMessages => "relay-messages",
            Self::RelayGemini => "relay-gemini",
        }
    }

    /// Two models that its accounts serve.
    fn models(self) -> [&'static str; 2] {
        match self {
            Self::Codex => [CODEX_MODEL, OTHER_CODEX_MODEL],
            Self::RelayChat | Self::RelayResponses | Self::RelayMessages | Self::RelayGemini => {
                RELAY_MODELS
            }
        }
    }

    /// How a fresh account of this route is made.
    fn account(self) -> fn() -> Account {
        match self {
            Self::Codex => || codex(&new_label()),
            Self::RelayChat => || relay_chat(&new_label()),
            Self::RelayResponses => || relay_responses(&new_label()),
            Self::RelayMessages => || relay_messages(&new_label()),
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
    models: [&'static str; 2],
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
        models: route.models(),
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
        models: RELAY_MODELS,
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
            .env("SWITCHYARD_MODEL", self.models[0])
            .env("SWITCHYARD_OTHER_MODEL", self.models[1])
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
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "GEMINI_API_KEY",
            "GOOGLE_API_KEY",
            "LANGSMITH_API_KEY",
            "LANGSMITH_TRACING",
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

const PYTHON_FILES: &[&str] = &[
    "test_chat.py",
    "test_responses.py",
    "test_messages.py",
    "test_gemini.py",
    "test_images.py",
    "test_embeddings.py",
    "test_errors.py",
];
const LANGCHAIN: &[&str] = &["test_langchain.py"];
const NODE_FILES: &[&str] = &[
    "chat.test.mjs",
    "responses.test.mjs",
    "messages.test.mjs",
    "gemini.test.mjs",
    "vercel.test.mjs",
    "images.test.mjs",
    "embeddings.test.mjs",
    "errors.test.mjs",
];

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
        url, models, key, ..
    } = &target;
    let model = models[0];
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

/// Claude Code in its one-shot form, with a shell command on the way (clients.md).
async fn run_claude(target: Target) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (home, work) = (folder.path().join("claude"), folder.path().join("work"));
    for path in [&home, &work] {
        fs::create_dir(path).expect("a folder for Claude Code");
    }
    let program = node_folder().join("node_modules/@anthropic-ai/claude-code/bin/claude.exe");
    let mut command = target.client(&program);
    command
        .arg("-p")
        .arg(format!(
            "Run one command. run:\"echo switchyard-ok\" ({})",
            target.mark
        ))
        .args(["--model", target.models[0], "--allowedTools", "Bash"])
        .env("ANTHROPIC_BASE_URL", &target.url)
        .env("ANTHROPIC_AUTH_TOKEN", &target.key)
        .env("CLAUDE_CONFIG_DIR", &home)
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_TELEMETRY", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        .env("DISABLE_ERROR_REPORTING", "1")
        .env("HOME", folder.path())
        .current_dir(&work);
    let printed = finish(command, "claude -p").await;

    assert!(
        printed.contains("switchyard-ok"),
        "its last message quotes the command's output: {printed}"
    );
    let bodies = target.hand.bodies().await;
    let results = bodies.iter().filter(|body| brings_result(body)).count();
    assert_eq!(results, 1, "the result went to the upstream once");
    target.expect_no_leaks().await;
}

/// The Gemini CLI in its one-shot form, with a shell command on the way (clients.md).
async fn run_gemini_cli(target: Target) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (home, work) = (folder.path().join(".gemini"), folder.path().join("work"));
    for path in [&home, &work] {
        fs::create_dir(path).expect("a folder for the Gemini CLI");
    }
    let settings = serde_json::json!({
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": false},
        "telemetry": {"enabled": false},
        "general": {"disableAutoUpdate": true},
    });
    fs::write(home.join("settings.json"), settings.to_string()).expect("its settings");
    let mut command = target.client(Path::new("node"));
    command
        .arg(node_folder().join("node_modules/.bin/gemini"))
        .args(["-m", target.models[0], "-y", "--skip-trust", "-p"])
        .arg(format!(
            "Run one command. run:\"echo switchyard-ok\" ({})",
            target.mark
        ))
        .env("GEMINI_API_KEY", &target.key)
        .env("GOOGLE_GEMINI_BASE_URL", &target.url)
        .env("GEMINI_CLI_TRUST_WORKSPACE", "true")
        .env("HOME", folder.path())
        .current_dir(&work);
    let printed = finish(command, "gemini -p").await;

    assert!(
        printed.contains("switchyard-ok"),
        "its last message quotes the command's output: {printed}"
    );
    let bodies = target.hand.bodies().await;
    assert!(
        bodies.iter().any(brings_result),
        "the result went to the upstream"
    );
    target.expect_no_leaks().await;
}

/// Whether a request carries the output of the shell command.
fn brings_result(body: &Value) -> bool {
    let items = ["input", "messages", "contents"]
        .iter()
        .find_map(|name| body[name].as_array());
    items.into_iter().flatten().any(|item| {
        let kind = item["type"].as_str().unwrap_or_default();
        let mut parts = [&item["content"], &item["parts"]]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten();
        (kind.ends_with("call_output")
            || item["role"] == "tool"
            || parts
                .any(|part| part["type"] == "tool_result" || part["functionResponse"].is_object()))
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
    python_direct_messages: run_python(&without_gateway("messages").await, &["test_messages.py"]);
    python_codex: run_python(&through_gateway("python", Route::Codex).await, PYTHON_FILES);
    python_relay_chat: run_python(&through_gateway("python", Route::RelayChat).await, PYTHON_FILES);
    python_relay_responses: run_python(&through_gateway("python", Route::RelayResponses).await, PYTHON_FILES);

    python_relay_messages: run_python(&through_gateway("python", Route::RelayMessages).await, PYTHON_FILES);
    python_relay_gemini: run_python(&through_gateway("python", Route::RelayGemini).await, PYTHON_FILES);

    langchain_codex: run_python(&through_gateway("langchain", Route::Codex).await, LANGCHAIN);
    langchain_relay_chat: run_python(&through_gateway("langchain", Route::RelayChat).await, LANGCHAIN);
    langchain_relay_responses: run_python(&through_gateway("langchain", Route::RelayResponses).await, LANGCHAIN);
    langchain_relay_messages: run_python(&through_gateway("langchain", Route::RelayMessages).await, LANGCHAIN);
    langchain_relay_gemini: run_python(&through_gateway("langchain", Route::RelayGemini).await, LANGCHAIN);

    node_direct: run_node(&without_gateway("node").await, NODE_FILES);
    node_codex: run_node(&through_gateway("node", Route::Codex).await, NODE_FILES);
    node_relay_chat: run_node(&through_gateway("node", Route::RelayChat).await, NODE_FILES);
    node_relay_responses: run_node(&through_gateway("node", Route::RelayResponses).await, NODE_FILES);
    node_relay_messages: run_node(&through_gateway("node", Route::RelayMessages).await, NODE_FILES);
    node_relay_gemini: run_node(&through_gateway("node", Route::RelayGemini).await, NODE_FILES);

    claude_direct: run_claude(without_gateway("claude").await);
    claude_codex: run_claude(through_gateway("claude", Route::Codex).await);
    claude_relay_chat: run_claude(through_gateway("claude", Route::RelayChat).await);
    claude_relay_responses: run_claude(through_gateway("claude", Route::RelayResponses).await);
    claude_relay_messages: run_claude(through_gateway("claude", Route::RelayMessages).await);
    claude_relay_gemini: run_claude(through_gateway("claude", Route::RelayGemini).await);

    gemini_cli_direct: run_gemini_cli(without_gateway("gemini-cli").await);
    gemini_cli_codex: run_gemini_cli(through_gateway("gemini-cli", Route::Codex).await);
    gemini_cli_relay_chat: run_gemini_cli(through_gateway("gemini-cli", Route::RelayChat).await);
    gemini_cli_relay_responses: run_gemini_cli(through_gateway("gemini-cli", Route::RelayResponses).await);
    gemini_cli_relay_messages: run_gemini_cli(through_gateway("gemini-cli", Route::RelayMessages).await);
    gemini_cli_relay_gemini: run_gemini_cli(through_gateway("gemini-cli", Route::RelayGemini).await);

    codex_exec_direct: run_codex(without_gateway("codex-provider").await, Pointing::Provider("/v1"));
    codex_exec_direct_base_url: run_codex(without_gateway("codex-base-url").await, Pointing::BaseUrl);
    codex_exec_provider_codex: run_codex(through_gateway("codex-provider", Route::Codex).await, Pointing::Provider("/v1"));
    codex_exec_provider_relay_chat: run_codex(through_gateway("codex-provider", Route::RelayChat).await, Pointing::Provider("/v1"));
    codex_exec_provider_relay_responses: run_codex(through_gateway("codex-provider", Route::RelayResponses).await, Pointing::Provider("/v1"));
    codex_exec_base_url_codex: run_codex(through_gateway("codex-base-url", Route::Codex).await, Pointing::BaseUrl);
    codex_exec_base_url_relay_chat: run_codex(through_gateway("codex-base-url", Route::RelayChat).await, Pointing::BaseUrl);
    codex_exec_base_url_relay_responses: run_codex(through_gateway("codex-base-url", Route::RelayResponses).await, Pointing::BaseUrl);
    codex_exec_provider_relay_messages: run_codex(through_gateway("codex-provider", Route::RelayMessages).await, Pointing::Provider("/v1"));
    codex_exec_provider_relay_gemini: run_codex(through_gateway("codex-provider", Route::RelayGemini).await, Pointing::Provider("/v1"));
    codex_exec_raw_codex: run_codex(through_gateway("codex-raw", Route::Codex).await, Pointing::Provider("/codex/v1"));
}
