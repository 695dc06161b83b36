//! Where and as whom a request goes: one [`Target`] per account, built when the account list changes and then shared.
//!
//! A target holds no secret besides a proxy password. What a request needs again and again (parsed URLs, header values, the
//! connection pool) is prepared once per configuration and kept in the target, so that sending builds no string.

use std::{ops::Deref, sync::Arc};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use pool::{AccountId, AccountKind, Format};
use url::Url;

use crate::{
    address::{self, BaseUrlError, endpoint_url, normalise_base},
    clients::Settings,
    config::{Config, ConfigError},
    direct::Host,
    manner::{AuthForm, Manner},
    proxy::ProxyUrl,
};

/// Which proxy an account uses (F119).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// The one of the settings.
    #[default]
    Global,
    /// None.
    Direct,
    /// Its own.
    Own(ProxyUrl),
}

/// An endpoint of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /chat/completions`
    ChatCompletions,
    /// `POST /responses`
    Responses,
    /// `POST /responses/compact`
    Compact,
    /// `GET /models`
    Models,
    /// `POST /messages`
    Messages,
    /// `POST /models/{model}:{action}` (Gemini); model and action are the call's own tail.
    Generate,
    /// `POST /images/generations`
    ImageGenerations,
    /// `POST /images/edits`
    ImageEdits,
    /// `POST /embeddings`
    Embeddings,
}

impl Endpoint {
    const ALL: [Self; 9] = [
        Self::ChatCompletions,
        Self::Responses,
        Self::Compact,
        Self::Models,
        Self::Messages,
        Self::Generate,
        Self::ImageGenerations,
        Self::ImageEdits,
        Self::Embeddings,
    ];
}

/// The plain fields of a target, as the engine knows them from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    /// The account.
    pub id: AccountId,
    /// Its label, for messages and logs.
    pub label: String,
    /// Its kind. `CodexOauth` brings tokens and the Codex headers, every other kind a key.
    pub kind: AccountKind,
    /// The dialect it speaks.
    pub format: Format,
    /// Base URL; empty for a ChatGPT account that uses the configured backend.
    pub base_url: String,
    /// Its proxy.
    pub proxy: ProxyChoice,
    /// Headers the person added to this account.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Workspace id; `None` = what the token says.
    pub provider_account_id: Option<String>,
    /// Whether requests carry the FedRAMP header.
    pub fedramp: bool,
    /// How it is spoken to.
    pub manner: Manner,
}

/// A shareable target. Cloning is cheap and keeps what was prepared. The fields of its [`TargetSpec`] are read through it.
#[derive(Clone, Debug)]
pub struct Target(Arc<Inner>);

struct Inner {
    spec: TargetSpec,
    base: Option<Url>,
    /// The same account in its other formats (F103).
    wires: Vec<Target>,
    prepared: ArcSwapOption<Prepared>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("id", &self.spec.id)
            .field("label", &self.spec.label)
            .field("kind", &self.spec.kind)
            .field("format", &self.spec.format)
            .finish_non_exhaustive()
    }
}

impl Deref for Target {
    type Target = TargetSpec;
    fn deref(&self) -> &TargetSpec {
        &self.0.spec
    }
}

/// Why a target cannot be used. The text names the field to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The base URL.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// An added header that would break the request or its authorization.
    #[error("the header {0} cannot be set for an account")]
    Header(HeaderName),
    /// The workspace id.
    #[error("the account id holds characters that cannot be sent in a header")]
    AccountId,
}

/// Headers that belong to the connection or to us; neither an account's own headers nor a call may set them.
pub(crate) fn is_ours(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::HOST
            | header::CONTENT_LENGTH
            | header::TRANSFER_ENCODING
            | header::CONNECTION
            | header::UPGRADE
            | header::TE
            | header::TRAILER
            | header::AUTHORIZATION
            | header::PROXY_AUTHORIZATION
            | header::COOKIE
            | header::ACCEPT_ENCODING
            | header::REFERER
    ) || matches!(
        name.as_str(),
        "keep-alive" | "proxy-connection" | "x-api-key" | "x-goog-api-key"
    )
}

impl Target {
    /// Checks and parses everything that a request would otherwise trip over.
    ///
    /// # Errors
    /// [`TargetError`] names the field.
    pub fn new(spec: TargetSpec) -> Result<Self, TargetError> {
        let base = match (spec.kind, spec.base_url.trim()) {
            (AccountKind::CodexOauth, "") => None,
            // An own backend address of a ChatGPT account is taken as it stands, like the setting.
            (AccountKind::CodexOauth, own) => Some(address::http_url(own)?),
            (_, base) => Some(normalise_base(spec.format, base)?),
        };
        if let Some((name, _)) = spec.headers.iter().find(|(name, _)| is_ours(name)) {
            return Err(TargetError::Header(name.clone()));
        }
        if spec
            .provider_account_id
            .as_deref()
            .is_some_and(|id| HeaderValue::from_str(id).is_err())
        {
            return Err(TargetError::AccountId);
        }
        let wires = spec.manner.wires.iter().map(|wire| {
            let own = (!wire.base_url.trim().is_empty()).then_some(&wire.base_url);
            Self::new(TargetSpec {
                format: wire.format,
                base_url: own.unwrap_or(&spec.base_url).clone(),
                manner: Manner {
                    auth: None,
                    wires: Vec::new(),
                    ..spec.manner.clone()
                },
                ..spec.clone()
            })
        });
        let wires = wires.collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Arc::new(Inner {
            spec,
            base,
            wires,
            prepared: ArcSwapOption::empty(),
        })))
    }

    /// Whether this is a ChatGPT sign-in: tokens, refresh, quota headers and Codex headers apply (F102).
    #[must_use]
    pub fn is_oauth(&self) -> bool {
        self.kind == AccountKind::CodexOauth
    }

    /// The account in the format of its that comes first in `formats` (F101, F103); as it is when it speaks none of them.
    #[must_use]
    pub fn speaking(&self, formats: &[Format]) -> &Self {
        if self.0.wires.is_empty() {
            return self;
        }
        let speaks = |format: &Format| {
            if self.format == *format {
                return Some(self);
            }
            self.0.wires.iter().find(|wire| wire.format == *format)
        };
        formats.iter().find_map(speaks).unwrap_or(self)
    }

    /// How its key is carried; `None` for a sign-in, whose token always comes the same way.
    pub(crate) fn auth_form(&self) -> Option<AuthForm> {
        let own = || self.manner.auth.unwrap_or(AuthForm::of(self.format));
        (!self.is_oauth()).then(own)
    }

    /// Whether model names for this account may end in thinking suffixes or follow name patterns (F91, F92).
    #[must_use]
    pub fn reads_suffixes(&self) -> bool {
        self.is_oauth() || self.manner.reads_suffixes
    }

    /// What sending needs under the present settings.
    pub(crate) fn prepared(&self, settings: &Settings) -> Result<Arc<Prepared>, ConfigError> {
        if let Some(ready) = &*self.0.prepared.load()
            && ready.epoch == settings.epoch
        {
            return Ok(ready.clone());
        }
        let fresh = Arc::new(Prepared::new(self, settings)?);
        self.0.prepared.store(Some(fresh.clone()));
        Ok(fresh)
    }
}

/// URLs, connection pools and fixed headers of a target under one configuration.
pub(crate) struct Prepared {
    epoch: u64,
    urls: [Url; Endpoint::ALL.len()],
    /// Sent with every request of this account.
    pub headers: HeaderMap,
    /// The connection pool its requests use.
    pub client: reqwest::Client,
    /// The direct road, used in its place where there is one.
    pub direct: Option<Arc<Host>>,
    /// The usage endpoint and its own connection pool, ChatGPT accounts only.
    pub usage: Option<(Url, reqwest::Client)>,
}

impl Prepared {
    fn new(target: &Target, settings: &Settings) -> Result<Self, ConfigError> {
        let native = target.is_oauth();
        let base = target.0.base.as_ref().unwrap_or(&settings.codex_base);
        let format = if native { Format::Codex } else { target.format };
        let urls = Endpoint::ALL.map(|e| endpoint_url(base, format, native, e));
        let mut headers = HeaderMap::with_capacity(16);
        // The answer is forwarded byte for byte, so it must not come compressed.
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        headers.insert(header::USER_AGENT, settings.user_agent.clone());
        if native {
            headers.insert("originator", settings.originator.clone());
            headers.insert("version", settings.client_version.clone());
            if target.fedramp {
                headers.insert("x-openai-fedramp", HeaderValue::from_static("true"));
            }
        }
        if let Some(id) = target
            .provider_account_id
            .as_deref()
            .and_then(|id| HeaderValue::from_str(id).ok())
        {
            headers.insert(ACCOUNT_HEADER, id);
        }
        if target.format == Format::Anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        }
        for (name, value) in &target.headers {
            headers.insert(name.clone(), value.clone());
        }
        let usage = match native {
            true => {
                let url = match (&target.0.base, &settings.usage) {
                    (None, Some(url)) => url.clone(),
                    _ => address::usage_url(base),
                };
                let client = settings.client(&target.proxy, &url)?;
                Some((url, client))
            }
            false => None,
        };
        let client = settings.client(&target.proxy, &urls[0])?;
        let direct = settings.direct(&target.proxy, &urls[0]);
        Ok(Self {
            epoch: settings.epoch,
            urls,
            headers,
            client,
            direct,
            usage,
        })
    }

    pub fn url(&self, endpoint: Endpoint) -> &Url {
        match endpoint {
            Endpoint::ChatCompletions => &self.urls[0],
            Endpoint::Responses => &self.urls[1],
            Endpoint::Compact => &self.urls[2],
            Endpoint::Models => &self.urls[3],
            Endpoint::Messages => &self.urls[4],
            Endpoint::Generate => &self.urls[5],
            Endpoint::ImageGenerations => &self.urls[6],
            Endpoint::ImageEdits => &self.urls[7],
            Endpoint::Embeddings => &self.urls[8],
        }
    }
}

/// The workspace header of ChatGPT accounts.
pub(crate) const ACCOUNT_HEADER: HeaderName = HeaderName::from_static("chatgpt-account-id");

/// Used by [`Config`] checks: a header value or the setting's name.
pub(crate) fn header_value(setting: &'static str, text: &str) -> Result<HeaderValue, ConfigError> {
    HeaderValue::from_str(text).map_err(|_| ConfigError::Header { setting })
}

impl Config {
    pub(crate) fn address(setting: &'static str, text: &str) -> Result<Url, ConfigError> {
        address::http_url(text).map_err(|_| ConfigError::Address { setting })
    }
}
