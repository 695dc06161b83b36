//! The Anthropic Messages dialect: between its wire form and the common form of the hub.

pub(crate) mod answer;
mod block;
mod block_start;
pub(crate) mod cite;
pub(crate) mod count;
pub(crate) mod errors;
mod event;
pub(crate) mod media;
pub(crate) mod models;
mod parts_decode;
pub(crate) mod request_decode;
pub(crate) mod request_encode;
mod settings_decode;
mod settings_encode;
pub(crate) mod stream_decode;
pub(crate) mod stream_encode;
mod tools_decode;
mod tools_encode;
mod turns;
pub(crate) mod usage;
pub(crate) mod wire;

pub(crate) use settings_decode::session;
