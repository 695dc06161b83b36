//! What is worth a notice, once: a window at 80 and 90 %, the end of all quota once per period, a sign-in that is over until it is solved,
//! an account that is back if it was told as gone (F45, F143).
//!
//! Remembers only what was told. Called by the task in `notices` with what the pool said.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use pool::{AccountId, QuotaSnapshot, QuotaWindow, SwitchReason, Timestamp};

use super::{Notice, NoticeKind};

/// The shares that are warned of, in percent (F143).
const WARNED: [u8; 2] = [90, 80];
/// A reset that moved by less is the same window, told a little differently.
const SAME_WINDOW: Duration = Duration::from_secs(30 * 60);

/// An account as notices name it: its id, and its label.
pub(super) type Who = (String, String);

#[derive(Debug)]
struct Warned {
    percent: u8,
    resets_at: Option<Timestamp>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Deciding {
    warned: HashMap<(AccountId, &'static str), Warned>,
    /// All are out, and that was told.
    period: bool,
    /// The first account that is back after that is told.
    awaited: bool,
    signed_out: HashSet<AccountId>,
    /// Told as gone: that they are back is news.
    gone: HashSet<AccountId>,
}

impl Deciding {
    /// What is so already at the start is not told.
    pub(super) fn begin(&mut self, all_out: bool) {
        self.period = all_out;
    }

    /// The active account changed by itself.
    pub(super) fn switched(
        &mut self,
        now: Timestamp,
        (from, to): (Who, Who),
        reason: SwitchReason,
        back_at: Option<Timestamp>,
    ) -> Notice {
        self.gone.remove(to.0.as_str());
        if !matches!(reason, SwitchReason::Threshold | SwitchReason::SwitchBack) {
            self.gone.insert(AccountId::from(from.0.as_str()));
        }
        Notice {
            account: Some(from),
            other: Some(to),
            reason: Some(reason.as_str().to_owned()),
            back_at,
            ..Notice::new(NoticeKind::Switched, now)
        }
    }

    /// A quota reading: the highest share that was reached and not warned of yet in this window. A window that is used up is told
    /// otherwise.
    pub(super) fn quota(
        &mut self,
        now: Timestamp,
        who: Who,
        quota: &QuotaSnapshot,
    ) -> Option<Notice> {
        let slots = [("primary", &quota.primary), ("secondary", &quota.secondary)];
        let mut found: Option<Notice> = None;
        for (slot, window) in slots {
            let Some(window) = window else {
                continue;
            };
            let Some(used) = window.known_percent(now) else {
                continue;
            };
            let Some(reached) = WARNED.into_iter().find(|limit| used >= f64::from(*limit)) else {
                continue;
            };
            let key = (AccountId::from(who.0.as_str()), slot);
            let before = self.warned.get(&key);
            let known = before.is_some_and(|before| {
                before.percent >= reached && same_window(before.resets_at, window.resets_at)
            });
            if known {
                continue;
            }
            self.warned.insert(
                key,
                Warned {
                    percent: reached,
                    resets_at: window.resets_at,
                },
            );
            // The fuller one of two that were reached at once.
            let percent = percent(used);
            if used < 100.0
                && found
                    .as_ref()
                    .is_none_or(|other| other.percent < Some(percent))
            {
                found = Some(Notice {
                    account: Some(who.clone()),
                    reason: Some(length(window).unwrap_or_else(|| slot.to_owned())),
                    back_at: window.resets_at,
                    percent: Some(percent),
                    ..Notice::new(NoticeKind::QuotaWarning, now)
                });
            }
        }
        found
    }

    /// Whether all quota has ended, told once until some is there again: `out` holds when the first account is back, `stays` the active
    /// account when nobody can follow it.
    pub(super) fn all_out(
        &mut self,
        now: Timestamp,
        out: Option<Option<Timestamp>>,
        stays: Option<Who>,
    ) -> Option<Notice> {
        let before = std::mem::replace(&mut self.period, out.is_some());
        let back_at = out?;
        if before {
            return None;
        }
        self.awaited = true;
        Some(Notice {
            account: stays,
            back_at,
            ..Notice::new(NoticeKind::AllExhausted, now)
        })
    }

    /// A sign-in is over or a key refused: told once until it is solved.
    pub(super) fn signed_out(&mut self, now: Timestamp, who: Who, reason: &str) -> Option<Notice> {
        let id = AccountId::from(who.0.as_str());
        self.gone.insert(id.clone());
        self.signed_out.insert(id).then(|| Notice {
            account: Some(who),
            reason: Some(reason.to_owned()),
            ..Notice::new(NoticeKind::NeedsSignIn, now)
        })
    }

    /// Its balance is too low; that it is back is news then.
    pub(super) fn low(&mut self, now: Timestamp, who: Who) -> Notice {
        self.gone.insert(AccountId::from(who.0.as_str()));
        Notice {
            account: Some(who),
            ..Notice::new(NoticeKind::BalanceLow, now)
        }
    }

    /// An account can serve again.
    pub(super) fn back(&mut self, now: Timestamp, who: Who) -> Option<Notice> {
        self.signed_out.remove(who.0.as_str());
        let gone = self.gone.remove(who.0.as_str());
        let first = std::mem::take(&mut self.awaited);
        (gone || first).then(|| Notice {
            account: Some(who),
            ..Notice::new(NoticeKind::Recovered, now)
        })
    }

    /// The account is removed.
    pub(super) fn forget(&mut self, known: impl Fn(&AccountId) -> bool) {
        self.warned.retain(|(id, _), _| known(id));
        self.signed_out.retain(&known);
        self.gone.retain(&known);
    }
}

fn same_window(before: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            now.since(before) < SAME_WINDOW && before.since(now) < SAME_WINDOW
        }
        (None, None) => true,
        _ => false,
    }
}

fn percent(used: f64) -> u8 {
    // Between 80 and 100 here; a cast of a float saturates.
    used as u8
}

/// The length of a window in words that need no translation: `5h`, `7d`.
fn length(window: &QuotaWindow) -> Option<String> {
    let hours = window.length?.as_secs() / 3600;
    match hours {
        0 => None,
        hours if hours % 24 == 0 => Some(format!("{}d", hours / 24)),
        hours => Some(format!("{hours}h")),
    }
}

#[cfg(test)]
mod tests {
    use pool::QuotaSource;

    use super::*;

    fn who(id: &str) -> Who {
        (id.to_owned(), id.to_uppercase())
    }

    fn window(used: f64, hours: u64, resets_h: i64) -> Option<QuotaWindow> {
        Some(QuotaWindow {
            used_percent: used,
            length: Some(Duration::from_secs(hours * 3600)),
            resets_at: Some(Timestamp(resets_h * 3_600_000)),
        })
    }

    /// Readings of one account in a row, and what is told of each.
    #[test]
    fn f143_eighty_and_ninety_percent_once_per_window() {
        // (five-hour window, week, hour of the five-hour window's reset)
        let readings = [
            (79.9, 10.0, 5, None),
            (80.0, 10.0, 5, Some((80, "5h"))),
            (85.0, 10.0, 5, None),
            (91.0, 10.0, 5, Some((91, "5h"))),
            (95.0, 81.0, 5, Some((81, "7d"))),
            (100.0, 81.0, 5, None),
            (10.0, 82.0, 10, None),
            (92.0, 82.0, 10, Some((92, "5h"))),
            (99.0, 95.0, 10, Some((95, "7d"))),
            (100.0, 100.0, 15, None),
        ];
        let mut deciding = Deciding::default();
        for (short, week, reset, expected) in readings {
            let quota = QuotaSnapshot {
                primary: window(short, 5, reset),
                secondary: window(week, 168, 100),
                ..QuotaSnapshot::empty(Timestamp(0), QuotaSource::Header)
            };
            let told = deciding.quota(Timestamp(0), who("a"), &quota);
            let told = told.map(|n| (n.percent.unwrap(), n.reason.unwrap()));
            let expected = expected.map(|(percent, length)| (percent, length.to_owned()));
            assert_eq!(told, expected, "{short} {week}");
        }
    }

    #[test]
    fn f45_the_end_of_all_quota_is_told_once_per_period() {
        let mut deciding = Deciding::default();
        let (now, out) = (Timestamp(0), Some(Some(Timestamp(9))));
        let mut tell = |out| deciding.all_out(now, out, None).map(|n| n.back_at);
        assert_eq!(tell(None), None);
        assert_eq!(tell(out), Some(Some(Timestamp(9))));
        assert_eq!(tell(out), None);
        assert_eq!(tell(None), None);
        assert_eq!(tell(out), Some(Some(Timestamp(9))));
        deciding.begin(true);
        assert_eq!(deciding.all_out(now, out, None), None, "so at the start");
    }

    #[test]
    fn f143_a_lost_sign_in_is_told_once_until_it_is_solved() {
        let mut deciding = Deciding::default();
        let now = Timestamp(0);
        let lost = |deciding: &mut Deciding, id| {
            deciding.signed_out(now, who(id), "needs_login").is_some()
        };
        assert!(lost(&mut deciding, "a"));
        assert!(!lost(&mut deciding, "a"));
        assert!(lost(&mut deciding, "b"));
        assert!(deciding.back(now, who("a")).is_some());
        assert!(deciding.back(now, who("a")).is_none());
        assert!(lost(&mut deciding, "a"));
    }

    #[test]
    fn f143_back_is_told_of_those_that_were_told_as_gone() {
        let now = Timestamp(0);
        let cases = [
            (SwitchReason::Exhausted, true),
            (SwitchReason::NeedsLogin, true),
            (SwitchReason::Threshold, false),
            (SwitchReason::SwitchBack, false),
        ];
        for (reason, told) in cases {
            let mut deciding = Deciding::default();
            deciding.switched(now, (who("a"), who("b")), reason, None);
            assert!(deciding.back(now, who("c")).is_none());
            assert_eq!(deciding.back(now, who("a")).is_some(), told, "{reason}");
        }
        let mut deciding = Deciding::default();
        deciding.all_out(now, Some(None), None);
        assert!(deciding.back(now, who("x")).is_some(), "the first one");
        assert!(deciding.back(now, who("y")).is_none(), "not the others");
    }
}
