//! The level of the log is a setting that holds at once (F147).

use std::fs;

use tests::{Step, TestApp, relay_chat};

use crate::session::{Session, eventually};

/// What the gateway says of an attempt at the level `debug` alone.
const LINE: &str = "an attempt failed";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f147_the_level_of_the_log_changes_while_the_application_runs() {
    let account = relay_chat("relay").script(vec![Step::ContextOverflow; 200]);
    let mut app = TestApp::new("desktop-log").account(account).prepare().await;
    let session = Session::start(&app).await;
    let mut desktop = session.desktop(&app, &["--hidden"]);
    // The other tests' level: the environment would win over the setting.
    desktop.env_remove("SWITCHYARD_LOG_LEVEL");
    app.serve_with(desktop).await;
    app.enter_accounts().await;
    let log = app.home().join("logs/switchyard.log");
    let told = || {
        fs::read_to_string(&log)
            .expect("the log")
            .matches(LINE)
            .count()
    };
    assert_eq!(app.chat("quiet").await.status, 400);
    assert_eq!(told(), 0, "the level is info");
    let set = session.command_line(&app, &["settings", "set", "log.level", "debug"]);
    let output = { set }.output().await.expect("the command line");
    assert!(output.status.success());
    eventually("the new level holds", async || {
        app.chat("loud").await;
        (told() > 0).then_some(())
    })
    .await;
}
