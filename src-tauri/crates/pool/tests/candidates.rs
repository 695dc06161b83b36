//! The candidate filter and its reasons (F32, F38, F39, F42, F93, F101, F114).
mod common;
use common::*;
use pool::*;
use std::time::Duration;

/// F32: every reason, one account per row.
#[test]
fn every_skipped_account_has_its_reason() {
    type Change = fn(&mut Account);
    let records: &[(&str, Change, Option<&str>)] = &[
        ("plain", |_| {}, None),
        ("off", |a| a.enabled = false, Some("disabled")),
        (
            "anthropic only",
            |a| a.format = Format::Anthropic,
            Some("format_cannot_serve"),
        ),
        (
            "allowed exactly",
            |a| a.allowed_models = Some(vec!["m".into()]),
            None,
        ),
        (
            "allowed by prefix",
            |a| a.allowed_models = Some(vec!["x".into(), "m*".into()]),
            None,
        ),
        (
            "a star alone",
            |a| a.allowed_models = Some(vec!["*".into()]),
            None,
        ),
        (
            "a star inside is no wildcard",
            |a| a.allowed_models = Some(vec!["*m".into()]),
            Some("model_not_allowed"),
        ),
        (
            "allowed others",
            |a| a.allowed_models = Some(vec!["mm".into()]),
            Some("model_not_allowed"),
        ),
        (
            "allowed none",
            |a| a.allowed_models = Some(vec![]),
            Some("model_not_allowed"),
        ),
        (
            "offers it",
            |a| a.known_models = Some(vec!["m".into()]),
            None,
        ),
        (
            "offers others",
            |a| a.known_models = Some(vec!["n".into()]),
            Some("model_not_offered"),
        ),
        (
            "listed by its full name though not discovered",
            |a| (a.allowed_models, a.known_models) = (Some(vec!["m".into()]), Some(vec![])),
            None,
        ),
        (
            "matched by a star and not discovered",
            |a| (a.allowed_models, a.known_models) = (Some(vec!["*".into()]), Some(vec![])),
            Some("model_not_offered"),
        ),
        (
            "no slots at all",
            |a| a.slots = Some(0),
            Some("no_free_slot"),
        ),
        (
            "excluded from switching still serves",
            |a| a.excluded = true,
            None,
        ),
    ];
    for (case, change, expected) in records {
        let mut account = oauth("a");
        change(&mut account);
        let mut pool = pool_of(Policy::FillFirst, [account]);
        assert_eq!(
            skipped(&pool, at(0), "a").map(|r| r.code()),
            *expected,
            "{case}"
        );
        assert_eq!(
            pool.select(at(0), &ask("m")).is_ok(),
            expected.is_none(),
            "{case}: select and explain agree"
        );
    }
}

#[test]
fn state_gives_reasons_too() {
    type Story = fn(&mut Pool);
    let rows: &[(&str, Story, Option<&str>)] = &[
        (
            "needs login",
            |p| drop(p.set_status(at(0), &id("a"), Status::NeedsLogin, "test")),
            Some("needs_login"),
        ),
        (
            "banned",
            |p| drop(p.set_status(at(0), &id("a"), Status::Banned, "test")),
            Some("banned"),
        ),
        (
            "attention is a flag only",
            |p| drop(p.set_status(at(0), &id("a"), Status::Attention, "test")),
            None,
        ),
        (
            "no token",
            |p| p.set_token(&id("a"), Token::Missing),
            Some("no_credential"),
        ),
        (
            "token over but refreshable",
            |p| p.set_token(&id("a"), Token::Until(at(-1))),
            None,
        ),
        (
            "token over and not refreshable",
            |p| {
                p.upsert(Account {
                    refreshable: false,
                    ..oauth("a")
                });
                p.set_token(&id("a"), Token::Until(at(0)));
            },
            Some("no_credential"),
        ),
        (
            "exhausted",
            |p| {
                drop(p.report(
                    at(0),
                    &id("a"),
                    &Outcome::UsageLimit {
                        resets_at: Some(at(9)),
                    },
                ))
            },
            Some("exhausted"),
        ),
        (
            "rate limited",
            |p| drop(p.report(at(0), &id("a"), &Outcome::RateLimited { retry_at: None })),
            Some("rate_limited"),
        ),
        (
            "cooling",
            |p| drop(p.report(at(0), &id("a"), &Outcome::Challenge)),
            Some("cooling"),
        ),
    ];
    for (case, story, expected) in rows {
        let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
        story(&mut pool);
        assert_eq!(
            skipped(&pool, at(1), "a").map(|r| r.code()),
            *expected,
            "{case}"
        );
    }
}

/// F32: no account twice in one request.
#[test]
fn tried_accounts_are_left_out() {
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), oauth("b")]);
    let tried = [id("a")];
    assert_eq!(
        pick(
            &mut pool,
            at(0),
            &Ask {
                tried: &tried,
                ..ask("m")
            }
        ),
        Ok("b".into())
    );
    let tried = [id("a"), id("b"), id("never heard of")];
    assert_eq!(
        pick(
            &mut pool,
            at(0),
            &Ask {
                tried: &tried,
                ..ask("m")
            }
        ),
        Err("a:already_tried b:already_tried".into())
    );
}

/// F38: a pinned account that cannot serve is an error naming it, never a silent other.
#[test]
fn a_pin_is_kept_or_refused() {
    let mut pool = pool_of(Policy::FillFirst, [oauth("a"), oauth("b")]);
    let b = id("b");
    let pinned = Ask {
        pinned: Some(&b),
        ..ask("m")
    };
    let chosen = pool.select(at(0), &pinned).unwrap();
    assert_eq!((chosen.id.as_str(), chosen.why), ("b", Why::Pinned));
    pool.report(
        at(0),
        &b,
        &Outcome::UsageLimit {
            resets_at: Some(at(3_600)),
        },
    );
    let none = pool.select(at(1), &pinned).unwrap_err();
    assert_eq!(none.kind, NoCandidateKind::Quota);
    assert_eq!(
        none.reasons(at(1)),
        "b: quota used up, again in 59 min 59 s"
    );
    let gone = id("gone");
    let none = pool
        .select(
            at(1),
            &Ask {
                pinned: Some(&gone),
                ..ask("m")
            },
        )
        .unwrap_err();
    assert_eq!(none.kind, NoCandidateKind::Empty);
}

/// F39: the answer when nobody can serve.
#[test]
fn nobody_says_what_they_have_in_common() {
    let limit = |seconds| Outcome::UsageLimit {
        resets_at: Some(at(seconds)),
    };
    type Story = Vec<(&'static str, Outcome)>;
    let rows: Vec<(&str, Story, NoCandidateKind, Option<i64>)> = vec![
        (
            "all limited",
            vec![("a", limit(500)), ("b", limit(90))],
            NoCandidateKind::Quota,
            Some(90),
        ),
        (
            "limited by usage and by rate",
            vec![
                ("a", limit(500)),
                (
                    "b",
                    Outcome::RateLimited {
                        retry_at: Some(at(7)),
                    },
                ),
            ],
            NoCandidateKind::Quota,
            Some(7),
        ),
        (
            "limited and failing",
            vec![("a", limit(500)), ("b", Outcome::Challenge)],
            NoCandidateKind::Mixed,
            Some(10),
        ),
        (
            "limited and signed out",
            vec![
                ("a", limit(500)),
                (
                    "b",
                    Outcome::RefreshRefused {
                        confirmed: true,
                        banned: false,
                    },
                ),
            ],
            NoCandidateKind::Mixed,
            Some(500),
        ),
    ];
    for (case, story, kind, soonest) in rows {
        // Neither one that is off nor one with other models changes what the rest have in common.
        let other = Account {
            allowed_models: Some(vec!["other".into()]),
            ..oauth("c")
        };
        let off = Account {
            enabled: false,
            ..oauth("d")
        };
        let mut pool = pool_of(Policy::RoundRobin, [oauth("a"), oauth("b"), other, off]);
        for (name, outcome) in story {
            pool.report(at(0), &id(name), &outcome);
        }
        let none = pool.select(at(0), &ask("m")).unwrap_err();
        assert_eq!((none.kind, none.soonest), (kind, soonest.map(at)), "{case}");
        assert_eq!(none.skipped.len(), 4, "{case}: every account has a reason");
    }
}

#[test]
fn nobody_busy_model_empty() {
    let mut pool = pool_of(Policy::FillFirst, []);
    assert_eq!(
        pool.select(at(0), &ask("m")).unwrap_err().kind,
        NoCandidateKind::Empty
    );
    pool.upsert(Account {
        enabled: false,
        ..oauth("a")
    });
    assert_eq!(
        pool.select(at(0), &ask("m")).unwrap_err().kind,
        NoCandidateKind::Empty
    );
    pool.upsert(Account {
        allowed_models: Some(vec![]),
        ..oauth("a")
    });
    assert_eq!(
        pool.select(at(0), &ask("m")).unwrap_err().kind,
        NoCandidateKind::Model
    );
    pool.upsert(Account {
        slots: Some(1),
        ..oauth("a")
    });
    pool.select(at(0), &ask("m")).unwrap();
    let none = pool.select(at(0), &ask("m")).unwrap_err();
    assert_eq!(
        (none.kind, none.soonest, none.retry_after_secs(at(0))),
        (NoCandidateKind::Busy, None, None)
    );
}

/// F39: Retry-After is whole seconds and never zero.
#[test]
fn retry_after_rounds_up() {
    let none = |until: i64| NoCandidate {
        skipped: vec![],
        kind: NoCandidateKind::Quota,
        soonest: Some(Timestamp(until)),
    };
    for (until, expected) in [(10_000, 10), (10_001, 11), (1, 1), (0, 1), (-5, 1)] {
        assert_eq!(
            none(until).retry_after_secs(Timestamp(0)),
            Some(expected),
            "{until}"
        );
    }
}

/// F114: slots are taken by selection, freed by release, never below zero, and taken back after five silent minutes.
#[test]
fn slots_cannot_leak() {
    let account = Account::new("a", AccountKind::CodexOauth, Format::Codex);
    assert_eq!(account.slots, Some(3), "F114: three for a sign-in");
    let mut pool = pool_of(Policy::FillFirst, [account]);
    for _ in 0..3 {
        pool.select(at(0), &ask("m")).unwrap();
    }
    assert_eq!(
        pick(&mut pool, at(0), &ask("m")),
        Err("a:no_free_slot".into())
    );
    pool.release(&id("a"));
    assert_eq!(pool.in_flight(&id("a")), 2);
    for _ in 0..9 {
        pool.release(&id("a"));
    }
    assert_eq!(pool.in_flight(&id("a")), 0);
    for _ in 0..3 {
        pool.select(at(10), &ask("m")).unwrap();
    }
    pool.touch(at(200), &id("a"));
    assert_eq!(
        pick(&mut pool, at(10 + 301), &ask("m")),
        Err("a:no_free_slot".into()),
        "a sign of life keeps them"
    );
    assert_eq!(pick(&mut pool, at(200 + 331), &ask("m")), Ok("a".into()));
}

/// F32: a group below its limit.
#[test]
fn a_group_shares_its_limit() {
    let member = |name: &str| Account {
        group: Some("team".into()),
        ..oauth(name)
    };
    let mut pool = pool_of(Policy::FillFirst, [member("a"), member("b"), oauth("c")]);
    pool.set_group_limit("team", Some(2));
    let first = pool.select(at(0), &ask("m")).unwrap();
    pool.select(at(0), &ask("m")).unwrap();
    assert_eq!(skipped(&pool, at(0), "a"), Some(SkipReason::GroupFull));
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("c".into()));
    pool.upsert(Account {
        position: 9,
        ..member("b")
    });
    assert_eq!(
        skipped(&pool, at(0), "a"),
        Some(SkipReason::GroupFull),
        "a changed list keeps the count"
    );
    pool.release(&first.id);
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("a".into()));
    pool.select(at(0), &ask("m")).unwrap();
    pool.set_group_limit("team", None);
    assert_eq!(pick(&mut pool, at(0), &ask("m")), Ok("a".into()));
}

/// F101: the asked order of formats goes before priority and policy.
#[test]
fn native_format_first() {
    let cheap = Account {
        priority: 0,
        format: Format::OpenAi,
        ..relay("translated")
    };
    let native = Account {
        priority: 100,
        format: Format::Responses,
        ..relay("native")
    };
    let mut pool = pool_of(Policy::MostHeadroom, [cheap, native]);
    let formats = [Format::Responses, Format::OpenAi];
    assert_eq!(
        pick(&mut pool, at(0), &Ask::new("m", &formats)),
        Ok("native".into())
    );
    let formats = [Format::OpenAi];
    assert_eq!(
        pick(&mut pool, at(0), &Ask::new("m", &formats)),
        Ok("translated".into())
    );
}

/// F42: exhausted by any known window, available by at least one, otherwise unknown; a passed reset makes a value unknown.
#[test]
fn quota_rule() {
    use Availability::*;
    let until = |s| Exhausted { until: Some(at(s)) };
    let h5 = |used| window(used, Some(at(100)), 5);
    let week = |used| window(used, Some(at(1_000)), 168);
    let bare = |used| window(used, None, 5);
    let rows = [
        ("nothing", None, None, 0, Unknown),
        ("one below", h5(99.9), None, 0, Available),
        ("one full", h5(100.0), None, 0, until(100)),
        ("above full", h5(130.0), week(1.0), 0, until(100)),
        ("other full", h5(3.0), week(100.0), 0, until(1_000)),
        (
            "both full: the later reset",
            h5(100.0),
            week(100.0),
            0,
            until(1_000),
        ),
        (
            "first reset passed, second below",
            h5(100.0),
            week(4.0),
            100,
            Available,
        ),
        ("both resets passed", h5(100.0), week(100.0), 1_000, Unknown),
        ("below and passed", h5(5.0), None, 100, Unknown),
        (
            "full, reset untold",
            bare(100.0),
            None,
            0,
            Exhausted { until: None },
        ),
        (
            "full, reset untold, a quarter of an hour later",
            bare(100.0),
            None,
            900,
            Unknown,
        ),
        ("not a number", bare(f64::NAN), None, 0, Unknown),
    ];
    for (case, primary, secondary, now, expected) in rows {
        let snapshot = QuotaSnapshot {
            primary,
            secondary,
            ..QuotaSnapshot::empty(at(0), QuotaSource::Query)
        };
        assert_eq!(snapshot.availability(at(now)), expected, "{case}");
        let mut pool = pool_of(Policy::FillFirst, [oauth("a")]);
        pool.observe_quota(at(0), &id("a"), snapshot);
        let exhausted = matches!(expected, Exhausted { .. });
        assert_eq!(
            skipped(&pool, at(now), "a").is_some(),
            exhausted,
            "{case}: selection agrees"
        );
    }
}

/// F38: at most 5,000 conversations for four hours.
#[test]
fn affinity_wins_where_it_can() {
    let mut pool = pool_of(Policy::RoundRobin, [oauth("a"), oauth("b"), oauth("c")]);
    let talk = Ask {
        session: Some("s1"),
        ..ask("m")
    };
    assert_eq!(pick(&mut pool, at(0), &talk), Ok("a".into()));
    assert_eq!(picks(&mut pool, at(0), 1), "b");
    assert_eq!(pick(&mut pool, at(1), &talk), Ok("a".into()));
    assert_eq!(
        picks(&mut pool, at(1), 2),
        "ca",
        "a conversation takes no turn"
    );
    pool.report(
        at(2),
        &id("a"),
        &Outcome::UsageLimit {
            resets_at: Some(at(100)),
        },
    );
    assert_eq!(
        pick(&mut pool, at(3), &talk),
        Ok("b".into()),
        "cannot serve: the policy decides"
    );
    assert_eq!(
        pick(&mut pool, at(101), &talk),
        Ok("b".into()),
        "and the conversation stays there"
    );
    let four_hours = 4 * 3_600;
    let chosen = pool.select(at(101 + four_hours - 1), &talk).unwrap();
    assert_eq!(chosen.why, Why::Affinity);
    let chosen = pool.select(at(101 + 2 * four_hours), &talk).unwrap();
    assert_eq!(chosen.why, Why::Turn);
}

/// F38: off for key accounts that keep nothing.
#[test]
fn no_affinity_without_state() {
    let mut pool = pool_of(Policy::RoundRobin, [relay("a"), relay("b")]);
    let talk = Ask {
        session: Some("s1"),
        ..ask("m")
    };
    let names: Vec<_> = (0..4)
        .map(|_| pick(&mut pool, at(0), &talk).unwrap())
        .collect();
    assert_eq!(names.concat(), "abab");
}

/// F33 before F38: the active account takes a conversation back; without it the conversation stays where it is.
#[test]
fn active_before_affinity_before_ring() {
    let mut pool = pool_of(Policy::ActiveAccount, [oauth("a"), oauth("b"), oauth("c")]);
    pool.activate(&id("a")).unwrap();
    let talk = Ask {
        session: Some("s1"),
        ..ask("m")
    };
    let tried = [id("a"), id("b")];
    assert_eq!(
        pick(
            &mut pool,
            at(0),
            &Ask {
                tried: &tried,
                ..talk
            }
        ),
        Ok("c".into())
    );
    assert_eq!(pick(&mut pool, at(0), &talk), Ok("a".into()));
    assert_eq!(
        pick(
            &mut pool,
            at(0),
            &Ask {
                tried: &tried,
                ..talk
            }
        ),
        Ok("c".into())
    );
    pool.report(
        at(0),
        &id("a"),
        &Outcome::RateLimited {
            retry_at: Some(at(50)),
        },
    );
    assert_eq!(
        pick(&mut pool, at(1), &talk),
        Ok("c".into()),
        "not the next in the ring, b"
    );
    assert_eq!(pick(&mut pool, at(1), &ask("m")), Ok("b".into()));
    assert_eq!(pick(&mut pool, at(50), &talk), Ok("a".into()));
}

/// Explain ranks exactly as the selections would come.
#[test]
fn explain_agrees_with_selection() {
    for policy in Policy::ALL {
        let mut pool = pool_of(*policy, "abcdef".chars().map(|c| oauth(&c.to_string())));
        pool.activate(&id("d")).unwrap();
        for (n, name) in "abcdef".chars().enumerate() {
            pool.observe_quota(
                at(0),
                &id(&name.to_string()),
                reading(at(0), [50.0, -1.0, 7.0, 99.0, 100.0, 7.0][n], 3.0),
            );
        }
        let mut expected: Vec<_> = pool
            .explain(at(1), &ask("m"))
            .into_iter()
            .filter_map(|(id, rank)| Some((rank.ok()?, id)))
            .collect();
        expected.sort();
        let mut tried = Vec::new();
        while let Ok(chosen) = pool.clone().select(
            at(1),
            &Ask {
                tried: &tried,
                ..ask("m")
            },
        ) {
            tried.push(chosen.id);
        }
        assert_eq!(
            tried,
            expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>(),
            "{policy}"
        );
        assert_eq!(tried.len(), 5, "{policy}");
    }
}

#[test]
fn waits_read_well() {
    for (seconds, expected) in [
        (1, "1 s"),
        (61, "1 min 1 s"),
        (7_260, "2 h 1 min"),
        (180_000, "2 d 2 h"),
    ] {
        let reason = SkipReason::Cooling { until: at(seconds) };
        assert_eq!(
            reason.text(at(0)),
            format!("resting after a failure, again in {expected}")
        );
    }
    assert_eq!(at(0).plus(Duration::MAX), Timestamp(i64::MAX));
}

/// F38: the answer a request continues counts before its conversation, and stays where it is.
#[test]
fn the_answer_it_continues_comes_first() {
    let mut pool = pool_of(Policy::FillFirst, ["a", "b", "c"].map(oauth));
    pool.seat(at(0), "conversation", &id("b"));
    pool.seat(at(0), "resp_1", &id("c"));
    let tried = [id("c")];
    let talk = Ask {
        session: Some("conversation"),
        ..ask("m")
    };
    let next = Ask {
        continues: Some("resp_1"),
        ..talk
    };
    let again = Ask {
        tried: &tried,
        ..next
    };
    for (ask, expected) in [(&talk, "b"), (&next, "c"), (&again, "a")] {
        assert_eq!(pick(&mut pool, at(1), ask), Ok(expected.to_owned()));
    }
    assert_eq!(pool.seat_of(at(2), "resp_1"), Some(&id("c")));
    pool.remove(&id("c"));
    assert_eq!(pool.seat_of(at(2), "resp_1"), None);
}

#[test]
fn f91_a_suffix_is_read_by_accounts_that_read_them_only() {
    let mut sign_in = Account::new("sign-in", AccountKind::CodexOauth, Format::Codex);
    sign_in.known_models = Some(vec!["gpt-5.5".into()]);
    let mut lists = Account::new("lists", AccountKind::Relay, Format::OpenAi);
    lists.told_models = Some(vec!["gpt-5.5-high".into()]);
    let mut other = Account::new("other", AccountKind::Relay, Format::OpenAi);
    other.told_models = Some(vec!["gpt-5.5".into()]);
    let silent = Account::new("silent", AccountKind::Relay, Format::OpenAi);
    let mut reads = Account::new("reads", AccountKind::Relay, Format::OpenAi);
    reads.reads_suffixes = true;
    reads.allowed_models = Some(vec!["gpt-5.5".into()]);
    let mut pool = Pool::new(Policy::RoundRobin);
    pool.set_accounts(vec![sign_in, lists, other, silent, reads]);
    let served = |pool: &Pool, ask: &Ask<'_>| -> Vec<String> {
        pool.explain(at(0), ask)
            .into_iter()
            .filter(|(_, verdict)| verdict.is_ok())
            .map(|(id, _)| id.to_string())
            .collect()
    };
    let formats = [Format::OpenAi, Format::Codex];
    let suffixed = Ask {
        native: Some("gpt-5.5"),
        ..Ask::new("gpt-5.5-high", &formats)
    };
    assert_eq!(
        served(&pool, &suffixed),
        ["sign-in", "lists", "silent", "reads"]
    );
    // A plain name means the same to all; what a relay tells is no limit then.
    assert_eq!(
        served(&pool, &Ask::new("gpt-5.5", &formats)),
        ["sign-in", "lists", "other", "silent", "reads"]
    );
    // The choice itself remembers both names.
    for _ in 0..8 {
        let chosen = pool.select(at(0), &suffixed).expect("somebody");
        assert_ne!(chosen.id.as_str(), "other");
        pool.report(at(0), &chosen.id, &Outcome::Success);
    }
}

#[test]
fn f88_direct_only_and_f92_the_group_of_an_alias() {
    let account = |id: &str, kind, format, group: Option<&str>| {
        let mut account = Account::new(id, kind, format);
        account.group = group.map(str::to_owned);
        account
    };
    let mut pool = Pool::new(Policy::RoundRobin);
    pool.set_accounts(vec![
        account("sign-in", AccountKind::CodexOauth, Format::Codex, None),
        account(
            "codex-relay",
            AccountKind::Relay,
            Format::Codex,
            Some("work"),
        ),
        account("chat", AccountKind::Relay, Format::OpenAi, Some("work")),
        account(
            "messages",
            AccountKind::Relay,
            Format::Anthropic,
            Some("home"),
        ),
    ]);
    let formats = [Format::OpenAi, Format::Codex, Format::Anthropic];
    let verdicts = |pool: &Pool, ask: &Ask<'_>| -> Vec<&'static str> {
        pool.explain(at(0), ask)
            .into_iter()
            .map(|(_, verdict)| verdict.err().map_or("", |reason| reason.code()))
            .collect()
    };
    let direct = Ask {
        direct_only: true,
        ..Ask::new("m", &formats)
    };
    assert_eq!(
        verdicts(&pool, &direct),
        ["", "format_cannot_serve", "", "format_cannot_serve"]
    );
    // F103: a relay of several formats serves by the best of them.
    let mut several = account(
        "messages",
        AccountKind::Relay,
        Format::Anthropic,
        Some("home"),
    );
    several.also = vec![Format::Responses, Format::OpenAi];
    pool.upsert(several);
    assert_eq!(
        verdicts(&pool, &direct),
        ["", "format_cannot_serve", "", ""]
    );
    let work = Ask {
        group: Some("work"),
        ..Ask::new("m", &formats)
    };
    assert_eq!(
        verdicts(&pool, &work),
        ["model_not_allowed", "", "", "model_not_allowed"]
    );
}
