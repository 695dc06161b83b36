//! The Gemini generateContent dialect: between its wire form and the common form of the hub.
//!
//! Its model and whether it streams stand in the path, which only the callers see; both spellings of every field, `camelCase` and `snake_case`,
//! are read (T16).

pub(crate) mod answer;
pub(crate) mod array;
mod candidate;
mod cite;
pub(crate) mod errors;
mod matching;
mod media;
mod models;
pub(crate) mod part;
mod parts_decode;
mod pieces;
pub(crate) mod request_decode;
pub(crate) mod request_encode;
mod schema_decode;
mod schema_encode;
mod seal;
mod settings_decode;
mod settings_encode;
pub(crate) mod stream_decode;
pub(crate) mod stream_encode;
mod tools_decode;
mod tools_encode;
mod turns;
pub(crate) mod usage;
pub(crate) mod wire;

use crate::{
    json::scan,
    patch::{ObjectPatch, set_nested},
};

/// Sets how much the model is to think in a client's own request, over what it says itself. A model that cannot be told is left alone.
pub(crate) fn set_effort(object: &mut ObjectPatch<'_>, model: Option<&str>, effort: &str) {
    let Some(think) = models::of(model).think(effort) else {
        return;
    };
    let outer = ["generationConfig", "generation_config"]
        .into_iter()
        .find(|name| object.value(name).is_some())
        .unwrap_or("generationConfig");
    let mut shown = "false";
    let mut inner = "thinkingConfig";
    if let Some(config) = object.value(outer) {
        for name in ["thinkingConfig", "thinking_config"] {
            let Some(value) = scan::member_value(object.body, config.clone(), name) else {
                continue;
            };
            inner = name;
            for name in ["includeThoughts", "include_thoughts"] {
                let wanted = scan::member_value(object.body, value.clone(), name);
                if wanted.is_some_and(|wanted| &object.body[wanted] == b"true") {
                    shown = "true";
                }
            }
        }
    }
    let told = match think {
        models::Think::Budget(tokens) => {
            format!("{{\"includeThoughts\":{shown},\"thinkingBudget\":{tokens}}}")
        }
        models::Think::Level(level) => {
            format!("{{\"includeThoughts\":{shown},\"thinkingLevel\":\"{level}\"}}")
        }
    };
    set_nested(object, outer, inner, told.as_bytes());
}
