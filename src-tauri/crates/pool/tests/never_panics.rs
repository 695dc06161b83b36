//! Any sequence of calls, with any numbers: no panic, and what must always hold does.
mod common;
use common::*;
use pool::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Upsert(usize, u32, u8, Option<u32>, bool),
    Remove(usize),
    Activate(usize),
    SetPolicy(usize),
    Select(Option<u8>, Vec<usize>, Option<usize>, bool),
    Release(usize),
    Report(usize, usize, Option<i64>),
    Quota(usize, f64, Option<i64>, i64),
    Token(usize, Option<i64>),
    Group(Option<u32>),
    Clear(usize),
    Touch(usize),
    Expire,
    Jump(i64),
    Switching(bool, Option<u8>, Option<usize>),
    SwitchIfNeeded,
    SwitchBack,
    Spacing(u64),
    Slots(Option<u32>),
    Checked(usize),
    Revive(usize),
    Stand(usize, usize),
}

fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![0..10_000_i64, Just(i64::MAX), Just(i64::MIN), any::<i64>()]
}

fn steps() -> impl Strategy<Value = Step> {
    let account = || 0..6_usize;
    let shares = prop_oneof![
        -10.0..200.0_f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(f64::MIN)
    ];
    prop_oneof![
        (
            account(),
            0..9_u32,
            0..5_u8,
            prop::option::of(0..4_u32),
            any::<bool>()
        )
            .prop_map(|(a, b, c, d, e)| Step::Upsert(a, b, c, d, e)),
        account().prop_map(Step::Remove),
        account().prop_map(Step::Activate),
        (0..8_usize).prop_map(Step::SetPolicy),
        (
            prop::option::of(0..3_u8),
            prop::collection::vec(account(), 0..3),
            prop::option::weighted(0.1, account()),
            any::<bool>()
        )
            .prop_map(|(a, b, c, d)| Step::Select(a, b, c, d)),
        account().prop_map(Step::Release),
        (account(), 0..20_usize, prop::option::of(instants()))
            .prop_map(|(a, b, c)| Step::Report(a, b, c)),
        (account(), shares, prop::option::of(instants()), instants())
            .prop_map(|(a, b, c, d)| Step::Quota(a, b, c, d)),
        (account(), prop::option::of(instants())).prop_map(|(a, b)| Step::Token(a, b)),
        prop::option::of(0..3_u32).prop_map(Step::Group),
        account().prop_map(Step::Clear),
        account().prop_map(Step::Touch),
        Just(Step::Expire),
        instants().prop_map(Step::Jump),
        (
            any::<bool>(),
            prop::option::of(any::<u8>()),
            prop::option::of(account())
        )
            .prop_map(|(on, threshold, avoid)| Step::Switching(on, threshold, avoid)),
        Just(Step::SwitchIfNeeded),
        Just(Step::SwitchBack),
        any::<u64>().prop_map(Step::Spacing),
        prop::option::of(0..3_u32).prop_map(Step::Slots),
        account().prop_map(Step::Checked),
        account().prop_map(Step::Revive),
        (account(), 0..5_usize).prop_map(|(a, b)| Step::Stand(a, b)),
    ]
}

fn outcome(n: usize, until: Option<Timestamp>) -> Outcome {
    match n {
        0 => Outcome::Success,
        1 => Outcome::Cancelled,
        2 => Outcome::Network,
        3 => Outcome::Timeout,
        4 => Outcome::ServerError { status: 500 },
        5 => Outcome::Overloaded { retry_at: until },
        6 => Outcome::Unauthorized,
        7 => Outcome::UsageLimit { resets_at: until },
        8 => Outcome::RateLimited { retry_at: until },
        9 => Outcome::PaymentRequired,
        10 => Outcome::Challenge,
        11 => Outcome::Forbidden,
        12 => Outcome::ModelUnsupported,
        13 => Outcome::InvalidRequest { status: 400 },
        14 => Outcome::InvalidEncryptedContent,
        15 => Outcome::EmptyAnswer,
        16 => Outcome::StreamCut,
        17 => Outcome::RefreshRefused {
            confirmed: until.is_some(),
            banned: until.is_some_and(|at| at.0 > 0),
        },
        18 => Outcome::RefreshUnavailable,
        _ => Outcome::NotAnApi,
    }
}

fn play(pool: &mut Pool, now: &mut Timestamp, step: Step) {
    let name = |n: usize| id(&format!("a{n}"));
    match step {
        Step::Upsert(n, position, kind, slots, on) => {
            let kind_format = (
                AccountKind::ALL[usize::from(kind % 4)],
                Format::ALL[usize::from(kind)],
            );
            let models = [
                None,
                Some(vec![]),
                Some(vec!["m".into()]),
                Some(vec!["*".into()]),
            ];
            pool.upsert(Account {
                position,
                slots,
                enabled: on || n != 0,
                refreshable: on,
                priority: position,
                group: on.then(|| "g".into()),
                excluded: position == 7,
                reserve_percent: slots.map(|slots| slots * 30),
                demo: position == 8,
                allowed_models: models[n % 4].clone(),
                ..Account::new(name(n), kind_format.0, kind_format.1)
            });
        }
        Step::Remove(n) => drop(pool.remove(&name(n))),
        Step::Activate(n) => drop(pool.activate(&name(n))),
        Step::SetPolicy(n) => pool.set_policy(Policy::ALL[n]),
        Step::Select(session, tried, pinned, last_attempt) => {
            let session = session.map(|s| s.to_string());
            let tried: Vec<_> = tried.into_iter().map(name).collect();
            let pinned = pinned.map(name);
            let ask = Ask {
                session: session.as_deref(),
                continues: None,
                tried: &tried,
                pinned: pinned.as_ref(),
                last_attempt,
                ..ask("m")
            };
            let holding = tried.first();
            let ask = Ask { holding, ..ask };
            let all = pool.accounts().len();
            let explained = pool.explain(*now, &ask);
            match pool.select(*now, &ask) {
                Ok(chosen) => {
                    assert!(!tried.contains(&chosen.id));
                    assert_eq!(
                        pool.accounts().nth(chosen.index).map(|a| &a.id),
                        Some(&chosen.id)
                    );
                    assert!(chosen.skipped.iter().all(|(id, _)| *id != chosen.id));
                }
                Err(none) => {
                    assert_eq!(none.skipped.len(), all);
                    assert!(!none.reasons(*now).contains("not_pinned"));
                }
            }
            assert_eq!(explained.len(), all);
        }
        Step::Release(n) => pool.release(&name(n)),
        Step::Report(n, what, until) => {
            drop(pool.report(*now, &name(n), &outcome(what, until.map(Timestamp))))
        }
        Step::Quota(n, used, resets, captured) => {
            let snapshot = QuotaSnapshot {
                primary: window(used, resets.map(Timestamp), 5),
                secondary: window(-used, None, 168),
                buckets: vec![QuotaBucket {
                    name: "m".into(),
                    primary: window(used, resets.map(Timestamp), 5),
                    secondary: None,
                    read_at: Timestamp(captured),
                }],
                ..QuotaSnapshot::empty(Timestamp(captured), QuotaSource::Query)
            };
            pool.observe_quota(*now, &name(n), snapshot);
        }
        Step::Token(n, until) => pool.set_token(
            &name(n),
            until.map_or(Token::Missing, |at| Token::Until(Timestamp(at))),
        ),
        Step::Group(limit) => pool.set_group_limit("g", limit),
        Step::Clear(n) => drop(pool.clear(*now, &name(n))),
        Step::Touch(n) => pool.touch(*now, &name(n)),
        Step::Expire => {
            pool.expire(*now);
            assert!(pool.next_expiry(*now).is_none_or(|at| at > *now));
        }
        Step::Jump(to) => *now = Timestamp(to),
        Step::Switching(enabled, threshold, avoid) => pool.set_switch_rule(SwitchRule {
            enabled,
            threshold_primary: threshold,
            keys_too: enabled,
            avoid: avoid.map(name),
            ..SwitchRule::default()
        }),
        Step::SwitchIfNeeded => drop(pool.switch_if_needed(*now)),
        Step::SwitchBack => drop(pool.switch_back(*now)),
        Step::Spacing(millis) => pool.set_spacing(std::time::Duration::from_millis(millis)),
        Step::Slots(slots) => pool.set_default_slots(slots),
        Step::Checked(n) => {
            pool.checked(*now, &name(n));
            assert!(pool.due_checks(*now).iter().all(|check| check.due <= *now));
            assert!(
                pool.offline().is_some()
                    || pool.next_check().is_none_or(|at| at > *now)
                        == pool.due_checks(*now).is_empty()
            );
        }
        Step::Revive(n) => drop(pool.revive(*now, &name(n))),
        Step::Stand(n, status) => {
            let before = pool.state(&name(n)).map(|state| state.status);
            pool.set_status(*now, &name(n), Status::ALL[status], "test");
            let after = pool.state(&name(n)).map(|state| state.status);
            assert!(
                before
                    .zip(after)
                    .is_none_or(|(from, to)| from.may_become(to))
            );
            assert!(
                pool.score(*now, &name(n), None, None)
                    .is_none_or(|score| score <= 100)
            );
        }
    }
    let there = |id: &AccountId| pool.account(id).is_some();
    assert!(pool.active().is_none_or(there));
    for event in pool.take_events() {
        if let Event::Switched { from, to, .. } = event {
            assert_ne!(from, to);
            let side = |id| pool.account(id).map(|account| account.demo);
            assert_eq!(side(&from), side(&to));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_calls(story in prop::collection::vec(steps(), 0..80)) {
        let mut pool = Pool::new(Policy::RoundRobin);
        let mut now = Timestamp(0);
        for step in story {
            play(&mut pool, &mut now, step);
        }
    }
}
