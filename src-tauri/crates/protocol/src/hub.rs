//! The registry of translations between different dialects.
//!
//! Requests, streams and whole answers of every pair that is not a pass-through: each goes through the common form in [`crate::canonical`]. A missing pair does
//! not compile. Called by `prepare` and `answer` alone.

use bytes::Bytes;

mod stream;
mod words;

pub(crate) use stream::{StreamTranslator, json_to_stream, translate_json};

use crate::{
    canonical::{
        fields::wrong_type,
        lack,
        request::{Losses, Request, Settings, Tool, ToolChoice},
    },
    chat, codex, gemini,
    json::{
        scan,
        text::{Text, whole_surrogates},
    },
    messages,
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
    /// Where the answer's words end (T119); empty where the upstream sees to it.
    stops: Vec<String>,
    /// The client is a native Codex client.
    pub(crate) codex_client: bool,
    /// A stream for the client is one JSON array (T203).
    array: bool,
    /// The request asked for something that names its sources (T31).
    cites: bool,
    /// Input tokens as they are told before the upstream has counted (T151).
    estimate: u64,
}

impl HubState {
    /// For an answer that stays in its dialect but changes between stream and JSON (T184, T185); `echo_model` is the name the
    /// client asked for, where another was sent.
    pub(crate) fn same_dialect(echo_model: Option<Box<str>>, array: bool) -> Self {
        Self {
            model: echo_model.map(String::from).unwrap_or_default(),
            array,
            ..Self::default()
        }
    }

    /// For a Chat answer that stays in its dialect but shows its reasoning elsewhere (F109).
    pub(crate) fn retold(
        echo_model: Option<Box<str>>,
        head: &Head,
        reasoning: ReasoningOutput,
    ) -> Self {
        Self {
            include_usage: head.include_usage,
            reasoning,
            ..Self::same_dialect(echo_model, false)
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
    let body = &whole_surrogates(body);
    let text = std::str::from_utf8(body)
        .map_err(|_| RequestError::body("The request body is not UTF-8 text."))?;
    let mut losses = Losses::default();
    let mut request = match from {
        Dialect::Chat => chat::request_decode::decode(text, &mut losses)?,
        Dialect::Responses => responses::request_decode::decode(text, &mut losses)?,
        Dialect::Messages => messages::request_decode::decode(text, &mut losses)?,
        Dialect::Gemini => gemini::request_decode::decode(text, &mut losses)?,
    };
    // Who speaks Messages and did not ask for thoughts reads the first block as the answer. Gemini shows none unasked (T111).
    let unasked = match from {
        Dialect::Messages | Dialect::Gemini => request.settings.summary.is_none(),
        Dialect::Chat | Dialect::Responses => false,
    };
    let reasoning = if unasked {
        ReasoningOutput::Off
    } else {
        options.reasoning
    };
    name_hosted(&mut request);
    fit(&mut request, from, to, head, &mut losses);
    wishes(&mut request, to, body, head, options, &mut losses);
    let echo = match from {
        Dialect::Chat | Dialect::Messages | Dialect::Gemini => String::new(),
        Dialect::Responses => responses::answer::echo(&request),
    };
    let stops = match (to, request.settings.stop) {
        (Target::Responses | Target::Codex, Some(raw)) => stop_strings(raw, 0, &mut losses)?,
        (Target::Chat, Some(raw)) => stop_strings(raw, lack::CHAT_STOPS, &mut losses)?,
        (Target::Gemini, Some(raw)) => stop_strings(raw, lack::GEMINI_STOPS, &mut losses)?,
        (Target::Messages, _) | (_, None) => Vec::new(),
    };
    let estimate = match from {
        Dialect::Messages => messages::count::estimate(body),
        Dialect::Chat | Dialect::Responses | Dialect::Gemini => 0,
    };
    let cites = request
        .tools
        .iter()
        .any(|tool| matches!(tool, Tool::Hosted { .. }));
    let (body, names) = match to {
        Target::Chat => {
            let flatten = from != Dialect::Chat;
            chat::request_encode::encode(request, flatten, body, head, options, &mut losses)?
        }
        Target::Responses | Target::Codex => {
            responses::request_encode::encode(request, to, body, head, options, &mut losses)?
        }
        Target::Messages => {
            messages::request_encode::encode(request, body, head, options, &mut losses)?
        }
        Target::Gemini => {
            gemini::request_encode::encode(request, body, head, options, &mut losses)?
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
        reasoning,
        created: u64::try_from(options.created).unwrap_or(0),
        request_id: options.request_id.to_owned(),
        echo,
        stops,
        codex_client: options.codex_client,
        array: head.array,
        cites,
        estimate,
    };
    Ok(Translated {
        body,
        state,
        losses: losses.0,
    })
}

/// Messages names a tool that runs at the provider as it names any other.
fn name_hosted(request: &mut Request<'_>) {
    let Some(ToolChoice::Named(chosen)) = &request.tool_choice else {
        return;
    };
    let declared = |tool: &Tool<'_>| {
        tool.named()
            .is_some_and(|(_, name)| name.raw() == chosen.name.raw())
    };
    let hosted = |tool: &Tool<'_>| match tool {
        // Its type is its name and a date.
        Tool::Hosted {
            origin: Dialect::Messages,
            kind,
            ..
        } => kind.raw().starts_with(chosen.name.raw()),
        _ => false,
    };
    if !request.tools.iter().any(declared) && request.tools.iter().any(hosted) {
        request.tool_choice = Some(ToolChoice::Hosted(chosen.name.clone()));
    }
}

/// What the gateway adds to the client's words: a default effort (F90) and the provider's image generation.
fn wishes(
    request: &mut Request<'_>,
    to: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    losses: &mut Losses,
) {
    if let Some(word) = options.default_effort
        && request.settings.effort.is_none()
        // A client that asked not to think has spoken.
        && head.member(body, "thinking").is_none()
    {
        request.settings.effort = Some(Text::spell(word));
    }
    if options.image_tool {
        let native = codex::IMAGE_TOOL;
        match to {
            Target::Responses | Target::Codex => request.tools.push(Tool::Hosted {
                origin: Dialect::Responses,
                kind: Text::spell("image_generation"),
                native,
            }),
            _ => losses.dropped("-image", "the account's dialect has no image generation"),
        }
    }
}

/// What a request says by the nature of its dialect and the target would take for a wish: the effort that stands for a thinking budget, the
/// thoughts that one dialect asks for and another shows anyway, and a key for the target's prompt cache (T96, T111, T133).
fn fit(request: &mut Request<'_>, from: Dialect, to: Target, head: &Head, losses: &mut Losses) {
    let settings = &mut request.settings;
    let measured = |summary: &Text<'_>| !summary.is("auto") && !summary.is("none");
    if to.dialect() != Dialect::Responses && settings.summary.as_ref().is_some_and(measured) {
        losses.approximated(
            "reasoning.summary",
            "thoughts are shown as the account tells them, at no length that could be asked for",
        );
    }
    match from {
        Dialect::Messages | Dialect::Gemini => {}
        Dialect::Chat => {
            // Who asks a Chat server to think is shown its thoughts.
            if to == Target::Gemini && settings.effort.is_some() && settings.summary.is_none() {
                settings.summary = Some(Text::spell("auto"));
            }
            return;
        }
        Dialect::Responses => return,
    }
    match to {
        Target::Chat => {
            nearest_effort(settings, "high", losses);
            settings.summary = None;
        }
        Target::Responses | Target::Codex => {
            nearest_effort(settings, "xhigh", losses);
            settings.prompt_cache_key =
                head.prompt_cache_key.as_deref().map(|key| Text::spell(key));
        }
        Target::Messages | Target::Gemini => {}
    }
}

/// The efforts that every server of the OpenAI dialects knows: a wrong one is a refusal (T96).
fn nearest_effort(settings: &mut Settings<'_>, highest: &'static str, losses: &mut Losses) {
    let Some(effort) = &settings.effort else {
        return;
    };
    let near = if effort.is("minimal") {
        Some("low")
    } else if effort.is("none") {
        None
    } else if effort.is("xhigh") && highest != "xhigh" {
        Some(highest)
    } else {
        return;
    };
    match near {
        Some(_) => losses.approximated(
            "thinking",
            "set to the nearest effort that servers of the dialect know (T96)",
        ),
        None => losses.dropped(
            "thinking",
            "whether the account's model thinks is left to its default",
        ),
    }
    settings.effort = near.map(Text::spell);
}

/// The stop strings of a request beyond those that the account's dialect takes, decoded (T119).
fn stop_strings(raw: &str, taken: usize, losses: &mut Losses) -> Result<Vec<String>, RequestError> {
    let text = raw.as_bytes();
    let mut words = Vec::new();
    let mut wrong = false;
    let mut word = |token: &[u8]| match scan::decode(token) {
        Some(word) if !word.is_empty() => words.push(word.into_owned()),
        Some(_) => {}
        None => wrong = true,
    };
    match text.first() {
        Some(b'[') => {
            let _ = scan::each_element(text, 0, |element| word(&text[element]));
        }
        _ => word(text),
    }
    if wrong {
        return Err(wrong_type(&"stop", "a string or an array of strings"));
    }
    words.drain(..taken.min(words.len()));
    if !words.is_empty() {
        let reason = "the account's dialect takes no more of them: the answer is cut here, and counted as the upstream wrote it (T119)";
        losses.approximated("stop", reason);
    }
    Ok(words)
}
