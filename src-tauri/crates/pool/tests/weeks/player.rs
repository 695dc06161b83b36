//! One run: requests in bursts, scheduled queries, a person who signs in again; and the watch over what must hold.

use crate::common::{Dice, ask, at, id, pool_of};
use crate::world::{Faults, HOUR, MINUTE, World, within};
use pool::*;
use std::time::Duration;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub wanted: u32,
    pub served: u32,
    pub refused: u32,
    /// Refused although somebody had quota.
    pub needless: u32,
    pub switches: u32,
    /// Of every choice made.
    pub print: u64,
}

pub struct Player {
    pool: Pool,
    world: World,
    dice: Dice,
    faults: Faults,
    told: Told,
    names: Vec<AccountId>,
    /// Sign-ins that the person has to renew.
    signed_out: Vec<bool>,
    /// Selections of others since an account last had its turn while it was a candidate.
    overlooked: Vec<u32>,
    /// Told by the provider itself: used up until then, and not a word against it since.
    told_until: Vec<Option<i64>>,
    /// The last switch: who was left, who followed.
    last_switch: Option<(AccountId, AccountId)>,
}

struct Begun {
    place: usize,
    tried: Vec<AccountId>,
}

impl Player {
    pub fn new(policy: Policy, world: World, dice: Dice, faults: Faults) -> Self {
        let names: Vec<AccountId> = (0..world.accounts.len())
            .map(|n| id(&format!("a{n}")))
            .collect();
        let accounts = (0_u32..).zip(&names).map(|(n, name)| Account {
            priority: if faults.priced { 20 + n % 2 * 30 } else { 50 },
            excluded: n == 3,
            enabled: !world.accounts[n as usize].switched_off,
            slots: None,
            ..Account::new(name.clone(), AccountKind::CodexOauth, Format::Codex)
        });
        let mut pool = pool_of(policy, accounts);
        pool.activate(&names[0]).unwrap();
        pool.set_switch_rule(SwitchRule {
            enabled: true,
            ..SwitchRule::default()
        });
        Self {
            signed_out: vec![false; names.len()],
            told_until: vec![None; names.len()],
            overlooked: vec![0; names.len()],
            pool,
            world,
            dice,
            faults,
            told: Told::default(),
            names,
            last_switch: None,
        }
    }

    /// The instant as this machine's clock shows it.
    fn clock(&self, now: i64) -> Timestamp {
        at(now + self.world.clock_off(now))
    }

    pub fn run(&mut self) {
        for minute in 0..self.world.demand.len() {
            let now = i64::try_from(minute).unwrap() * MINUTE;
            let clock = self.clock(now);
            self.pool.expire(clock);
            self.look_after(now, clock);
            let wanted = self.world.demand[minute];
            if wanted > 0 {
                self.burst(now, clock, wanted);
            }
            if let Some(end) = self.pool.next_expiry(clock) {
                assert!(end <= clock.plus(LONGEST_WINDOW), "a rest until {end:?}");
            }
        }
    }

    /// Everything that rests has stopped resting five weeks later, whatever has happened; only a lost sign-in needs a person.
    pub fn end(mut self) -> Told {
        let last = i64::try_from(self.world.demand.len()).unwrap() * MINUTE;
        let later = self.clock(last - 1).max(at(last)).plus(LONGEST_WINDOW);
        self.pool.expire(later);
        for (name, signed_out) in self.names.iter().zip(&self.signed_out) {
            let verdict = self
                .pool
                .explain(later, &ask("m"))
                .into_iter()
                .find(|(id, _)| id == name)
                .unwrap()
                .1;
            let fine = match verdict {
                Ok(_) | Err(SkipReason::Disabled) => true,
                Err(SkipReason::NeedsLogin) => *signed_out,
                Err(_) => false,
            };
            assert!(fine, "{name} after everything: {verdict:?}");
            assert_eq!(self.pool.in_flight(name), 0);
        }
        self.told
    }

    /// What the engine does beside requests, and the person who signs in again once a revoked sign-in can be renewed.
    fn look_after(&mut self, now: i64, clock: Timestamp) {
        let network = !within(&self.world.no_network, now);
        let checks = self.pool.due_checks(clock);
        for place in 0..self.names.len() {
            let name = self.names[place].clone();
            let revoked = within(&self.world.accounts[place].revoked, now);
            if self.signed_out[place] && !revoked {
                self.signed_out[place] = false;
                self.pool.clear(clock, &name);
                self.told_until[place] = None;
            }
            let due = checks.iter().any(|check| check.id == name);
            if due {
                self.pool.checked(clock, &name);
            }
            // Every quarter of an hour, each account at its own minute.
            let scheduled = (now / MINUTE + i64::try_from(place).unwrap()) % 15 == 0;
            if (due || scheduled) && network && !revoked && self.pool.offline().is_none() {
                let truth = &mut self.world.accounts[place];
                let reading = truth.reading(now, clock, QuotaSource::Query);
                if truth.left(now) > 0 {
                    self.told_until[place] = None;
                }
                self.pool.observe_quota(clock, &name, reading);
                let events = self.pool.switch_if_needed(clock);
                self.note(clock, events);
            }
        }
    }

    /// Requests of one minute: some run beside each other, so that several find the same thing out.
    fn burst(&mut self, now: i64, clock: Timestamp, wanted: u32) {
        self.told.wanted += wanted;
        let mut begun: Vec<Begun> = Vec::new();
        for _ in 0..wanted {
            self.begin(now, clock, Vec::new(), &mut begun);
        }
        while let Some(one) = begun.pop() {
            let name = self.names[one.place].clone();
            let outcome = self.answer(now, one.place);
            let events = self.pool.report(clock, &name, &outcome);
            self.note(clock, events);
            if outcome == Outcome::Success {
                self.told.served += 1;
                let reading =
                    self.world.accounts[one.place].reading(now, clock, QuotaSource::Header);
                self.pool.observe_quota(clock, &name, reading);
            }
            self.pool.release(&name);
            if outcome.retry() == Retry::NextAccount && one.tried.len() < 4 {
                let mut tried = one.tried;
                tried.push(name);
                self.begin(now, clock, tried, &mut begun);
            }
        }
    }

    fn begin(&mut self, now: i64, clock: Timestamp, tried: Vec<AccountId>, begun: &mut Vec<Begun>) {
        let wish = Ask {
            tried: &tried,
            ..ask("m")
        };
        let before: Vec<bool> = self
            .pool
            .explain(clock, &wish)
            .iter()
            .map(|(_, rank)| rank.is_ok())
            .collect();
        let chosen = self.pool.select(clock, &wish);
        let events = self.pool.take_events();
        self.note(clock, events);
        let Ok(chosen) = chosen else {
            assert!(
                !before.contains(&true),
                "refused although somebody is a candidate"
            );
            self.told.refused += 1;
            let network = !within(&self.world.no_network, now);
            let able = |place: usize, world: &mut World| {
                let truth = &mut world.accounts[place];
                !within(&truth.down, now) && !within(&truth.revoked, now) && truth.left(now) > 0
            };
            let enabled = |place: &usize| self.pool.accounts().nth(*place).unwrap().enabled;
            let places: Vec<usize> = (0..self.names.len()).filter(enabled).collect();
            if network
                && tried.is_empty()
                && places.into_iter().any(|place| able(place, &mut self.world))
            {
                self.told.needless += 1;
            }
            return;
        };
        let place = chosen.index;
        assert!(before[place], "chosen is a candidate");
        assert!(
            !tried.contains(&chosen.id) && !self.signed_out[place],
            "{} is signed out",
            chosen.id
        );
        assert!(self.pool.account(&chosen.id).unwrap().enabled);
        assert!(
            self.told_until[place].is_none_or(|until| until <= now),
            "{} is used up until {:?} and offered at {now}",
            chosen.id,
            self.told_until[place]
        );
        let health = self.pool.health(clock, &chosen.id).unwrap();
        assert!(
            matches!(health, Health::Unknown | Health::Active | Health::Attention),
            "offered although {health:?}"
        );
        self.told.print = (self.told.print ^ place as u64)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(5);
        self.watch_turns(place, &before, tried.is_empty());
        begun.push(Begun { place, tried });
    }

    /// No starvation: where turns are equal, nobody who can serve is overlooked for long.
    fn watch_turns(&mut self, chosen: usize, candidates: &[bool], first_attempt: bool) {
        let bound = match self.pool.policy() {
            Policy::LeastRecentlyUsed | Policy::RoundRobin => {
                2 * u32::try_from(self.names.len()).unwrap()
            }
            _ => return,
        };
        for (place, candidate) in candidates.iter().enumerate() {
            // Priorities are tiers in these modes too (F37): only those of the chosen one's tier have turns with it.
            if place == chosen || !candidate || place % 2 != chosen % 2 {
                self.overlooked[place] = 0;
            } else if first_attempt {
                self.overlooked[place] += 1;
                assert!(
                    self.overlooked[place] <= bound,
                    "{} starves",
                    self.names[place]
                );
            }
        }
    }

    /// One switch per cause: who is left cannot serve, who follows can, and a chain of switches hangs together.
    fn note(&mut self, clock: Timestamp, events: Vec<Event>) {
        for event in events {
            let Event::Switched { from, to, .. } = event else {
                continue;
            };
            self.told.switches += 1;
            assert_eq!(self.pool.policy(), Policy::ActiveAccount);
            for name in [&from, &to] {
                assert!(
                    !self.pool.account(name).unwrap().excluded,
                    "{name} is excluded from switches"
                );
            }
            assert!(self.pool.held(clock, &to).is_none(), "{to} cannot serve");
            let health = self.pool.health(clock, &from).unwrap();
            assert!(
                matches!(
                    health,
                    Health::Exhausted { .. } | Health::NeedsLogin | Health::Cooling { .. }
                ),
                "left {from} although {health:?}"
            );
            if let Some((_, active)) = self.last_switch.replace((from.clone(), to)) {
                assert_eq!(
                    active, from,
                    "it is the active account that is left, and once"
                );
            }
        }
    }

    fn answer(&mut self, now: i64, place: usize) -> Outcome {
        let truth = &mut self.world.accounts[place];
        if within(&self.world.no_network, now) {
            return Outcome::Network;
        }
        if within(&truth.revoked, now) {
            self.signed_out[place] = true;
            return Outcome::RefreshRefused {
                confirmed: true,
                banned: false,
            };
        }
        if within(&truth.down, now) {
            return Outcome::ServerError { status: 502 };
        }
        if truth.left(now) == 0 {
            let reset = truth.resets(now);
            let wrong = self.faults.bad_limits;
            let resets_at = match self.dice.below(5) {
                0 if wrong => None,
                1 if wrong => Some(at(now).plus(Duration::from_secs(10 * 365 * 86_400))),
                2 if wrong => Some(at(now - HOUR)),
                _ => {
                    // With this machine's clock off, the same instant is another time.
                    self.told_until[place] = (!self.faults.clock).then_some(reset);
                    Some(at(reset))
                }
            };
            return Outcome::UsageLimit { resets_at };
        }
        truth.take(now);
        Outcome::Success
    }
}
