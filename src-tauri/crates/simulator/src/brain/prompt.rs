//! What goes into the brain and what comes out: requests and turns without any dialect. Only values.

use serde_json::Value;

/// A tool the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The namespace it was declared in.
    pub namespace: Option<String>,
    /// What its input looks like.
    pub input: ToolInput,
}

/// What a tool's input looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolInput {
    /// JSON after this schema.
    Json(Value),
    /// Free text.
    Text,
    /// The hosted `local_shell` tool: an argument list.
    LocalShell,
}

/// Whether tools must or may be called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// Never.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The form the answer must have.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AnswerForm {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON after this schema.
    Schema(Value),
}

/// A picture in the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Media type, or "url" for a picture that is only referred to.
    pub mime: String,
    /// Size in bytes; 0 when unknown.
    pub bytes: usize,
}

/// What the client wants from the model's thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thinking {
    /// Whether the model thinks at all.
    pub on: bool,
    /// Whether a summary is shown.
    pub summary: bool,
    /// Whether the encrypted form is handed out.
    pub encrypted: bool,
}

/// A request, without its dialect.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// Model name.
    pub model: String,
    /// Text of the last user message.
    pub ask: String,
    /// Pictures in the last user message.
    pub images: Vec<Image>,
    /// Tools on offer.
    pub tools: Vec<Tool>,
    /// Whether to call them.
    pub choice: ToolChoice,
    /// Whether several calls may come at once.
    pub parallel: bool,
    /// Tool results since the last user message or answer.
    pub results: Vec<String>,
    /// The form of the answer.
    pub form: AnswerForm,
    /// Thinking.
    pub thinking: Thinking,
    /// The hosted image tool, where the request demands a picture.
    pub draw: Option<Value>,
    /// Output limit in tokens.
    pub max_output: Option<u64>,
    /// Rough size of the input in tokens.
    pub input_tokens: u64,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Tool name.
    pub name: String,
    /// The namespace it was declared in.
    pub namespace: Option<String>,
    /// Its input.
    pub input: CallInput,
}

/// The input of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallInput {
    /// JSON text.
    Json(String),
    /// Free text.
    Text(String),
    /// An argument list for `local_shell`.
    Command(Vec<String>),
}

impl CallInput {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(text) | Self::Text(text) => text.len(),
            Self::Command(words) => words.iter().map(String::len).sum(),
        }
    }
}

/// Token counts: `input` includes `cached`, `output` includes `reasoning`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All input.
    pub input: u64,
    /// Of it, read from a cache.
    pub cached: u64,
    /// All output.
    pub output: u64,
    /// Of it, thinking.
    pub reasoning: u64,
}

/// What the model produced.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Turn {
    /// Its thinking, when it thought.
    pub reasoning: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// Its calls.
    pub calls: Vec<Call>,
    /// Its picture, as a call of the hosted image tool tells it: `result`, `size` and the like.
    pub picture: Option<Value>,
    /// Whether the output limit cut it.
    pub cut: bool,
    /// Token counts.
    pub usage: Usage,
}
