//! Scripted upstreams: a ChatGPT/Codex backend with its sign-in server, and OpenAI-format relays, on one loopback port.
//!
//! Tests of every room and `switchyard demo` talk to it as if it were the real thing. It is strict where the real services are strict
//! (single-use refresh tokens, refused parameters, unpaired tool calls), says the same things in the same shapes, and plays the failures
//! it is told to play: one [`Step`] per request. Behind every endpoint sits one deterministic [`brain`], so the same prompt always gets
//! the same answer whatever the dialect.
//!
//! It is not a proxy and knows nothing of Switchyard's own types. Nothing here sleeps except [`Step::Slow`].

pub mod brain;

mod answer;
mod codex;
mod demo;
mod dialect;
mod handle;
mod images;
mod jwt;
mod oauth;
mod quota;
mod relay;
mod serve;
mod setup;
mod step;
mod wallet;
mod world;

use std::{io, sync::Arc};

pub use demo::Demo;
pub use handle::{RelayKey, Scripted, SimAccount};
pub use quota::{Credits, Quota, QuotaWindow};
pub use setup::{AccountSetup, KeySetup, Model, Now, Setup, codex_models};
pub use step::{Endpoint, Gate, RefreshStep, Step};
pub use wallet::Wallet;
pub use world::Seen;

use world::World;

/// A running simulator. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    port: u16,
    /// Ends the accept loop, and with it every connection, when dropped.
    _serving: serve::Serving,
}

impl Simulator {
    /// Binds a free loopback port (or [`Setup::port`]) and serves until dropped.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start(setup: Setup) -> io::Result<Self> {
        let wanted = setup.port;
        let world = Arc::new(World::new(setup));
        let (serving, port) = serve::start(Arc::clone(&world), wanted).await?;
        Ok(Self {
            world,
            port,
            _serving: serving,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stands for `https://chatgpt.com/backend-api/codex`.
    #[must_use]
    pub fn codex_base_url(&self) -> String {
        self.base_url() + "/backend-api/codex"
    }

    /// Stands for `https://chatgpt.com/backend-api`.
    #[must_use]
    pub fn chatgpt_base_url(&self) -> String {
        self.base_url() + "/backend-api"
    }

    /// Stands for the issuer `https://auth.openai.com`; `/oauth/token`, `/oauth/authorize` and `/oauth/revoke` lie below it.
    #[must_use]
    pub fn auth_url(&self) -> String {
        self.base_url()
    }

    /// The token endpoint below [`Self::auth_url`].
    #[must_use]
    pub fn token_url(&self) -> String {
        self.base_url() + "/oauth/token"
    }

    /// Stands for `https://chatgpt.com/backend-api/wham/usage`.
    #[must_use]
    pub fn usage_url(&self) -> String {
        self.base_url() + "/backend-api/wham/usage"
    }

    /// Base URL of the relays, ending in `/v1`.
    #[must_use]
    pub fn relay_base_url(&self) -> String {
        self.base_url() + "/v1"
    }

    /// Adds a ChatGPT account and signs it in.
    #[must_use]
    pub fn add_codex_account(&self, account: AccountSetup) -> SimAccount {
        handle::add_account(&self.world, account)
    }

    /// Adds a relay key that serves both dialects. [`Self::add_relay`] chooses more.
    #[must_use]
    pub fn add_relay_key(&self, key: &str) -> RelayKey {
        self.add_relay(KeySetup::new(key))
    }

    /// Adds a relay key with its own label, models and dialects.
    #[must_use]
    pub fn add_relay(&self, key: KeySetup) -> RelayKey {
        handle::add_key(&self.world, key)
    }

    /// Appends steps for the next generation requests of an account or key; after them every request is [`Step::Ok`].
    pub fn script(&self, who: &impl Scripted, steps: impl IntoIterator<Item = Step>) {
        who.script_at(Endpoint::Generate, steps);
    }

    /// Every request seen so far, oldest first, with the body decoded from its content encoding.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.world
            .with(|state| state.seen.iter().cloned().collect())
    }

    /// Requests whose path ends with `path`, oldest first.
    #[must_use]
    pub fn requests_to(&self, path: &str) -> Vec<Seen> {
        self.world.with(|state| {
            state
                .seen
                .iter()
                .filter(|seen| seen.path.ends_with(path))
                .cloned()
                .collect()
        })
    }

    /// Token calls of one account (refresh and code exchange, refused ones too).
    #[must_use]
    pub fn token_calls(&self, account: &SimAccount) -> usize {
        account.token_calls()
    }

    /// Sets what the quota headers and the usage endpoint tell about an account.
    pub fn set_quota(&self, account: &SimAccount, quota: Quota) {
        account.set_quota(quota);
    }

    /// How many clients went away before their answer was finished.
    #[must_use]
    pub fn disconnects(&self) -> usize {
        *self.world.disconnects.borrow()
    }

    /// Resolves once at least `count` clients have gone away mid-answer, counted from the start.
    pub async fn wait_disconnects(&self, count: usize) {
        let mut counter = self.world.disconnects.subscribe();
        // The sender lives in `self.world`, so waiting cannot fail.
        let _ = counter.wait_for(|gone| *gone >= count).await;
    }

    /// Resolves once any client has gone away mid-answer.
    pub async fn wait_disconnect(&self) {
        self.wait_disconnects(1).await;
    }

    /// Resolves once at least `count` requests have arrived, counted from the start.
    pub async fn wait_requests(&self, count: usize) {
        let mut counter = self.world.arrivals.subscribe();
        let _ = counter.wait_for(|seen| *seen >= count).await;
    }

    /// TCP connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.world.with(|state| state.connections)
    }

    /// Answers being produced right now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.world.with(|state| state.in_flight)
    }

    /// The most answers that were ever produced at one time.
    #[must_use]
    pub fn peak_in_flight(&self) -> usize {
        self.world.with(|state| state.peak_in_flight)
    }
}
