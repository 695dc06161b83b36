//! The registry of translations between different dialects.
//!
//! Requests, streams and whole answers of every pair that is not a pass-through: each goes through the common form in [`crate::canonical`]. A missing pair does
//! not compile. Called by `prepare` and `answer` alone.

use bytes::Bytes;

mod stream;

pub(crate) use stream::{StreamTranslator, json_to_stream, translate_json};

use crate::{
    canonical::request::Losses,
    chat,
    names::ToolNames,
    responses,
    rope::Rope,
    types::{Dialect, Head, Loss, Options, ReasoningOutput, RequestError, Target},
};

/// What a translated answer needs to know of its request.
#[derive(Debug, Clone, Default)]
pub(crate) struct HubState {
    names: ToolNames,
    /// The name the client asked for (T204); empty for the upstream's own.
    model: String,
    include_usage: bool,
    reasoning: ReasoningOutput,
    /// Unix seconds.
    created: u64,
    /// Ids derive from it; empty for the upstream's own.
    request_id: String,
    /// What a Responses answer repeats of its request.
    echo: String,
    /// The client is a native Codex client.
    pub(crate) codex_client: bool,
}

impl HubState {
    /// For an answer that stays in its dialect but changes between stream and JSON (T184, T185); `echo_model` is the name the
    /// client asked for, where another was sent.
    pub(crate) fn same_dialect(echo_model: Option<Box<str>>) -> Self {
        Self {
            model: echo_model.map(String::from).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// A translated request.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) body: Rope,
    pub(crate) state: HubState,
    pub(crate) losses: Vec<Loss>,
}

/// Client request → upstream request of another dialect.
pub(crate) fn translate_request(
    from: Dialect,
    to: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
) -> Result<Translated, RequestError> {
    let text = std::str::from_utf8(body)
        .map_err(|_| RequestError::body("The request body is not UTF-8 text."))?;
    let mut losses = Losses::default();
    let request = match from {
        Dialect::Chat => chat::request_decode::decode(text, &mut losses)?,
        Dialect::Responses => responses::request_decode::decode(text, &mut losses)?,
    };
    let echo = match from {
        Dialect::Chat => String::new(),
        Dialect::Responses => responses::answer::echo(&request),
    };
    let (body, names) = match to {
        Target::Chat => {
            let flatten = from != Dialect::Chat;
            chat::request_encode::encode(request, flatten, body, head, options, &mut losses)?
        }
        Target::Responses | Target::Codex => {
            responses::request_encode::encode(request, to, body, head, options, &mut losses)?
        }
    };
    let state = HubState {
        names,
        model: head
            .model
            .as_deref()
            .or(options.model)
            .unwrap_or_default()
            .to_owned(),
        include_usage: head.include_usage,
        reasoning: options.reasoning,
        created: u64::try_from(options.created).unwrap_or(0),
        request_id: options.request_id.to_owned(),
        echo,
        codex_client: options.codex_client,
    };
    Ok(Translated {
        body,
        state,
        losses: losses.0,
    })
}
