//! What the relay form asks before there is an account (F99, F104).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A base URL as typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RelayPreviewRequest {
    pub base_url: String,
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`.
    pub format: String,
}

/// Where requests will go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelayPreview {
    /// The normalised base URL.
    pub base_url: Option<String>,
    pub urls: Option<RelayUrls>,
    /// Why it cannot be used, in words.
    pub problem: Option<String>,
}

/// The addresses below a base URL.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelayUrls {
    /// Where a request of this format goes.
    pub request: String,
    /// Where the model list is read.
    pub models: String,
}

/// Asks a relay for its models with a key that is not kept.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RelayModelsRequest {
    pub base_url: String,
    pub format: String,
    #[schema(write_only)]
    pub key: String,
    #[serde(default)]
    pub proxy: Option<String>,
    /// How the key is carried; null: as the format does.
    #[serde(default)]
    pub auth: Option<String>,
}

/// What it offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelayModels {
    pub models: Vec<String>,
    pub latency_ms: u64,
}
