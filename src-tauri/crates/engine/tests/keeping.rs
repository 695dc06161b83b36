//! What a person keeps and what goes: backups and restores (F124, F125), the watched folder (F10), clearing and resets (F74, F129), the
//! diagnostic bundle (F147), tests of proxies (F120).
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use engine::env::Env;
use engine::home::Home;
use engine::{Engine, EngineError, NewKeyAccount, Noted, OpenOptions, VaultChoice};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Nothing that a redactor would know by its looks.
const RELAY_KEY: &str = "relay KEY that nobody may see 8842";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The engine of this home, in which nothing is served.
    async fn open(&self, home: &str) -> Arc<Engine> {
        self.open_with(home, &[]).await.unwrap()
    }

    /// The same with more in the environment.
    async fn open_with(
        &self,
        home: &str,
        more: &[(&str, &str)],
    ) -> Result<Arc<Engine>, EngineError> {
        let lock = Home::at(&self.at(home)).unwrap().lock().unwrap();
        let person = self.folder.path().display().to_string();
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::from_pairs(std::iter::once(("HOME".to_owned(), person)).chain(more));
        let mut options = OpenOptions::new(lock, env).unwrap();
        options.vault = VaultChoice::File;
        options.passphrase = Some(SecretString::from("correct horse"));
        options.flags = vec![("codex.base_url".into(), "http://127.0.0.1:9/codex".into())];
        Engine::open(options).await
    }
}

async fn end(engine: Arc<Engine>) {
    engine.shutdown(Duration::ZERO).await;
}

fn relay(label: &str) -> NewKeyAccount {
    NewKeyAccount {
        kind: "relay".into(),
        label: label.into(),
        base_url: format!("http://127.0.0.1:9/{label}"),
        format: "openai".into(),
        key: SecretString::from(RELAY_KEY),
        models: Some(vec!["m".into()]),
        group: None,
        priority: Some(20),
        proxy: None,
        extras: Default::default(),
    }
}

/// A sign-in as a file tells it.
fn sign_in(person: &str, refresh: &str) -> String {
    let claims = serde_json::json!({"exp": 4_000_000_000_u64, 
        "https://api.openai.com/auth": {"chatgpt_account_id": format!("acc-{person}"), "chatgpt_user_id": person}});
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    serde_json::json!({"type": "codex", "access_token": format!("eyJhbGciOiJub25lIn0.{claims}.c2ln"),
        "refresh_token": refresh, "email": format!("{person}@example.com")})
    .to_string()
}

async fn import(engine: &Arc<Engine>, text: &str) {
    let text = SecretString::from(text.to_owned());
    let report = engine.import(&text, false, false).await.unwrap();
    assert_eq!(report.failed, 0, "{:?}", report.errors);
}

fn labels(engine: &Engine) -> Vec<String> {
    let accounts = engine.accounts();
    accounts.into_iter().map(|account| account.label).collect()
}

async fn exported(engine: &Engine) -> String {
    let text = engine.export(&[], None).await.unwrap();
    text.expose_secret().to_owned()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_: &Path) -> u32 {
    0o600
}

/// F124: the unreadable database is served read-only from its backup, which is offered and, on the person's word, put in its place.
#[tokio::test]
async fn f124_the_last_good_backup_is_offered_and_put_back() {
    let place = Place::new();
    let engine = place.open("home").await;
    engine.add_key_account(relay("first")).await.unwrap();
    let made = engine.back_up().await.unwrap();
    engine.add_key_account(relay("later")).await.unwrap();
    end(engine).await;
    fs::write(place.at("home/switchyard.db"), "no database".repeat(99)).unwrap();

    let engine = place.open("home").await;
    assert!(engine.read_only().unwrap().contains("switchyard restore"));
    assert!(engine.back_up().await.is_err());
    let seen = engine.backups().await.unwrap();
    assert_eq!(seen.offered.as_deref(), Some(made.name.as_str()));
    let preview = engine.preview_backup(&made.name).await.unwrap();
    assert_eq!(preview.accounts[0].label, "first");
    assert!(preview.accounts[0].credential && preview.accounts[0].here);
    assert!(engine.restore_backup("switchyard.db").await.is_err());
    engine.restore_backup(&made.name).await.unwrap();
    assert!(engine.backups().await.unwrap().pending);
    end(engine).await;

    let engine = place.open("home").await;
    assert_eq!(engine.read_only(), None);
    assert_eq!(labels(&engine), ["first"]);
    assert!(exported(&engine).await.contains(RELAY_KEY), "the vault's");
    let seen = engine.backups().await.unwrap();
    assert!(!seen.pending && seen.offered.is_none());
    end(engine).await;
}

/// F124: one backup a day by itself, none of an empty home, and no more than wanted.
#[tokio::test(start_paused = true)]
async fn f124_a_daily_backup_is_made_by_itself() {
    let place = Place::new();
    let engine = place.open("home").await;
    let hours = Duration::from_secs(3 * 3600);
    tokio::time::sleep(hours).await;
    assert!(engine.backups().await.unwrap().backups.is_empty());
    engine
        .change_setting("backup.keep", Some("2"))
        .await
        .unwrap();
    engine.add_key_account(relay("first")).await.unwrap();
    tokio::time::sleep(hours).await;
    let backups = engine.backups().await.unwrap().backups;
    assert_eq!(backups.len(), 1, "the wall clock stood still: once");
    assert_eq!(
        (
            backups[0].sort,
            mode(&place.at("home").join(&backups[0].name))
        ),
        ("daily", 0o600)
    );
    let bytes = fs::read(place.at("home").join(&backups[0].name)).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(holds("first") && !holds(RELAY_KEY));

    // As it looks some days later.
    for (from, to) in [
        (&backups[0].name[..], "auto-1"),
        ("", "auto-2"),
        ("", "auto-3"),
    ] {
        let to = place.at("home").join(format!("switchyard.db.backup-{to}"));
        match from {
            "" => fs::write(to, &bytes).unwrap(),
            from => fs::rename(place.at("home").join(from), to).unwrap(),
        }
    }
    tokio::time::sleep(hours).await;
    let names: Vec<String> = engine
        .backups()
        .await
        .unwrap()
        .backups
        .into_iter()
        .map(|b| b.name)
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[1], "switchyard.db.backup-auto-3");
    end(engine).await;
}

/// F10: what appears in the folder is imported once, without a restart, and never changed.
#[tokio::test(start_paused = true)]
async fn f10_a_watched_folder_is_taken_in_once() {
    let place = Place::new();
    let inbox = place.at("inbox");
    fs::create_dir(&inbox).unwrap();
    let minute = Duration::from_secs(60);
    let put = |name: &str, text: &str| {
        let path = inbox.join(name);
        fs::write(&path, text).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        fs::File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        (path, text.to_owned())
    };
    let mut files = vec![put("one.json", &sign_in("one", "rt_one_first_0000"))];
    let engine = place.open("home").await;
    tokio::time::sleep(minute).await;
    assert!(
        engine.accounts().is_empty(),
        "off unless somebody sets a folder"
    );
    assert!(
        engine
            .change_setting("import.folder", Some("inbox"))
            .await
            .is_err()
    );
    let whole = inbox.display().to_string();
    engine
        .change_setting("import.folder", Some(&whole))
        .await
        .unwrap();
    tokio::time::sleep(minute).await;
    assert_eq!(labels(&engine), ["one@example.com"]);

    files.push(put("two.txt", &sign_in("two", "rt_two_0000000000")));
    files.push(put("broken.json", "{"));
    files.push(put("notes.md", &sign_in("three", "rt_three_00000000")));
    tokio::time::sleep(minute).await;
    assert_eq!(labels(&engine), ["one@example.com", "two@example.com"]);
    // The tokens were renewed since; neither a restart nor a copy of the old file brings the old ones back.
    import(&engine, &sign_in("one", "rt_one_second_111")).await;
    end(engine).await;
    files.push(put("copy.json", &files[0].1.clone()));
    let engine = place.open("home").await;
    tokio::time::sleep(minute).await;
    let text = exported(&engine).await;
    assert!(text.contains("rt_one_second_111") && !text.contains("rt_one_first_0000"));
    assert_eq!(engine.accounts().len(), 2);
    // A file that is mended is looked into again; one that is just being written is not.
    files.retain(|(path, _)| !path.ends_with("broken.json"));
    files.push(put("broken.json", &sign_in("four", "rt_four_000000000")));
    fs::write(
        inbox.join("half.json"),
        sign_in("five", "rt_five_000000000"),
    )
    .unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(engine.accounts().len(), 3);
    for (path, text) in files {
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    end(engine).await;
}

/// F125: settings and accounts in a file, without secrets or with them under a passphrase; a look before it is restored.
#[tokio::test]
async fn f125_a_backup_file_brings_settings_and_accounts_to_another_home() {
    let place = Place::new();
    let engine = place.open("old").await;
    engine.add_key_account(relay("office")).await.unwrap();
    import(&engine, &sign_in("one", "rt_one_first_0000")).await;
    engine.change_setting("retry.max", Some("4")).await.unwrap();
    engine
        .change_setting("models.aliases", Some("a=m,b=m"))
        .await
        .unwrap();
    engine
        .change_setting("proxy.url", Some("http://me:proxyWORD77@127.0.0.1:9"))
        .await
        .unwrap();
    let key = engine.key("default").unwrap().expose_secret().to_owned();
    engine.add_key("laptop").await.unwrap();
    let limit = engine::UsageLimit {
        requests: Some(500),
        ..Default::default()
    };
    engine
        .set_usage_limits("office", vec![limit])
        .await
        .unwrap();
    let wish = engine::BalanceChange {
        adapter: Some(Some("deepseek".into())),
        threshold: Some(Some("0.50".into())),
    };
    engine.change_balance("office", wish).await.unwrap();
    let words = || Some(SecretString::from("four plain words here"));
    assert!(
        engine
            .write_backup(place.at("old/in.json"), None)
            .await
            .is_err(),
        "not in the home"
    );
    let plain = engine
        .write_backup(place.at("plain.json"), None)
        .await
        .unwrap();
    let sealed = engine
        .write_backup(place.at("sealed.json"), words())
        .await
        .unwrap();
    assert_eq!(
        (plain.accounts, plain.settings, plain.secrets),
        (2, 3, false)
    );
    assert!(sealed.secrets);
    end(engine).await;
    for name in ["plain.json", "sealed.json"] {
        let text = fs::read_to_string(place.at(name)).unwrap();
        for secret in [RELAY_KEY, "rt_one_first_0000", "eyJ", "proxyWORD77", &key] {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
        assert_eq!(mode(&place.at(name)), 0o600);
    }

    let engine = place.open("new").await;
    let seen = engine
        .restore_file(place.at("plain.json"), None, true)
        .await
        .unwrap();
    assert_eq!(
        (seen.accounts.len(), seen.settings.len(), seen.keys.len()),
        (2, 3, 0)
    );
    assert!(
        seen.accounts
            .iter()
            .all(|account| (account.action, account.credential) == ("new", "missing"))
    );
    assert!(engine.accounts().is_empty(), "a look changes nothing");
    assert_eq!(engine.setting("retry.max").unwrap().value, 2);

    engine
        .restore_file(place.at("plain.json"), None, false)
        .await
        .unwrap();
    assert_eq!(labels(&engine), ["office", "one@example.com"]);
    assert_eq!(engine.setting("retry.max").unwrap().value, 4);
    assert_eq!(
        engine.setting("models.aliases").unwrap().value,
        serde_json::json!(["a=m", "b=m"])
    );
    assert!(
        engine
            .restore_file(place.at("sealed.json"), None, true)
            .await
            .is_err()
    );
    let wrong = Some(SecretString::from("wrong"));
    assert!(
        engine
            .restore_file(place.at("sealed.json"), wrong, true)
            .await
            .is_err()
    );

    let done = engine
        .restore_file(place.at("sealed.json"), words(), false)
        .await
        .unwrap();
    assert!(
        done.accounts
            .iter()
            .all(|account| (account.action, account.credential) == ("update", "restored"))
    );
    assert_eq!(done.keys, ["default", "laptop"]);
    let text = exported(&engine).await;
    assert!(text.contains(RELAY_KEY) && text.contains("rt_one_first_0000"));
    assert_eq!(engine.key("default").unwrap().expose_secret(), key);
    let office = engine.account("office").unwrap();
    assert_eq!(
        (office.priority, office.limits[0].limit.requests),
        (20, Some(500))
    );
    let balance = office.balance.unwrap();
    assert_eq!(
        (&balance.adapter[..], &balance.threshold[..]),
        ("deepseek", "0.50")
    );
    // The vault's own credential is the newer one.
    import(&engine, &sign_in("one", "rt_one_second_111")).await;
    let again = engine
        .restore_file(place.at("sealed.json"), words(), false)
        .await
        .unwrap();
    assert!(
        again
            .accounts
            .iter()
            .all(|account| account.credential == "kept")
    );
    assert!(again.settings.is_empty());
    assert!(exported(&engine).await.contains("rt_one_second_111"));
    end(engine).await;
    fs::write(place.at("other.json"), "{\"type\":\"codex\"}").unwrap();
    let engine = place.open("new").await;
    for name in ["other.json", "gone.json"] {
        assert!(
            engine
                .restore_file(place.at(name), None, true)
                .await
                .is_err(),
            "{name}"
        );
    }
    end(engine).await;
}

/// F129: each reset does its own and no more.
#[tokio::test]
async fn f129_logging_out_clearing_and_beginning_anew_are_separate() {
    let place = Place::new();
    let engine = place.open("home").await;
    engine.add_key_account(relay("office")).await.unwrap();
    import(&engine, &sign_in("one", "rt_one_first_0000")).await;
    engine.change_setting("retry.max", Some("4")).await.unwrap();
    engine.back_up().await.unwrap();
    for what in [Noted::Requests, Noted::Usage, Noted::Samples] {
        assert_eq!(engine.clear(what).await.unwrap(), 0);
    }
    assert_eq!(engine.log_out_all().await.unwrap(), 1);
    assert_eq!(engine.log_out_all().await.unwrap(), 0);
    assert_eq!(engine.accounts().len(), 2);
    assert_eq!(
        engine.account("one@example.com").unwrap().health,
        "needs_login"
    );
    assert_ne!(engine.account("office").unwrap().health, "needs_login");
    end(engine).await;
    let engine = place.open("home").await;
    assert_eq!(
        engine.account("one@example.com").unwrap().health,
        "needs_login"
    );
    let office = engine.export(&["office".into()], None).await.unwrap();
    assert!(office.expose_secret().contains(RELAY_KEY));
    assert!(
        engine
            .export(&["one@example.com".into()], None)
            .await
            .is_err()
    );
    import(&engine, &sign_in("one", "rt_one_second_111")).await;
    assert_ne!(
        engine.account("one@example.com").unwrap().health,
        "needs_login"
    );

    let key = engine.key("default").unwrap().expose_secret().to_owned();
    engine.add_key("laptop").await.unwrap();
    engine.factory_reset().await.unwrap();
    let check = |engine: &Engine| {
        assert!(engine.accounts().is_empty());
        assert_eq!(engine.setting("retry.max").unwrap().value, 2);
        assert_eq!(engine.keys().len(), 1);
        assert_ne!(engine.key("default").unwrap().expose_secret(), key);
    };
    check(&engine);
    assert!(engine.backups().await.unwrap().backups.is_empty());
    engine.add_key_account(relay("again")).await.unwrap();
    engine.remove("again").await.unwrap();
    end(engine).await;
    let engine = place.open("home").await;
    check(&engine);
    end(engine).await;
}

/// F147, F30: whatever somebody planted, the bundle does not hold it.
#[tokio::test]
async fn f147_the_bundle_tells_much_and_no_secret() {
    let place = Place::new();
    let engine = place.open("home").await;
    engine.add_key_account(relay("office")).await.unwrap();
    import(&engine, &sign_in("one", "rt_one_first_0000")).await;
    engine
        .change_setting("proxy.url", Some("http://me:proxyWORD77@127.0.0.1:9"))
        .await
        .unwrap();
    let key = engine.key("default").unwrap().expose_secret().to_owned();
    let home = place.folder.path().display().to_string();
    let planted = [
        RELAY_KEY,
        "rt_one_first_0000",
        "proxyWORD77",
        "correct horse",
        &key,
        &home,
        "one@example.com",
    ];
    fs::create_dir_all(place.at("home/logs")).unwrap();
    let lines: String = (0..700)
        .map(|n| format!("line {n} {}\n", planted[n % planted.len()]))
        .collect();
    fs::write(place.at("home/logs/switchyard.log"), lines).unwrap();
    let text = engine.diagnostics().await.unwrap();
    for told in [
        env!("CARGO_PKG_VERSION"),
        "proxy.url",
        "office",
        "line 699",
        "line 200 ",
        "o•••@example.com",
        "~/home",
    ] {
        assert!(text.contains(told), "{told} is missing in:\n{text}");
    }
    assert!(!text.contains("line 199 "), "the last 500 lines");
    let none = |text: &str| {
        for secret in &planted {
            assert!(
                *secret == "correct horse" || !text.contains(secret),
                "{secret}"
            );
        }
    };
    none(&text);
    let path = place.at("bundle.txt");
    let more = format!("{text}\npasted: {RELAY_KEY}\n");
    engine.save_diagnostics(&more, path.clone()).await.unwrap();
    let saved = fs::read_to_string(&path).unwrap();
    none(&saved);
    assert!(saved.starts_with(&text) && mode(&path) == 0o600);
    assert!(
        engine
            .save_diagnostics(&text, place.at("home/x.txt"))
            .await
            .is_err()
    );
    assert!(
        engine
            .save_diagnostics("", place.at("x.txt"))
            .await
            .is_err()
    );
    end(engine).await;
}

/// F120: status and latency through a proxy that is not saved, and nothing of an account on the way.
#[tokio::test]
async fn f120_a_proxy_is_tested_before_it_is_saved() {
    let place = Place::new();
    let engine = place.open("home").await;
    let mut account = relay("office");
    account.base_url = "http://relay.example.invalid/v1".into();
    engine.add_key_account(account).await.unwrap();
    for (answer, standing) in [
        ("200 OK", "ok"),
        ("404 Not Found", "limited"),
        ("407 No", "limited"),
        ("502 No", "down"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://me:word77@{}", listener.local_addr().unwrap());
        let proxy = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let reply = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            String::from_utf8(head).unwrap().to_ascii_lowercase()
        });
        let seen = engine.test_proxy(Some(&url), Some("office")).await.unwrap();
        assert_eq!(seen.standing, standing, "{seen:?}");
        assert_eq!(seen.host, "http://relay.example.invalid");
        assert_eq!(seen.status, answer[..3].parse().ok());
        assert!(!seen.proxy.unwrap().contains("word77"));
        let head = proxy.await.unwrap();
        assert!(
            head.starts_with("head http://relay.example.invalid/ "),
            "{head}"
        );
        assert!(
            !head.contains("\r\nauthorization")
                && !head.contains("cookie")
                && !head.contains("relay key"),
            "{head}"
        );
    }
    let dead = engine
        .test_proxy(Some("socks5://127.0.0.1:9"), None)
        .await
        .unwrap();
    assert_eq!((dead.standing, dead.status), ("down", None));
    assert!(dead.problem.is_some() && dead.host == "http://127.0.0.1:9");
    for wrong in [None, Some("ftp://x"), Some("nonsense")] {
        assert!(engine.test_proxy(wrong, None).await.is_err(), "{wrong:?}");
    }
    assert!(
        engine.setting("proxy.url").unwrap().value.is_null(),
        "nothing is saved"
    );
    let all = engine.test_network().await.unwrap();
    assert!(
        all.iter()
            .any(|one| one.host == "http://relay.example.invalid" && one.standing == "down")
    );
    end(engine).await;
}

/// F126: the environment's key is in force and locked; the vault keeps its own for the day without it.
#[tokio::test]
async fn f126_the_environment_may_hold_the_gateway_key() {
    const OWN: &str = "sk-of-the-environment-1";
    let place = Place::new();
    let engine = place.open("home").await;
    let kept = engine.key("default").unwrap().expose_secret().to_owned();
    end(engine).await;
    let held = [("SWITCHYARD_SERVER_KEY", OWN)];
    for wrong in ["too short", "two words are no key at all"] {
        let held = [("SWITCHYARD_SERVER_KEY", wrong)];
        let refused = place.open_with("home", &held);
        let error = refused.await.unwrap_err().to_string();
        assert!(
            error.contains("SWITCHYARD_SERVER_KEY") && !error.contains(wrong),
            "{error}"
        );
    }
    let engine = place.open_with("home", &held).await.unwrap();
    let key = |engine: &Engine| engine.key("default").unwrap().expose_secret().to_owned();
    assert_eq!(key(&engine), OWN);
    assert_eq!(engine.keys()[0].locked_by, Some("SWITCHYARD_SERVER_KEY"));
    for refused in [
        engine.rotate_key().await.map(drop),
        engine.revoke_key("default").await,
    ] {
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("SWITCHYARD_SERVER_KEY")
        );
    }
    engine.add_key("laptop").await.unwrap();
    assert_eq!(engine.keys()[1].locked_by, None);
    end(engine).await;
    let engine = place.open("home").await;
    assert_eq!((key(&engine), engine.keys().len()), (kept.clone(), 2));
    end(engine).await;
    let engine = place.open_with("home", &held).await.unwrap();
    engine.factory_reset().await.unwrap();
    assert_eq!((key(&engine), engine.keys().len()), (OWN.to_owned(), 1));
    end(engine).await;
    let engine = place.open("home").await;
    assert!(![OWN, &kept].contains(&&key(&engine)[..]));
    end(engine).await;
}
