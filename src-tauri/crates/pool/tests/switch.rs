//! Who becomes the active account (F44, F45).
mod common;
use common::*;
use pool::*;

/// Five accounts, c active and used up; readings and changes per row.
#[test]
fn order_of_successors() {
    type Change = fn(&mut Pool);
    type Row<'a> = (
        &'a str,
        Change,
        &'a [(&'a str, f64)],
        SwitchRule,
        Option<&'a str>,
    );
    let quota = |pool: &mut Pool, name: &str, used: f64| {
        drop(pool.observe_quota(at(0), &id(name), reading(at(0), used, 1.0)))
    };
    let plain = SwitchRule::default;
    let b = id("b");
    let rows: &[Row<'_>] = &[
        (
            "the next in the ring",
            |_| {},
            &[("a", 1.0), ("b", 1.0), ("d", 90.0), ("e", 1.0)],
            plain(),
            Some("d"),
        ),
        (
            "around the end",
            |_| {},
            &[("a", 80.0), ("b", 1.0)],
            plain(),
            Some("a"),
        ),
        (
            "known before unknown",
            |_| {},
            &[("b", 99.0)],
            plain(),
            Some("b"),
        ),
        (
            "unknown when none is known",
            |_| {},
            &[],
            plain(),
            Some("d"),
        ),
        (
            "unknown switched off",
            |_| {},
            &[],
            SwitchRule {
                unknown_too: false,
                ..plain()
            },
            None,
        ),
        (
            "used up ones never",
            |_| {},
            &[("a", 100.0), ("b", 100.0), ("d", 100.0), ("e", 100.0)],
            plain(),
            None,
        ),
        (
            "lowest use first",
            |_| {},
            &[("a", 5.0), ("b", 3.0), ("d", 90.0)],
            SwitchRule {
                lowest_use_first: true,
                ..plain()
            },
            Some("b"),
        ),
        (
            "avoided comes last",
            |_| {},
            &[("b", 3.0), ("a", 5.0)],
            SwitchRule {
                avoid: Some(b.clone()),
                ..plain()
            },
            Some("a"),
        ),
        (
            "avoided rather than none",
            |_| {},
            &[("b", 3.0)],
            SwitchRule {
                avoid: Some(b.clone()),
                ..plain()
            },
            Some("b"),
        ),
        (
            "signed out, off, excluded, cooling: passed over",
            |pool| {
                pool.set_status(at(0), &id("d"), Status::NeedsLogin, "test");
                pool.upsert(Account {
                    position: 4,
                    excluded: true,
                    ..oauth("e")
                });
                pool.report(at(0), &id("a"), &Outcome::Challenge);
            },
            &[("a", 1.0), ("b", 1.0), ("d", 1.0), ("e", 1.0)],
            plain(),
            Some("b"),
        ),
        (
            "another kind is no successor",
            |pool| {
                for (position, name) in [(0, "a"), (1, "b"), (3, "d"), (4, "e")] {
                    pool.upsert(Account {
                        position,
                        ..relay(name)
                    });
                }
            },
            &[],
            plain(),
            None,
        ),
        (
            "an excluded active account stays",
            |pool| {
                pool.upsert(Account {
                    position: 2,
                    excluded: true,
                    ..oauth("c")
                })
            },
            &[],
            plain(),
            None,
        ),
        (
            "no active account: the top",
            |pool| assert!(pool.remove(&id("c"))),
            &[],
            plain(),
            Some("a"),
        ),
    ];
    for (case, change, readings, rule, expected) in rows {
        let mut pool = pool_of(
            Policy::ActiveAccount,
            "abcde".chars().map(|c| oauth(&c.to_string())),
        );
        pool.activate(&id("c")).unwrap();
        pool.report(at(0), &id("c"), &Outcome::UsageLimit { resets_at: None });
        for (name, used) in *readings {
            quota(&mut pool, name, *used);
        }
        change(&mut pool);
        assert_eq!(
            pool.successor(at(1), rule)
                .map(|id| id.to_string())
                .as_deref(),
            *expected,
            "{case}"
        );
    }
}
