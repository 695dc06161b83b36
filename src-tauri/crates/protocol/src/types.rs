//! The public words of the crate: what a request says of itself, what a caller may ask, what an answer was seen to hold.
//!
//! Plain values without behaviour beyond small conversions; every other module and both callers use them.

use std::{borrow::Cow, ops::Deref};

use bytes::Bytes;

use crate::{hub::HubState, json::scan::Member, lost::Lost, passthrough::PassState, rope::Rope};

/// What a client speaks. Every registry over it is an exhaustive `match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
    /// Gemini generateContent. Model and kind of answer stand in its path, not in its body.
    Gemini,
}

impl Dialect {
    /// The field of a request that holds the conversation.
    pub(crate) const fn list_of_items(self) -> &'static str {
        match self {
            Self::Responses => "input",
            Self::Chat | Self::Messages => "messages",
            Self::Gemini => "contents",
        }
    }
}

/// What an account speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Responses as the ChatGPT/Codex backend takes it: the profile in [`crate::codex`] applied on top.
    Codex,
    /// Anthropic Messages.
    Messages,
    /// Gemini generateContent.
    Gemini,
}

impl Target {
    /// The dialect this target's answers are written in.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Chat => Dialect::Chat,
            Self::Responses | Self::Codex => Dialect::Responses,
            Self::Messages => Dialect::Messages,
            Self::Gemini => Dialect::Gemini,
        }
    }
}

/// Which call of the dialect a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Route {
    /// `/v1/chat/completions` or `/v1/responses`.
    #[default]
    Answer,
    /// `/v1/responses/compact`: never streamed, no `store` and no `include` (F77).
    Compact,
}

/// What one pass over a request body found (see [`crate::peek()`]).
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// `model`, decoded; `None` when absent, null or empty. A Gemini request names it in its path: the caller puts it here.
    pub model: Option<String>,
    /// `stream`: whether the client wants an event stream. For Gemini the path says so, and the caller puts it here.
    pub stream: bool,
    /// A Gemini client that streams without `alt=sse`: the answer is one JSON array, written piece by piece (T203).
    pub array: bool,
    /// `previous_response_id` (Responses).
    pub previous_response_id: Option<String>,
    /// `prompt_cache_key`: the client's session key. For Messages a word made of `metadata.user_id` (T133).
    pub prompt_cache_key: Option<String>,
    /// `stream_options.include_usage` (Chat).
    pub include_usage: bool,
    /// `n` (Chat) or `generationConfig.candidateCount` (Gemini): how many choices were asked.
    pub n: Option<u64>,
    /// Where the top-level members lie, so that nothing is scanned twice.
    pub(crate) members: Vec<Member>,
}

impl Head {
    /// The last member of that name: duplicate keys read as their last value.
    pub(crate) fn member(&self, body: &[u8], key: &str) -> Option<&Member> {
        self.members
            .iter()
            .rev()
            .find(|member| member.name(body) == key.as_bytes())
    }
}

/// How system messages reach the Codex backend, which refuses them as such (F83).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemRole {
    /// Stay in place with the role renamed to `developer`.
    #[default]
    Developer,
    /// Leading system texts move into `instructions`, in order; later ones are renamed.
    Instructions,
}

/// How a translated Chat answer shows reasoning (F85).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningOutput {
    /// `reasoning_content` beside `content`.
    #[default]
    Field,
    /// Inside `<think>` tags at the head of `content`.
    ThinkTags,
    /// Not at all.
    Off,
}

/// What the caller asks of one request. `Default` changes nothing but what the target demands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Replace `model` by this name; the answer still shows the name the client asked for (T204, F92).
    pub model: Option<&'a str>,
    /// Force `stream` towards the upstream. Codex always streams, whatever stands here.
    pub stream: Option<bool>,
    /// Which call this is.
    pub route: Route,
    /// The client is a native Codex client: private events such as `codex.rate_limits` reach it (T188), and the terminal event's
    /// empty `output` stays empty. Every other client gets the finished items there (T173).
    pub codex_client: bool,
    /// The client sent the responses-lite header: no `instructions` are added.
    pub lite: bool,
    /// What becomes of system messages for Codex.
    pub system_role: SystemRole,
    /// Set `reasoning.effort` to this level, over what the body says.
    pub effort: Option<&'a str>,
    /// The level where the body names none (F90).
    pub default_effort: Option<&'a str>,
    /// Offer the model the provider's own image generation, beside the client's tools (F90, `-image`).
    pub image_tool: bool,
    /// Set `service_tier` to this word, over what the body says.
    pub service_tier: Option<&'a str>,
    /// Send this `prompt_cache_key` when the client sent none (T133).
    pub prompt_cache_key: Option<&'a str>,
    /// Ask a Chat upstream for usage even if the client did not, and hide the extra chunk from it (T154).
    pub ask_usage: bool,
    /// Reasoning in translated Chat answers.
    pub reasoning: ReasoningOutput,
    /// Obey `reasoning` also where a Chat upstream answers a Chat client, whose answer is then no longer byte for byte (F109).
    pub retell_reasoning: bool,
    /// Unix seconds: `created` of a translated answer whose upstream names none.
    pub created: i64,
    /// A unique word of this request, of letters and digits: ids the answer needs and the upstream did not mint derive from it.
    pub request_id: &'a str,
}

/// A request ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// The body for the upstream, `application/json`.
    pub body: Rope,
    /// Whether the upstream was asked to stream (it may answer otherwise).
    pub stream_upstream: bool,
    /// The model's name, for Gemini alone: the caller puts it into the path.
    pub model: Option<String>,
    /// What could not be carried over.
    pub losses: Vec<Loss>,
    /// What the answer's way back needs.
    pub state: RequestState,
}

/// What the answer side must know of the request; opaque to callers, moved into [`crate::Answer::new`].
#[derive(Debug, Clone)]
pub struct RequestState {
    pub(crate) lane: Lane,
}

/// Which way the answer goes back.
#[derive(Debug, Clone)]
pub(crate) enum Lane {
    Pass(PassState),
    Hub(Box<HubState>),
}

/// A request that cannot be served: a 400 for the client, rendered by [`crate::error::render_request_error`].
///
/// One word, because hundreds of readers hand it on; what it says is a [`Refusal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct RequestError(Box<Refusal>);

/// Why a request cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The field at fault, in the client's own words.
    pub param: Option<Cow<'static, str>>,
    /// A closed code word where the dialect knows one.
    pub code: Option<&'static str>,
    /// What is wrong and what to send instead. Never holds parts of the prompt.
    pub message: String,
}

impl Deref for RequestError {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl RequestError {
    /// An error about one field.
    #[must_use]
    pub fn field(param: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Some(param.into()), message.into())
    }

    /// An error about the body as a whole.
    #[must_use]
    pub fn body(message: impl Into<String>) -> Self {
        Self::new(None, message.into())
    }

    /// With a code word.
    #[must_use]
    pub fn coded(mut self, code: Option<&'static str>) -> Self {
        self.0.code = code;
        self
    }

    #[cold]
    #[inline(never)]
    fn new(param: Option<Cow<'static, str>>, message: String) -> Self {
        Self(Box::new(Refusal {
            param,
            code: None,
            message,
        }))
    }
}

/// Something of the request that did not reach the upstream as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Whether it is gone or changed.
    pub kind: LossKind,
    /// Which field or item, for example `temperature` or `input[3].content[0]`.
    pub field: Cow<'static, str>,
    /// Why, for the journal.
    pub reason: Cow<'static, str>,
}

impl Loss {
    /// A field left out.
    #[must_use]
    pub fn dropped(
        field: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: LossKind::Dropped,
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// A field carried over with a near meaning.
    #[must_use]
    pub fn approximated(
        field: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: LossKind::Approximated,
            field: field.into(),
            reason: reason.into(),
        }
    }
}

/// The kinds of [`Loss`]. Refusals are [`RequestError`]s instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// Left out.
    Dropped,
    /// Carried over with a near meaning.
    Approximated,
}

/// Tokens as the upstream counted them; never estimated (F85). Table C2: input includes cached, output includes reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All input tokens.
    pub input: u64,
    /// All output tokens.
    pub output: u64,
    /// Input tokens read from the upstream's cache.
    pub cached: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
    /// Input tokens written to the upstream's cache, part of `input` (Messages).
    pub cache_written: u64,
}

/// How an answer ended by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Terminal {
    /// Whole.
    Completed,
    /// Cut by a limit or a filter, and said so.
    Incomplete,
    /// Ended by an error event.
    Failed,
}

/// What the upstream's answer was seen to hold so far.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The last usage reported (T155: last wins).
    pub usage: Option<Usage>,
    /// The answer has begun: the first content, tool or reasoning event was seen. Before it another account may be tried.
    pub content_started: bool,
    /// The terminal event, once seen.
    pub terminal: Option<Terminal>,
    /// The answer has said why it stops, and its end needs no event of its own (Gemini): an end of the body from here on is no cut.
    pub stopped: bool,
    /// The raw JSON of the error event, for classification.
    pub failure: Option<Bytes>,
    /// The raw JSON of the last `codex.rate_limits` event.
    pub rate_limits: Option<Bytes>,
    /// The model the upstream says it used.
    pub model: Option<String>,
    /// The upstream's id of the answer.
    pub response_id: Option<String>,
    /// How many events were read.
    pub events: u64,
    /// Pictures among what was told (F70).
    pub pictures: u32,
    /// What of it was not carried over, as far as reading showed; for a running translation ask [`crate::Answer::lost`].
    pub lost: Lost,
}

/// How the upstream's body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// End of body. Without a terminal event before it this is a cut all the same (T181).
    Clean,
    /// The connection broke or was given up.
    Cut {
        /// What happened, for the client.
        message: String,
    },
}

/// An answer that cannot be given as a whole JSON body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The upstream said so itself, in an error event or a failed answer.
    #[error("the upstream failed: {}", .error.message)]
    Upstream {
        /// Its error, in our words.
        error: Box<ErrorBody>,
        /// The status the client should see (T184).
        status: u16,
        /// Its raw JSON, for classification.
        raw: Bytes,
    },
    /// The upstream's stream ended before its terminal event.
    #[error("the upstream's answer was cut: {message}")]
    Cut {
        /// What happened.
        message: String,
    },
    /// The upstream's answer is not what its dialect allows.
    #[error("the upstream's answer could not be read: {message}")]
    Unreadable {
        /// What is wrong with it.
        message: String,
    },
}

/// An error made by the gateway, to be told inside a running stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayError {
    /// The HTTP status it would have had.
    pub status: u16,
    /// A closed code word, for example `stream_disconnected`.
    pub code: Cow<'static, str>,
    /// What happened and what to do.
    pub message: String,
}

/// The content of an error in any dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorBody {
    /// What happened and what to do.
    pub message: String,
    /// The dialect's error type, for example `invalid_request_error`; `gateway_error` for our own.
    pub kind: Cow<'static, str>,
    /// A code word, if there is one.
    pub code: Option<Cow<'static, str>>,
    /// The request field at fault, if it is one.
    pub param: Option<Cow<'static, str>>,
}
