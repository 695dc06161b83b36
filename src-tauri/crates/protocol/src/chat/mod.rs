//! The Chat Completions dialect: between its wire form and the common form of the hub.

pub(crate) mod error;
pub(crate) mod json_decode;
pub(crate) mod json_encode;
pub(crate) mod request_decode;
pub(crate) mod request_encode;
pub(crate) mod stream_decode;
pub(crate) mod stream_encode;
mod tools_decode;
pub(crate) mod wire;
