//! The real Codex CLI asks the gateway for its usage, and is told the pool's: its composer stays open while any account has room
//! (issue 4, codex-backend 5.3). It is signed in with ChatGPT as far as it knows; its token is the gateway's key.
//!
//! Asked over its app server, which is what its own screen asks too.

use serde_json::{Value, json};
use simulator::Quota;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tests::{TestApp, codex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(60);

/// Where `cargo xtask clients` has put it.
fn codex_script() -> Option<PathBuf> {
    let folder = env::var_os("SWITCHYARD_CLIENTS_NODE").map_or_else(
        || {
            let this = env::current_exe().expect("the path of this test");
            let target = this.ancestors().nth(3).expect("a target folder");
            target.join("clients/node")
        },
        PathBuf::from,
    );
    let script = folder.join("node_modules/@openai/codex/bin/codex.js");
    script.exists().then_some(script)
}

/// What the CLI makes of the usage told under `base`.
async fn rate_limits(script: &Path, app: &TestApp, base: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let auth = json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "last_refresh": "2099-01-01T00:00:00Z", "tokens": {
        "id_token": app.codex_account(0).id_token, "access_token": app.key(), "refresh_token": "none", "account_id": "switchyard"}});
    fs::write(folder.path().join("auth.json"), auth.to_string()).expect("its auth.json");
    let url = app.url();
    let config = format!(
        "chatgpt_base_url = \"{url}{base}\"\nopenai_base_url = \"{url}/v1\"\ncli_auth_credentials_store = \"file\"\n\
         check_for_update_on_startup = false\n[analytics]\nenabled = false\n"
    );
    fs::write(folder.path().join("config.toml"), config).expect("its config.toml");
    let mut child = Command::new("node")
        .arg(script)
        .arg("app-server")
        .env("CODEX_HOME", folder.path())
        .env("HOME", folder.path())
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env_remove("OPENAI_API_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the Codex CLI starts");
    let mut stdin = child.stdin.take().expect("its input");
    for message in [
        json!({"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "test", "title": "test", "version": "1"}}}),
        json!({"method": "initialized"}),
        json!({"id": 2, "method": "account/rateLimits/read"}),
    ] {
        let line = format!("{message}\n");
        stdin.write_all(line.as_bytes()).await.expect("its input");
    }
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let answer = async {
        loop {
            let line = lines.next_line().await.expect("its output");
            let line: Value = serde_json::from_str(&line.expect("an answer")).expect("JSON");
            if line["id"] == 2 {
                return line;
            }
        }
    };
    timeout(LIMIT, answer).await.expect("an answer in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_codex_cli_is_told_the_pools_room() {
    let Some(script) = codex_script() else {
        println!("skipped: the Codex CLI is not installed (`cargo xtask clients`)");
        return;
    };
    let app = TestApp::new("codex-usage")
        .account(codex("work"))
        .account(codex("home"))
        .start()
        .await;
    let (work, home) = (app.codex_account(0), app.codex_account(1));
    work.set_quota(Quota::used(100.0, 50.0));
    home.set_quota(Quota::used(30.0, 10.0));
    let asked = app.cli(&["quota", "--refresh"]).await;
    assert_eq!(asked.code(), 0, "{}", asked.stderr);
    let told = rate_limits(&script, &app, "").await;
    let limits = &told["result"]["rateLimits"];
    assert_eq!(limits["primary"]["usedPercent"], 30, "{told}");
    assert_eq!(limits["primary"]["windowDurationMins"], 300);
    assert_eq!(limits["secondary"]["usedPercent"], 10);
    assert_eq!(limits["rateLimitReachedType"], Value::Null);
    assert_ne!(told["result"]["ordinaryUsageAllowed"], false);

    home.set_quota(Quota::used(100.0, 10.0));
    let asked = app.cli(&["quota", "--refresh"]).await;
    assert_eq!(asked.code(), 0, "{}", asked.stderr);
    let told = rate_limits(&script, &app, "/backend-api").await;
    let limits = &told["result"]["rateLimits"];
    assert_eq!(limits["primary"]["usedPercent"], 100, "{told}");
    assert_eq!(limits["rateLimitReachedType"], "rate_limit_reached");
}
