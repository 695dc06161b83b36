//! The common form of the hub: items of a request, events of an answer, and what becomes of both on their way.
//!
//! Shaped like Responses (message, reasoning, call, output), but no vendor's wire type: the dialects decode into it and encode out of it.
//! It is not used when client and account speak the same dialect.

pub(crate) mod cite;
pub(crate) mod custom_input;
pub(crate) mod event;
pub(crate) mod fields;
pub(crate) mod fold;
pub(crate) mod hosted;
pub(crate) mod lack;
pub(crate) mod offer;
pub(crate) mod pairing;
pub(crate) mod parallel;
pub(crate) mod picture;
pub(crate) mod request;
pub(crate) mod restore;
pub(crate) mod ruler;
pub(crate) mod schema;
pub(crate) mod seal;
pub(crate) mod stops;
pub(crate) mod untold;
pub(crate) mod watch;
