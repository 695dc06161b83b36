//! The Codex profile: what the ChatGPT/Codex backend demands of a Responses body, as data (F83, backend notes §3.4-3.6).
//!
//! The tables are public so that settings can show them and the hub's encoder obeys the same rows. `apply` turns them into byte
//! patches on a client's own Responses body. It is not the account side: headers, tokens and models belong to `upstream`.

mod apply;

pub(crate) use apply::{apply, image_tool};

/// A field and why it is treated so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The top-level field.
    pub field: &'static str,
    /// The reason, for losses and refusals.
    pub reason: &'static str,
}

const fn row(field: &'static str, reason: &'static str) -> Row {
    Row { field, reason }
}

/// The fields the backend knows (T116). Anything else from a client that is no Codex client is left out.
pub const KNOWN: &[&str] = &[
    "model",
    "instructions",
    "input",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "store",
    "stream",
    "include",
    "service_tier",
    "prompt_cache_key",
    "text",
    "client_metadata",
];

/// Fields the backend refuses; they are left out of every request, also of a Codex client's (F83, T115).
pub const DROPPED: &[Row] = &[
    row(
        "max_output_tokens",
        "the Codex backend sets its own output limit",
    ),
    row(
        "max_completion_tokens",
        "the Codex backend sets its own output limit",
    ),
    row("max_tokens", "the Codex backend sets its own output limit"),
    row(
        "temperature",
        "the Codex backend takes no sampling parameters",
    ),
    row("top_p", "the Codex backend takes no sampling parameters"),
    row("truncation", "the Codex backend does not truncate"),
    row("user", "the Codex backend takes no end-user id"),
    row(
        "safety_identifier",
        "the Codex backend takes no end-user id",
    ),
    row(
        "prompt_cache_retention",
        "the Codex backend manages its own cache",
    ),
    row(
        "prompt_cache_options",
        "the Codex backend manages its own cache",
    ),
    row(
        "context_management",
        "the Codex backend does not manage context",
    ),
    row("generate", "only the WebSocket transport knows it"),
    row("type", "left over from the WebSocket envelope"),
];

/// Fields whose loss would change the meaning: a request with one of them is refused (T135, T136, T138).
pub const REFUSED: &[Row] = &[
    row(
        "previous_response_id",
        "The Codex backend keeps no answers: send the whole conversation in 'input' instead.",
    ),
    row(
        "conversation",
        "The Codex backend keeps no conversations: send the whole conversation in 'input' instead.",
    ),
    row(
        "background",
        "The Codex backend has no background mode: send the request without 'background'.",
    ),
    row(
        "prompt",
        "The Codex backend has no stored prompts: send the text in 'instructions' and 'input' instead.",
    ),
];

/// Why `store` is no use there.
pub const KEEPS_NOTHING: &str = "the Codex backend keeps no answers";

/// Fields with their only accepted value, as JSON.
pub const FORCED: &[(&str, &str)] = &[("store", "false"), ("stream", "true")];

/// Fields that the compact call does not know (§3.6).
pub const NOT_IN_COMPACT: &[&str] = &[
    "store",
    "stream",
    "include",
    "stream_options",
    "tool_choice",
    "client_metadata",
];

/// What `include` must hold, or reasoning is lost between stateless turns (T105).
pub const INCLUDE: &str = "reasoning.encrypted_content";

/// Service tiers by the client's word; a tier not listed is left out. `fast` is the user's word for `priority`.
pub const SERVICE_TIERS: &[(&str, &str)] = &[("priority", "priority"), ("fast", "priority")];

/// Tiers that mean "no wish": leaving them out loses nothing.
pub const PLAIN_TIERS: &[&str] = &["auto", "default"];

/// Efforts by the client's word; one not listed goes out as it is. `ultra` is a client-side name.
pub const EFFORTS: &[(&str, &str)] = &[("ultra", "max")];

/// What clients of other dialects call the effort, in the order in which they count behind `reasoning.effort` (F90).
pub const EFFORT_FIELDS: &[&str] = &["reasoning_effort", "variant"];

/// The provider's own image generation, as a tool (F90, `-image`).
pub const IMAGE_TOOL: &str = r#"{"type":"image_generation","output_format":"png"}"#;

/// The developer line added when JSON mode is asked and the input never says "json" (F83).
pub const JSON_LINE: &str = "Answer with a single JSON object.";

/// The wire word for a service tier, if the backend takes it.
#[must_use]
pub fn service_tier(word: &str) -> Option<&'static str> {
    SERVICE_TIERS
        .iter()
        .find(|(from, _)| *from == word)
        .map(|(_, to)| *to)
}

/// The wire word for a reasoning effort.
#[must_use]
pub fn effort(word: &str) -> &str {
    EFFORTS
        .iter()
        .find(|(from, _)| *from == word)
        .map_or(word, |(_, to)| to)
}

#[cfg(test)]
mod tests;
