use std::fs;
use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::*;
use crate::env::{Env, VARIABLES, setting_variable};

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if !text.is_empty() {
            fs::write(dir.path().join("settings.toml"), text).unwrap();
        }
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("settings.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    fn open(&self) -> Result<SettingsFile, SettingsError> {
        self.open_with(&[])
    }

    fn open_with(&self, env: &[(&str, &str)]) -> Result<SettingsFile, SettingsError> {
        SettingsFile::open(self.path(), Env::from_pairs(env.iter().copied()), &[])
    }
}

#[test]
fn f126_every_key_is_documented_and_its_default_is_allowed() {
    let mut settings = Settings::defaults();
    for (i, key) in KEYS.iter().enumerate() {
        assert!(
            key.doc.ends_with('.') && !key.field.allowed().is_empty(),
            "{}",
            key.name
        );
        assert!(
            !KEYS[..i].iter().any(|earlier| earlier.name == key.name),
            "{} twice",
            key.name
        );
        let variable = setting_variable(key.name);
        assert!(
            !VARIABLES.iter().any(|other| other.name == variable),
            "{variable} has two meanings"
        );
        let text = key.field.get(&mut settings).to_string();
        key.field
            .put_text(&mut settings, &text)
            .unwrap_or_else(|problem| panic!("{} {problem}", key.name));
    }
    assert_eq!(settings, Settings::defaults());
}

#[test]
fn f126_the_template_is_a_file_that_says_nothing() {
    let folder = Folder::new(&template());
    let file = folder.open().unwrap();
    assert_eq!(file.current().settings, Settings::defaults());
    assert!(file.current().unknown.is_empty());
    // With every # before a value taken away it says the defaults.
    let awake: String = template()
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = "))
                .unwrap_or(line)
                .to_owned()
                + "\n"
        })
        .collect();
    assert_eq!(
        Folder::new(&awake).open().unwrap().current().settings,
        Settings::defaults()
    );
}

#[test]
fn the_fixed_points_have_the_promised_defaults() {
    let file = Folder::new("").open().unwrap();
    for (key, expected) in [
        ("server.host", "127.0.0.1"),
        ("server.port", "8787"),
        ("codex.base_url", "https://chatgpt.com/backend-api/codex"),
        ("codex.auth_url", "https://auth.openai.com"),
        ("rotation.mode", "active"),
        ("auto_switch.enabled", "false"),
        ("retry.max", "2"),
        ("retry.deadline_s", "120"),
        ("timeouts.connect_s", "5"),
        ("timeouts.headers_s", "180"),
        ("timeouts.idle_s", "300"),
        ("timeouts.total_s", "600"),
        ("limits.body_mib", "32"),
        ("limits.compact_body_mib", "256"),
        ("proxy.enabled", "false"),
        ("proxy.url", ""),
        ("proxy.no_proxy", "localhost,127.0.0.1,::1"),
        ("refresh.interval_s", "3000"),
        ("journal.rows", "2000"),
        ("journal.days", "7"),
    ] {
        let entry = file.get(key).unwrap();
        assert_eq!(entry.value.to_string(), expected, "{key}");
        assert_eq!(
            (entry.source, entry.locked_by),
            (Source::Default, None),
            "{key}"
        );
    }
    assert_eq!(
        file.current().settings.usage_url(),
        "https://chatgpt.com/backend-api/wham/usage"
    );
}

#[test]
fn the_usage_url_hangs_beside_the_base() {
    for (base, expected) in [
        (
            "http://127.0.0.1:9/backend-api/codex",
            "http://127.0.0.1:9/backend-api/wham/usage",
        ),
        (
            "http://127.0.0.1:9/backend-api/codex/",
            "http://127.0.0.1:9/backend-api/wham/usage",
        ),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/wham/usage"),
    ] {
        let file = Folder::new("")
            .open_with(&[("SWITCHYARD_CODEX_BASE_URL", base)])
            .unwrap();
        assert_eq!(file.current().settings.usage_url(), expected);
    }
}

#[test]
fn f126_values_are_accepted_as_written_by_people() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    for (key, value, expected) in [
        ("server.port", " 9000 ", "9000"),
        ("server.host", "[::1]", "::1"),
        ("server.host", "LocalHost", "localhost"),
        ("server.account_header", "off", "false"),
        ("rotation.mode", "Round_Robin", "round_robin"),
        (
            "codex.base_url",
            "http://127.0.0.1:9/backend-api/codex/",
            "http://127.0.0.1:9/backend-api/codex",
        ),
        ("codex.client_version", "0.169.0", "0.169.0"),
        (
            "server.cors_origins",
            "https://a.example.com/, http://localhost:5173,tauri://localhost",
            "https://a.example.com,http://localhost:5173,tauri://localhost",
        ),
        (
            "server.allowed_hosts",
            "box.example.com,192.0.2.7,box.example.com",
            "box.example.com,192.0.2.7",
        ),
        (
            "proxy.no_proxy",
            ".example.com, *.example.org,10.0.0.0/8,[::1]:80,::1,host:8080,*",
            ".example.com,*.example.org,10.0.0.0/8,[::1]:80,::1,host:8080,*",
        ),
    ] {
        let _ = file
            .set(key, value)
            .unwrap_or_else(|error| panic!("{key}={value}: {error}"));
        assert_eq!(file.get(key).unwrap().value.to_string(), expected, "{key}");
        // What was written is read back as the same.
        assert_eq!(
            folder.open().unwrap().get(key).unwrap().value.to_string(),
            expected,
            "{key}"
        );
    }
}

#[test]
fn f126_a_bad_value_names_key_and_range_and_changes_nothing() {
    let text = "# mine\n[retry]\nmax = 4\n";
    let folder = Folder::new(text);
    let file = folder.open().unwrap();
    for (key, value, needles) in [
        (
            "server.port",
            "70000",
            &["server.port", "70000", "0 to 65535"][..],
        ),
        ("server.port", "http", &["server.port", "0 to 65535"]),
        ("server.port", "-1", &["server.port", "0 to 65535"]),
        (
            "timeouts.headers_s",
            "20",
            &["timeouts.headers_s", "30 to 600 seconds"],
        ),
        ("timeouts.headers_s", "601", &["30 to 600"]),
        (
            "auto_switch.enabled",
            "maybe",
            &["auto_switch.enabled", "true or false"],
        ),
        (
            "rotation.mode",
            "random",
            &["rotation.mode", "round_robin, most_headroom"],
        ),
        ("server.host", "not a host", &["server.host"]),
        ("server.host", "300.1.1.1", &["server.host"]),
        (
            "codex.base_url",
            "ftp://example.com",
            &["codex.base_url", "http"],
        ),
        (
            "codex.base_url",
            "http://u:p@example.com",
            &["codex.base_url", "password"],
        ),
        ("codex.originator", "a\nb", &["codex.originator"]),
        (
            "codex.client_version",
            "latest",
            &["codex.client_version", "1.2.3"],
        ),
        (
            "server.cors_origins",
            "*",
            &["server.cors_origins", "one by one"],
        ),
        ("server.cors_origins", "null", &["server.cors_origins"]),
        (
            "server.cors_origins",
            "https://a.example.com/path",
            &["server.cors_origins"],
        ),
        ("proxy.no_proxy", "10.0.0.0/64", &["proxy.no_proxy", "CIDR"]),
        ("proxy.no_proxy", "a b", &["proxy.no_proxy"]),
        (
            "limits.body_mib",
            "0",
            &["limits.body_mib", "1 to 1024 MiB"],
        ),
        (
            "retry.maxx",
            "1",
            &["retry.maxx", "did you mean retry.max?"],
        ),
        ("port", "1", &["did you mean server.port?"]),
    ] {
        let error = file.set(key, value).unwrap_err().to_string();
        for needle in needles {
            assert!(error.contains(needle), "{key}={value}: {error}");
        }
    }
    assert_eq!(folder.text(), text);
    assert_eq!(file.current().settings.retry.max, 4);
}

#[test]
fn f116_exactly_six_proxy_schemes() {
    for scheme in ["http", "https", "socks4", "socks4a", "socks5", "socks5h"] {
        ProxyAddress::parse(&format!("{scheme}://user:secret@proxy.example.com:1080")).unwrap();
    }
    for bad in [
        "socks://h:1",
        "socks6://h:1",
        "ftp://h",
        "proxy.example.com:8080",
        "http://",
        "http://h/path",
        "http://h?x",
        "",
        "//h",
    ] {
        let error = Folder::new("").open().unwrap().set("proxy.url", bad);
        if !bad.is_empty() {
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains("proxy.url") && error.contains("socks5h"),
                "{bad}: {error}"
            );
        }
    }
}

#[test]
fn f117_the_proxy_keeps_its_url() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    let error = file.set("proxy.enabled", "true").unwrap_err().to_string();
    assert!(
        error.contains("proxy.enabled") && error.contains("proxy.url"),
        "{error}"
    );
    assert_eq!(folder.text(), "");

    let _ = file
        .change(&[
            ("proxy.enabled", Some("true")),
            ("proxy.url", Some("socks5h://proxy.example.com:1080")),
        ])
        .unwrap();
    let error = file.unset("proxy.url").unwrap_err().to_string();
    assert!(error.contains("proxy.enabled"), "{error}");

    let _ = file.set("proxy.enabled", "false").unwrap();
    assert_eq!(
        file.get("proxy.url").unwrap().value.to_string(),
        "socks5h://proxy.example.com:1080"
    );

    // Empty falls back to the stored rules, else to the default.
    let _ = file.set("proxy.no_proxy", "").unwrap();
    assert_eq!(
        file.get("proxy.no_proxy").unwrap().value.to_string(),
        "localhost,127.0.0.1,::1"
    );
    let _ = file.set("proxy.no_proxy", ".example.com").unwrap();
    let _ = file.set("proxy.no_proxy", " ").unwrap();
    assert_eq!(
        file.get("proxy.no_proxy").unwrap().value.to_string(),
        ".example.com"
    );
    let by_hand = Folder::new("[proxy]\nno_proxy = \"\"\n").open().unwrap();
    assert_eq!(
        by_hand.get("proxy.no_proxy").unwrap().value.to_string(),
        "localhost,127.0.0.1,::1"
    );
}

#[test]
fn f23_the_file_never_holds_the_proxys_password() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    let change = file
        .set("proxy.url", "http://user:p%40ss@proxy.example.com:8080")
        .unwrap();
    let PasswordChange::Keep(password) = change.proxy_password else {
        panic!("the password is lost")
    };
    assert_eq!(password.expose_secret(), "p%40ss");
    assert!(!folder.text().contains("p%40ss"), "{}", folder.text());
    assert_eq!(
        file.get("proxy.url").unwrap().value.to_string(),
        "http://user@proxy.example.com:8080"
    );

    for (url, forgotten) in [
        (Some("http://user@proxy.example.com:8080"), true),
        (None, true),
    ] {
        let change = file.change(&[("proxy.url", url)]).unwrap();
        assert_eq!(
            matches!(change.proxy_password, PasswordChange::Forget),
            forgotten
        );
    }
    let change = file.set("retry.max", "1").unwrap();
    assert!(matches!(change.proxy_password, PasswordChange::None));
    let _ = file
        .set("proxy.url", "http://user:p%40ss@proxy.example.com:8080")
        .unwrap();

    // The vault gives it back to the connection; nothing shows it.
    let address = file
        .current()
        .settings
        .proxy
        .url
        .clone()
        .unwrap()
        .with_password(Some("p%40ss".to_owned().into()));
    assert_eq!(
        address.whole().expose_secret(),
        "http://user:p%40ss@proxy.example.com:8080"
    );
    assert_eq!(
        format!("{address:?}"),
        "http://user:•••@proxy.example.com:8080"
    );

    // From the environment it stays in memory.
    let env = Folder::new("")
        .open_with(&[(
            "SWITCHYARD_PROXY_URL",
            "socks5://:hunter2@proxy.example.com",
        )])
        .unwrap();
    assert!(!format!("{env:?} {}", env.get("proxy.url").unwrap().value).contains("hunter2"));
    assert_eq!(
        env.current()
            .settings
            .proxy
            .url
            .clone()
            .unwrap()
            .password()
            .unwrap()
            .expose_secret(),
        "hunter2"
    );
}

#[test]
fn f126_comments_and_unknown_keys_are_kept() {
    let folder = Folder::new(
        "# about me\nfuture = 1\n\n[server]\n# my port\nport = 9000 # behind\nshiny = true\nretries.x = 1\n[other]\na = [1,\n 2]\n",
    );
    let file = folder.open().unwrap();
    assert_eq!(
        file.current().unknown,
        ["future", "server.shiny", "server.retries.x", "other.a"]
    );
    let change = file.set("server.port", "9001").unwrap();
    assert_eq!(
        (change.changed, change.apply),
        (vec!["server.port"], Some(Apply::Rebind))
    );
    // Back to the default's value: the line with its comment stays.
    let _ = file.set("server.port", "8787").unwrap();
    let _ = file.set("retry.max", "3").unwrap();
    assert_eq!(
        folder.text(),
        "# about me\nfuture = 1\n\n[server]\n# my port\nport = 8787 # behind\nshiny = true\nretries.x = 1\n[other]\na = [1,\n 2]\n\n[retry]\nmax = 3\n"
    );
    let _ = file.unset("server.port").unwrap();
    assert!(!folder.text().contains("8787"));
}

#[test]
fn f126_only_differences_are_written() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    let change = file.set("server.port", "8787").unwrap();
    assert!(change.changed.is_empty() && change.apply.is_none());
    assert!(!folder.path().exists(), "the default is not a difference");
    let _ = file.set("server.port", "9000").unwrap();
    assert!(
        folder.text().starts_with('#') && folder.text().ends_with("[server]\nport = 9000\n"),
        "{}",
        folder.text()
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn any_toml_spelling_of_a_key_is_read_and_changed() {
    for text in [
        "server.port = 9000\n",
        "server = { port = 9000 }\n",
        "[server]\nport = 9000\n",
    ] {
        let folder = Folder::new(text);
        let file = folder.open().unwrap();
        assert_eq!(file.current().settings.server.port, 9000, "{text}");
        let _ = file.set("server.port", "9001").unwrap();
        assert_eq!(folder.text(), text.replace("9000", "9001"));
        let _ = file
            .set("server.cors_origins", "https://a.example.com")
            .unwrap();
        assert_eq!(
            folder
                .open()
                .unwrap()
                .current()
                .settings
                .server
                .cors_origins,
            ["https://a.example.com"]
        );
    }
}

#[test]
fn f126_the_environment_wins_and_locks() {
    let folder = Folder::new("[server]\nport = 9000\n");
    let file = folder
        .open_with(&[
            ("SWITCHYARD_SERVER_PORT", "9100"),
            ("SWITCHYARD_LIMITS_BODY_MIB", "8"),
        ])
        .unwrap();
    let entry = file.get("server.port").unwrap();
    assert_eq!(
        (entry.value.to_string().as_str(), entry.source),
        ("9100", Source::Env)
    );
    assert_eq!(entry.locked_by.as_deref(), Some("SWITCHYARD_SERVER_PORT"));
    let error = file.set("server.port", "9200").unwrap_err().to_string();
    assert!(error.contains("SWITCHYARD_SERVER_PORT"), "{error}");
    assert_eq!(file.current().settings.limits.body_mib, 8);

    let error = folder
        .open_with(&[("SWITCHYARD_SERVER_PORT", "many")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("in SWITCHYARD_SERVER_PORT") && error.contains("0 to 65535"),
        "{error}"
    );
}

#[test]
fn a_flag_beats_the_environment() {
    let folder = Folder::new("");
    let env = Env::from_pairs([("SWITCHYARD_SERVER_PORT", "9100")]);
    let file =
        SettingsFile::open(folder.path(), env, &[("server.port", "9300".to_owned())]).unwrap();
    let entry = file.get("server.port").unwrap();
    assert_eq!(
        (entry.value, entry.source),
        (SettingValue::Number(9300), Source::Flag)
    );
    assert!(
        file.set("server.port", "1")
            .unwrap_err()
            .to_string()
            .contains("command line")
    );
}

#[test]
fn f124_a_file_that_cannot_be_read_is_never_overwritten() {
    for (text, needle) in [
        ("[server\nport = 1\n", "line 1"),
        ("[proxy]\nurl = \"http://u:hunter2@h\n", "line 2"),
        ("[server]\nport = \"many\"\n", "server.port"),
        ("[server]\nport = 99999\n", "0 to 65535"),
        ("[proxy]\nenabled = true\n", "proxy.url"),
        ("[server]\ncors_origins = [1]\n", "server.cors_origins"),
    ] {
        let folder = Folder::new(text);
        let error = folder.open().unwrap_err().to_string();
        assert!(error.contains(needle), "{error}");
        assert!(!error.contains("hunter2"), "{error}");

        // Broken while the program runs: changes and reloads fail, the old values stay.
        let folder = Folder::new("[retry]\nmax = 5\n");
        let file = folder.open().unwrap();
        fs::write(folder.path(), text).unwrap();
        file.reload().unwrap_err();
        file.set("journal.days", "9").unwrap_err();
        assert_eq!(
            (folder.text().as_str(), file.current().settings.retry.max),
            (text, 5)
        );
    }
}

#[test]
fn a_bad_value_in_the_file_can_be_repaired_by_setting_it() {
    let folder = Folder::new("[retry]\nmax = 5\n");
    let file = folder.open().unwrap();
    fs::write(folder.path(), "[server]\nport = 99999\n").unwrap();
    let change = file.set("server.port", "9000").unwrap();
    assert_eq!(change.changed, ["server.port", "retry.max"]);
    assert_eq!(folder.text(), "[server]\nport = 9000\n");
}

#[test]
fn f127_a_reload_tells_what_changed() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    fs::write(
        folder.path(),
        "[server]\naccount_header = false\n[retry]\nmax = 0\n",
    )
    .unwrap();
    let change = file.reload().unwrap();
    assert_eq!(
        (change.changed, change.apply),
        (
            vec!["server.account_header", "retry.max"],
            Some(Apply::Live)
        )
    );
}

#[test]
fn f25_a_host_beyond_loopback_is_noticed() {
    for (host, open) in [
        ("127.0.0.1", false),
        ("localhost", false),
        ("::1", false),
        ("127.0.0.9", false),
        ("0.0.0.0", true),
        ("::", true),
        ("192.0.2.1", true),
        ("box.example.com", true),
    ] {
        let folder = Folder::new("");
        let file = folder.open().unwrap();
        let _ = file.set("server.host", host).unwrap();
        assert_eq!(
            file.current()
                .settings
                .notices()
                .contains(&Unsafe::OpenToNetwork),
            open,
            "{host}"
        );
    }
}

#[test]
fn the_modes_are_the_pools_policies() {
    let Field::Choice { options, .. } = key("rotation.mode").unwrap().field else {
        panic!("no choice")
    };
    assert_eq!(
        options,
        pool::Policy::ALL
            .iter()
            .map(|policy| policy.as_str())
            .collect::<Vec<_>>()
    );
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    for policy in pool::Policy::ALL {
        let _ = file.set("rotation.mode", policy.as_str()).unwrap();
        assert_eq!(file.current().settings.policy(), *policy);
    }
}

#[test]
fn f37_the_modes_of_a_tier_are_those_that_order_one() {
    let Field::Choice { options, .. } = key("rotation.within_tier").unwrap().field else {
        panic!("no choice")
    };
    let fit = pool::Policy::ALL
        .iter()
        .filter(|policy| policy.orders_a_tier());
    assert_eq!(
        options,
        fit.map(|policy| policy.as_str()).collect::<Vec<_>>()
    );
}

#[test]
fn f115_group_limits_are_names_with_numbers() {
    let folder = Folder::new("");
    let file = folder.open().unwrap();
    let _ = file
        .set("rotation.group_limits", "team=4, a=b = 2")
        .unwrap();
    let limits: Vec<_> = file.current().settings.group_limits().collect();
    assert_eq!(limits, [("team".to_owned(), 4), ("a=b".to_owned(), 2)]);
    for wrong in ["team", "=4", "team=", "team=-1", "team=many"] {
        assert!(file.set("rotation.group_limits", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn f126_an_entry_tells_everything() {
    let file = Folder::new("")
        .open_with(&[("SWITCHYARD_SERVER_PORT", "9100")])
        .unwrap();
    let json = file.get("server.port").unwrap().to_json();
    assert_eq!(
        (&json["value"], &json["default"], &json["source"]),
        (&9100.into(), &8787.into(), &"env".into())
    );
    assert_eq!(
        (&json["locked_by"], &json["allowed"], &json["apply"]),
        (
            &"SWITCHYARD_SERVER_PORT".into(),
            &"0 to 65535".into(),
            &"rebind".into()
        )
    );
    assert_eq!(file.list().len(), KEYS.len());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever is typed: an error, or a value that reads back as the same.
    #[test]
    fn any_text_is_refused_or_kept(index in 0..KEYS.len(), text in r"\PC{0,40}") {
        let mut settings = Settings::defaults();
        let field = &KEYS[index].field;
        if field.put_text(&mut settings, &text).is_ok() {
            let mut again = Settings::defaults();
            if let Some(value) = field.to_toml(&mut settings) {
                field.put_toml(&mut again, &toml_edit::Item::Value(value)).unwrap();
            }
            proptest::prop_assert_eq!(field.get(&mut settings), field.get(&mut again));
        }
    }
}
