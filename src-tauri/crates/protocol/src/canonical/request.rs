//! A request in the common form: settings, items, tools. Borrowed from the client's body wherever possible.
//!
//! Text keeps its JSON spelling. Numbers and free-form objects are kept as raw JSON. Called by the dialects' request decoders and encoders.

use std::borrow::Cow;

use crate::{
    json::{
        read::{Malformed, Reader},
        text::Text,
    },
    types::{Dialect, Loss, LossKind},
};

/// A whole request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Request<'a> {
    /// Instructions that stand before everything else (T6).
    pub(crate) instructions: Option<Text<'a>>,
    /// The conversation, oldest first.
    pub(crate) items: Vec<Item<'a>>,
    /// The tools on offer.
    pub(crate) tools: Vec<Tool<'a>>,
    /// Which of them the model may or must call.
    pub(crate) tool_choice: Option<ToolChoice<'a>>,
    /// Everything else.
    pub(crate) settings: Settings<'a>,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The older name of `developer`.
    System,
    /// The application.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One item of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item<'a> {
    /// Something said.
    Message {
        role: Role,
        parts: Vec<Part<'a>>,
        phase: Option<Text<'a>>,
    },
    /// Reasoning: what Chat servers call `reasoning_content` when it has no seal. A sealed one is replayed to its origin alone (T90).
    Reasoning {
        text: Text<'a>,
        seal: Option<Seal<'a>>,
    },
    /// A tool call of the model.
    Call(Call<'a>),
    /// A tool's result.
    Output {
        call_id: Text<'a>,
        parts: Vec<Part<'a>>,
    },
    /// An item only its own dialect knows; rides along as it is and reaches no other dialect.
    Opaque {
        origin: Dialect,
        kind: Text<'a>,
        native: &'a str,
        place: usize,
    },
}

/// The proof of an item of reasoning, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seal<'a> {
    /// The dialect of the provider that made it.
    pub(crate) origin: Dialect,
    /// The signature or the sealed thoughts.
    pub(crate) text: Text<'a>,
    /// There are no readable thoughts beside it (T95).
    pub(crate) redacted: bool,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call<'a> {
    /// Joins the call to its output.
    pub(crate) call_id: Text<'a>,
    /// The tool's own name.
    pub(crate) name: Text<'a>,
    /// The container the tool lives in (T50).
    pub(crate) namespace: Option<Text<'a>>,
    /// JSON arguments as text, or the raw input of a custom tool.
    pub(crate) input: Text<'a>,
    /// A freeform tool (T51).
    pub(crate) custom: bool,
}

/// A piece of a message or of a tool's result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part<'a> {
    /// Words.
    Text(Text<'a>),
    /// Words that refuse.
    Refusal(Text<'a>),
    /// A picture by URL or data URL. A data URL may be in two pieces, so that large pictures are never copied to join them.
    Image {
        url: Text<'a>,
        tail: Text<'a>,
        detail: Option<Text<'a>>,
    },
    /// A file by data URL or by URL.
    File {
        data: Option<Text<'a>>,
        url: Option<Text<'a>>,
        name: Option<Text<'a>>,
    },
    /// Sound, base64.
    Audio { data: Text<'a>, format: Text<'a> },
}

/// A tool on offer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tool<'a> {
    /// Takes JSON arguments.
    Function {
        name: Text<'a>,
        namespace: Option<Text<'a>>,
        description: Option<Text<'a>>,
        parameters: Option<Cow<'a, str>>,
        strict: Option<bool>,
    },
    /// Takes free text, perhaps by a grammar.
    Custom {
        name: Text<'a>,
        namespace: Option<Text<'a>>,
        description: Option<Text<'a>>,
        format: Option<&'a str>,
        /// Its client reads calls of it as those of a function (T53).
        as_function: bool,
    },
    /// Runs at its own provider; no other dialect has it (T56, T59).
    Hosted {
        origin: Dialect,
        kind: Text<'a>,
        native: &'a str,
    },
}

impl<'a> Tool<'a> {
    /// Its namespace and name, when it is one the client runs.
    pub(crate) fn named(&self) -> Option<(Option<&Text<'a>>, &Text<'a>)> {
        match self {
            Self::Function {
                name, namespace, ..
            }
            | Self::Custom {
                name, namespace, ..
            } => Some((namespace.as_ref(), name)),
            Self::Hosted { .. } => None,
        }
    }
}

/// Which tools the model may or must call (table C4).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ToolChoice<'a> {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Chosen<'a>),
    /// A tool that runs at the provider, by its name or type.
    Hosted(Text<'a>),
    /// Only these; with `required`, at least one of them.
    Allowed {
        required: bool,
        tools: Vec<Chosen<'a>>,
    },
}

/// A tool named by a choice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen<'a> {
    pub(crate) namespace: Option<Text<'a>>,
    pub(crate) name: Text<'a>,
    pub(crate) custom: bool,
}

/// The shape the answer's text must have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format<'a> {
    /// Any JSON object.
    JsonObject,
    /// JSON by a schema.
    JsonSchema {
        name: Option<Text<'a>>,
        description: Option<Text<'a>>,
        schema: Option<Cow<'a, str>>,
        strict: Option<bool>,
    },
}

/// Limits, sampling and hints. Raw values are JSON texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings<'a> {
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) temperature: Option<&'a str>,
    pub(crate) top_p: Option<&'a str>,
    pub(crate) frequency_penalty: Option<&'a str>,
    pub(crate) presence_penalty: Option<&'a str>,
    pub(crate) seed: Option<&'a str>,
    pub(crate) stop: Option<&'a str>,
    pub(crate) logit_bias: Option<&'a str>,
    pub(crate) logprobs: bool,
    pub(crate) top_logprobs: Option<&'a str>,
    pub(crate) parallel_tool_calls: Option<bool>,
    pub(crate) effort: Option<Text<'a>>,
    pub(crate) summary: Option<Text<'a>>,
    pub(crate) format: Option<Format<'a>>,
    pub(crate) verbosity: Option<Text<'a>>,
    pub(crate) store: Option<bool>,
    pub(crate) metadata: Option<&'a str>,
    pub(crate) user: Option<Text<'a>>,
    pub(crate) safety_identifier: Option<Text<'a>>,
    pub(crate) prompt_cache_key: Option<Text<'a>>,
    pub(crate) prompt_cache_retention: Option<Text<'a>>,
    pub(crate) service_tier: Option<Text<'a>>,
}

/// Collects losses while a request is decoded and encoded.
#[derive(Debug, Default)]
pub(crate) struct Losses(pub(crate) Vec<Loss>);

/// Names of members nobody knows are cut here, in bytes.
const LONGEST_KEY: usize = 64;

/// Unknown members are no longer told once a request has lost so much.
const MOST_LOSSES: usize = 64;

impl Losses {
    /// Something left out.
    pub(crate) fn dropped(&mut self, field: impl Into<Cow<'static, str>>, reason: &'static str) {
        self.push(LossKind::Dropped, field.into(), reason);
    }

    /// Something carried over with a near meaning.
    pub(crate) fn approximated(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        reason: &'static str,
    ) {
        self.push(LossKind::Approximated, field.into(), reason);
    }

    /// Leaves out a member that nobody here knows. It may stand at a place of which there are many, so each name is told once, and a client's
    /// bookkeeping that holds nothing not at all.
    #[cold]
    #[inline(never)]
    pub(crate) fn unknown(
        &mut self,
        place: &str,
        key: &str,
        value: &mut Reader<'_>,
    ) -> Result<(), Malformed> {
        if !matches!(value.raw()?, "null" | "\"\"" | "[]" | "{}" | "false" | "0") {
            self.unknown_key(place, key);
        }
        Ok(())
    }

    /// The same for a member that was seen before.
    pub(crate) fn unknown_key(&mut self, place: &str, key: &str) {
        let key = &key[..key.floor_char_boundary(LONGEST_KEY)];
        let told = |loss: &Loss| {
            let rest = loss.field.strip_prefix(place);
            rest.and_then(|rest| rest.strip_prefix('.')) == Some(key)
        };
        if self.0.len() < MOST_LOSSES && !self.0.iter().any(told) {
            self.dropped(
                format!("{place}.{key}"),
                "it has no place in the account's dialect",
            );
        }
    }

    #[cold]
    #[inline(never)]
    fn push(&mut self, kind: LossKind, field: Cow<'static, str>, reason: &'static str) {
        self.0.push(Loss {
            kind,
            field,
            reason: reason.into(),
        });
    }
}
