//! The Responses dialect: between its wire form and the common form of the hub.

pub(crate) mod answer;
pub(crate) mod cite;
mod event;
mod items_decode;
pub(crate) mod models;
mod parts_decode;
pub(crate) mod request_decode;
pub(crate) mod request_encode;
mod settings_encode;
pub(crate) mod stream_decode;
pub(crate) mod stream_encode;
mod tell;
mod tools_decode;
mod tools_encode;
pub(crate) mod usage;
pub(crate) mod wire;
