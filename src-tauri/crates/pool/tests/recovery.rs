//! Standing, score, recovery plan, revival and clock jumps (F59, F63–F66).
mod common;
use common::*;
use pool::*;
use std::time::Duration;

const USED_UP: Outcome = Outcome::UsageLimit { resets_at: None };

fn one(account: Account) -> Pool {
    pool_of(Policy::ActiveAccount, [account])
}

/// F59: every pair of standings, by the table alone.
#[test]
fn legal_transitions() {
    use Status::*;
    let table = [
        (
            Unknown,
            [Unknown, Active, NeedsLogin, Attention, Banned].as_slice(),
        ),
        (Active, &[Active, NeedsLogin, Attention, Banned]),
        (Attention, &[Unknown, Active, NeedsLogin, Attention, Banned]),
        (NeedsLogin, &[Unknown, Active, NeedsLogin, Banned]),
        (Banned, &[Unknown, Banned]),
    ];
    assert_eq!(table.len(), Status::ALL.len());
    for (from, legal) in table {
        for to in Status::ALL {
            assert_eq!(from.may_become(*to), legal.contains(to), "{from} -> {to}");
            let mut pool = one(oauth("a"));
            pool.restore(
                &id("a"),
                AccountState {
                    status: from,
                    ..AccountState::default()
                },
            );
            let events = pool.set_status(at(0), &id("a"), *to, "test");
            let changed = from != *to && legal.contains(to);
            assert_eq!(
                pool.state(&id("a")).unwrap().status,
                if changed { *to } else { from }
            );
            assert_eq!(!events.is_empty(), changed, "{from} -> {to}");
        }
    }
}

/// F59: what an attempt does to each standing of a sign-in (first) and of a key (second), as people see it.
#[test]
fn what_outcomes_make_of_a_standing() {
    let gone = Outcome::RefreshRefused {
        confirmed: true,
        banned: false,
    };
    let closed = Outcome::RefreshRefused {
        confirmed: true,
        banned: true,
    };
    let limit = Outcome::UsageLimit {
        resets_at: Some(at(60)),
    };
    // Rows: outcome; columns: from unknown, active, attention, needs_login, banned.
    let rows: &[(Outcome, [&str; 5], [&str; 5])] = &[
        (
            Outcome::Success,
            ["active", "active", "active", "active", "banned"],
            ["active", "active", "active", "active", "banned"],
        ),
        (
            Outcome::Cancelled,
            ["unknown", "active", "attention", "needs_login", "banned"],
            ["unknown", "active", "attention", "needs_login", "banned"],
        ),
        (
            Outcome::InvalidRequest { status: 400 },
            ["unknown", "active", "attention", "needs_login", "banned"],
            ["unknown", "active", "attention", "needs_login", "banned"],
        ),
        (
            Outcome::ServerError { status: 503 },
            ["unknown", "active", "attention", "needs_login", "banned"],
            ["unknown", "active", "attention", "needs_login", "banned"],
        ),
        (
            limit,
            [
                "exhausted",
                "exhausted",
                "exhausted",
                "needs_login",
                "banned",
            ],
            [
                "exhausted",
                "exhausted",
                "exhausted",
                "needs_login",
                "banned",
            ],
        ),
        (
            Outcome::RateLimited { retry_at: None },
            ["cooling", "cooling", "cooling", "needs_login", "banned"],
            ["cooling", "cooling", "cooling", "needs_login", "banned"],
        ),
        (
            Outcome::Forbidden,
            ["cooling", "cooling", "cooling", "needs_login", "banned"],
            ["cooling", "cooling", "cooling", "needs_login", "banned"],
        ),
        (
            Outcome::Unauthorized,
            ["unknown", "active", "attention", "needs_login", "banned"],
            [
                "attention",
                "attention",
                "attention",
                "needs_login",
                "banned",
            ],
        ),
        (
            gone,
            [
                "needs_login",
                "needs_login",
                "needs_login",
                "needs_login",
                "banned",
            ],
            [
                "needs_login",
                "needs_login",
                "needs_login",
                "needs_login",
                "banned",
            ],
        ),
        (closed, ["banned"; 5], ["banned"; 5]),
    ];
    let from = [
        Status::Unknown,
        Status::Active,
        Status::Attention,
        Status::NeedsLogin,
        Status::Banned,
    ];
    for (outcome, sign_in, key) in rows {
        for (account, expected) in [(oauth("a"), sign_in), (relay("a"), key)] {
            for (status, expected) in from.iter().zip(expected) {
                let mut pool = one(account.clone());
                pool.restore(
                    &id("a"),
                    AccountState {
                        status: *status,
                        ..AccountState::default()
                    },
                );
                pool.report(at(0), &id("a"), outcome);
                let health = pool.health(at(1), &id("a")).unwrap();
                assert_eq!(
                    health.code(),
                    *expected,
                    "{} {status} {outcome:?}",
                    account.kind
                );
                pool.upsert(Account {
                    enabled: false,
                    ..account.clone()
                });
                assert_eq!(pool.health(at(1), &id("a")), Some(Health::Disabled));
            }
        }
    }
}

/// F63: the lowest of what is known, nothing known is 100, nothing but nothing is 0.
#[test]
fn health_scores() {
    let m = |current, target| Some(Measured { current, target });
    for (used, usage, balance, expected) in [
        (None, None, None, 100),
        (Some(30.0), None, None, 70),
        (Some(99.9), None, None, 1),
        (Some(100.0), None, None, 0),
        (Some(130.0), None, None, 0),
        (Some(-5.0), None, None, 100),
        (None, m(25.0, 100.0), None, 75),
        (None, m(100.0, 100.0), None, 0),
        (None, m(101.0, 100.0), None, 0),
        (None, m(0.0, 0.0), None, 0),
        (None, None, m(0.0, 0.0), 0),
        (None, None, m(5.0, 0.0), 50),
        (None, None, m(50.0, 20.0), 100),
        (None, None, m(25.0, 20.0), 25),
        (None, None, m(19.0, 20.0), 0),
        (Some(20.0), m(90.0, 100.0), m(60.0, 20.0), 10),
        (Some(f64::NAN), None, None, 100),
    ] {
        assert_eq!(
            health_score(used, usage, balance),
            expected,
            "{used:?} {usage:?} {balance:?}"
        );
    }
    let mut pool = one(oauth("a"));
    pool.observe_quota(at(0), &id("a"), reading(at(0), 10.0, 60.0));
    assert_eq!(pool.score(at(0), &id("a"), None, None), Some(40));
    pool.report(at(0), &id("a"), &Outcome::RateLimited { retry_at: None });
    assert_eq!(
        pool.score(at(0), &id("a"), None, None),
        Some(0),
        "not selectable now"
    );
    assert_eq!(pool.score(at(0), &id("z"), None, None), None);
}

/// F65: three failures park a key account for five minutes and the row begins afresh; a top-up revives it at once; a sign-in is not parked.
#[test]
fn parking_and_revival() {
    let failing = [
        Outcome::ServerError { status: 503 },
        Outcome::Timeout,
        Outcome::Unauthorized,
        Outcome::NotAnApi,
        Outcome::StreamCut,
    ];
    for outcome in failing {
        let mut pool = pool_of(Policy::FillFirst, [relay("a"), oauth("b")]);
        for n in 1..=3 {
            assert_eq!(skipped(&pool, at(n), "a"), None, "{outcome:?} {n}");
            pool.report(at(n), &id("a"), &outcome);
            pool.report(at(n), &id("b"), &outcome);
        }
        assert_eq!(
            skipped(&pool, at(3), "a"),
            Some(SkipReason::Cooling { until: at(303) })
        );
        assert_ne!(
            skipped(&pool, at(3), "b").map(|s| s.code()),
            Some("cooling"),
            "{outcome:?}"
        );
        assert_eq!(pool.state(&id("a")).unwrap().consecutive_failures, 0);
        assert_eq!(skipped(&pool, at(303), "a"), None, "never for ever");
        assert_eq!(
            pool.revive(at(4), &id("a")),
            [Event::Recovered { id: id("a") }]
        );
        assert_eq!(skipped(&pool, at(4), "a"), None, "{outcome:?}");
        pool.report(at(5), &id("a"), &Outcome::Success);
        assert_eq!(
            pool.health(at(5), &id("a")),
            Some(Health::Active),
            "success resets"
        );
    }
    let mut pool = one(relay("a"));
    pool.report(at(0), &id("a"), &Outcome::PaymentRequired);
    assert_eq!(skipped(&pool, at(1), "a").unwrap().code(), "exhausted");
    assert_eq!(pool.revive(at(1), &id("a")).len(), 1);
    assert_eq!(pool.revive(at(1), &id("a")), [], "nothing left to revive");
    pool.report(
        at(2),
        &id("a"),
        &Outcome::RateLimited {
            retry_at: Some(at(9)),
        },
    );
    assert_eq!(
        pool.revive(at(2), &id("a")),
        [],
        "a rate limit is not about money"
    );
}

fn due(pool: &Pool, now: i64) -> Vec<(String, CheckReason)> {
    let due = pool.due_checks(at(now)).into_iter();
    due.map(|check| (check.id.to_string(), check.reason))
        .collect()
}

/// F64: at a told reset (and up to five seconds later) one verifying query is due; the account is selectable meanwhile.
#[test]
fn a_told_reset_is_verified_once() {
    let limit = Outcome::UsageLimit {
        resets_at: Some(at(100)),
    };
    let mut pool = pool_of(Policy::FillFirst, [oauth("a"), oauth("b"), oauth("c")]);
    for name in ["a", "b"] {
        pool.report(at(0), &id(name), &limit);
    }
    assert_eq!(due(&pool, 99), []);
    let due_at: Vec<_> = pool
        .due_checks(at(105))
        .iter()
        .map(|check| check.due)
        .collect();
    assert_eq!(due_at.len(), 2);
    assert!(
        due_at.iter().all(|due| *due >= at(100) && *due <= at(105)),
        "{due_at:?}"
    );
    assert!(
        due_at.is_sorted() && due_at[0] != due_at[1],
        "each at its own moment"
    );
    assert_eq!(pool.next_check(), Some(due_at[0]));
    assert_eq!(skipped(&pool, at(100), "a"), None);
    pool.checked(at(105), &id("a"));
    assert_eq!(due(&pool, 105), [("b".into(), CheckReason::ResetPassed)]);
    // A reading that shows quota verifies it as well, a success too.
    let seen = QuotaSnapshot {
        source: QuotaSource::Query,
        ..reading(at(106), 0.0, 10.0)
    };
    pool.observe_quota(at(106), &id("b"), seen);
    assert_eq!(due(&pool, 200), []);
    pool.report(
        at(200),
        &id("c"),
        &Outcome::UsageLimit {
            resets_at: Some(at(210)),
        },
    );
    pool.report(at(205), &id("c"), &Outcome::Success);
    assert_eq!(
        due(&pool, 215).len(),
        1,
        "that request began before the limit"
    );
    pool.report(at(211), &id("c"), &Outcome::Success);
    assert_eq!(due(&pool, 215), []);
}

/// F64: without a told reset the queries come after 0, 2, 5, 10 minutes and then every 15; steps slept through are not made up for.
#[test]
fn an_untold_reset_climbs_the_ladder() {
    let mut pool = one(oauth("a"));
    pool.report(at(0), &id("a"), &USED_UP);
    let mut asked = Vec::new();
    for now in 0..4_000 {
        // It fails again and again meanwhile, which does not begin the ladder anew.
        if now % 70 == 69 {
            pool.report(at(now), &id("a"), &USED_UP);
        }
        if !due(&pool, now).is_empty() {
            asked.push(now / 60);
            pool.checked(at(now), &id("a"));
        }
    }
    assert_eq!(asked, [0, 2, 5, 10, 25, 40, 55]);
    assert_eq!(due(&pool, 40_000).len(), 1);
    pool.checked(at(40_000), &id("a"));
    assert_eq!(
        due(&pool, 40_000),
        [],
        "one query for all that was slept through"
    );
    assert!(pool.next_check() > Some(at(40_000)) && pool.next_check() <= Some(at(40_900)));
}

/// F64, F66: no query where none can help.
#[test]
fn who_is_never_asked() {
    let limit = Outcome::UsageLimit {
        resets_at: Some(at(10)),
    };
    let mut pool = pool_of(Policy::FillFirst, [oauth("a"), oauth("b")]);
    pool.report(at(0), &id("a"), &limit);
    pool.upsert(Account {
        enabled: false,
        ..oauth("a")
    });
    assert_eq!((due(&pool, 99), pool.next_check()), (vec![], None));
    pool.upsert(oauth("a"));
    assert_eq!(due(&pool, 99).len(), 1);
    for name in ["a", "b"] {
        pool.report(at(98), &id(name), &Outcome::Network);
    }
    assert!(pool.offline().is_some());
    assert_eq!(due(&pool, 99), [], "offline");
    pool.report(at(100), &id("b"), &Outcome::Success);
    assert_eq!(due(&pool, 100).len(), 1);
    pool.clear(at(101), &id("a"));
    assert_eq!(due(&pool, 101), [], "try now");
    // What the store kept is verified after a restart.
    let mut again = one(oauth("a"));
    let state = AccountState {
        exhausted: Some(Exhaustion {
            until: at(50),
            since: at(0),
            source: HoldSource::UsageLimit,
        }),
        ..AccountState::default()
    };
    again.restore(&id("a"), state);
    assert_eq!((due(&again, 49).len(), due(&again, 55).len()), (0, 1));
}

/// Every rest ends within its own length although the clock goes back by an hour, a day, a year; readings are taken over again and nothing
/// is held in the future.
#[test]
fn a_clock_that_goes_back_holds_nothing_for_ever() {
    let hour = 3_600;
    let ends: &[(&str, Outcome, i64)] = &[
        (
            "rate limit",
            Outcome::RateLimited {
                retry_at: Some(at(hour)),
            },
            hour,
        ),
        ("untold limit", USED_UP, 60),
        (
            "told limit",
            Outcome::UsageLimit {
                resets_at: Some(at(hour)),
            },
            hour,
        ),
        ("payment", Outcome::PaymentRequired, 900),
        ("challenge", Outcome::Challenge, 10),
        ("forbidden", Outcome::Forbidden, 300),
        ("refresh", Outcome::RefreshUnavailable, 5),
        (
            "a wrong clock's reset",
            Outcome::UsageLimit {
                resets_at: Some(Timestamp(i64::MAX)),
            },
            35 * 24 * hour,
        ),
        (
            "a wrong clock's retry",
            Outcome::RateLimited {
                retry_at: Some(Timestamp(i64::MAX)),
            },
            35 * 24 * hour,
        ),
    ];
    for (what, outcome, rest) in ends {
        for back in [0, 10, hour, 24 * hour, 365 * 24 * hour] {
            for restarted in [false, true] {
                let mut pool = one(oauth("a"));
                pool.report(at(0), &id("a"), outcome);
                if restarted {
                    let state = pool.state(&id("a")).unwrap().clone();
                    pool = one(oauth("a"));
                    pool.restore(&id("a"), state);
                }
                let now = at(-back);
                pool.expire(now);
                assert!(
                    skipped(&pool, now, "a").is_some(),
                    "{what} {back}: still resting"
                );
                let end = now.plus(Duration::from_secs(rest.unsigned_abs()));
                assert_eq!(skipped(&pool, end, "a"), None, "{what} {back} {restarted}");
                assert!(pool.next_expiry(now) <= Some(end), "{what} {back}");
            }
        }
    }
    let mut pool = one(oauth("a"));
    pool.observe_quota(at(0), &id("a"), reading(at(0), 100.0, 5.0));
    let day_before = at(-24 * hour);
    pool.observe_quota(day_before, &id("a"), reading(day_before, 7.0, 5.0));
    assert_eq!(
        pool.state(&id("a"))
            .unwrap()
            .quota
            .as_ref()
            .unwrap()
            .primary
            .unwrap()
            .used_percent,
        7.0,
        "the newer reading, although its stamp is older"
    );
    assert_eq!(skipped(&pool, day_before, "a"), None);
}

/// A leap ahead ends rests early, which an attempt corrects; back again, nothing stays in the future.
#[test]
fn a_clock_that_leaps_ahead_and_comes_back() {
    let year = 365 * 24 * 3_600;
    let mut pool = pool_of(Policy::LeastRecentlyUsed, [oauth("a"), oauth("b")]);
    pool.set_spacing(Duration::from_millis(50));
    pool.report(
        at(0),
        &id("a"),
        &Outcome::RateLimited {
            retry_at: Some(at(600)),
        },
    );
    assert_eq!(skipped(&pool, at(year), "a"), None);
    pool.select(at(year), &ask("m")).unwrap();
    for name in ["a", "b"] {
        pool.report(at(year), &id(name), &Outcome::Forbidden);
        pool.observe_quota(at(year), &id(name), reading(at(year), 50.0, 50.0));
    }
    pool.expire(at(1));
    for name in ["a", "b"] {
        let until = skipped(&pool, at(1), name).unwrap().until().unwrap();
        assert!(until <= at(301), "{name}");
        assert_eq!(skipped(&pool, at(301), name), None);
        let state = pool.state(&id(name)).unwrap();
        assert!(state.last_error.as_ref().unwrap().at <= at(1));
        assert!(state.quota.as_ref().unwrap().captured_at <= at(1));
    }
    // The slot that was taken in the future is given back by the guard in time.
    assert_eq!(pool.in_flight(&id("a")) + pool.in_flight(&id("b")), 1);
    pool.select(at(302), &ask("m")).unwrap();
    assert_eq!(pool.in_flight(&id("a")) + pool.in_flight(&id("b")), 1);
}
