//! What the person should be told without having asked: an account was switched, quota runs low, all is used up, a sign-in ended (F143).
//!
//! Decided here and nowhere else, also how often: the desktop application's notifications and the window's toasts only show what
//! [`EngineEvent::Notice`](crate::EngineEvent::Notice) brings. Codes, labels and times, no sentences: those are in the person's language.

use pool::Timestamp;

/// What a notice is about. Closed: whoever shows notices has words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// The active account changed by itself: `account` was left, `other` is active now (F48).
    Switched,
    /// 80 or 90 % of a quota window are used: `percent`, and the window's length as `reason`.
    QuotaWarning,
    /// No account has quota left (F45).
    AllExhausted,
    /// Only the person can make the account usable again: a new sign-in or a new key.
    NeedsSignIn,
    /// An account that was told as gone serves again.
    Recovered,
    /// The gateway listens on another port than the one wanted: clients must use the new one (F127).
    PortChanged,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Switched,
        Self::QuotaWarning,
        Self::AllExhausted,
        Self::NeedsSignIn,
        Self::Recovered,
        Self::PortChanged,
    ];

    /// The word: also the name of its setting below `notifications.`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Switched => "switched",
            Self::QuotaWarning => "quota_warning",
            Self::AllExhausted => "all_exhausted",
            Self::NeedsSignIn => "needs_sign_in",
            Self::Recovered => "recovered",
            Self::PortChanged => "port_changed",
        }
    }
}

/// One thing to tell. Never a secret: accounts by id and label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What about.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: Timestamp,
    /// Id and label of the account it is about; of [`NoticeKind::Switched`] the one that was left.
    pub account: Option<(String, String)>,
    /// Of [`NoticeKind::Switched`]: id and label of the new active account.
    pub other: Option<(String, String)>,
    /// Why, as a code: the reason of the switch, the length of the window (`5h`, `7d`), what ended the sign-in.
    pub reason: Option<String>,
    /// When the account is usable again, as known now.
    pub back_at: Option<Timestamp>,
    /// Used share of the window.
    pub percent: Option<u8>,
    /// Of [`NoticeKind::PortChanged`]: the port wanted, and the one in use.
    pub port: Option<(u16, u16)>,
}

impl Notice {
    /// A notice that says nothing but its kind yet.
    pub(crate) fn new(kind: NoticeKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            account: None,
            other: None,
            reason: None,
            back_at: None,
            percent: None,
            port: None,
        }
    }

    /// In plain English, for whoever has no words of its own.
    pub fn text(&self) -> String {
        let label = |account: &Option<(String, String)>| {
            account
                .as_ref()
                .map_or_else(|| "an account".to_owned(), |(_, label)| label.clone())
        };
        let account = label(&self.account);
        match self.kind {
            NoticeKind::Switched => format!(
                "Switched from {account} to {} ({})",
                label(&self.other),
                self.reason
                    .as_deref()
                    .unwrap_or("automatic")
                    .replace('_', " ")
            ),
            NoticeKind::QuotaWarning => format!(
                "{account}: {} % of the {} quota used",
                self.percent.unwrap_or_default(),
                self.reason.as_deref().unwrap_or("current")
            ),
            NoticeKind::AllExhausted => "No account has quota left".to_owned(),
            NoticeKind::NeedsSignIn => format!("{account} must be signed in again"),
            NoticeKind::Recovered => format!("{account} is back"),
            NoticeKind::PortChanged => {
                let (wanted, used) = self.port.unwrap_or_default();
                format!("Port {wanted} is busy: serving on {used}")
            }
        }
    }
}
