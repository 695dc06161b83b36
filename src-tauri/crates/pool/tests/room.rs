//! What the pool tells a client that asks before it sends: any room anywhere is room (issue 4, the answer to the Codex CLI).
mod common;
use common::*;
use pool::*;

const FOR_EVERY: &[Format] = &[Format::Codex, Format::OpenAi];

struct Case {
    /// Sign-ins and what is used of their windows; `None` is unknown.
    accounts: &'static [(&'static str, Option<(f64, f64)>)],
    relay: bool,
    told: Option<&'static str>,
    usable: usize,
    limited: bool,
}

#[test]
fn the_account_with_most_left_speaks_for_the_pool() {
    let cases = [
        // The fuller window of an account decides, and its windows stay together.
        Case {
            accounts: &[
                ("a", Some((10.0, 99.0))),
                ("b", Some((60.0, 50.0))),
                ("c", Some((100.0, 1.0))),
            ],
            relay: false,
            told: Some("b"),
            usable: 2,
            limited: false,
        },
        Case {
            accounts: &[("a", Some((100.0, 1.0))), ("b", None)],
            relay: false,
            told: Some("b"),
            usable: 1,
            limited: false,
        },
        Case {
            accounts: &[("a", Some((100.0, 1.0))), ("b", Some((100.0, 100.0)))],
            relay: false,
            told: Some("a"),
            usable: 0,
            limited: true,
        },
        Case {
            accounts: &[("a", Some((100.0, 1.0)))],
            relay: true,
            told: Some("relay"),
            usable: 1,
            limited: false,
        },
        Case {
            accounts: &[],
            relay: false,
            told: None,
            usable: 0,
            limited: false,
        },
    ];
    for case in cases {
        let names = case.accounts.iter().map(|(name, _)| oauth(name));
        let relay = case.relay.then(|| relay("relay"));
        let mut pool = pool_of(Policy::ActiveAccount, names.chain(relay));
        for (name, used) in case.accounts {
            if let Some((first, second)) = used {
                pool.observe_quota(at(0), &id(name), reading(at(0), *first, *second));
            }
        }
        let room = pool.room(at(1), FOR_EVERY);
        let told = room.told.as_ref().map(AccountId::as_str);
        assert_eq!(
            (told, room.usable, room.limited),
            (case.told, case.usable, case.limited),
            "{:?}",
            case.accounts
        );
        assert_eq!(room.back_at.is_some(), case.limited);
    }
}

#[test]
fn only_quota_everywhere_locks() {
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), oauth("b")]);
    pool.observe_quota(at(0), &id("a"), reading(at(0), 100.0, 1.0));
    // A guessed rest may be over any moment.
    pool.report(at(0), &id("b"), &Outcome::Challenge);
    let room = pool.room(at(1), FOR_EVERY);
    assert_eq!((room.usable, room.limited), (0, false));
    // A sign-in that is over is no candidate: the other one's quota is the pool's end.
    pool.set_status(at(1), &id("b"), Status::NeedsLogin, "test");
    let room = pool.room(at(1), FOR_EVERY);
    assert_eq!((room.accounts, room.usable, room.limited), (1, 0, true));
    // Formats that cannot serve the client do not count.
    assert_eq!(pool.room(at(1), &[Format::OpenAi]), Room::default());
}

#[test]
fn a_window_past_its_reset_is_not_told_and_buckets_are_the_best_ones() {
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), oauth("b")]);
    for (name, used) in [("a", 70.0), ("b", 20.0)] {
        let mut quota = reading(at(0), 50.0, 1.0);
        quota.buckets = vec![QuotaBucket {
            name: "codex_other".into(),
            primary: quota.primary.map(|w| QuotaWindow {
                used_percent: used,
                ..w
            }),
            secondary: None,
            read_at: at(0),
        }];
        pool.observe_quota(at(0), &id(name), quota);
    }
    let quota = pool.room(at(1), FOR_EVERY).quota;
    let bucket = quota.as_ref().and_then(|quota| quota.buckets.first());
    let used = bucket
        .and_then(|bucket| bucket.primary)
        .map(|w| w.used_percent);
    assert_eq!(used, Some(20.0));
    let later = quota
        .and_then(|quota| quota.primary)
        .and_then(|w| w.resets_at);
    let later = later.unwrap_or_default();
    let quota = pool.room(later, FOR_EVERY).quota;
    assert_eq!(quota.and_then(|quota| quota.primary), None);
}

#[test]
fn f67_an_answer_speaks_of_its_own_limits_and_the_usage_endpoint_of_all() {
    let bucket = |name: &str, used: f64| QuotaBucket {
        name: name.into(),
        primary: reading(at(0), used, 0.0).primary,
        secondary: None,
        read_at: at(0),
    };
    let told = |source, buckets| QuotaSnapshot {
        source,
        buckets,
        ..reading(at(0), 1.0, 1.0)
    };
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a")]);
    let mut names = |snapshot| {
        pool.observe_quota(at(0), &id("a"), snapshot);
        let state = pool.state(&id("a")).and_then(|state| state.quota.clone());
        let buckets = state.map(|quota| quota.buckets).unwrap_or_default();
        let shown = |b: &QuotaBucket| {
            let used = b.primary.map_or(-1.0, |w| w.used_percent);
            format!("{} {used}", b.name)
        };
        buckets.iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    let query = QuotaSource::Query;
    let both = vec![bucket("one", 10.0), bucket("two", 20.0)];
    assert_eq!(names(told(query, both)), "one 10, two 20");
    let header = told(QuotaSource::Header, vec![bucket("two", 30.0)]);
    assert_eq!(names(header), "one 10, two 30");
    let stream = told(QuotaSource::Stream, Vec::new());
    assert_eq!(names(stream), "one 10, two 30");
    let query = told(query, vec![bucket("two", 31.0)]);
    assert_eq!(names(query), "two 31");
}
