//! Settings as the other rooms want them: each gets its own plain configuration (house invariant 9).

use std::sync::Arc;
use std::time::Duration;

use gateway::Naming;
use pool::Pool;
use protocol::{Dialect, ReasoningOutput};
use secrecy::{ExposeSecret, SecretString};
use upstream::proxy::{NoProxy, ProxyUrl};

use crate::error::EngineError;
use crate::settings::models::Names;
use crate::settings::{ProxyAddress, Settings};

/// Tells the pool how the settings want accounts chosen and how much may run at once.
pub(crate) fn put_routing(settings: &Settings, pool: &mut Pool) {
    let rotation = &settings.rotation;
    pool.set_policy(settings.policy());
    pool.set_within_tier(settings.within_tier());
    pool.set_default_slots(
        u32::try_from(rotation.account_slots)
            .ok()
            .filter(|slots| *slots > 0),
    );
    pool.set_group_limits(settings.group_limits());
    pool.set_turn_length(rotation.turn_requests);
    pool.set_spacing(Duration::from_millis(rotation.spacing_ms));
}

pub(crate) fn gateway_config(settings: &Settings) -> gateway::Config {
    gateway::Config {
        body_limit: mib(settings.limits.body_mib),
        compact_body_limit: mib(settings.limits.compact_body_mib),
        max_retries: u32::try_from(settings.retry.max).unwrap_or(u32::MAX),
        deadline: Duration::from_secs(settings.retry.deadline_s),
        idle_timeout: Duration::from_secs(settings.timeouts.idle_s),
        total_timeout: Duration::from_secs(settings.timeouts.total_s),
        account_header: settings.server.account_header,
        most_requests: usize::try_from(settings.rotation.most_requests)
            .ok()
            .filter(|most| *most > 0),
        queue_wait: Duration::from_secs(settings.rotation.queue_wait_s),
        queue_length: usize::try_from(settings.rotation.queue_length).unwrap_or(usize::MAX),
        default_model: settings.models.default.clone(),
        naming: Arc::new(naming(settings)),
        // The address somebody chose to listen on is one that clients may name (F25, F29).
        allowed_hosts: std::iter::once(settings.server.host.clone())
            .chain(settings.server.allowed_hosts.iter().cloned())
            .collect(),
        cors_origins: settings.server.cors_origins.clone(),
    }
}

/// Names, thinking and translation (F85, F88, F90–F92, F109). The settings room lets no circle of aliases through.
fn naming(settings: &Settings) -> Naming {
    let names = Names::of(settings);
    let models = &settings.models;
    let defaults = [
        (Dialect::Chat, &models.default_chat),
        (Dialect::Responses, &models.default_responses),
        (Dialect::Messages, &models.default_messages),
        (Dialect::Gemini, &models.default_gemini),
    ];
    Naming {
        aliases: names.followed().unwrap_or_default(),
        patterns: names.patterns,
        default_models: defaults
            .into_iter()
            .filter_map(|(dialect, model)| Some((dialect, model.clone()?)))
            .collect(),
        default_effort: settings.thinking.default_effort.clone(),
        direct_only: models.direct_only,
        reasoning: match settings.thinking.output {
            "think_tags" => ReasoningOutput::ThinkTags,
            "off" => ReasoningOutput::Off,
            _ => ReasoningOutput::Field,
        },
        zai_think_tags: settings.zai.show_think_tags,
    }
}

fn mib(count: u64) -> usize {
    usize::try_from(count.saturating_mul(1 << 20)).unwrap_or(usize::MAX)
}

/// The password of `proxy.url`, which the settings file does not hold.
pub(crate) fn proxy_password(
    vault: &dyn vault::Vault,
) -> Result<Option<SecretString>, EngineError> {
    Ok(vault.get(ProxyAddress::PASSWORD_NAME)?)
}

pub(crate) fn upstream_config(
    settings: &Settings,
    password: Option<&SecretString>,
) -> Result<upstream::Config, EngineError> {
    let proxy = match &settings.proxy.url {
        Some(address) if settings.proxy.enabled => {
            // A password given with the URL (by environment) wins over the kept one.
            let address = match address.password() {
                Some(_) => address.clone(),
                None => address.clone().with_password(password.cloned()),
            };
            let whole = address.whole();
            let url = ProxyUrl::parse(whole.expose_secret())
                .map_err(|error| EngineError::Invalid(format!("proxy.url: {error}")))?;
            Some(url)
        }
        _ => None,
    };
    let no_proxy = NoProxy::parse(&settings.proxy.no_proxy)
        .map_err(|error| EngineError::Invalid(format!("proxy.no_proxy: {error}")))?;
    let defaults = upstream::Config::default();
    Ok(upstream::Config {
        codex_base_url: settings.codex.base_url.clone(),
        usage_url: Some(settings.usage_url()),
        auth_url: settings.codex.auth_url.clone(),
        originator: settings.codex.originator.clone(),
        client_version: settings
            .codex
            .client_version
            .clone()
            .unwrap_or(defaults.client_version),
        user_agent: settings
            .codex
            .user_agent
            .clone()
            .unwrap_or(defaults.user_agent),
        proxy,
        no_proxy,
        connect_timeout: Duration::from_secs(settings.timeouts.connect_s),
        headers_timeout: Duration::from_secs(settings.timeouts.headers_s),
        total_timeout: Duration::from_secs(settings.timeouts.total_s),
        ..defaults
    })
}
