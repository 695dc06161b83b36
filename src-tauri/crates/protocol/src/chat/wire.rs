//! The words of the Chat Completions dialect: names of fields and values that both directions share.
//!
//! No behaviour. Called by the other files of this folder.

use crate::canonical::event::Finish;

/// The last frame of a stream (T162).
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// The output modality that has no counterpart (T24).
pub(crate) const AUDIO_MODALITY: &str = "audio";

/// Fields of a request that mean nothing to any other dialect and may go without a word: they are the gateway's own business or a client's bookkeeping.
pub(crate) const QUIET: &[&str] = &["model", "stream", "stream_options", "n"];

/// Reads a `finish_reason` (table C1). Calls are known from the items; words nobody knows count as a whole answer.
pub(crate) fn read_finish(word: &str) -> Finish {
    match word {
        "length" | "model_length" | "max_tokens" => Finish::Length,
        "content_filter" | "sensitive" => Finish::Filter,
        _ => Finish::Stop,
    }
}

/// Whether a `finish_reason` is a word of the dialect, or one that says the same.
pub(crate) fn has_finish(word: &str) -> bool {
    read_finish(word) != Finish::Stop || matches!(word, "stop" | "tool_calls" | "function_call")
}

/// The `finish_reason` of an answer (table C1, T79, T142).
pub(crate) const fn finish_word(finish: Finish, has_calls: bool) -> &'static str {
    match finish {
        Finish::Length => "length",
        Finish::Filter => "content_filter",
        Finish::Stop if has_calls => "tool_calls",
        Finish::Stop => "stop",
    }
}

/// Models of the vendor that refuse `max_tokens` and want `max_completion_tokens` (T140); all other servers know the older name.
pub(crate) const WANTS_COMPLETION_TOKENS: &[&str] = &["gpt-5", "gpt-6", "o1", "o3", "o4"];

/// Models that search the web, by a part of their name; others of the dialect cannot be asked to (T55).
pub(crate) const SEARCH_MODELS: &[&str] = &["-search-preview", "-search-api"];

/// The longest id of a call the dialect takes (T73).
pub(crate) const LONGEST_CALL_ID: usize = 40;
