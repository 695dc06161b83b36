//! Least used, priority tiers and pace-aware (F35, F37), slots, spacing, groups and per-model quota (F67, F114, F115).
mod common;
use common::*;
use pool::*;
use std::time::Duration;

fn names(letters: &str) -> Vec<Account> {
    letters.chars().map(|c| oauth(&c.to_string())).collect()
}

/// A five-hour and a weekly window with their resets in seconds from the start of the story.
fn windows(captured: i64, short: (f64, i64), long: (f64, i64)) -> QuotaSnapshot {
    QuotaSnapshot {
        primary: window(short.0, Some(at(short.1)), 5),
        secondary: window(long.0, Some(at(long.1)), 168),
        ..QuotaSnapshot::empty(at(captured), QuotaSource::Header)
    }
}

fn order(pool: &Pool, now: Timestamp) -> String {
    let mut ranked: Vec<(usize, String)> = pool
        .explain(now, &ask("m"))
        .into_iter()
        .filter_map(|(id, rank)| Some((rank.ok()?, id.to_string())))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// F35: not exhausted → earliest reset → fewest requests → longest rest; whose reset nobody knows comes after those.
#[test]
fn least_used() {
    let counted = |requests: u64, last_used: i64| AccountState {
        last_used: Some(at(last_used)),
        counters: Counters {
            requests,
            ..Counters::default()
        },
        ..AccountState::default()
    };
    let mut pool = pool_of(Policy::LeastUsed, names("abcdef"));
    for (name, requests, last_used) in [
        ("a", 1, -5),
        ("b", 9, -5),
        ("c", 9, -9),
        ("d", 2, -1),
        ("e", 0, -1),
        ("f", 0, -1),
    ] {
        pool.restore(&id(name), counted(requests, last_used));
    }
    for (name, reset) in [("a", 900), ("b", 500), ("c", 500), ("f", 100)] {
        let used = if name == "f" { 100.0 } else { 99.0 };
        pool.observe_quota(at(0), &id(name), windows(0, (used, reset), (1.0, 9_000)));
    }
    assert_eq!(
        order(&pool, at(0)),
        "cbaed",
        "f is exhausted; b and c tie on reset and requests, c rested longer; d and e have no reset"
    );
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("c".into()));
    assert_eq!(
        pick(&mut pool, at(0), &ask("m")),
        Ok("b".into()),
        "fewer requests by one"
    );
    let chosen = pool.select(at(0), &ask("m")).unwrap();
    assert_eq!(chosen.why, Why::LeastUsed);
}

/// F37: cheapest first, also before the better format; the chosen policy among equals; the next tier only when the first cannot serve.
#[test]
fn priority_tiers() {
    for (within, expected) in [
        (Policy::RoundRobin, "bdbdbd"),
        (Policy::FillFirst, "bbbbbb"),
        (Policy::LeastRecentlyUsed, "bdbdbd"),
        (Policy::MostHeadroom, "dddddd"),
        (Policy::LeastUsed, "dbdbdb"),
        (Policy::PaceAware, "dddddd"),
        // No orders of their own: round robin stays.
        (Policy::ActiveAccount, "bdbdbd"),
        (Policy::Priority, "bdbdbd"),
    ] {
        let priced = [("a", 50), ("b", 20), ("c", 80), ("d", 20)];
        let accounts = priced.map(|(name, priority)| Account {
            priority,
            format: if name == "a" {
                Format::Codex
            } else {
                Format::Responses
            },
            ..oauth(name)
        });
        let mut pool = pool_of(Policy::Priority, accounts);
        pool.set_within_tier(within);
        if matches!(within, Policy::MostHeadroom | Policy::PaceAware) {
            pool.observe_quota(at(0), &id("b"), windows(0, (50.0, 99), (50.0, 9_000)));
            pool.observe_quota(at(0), &id("d"), windows(0, (10.0, 99), (10.0, 8_000)));
        }
        if within == Policy::LeastUsed {
            let first = [id("d")];
            let tried = Ask {
                tried: &first,
                ..ask("m")
            };
            assert_eq!(pick(&mut pool, at(-1), &tried), Ok("b".into()));
        }
        assert_eq!(picks(&mut pool, at(0), 6), expected, "{within}");
        for name in ["b", "d"] {
            pool.report(
                at(1),
                &id(name),
                &Outcome::UsageLimit {
                    resets_at: Some(at(60)),
                },
            );
        }
        let next = pool.select(at(2), &ask("m")).unwrap();
        assert_eq!((next.id.as_str(), next.why), ("a", Why::Cheapest));
    }
}

/// Pace: what has to be spent soonest, of the usual burn while none is measured; nothing to lose comes last; an emptier one is no better.
#[test]
fn pace_goes_by_what_expires_first() {
    let mut pool = pool_of(
        Policy::PaceAware,
        [relay("key"), oauth("late"), oauth("soon"), oauth("once")],
    );
    pool.observe_quota(at(0), &id("late"), windows(0, (0.0, 9_000), (0.0, 600_000)));
    pool.observe_quota(
        at(0),
        &id("soon"),
        windows(0, (90.0, 17_000), (90.0, 300_000)),
    );
    let only = QuotaSnapshot {
        primary: window(5.0, Some(at(400_000)), 168),
        ..QuotaSnapshot::empty(at(0), QuotaSource::Header)
    };
    pool.observe_quota(at(0), &id("once"), only);
    assert_eq!(order(&pool, at(0)), "soonlateoncekey");
    let chosen = pool.select(at(0), &ask("m")).unwrap();
    assert_eq!((chosen.id.as_str(), chosen.why), ("soon", Why::Pace));
    // Its window is over: what is in the new one nobody has read yet.
    assert_eq!(order(&pool, at(300_000)), "lateoncesoonkey");
}

/// Pace with a measured burn: who can hardly spend its week any more in its short windows goes before an earlier reset with time to spare.
#[test]
fn pace_heeds_how_fast_a_window_can_be_spent() {
    let hour = 3_600;
    let mut pool = pool_of(Policy::PaceAware, names("ab"));
    let week = |n: i64| n * 24 * hour;
    // Both burn 10 % of the week with a whole short window.
    for (name, long) in [("a", (95.0, week(2))), ("b", (0.0, week(3)))] {
        pool.observe_quota(at(0), &id(name), windows(0, (0.0, 5 * hour), long));
        let spent = (long.0 + 3.0, long.1);
        pool.observe_quota(at(1), &id(name), windows(1, (30.0, 5 * hour), spent));
    }
    assert_eq!(
        order(&pool, at(2)),
        "ba",
        "b needs seven short windows before its reset, a none"
    );
    // The reserve of an account is not there to be spent: b has little left to lose.
    pool.upsert(Account {
        reserve_percent: Some(68),
        position: 1,
        ..oauth("b")
    });
    assert_eq!(order(&pool, at(2)), "ab");
}

/// The person's reserve holds in every mode ("never below 20 %").
#[test]
fn a_reserve_is_kept_in_every_mode() {
    for policy in Policy::ALL {
        let keeps = Account {
            reserve_percent: Some(20),
            ..oauth("keeps")
        };
        let mut pool = pool_of(*policy, [keeps]);
        pool.observe_quota(at(0), &id("keeps"), windows(0, (79.0, 500), (10.0, 9_000)));
        assert_eq!(
            pick(&mut pool, at(0), &ask("m")),
            Ok("keeps".into()),
            "{policy}"
        );
        pool.observe_quota(at(1), &id("keeps"), windows(1, (80.0, 500), (10.0, 9_000)));
        assert_eq!(
            pick(&mut pool, at(1), &ask("m")),
            Err("keeps:reserved".into()),
            "{policy}"
        );
        assert_eq!(
            pick(&mut pool, at(500), &ask("m")),
            Ok("keeps".into()),
            "{policy}"
        );
    }
}

/// F67: a used-up bucket bars only the models it is for, until its reset, in every mode.
#[test]
fn a_bucket_bars_only_its_model() {
    let bucket = |name: &str, used: f64| QuotaBucket {
        name: name.into(),
        primary: window(used, Some(at(300)), 5),
        secondary: None,
        read_at: at(0),
    };
    for policy in Policy::ALL {
        let mut pool = pool_of(*policy, names("a"));
        let reading = QuotaSnapshot {
            buckets: vec![
                bucket("GPT-5.3-Codex-Spark", 100.0),
                bucket("codex_other", 100.0),
                bucket("gpt-6", 99.0),
            ],
            ..windows(0, (1.0, 500), (1.0, 9_000))
        };
        pool.observe_quota(at(0), &id("a"), reading);
        let until = Some(at(300));
        for (model, now, expected) in [
            (
                "gpt-5.3-codex-spark",
                0,
                Some(SkipReason::ModelQuota { until }),
            ),
            ("gpt-5.3-codex", 0, None),
            ("gpt-6", 0, None),
            ("other", 0, Some(SkipReason::ModelQuota { until })),
            ("gpt-5.3-codex-spark", 300, None),
        ] {
            let told = pool.explain(at(now), &ask(model)).remove(0).1.err();
            assert_eq!(told, expected, "{policy} {model} {now}");
        }
        let none = pool.select(at(0), &ask("gpt-5.3-codex-spark")).unwrap_err();
        assert_eq!((none.kind, none.soonest), (NoCandidateKind::Quota, until));
        assert_eq!(
            none.reasons(at(0)),
            "a: the quota of this model is used up, again in 5 min 0 s"
        );
        // "Try now" clears it.
        pool.clear(at(1), &id("a"));
        assert!(pool.select(at(1), &ask("gpt-5.3-codex-spark")).is_ok());
    }
}

/// F67: names of providers' limits.
#[test]
fn which_models_a_bucket_is_for() {
    for (name, model, expected) in [
        ("GPT-5.3-Codex-Spark", "gpt-5.3-codex-spark", true),
        ("codex_spark", "gpt-5.3-codex-spark", true),
        ("codex_spark", "gpt-5.3-codex", false),
        ("codex", "gpt-5.3-codex", false),
        ("codex_other", "gpt-5.5", false),
        ("", "", true),
        ("5", "gpt-5", false),
    ] {
        let bucket = QuotaBucket {
            name: name.into(),
            primary: None,
            secondary: None,
            read_at: at(0),
        };
        assert_eq!(bucket.is_for(model), expected, "{name} {model}");
    }
}

/// F114: no more than its slots; the next one is asked; busy is worth waiting for.
#[test]
fn slots_of_an_account() {
    let two = |name: &str| Account {
        slots: Some(2),
        ..oauth(name)
    };
    let mut pool = pool_of(Policy::FillFirst, [two("a"), two("b")]);
    let taken: Vec<_> = (0..4)
        .map(|_| pool.select(at(0), &ask("m")).unwrap().id.to_string())
        .collect();
    assert_eq!(taken.concat(), "aabb");
    let none = pool.select(at(0), &ask("m")).unwrap_err();
    assert_eq!(
        (none.kind, none.worth_waiting()),
        (NoCandidateKind::Busy, true)
    );
    pool.release(&id("a"));
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("a".into()));
    pool.report(
        at(0),
        &id("b"),
        &Outcome::UsageLimit {
            resets_at: Some(at(60)),
        },
    );
    let none = pool
        .select(at(0), &ask("m"))
        .map(|_| ())
        .and_then(|()| pool.select(at(0), &ask("m")).map(|_| ()));
    let none = none.unwrap_err();
    assert_eq!(
        (none.kind, none.worth_waiting()),
        (NoCandidateKind::Mixed, true),
        "a is merely busy"
    );
}

/// F114: starts on one account keep their distance, give or take 30 %, and are never the reason to fail for long.
#[test]
fn spacing_between_starts() {
    let mut pool = pool_of(Policy::FillFirst, names("ab"));
    pool.set_spacing(Duration::from_millis(50));
    let mut waits = std::collections::BTreeSet::new();
    let mut now = at(0);
    for _ in 0..200 {
        assert_eq!(pick(&mut pool, now, &ask("m")), Ok("a".into()));
        let Some(SkipReason::Spaced { until }) = skipped(&pool, now, "a") else {
            panic!("it may begin again at once");
        };
        waits.insert(until.since(now).as_millis());
        now = until;
    }
    assert!(
        waits.first() >= Some(&35) && waits.last() <= Some(&65) && waits.len() > 10,
        "{waits:?}"
    );
    assert_eq!(pick(&mut pool, now, &ask("m")), Ok("a".into()));
    assert_eq!(
        pick(&mut pool, now, &ask("m")),
        Ok("b".into()),
        "meanwhile another account"
    );
    let none = pool.select(now, &ask("m")).unwrap_err();
    assert!(
        none.kind == NoCandidateKind::Busy && none.soonest.is_some(),
        "{none:?}"
    );
    pool.set_spacing(Duration::ZERO);
    assert_eq!(
        picks(&mut pool, now.plus(Duration::from_millis(65)), 2),
        "aa"
    );
}

/// F115: a group's limit counts over all its accounts; who holds a place may swap it; live use is shown.
#[test]
fn groups() {
    let of = |name: &str, group: &str| Account {
        group: Some(group.into()),
        ..oauth(name)
    };
    let mut pool = pool_of(
        Policy::LeastRecentlyUsed,
        [of("a", "x"), of("b", "x"), of("c", "y")],
    );
    pool.set_group_limits([("x".to_owned(), 2), ("y".to_owned(), 0)]);
    let taken: Vec<_> = (0..2)
        .map(|_| pool.select(at(0), &ask("m")).unwrap().id.to_string())
        .collect();
    assert_eq!(taken.concat(), "ab");
    assert_eq!(pool.group_use(), [("x", 2, 2), ("y", 0, 0)]);
    assert_eq!(
        pick(&mut pool, at(0), &ask("m")),
        Err("a:group_full b:group_full c:group_full".into())
    );
    let (held, tried) = (id("a"), [id("a")]);
    let swap = Ask {
        tried: &tried,
        holding: Some(&held),
        ..ask("m")
    };
    let chosen = pool.select(at(0), &swap).unwrap();
    assert_eq!(chosen.id, id("b"));
    assert_eq!(
        pool.group_use()[0],
        ("x", 3, 2),
        "both, until the old one is given back"
    );
    pool.release(&held);
    assert_eq!(pool.group_use()[0], ("x", 2, 2));
    assert!(pool.select(at(0), &ask("m")).is_err());
    pool.set_group_limits([]);
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("c".into()));
}
