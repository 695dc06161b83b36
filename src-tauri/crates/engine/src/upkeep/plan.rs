//! Who should be asked now: the quota rounds (F68) and the checks of accounts that stand idle (F60, F61).
//!
//! Pure: `now` is an argument, and nobody is asked here. Called by `rounds`.

use std::collections::HashMap;
use std::time::Duration;

use pool::{AccountId, Health, Timestamp};

/// The least age of a reading for a scheduled question (F68).
pub(super) const FRESH: Duration = Duration::from_secs(30);
/// The same in the first round after a start (F68).
pub(super) const START_AGE: Duration = Duration::from_secs(30 * 60);
/// Accounts checked in one round (F60).
pub(super) const ROUND: usize = 20;
/// Failed checks in a row that are worth a person's look (F60).
pub(super) const FAILURES: u32 = 3;
/// What all waits of F61 are multiples of.
const BASE: Duration = Duration::from_secs(60);
/// An idle account that works: this many bases (F61).
const ACTIVE: u32 = 15;
/// One that cannot serve for a while (F61).
const UNAVAILABLE: u32 = 30;
/// Doublings after failures (F61).
const DOUBLINGS: u32 = 4;

/// What is known of an account when a round is planned.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub id: AccountId,
    /// A key: it has no quota to ask for.
    pub key: bool,
    pub active: bool,
    /// It serves a request now.
    pub busy: bool,
    pub health: Health,
    /// The last reading of its quota.
    pub read_at: Option<Timestamp>,
    /// Its last request.
    pub used_at: Option<Timestamp>,
}

impl Standing {
    /// Whether asking can tell anything: not one that only the person can make work again.
    fn askable(&self) -> bool {
        !matches!(
            self.health,
            Health::Disabled | Health::NeedsLogin | Health::Banned
        )
    }
}

/// The sign-ins whose reading is older than `age`, the active one first.
pub(super) fn stale(now: Timestamp, age: Duration, accounts: &[Standing]) -> Vec<AccountId> {
    let mut stale: Vec<&Standing> = accounts
        .iter()
        .filter(|account| !account.key && account.askable())
        .filter(|account| {
            account
                .read_at
                .is_none_or(|at| at > now || now.since(at) > age)
        })
        .collect();
    stale.sort_by_key(|account| !account.active);
    stale
        .into_iter()
        .map(|account| account.id.clone())
        .collect()
}

/// The checks made so far. Only in memory: after a restart everything is looked at afresh.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<AccountId, Made>);

#[derive(Debug, Clone, Copy)]
struct Made {
    at: Timestamp,
    failures: u32,
}

impl Checks {
    /// Up to [`ROUND`] accounts that are due, the longest due first.
    pub(super) fn due(&mut self, now: Timestamp, accounts: &[Standing]) -> Vec<AccountId> {
        self.0
            .retain(|id, made| made.at <= now && accounts.iter().any(|account| account.id == *id));
        let mut due: Vec<(Timestamp, &AccountId)> = accounts
            .iter()
            .filter(|account| account.askable() && !account.busy)
            .map(|account| (self.due_at(account), &account.id))
            .filter(|(at, _)| *at <= now)
            .collect();
        due.sort_by_key(|(at, _)| *at);
        due.truncate(ROUND);
        due.into_iter().map(|(_, id)| id.clone()).collect()
    }

    fn due_at(&self, account: &Standing) -> Timestamp {
        let made = self.0.get(&account.id);
        let failures = made.map_or(0, |made| made.failures);
        let bases = match account.health {
            _ if failures > 0 => 1 << failures.min(DOUBLINGS),
            Health::Attention => 2,
            Health::Cooling { .. } | Health::Exhausted { .. } => UNAVAILABLE,
            // At once; but one that was found to work without becoming known is not asked again and again.
            Health::Unknown if made.is_none() => 0,
            _ => ACTIVE,
        };
        let asked = made.map(|made| made.at);
        let last = asked.max(account.read_at).max(account.used_at);
        let since = if bases == 0 { None } else { last };
        since.map_or(Timestamp(0), |at| at.plus(BASE * bases))
    }

    /// Notes how a check ended and tells the failures in a row.
    pub(super) fn made(&mut self, now: Timestamp, id: &AccountId, passed: bool) -> u32 {
        let made = self.0.entry(id.clone()).or_insert(Made {
            at: now,
            failures: 0,
        });
        made.at = now;
        made.failures = if passed { 0 } else { made.failures + 1 };
        made.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn ago(seconds: u64) -> Option<Timestamp> {
        Some(NOW.minus(Duration::from_secs(seconds)))
    }

    fn account(name: &str, health: Health) -> Standing {
        Standing {
            id: AccountId::from(name),
            key: false,
            active: false,
            busy: false,
            health,
            read_at: None,
            used_at: None,
        }
    }

    fn names(ids: Vec<AccountId>) -> String {
        let names: Vec<&str> = ids.iter().map(AccountId::as_str).collect();
        names.join(" ")
    }

    #[test]
    fn f68_old_readings_are_renewed_the_active_account_first() {
        let accounts = [
            Standing {
                read_at: ago(29),
                ..account("just-read", Health::Active)
            },
            Standing {
                read_at: ago(31),
                ..account("half-minute", Health::Active)
            },
            Standing {
                read_at: ago(1_801),
                ..account("old", Health::Active)
            },
            account("never", Health::Unknown),
            Standing {
                key: true,
                ..account("key", Health::Active)
            },
            account("signed-out", Health::NeedsLogin),
            account("off", Health::Disabled),
            account("closed", Health::Banned),
            Standing {
                active: true,
                read_at: ago(3_600),
                ..account("chosen", Health::Active)
            },
            Standing {
                read_at: Some(NOW.plus(Duration::from_secs(60))),
                ..account("of-a-wrong-clock", Health::Active)
            },
        ];
        assert_eq!(
            names(stale(NOW, START_AGE, &accounts)),
            "chosen old never of-a-wrong-clock"
        );
        assert_eq!(
            names(stale(NOW, FRESH, &accounts)),
            "chosen half-minute old never of-a-wrong-clock"
        );
    }

    #[test]
    fn f61_who_stands_idle_is_looked_at_in_its_own_time() {
        let until = NOW.plus(Duration::from_secs(9));
        let exhausted = Health::Exhausted { until };
        // Health, failures so far, busy, idle seconds, due.
        let cases = [
            (Health::Active, 0, false, 899, false),
            (Health::Active, 0, false, 900, true),
            (Health::Active, 0, true, 9_000, false),
            (Health::Unknown, 0, false, 0, true),
            (Health::Active, 1, false, 119, false),
            (Health::Active, 1, false, 120, true),
            (Health::Attention, 0, false, 120, true),
            (Health::Attention, 3, false, 479, false),
            (Health::Attention, 3, false, 480, true),
            (Health::Attention, 9, false, 959, false),
            (Health::Attention, 9, false, 960, true),
            (exhausted, 0, false, 1_799, false),
            (exhausted, 0, false, 1_800, true),
            (Health::NeedsLogin, 0, false, 90_000, false),
            (Health::Banned, 0, false, 90_000, false),
            (Health::Disabled, 0, false, 90_000, false),
        ];
        for (health, failures, busy, idle, expected) in cases {
            let mut checks = Checks::default();
            let mut one = Standing {
                busy,
                ..account("a", health)
            };
            if failures == 0 {
                one.used_at = ago(idle);
            }
            for _ in 0..failures {
                checks.made(NOW.minus(Duration::from_secs(idle)), &one.id, false);
            }
            let due = !checks.due(NOW, &[one]).is_empty();
            assert_eq!(due, expected, "{health:?} {failures} {busy} {idle}");
        }
    }

    #[test]
    fn f60_twenty_in_a_round_and_the_longest_due_first() {
        let accounts: Vec<Standing> = (0..30)
            .map(|n: u64| Standing {
                used_at: ago(1_000 + n),
                ..account(&n.to_string(), Health::Active)
            })
            .collect();
        let mut checks = Checks::default();
        let first = checks.due(NOW, &accounts);
        assert_eq!((first.len(), first[0].as_str()), (ROUND, "29"));
        for id in &first {
            checks.made(NOW, id, true);
        }
        let second = checks.due(NOW, &accounts);
        assert_eq!((second.len(), second[0].as_str()), (10, "9"));
    }
}
