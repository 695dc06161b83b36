//! Weeks of traffic through every mode, with seeded mishaps, and what must hold all along: nobody who is exhausted, switched off or signed out
//! is offered, nobody starves, every rest ends, one switch per cause, the same seed is the same run, and the pace-aware mode uses at
//! least 98 % of what somebody who knows the future could have used.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#[path = "../common/mod.rs"]
mod common;
mod oracle;
mod player;
mod world;

use common::Dice;
use player::{Player, Told};
use pool::Policy;
use world::{Faults, World};

fn play(seed: u64, policy: Policy, weeks: i64, load: f64, faults: Faults) -> (Told, World) {
    let mut dice = Dice(seed);
    let world = World::new(&mut dice, 6, weeks, load, faults);
    let mut player = Player::new(policy, world.clone(), dice, faults);
    player.run();
    (player.end(), world)
}

/// Every mode, every mishap at once.
#[test]
fn what_holds_through_bad_weeks_in_every_mode() {
    for policy in Policy::ALL {
        for seed in 0..2 {
            let (told, _) = play(seed, *policy, 2, 0.9, Faults::ALL);
            println!("{policy} seed {seed}: {told:?}");
            assert!(
                told.served > told.wanted / 2,
                "{policy} seed {seed}: {told:?}"
            );
            let (again, _) = play(seed, *policy, 2, 0.9, Faults::ALL);
            assert_eq!(told, again, "the same seed, the same run");
        }
    }
}

/// Where only the providers' side fails, a request is refused only when nobody could have served it, but for what takes a reading to learn.
#[test]
fn nobody_is_refused_needlessly() {
    let faults = Faults {
        clock: false,
        ..Faults::ALL
    };
    for policy in Policy::ALL {
        let (told, _) = play(11, *policy, 2, 0.6, faults);
        println!("{policy}: {told:?}");
        assert!(told.needless * 50 <= told.wanted, "{policy}: {told:?}");
    }
}

/// The pace-aware mode against the oracle, in calm and in bad weeks, from too little demand to too much.
#[test]
fn pace_aware_uses_what_an_oracle_would() {
    let early = Faults {
        early_resets: true,
        ..Faults::default()
    };
    let bad = Faults {
        clock: false,
        priced: false,
        ..Faults::ALL
    };
    let mut others = Vec::new();
    for (weeks, faults) in [("calm", Faults::default()), ("early", early), ("bad", bad)] {
        for (load, seeds) in [(0.6, 1), (0.9, 2), (1.0, 4), (1.3, 2)] {
            for seed in 0..seeds {
                let (told, world) = play(seed, Policy::PaceAware, 3, load, faults);
                let most = oracle::most(&world);
                let share = f64::from(told.served) / f64::from(most);
                let story = format!("{weeks} weeks, load {load}, seed {seed}");
                println!("{story}: {} of {most}: {share:.4}", told.served);
                assert!((0.98..=1.0).contains(&share), "{story}: {share}");
                if load == 1.0 && seed == 0 {
                    for policy in [Policy::MostHeadroom, Policy::FillFirst] {
                        let (told, _) = play(seed, policy, 3, load, faults);
                        let share = f64::from(told.served) / f64::from(most);
                        println!("    {policy}: {share:.4}");
                        others.push(share);
                    }
                }
            }
        }
    }
    // Were every mode as good, the test would prove nothing.
    assert!(others.iter().any(|share| *share < 0.95), "{others:?}");
}
