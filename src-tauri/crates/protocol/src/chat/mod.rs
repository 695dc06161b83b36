//! The Chat Completions dialect: between its wire form and the common form of the hub.

pub(crate) mod answer;
mod chunk;
mod format_decode;
mod parts_decode;
mod proof;
pub(crate) mod request_decode;
pub(crate) mod request_encode;
mod settings_encode;
pub(crate) mod stream_decode;
pub(crate) mod stream_encode;
mod tools_decode;
mod tools_encode;
pub(crate) mod usage;
pub(crate) mod wire;
