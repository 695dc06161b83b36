//! What outcomes do to an account (F18, F22, F42, F52, F53, F56, F59, F64–F67).
mod common;
use common::*;
use pool::*;

const UNCONFIRMED: Outcome = Outcome::RefreshRefused {
    confirmed: false,
    banned: true,
};
const SIGNED_OUT: Outcome = Outcome::RefreshRefused {
    confirmed: true,
    banned: false,
};
const CLOSED: Outcome = Outcome::RefreshRefused {
    confirmed: true,
    banned: true,
};

fn every_outcome() -> Vec<Outcome> {
    vec![
        Outcome::Success,
        Outcome::Cancelled,
        Outcome::Network,
        Outcome::Timeout,
        Outcome::ServerError { status: 500 },
        Outcome::Overloaded { retry_at: None },
        Outcome::Overloaded {
            retry_at: Some(at(20)),
        },
        Outcome::Unauthorized,
        Outcome::UsageLimit { resets_at: None },
        Outcome::UsageLimit {
            resets_at: Some(at(4_000)),
        },
        Outcome::RateLimited { retry_at: None },
        Outcome::RateLimited {
            retry_at: Some(at(30)),
        },
        Outcome::PaymentRequired,
        Outcome::Challenge,
        Outcome::Forbidden,
        Outcome::ModelUnsupported,
        Outcome::InvalidRequest { status: 422 },
        Outcome::InvalidEncryptedContent,
        Outcome::EmptyAnswer,
        Outcome::StreamCut,
        UNCONFIRMED,
        SIGNED_OUT,
        CLOSED,
        Outcome::RefreshUnavailable,
        Outcome::NotAnApi,
    ]
}

/// F52 in one table: what the client may expect next, and how long a fresh sign-in and a fresh key then rest.
#[test]
fn outcome_table() {
    use Retry::*;
    let rows: &[(Outcome, Retry, Option<i64>, Option<i64>)] = &[
        (Outcome::Success, Never, None, None),
        (Outcome::Cancelled, Never, None, None),
        (Outcome::Network, NextAccount, None, None),
        (Outcome::Timeout, NextAccount, None, None),
        (
            Outcome::ServerError { status: 500 },
            NextAccount,
            None,
            None,
        ),
        (
            Outcome::Overloaded { retry_at: None },
            NextAccount,
            None,
            None,
        ),
        (
            Outcome::Overloaded {
                retry_at: Some(at(20)),
            },
            NextAccount,
            Some(20),
            Some(20),
        ),
        (
            Outcome::Overloaded {
                retry_at: Some(at(9_999)),
            },
            NextAccount,
            Some(60),
            Some(60),
        ),
        (Outcome::Unauthorized, NextAccount, None, None),
        (
            Outcome::UsageLimit { resets_at: None },
            NextAccount,
            Some(60),
            Some(60),
        ),
        (
            Outcome::UsageLimit {
                resets_at: Some(at(4_000)),
            },
            NextAccount,
            Some(4_000),
            Some(4_000),
        ),
        (
            Outcome::UsageLimit {
                resets_at: Some(at(-1)),
            },
            NextAccount,
            Some(60),
            Some(60),
        ),
        (
            Outcome::RateLimited { retry_at: None },
            NextAccount,
            Some(60),
            Some(60),
        ),
        (
            Outcome::RateLimited {
                retry_at: Some(at(7)),
            },
            NextAccount,
            Some(7),
            Some(7),
        ),
        (Outcome::PaymentRequired, NextAccount, Some(900), Some(900)),
        (Outcome::Challenge, NextAccount, Some(10), Some(10)),
        (Outcome::Forbidden, NextAccount, Some(300), Some(300)),
        (Outcome::ModelUnsupported, NextAccountOnce, None, None),
        (Outcome::InvalidRequest { status: 404 }, Never, None, None),
        (
            Outcome::InvalidEncryptedContent,
            SameAccountOnce,
            None,
            None,
        ),
        (Outcome::EmptyAnswer, NextAccount, None, None),
        (Outcome::StreamCut, Never, None, None),
        (UNCONFIRMED, NextAccount, Some(10), Some(10)),
        (Outcome::RefreshUnavailable, NextAccount, Some(5), Some(5)),
        (Outcome::NotAnApi, NextAccount, None, None),
    ];
    for (outcome, retry, sign_in, key) in rows {
        assert_eq!(outcome.retry(), *retry, "{outcome:?}");
        for (account, rest) in [(oauth("a"), sign_in), (relay("a"), key)] {
            let mut pool = pool_of(Policy::FillFirst, [account]);
            pool.report(at(0), &id("a"), outcome);
            let until = skipped(&pool, at(0), "a").and_then(|reason| reason.until());
            assert_eq!(until, rest.map(at), "{outcome:?}");
            if let Some(rest) = rest {
                assert!(skipped(&pool, at(rest - 1), "a").is_some(), "{outcome:?}");
                assert_eq!(
                    skipped(&pool, at(*rest), "a"),
                    None,
                    "{outcome:?}: F64, at its reset it serves again"
                );
            }
        }
    }
}

/// F59: every stored standing and every outcome.
#[test]
fn status_transitions() {
    for from in Status::ALL {
        for outcome in every_outcome() {
            for refreshable in [true, false] {
                let mut pool = pool_of(
                    Policy::FillFirst,
                    [Account {
                        refreshable,
                        ..oauth("a")
                    }],
                );
                pool.restore(
                    &id("a"),
                    AccountState {
                        status: *from,
                        ..AccountState::default()
                    },
                );
                let events = pool.report(at(0), &id("a"), &outcome);
                use Status::*;
                let expected = match (from, outcome) {
                    (Banned, _) => Banned,
                    (_, Outcome::Success) => Active,
                    (_, CLOSED) => Banned,
                    (_, SIGNED_OUT) => NeedsLogin,
                    (_, Outcome::Unauthorized) if !refreshable => NeedsLogin,
                    (Unknown | Active, Outcome::Forbidden) => Attention,
                    (from, _) => *from,
                };
                let state = pool.state(&id("a")).unwrap();
                assert_eq!(state.status, expected, "{from} {outcome:?}");
                let told = events
                    .iter()
                    .any(|e| matches!(e, Event::StatusChanged { .. }));
                assert_eq!(
                    told,
                    expected != *from,
                    "{from} {outcome:?}: told exactly when it changed"
                );
                assert_eq!(state.reason.as_ref().map(|r| r.at), told.then_some(at(0)));
                let asked = events.contains(&Event::NeedsLogin { id: id("a") });
                assert_eq!(asked, told && expected == NeedsLogin, "{from} {outcome:?}");
            }
        }
    }
}

/// F59: the view at one instant.
#[test]
fn health_view() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    let a = id("a");
    let health = |pool: &Pool, s| pool.health(at(s), &a).unwrap().code();
    assert_eq!(health(&pool, 0), "unknown");
    pool.report(at(0), &a, &Outcome::Success);
    assert_eq!(health(&pool, 0), "active");
    pool.report(at(0), &a, &Outcome::Forbidden);
    assert_eq!(
        (health(&pool, 299), health(&pool, 300)),
        ("cooling", "attention")
    );
    pool.report(
        at(0),
        &a,
        &Outcome::UsageLimit {
            resets_at: Some(at(1_000)),
        },
    );
    assert_eq!(
        (health(&pool, 999), health(&pool, 1_000)),
        ("exhausted", "attention")
    );
    pool.report(at(1_000), &a, &Outcome::Success);
    assert_eq!(health(&pool, 1_000), "active", "F65");
    pool.report(at(1_000), &a, &SIGNED_OUT);
    assert_eq!(health(&pool, 1_000), "needs_login");
    pool.upsert(Account {
        enabled: false,
        ..oauth("a")
    });
    assert_eq!(health(&pool, 1_000), "disabled");
    assert_eq!(pool.health(at(0), &id("b")), None);
}

/// F53: a later stored reset is never shortened.
#[test]
fn resets_are_never_shortened() {
    let rows: &[(&str, Vec<Outcome>, i64)] = &[
        (
            "usage then shorter usage",
            vec![
                Outcome::UsageLimit {
                    resets_at: Some(at(500)),
                },
                Outcome::UsageLimit {
                    resets_at: Some(at(90)),
                },
            ],
            500,
        ),
        (
            "usage then untold usage",
            vec![
                Outcome::UsageLimit {
                    resets_at: Some(at(500)),
                },
                Outcome::UsageLimit { resets_at: None },
            ],
            500,
        ),
        (
            "usage then longer usage",
            vec![
                Outcome::UsageLimit {
                    resets_at: Some(at(90)),
                },
                Outcome::UsageLimit {
                    resets_at: Some(at(500)),
                },
            ],
            500,
        ),
        (
            "usage then a success that began before",
            vec![
                Outcome::UsageLimit {
                    resets_at: Some(at(90)),
                },
                Outcome::Success,
            ],
            90,
        ),
        (
            "rate then success",
            vec![
                Outcome::RateLimited {
                    retry_at: Some(at(90)),
                },
                Outcome::Success,
            ],
            90,
        ),
        (
            "rate then challenge",
            vec![
                Outcome::RateLimited {
                    retry_at: Some(at(90)),
                },
                Outcome::Challenge,
            ],
            90,
        ),
        (
            "usage then rate",
            vec![
                Outcome::UsageLimit {
                    resets_at: Some(at(90)),
                },
                Outcome::RateLimited {
                    retry_at: Some(at(5)),
                },
            ],
            90,
        ),
    ];
    for (case, outcomes, until) in rows {
        let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
        for outcome in outcomes {
            pool.report(at(0), &id("a"), outcome);
        }
        let held = |s| skipped(&pool, at(s), "a").is_some();
        assert_eq!((held(until - 1), held(*until)), (true, false), "{case}");
    }
}

/// F53: the window a limit speaks of reads 100 % until its reset, and is unknown after it (F64).
#[test]
fn a_limit_marks_its_window() {
    let day = 86_400;
    type Windows = (Option<f64>, Option<f64>);
    let rows: &[(&str, Option<QuotaSnapshot>, Option<i64>, Windows)] = &[
        ("nothing known", None, Some(3_600), (Some(100.0), None)),
        (
            "nothing known, reset untold",
            None,
            None,
            (Some(100.0), None),
        ),
        (
            "resets with the five hours",
            Some(reading(at(0), 60.0, 30.0)),
            Some(5 * 3_600),
            (Some(100.0), Some(30.0)),
        ),
        (
            "resets with the week",
            Some(reading(at(0), 60.0, 30.0)),
            Some(7 * day),
            (Some(60.0), Some(100.0)),
        ),
        (
            "beyond a lone five-hour window",
            Some(reading(at(0), 60.0, -1.0)),
            Some(4 * day),
            (Some(60.0), Some(100.0)),
        ),
        (
            "reset untold: windows stay as read",
            Some(reading(at(0), 60.0, 30.0)),
            None,
            (Some(60.0), Some(30.0)),
        ),
    ];
    for (case, before, resets, expected) in rows {
        let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
        if let Some(before) = before {
            pool.observe_quota(at(0), &id("a"), before.clone());
        }
        pool.report(
            at(1),
            &id("a"),
            &Outcome::UsageLimit {
                resets_at: resets.map(at),
            },
        );
        let quota = pool.state(&id("a")).unwrap().quota.clone().unwrap();
        let shares = (
            quota.primary.map(|w| w.used_percent),
            quota.secondary.map(|w| w.used_percent),
        );
        assert_eq!(shares, *expected, "{case}");
        let end = at(resets.unwrap_or(61));
        assert_eq!(skipped(&pool, end, "a"), None, "{case}");
    }
}

/// F67: older data never overwrites newer, and what a reading is silent about stays.
#[test]
fn readings_in_any_order() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    let a = id("a");
    let full = QuotaSnapshot {
        plan: Some("plus".into()),
        ..reading(at(10), 40.0, 20.0)
    };
    assert_eq!(
        pool.observe_quota(at(10), &a, full),
        [Event::QuotaChanged { id: a.clone() }]
    );
    assert_eq!(
        pool.observe_quota(at(11), &a, reading(at(9), 99.0, 99.0)),
        []
    );
    let primary = |pool: &Pool| {
        pool.state(&a)
            .unwrap()
            .quota
            .clone()
            .unwrap()
            .primary
            .unwrap()
            .used_percent
    };
    assert_eq!(primary(&pool), 40.0);
    pool.observe_quota(at(12), &a, reading(at(12), 41.0, -1.0));
    let quota = pool.state(&a).unwrap().quota.clone().unwrap();
    assert_eq!(
        (quota.plan.as_deref(), quota.secondary.unwrap().used_percent),
        (Some("plus"), 20.0)
    );
    let same = reading(at(12), 41.0, -1.0);
    assert_eq!(
        pool.observe_quota(
            at(13),
            &a,
            QuotaSnapshot {
                captured_at: at(13),
                ..same
            }
        ),
        [],
        "nothing new, nothing told"
    );
    assert_eq!(
        pool.observe_quota(at(13), &id("b"), reading(at(1), 1.0, 1.0)),
        []
    );
}

/// F42, F64: which readings end an exhaustion.
#[test]
fn only_a_query_ends_an_exhaustion_early() {
    for (source, captured, ends) in [
        (QuotaSource::Header, 5, false),
        (QuotaSource::Stream, 5, false),
        (QuotaSource::Query, 5, true),
        (QuotaSource::Query, 1, false),
    ] {
        let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
        pool.report(
            at(2),
            &id("a"),
            &Outcome::UsageLimit {
                resets_at: Some(at(500)),
            },
        );
        let snapshot = QuotaSnapshot {
            source,
            ..reading(at(captured), 20.0, 20.0)
        };
        let events = pool.observe_quota(at(6), &id("a"), snapshot);
        assert_eq!(
            events.contains(&Event::Recovered { id: id("a") }),
            ends,
            "{source} read at {captured}"
        );
        assert_eq!(
            skipped(&pool, at(6), "a").is_none(),
            ends,
            "{source} read at {captured}"
        );
    }
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    let events = pool.observe_quota(at(0), &id("a"), reading(at(0), 100.0, 0.0));
    assert!(
        events.contains(&Event::Exhausted {
            id: id("a"),
            until: at(5 * 3_600)
        }),
        "F42"
    );
}

/// F52: the ladder of challenges, and that a success ends it.
#[test]
fn challenge_ladder() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    let mut now = 0;
    let mut rests = vec![];
    for round in 0..7 {
        if round == 5 {
            pool.report(at(now), &id("a"), &Outcome::Success);
        }
        pool.report(at(now), &id("a"), &Outcome::Challenge);
        let until = skipped(&pool, at(now), "a").unwrap().until().unwrap();
        rests.push(until.since(at(now)).as_secs());
        now = until.as_secs() - at(0).as_secs();
    }
    assert_eq!(rests, [10, 30, 90, 120, 120, 10, 30]);
}

/// F65: three failures in a row park a key for five minutes, then it starts afresh; a sign-in is never parked.
#[test]
fn three_failures_park_a_key() {
    let (bad, good) = (Outcome::ServerError { status: 500 }, Outcome::Success);
    let rows: &[(&str, Account, Vec<Outcome>, bool)] = &[
        ("two", relay("a"), vec![bad, bad], false),
        ("three", relay("a"), vec![bad, bad, bad], true),
        (
            "three of different kinds",
            relay("a"),
            vec![Outcome::Timeout, Outcome::StreamCut, Outcome::NotAnApi],
            true,
        ),
        (
            "a success between",
            relay("a"),
            vec![bad, bad, good, bad],
            false,
        ),
        (
            "a cancelled one between",
            relay("a"),
            vec![bad, Outcome::Cancelled, bad, Outcome::Cancelled, bad],
            true,
        ),
        (
            "a 422 is the request's",
            relay("a"),
            vec![Outcome::InvalidRequest { status: 422 }; 9],
            false,
        ),
        (
            "overload is no fault",
            relay("a"),
            vec![Outcome::Overloaded { retry_at: None }; 9],
            false,
        ),
        (
            "a refused key",
            relay("a"),
            vec![Outcome::Unauthorized; 3],
            true,
        ),
        ("a sign-in", oauth("a"), vec![bad; 9], false),
    ];
    for (case, account, outcomes, parked) in rows {
        let mut pool = pool_of(Policy::FillFirst, [account.clone()]);
        for outcome in outcomes {
            pool.report(at(0), &id("a"), outcome);
        }
        assert_eq!(
            skipped(&pool, at(299), "a"),
            parked.then_some(SkipReason::Cooling { until: at(300) }),
            "{case}"
        );
        assert_eq!(skipped(&pool, at(300), "a"), None, "{case}");
        pool.report(at(300), &id("a"), &bad);
        if *parked {
            assert_eq!(
                skipped(&pool, at(300), "a"),
                None,
                "{case}: the count began afresh"
            );
        }
    }
}

/// F66: nobody pays for a network that is down.
#[test]
fn offline_penalises_nobody() {
    let mut pool = pool_of(
        Policy::FillFirst,
        [
            relay("a"),
            relay("b"),
            Account {
                enabled: false,
                ..relay("off")
            },
        ],
    );
    for _ in 0..3 {
        pool.report(at(0), &id("a"), &Outcome::Network);
    }
    assert_eq!(
        skipped(&pool, at(0), "a").map(|r| r.code()),
        Some("cooling"),
        "alone it is a's fault"
    );
    assert_eq!(
        pool.report(at(9), &id("b"), &Outcome::Network),
        [Event::Offline]
    );
    assert_eq!(pool.offline(), Some(at(9)));
    assert_eq!(
        (skipped(&pool, at(9), "a"), skipped(&pool, at(9), "b")),
        (None, None)
    );
    for second in 10..40 {
        assert_eq!(pool.report(at(second), &id("b"), &Outcome::Network), []);
    }
    assert_eq!(pool.state(&id("b")).unwrap().consecutive_failures, 0);
    assert!(
        pool.report(at(41), &id("a"), &Outcome::ServerError { status: 500 })
            .contains(&Event::Online)
    );
    assert_eq!(pool.offline(), None);
    pool.report(at(60), &id("a"), &Outcome::Network);
    assert_eq!(
        pool.report(at(71), &id("b"), &Outcome::Network),
        [],
        "more than ten seconds apart"
    );
}

/// F66: who rests is not asked and has no say; three that fail alike stand for all; any answer says that there is a network.
#[test]
fn who_has_a_say_about_the_network() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let fails = |pool: &mut Pool, second: i64, name: &str| {
        let events = pool.report(at(second), &id(name), &Outcome::Network);
        events.contains(&Event::Offline)
    };
    let mut pool = pool_of(Policy::ActiveAccount, names.map(oauth));
    assert!(!fails(&mut pool, 0, "a") && !fails(&mut pool, 1, "b"));
    assert!(fails(&mut pool, 2, "c"), "a request asks three of them");
    assert!(
        pool.report(at(3), &id("a"), &Outcome::Success)
            .contains(&Event::Online)
    );
    for second in 4..12 {
        for name in ["b", "c", "d"] {
            assert!(!fails(&mut pool, second, name), "a has just answered");
        }
    }
    // Dead relays say nothing about the others, in whatever number, and are parked as ever (F65).
    let mut pool = pool_of(Policy::FillFirst, ["a", "b", "c", "d"].map(relay));
    for second in 0..3 {
        for name in ["a", "b", "c"] {
            assert!(!fails(&mut pool, second, name));
        }
    }
    assert_eq!(pick(&mut pool, at(3), &ask("m")), Ok("d".into()));
    // One that was used up can be asked again: who fails is passed over as ever, so that it is.
    let limit = Outcome::UsageLimit {
        resets_at: Some(at(60)),
    };
    let mut pool = pool_of(Policy::FillFirst, ["a", "b", "c", "d"].map(relay));
    pool.report(at(0), &id("d"), &limit);
    assert!(!fails(&mut pool, 20, "a") && !fails(&mut pool, 20, "b"));
    assert!(fails(&mut pool, 20, "c"), "d is used up and nobody asks it");
    assert!(!fails(&mut pool, 59, "a") && pool.offline().is_some());
    for second in 60..63 {
        for name in ["a", "b", "c"] {
            fails(&mut pool, second, name);
        }
    }
    assert_eq!(pool.offline(), None);
    assert_eq!(pick(&mut pool, at(63), &ask("m")), Ok("d".into()));
    // While there is no network, a slow or unreachable sign-in server is nobody's fault either.
    let mut pool = pool_of(Policy::ActiveAccount, ["a", "b"].map(oauth));
    assert!(!fails(&mut pool, 20, "a") && fails(&mut pool, 21, "b"));
    for outcome in [Outcome::Timeout, Outcome::RefreshUnavailable] {
        for _ in 0..5 {
            pool.report(at(22), &id("a"), &outcome);
        }
        assert_eq!(skipped(&pool, at(22), "a"), None, "{outcome:?}");
    }
    assert!(pool.offline().is_some(), "neither is an answer");
}

#[test]
fn a_lone_account_is_offline_at_the_second_error() {
    let mut pool = pool_of(Policy::FillFirst, [relay("a")]);
    assert_eq!(pool.report(at(0), &id("a"), &Outcome::Network), []);
    assert_eq!(
        pool.report(at(1), &id("a"), &Outcome::Network),
        [Event::Offline]
    );
    assert_eq!(pool.report(at(2), &id("a"), &Outcome::Network), []);
    assert_eq!(skipped(&pool, at(2), "a"), None);
}

/// F18: failed renewals climb a ladder and the standing stays.
#[test]
fn refresh_ladder() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    pool.report(at(0), &id("a"), &Outcome::Success);
    let mut now = 0;
    for rest in [5, 15, 45, 135, 135] {
        pool.report(at(now), &id("a"), &Outcome::RefreshUnavailable);
        now += rest;
        assert!(skipped(&pool, at(now - 1), "a").is_some());
        assert_eq!(skipped(&pool, at(now), "a"), None);
    }
    assert_eq!(pool.state(&id("a")).unwrap().status, Status::Active);
}

/// F56 and the counts.
#[test]
fn counts() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
    for outcome in every_outcome() {
        pool.report(at(0), &id("a"), &outcome);
    }
    let counters = pool.state(&id("a")).unwrap().counters;
    let all = u64::try_from(every_outcome().len()).unwrap();
    assert_eq!(
        counters,
        // All but the success, the cancelled one, and two requests that were wrong themselves.
        Counters {
            requests: 0,
            successes: 1,
            cancelled: 1,
            empty_answers: 1,
            failures: all - 4
        }
    );
    assert_eq!(pool.report(at(0), &id("nobody"), &Outcome::Success), []);
}

/// Manual retry ends everything that holds an account back, and nothing else.
#[test]
fn clear_is_a_fresh_start() {
    let holds = every_outcome()
        .into_iter()
        .filter(|o| !matches!(o, Outcome::Success | Outcome::Cancelled));
    for outcome in holds {
        let mut pool = pool_of(Policy::FillFirst, [relay("a")]);
        pool.observe_quota(at(0), &id("a"), reading(at(0), 12.0, 100.0));
        for _ in 0..3 {
            pool.report(at(0), &id("a"), &outcome);
        }
        assert!(skipped(&pool, at(0), "a").is_some());
        pool.clear(at(0), &id("a"));
        assert_eq!(skipped(&pool, at(0), "a"), None, "{outcome:?}");
    }
}

/// What the store kept comes back as it was.
#[test]
fn restart_changes_nothing() {
    for outcome in every_outcome() {
        let mut pool = pool_of(Policy::FillFirst, [relay("a")]);
        pool.observe_quota(at(0), &id("a"), reading(at(0), 12.0, 50.0));
        pool.report(at(0), &id("a"), &outcome);
        let kept = pool.state(&id("a")).unwrap().clone();
        let mut again = pool_of(Policy::FillFirst, [relay("a")]);
        assert!(again.restore(&id("a"), kept.clone()));
        assert_eq!(again.state(&id("a")), Some(&kept));
        for second in [0, 10, 61, 301, 5_000] {
            assert_eq!(
                skipped(&again, at(second), "a"),
                skipped(&pool, at(second), "a"),
                "{outcome:?} after {second} s"
            );
        }
    }
}

/// Time alone ends a rest; `expire` tells it once.
#[test]
fn recovery_is_told_once() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a"), oauth("b"), oauth("c")]);
    pool.report(
        at(0),
        &id("a"),
        &Outcome::UsageLimit {
            resets_at: Some(at(30)),
        },
    );
    pool.report(at(0), &id("b"), &Outcome::Challenge);
    pool.observe_quota(
        at(0),
        &id("c"),
        QuotaSnapshot {
            primary: window(100.0, Some(at(20)), 5),
            ..reading(at(0), 0.0, -1.0)
        },
    );
    let mut told = vec![];
    let mut now = at(0);
    assert_eq!(pool.expire(now), []);
    while let Some(next) = pool.next_expiry(now) {
        now = next;
        told.extend(pool.expire(now).into_iter().map(|event| (now, event)));
        assert_eq!(pool.expire(now), []);
    }
    let recovered = |seconds, name: &str| (at(seconds), Event::Recovered { id: id(name) });
    assert_eq!(
        told,
        [recovered(10, "b"), recovered(20, "c"), recovered(30, "a")]
    );
}
