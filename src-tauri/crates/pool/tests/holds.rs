//! Holds of the person's own: usage limits (F72) and low balances (F112).

mod common;

use common::{ask, at, id, pick, pool_of, relay};
use pool::{Event, Hold, HoldReason, NoCandidateKind, Policy, Pool};

fn two() -> Pool {
    pool_of(Policy::FillFirst, [relay("a"), relay("b")])
}

#[test]
fn f112_a_low_balance_skips_until_it_is_lifted_without_a_manual_act() {
    let mut pool = two();
    let low = vec![Hold::whole(None)];
    let told = pool.set_holds(at(0), &id("a"), HoldReason::BalanceLow, low.clone());
    assert_eq!(
        told,
        [Event::Held {
            id: id("a"),
            reason: HoldReason::BalanceLow
        }]
    );
    assert_eq!(
        pool.set_holds(at(1), &id("a"), HoldReason::BalanceLow, low),
        [],
        "told once"
    );
    assert_eq!(pick(&mut pool, at(86_400 * 900), &ask("m")).unwrap(), "b");
    pool.clear(at(2), &id("a"));
    assert_eq!(
        pick(&mut pool, at(2), &ask("m")).unwrap(),
        "b",
        "a rule is not a failure"
    );
    let told = pool.set_holds(at(3), &id("a"), HoldReason::BalanceLow, Vec::new());
    assert_eq!(told, [Event::Recovered { id: id("a") }]);
    assert_eq!(pick(&mut pool, at(3), &ask("m")).unwrap(), "a");
    assert_eq!(pool.expire(at(4)), [], "and that is not told again");
}

#[test]
fn f72_a_usage_limit_ends_with_its_period() {
    let mut pool = two();
    for name in ["a", "b"] {
        pool.set_holds(
            at(0),
            &id(name),
            HoldReason::UsageLimit,
            vec![Hold::whole(Some(at(60)))],
        );
    }
    let none = pool.select(at(10), &ask("m")).unwrap_err();
    assert_eq!(
        (none.kind, none.soonest),
        (NoCandidateKind::Quota, Some(at(60)))
    );
    assert_eq!(none.skipped[0].reason.code(), "own_limit");
    assert_eq!(pool.next_expiry(at(10)), Some(at(60)));
    assert_eq!(pool.all_exhausted(at(10)), Some(Some(at(60))));
    assert_eq!(pool.expire(at(59)), []);
    assert_eq!(pick(&mut pool, at(60), &ask("m")).unwrap(), "a");
    assert_eq!(pool.expire(at(60)).len(), 2, "both are back");
}

#[test]
fn f72_a_limit_of_one_model_leaves_the_others() {
    let mut pool = two();
    let hold = |model: &str| Hold {
        model: Some(model.to_owned()),
        until: Some(at(60)),
    };
    let told = pool.set_holds(
        at(0),
        &id("a"),
        HoldReason::UsageLimit,
        vec![hold("big"), hold("large-*")],
    );
    assert_eq!(told, [], "the account goes on");
    for (model, at_second, expected) in [
        ("big", 0, "b"),
        ("large-2", 0, "b"),
        ("bigger", 0, "a"),
        ("small", 0, "a"),
        ("big", 60, "a"),
    ] {
        assert_eq!(
            pick(&mut pool, at(at_second), &ask(model)).unwrap(),
            expected,
            "{model}"
        );
    }
    // A change of the accounts keeps what is held.
    pool.set_accounts(vec![relay("a"), relay("b")]);
    assert_eq!(pool.holds(&id("a")).len(), 2);
    assert_eq!(pick(&mut pool, at(1), &ask("big")).unwrap(), "b");
    let verdicts = pool.explain(at(1), &ask("big"));
    assert_eq!(verdicts[0].1.unwrap_err().code(), "own_limit");
}

#[test]
fn f112_one_reason_does_not_lift_the_other() {
    let mut pool = two();
    pool.set_holds(
        at(0),
        &id("a"),
        HoldReason::UsageLimit,
        vec![Hold::whole(None)],
    );
    pool.set_holds(
        at(0),
        &id("a"),
        HoldReason::BalanceLow,
        vec![Hold::whole(None)],
    );
    assert_eq!(
        pool.set_holds(at(1), &id("a"), HoldReason::BalanceLow, Vec::new()),
        []
    );
    assert_eq!(pick(&mut pool, at(1), &ask("m")).unwrap(), "b");
    assert_eq!(
        pool.set_holds(
            at(1),
            &id("x"),
            HoldReason::BalanceLow,
            vec![Hold::whole(None)]
        ),
        []
    );
}
