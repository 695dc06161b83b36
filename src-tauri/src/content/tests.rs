use std::time::Duration;

use engine::{Credits, QuotaSource, QuotaWindow};

use super::*;

/// 24 November 2026, 12:00:00 UTC.
const NOON: i64 = 1_795_521_600_000;
const MINUTE: i64 = 60_000;

static UTC: TimeZone = TimeZone::UTC;

fn window(used: f64, hours: u64, resets_in: i64) -> Option<QuotaWindow> {
    Some(QuotaWindow {
        used_percent: used,
        length: Some(Duration::from_secs(hours * 3600)),
        resets_at: Some(Timestamp(NOON + resets_in * MINUTE)),
    })
}

/// With a five-hour and a weekly window.
fn account(label: &str, used: f64, weekly: f64) -> Row {
    let mut quota = QuotaSnapshot::empty(Timestamp(NOON), QuotaSource::Header);
    quota.primary = window(used, 5, 400);
    quota.secondary = window(weekly, 168, 3 * 24 * 60);
    Row {
        id: label.to_owned(),
        kind: AccountKind::CodexOauth,
        label: label.to_owned(),
        enabled: true,
        active: false,
        health: "active",
        usable_again_at: None,
        last_used_at: None,
        quota: Some(quota),
    }
}

fn scene(accounts: Vec<Row>) -> Scene<'static> {
    Scene {
        now: Timestamp(NOON),
        zone: &UTC,
        language: Language::En,
        autostart: false,
        hide_emails: false,
        used: false,
        url: "http://127.0.0.1:8787".to_owned(),
        serving: true,
        running: 0,
        automatic: false,
        auto_switch: true,
        paused: None,
        offline: false,
        icon: "running",
        light: false,
        accounts,
    }
}

/// As a panel would draw it: one line per item, `x` and `-` for marks, `>` for menus.
fn drawn(entries: &[Entry]) -> Vec<String> {
    let drawn = |entry: &Entry| match &entry.kind {
        Kind::Line => "---".to_owned(),
        Kind::Label => format!("({})", entry.text),
        Kind::Button => entry.text.clone(),
        Kind::Check { on, .. } => format!("{} {}", if *on { "x" } else { "-" }, entry.text),
        Kind::Menu(entries) => format!("{} > {}", entry.text, self::drawn(entries).join(" | ")),
    };
    entries.iter().map(drawn).collect()
}

fn text_of(content: &Content, id: &str) -> String {
    let found = content.entries.iter().find(|entry| entry.id == id);
    found.map(|entry| entry.text.clone()).unwrap_or_default()
}

#[test]
fn the_menu_is_as_drawn() {
    let mut work = account("work", 38.0, 59.0);
    work.active = true;
    let mut home = account("home", 100.0, 20.0);
    home.usable_again_at = Some(Timestamp(NOON + 400 * MINUTE));
    home.health = "exhausted";
    let mut relay = account("relay: acme", 0.0, 0.0);
    relay.kind = AccountKind::Relay;
    let quota = relay.quota.as_mut().unwrap();
    (quota.primary, quota.secondary) = (None, None);
    quota.credits = Some(Credits {
        has: true,
        unlimited: false,
        balance: Some("$12.40".to_owned()),
    });
    // The relay comes first in the person's order and last in the menu (F141).
    let mut scene = scene(vec![relay, work, home]);
    scene.running = 3;
    let content = Content::of(&scene);
    let expected = [
        "(Running · 127.0.0.1:8787 · 3 requests)",
        "(Now: work  5h 62 %  wk 41 %  ↻ 18:40)",
        "---",
        "- Automatic (best account)",
        "x work  5h 62 %  wk 41 %",
        "- home  5h 0 %  back 18:40",
        "- relay: acme  $12.40",
        "---",
        "x Auto-switch when exhausted",
        "Copy > OpenAI URL | Anthropic URL | Gemini URL | Key",
        "Refresh quota",
        "Pause > 15 minutes | 1 hour | Until resumed",
        "---",
        "Open Switchyard…",
        "- Start at login",
        "Quit",
    ];
    assert_eq!(drawn(&content.entries), expected);
    assert_eq!(content.tooltip, "Switchyard\nwork · 5h 62 % · wk 41 %");
}

#[test]
fn the_first_line_tells_the_state() {
    type Change = fn(&mut Scene<'_>);
    let cases: [(Change, &str); 6] = [
        (|_| {}, "Running · 127.0.0.1:8787"),
        (|s| s.running = 1, "Running · 127.0.0.1:8787 · 1 request"),
        (|s| s.accounts.clear(), "No account · 127.0.0.1:8787"),
        (|s| s.serving = false, "Stopped · 127.0.0.1:8787"),
        (|s| s.offline = true, "Offline · 127.0.0.1:8787"),
        (
            |s| s.paused = Some(Some(Timestamp(NOON + 15 * MINUTE))),
            "Paused · 127.0.0.1:8787 · until 12:15",
        ),
    ];
    for (change, expected) in cases {
        let mut scene = scene(vec![account("a", 0.0, 0.0)]);
        change(&mut scene);
        assert_eq!(text_of(&Content::of(&scene), "status"), expected);
    }
    let mut paused = scene(Vec::new());
    paused.paused = Some(None);
    let shown = drawn(&Content::of(&paused).entries);
    assert!(shown.contains(&"Resume".to_owned()), "{shown:?}");
    assert!(!shown.iter().any(|line| line.contains("Automatic")));
}

#[test]
fn labels_are_short_and_escaped() {
    // R5: at most 40 characters, `&` doubled.
    let long = "a-very-long-name-of-an-account@mail.example.com";
    let cases = [
        ("work", "work  5h 62 %  wk 41 %"),
        ("Q&A", "Q&&A  5h 62 %  wk 41 %"),
        ("two\nlines", "two lines  5h 62 %  wk 41 %"),
        (long, "a-very-long-name-of-a…  5h 62 %  wk 41 %"),
        (
            "&&&&&&&&&&&&&&&&&&&&&&&&&",
            "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&…  5h 62 %  wk 41 %",
        ),
    ];
    for (name, expected) in cases {
        let mut row = account(name, 38.0, 59.0);
        row.active = true;
        let content = Content::of(&scene(vec![row]));
        let shown = text_of(&content, &format!("account:{name}"));
        assert_eq!(shown, expected);
        for entry in &content.entries {
            let length = entry.text.replace("&&", "&").chars().count();
            assert!(length <= labels::LONGEST, "{}", entry.text);
        }
    }
}

#[test]
fn what_is_wrong_with_an_account_is_said() {
    type Change = fn(&mut Row);
    let cases: [(Change, &str); 6] = [
        (|r| r.health = "needs_login", "a  sign in again"),
        (|r| r.health = "banned", "a  closed"),
        (|r| r.enabled = false, "a  off"),
        (|r| r.quota = None, "a"),
        (
            |r| r.usable_again_at = Some(Timestamp(NOON + 3 * 24 * 60 * MINUTE)),
            "a  back 27 Nov",
        ),
        // A reading whose window has ended says nothing any more (F42).
        (
            |r| r.quota.as_mut().unwrap().primary = window(100.0, 5, -1),
            "a  wk 41 %",
        ),
    ];
    for (change, expected) in cases {
        let mut row = account("a", 38.0, 59.0);
        change(&mut row);
        assert_eq!(
            text_of(&Content::of(&scene(vec![row])), "account:a"),
            expected
        );
    }
}

#[test]
fn the_person_decides_how_it_reads() {
    let mut scene = scene(vec![account("someone@example.com", 38.0, 59.0)]);
    (scene.hide_emails, scene.used) = (true, true);
    let shown = text_of(&Content::of(&scene), "account:someone@example.com");
    assert_eq!(shown, "s…@e…  5h 38 %  wk 59 %");
    scene.language = Language::Zh;
    let shown = drawn(&Content::of(&scene).entries);
    let english = |line: &&String| {
        let bare = line.replace("Switchyard", "").replace("OpenAI", "");
        let bare = bare.replace("Anthropic", "").replace("Gemini", "");
        bare.contains(char::is_alphabetic) && bare.is_ascii()
    };
    let left: Vec<_> = shown.iter().filter(english).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn many_accounts_are_behind_more_and_the_active_one_is_not() {
    let mut rows: Vec<Row> = (0..12)
        .map(|n| account(&format!("a{n}"), 0.0, 0.0))
        .collect();
    rows[10].active = true;
    let content = Content::of(&scene(rows));
    let ids: Vec<_> = content
        .entries
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    let at = ids.iter().position(|id| *id == "automatic").unwrap();
    assert_eq!(ids[at + 1], "account:a0");
    assert_eq!(ids[at + 8], "account:a10");
    assert_eq!(ids[at + 9], "more");
    let more = content.entries.iter().find(|entry| entry.id == "more");
    let Some(Kind::Menu(more)) = more.map(|entry| &entry.kind) else {
        panic!("no menu")
    };
    assert_eq!(more.len(), 4);
}

#[test]
fn only_words_may_wait() {
    let rows = |used: f64| vec![account("a", used, 0.0), account("b", 0.0, 0.0)];
    let old = Content::of(&scene(rows(38.0)));
    type Change = fn(&mut Scene<'_>);
    let cases: [(&str, Change, bool); 8] = [
        ("nothing", |_| {}, false),
        ("quota", |s| s.accounts[0] = account("a", 39.0, 0.0), true),
        ("load", |s| (s.running, s.icon) = (2, "working"), true),
        ("a warning", |s| s.icon = "low", false),
        ("a click", |s| s.accounts[1].active = true, false),
        (
            "a new name",
            |s| s.accounts[1].label = "c".to_owned(),
            false,
        ),
        ("one gone", |s| drop(s.accounts.pop()), false),
        ("a pause", |s| s.paused = Some(None), false),
    ];
    for (what, change, expected) in cases {
        let mut scene = scene(rows(38.0));
        change(&mut scene);
        let new = Content::of(&scene);
        assert_eq!(old.differs_in_words_only(&new), expected, "{what}");
        if expected {
            assert_eq!(new.in_the_words_of(&old), old, "{what}");
        }
    }
}
