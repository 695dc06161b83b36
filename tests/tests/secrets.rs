//! Nothing that the application writes or says holds a token, a key or a prompt: not its home, not its logs, not what it
//! prints when it is killed or refuses (F23, F28, F30).

use std::fs;
use tests::{Step, TestApp, codex, relay_chat, relay_responses, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_behind() {
    let failing = [
        Step::Http500,
        Step::Unauthorized,
        Step::ResetBeforeHeaders,
        Step::CutAfter { events: 40 },
    ];
    let mut app = TestApp::new("secrets")
        .account(codex("first").script(failing.clone()).expired())
        .account(codex("second").script(failing))
        .account(relay_chat("third").script([Step::Http500]))
        .account(relay_responses("fourth"))
        .start()
        .await;
    for _ in 0..4 {
        // Good and bad ends alike: what counts is what they leave.
        app.chat_stream("long:2000").await.all().await;
        app.responses_stream("long:2000").await.all().await;
    }
    let mark = app.mark().to_owned();
    for body in [
        format!("{{\"model\":\"{mark}\""),
        format!("[\"{mark}\"]"),
        format!("{{\"model\":\"{mark}\",\"messages\":[]}}"),
    ] {
        send(app.request("/v1/chat/completions", body)).await;
    }
    send(app.get_request(&format!("/v1/models?key={}", app.key()))).await;
    send(app.get_request(&format!("/v1/models/{}", app.key()))).await;
    let token = app.codex_account(0).access_token.clone();
    let broken = format!("{{\"tokens\": {{\"access_token\": \"{token}\", \"refresh_token\": 7}}");
    let run = app
        .cli_with_input(&["account", "import", "-"], &broken)
        .await;
    assert!(
        !run.stderr.contains(&token) && !run.stdout.contains(&token),
        "a refused import repeats the token"
    );

    app.kill().await;
    app.serve().await;
    app.chat("say:after-the-crash").await;
    #[cfg(unix)]
    app.stop().await;

    assert!(
        app.evidence().noted().len() >= 10,
        "the search knows what to look for"
    );
    assert_eq!(app.leaks(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_shows_a_secret() {
    let app = TestApp::new("commands")
        .account(codex("first"))
        .account(relay_chat("second"))
        .start()
        .await;
    app.chat("say:hello").await;
    let ids = app.account_ids().await;
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["status"],
        vec!["models"],
        vec!["quota"],
        vec!["explain", app.model()],
        vec!["account", "list"],
        vec!["key", "show"],
        vec!["balance"],
        vec!["limit", "list"],
        vec!["settings", "list"],
        vec!["backup"],
        vec!["backup", "list"],
        vec!["restore", "--dry-run"],
        vec!["diagnostics"],
    ];
    commands.extend(ids.iter().map(|id| vec!["account", "show", id.as_str()]));
    for command in commands {
        for json in [false, true] {
            let mut arguments = if json { vec!["--json"] } else { Vec::new() };
            arguments.extend(&command);
            let run = app
                .cli(&arguments)
                .await
                .expect_success(&arguments.join(" "));
            if json {
                assert!(run.json().is_object() || run.json().is_array());
            }
            for (kind, secret) in app.evidence().noted() {
                let shown = run.stdout.contains(&secret) || run.stderr.contains(&secret);
                assert!(!shown, "{arguments:?} shows a {kind}");
            }
        }
    }
}

/// The search itself works: a planted secret is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_secret_is_found() {
    let app = TestApp::new("planted")
        .account(codex("only"))
        .prepare()
        .await;
    let planted = app.evidence().folder().join("planted.log");
    fs::write(
        &planted,
        format!("x {} y", app.codex_account(0).refresh_token),
    )
    .expect("planting");
    assert_eq!(app.leaks().len(), 1, "{:?}", app.leaks());
    fs::remove_file(planted).expect("taking it away again");
}

/// F24, F123: what is kept is for its owner only.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::new("modes").account(codex("only")).start().await;
    app.chat("say:hello").await;
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("its mode").permissions().mode() & 0o777;
    assert_eq!(mode(&app.home()), 0o700);
    for path in app
        .evidence()
        .files()
        .iter()
        .filter(|path| path.starts_with(app.home()))
    {
        // SQLite's side files come and go.
        if path.exists() {
            assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
        }
    }
}
