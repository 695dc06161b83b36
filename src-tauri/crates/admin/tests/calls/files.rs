//! Import and export of files: what the window may do with files of this machine (F4–F10).

use std::io::Write;

use futures_util::StreamExt;
use serde_json::{Value, json};
use simulator::AccountSetup;

use crate::stage::Stage;

fn item(n: usize) -> Value {
    json!({"type": "codex", "refresh_token": format!("rt_file_import_{n}"), "account_id": format!("acc-{n}"), "email": format!("p{n}@example.com")})
}

#[tokio::test]
async fn f9_an_export_is_a_private_file_that_imports_again() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    stage.relay("office", &["m"]).await;
    let path = |name: &str| stage.folder.path().join(name).display().to_string();
    let id = stage.id("a@example.com");
    let cases = [
        ("all.json", json!({"path": path("all.json")}), 2),
        (
            "one.json",
            json!({"ids": [id, "a@example.com"], "path": path("one.json")}),
            1,
        ),
        (
            "sealed.json",
            json!({"ids": null, "passphrase": "four plain words here", "path": path("sealed.json")}),
            2,
        ),
    ];
    for (name, body, count) in cases {
        let written = stage.post("/accounts/export", body).await.ok();
        assert_eq!(
            (&written["count"], &written["path"]),
            (&json!(count), &json!(path(name)))
        );
        let text = std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(
            text.contains(&account.refresh_token),
            name != "sealed.json",
            "{name}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    let seen = stage.get(&format!("/accounts/{id}")).await.ok();
    assert_eq!(seen["export_count"], 3, "every export is counted");
    assert!(seen["exported_at"].is_i64());

    let back = json!({"paths": [path("all.json")], "dry_run": true});
    let report = stage.post("/accounts/import/files", back).await.ok();
    let actions: Vec<_> = report["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["action"].clone())
        .collect();
    assert_eq!(actions, ["update", "update"]);
    let sealed = |passphrase: Option<&str>| json!({"paths": [path("sealed.json")], "passphrase": passphrase, "dry_run": true});
    assert_eq!(
        stage
            .post("/accounts/import/files", sealed(None))
            .await
            .code(),
        "invalid"
    );
    assert_eq!(
        stage
            .post("/accounts/import/files", sealed(Some("wrong")))
            .await
            .code(),
        "invalid"
    );
    let opened = stage
        .post(
            "/accounts/import/files",
            sealed(Some("four plain words here")),
        )
        .await
        .ok();
    assert_eq!(opened["items"].as_array().unwrap().len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn f9_what_cannot_be_written_is_refused_and_not_counted() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let at = |name: &str| stage.folder.path().join(name).display().to_string();
    let cases = [
        (json!({"path": "export.json"}), "invalid"),
        (json!({"path": at("nowhere/export.json")}), "invalid"),
        (json!({"path": at("home/switchyard.db")}), "invalid"),
        (json!({"path": at("home")}), "invalid"),
        (json!({"ids": [], "path": at("a.json")}), "invalid"),
        (
            json!({"ids": ["nobody"], "path": at("a.json")}),
            "not_found",
        ),
        (json!({"passphrase": "", "path": at("a.json")}), "invalid"),
        (json!({}), "invalid"),
    ];
    for (body, code) in cases {
        assert_eq!(
            stage.post("/accounts/export", body.clone()).await.code(),
            code,
            "{body}"
        );
    }
    assert_eq!(
        stage.engine.account("a@example.com").unwrap().export_count,
        0
    );
    assert!(!stage.folder.path().join("a.json").exists());
    stage.end().await;
}

/// F9, F28: a browser gets neither files nor secrets.
#[tokio::test]
async fn f28_files_and_secrets_are_not_offered_to_a_browser() {
    let mut stage = Stage::new().await;
    stage.router = admin::router(stage.engine.clone());
    for path in [
        "/accounts/export",
        "/accounts/import/files",
        "/local/export",
        "/local/key/default",
        "/local/key-rotation",
    ] {
        let reply = stage
            .post(path, json!({"paths": ["/x"], "path": "/x", "ids": []}))
            .await;
        assert_eq!(reply.code(), "not_found", "{path}");
        assert!([404, 405].contains(&reply.status.as_u16()), "{path}");
    }
    stage.router = admin::window(stage.engine.clone());
    assert_eq!(stage.get("/local/key/default").await.code(), "not_found");
    stage.end().await;
}

#[tokio::test]
async fn f5_f10_a_preview_of_files_writes_nothing_and_one_wrong_file_refuses_all() {
    let stage = Stage::new().await;
    let folder = stage.folder.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("one.json"), item(1).to_string()).unwrap();
    std::fs::write(
        folder.join("two.json"),
        json!([item(2), item(1)]).to_string(),
    )
    .unwrap();
    let import = |paths: Value, dry_run: bool| {
        let body = json!({"paths": paths, "dry_run": dry_run});
        stage.post("/accounts/import/files", body)
    };
    let seen = import(json!([folder]), true).await.ok();
    let actions: Vec<_> = seen["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["action"].clone())
        .collect();
    assert_eq!(actions, ["new", "new", "duplicate_in_file"]);
    assert!(
        stage.engine.accounts().is_empty(),
        "a preview writes nothing"
    );

    let broken = stage.folder.path().join("broken.json");
    std::fs::write(&broken, "{").unwrap();
    for paths in [
        json!([folder, broken]),
        json!([]),
        json!(["in"]),
        json!([stage.folder.path().join("gone")]),
        json!(["/dev/null"]),
    ] {
        assert_eq!(
            import(paths.clone(), false).await.code(),
            "invalid",
            "{paths}"
        );
    }
    assert!(
        stage.engine.accounts().is_empty(),
        "one wrong file refuses all"
    );

    let written = import(json!([folder]), false).await.ok();
    assert_eq!(
        (&written["added"], &written["failed"]),
        (&json!(2), &json!(0))
    );
    stage.end().await;
}

#[tokio::test]
async fn f7_f10_a_thousand_files_of_an_archive_come_in_with_progress() {
    let stage = Stage::new().await;
    let path = stage.folder.path().join("many.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for n in 0..1_000 {
        archive
            .start_file(
                format!("in/{n}.json"),
                zip::write::SimpleFileOptions::default(),
            )
            .unwrap();
        archive.write_all(item(n).to_string().as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    let events = admin::events(stage.engine.clone());
    let import = async {
        let began = tokio::time::Instant::now();
        let report = stage
            .post("/accounts/import/files", json!({"paths": [path]}))
            .await
            .ok();
        println!("1000 files in {:?} (goal: 10 s)", began.elapsed());
        report
    };
    let listen = async {
        let mut steps = Vec::new();
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            if event["type"] == "progress" {
                assert_eq!(
                    (&event["task"], &event["total"]),
                    (&json!("import"), &json!(1_000))
                );
                steps.push(event["done"].as_u64().unwrap());
                if event["done"] == event["total"] {
                    break;
                }
            }
        }
        steps
    };
    let (report, steps) = tokio::join!(import, listen);
    assert_eq!(
        (&report["added"], &report["failed"]),
        (&json!(1_000), &json!(0))
    );
    assert_eq!(stage.engine.accounts().len(), 1_000);
    assert!(steps.len() > 10 && steps.is_sorted(), "{steps:?}");
    for path in ["/accounts", "/overview", "/quota/history", "/models"] {
        let began = tokio::time::Instant::now();
        stage.get(path).await.ok();
        println!("{path} with 1000 accounts in {:?}", began.elapsed());
    }
    stage.end().await;
}

/// F7: verifying asks for quota or models, never a model; a failure keeps the account.
#[tokio::test]
async fn f7_verifying_an_import_asks_no_model() {
    let stage = Stage::new().await;
    let good = stage
        .simulator
        .add_codex_account(AccountSetup::new("good@example.com"));
    let path = stage.folder.path().join("two.json");
    let unknown = json!({"type": "codex", "access_token": "at-unknown-access-token-000000", "email": "bad@example.com"});
    std::fs::write(
        &path,
        format!(
            "{}\n{unknown}\n",
            serde_json::from_str::<Value>(&good.auth_json()).unwrap()
        ),
    )
    .unwrap();
    let body = json!({"paths": [path], "verify": true});
    let report = stage.post("/accounts/import/files", body).await.ok();
    assert_eq!(
        (&report["added"], &report["failed"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(stage.engine.accounts().len(), 2);
    assert!(stage.simulator.requests_to("/responses").is_empty());
    stage.end().await;
}
