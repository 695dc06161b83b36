//! The wire types of the admin API, one file per subject. Made from the engine's views, never the other way round by accident: no secret has
//! a field here. Times are milliseconds since the Unix epoch; shares are percent.

mod account;
mod balance;
mod events;
mod home;
mod import;
mod keys;
mod limits;
mod naming;
mod quota;
mod relay;
mod requests;
mod settings;
mod signin;
mod status;
mod trying;
mod usage;
mod words;

pub(crate) use account::*;
pub(crate) use balance::*;
pub(crate) use events::*;
pub(crate) use home::*;
pub(crate) use import::*;
pub(crate) use keys::*;
pub(crate) use limits::*;
pub(crate) use naming::*;
pub(crate) use quota::*;
pub(crate) use relay::*;
pub(crate) use requests::*;
pub(crate) use settings::*;
pub(crate) use signin::*;
pub(crate) use status::*;
pub(crate) use trying::*;
pub(crate) use usage::*;
pub(crate) use words::*;

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
