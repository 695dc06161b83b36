//! The automatic switch in the pool's own calls (F41–F49), the reserve, and simulated accounts apart from the others.
mod common;
use common::*;
use pool::*;
use std::time::Duration;

fn on() -> SwitchRule {
    SwitchRule {
        enabled: true,
        ..SwitchRule::default()
    }
}

/// Sign-ins a, b, c, … with the first one active and all known to be available but for what `used` says.
fn pool_with(rule: SwitchRule, used: &[(&str, f64)]) -> Pool {
    let names = used.iter().map(|(name, _)| oauth(name));
    let mut pool = pool_of(Policy::ActiveAccount, names);
    pool.set_switch_rule(rule);
    for (name, used) in used {
        pool.observe_quota(at(0), &id(name), reading(at(0), *used, 1.0));
    }
    assert!(pool.activate(&id(used[0].0)).is_ok());
    pool
}

/// Switches among these events as `from to reason`.
fn switches(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match event {
        Event::Switched {
            from, to, reason, ..
        } => Some(format!("{from} {to} {reason}")),
        Event::NoSuccessor { id, reason } => Some(format!("{id} stays {reason}")),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

fn active(pool: &Pool) -> &str {
    pool.active().map_or("-", AccountId::as_str)
}

const LIMIT: Outcome = Outcome::UsageLimit { resets_at: None };

#[test]
fn f41_nothing_switches_before_somebody_says_so() {
    let mut pool = pool_with(SwitchRule::default(), &[("a", 1.0), ("b", 1.0)]);
    let events = pool.report(at(1), &id("a"), &LIMIT);
    assert!(switches(&events).is_empty());
    assert_eq!(pick(&mut pool, at(1), &ask("m")).as_deref(), Ok("b"));
    assert!(pool.take_events().is_empty());
    assert_eq!(active(&pool), "a", "failover for a request moves nothing");
    pool.set_policy(Policy::RoundRobin);
    pool.set_switch_rule(on());
    assert!(
        pool.switch_if_needed(at(1)).is_empty(),
        "no active account counts"
    );
}

/// What happens to the active account a, and whether it is left for b.
#[test]
fn f43_reasons_to_leave() {
    type Change = fn(&mut Pool) -> Vec<Event>;
    let rows: &[(&str, Change, Option<&str>)] = &[
        (
            "a usage limit",
            |p| p.report(at(1), &id("a"), &LIMIT),
            Some("exhausted"),
        ),
        (
            "402",
            |p| p.report(at(1), &id("a"), &Outcome::PaymentRequired),
            Some("exhausted"),
        ),
        (
            "a JSON 403",
            |p| p.report(at(1), &id("a"), &Outcome::Forbidden),
            Some("forbidden"),
        ),
        (
            "a refused refresh, confirmed",
            |p| {
                p.report(
                    at(1),
                    &id("a"),
                    &Outcome::RefreshRefused {
                        confirmed: true,
                        banned: false,
                    },
                )
            },
            Some("needs_login"),
        ),
        (
            "an account closed",
            |p| {
                p.report(
                    at(1),
                    &id("a"),
                    &Outcome::RefreshRefused {
                        confirmed: true,
                        banned: true,
                    },
                )
            },
            Some("banned"),
        ),
        (
            "a refused refresh, not yet confirmed",
            |p| {
                p.report(
                    at(1),
                    &id("a"),
                    &Outcome::RefreshRefused {
                        confirmed: false,
                        banned: false,
                    },
                )
            },
            None,
        ),
        (
            "a 401 that is renewed in the background (F22)",
            |p| p.report(at(1), &id("a"), &Outcome::Unauthorized),
            None,
        ),
        (
            "a challenge page",
            |p| p.report(at(1), &id("a"), &Outcome::Challenge),
            None,
        ),
        (
            "another 429",
            |p| p.report(at(1), &id("a"), &Outcome::RateLimited { retry_at: None }),
            None,
        ),
        (
            "a 500",
            |p| p.report(at(1), &id("a"), &Outcome::ServerError { status: 500 }),
            None,
        ),
        (
            "a good answer",
            |p| p.report(at(1), &id("a"), &Outcome::Success),
            None,
        ),
        (
            "another account's limit",
            |p| p.report(at(1), &id("b"), &LIMIT),
            None,
        ),
        (
            "a reading that nobody asked for",
            |p| {
                p.observe_quota(at(1), &id("a"), reading(at(1), 100.0, 1.0));
                p.switch_if_needed(at(1))
            },
            Some("exhausted"),
        ),
        (
            "a reading asked for by hand",
            |p| p.observe_quota(at(1), &id("a"), reading(at(1), 100.0, 1.0)),
            None,
        ),
        (
            "a credential that is gone, at the next request",
            |p| {
                p.set_token(&id("a"), Token::Missing);
                drop(pick(p, at(1), &ask("m")));
                p.take_events()
            },
            Some("no_credential"),
        ),
        (
            "switched off by the person",
            |p| {
                p.upsert(Account {
                    enabled: false,
                    ..oauth("a")
                });
                drop(pick(p, at(1), &ask("m")));
                p.take_events()
            },
            None,
        ),
    ];
    for (case, change, expected) in rows {
        let mut pool = pool_with(on(), &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let told = switches(&change(&mut pool));
        let expected: Vec<String> = expected.iter().map(|why| format!("a b {why}")).collect();
        assert_eq!(told, expected, "{case}");
        assert_eq!(
            active(&pool),
            if expected.is_empty() { "a" } else { "b" },
            "{case}"
        );
    }
}

#[test]
fn f43_a_refused_key_is_left_for_another_key() {
    let mut pool = pool_of(Policy::ActiveAccount, [relay("k"), relay("l"), oauth("a")]);
    pool.set_switch_rule(on());
    pool.activate(&id("k")).unwrap();
    let events = pool.report(at(1), &id("k"), &Outcome::Unauthorized);
    assert_eq!(switches(&events), ["k l unauthorized"]);
}

#[test]
fn f43_a_click_on_a_used_up_account_stays_until_the_next_request() {
    let mut pool = pool_with(on(), &[("a", 1.0), ("b", 100.0)]);
    pool.activate(&id("b")).unwrap();
    assert_eq!(active(&pool), "b");
    assert_eq!(
        pick(&mut pool, at(1), &ask("m")).as_deref(),
        Ok("a"),
        "F46: already on the new one"
    );
    assert_eq!(switches(&pool.take_events()), ["b a exhausted"]);
}

#[test]
fn f46_twenty_requests_that_meet_the_limit_cause_one_switch() {
    let mut pool = pool_with(on(), &[("a", 99.0), ("b", 1.0), ("c", 1.0)]);
    let mut events = Vec::new();
    for _ in 0..20 {
        assert_eq!(pool.select(at(1), &ask("m")).unwrap().id, id("a"));
    }
    for _ in 0..20 {
        events.extend(pool.report(at(2), &id("a"), &LIMIT));
        pool.release(&id("a"));
        let again = pool.select(
            at(2),
            &Ask {
                tried: &[id("a")],
                ..ask("m")
            },
        );
        assert_eq!(
            again.map(|chosen| (chosen.id, chosen.why)),
            Ok((id("b"), Why::Active))
        );
        events.extend(pool.take_events());
    }
    assert_eq!(switches(&events), ["a b exhausted"]);
}

#[test]
fn f46_a_threshold_waits_thirty_seconds_and_a_failure_does_not() {
    let rule = SwitchRule {
        threshold_primary: Some(90),
        ..on()
    };
    let mut pool = pool_with(rule, &[("a", 50.0), ("b", 50.0), ("c", 50.0)]);
    let mut read = |name: &str, second: i64, used: f64| {
        pool.observe_quota(at(second), &id(name), reading(at(second), used, 1.0));
        switches(&pool.switch_if_needed(at(second)))
    };
    assert!(read("a", 0, 51.0).is_empty());
    assert_eq!(read("a", 1, 95.0), ["a b threshold"]);
    assert!(read("b", 2, 95.0).is_empty());
    assert!(read("b", 30, 96.0).is_empty());
    assert_eq!(read("b", 31, 97.0), ["b c threshold"]);
    assert!(read("c", 32, 99.0).is_empty());
    assert_eq!(
        read("c", 33, 100.0),
        ["c a exhausted"],
        "known to be available, though over the threshold"
    );
}

/// Used shares of the active account a and of b, in both windows, and whether a is left.
#[test]
fn f47_thresholds() {
    let window = |used: f64, hours: u64| {
        Some(QuotaWindow {
            used_percent: used,
            length: Some(Duration::from_secs(hours * 3600)),
            resets_at: Some(at(3600)),
        })
    };
    let quota = |short: f64, week: f64| QuotaSnapshot {
        primary: window(short, 5),
        secondary: window(week, 168),
        ..QuotaSnapshot::empty(at(0), QuotaSource::Header)
    };
    let only_week = |week: f64| QuotaSnapshot {
        primary: window(week, 168),
        ..QuotaSnapshot::empty(at(0), QuotaSource::Header)
    };
    let rule = SwitchRule {
        threshold_primary: Some(95),
        threshold_weekly: Some(80),
        ..on()
    };
    let rows = [
        (
            "below both",
            quota(94.9, 79.9),
            Some(quota(0.0, 0.0)),
            false,
        ),
        (
            "the short one",
            quota(95.0, 0.0),
            Some(quota(94.0, 0.0)),
            true,
        ),
        (
            "the weekly one",
            quota(0.0, 80.0),
            Some(quota(94.0, 79.0)),
            true,
        ),
        (
            "a week in the first slot is a week",
            only_week(85.0),
            Some(quota(0.0, 0.0)),
            true,
        ),
        (
            "nobody below",
            quota(95.0, 0.0),
            Some(quota(0.0, 81.0)),
            false,
        ),
        ("nobody known", quota(95.0, 0.0), None, false),
    ];
    for (case, a, b, left) in rows {
        let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), oauth("b")]);
        pool.set_switch_rule(rule.clone());
        pool.restore_active(id("a"));
        pool.observe_quota(at(0), &id("a"), a);
        if let Some(b) = b {
            pool.observe_quota(at(0), &id("b"), b);
        }
        let told = switches(&pool.switch_if_needed(at(1)));
        let expected: &[&str] = if left { &["a b threshold"] } else { &[] };
        assert_eq!(told, expected, "{case}");
    }
}

#[test]
fn f47_who_is_chosen_over_the_threshold_stays_until_used_up() {
    let rule = SwitchRule {
        threshold_primary: Some(90),
        ..on()
    };
    let mut pool = pool_with(rule, &[("a", 95.0), ("b", 1.0)]);
    let mut read = |second: i64, used: f64| {
        pool.observe_quota(at(second), &id("a"), reading(at(second), used, 1.0));
        switches(&pool.switch_if_needed(at(second)))
    };
    assert!(read(1, 96.0).is_empty());
    assert!(read(2, 10.0).is_empty());
    assert_eq!(read(3, 91.0), ["a b threshold"], "seen below since");
    pool.activate(&id("a")).unwrap();
    assert!(pool.switch_if_needed(at(100)).is_empty());
    let events = pool.report(at(101), &id("a"), &LIMIT);
    assert_eq!(switches(&events), ["a b exhausted"]);
}

#[test]
fn f45_nobody_to_follow_is_told_once_per_period() {
    let mut pool = pool_with(on(), &[("a", -1.0), ("b", 100.0)]);
    let events = pool.report(
        at(1),
        &id("a"),
        &Outcome::UsageLimit {
            resets_at: Some(at(600)),
        },
    );
    assert_eq!(switches(&events), ["a stays exhausted"]);
    assert_eq!(pool.stuck(at(2)).map(|(id, _)| id), Some(id("a")));
    for second in 2..40 {
        assert!(pick(&mut pool, at(second), &ask("m")).is_err());
        assert!(pool.take_events().is_empty());
    }
    assert_eq!(
        pool.all_exhausted(at(2)),
        Some(Some(at(600))),
        "the soonest of both"
    );
    // b's reading is for an hour; a is back after ten minutes and used up again later.
    assert_eq!(pick(&mut pool, at(700), &ask("m")).as_deref(), Ok("a"));
    assert_eq!(
        (pool.stuck(at(700)), pool.all_exhausted(at(700))),
        (None, None)
    );
    let events = pool.report(at(701), &id("a"), &LIMIT);
    assert_eq!(switches(&events), ["a stays exhausted"]);
}

#[test]
fn f45_excluded_accounts_neither_leave_nor_enter() {
    let mut pool = pool_with(on(), &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
    pool.upsert(Account {
        position: 1,
        excluded: true,
        ..oauth("b")
    });
    assert_eq!(
        switches(&pool.report(at(1), &id("a"), &LIMIT)),
        ["a c exhausted"]
    );
    pool.activate(&id("b")).unwrap();
    assert!(switches(&pool.report(at(2), &id("b"), &LIMIT)).is_empty());
    assert_eq!(active(&pool), "b");
}

#[test]
fn f48_the_avoided_account_is_told() {
    // (the account to avoid, used share of b, who follows, whether avoiding changed that)
    let rows = [
        (None, 1.0, "b", false),
        (Some("b"), 1.0, "c", true),
        (Some("c"), 1.0, "b", false),
        (Some("b"), 100.0, "c", false),
    ];
    for (avoid, used, expected, avoided) in rows {
        let rule = SwitchRule {
            avoid: avoid.map(id),
            ..on()
        };
        let mut pool = pool_with(rule, &[("a", -1.0), ("b", used), ("c", 1.0)]);
        let events = pool.report(
            at(1),
            &id("a"),
            &Outcome::UsageLimit {
                resets_at: Some(at(60)),
            },
        );
        let switched = events.iter().find_map(|event| match event {
            Event::Switched {
                to,
                avoided,
                back_at,
                ..
            } => Some((to.as_str(), *avoided, *back_at)),
            _ => None,
        });
        assert_eq!(
            switched,
            Some((expected, avoided, Some(at(60)))),
            "{avoid:?} {used}"
        );
    }
}

/// Keys k (priority 50), l (20) and a sign-in beside the used-up active sign-in a.
#[test]
fn f49_key_accounts_follow_only_when_allowed_and_offering_the_model() {
    let rows = [
        ("not allowed", false, 100.0, "m", None),
        ("by priority", true, 100.0, "m", Some("l")),
        (
            "the model is not on its list",
            true,
            100.0,
            "other",
            Some("k"),
        ),
        ("not before another sign-in", true, 1.0, "m", Some("b")),
    ];
    for (case, keys_too, b_used, model, expected) in rows {
        let mut pool = pool_with(
            SwitchRule { keys_too, ..on() },
            &[("a", 100.0), ("b", b_used)],
        );
        pool.upsert(Account {
            position: 7,
            ..relay("k")
        });
        let models = Some(vec!["m".to_owned()]);
        pool.upsert(Account {
            position: 8,
            priority: 20,
            allowed_models: models,
            ..relay("l")
        });
        drop(pick(&mut pool, at(1), &ask(model)));
        let told = switches(&pool.take_events());
        let line = expected.map_or("a stays exhausted".to_owned(), |to| {
            format!("a {to} exhausted")
        });
        assert_eq!(told, [line], "{case}");
    }
}

#[test]
fn f47_the_way_back_is_to_the_account_the_person_chose() {
    let mut pool = pool_with(on(), &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
    pool.report(at(1), &id("a"), &LIMIT);
    pool.report(at(2), &id("b"), &LIMIT);
    assert_eq!((active(&pool), pool.preferred()), ("c", Some(&id("a"))));
    assert!(
        switches(&pool.switch_back(at(3))).is_empty(),
        "still used up"
    );
    pool.clear(at(4), &id("a"));
    assert_eq!(switches(&pool.switch_back(at(5))), ["c a switch_back"]);
    assert_eq!((active(&pool), pool.preferred()), ("a", None));
    pool.report(at(6), &id("a"), &LIMIT);
    pool.activate(&id("c")).unwrap();
    assert_eq!(pool.preferred(), None, "a click is a new choice");
}

#[test]
fn what_a_person_keeps_in_reserve_is_left_alone() {
    // (reserve, used, whether the account serves)
    let rows = [
        (None, 99.9, true),
        (Some(0), 99.9, true),
        (Some(20), 79.9, true),
        (Some(20), 80.0, false),
        (Some(95), 5.0, false),
    ];
    for (reserve_percent, used, serves) in rows {
        let mut pool = pool_with(SwitchRule::default(), &[("a", used)]);
        pool.upsert(Account {
            reserve_percent,
            ..oauth("a")
        });
        let reason = skipped(&pool, at(1), "a").map(|reason| reason.code());
        assert_eq!(
            reason,
            (!serves).then_some("reserved"),
            "{reserve_percent:?} {used}"
        );
    }
    let mut pool = pool_with(on(), &[("a", 85.0), ("b", 85.0), ("c", 1.0)]);
    for (position, name) in [(0, "a"), (1, "b")] {
        pool.upsert(Account {
            position,
            reserve_percent: Some(20),
            ..oauth(name)
        });
    }
    assert_eq!(pick(&mut pool, at(1), &ask("m")).as_deref(), Ok("c"));
    assert_eq!(
        switches(&pool.take_events()),
        ["a c reserve"],
        "b is in reserve too"
    );
    pool.report(at(2), &id("c"), &LIMIT);
    let none = pool.select(at(3), &ask("m")).unwrap_err();
    assert_eq!(
        none.kind,
        NoCandidateKind::Quota,
        "not even when nobody else can"
    );
    assert!(
        none.reasons(at(3))
            .contains("a: only its reserve is left, again in")
    );
    // The window starts afresh: the reserve is whole again.
    let later = pool.next_expiry(at(3)).unwrap();
    assert!(later > at(3));
}

#[test]
fn simulated_accounts_and_others_never_stand_in_for_each_other() {
    let demo = |name: &str| Account {
        demo: true,
        ..oauth(name)
    };
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), demo("x"), demo("y")]);
    pool.activate(&id("a")).unwrap();
    pool.report(at(0), &id("a"), &Outcome::PaymentRequired);
    assert_eq!(
        pick(&mut pool, at(1), &ask("m")),
        Err("a:exhausted x:demo y:demo".into())
    );
    pool.activate(&id("x")).unwrap();
    assert!(pool.simulated());
    pool.observe_quota(at(1), &id("y"), reading(at(1), 1.0, 1.0));
    // They switch although nobody switched that on: they are there to show it.
    let events = pool.report(at(2), &id("x"), &LIMIT);
    assert_eq!(switches(&events), ["x y exhausted"]);
    pool.report(at(3), &id("y"), &LIMIT);
    assert_eq!(pool.all_exhausted(at(4)), Some(Some(at(62))));
    let none = pick(&mut pool, at(4), &ask("m")).unwrap_err();
    assert!(none.contains("a:demo"), "{none}");
    let pinned = id("a");
    pool.clear(at(5), &pinned);
    let asked = Ask {
        pinned: Some(&pinned),
        ..ask("m")
    };
    assert_eq!(
        pick(&mut pool, at(5), &asked).as_deref(),
        Ok("a"),
        "but who names it gets it"
    );
    pool.remove(&id("x"));
    pool.remove(&id("y"));
    assert!(!pool.simulated());
}

#[test]
fn explaining_thinks_of_the_switch_that_would_come_first() {
    let rule = SwitchRule {
        lowest_use_first: true,
        ..on()
    };
    let mut pool = pool_with(rule, &[("a", 100.0), ("b", 50.0), ("c", 1.0)]);
    let ranks: Vec<_> = pool
        .explain(at(1), &ask("m"))
        .into_iter()
        .map(|(id, rank)| (id.to_string(), rank.ok()))
        .collect();
    let named = |name: &str, rank| (name.to_owned(), rank);
    assert_eq!(
        ranks,
        [named("a", None), named("b", Some(1)), named("c", Some(0))]
    );
    assert_eq!(active(&pool), "a", "only thought of");
    assert_eq!(pick(&mut pool, at(1), &ask("m")).as_deref(), Ok("c"));
}
