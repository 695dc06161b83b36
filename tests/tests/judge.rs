//! An outside judge: schemathesis makes good and bad requests out of a description and holds every fault of the server's own against it
//! (T189, T205, T208; §3.3). Over the admin API it has the document that the API describes itself with; over the gateway a
//! description of ours, `tests/clients/judge/gateway.json`. `cargo xtask clients` installs it with the other Python clients.
//!
//! What it makes is the same in every run. A 502 or 503 is no fault: a provider that failed, and nobody who can serve, are told so.

use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tests::{TestApp, codex, relay_chat, relay_gemini, relay_messages, relay_responses};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A whole run; it takes a minute on two busy cores.
const RUN_LIMIT: Duration = Duration::from_secs(400);

/// The program, beside the Python that the client tests use.
fn judge() -> PathBuf {
    let folder = env::var_os("SWITCHYARD_CLIENTS_PYTHON").map_or_else(
        || {
            let this = env::current_exe().expect("the path of this test");
            let target = this.ancestors().nth(3).expect("a target folder");
            let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
            target.join("clients/venv").join(scripts)
        },
        |python| {
            let beside = Path::new(&python).parent();
            beside.map(Path::to_path_buf).unwrap_or_default()
        },
    );
    let path = folder.join(format!("schemathesis{}", env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: install the clients with `cargo xtask clients`",
        path.display()
    );
    path
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the root").to_path_buf()
}

/// Accounts of every kind that take turns, and no way to anything but this machine: whatever address is made up ends at a closed port.
async fn app(name: &str) -> (TestApp, Child, Value) {
    let app = TestApp::new(name)
        .account(codex("first"))
        .account(relay_chat("chat"))
        .account(relay_responses("responses"))
        .account(relay_messages("messages"))
        .account(relay_gemini("gemini"))
        .setting("proxy.enabled", "true")
        .setting("proxy.url", "http://127.0.0.1:9")
        .setting("rotation.mode", "round_robin")
        .credentials_are_made_up()
        .prepare()
        .await;
    app.enter_accounts().await;
    let arguments = ["--console", "--console-port", "0", "--show-key"];
    let (server, told) = app.serve_telling(&arguments).await;
    for name in ["key", "console_token"] {
        app.evidence().note(name, told[name].as_str().expect(name));
    }
    (app, server, told)
}

/// Lets it make requests for each call of the document by these rules; `account` is one that there is. A fault shows the request that led to it.
async fn judged(
    rules: &str,
    document: &Path,
    url: &str,
    credential: &str,
    more: &[&str],
    account: &str,
) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(judge());
    command
        .arg("--config-file")
        .arg(root().join("tests/clients/judge").join(rules))
        .arg("run")
        .arg(document)
        .args(["--url", url])
        .args(["--header", &format!("Authorization: Bearer {credential}")])
        .args(["--max-examples", "15"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--seed", "1", "--generation-deterministic", "--no-color"])
        .args(["--continue-on-failure", "--request-timeout", "30"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(more)
        .env("SWITCHYARD_ACCOUNT", account)
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path());
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("schemathesis starts");
    let output = timeout(RUN_LIMIT, child.wait_with_output())
        .await
        .expect("it ends in time")
        .expect("its output");
    let said = String::from_utf8_lossy(&output.stdout).replace(credential, "…");
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in said.lines().filter(|line| line.contains("generated")) {
        println!("{}: {}", document.display(), line.trim());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_api_has_no_fault_of_its_own() {
    let (app, mut server, told) = app("judged-admin").await;
    let text = |name: &str| told[name].as_str().expect(name);
    let ids = app.account_ids().await;
    let document = root().join("ui/src/ipc/openapi.json");
    let (url, token) = (
        format!("{}/admin/v1", text("console_url")),
        text("console_token"),
    );
    let existing = [
        "--include-path-regex",
        r"^/(accounts/.id.|settings/)",
        "--exclude-method",
        "DELETE",
    ];
    judged("existing.toml", &document, &url, token, &existing, &ids[0]).await;
    // A stream without an end.
    let all = ["--exclude-path", "/events"];
    judged("schemathesis.toml", &document, &url, token, &all, "").await;
    assert_eq!(server.try_wait().expect("its state"), None, "it still runs");
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.expect("an HTTP client");
    let asked = http.get(format!("{url}/status")).bearer_auth(token).send();
    let status = asked.await.expect("an answer").status();
    assert_eq!(status, 200, "the token was good all the while");
    server.kill().await.expect("the server ends");
    assert_eq!(app.leaks(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_has_no_fault_of_its_own() {
    let (app, mut server, told) = app("judged-gateway").await;
    let text = |name: &str| told[name].as_str().expect(name);
    judged(
        "schemathesis.toml",
        &root().join("tests/clients/judge/gateway.json"),
        text("url"),
        text("key"),
        &[],
        "",
    )
    .await;
    assert_eq!(server.try_wait().expect("its state"), None, "it still runs");
    let served = app.upstream_requests().len();
    println!("{served} requests reached an upstream");
    assert!(served > 500, "{served} requests reached an upstream");
    server.kill().await.expect("the server ends");
    assert_eq!(app.leaks(), Vec::<String>::new());
}
