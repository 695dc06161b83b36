//! How often notices are told: at most one of a kind within a minute (F143). What comes meanwhile waits, and is folded together where one
//! says all of it.
//!
//! Not what is worth telling (`decide`). Its time is monotonic and given by the caller.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Notice, NoticeKind};

/// The least time between two notices of one kind (F143).
pub(super) const APART: Duration = Duration::from_secs(60);
/// What nobody heard for so long is no news any more.
const STALE: Duration = Duration::from_secs(600);
/// Most notices that wait.
const ROOM: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: HashMap<NoticeKind, Instant>,
    waiting: Vec<(Instant, Notice)>,
}

impl Pace {
    /// Lets a notice wait for its turn.
    pub(super) fn push(&mut self, now: Instant, notice: Notice) {
        self.drop_outdated(&notice);
        let same = |other: &Notice| {
            other.kind == notice.kind
                && (other.account == notice.account
                    || matches!(
                        notice.kind,
                        NoticeKind::Switched | NoticeKind::AllExhausted | NoticeKind::PortChanged
                    ))
        };
        let at = self.waiting.iter().position(|(_, other)| same(other));
        match at {
            // Left A for B, then B for C: the person sees A and C.
            Some(at) if notice.kind == NoticeKind::Switched => {
                let waiting = &mut self.waiting[at].1;
                waiting.other = notice.other;
                if waiting.other == waiting.account {
                    self.waiting.remove(at);
                }
            }
            Some(at) => self.waiting[at].1 = notice,
            None => {
                if self.waiting.len() >= ROOM {
                    self.waiting.remove(0);
                }
                self.waiting.push((now, notice));
            }
        }
    }

    /// What has become untrue by a newer notice is not told any more.
    fn drop_outdated(&mut self, newer: &Notice) {
        let outdated = |old: &Notice| match newer.kind {
            NoticeKind::Recovered => {
                old.kind == NoticeKind::AllExhausted
                    || (old.account == newer.account
                        && matches!(
                            old.kind,
                            NoticeKind::NeedsSignIn
                                | NoticeKind::QuotaWarning
                                | NoticeKind::BalanceLow
                        ))
            }
            NoticeKind::AllExhausted => old.kind == NoticeKind::Recovered,
            NoticeKind::NeedsSignIn | NoticeKind::BalanceLow => {
                old.kind == NoticeKind::Recovered && old.account == newer.account
            }
            NoticeKind::Switched | NoticeKind::QuotaWarning | NoticeKind::PortChanged => false,
        };
        self.waiting.retain(|(_, old)| !outdated(old));
    }

    /// What may be told now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Notice> {
        let mut due = Vec::new();
        let last = &mut self.last;
        self.waiting.retain(|(since, notice)| {
            let stale = now.duration_since(*since) > STALE;
            if stale && notice.kind != NoticeKind::PortChanged {
                return false;
            }
            let free = last
                .get(&notice.kind)
                .is_none_or(|last| now.duration_since(*last) >= APART);
            if free {
                last.insert(notice.kind, now);
                due.push(notice.clone());
            }
            !free
        });
        due
    }

    /// When the next one may be told.
    pub(super) fn next(&self) -> Option<Instant> {
        let at = |(since, notice): &(Instant, Notice)| {
            self.last
                .get(&notice.kind)
                .map_or(*since, |last| *last + APART)
        };
        self.waiting.iter().map(at).min()
    }
}

#[cfg(test)]
mod tests {
    use pool::Timestamp;

    use super::*;

    fn notice(kind: NoticeKind, account: &str, other: &str) -> Notice {
        let named = |name: &str| (!name.is_empty()).then(|| (name.to_owned(), name.to_owned()));
        Notice {
            account: named(account),
            other: named(other),
            ..Notice::new(kind, Timestamp(0))
        }
    }

    fn told(notices: &[Notice]) -> Vec<String> {
        let name = |account: &Option<(String, String)>| {
            account
                .as_ref()
                .map_or_else(String::new, |(id, _)| id.clone())
        };
        let line = |n: &Notice| format!("{} {}{}", n.kind.code(), name(&n.account), name(&n.other));
        notices.iter().map(line).collect()
    }

    /// What is pushed at which second, and what is told at which second.
    #[tokio::test(start_paused = true)]
    async fn f143_one_of_a_kind_within_a_minute() {
        use NoticeKind::{AllExhausted, NeedsSignIn, PortChanged, Recovered, Switched};
        type Pushed<'a> = (u64, NoticeKind, &'a str, &'a str);
        type Told<'a> = (u64, &'a [&'a str]);
        let cases: &[(&str, &[Pushed<'_>], &[Told<'_>])] = &[
            (
                "the first at once, the second after a minute",
                &[(0, NeedsSignIn, "a", ""), (1, NeedsSignIn, "b", "")],
                &[
                    (0, &["needs_sign_in a"]),
                    (59, &[]),
                    (60, &["needs_sign_in b"]),
                ],
            ),
            (
                "kinds do not wait for each other",
                &[(0, NeedsSignIn, "a", ""), (0, Switched, "a", "b")],
                &[(0, &["needs_sign_in a", "switched ab"])],
            ),
            (
                "switches that wait become one",
                &[
                    (0, Switched, "a", "b"),
                    (1, Switched, "b", "c"),
                    (2, Switched, "c", "d"),
                ],
                &[(0, &["switched ab"]), (61, &["switched bd"]), (200, &[])],
            ),
            (
                "a way there and back is no news",
                &[
                    (0, Switched, "a", "b"),
                    (1, Switched, "b", "c"),
                    (2, Switched, "c", "b"),
                ],
                &[(0, &["switched ab"]), (100, &[])],
            ),
            (
                "what was mended while it waited is not told",
                &[
                    (0, NeedsSignIn, "a", ""),
                    (1, NeedsSignIn, "b", ""),
                    (2, Recovered, "b", ""),
                ],
                &[(0, &["needs_sign_in a"]), (5, &["recovered b"]), (100, &[])],
            ),
            (
                "nobody is back when all are out",
                &[
                    (0, Recovered, "a", ""),
                    (1, Recovered, "b", ""),
                    (2, AllExhausted, "", ""),
                ],
                &[(0, &["recovered a"]), (5, &["all_exhausted "]), (100, &[])],
            ),
            (
                "old news is none, but the port stays another one",
                &[(0, Switched, "a", "b"), (0, PortChanged, "", "")],
                &[(700, &["port_changed "])],
            ),
        ];
        for (case, pushed, expected) in cases {
            let start = Instant::now();
            let mut pace = Pace::default();
            let mut pushed = pushed.iter().peekable();
            let mut told_so_far: Vec<(u64, Vec<String>)> = Vec::new();
            for (until, _) in *expected {
                while let Some((second, kind, account, other)) =
                    pushed.next_if(|(second, ..)| second <= until)
                {
                    let at = start + Duration::from_secs(*second);
                    pace.push(at, notice(*kind, account, other));
                }
                let now = start + Duration::from_secs(*until);
                told_so_far.push((*until, told(&pace.due(now))));
            }
            let expected: Vec<(u64, Vec<String>)> = expected
                .iter()
                .map(|(at, lines)| (*at, lines.iter().map(ToString::to_string).collect()))
                .collect();
            assert_eq!(told_so_far, expected, "{case}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_turn_is_known() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.next(), None);
        pace.push(start, notice(NoticeKind::Switched, "a", "b"));
        assert_eq!(pace.next(), Some(start));
        assert_eq!(pace.due(start).len(), 1);
        assert_eq!(pace.next(), None);
        pace.push(start + APART / 2, notice(NoticeKind::Switched, "b", "c"));
        assert_eq!(pace.next(), Some(start + APART));
    }
}
