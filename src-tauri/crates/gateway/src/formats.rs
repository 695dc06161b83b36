//! Which formats of accounts can serve a call, best first (F101). Tables only; the choice among accounts is the pool's. Called by `attempt` and,
//! for what the Codex CLI asks about usage, by `surface`.

use pool::Format;
use protocol::Dialect;

use crate::paths::Inference;

/// Which formats can serve a call, best first (F101).
pub(crate) fn formats(call: &Inference) -> &'static [Format] {
    if call.embeds {
        return match call.dialect {
            Dialect::Gemini => &[Format::Gemini, Format::OpenAi, Format::Responses],
            Dialect::Chat | Dialect::Responses | Dialect::Messages => {
                &[Format::OpenAi, Format::Responses, Format::Gemini]
            }
        };
    }
    match (call.codex, call.compact, call.dialect) {
        (true, _, _) => &[Format::Codex],
        (_, true, _) => &[Format::Codex, Format::Responses],
        (_, _, Dialect::Chat) => &[
            Format::OpenAi,
            Format::Responses,
            Format::Codex,
            Format::Anthropic,
            Format::Gemini,
        ],
        (_, _, Dialect::Responses) => &[
            Format::Responses,
            Format::Codex,
            Format::OpenAi,
            Format::Anthropic,
            Format::Gemini,
        ],
        (_, _, Dialect::Messages) => &[
            Format::Anthropic,
            Format::Responses,
            Format::Codex,
            Format::OpenAi,
            Format::Gemini,
        ],
        (_, _, Dialect::Gemini) => &[
            Format::Gemini,
            Format::Responses,
            Format::Codex,
            Format::Anthropic,
            Format::OpenAi,
        ],
    }
}

/// The same without ChatGPT accounts: a model that draws answers no one there in words.
pub(crate) fn of_keys(call: &Inference) -> &'static [Format] {
    match (call.codex, call.compact, call.dialect) {
        (true, _, _) => &[],
        (_, true, _) => &[Format::Responses],
        (_, _, Dialect::Chat) => &[
            Format::OpenAi,
            Format::Responses,
            Format::Anthropic,
            Format::Gemini,
        ],
        (_, _, Dialect::Responses) => &[
            Format::Responses,
            Format::OpenAi,
            Format::Anthropic,
            Format::Gemini,
        ],
        (_, _, Dialect::Messages) => &[
            Format::Anthropic,
            Format::Responses,
            Format::OpenAi,
            Format::Gemini,
        ],
        (_, _, Dialect::Gemini) => &[
            Format::Gemini,
            Format::Responses,
            Format::Anthropic,
            Format::OpenAi,
        ],
    }
}
