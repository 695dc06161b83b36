//! The rotation policies (F33–F37, F50).
mod common;
use common::*;
use pool::*;

fn names(letters: &str) -> Vec<Account> {
    letters.chars().map(|c| oauth(&c.to_string())).collect()
}

/// F33: all traffic on the active account; a failure changes the account of this request, never the choice.
#[test]
fn active_account_and_its_ring() {
    let mut pool = pool_of(Policy::ActiveAccount, names("abcd"));
    assert_eq!(
        picks(&mut pool, at(0), 3),
        "aaa",
        "none chosen: the top of the ring"
    );
    pool.activate(&id("c")).unwrap();
    assert_eq!(picks(&mut pool, at(0), 3), "ccc");
    let mut tried = vec![];
    for expected in ["c", "d", "a", "b"] {
        let chosen = pool
            .select(
                at(0),
                &Ask {
                    tried: &tried,
                    ..ask("m")
                },
            )
            .unwrap();
        assert_eq!(chosen.id.as_str(), expected);
        assert_eq!(
            chosen.why,
            if expected == "c" {
                Why::Active
            } else {
                Why::NextInRing
            }
        );
        tried.push(chosen.id);
    }
    pool.report(
        at(0),
        &id("c"),
        &Outcome::UsageLimit {
            resets_at: Some(at(60)),
        },
    );
    assert_eq!(picks(&mut pool, at(1), 2), "dd");
    assert_eq!(pool.active(), Some(&id("c")));
    assert_eq!(
        picks(&mut pool, at(60), 2),
        "cc",
        "F64: at its reset it serves again"
    );
    assert_eq!(pool.activate(&id("z")), Err(UnknownAccount(id("z"))));
    assert_eq!(pool.active(), Some(&id("c")));
    pool.remove(&id("c"));
    assert_eq!(pool.active(), None);
}

/// F33 over F37 and F101: neither priority nor a better format takes traffic off the active account.
#[test]
fn active_account_before_priority_and_format() {
    let cheap = Account {
        priority: 0,
        format: Format::Responses,
        ..relay("cheap")
    };
    let dear = Account {
        priority: 100,
        format: Format::OpenAi,
        ..relay("dear")
    };
    let mut pool = pool_of(Policy::ActiveAccount, [cheap, dear]);
    pool.activate(&id("dear")).unwrap();
    let formats = [Format::Responses, Format::OpenAi];
    assert_eq!(
        pick(&mut pool, at(0), &Ask::new("m", &formats)),
        Ok("dear".into())
    );
}

/// F34: n·k sequential requests are k each, from any point, for any n; lowest used share first, unknown last.
#[test]
fn equal_turns() {
    for n in 1..=12_usize {
        let letters = &"abcdefghijkl"[..n];
        let mut pool = pool_of(Policy::RoundRobin, names(letters));
        let mut dice = Dice(n as u64);
        for name in letters.chars() {
            let used = dice.below(110) as f64 - 10.0;
            pool.observe_quota(
                at(0),
                &id(&name.to_string()),
                reading(at(0), used.min(99.0), -1.0),
            );
        }
        for start in 0..n {
            picks(&mut pool, at(0), start);
            let said = picks(&mut pool, at(0), n * 7);
            assert!(
                letters.chars().all(|c| said.matches(c).count() == 7),
                "n={n} start={start}: {said}"
            );
        }
    }
}

#[test]
fn a_round_goes_by_used_share() {
    let mut pool = pool_of(Policy::RoundRobin, names("abcd"));
    for (name, used) in [("a", 80.0), ("c", 10.0), ("d", 10.0)] {
        pool.observe_quota(at(0), &id(name), reading(at(0), used, 0.0));
    }
    assert_eq!(picks(&mut pool, at(0), 8), "cdabcdab");
}

/// F34: one that was away gets its turn, not all the turns it missed; a new one neither.
#[test]
fn no_catching_up() {
    let mut pool = pool_of(Policy::RoundRobin, names("ab"));
    pool.report(
        at(0),
        &id("a"),
        &Outcome::RateLimited {
            retry_at: Some(at(10)),
        },
    );
    assert_eq!(picks(&mut pool, at(0), 10), "bbbbbbbbbb");
    pool.upsert(Account {
        position: 9,
        ..oauth("c")
    });
    // They join a round that b has had its turn of: the first two picks complete it.
    assert_eq!(picks(&mut pool, at(10), 2), "ac");
    let said = picks(&mut pool, at(10), 9);
    assert!(
        "abc".chars().all(|c| said.matches(c).count() == 3),
        "{said}"
    );
}

/// F34 where some requests suit only some accounts: neither half starves.
#[test]
fn equal_turns_within_each_half() {
    let only = |name: &str, model: &str| Account {
        allowed_models: Some(vec![model.into()]),
        ..oauth(name)
    };
    let mut pool = pool_of(
        Policy::RoundRobin,
        [
            only("a", "x"),
            only("b", "x"),
            only("c", "y"),
            only("d", "y"),
        ],
    );
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..1_200 {
        let model = if n % 6 == 0 { "y" } else { "x" };
        *counts
            .entry(pick(&mut pool, at(0), &ask(model)).unwrap())
            .or_default() += 1;
    }
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(name, count)| format!("{name}{count}"))
        .collect();
    assert_eq!(counts, ["a500", "b500", "c100", "d100"]);
}

/// F35: lowest of the higher share; ties by earliest reset, then by longest rest.
#[test]
fn most_headroom() {
    let mut pool = pool_of(Policy::MostHeadroom, names("abcde"));
    for (name, primary, secondary) in [
        ("a", 5.0, 90.0),
        ("b", 40.0, 30.0),
        ("c", 40.0, 1.0),
        ("d", 99.0, 99.0),
    ] {
        pool.observe_quota(at(0), &id(name), reading(at(0), primary, secondary));
    }
    assert_eq!(
        picks(&mut pool, at(0), 4),
        "bcbc",
        "a tie with the same reset: the longest rest"
    );
    let sooner = QuotaSnapshot {
        primary: window(40.0, Some(at(50)), 5),
        ..reading(at(1), 0.0, 1.0)
    };
    pool.observe_quota(at(1), &id("c"), sooner);
    assert_eq!(picks(&mut pool, at(1), 3), "ccc", "the earlier reset");
    let tried = ["b", "c", "a", "d"].map(id);
    assert_eq!(
        pick(
            &mut pool,
            at(1),
            &Ask {
                tried: &tried,
                ..ask("m")
            }
        ),
        Ok("e".into()),
        "unknown comes last"
    );
}

/// F36: the longest rest, never used first, however fast the clock stands still.
#[test]
fn least_recently_used() {
    let mut pool = pool_of(Policy::LeastRecentlyUsed, names("abc"));
    assert_eq!(picks(&mut pool, at(0), 5), "abcab");
    pool.upsert(Account {
        position: 9,
        ..oauth("d")
    });
    assert_eq!(picks(&mut pool, at(0), 5), "dcabd");
    let mut again = pool_of(Policy::LeastRecentlyUsed, names("abc"));
    for (name, used) in [("a", 30), ("b", 10), ("c", 20)] {
        again.restore(
            &id(name),
            AccountState {
                last_used: Some(at(used)),
                ..AccountState::default()
            },
        );
    }
    assert_eq!(
        picks(&mut again, at(40), 4),
        "bcab",
        "as stored before the restart"
    );
}

/// F37: stays on the first usable one and returns to it after its reset.
#[test]
fn fill_first() {
    let mut pool = pool_of(Policy::FillFirst, names("abc"));
    assert_eq!(picks(&mut pool, at(0), 3), "aaa");
    pool.report(
        at(0),
        &id("a"),
        &Outcome::UsageLimit {
            resets_at: Some(at(20)),
        },
    );
    assert_eq!(picks(&mut pool, at(1), 2), "bb");
    assert_eq!(picks(&mut pool, at(20), 2), "aa");
}

/// F37: the lower number first, the policy within.
#[test]
fn priority_first() {
    for (policy, expected) in [
        (Policy::RoundRobin, "bdbd"),
        (Policy::LeastRecentlyUsed, "bdbd"),
        (Policy::FillFirst, "bbbb"),
    ] {
        let priced = [("a", 50), ("b", 20), ("c", 80), ("d", 20)];
        let accounts = priced.map(|(name, priority)| Account {
            priority,
            ..oauth(name)
        });
        let mut pool = pool_of(policy, accounts);
        assert_eq!(picks(&mut pool, at(0), 4), expected, "{policy}");
    }
}

/// F50: the last attempt prefers the most recently successful account.
#[test]
fn the_last_attempt() {
    let mut pool = pool_of(Policy::FillFirst, names("abcd"));
    pool.report(at(1), &id("d"), &Outcome::Success);
    pool.report(at(2), &id("c"), &Outcome::Success);
    let tried = [id("a")];
    let chosen = pool
        .select(
            at(3),
            &Ask {
                tried: &tried,
                last_attempt: true,
                ..ask("m")
            },
        )
        .unwrap();
    assert_eq!((chosen.id.as_str(), chosen.why), ("c", Why::LatestSuccess));
    assert_eq!(
        pick(
            &mut pool,
            at(3),
            &Ask {
                tried: &tried,
                ..ask("m")
            }
        ),
        Ok("b".into())
    );
}

/// F14: order follows position; a changed list keeps what is remembered.
#[test]
fn the_list_can_change_under_way() {
    let mut pool = pool_of(Policy::FillFirst, names("abc"));
    pool.report(
        at(0),
        &id("a"),
        &Outcome::UsageLimit {
            resets_at: Some(at(99)),
        },
    );
    pool.set_accounts(vec![
        Account {
            position: 2,
            ..oauth("c")
        },
        Account {
            position: 0,
            label: "first".into(),
            ..oauth("a")
        },
        Account {
            position: 1,
            ..oauth("d")
        },
        Account {
            position: 7,
            ..oauth("d")
        },
    ]);
    let listed: Vec<_> = pool.accounts().map(|a| a.id.to_string()).collect();
    assert_eq!(listed.concat(), "adc", "by position, an id once");
    assert_eq!(skipped(&pool, at(1), "a").unwrap().code(), "exhausted");
    assert!(!pool.remove(&id("b")));
    assert_eq!(picks(&mut pool, at(1), 1), "d");
}

/// Words are stored and typed: every one reads back.
#[test]
fn words_read_back() {
    fn all<W: std::str::FromStr + PartialEq + Copy + std::fmt::Debug>(
        words: &[W],
        text: fn(W) -> &'static str,
    ) where
        W::Err: std::fmt::Debug,
    {
        for word in words {
            assert_eq!(text(*word).parse::<W>().unwrap(), *word);
        }
    }
    all(Policy::ALL, Policy::as_str);
    all(Format::ALL, Format::as_str);
    all(AccountKind::ALL, AccountKind::as_str);
    all(Status::ALL, Status::as_str);
    all(HoldSource::ALL, HoldSource::as_str);
    all(QuotaSource::ALL, QuotaSource::as_str);
    let refused = "fastest".parse::<Policy>().unwrap_err().to_string();
    assert_eq!(
        refused,
        "unknown rotation policy \"fastest\": use one of active, round_robin, most_headroom, least_recently_used, fill_first, least_used, priority, pace_aware"
    );
}

/// F94: a turn of several requests, which a restart does not begin anew, nor does who comes new catch up.
#[test]
fn turns_of_several_requests() {
    let mut pool = pool_of(Policy::RoundRobin, names("abc"));
    pool.set_turn_length(3);
    let picked = |pool: &mut Pool, count: usize| -> String {
        let pick = |_| pick(pool, at(0), &ask("m")).unwrap();
        (0..count).map(pick).collect()
    };
    assert_eq!(picked(&mut pool, 11), "aaabbbcccaa");
    let kept = pool.turns();
    let mut pool = pool_of(Policy::RoundRobin, names("abcd"));
    pool.set_turn_length(3);
    for (id, turn) in kept {
        pool.restore_turn(&id, turn);
    }
    assert_eq!(picked(&mut pool, 13), "adddbbbcccaaa");
    pool.set_turn_length(1);
    assert!(pool.turns().is_empty(), "nothing worth keeping");
}
