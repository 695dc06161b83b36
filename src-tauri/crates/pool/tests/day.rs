//! A seeded day of traffic over twenty accounts: limits, failures, refusals, a lost network, restarts, and what must hold all along.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod common;
use common::*;
use pool::*;
use std::collections::HashMap;
use std::time::Duration;

const DAY: i64 = 86_400;

/// What the upstream of one account truly is; the pool learns it only from outcomes.
struct Truth {
    used: f64,
    resets: Timestamp,
    broken_until: Timestamp,
    signed_out: bool,
}

struct Running {
    account: AccountId,
    ends: Timestamp,
}

struct Day {
    pool: Pool,
    truth: HashMap<AccountId, Truth>,
    running: Vec<Running>,
    dice: Dice,
    served: u64,
    refused: u64,
    attempts: u64,
}

impl Day {
    fn new(seed: u64, policy: Policy) -> Self {
        let accounts = (0..20).map(|n| match n % 4 {
            0 => Account {
                priority: 20,
                ..relay(&format!("relay{n}"))
            },
            _ => Account::new(format!("oauth{n}"), AccountKind::CodexOauth, Format::Codex),
        });
        let mut pool = pool_of(policy, accounts);
        pool.activate(&id("oauth7")).unwrap();
        let fresh = || Truth {
            used: 0.0,
            resets: at(5 * 3_600),
            broken_until: at(0),
            signed_out: false,
        };
        let truth = pool
            .accounts()
            .map(|account| (account.id.clone(), fresh()))
            .collect();
        Self {
            pool,
            truth,
            running: vec![],
            dice: Dice(seed),
            served: 0,
            refused: 0,
            attempts: 0,
        }
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.dice.below(one_in) == 0
    }

    /// What the upstream answers, from the truth.
    fn answer(&mut self, now: Timestamp, account: &AccountId, network: bool) -> Outcome {
        let cost = self.dice.below(30) as f64 / 10.0;
        let (breaks, other) = (self.chance(400), self.dice.below(60));
        let truth = self.truth.get_mut(account).unwrap();
        if !network {
            return Outcome::Network;
        }
        if truth.signed_out {
            return Outcome::RefreshRefused {
                confirmed: true,
                banned: false,
            };
        }
        if breaks {
            truth.broken_until = now.plus(Duration::from_secs(900));
        }
        if truth.broken_until > now {
            return Outcome::ServerError { status: 502 };
        }
        if truth.resets <= now {
            (truth.used, truth.resets) = (0.0, now.plus(Duration::from_secs(5 * 3_600)));
        }
        if truth.used >= 100.0 {
            return Outcome::UsageLimit {
                resets_at: Some(truth.resets),
            };
        }
        match other {
            0 => Outcome::Challenge,
            1 => Outcome::RateLimited {
                retry_at: Some(now.plus(Duration::from_secs(20))),
            },
            2 => Outcome::Overloaded { retry_at: None },
            3 => Outcome::Cancelled,
            4 => Outcome::InvalidRequest { status: 400 },
            5 => Outcome::Forbidden,
            _ => {
                truth.used += cost;
                Outcome::Success
            }
        }
    }

    /// One client request with its attempts.
    fn request(&mut self, now: Timestamp, network: bool) {
        let session = self.dice.below(40).to_string();
        let mut tried = Vec::new();
        for attempt in 0..20 {
            let ask = Ask {
                session: Some(&session),
                continues: None,
                tried: &tried,
                last_attempt: attempt == 19,
                ..ask("m")
            };
            let expected = self.pool.explain(now, &ask);
            let chosen = match self.pool.select(now, &ask) {
                Ok(chosen) => chosen,
                Err(none) => {
                    assert!(
                        expected.iter().all(|(_, rank)| rank.is_err()),
                        "refused although a candidate was there"
                    );
                    assert_eq!(none.skipped.len(), 20, "every skipped account has a reason");
                    self.refused += 1;
                    return;
                }
            };
            self.attempts += 1;
            assert!(!tried.contains(&chosen.id), "no account twice");
            assert_eq!(
                chosen.skipped.len(),
                expected.iter().filter(|(_, rank)| rank.is_err()).count()
            );
            let health = self.pool.health(now, &chosen.id).unwrap();
            assert!(
                matches!(health, Health::Unknown | Health::Active | Health::Attention),
                "chose {} while {health:?}",
                chosen.id
            );
            assert!(
                self.pool.in_flight(&chosen.id)
                    <= self
                        .pool
                        .account(&chosen.id)
                        .unwrap()
                        .slots
                        .unwrap_or(u32::MAX)
            );
            let outcome = self.answer(now, &chosen.id, network);
            self.pool.report(now, &chosen.id, &outcome);
            if outcome == Outcome::Success {
                let truth = &self.truth[&chosen.id];
                let reading = QuotaSnapshot {
                    primary: window(truth.used, Some(truth.resets), 5),
                    ..QuotaSnapshot::empty(now, QuotaSource::Header)
                };
                self.pool.observe_quota(now, &chosen.id, reading);
                let ends = now.plus(Duration::from_secs(self.dice.below(240)));
                self.running.push(Running {
                    account: chosen.id,
                    ends,
                });
                self.served += 1;
                return;
            }
            self.pool.release(&chosen.id);
            if outcome.retry() == Retry::Never {
                self.served += 1;
                return;
            }
            tried.push(chosen.id);
        }
    }

    fn run(&mut self) {
        let mut now = at(0);
        while now < at(DAY) {
            now = now.plus(Duration::from_secs(1 + self.dice.below(50)));
            let (pool, running) = (&mut self.pool, &mut self.running);
            running.retain(|r| {
                let on = r.ends > now;
                if !on {
                    pool.release(&r.account);
                }
                on
            });
            self.pool.expire(now);
            if self.chance(700) {
                let account = id(&format!("oauth{}", 1 + self.dice.below(3)));
                self.truth.get_mut(&account).unwrap().signed_out = true;
            }
            if self.chance(150) {
                self.restart();
            }
            // Ten minutes at noon without a network.
            let network = !(at(DAY / 2)..at(DAY / 2 + 600)).contains(&now);
            self.request(now, network);
        }
        for end in self.running.drain(..) {
            self.pool.release(&end.account);
        }
    }

    /// A stop and start: the store gives back list and state, running requests end.
    fn restart(&mut self) {
        let mut again = Pool::new(self.pool.policy());
        again.set_accounts(self.pool.accounts().cloned().collect());
        for account in self.pool.accounts() {
            again.restore(&account.id, self.pool.state(&account.id).unwrap().clone());
        }
        again.activate(self.pool.active().unwrap()).unwrap();
        self.pool = again;
        self.running.clear();
    }
}

#[test]
fn a_day_under_every_policy() {
    for policy in Policy::ALL {
        for seed in 0..4 {
            let mut day = Day::new(seed, *policy);
            day.run();
            let served = format!(
                "{policy} seed {seed}: {} served, {} refused, {} attempts",
                day.served, day.refused, day.attempts
            );
            println!("{served}");
            for account in day.pool.accounts() {
                assert_eq!(
                    day.pool.in_flight(&account.id),
                    0,
                    "{served}: a slot of {} leaked",
                    account.id
                );
            }
            assert!(day.served > 3_000, "{served}");
            assert!(
                day.refused < day.served / 50,
                "{served}: the truth always had a usable account, but for the lost network"
            );
            let again = {
                let mut day = Day::new(seed, *policy);
                day.run();
                (day.served, day.refused, day.attempts)
            };
            assert_eq!(
                again,
                (day.served, day.refused, day.attempts),
                "{served}: the same seed, the same day"
            );
        }
    }
}

/// F34 through a day: twenty healthy accounts, requests that overlap, equal turns to the last one.
#[test]
fn equal_turns_all_day() {
    let mut pool = pool_of(Policy::RoundRobin, (0..20).map(|n| oauth(&format!("a{n}"))));
    let mut dice = Dice(7);
    let mut counts = HashMap::<AccountId, u64>::new();
    for n in 0..20_000_i64 {
        let chosen = pool.select(at(n * 4), &ask("m")).unwrap();
        let used = (dice.below(990) as f64) / 10.0;
        pool.observe_quota(at(n * 4), &chosen.id, reading(at(n * 4), used, 5.0));
        pool.report(at(n * 4), &chosen.id, &Outcome::Success);
        *counts.entry(chosen.id).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1_000), "{counts:?}");
}
