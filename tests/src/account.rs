//! Accounts of a test: what they are in the simulated upstream and how they get into the application.

use crate::app::TestApp;
use simulator::{AccountSetup, KeySetup, RelayKey, Scripted, SimAccount, Simulator, Step};

/// A model that the simulated ChatGPT accounts serve.
pub const CODEX_MODEL: &str = "gpt-5.4";
/// A model that the simulated relays serve.
pub const RELAY_MODEL: &str = "relay-model-1";
/// Another one.
pub const OTHER_RELAY_MODEL: &str = "relay-model-2";
/// Another one that the simulated ChatGPT accounts serve.
pub const OTHER_CODEX_MODEL: &str = "gpt-5.5";

/// Ten days, as the real ones live.
const TOKEN_LIFE_S: i64 = 864_000;

/// An account to start an application with.
pub struct Account {
    kind: Kind,
    steps: Vec<Step>,
}

enum Kind {
    Codex(Box<AccountSetup>),
    Relay {
        format: &'static str,
        setup: Box<KeySetup>,
    },
}

/// An account in the simulated upstream.
pub enum SimUpstream {
    /// A ChatGPT account.
    Codex(SimAccount),
    /// A key of a relay.
    Relay { key: RelayKey, format: &'static str },
}

/// A ChatGPT account with fresh tokens.
#[must_use]
pub fn codex(label: &str) -> Account {
    let setup = AccountSetup::new(&format!("{label}@example.com"));
    Account {
        kind: Kind::Codex(Box::new(setup)),
        steps: Vec::new(),
    }
}

/// A relay account that speaks Chat Completions.
#[must_use]
pub fn relay_chat(label: &str) -> Account {
    relay(label, "openai", |key| key.chat_only().with_images())
}

/// A relay account that speaks Responses.
#[must_use]
pub fn relay_responses(label: &str) -> Account {
    relay(label, "responses", KeySetup::responses_only)
}

/// A relay account that speaks Anthropic Messages.
#[must_use]
pub fn relay_messages(label: &str) -> Account {
    relay(label, "anthropic", KeySetup::messages_only)
}

/// A relay account that speaks Gemini.
#[must_use]
pub fn relay_gemini(label: &str) -> Account {
    relay(label, "gemini", KeySetup::gemini_only)
}

fn relay(label: &str, format: &'static str, narrow: fn(KeySetup) -> KeySetup) -> Account {
    let key = format!(
        "sk-relay-{label}-{:016x}{:016x}",
        fastrand::u64(..),
        fastrand::u64(..)
    );
    let setup = narrow(KeySetup::new(&key))
        .label(label)
        .models(&[RELAY_MODEL, OTHER_RELAY_MODEL]);
    Account {
        kind: Kind::Relay {
            format,
            setup: Box::new(setup),
        },
        steps: Vec::new(),
    }
}

impl Account {
    /// What the upstream does with this account's next requests; then it answers normally.
    #[must_use]
    pub fn script(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// Its access token has run out.
    #[must_use]
    pub fn expired(mut self) -> Self {
        if let Kind::Codex(setup) = &mut self.kind {
            setup.access_ttl_s = -60;
        }
        self
    }

    /// A model that it serves.
    #[must_use]
    pub fn model(&self) -> &'static str {
        match self.kind {
            Kind::Codex(_) => CODEX_MODEL,
            Kind::Relay { .. } => RELAY_MODEL,
        }
    }

    /// Creates it in the simulated upstream.
    pub(crate) fn create(self, simulator: &Simulator) -> SimUpstream {
        match self.kind {
            Kind::Codex(setup) => {
                let account = simulator.add_codex_account(*setup);
                // Only the first tokens may have run out; a refresh brings good ones.
                account.set_access_ttl(TOKEN_LIFE_S);
                account.script(self.steps);
                SimUpstream::Codex(account)
            }
            Kind::Relay { format, setup } => {
                let key = simulator.add_relay(*setup);
                key.script(self.steps);
                SimUpstream::Relay { key, format }
            }
        }
    }
}

impl SimUpstream {
    /// The name under which the simulated upstream notes its requests.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Codex(account) => &account.email,
            Self::Relay { key, .. } => &key.label,
        }
    }

    /// What must never be found in a file.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Codex(account) => vec![
                ("access token", account.access_token.clone()),
                ("refresh token", account.refresh_token.clone()),
                ("id token", account.id_token.clone()),
                ("refresh token", account.current_refresh_token()),
            ],
            Self::Relay { key, .. } => vec![("relay key", key.key.clone())],
        }
    }

    /// Appends steps for its next requests.
    pub fn script(&self, steps: Vec<Step>) {
        match self {
            Self::Codex(account) => account.script(steps),
            Self::Relay { key, .. } => key.script(steps),
        }
    }

    /// What it does with every request when no steps are left.
    pub fn always(&self, step: Step) {
        match self {
            Self::Codex(account) => account.always(step),
            Self::Relay { key, .. } => key.always(step),
        }
    }

    /// Puts it into the application, as a person would: over the command line.
    ///
    /// # Panics
    /// When the application refuses it.
    pub(crate) async fn enter(&self, app: &TestApp) {
        let run = match self {
            Self::Codex(account) => {
                app.cli_with_input(&["account", "import", "-"], &account.auth_json())
                    .await
            }
            Self::Relay { key, format } => {
                let base = app.simulator().relay_base_url();
                let arguments = [
                    "account",
                    "add",
                    "--kind",
                    "relay",
                    "--label",
                    &key.label,
                    "--base-url",
                    &base,
                    "--format",
                    format,
                    "--models",
                    &format!("{RELAY_MODEL},{OTHER_RELAY_MODEL}"),
                ];
                let added = app
                    .cli_with_input(&arguments, &format!("{}\n", key.key))
                    .await;
                match format {
                    // The simulated relays of these formats have them, which is to be said (F78).
                    &("openai" | "gemini") => {
                        added.expect_success("an account is taken in");
                        let all = "capabilities=chat,embeddings,images";
                        app.cli(&["account", "set", &key.label, all]).await
                    }
                    _ => added,
                }
            }
        };
        run.expect_success("an account is taken in");
    }
}
