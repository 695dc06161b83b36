//! Accounts, instants and asks in few words, and a small seeded number source. Used by every test of this room.
#![allow(
    dead_code,
    reason = "each test file uses its own part, and one uses all of it"
)]

use pool::{
    Account, AccountId, AccountKind, Ask, Chosen, Format, Policy, Pool, QuotaSnapshot, QuotaSource,
    QuotaWindow, SkipReason, Timestamp,
};
use std::time::Duration;

/// The instant `seconds` after the start of the story.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + seconds)
}

pub const EVERY: &[Format] = &[Format::Codex, Format::Responses, Format::OpenAi];

pub fn id(name: &str) -> AccountId {
    AccountId::from(name)
}

pub fn oauth(name: &str) -> Account {
    Account {
        slots: None,
        ..Account::new(name, AccountKind::CodexOauth, Format::Codex)
    }
}

pub fn relay(name: &str) -> Account {
    Account::new(name, AccountKind::Relay, Format::OpenAi)
}

/// Accounts in the given order.
pub fn pool_of(policy: Policy, accounts: impl IntoIterator<Item = Account>) -> Pool {
    let mut pool = Pool::new(policy);
    let placed = (0..).zip(accounts).map(|(position, account)| Account {
        position,
        ..account
    });
    pool.set_accounts(placed.collect());
    pool
}

pub fn ask(model: &str) -> Ask<'_> {
    Ask::new(model, EVERY)
}

/// Selects and frees the slot at once; the name chosen, or the reasons.
pub fn pick(pool: &mut Pool, now: Timestamp, ask: &Ask<'_>) -> Result<String, String> {
    match pool.select(now, ask) {
        Ok(Chosen { id, .. }) => {
            pool.release(&id);
            Ok(id.to_string())
        }
        Err(none) => Err(none
            .skipped
            .iter()
            .map(|s| format!("{}:{}", s.id, s.reason.code()))
            .collect::<Vec<_>>()
            .join(" ")),
    }
}

/// Names chosen by `n` requests in a row.
pub fn picks(pool: &mut Pool, now: Timestamp, n: usize) -> String {
    (0..n)
        .map(|_| pick(pool, now, &ask("m")).unwrap_or("-".into()))
        .collect::<Vec<_>>()
        .join("")
}

/// Why `name` is skipped now; `None` when it is a candidate.
pub fn skipped(pool: &Pool, now: Timestamp, name: &str) -> Option<SkipReason> {
    pool.explain(now, &ask("m"))
        .into_iter()
        .find(|(id, _)| id.as_str() == name)
        .and_then(|(_, rank)| rank.err())
}

pub fn window(used_percent: f64, resets_at: Option<Timestamp>, hours: u64) -> Option<QuotaWindow> {
    Some(QuotaWindow {
        used_percent,
        length: Some(Duration::from_secs(hours * 3_600)),
        resets_at,
    })
}

/// A reading of five-hour and weekly window; a negative share is not known.
pub fn reading(captured: Timestamp, primary: f64, secondary: f64) -> QuotaSnapshot {
    let known = |used: f64, hours: u64| {
        (used >= 0.0)
            .then(|| {
                window(
                    used,
                    Some(captured.plus(Duration::from_secs(hours * 3_600))),
                    hours,
                )
            })
            .flatten()
    };
    QuotaSnapshot {
        primary: known(primary, 5),
        secondary: known(secondary, 168),
        ..QuotaSnapshot::empty(captured, QuotaSource::Header)
    }
}

/// SplitMix64: the same seed gives the same story.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
