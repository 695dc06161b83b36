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
mod clock_jump;
mod due;
mod explain;
mod holds;
mod models;
mod observe;
mod order;
mod outcome;
mod pace;
mod policy;
mod pool;
mod quota;
mod report;
mod room;
mod row;
mod select;
mod slots;
mod standing;
mod state;
mod switch;
mod time;
mod turns;
mod words;

pub use account::{Account, AccountId, AccountKind, Capability, Format, Status, Token};
pub use affinity::{AFFINITY_ENTRIES, AFFINITY_LIFE};
pub use ask::{Ask, Chosen, NoCandidate, NoCandidateKind, SkipReason, Skipped, Why};
pub use due::{CheckReason, DueCheck, MOST_CHECKS, RESET_SPREAD, UNTOLD_CHECKS};
pub use explain::Explained;
pub use holds::{Hold, HoldReason};
pub use outcome::{Outcome, Retry};
pub use policy::Policy;
pub use pool::{Pool, UnknownAccount};
pub use quota::{
    Availability, Credits, LONGEST_WINDOW, QuotaBucket, QuotaSnapshot, QuotaSource, QuotaWindow,
    UNTOLD_RESET,
};
pub use report::{
    CHALLENGE_LADDER, FAILURE_LIMIT, FAILURE_REST, FORBIDDEN_REST, OFFLINE_PROBE, OFFLINE_SPAN,
    OVERLOAD_REST, REFRESH_LADDER, REFUSAL_REST, UNTOLD_LIMIT,
};
pub use room::Room;
pub use slots::LEAK_GUARD;
pub use standing::{Measured, health_score};
pub use state::{AccountState, Cooldown, Counters, Event, Exhaustion, Health, HoldSource, Reason};
pub use switch::{SWITCH_REST, SwitchReason, SwitchRule};
pub use time::{Clock, Timestamp};
pub use turns::Turn;
pub use words::UnknownWord;
