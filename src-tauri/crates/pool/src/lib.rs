//! Accounts, quota windows, health, cooldown and rotation: who serves the next attempt, and what each attempt teaches.
//!
//! Pure: no IO, no clock (`now` is an argument), no async, no serialisation. It also holds the plain words all rooms share, such as
//! [`AccountId`], [`Format`] and [`Outcome`]. The engine owns the one [`Pool`] behind a lock; gateway and upstream speak its types.
//!
//! One request: [`Pool::select`] → attempt → [`Pool::report`] → (another [`Pool::select`] with the account in [`Ask::tried`]) →
//! [`Pool::release`] for every selection.

mod account;
mod affinity;
mod ask;
mod holds;
mod models;
mod observe;
mod outcome;
mod policy;
mod pool;
mod quota;
mod report;
mod row;
mod select;
mod slots;
mod state;
mod switch;
mod time;
mod words;

pub use account::{Account, AccountId, AccountKind, Format, Status, Token};
pub use affinity::{AFFINITY_ENTRIES, AFFINITY_LIFE};
pub use ask::{Ask, Chosen, NoCandidate, NoCandidateKind, SkipReason, Skipped, Why};
pub use holds::{Hold, HoldReason};
pub use outcome::{Outcome, Retry};
pub use policy::Policy;
pub use pool::{Pool, UnknownAccount};
pub use quota::{
    Availability, Credits, QuotaBucket, QuotaSnapshot, QuotaSource, QuotaWindow, UNTOLD_RESET,
};
pub use report::{
    CHALLENGE_LADDER, FAILURE_LIMIT, FAILURE_REST, FORBIDDEN_REST, OFFLINE_SPAN, OVERLOAD_REST,
    REFRESH_LADDER, REFUSAL_REST, UNTOLD_LIMIT,
};
pub use slots::LEAK_GUARD;
pub use state::{AccountState, Cooldown, Counters, Event, Exhaustion, Health, HoldSource, Reason};
pub use switch::{SWITCH_REST, SwitchReason, SwitchRule};
pub use time::{Clock, Timestamp};
pub use words::UnknownWord;
