//! What a simulator is made of: its clock, its models, its accounts and its relay keys. Plain values, read once by `world`.

use std::{fmt, sync::Arc};

use crate::quota::Quota;

/// The simulator's own wall clock, in unix seconds: it plays a foreign machine, which has its own idea of the time.
#[derive(Clone)]
pub struct Now(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Now {
    /// A clock of the caller's making.
    pub fn new(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The machine's clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator stands for another machine; its clock can be replaced in Setup"
    )]
    pub fn system() -> Self {
        Self::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
        })
    }

    /// Unix seconds.
    #[must_use]
    pub fn read(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Loopback port; 0 takes a free one.
    pub port: u16,
    /// How many requests are remembered; older ones are forgotten.
    pub keep_requests: usize,
    /// Its wall clock.
    pub now: Now,
    /// The Codex backend's catalogue.
    pub models: Vec<Model>,
    /// Whether `response.completed` of the Codex backend carries `"output":[]`, as the real one mostly does (codex-backend.md 9.1).
    pub empty_completed_output: bool,
    /// Whether encrypted reasoning of one account is refused by another (codex-backend.md 9.7).
    pub bind_encrypted_content: bool,
    /// Whether the Codex backend refuses bodies without `instructions` (lite requests apart); the real one's mind is not settled.
    pub require_instructions: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            port: 0,
            keep_requests: 10_000,
            now: Now::system(),
            models: codex_models(),
            empty_completed_output: true,
            bind_encrypted_content: true,
            require_instructions: true,
        }
    }
}

/// One model of the Codex catalogue.
#[derive(Debug, Clone)]
pub struct Model {
    /// The name in requests.
    pub slug: String,
    /// Reasoning efforts it tells; the first is the default.
    pub efforts: Vec<String>,
    /// Whether it refuses other efforts.
    pub strict_efforts: bool,
    /// Client version from which it is offered and served.
    pub minimal_client_version: String,
    /// Whether pickers show it.
    pub listed: bool,
    /// Whether it wants the "responses lite" request form from the Codex CLI.
    pub lite: bool,
    /// Plans that may use it; empty = all.
    pub plans: Vec<String>,
    /// Context window in tokens.
    pub context_window: u64,
}

impl Model {
    /// A listed model with the usual efforts, for all plans.
    #[must_use]
    pub fn new(slug: &str, minimal_client_version: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            efforts: ["medium", "low", "high", "xhigh"]
                .map(str::to_owned)
                .to_vec(),
            strict_efforts: false,
            minimal_client_version: minimal_client_version.to_owned(),
            listed: true,
            lite: false,
            plans: Vec::new(),
            context_window: 272_000,
        }
    }
}

/// A catalogue like the one of codex-backend.md section 7.
#[must_use]
pub fn codex_models() -> Vec<Model> {
    let mut sol = Model::new("gpt-5.6-sol", "0.144.0");
    sol.lite = true;
    sol.plans = ["plus", "pro", "team", "business", "enterprise"]
        .map(str::to_owned)
        .to_vec();
    let mut mini = Model::new("gpt-5.4-mini", "0.98.0");
    mini.listed = false;
    let mut astra = Model::new("gpt-6-astra", "0.153.0");
    astra.strict_efforts = true;
    vec![
        astra,
        sol,
        Model::new("gpt-5.5", "0.124.0"),
        Model::new("gpt-5.4", "0.98.0"),
        mini,
        Model::new("gpt-5.2", "0.0.1"),
    ]
}

/// A ChatGPT account to add.
#[derive(Debug, Clone)]
pub struct AccountSetup {
    /// Sign-in address; also the account's label in answers and in [`crate::Seen::account`].
    pub email: String,
    /// Workspace id (`chatgpt_account_id`), the value of the account header.
    pub account_id: String,
    /// Person id (`chatgpt_user_id`).
    pub user_id: String,
    /// Plan word, as in the JWT.
    pub plan: String,
    /// Lifetime of access tokens in seconds; 0 or negative = expired at birth.
    pub access_ttl_s: i64,
    /// Names of the models it may use; `None` = those of its plan.
    pub models: Option<Vec<String>>,
    /// What its quota headers say at first.
    pub quota: Quota,
}

impl AccountSetup {
    /// A plus account with fresh tokens and a mostly unused quota; ids derive from the address.
    #[must_use]
    pub fn new(email: &str) -> Self {
        let name = email.split('@').next().unwrap_or(email);
        Self {
            email: email.to_owned(),
            account_id: format!("acc-{name}"),
            user_id: format!("user-{name}"),
            plan: "plus".to_owned(),
            access_ttl_s: 864_000,
            models: None,
            quota: Quota::default(),
        }
    }

    /// The same with another plan word.
    #[must_use]
    pub fn plan(mut self, plan: &str) -> Self {
        self.plan = plan.to_owned();
        self
    }

    /// The same with access tokens that live this long; 0 or negative = expired at birth.
    #[must_use]
    pub fn access_ttl_s(mut self, seconds: i64) -> Self {
        self.access_ttl_s = seconds;
        self
    }
}

/// A relay key to add.
#[derive(Debug, Clone)]
pub struct KeySetup {
    /// The bearer key.
    pub key: String,
    /// Its label in answers and in [`crate::Seen::account`]; the key is never used as one.
    pub label: String,
    /// Whether `/v1/chat/completions` answers.
    pub chat: bool,
    /// Whether `/v1/responses` answers.
    pub responses: bool,
    /// Whether `/v1/messages` answers.
    pub messages: bool,
    /// Whether `/v1beta/models/{model}:generateContent` answers.
    pub gemini: bool,
    /// Whether `/v1/responses/compact` answers.
    pub compact: bool,
    /// Whether `/v1/images/*` answers.
    pub images: bool,
    /// Models it serves; empty = every name.
    pub models: Vec<String>,
}

impl KeySetup {
    /// A key for every dialect and every model.
    #[must_use]
    pub fn new(key: &str) -> Self {
        let label = "relay".to_owned();
        Self {
            key: key.to_owned(),
            label,
            chat: true,
            responses: true,
            messages: true,
            gemini: true,
            compact: true,
            images: true,
            models: Vec::new(),
        }
    }

    /// The same with a label.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// The same for Chat Completions only.
    #[must_use]
    pub fn chat_only(mut self) -> Self {
        (self.chat, self.responses, self.messages, self.compact) = (true, false, false, false);
        self.gemini = false;
        self.images = false;
        self
    }

    /// The same for Responses only.
    #[must_use]
    pub fn responses_only(mut self) -> Self {
        (self.chat, self.responses, self.messages) = (false, true, false);
        self.gemini = false;
        self.images = false;
        self
    }

    /// The same for Anthropic Messages only.
    #[must_use]
    pub fn messages_only(mut self) -> Self {
        (self.chat, self.responses, self.messages, self.compact) = (false, false, true, false);
        (self.gemini, self.images) = (false, false);
        self
    }

    /// The same with the Images API.
    #[must_use]
    pub fn with_images(mut self) -> Self {
        self.images = true;
        self
    }

    /// The same for Gemini only.
    #[must_use]
    pub fn gemini_only(mut self) -> Self {
        (self.chat, self.responses, self.messages, self.compact) = (false, false, false, false);
        self.images = false;
        self
    }

    /// The same with a closed list of models.
    #[must_use]
    pub fn models(mut self, models: &[&str]) -> Self {
        self.models = models.iter().map(|name| (*name).to_owned()).collect();
        self
    }
}
