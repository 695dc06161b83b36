//! The table of paths: which place each one is, which methods it takes, and in whose dialect its errors are written (F57, F75–F82).
//!
//! Only the table; what happens at a place is in `surface`, which asks here once per request.

use http::Method;
use protocol::Dialect;
use protocol::images::Kind;

use crate::gemini::{self, Action};
use crate::reply::Shape;
use crate::usage;

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'p> {
    Root,
    Health,
    Inference(Inference),
    /// A Gemini call: the model stands in the path, as the client spelled it (F80).
    Generate(Inference, &'p str),
    /// `POST /v1/messages/count_tokens` and `…:countTokens` (F79).
    CountTokens(Dialect),
    /// Where the Codex CLI first tries a WebSocket (F82, T192).
    WebSocket,
    Models,
    Model(&'p str),
    CodexModels,
    /// What the Codex CLI asks before it lets a person type; true: of the Codex accounts alone.
    Usage(bool),
    /// `/v1beta/models` (F81).
    GeminiModels,
    GeminiModel(&'p str),
    /// The Images API (F95, F96).
    Images(Kind),
    /// A path of the public API that this version does not serve.
    Unknown(Shape),
}

/// One of the inference calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inference {
    pub dialect: Dialect,
    /// The path, for journal and log.
    pub path: &'static str,
    pub compact: bool,
    /// Only Codex accounts, native events (F82).
    pub codex: bool,
    /// Vectors in place of an answer (F78).
    pub embeds: bool,
}

pub(crate) const CHAT: Inference = Inference {
    dialect: Dialect::Chat,
    path: "/v1/chat/completions",
    compact: false,
    codex: false,
    embeds: false,
};
pub(crate) const RESPONSES: Inference = Inference {
    dialect: Dialect::Responses,
    path: "/v1/responses",
    compact: false,
    codex: false,
    embeds: false,
};
pub(crate) const COMPACT: Inference = Inference {
    compact: true,
    path: "/v1/responses/compact",
    ..RESPONSES
};
pub(crate) const CODEX: Inference = Inference {
    codex: true,
    path: "/codex/v1/responses",
    ..RESPONSES
};
pub(crate) const CODEX_COMPACT: Inference = Inference {
    codex: true,
    path: "/codex/v1/responses/compact",
    ..COMPACT
};

pub(crate) const MESSAGES: Inference = Inference {
    dialect: Dialect::Messages,
    path: "/v1/messages",
    compact: false,
    codex: false,
    embeds: false,
};

pub(crate) const GENERATE: Inference = Inference {
    dialect: Dialect::Gemini,
    path: "/v1beta/models:generateContent",
    compact: false,
    codex: false,
    embeds: false,
};
pub(crate) const GENERATE_STREAM: Inference = Inference {
    path: "/v1beta/models:streamGenerateContent",
    ..GENERATE
};
pub(crate) const IMAGE_GENERATIONS: Inference = Inference {
    path: "/v1/images/generations",
    ..RESPONSES
};
pub(crate) const IMAGE_EDITS: Inference = Inference {
    path: "/v1/images/edits",
    ..RESPONSES
};

/// Errors have the shape that Chat and Responses share.
pub(crate) const EMBEDDINGS: Inference = Inference {
    path: "/v1/embeddings",
    embeds: true,
    ..CHAT
};

/// The same in the words of Gemini (F78, F80).
pub(crate) const EMBED: Inference = Inference {
    path: "/v1beta/models:embedContent",
    embeds: true,
    ..GENERATE
};
pub(crate) const EMBED_BATCH: Inference = Inference {
    path: "/v1beta/models:batchEmbedContents",
    ..EMBED
};

/// The table of paths: the place, and the methods it takes.
pub(crate) fn place(path: &str) -> (Place<'_>, &'static [Method]) {
    const GET: &[Method] = &[Method::GET, Method::HEAD];
    const POST: &[Method] = &[Method::POST];
    const POST_OR_UPGRADE: &[Method] = &[Method::POST, Method::GET];
    match path {
        "/" => (Place::Root, GET),
        "/health" => (Place::Health, GET),
        "/v1/chat/completions" => (Place::Inference(CHAT), POST),
        "/v1/responses" => (Place::Inference(RESPONSES), POST_OR_UPGRADE),
        "/v1/responses/compact" => (Place::Inference(COMPACT), POST),
        "/codex/v1/responses" => (Place::Inference(CODEX), POST_OR_UPGRADE),
        "/codex/v1/responses/compact" => (Place::Inference(CODEX_COMPACT), POST),
        "/v1/messages" => (Place::Inference(MESSAGES), POST),
        "/v1/messages/count_tokens" => (Place::CountTokens(Dialect::Messages), POST),
        "/v1/embeddings" => (Place::Inference(EMBEDDINGS), POST),
        "/v1/images/generations" => (Place::Images(Kind::Generation), POST),
        "/v1/images/edits" => (Place::Images(Kind::Edit), POST),
        "/v1/models" => (Place::Models, GET),
        "/codex/v1/models" => (Place::CodexModels, GET),
        "/v1beta/models" => (Place::GeminiModels, GET),
        _ => {
            let beta = path.strip_prefix("/v1beta/models/");
            let rest = beta.or_else(|| path.strip_prefix("/v1/models/"));
            match rest.and_then(gemini::asked) {
                Some((model, Action::Generate)) => return (Place::Generate(GENERATE, model), POST),
                Some((model, Action::Stream)) => {
                    return (Place::Generate(GENERATE_STREAM, model), POST);
                }
                Some((model, Action::Embed)) => return (Place::Generate(EMBED, model), POST),
                Some((model, Action::EmbedBatch)) => {
                    return (Place::Generate(EMBED_BATCH, model), POST);
                }
                Some((_, Action::Count)) => return (Place::CountTokens(Dialect::Gemini), POST),
                None => {}
            }
            if let Some(id) = beta.filter(|id| !id.is_empty() && !id.contains(':')) {
                return (Place::GeminiModel(id), GET);
            }
            if let Some(id) = path.strip_prefix("/v1/models/")
                && !id.is_empty()
                && !id.contains(':')
            {
                return (Place::Model(id), GET);
            }
            if let Some(codex_only) = usage::asked(path) {
                return (Place::Usage(codex_only), GET);
            }
            let shape = if path.starts_with("/v1beta") || path.starts_with("/v1/models/") {
                Shape::Of(Dialect::Gemini)
            } else if path.starts_with("/v1/messages") {
                Shape::Of(Dialect::Messages)
            } else if path.starts_with("/v1/chat") {
                Shape::Of(Dialect::Chat)
            } else {
                Shape::Of(Dialect::Responses)
            };
            (Place::Unknown(shape), &[])
        }
    }
}

pub(crate) fn shape(place: &Place<'_>) -> Shape {
    match place {
        Place::Inference(call) | Place::Generate(call, _) => Shape::Of(call.dialect),
        Place::CountTokens(dialect) => Shape::Of(*dialect),
        Place::GeminiModels | Place::GeminiModel(_) => Shape::Of(Dialect::Gemini),
        Place::Unknown(shape) => *shape,
        Place::Root
        | Place::Health
        | Place::WebSocket
        | Place::Models
        | Place::Model(_)
        | Place::Images(_)
        | Place::CodexModels
        | Place::Usage(_) => Shape::Of(Dialect::Responses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_place_and_the_nearest_dialect() {
        let cases = [
            ("/v1/chat/completions", Place::Inference(CHAT)),
            ("/v1/responses/compact", Place::Inference(COMPACT)),
            ("/codex/v1/responses", Place::Inference(CODEX)),
            ("/v1/models/gpt-5.5", Place::Model("gpt-5.5")),
            ("/v1/models/vendor/name", Place::Model("vendor/name")),
            (
                "/v1/models/m:generateContent",
                Place::Generate(GENERATE, "m"),
            ),
            (
                "/v1beta/models/a/b:streamGenerateContent",
                Place::Generate(GENERATE_STREAM, "a/b"),
            ),
            (
                "/v1beta/models/m:countTokens",
                Place::CountTokens(Dialect::Gemini),
            ),
            ("/v1beta/models", Place::GeminiModels),
            ("/v1beta/models/m", Place::GeminiModel("m")),
            ("/v1beta/models/m:embedContent", Place::Generate(EMBED, "m")),
            (
                "/v1/models/a/b:batchEmbedContents",
                Place::Generate(EMBED_BATCH, "a/b"),
            ),
            (
                "/v1beta/models/m:predict",
                Place::Unknown(Shape::Of(Dialect::Gemini)),
            ),
            ("/v1/messages", Place::Inference(MESSAGES)),
            (
                "/v1/messages/count_tokens",
                Place::CountTokens(Dialect::Messages),
            ),
            ("/v1/embeddings", Place::Inference(EMBEDDINGS)),
            ("/v1/images/generations", Place::Images(Kind::Generation)),
            ("/v1/images/edits", Place::Images(Kind::Edit)),
            (
                "/v1/messages/batches",
                Place::Unknown(Shape::Of(Dialect::Messages)),
            ),
            ("/v1/chat/other", Place::Unknown(Shape::Of(Dialect::Chat))),
            ("/etc/passwd", Place::Unknown(Shape::Of(Dialect::Responses))),
        ];
        for (path, expected) in cases {
            assert_eq!(place(path).0, expected, "{path}");
        }
    }
}
