//! The Codex catalogue: which models an account and a client version may see and use (codex-backend.md 3.7 and 7).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    answer::{self, Venue},
    dialect::Refusal,
    quota::put,
    serve::{Call, Reply, document},
    setup::{AccountSetup, Model},
    step::Endpoint,
    world::{Who, World},
};

pub(super) fn etag(world: &World) -> String {
    let names: usize = world
        .setup
        .models
        .iter()
        .map(|model| model.slug.len() + 31 * model.efforts.len())
        .sum();
    format!("W/\"sim-{names:x}\"")
}

pub(super) async fn list(
    world: &Arc<World>,
    call: &Call,
    index: usize,
    account: &AccountSetup,
) -> Reply {
    let step = world.take_step(Who::Account(index), Endpoint::Models);
    if let Some(reply) = answer::early(&step, Venue::Codex, "", world.now()).await {
        return reply;
    }
    let Some(version) = call.query("client_version") else {
        return Ok(document(
            400,
            &json!({"detail": [{"type": "missing", "loc": ["query", "client_version"], "msg": "Field required"}]}),
        ));
    };
    let seen = world.setup.models.iter().filter(|model| {
        allowed(model, account) && at_least(&version, &model.minimal_client_version)
    });
    let models: Vec<Value> = seen
        .enumerate()
        .map(|(priority, model)| entry(model, priority))
        .collect();
    let mut reply = document(200, &json!({"models": models}));
    put(reply.headers_mut(), "etag", &etag(world));
    Ok(reply)
}

/// Refuses models that the account, the client version or the request form does not fit. A client that tells no version passes.
pub(super) fn check(
    body: &Value,
    lite: bool,
    call: &Call,
    world: &World,
    account: &AccountSetup,
) -> Result<(), super::Rejection> {
    let slug = body["model"].as_str().unwrap_or_default();
    let fits = |model: &&Model| {
        let new_enough = call
            .header("version")
            .is_none_or(|version| at_least(version, &model.minimal_client_version));
        model.slug == slug && allowed(model, account) && new_enough
    };
    let Some(model) = world.setup.models.iter().find(fits) else {
        return Err(answer::model_unsupported_body(Venue::Codex, slug));
    };
    if lite && !model.lite {
        return Err((
            400,
            json!({"detail": format!("The '{slug}' model does not support the lite request form")}),
        ));
    }
    match body["reasoning"]["effort"].as_str() {
        Some(effort)
            if model.strict_efforts && !model.efforts.iter().any(|known| known == effort) =>
        {
            let text = format!(
                "Unsupported value: '{effort}' is not supported with the '{slug}' model. Supported values are: {}.",
                model.efforts.join(", ")
            );
            Err((
                400,
                Refusal::bad(text)
                    .param("reasoning.effort")
                    .code("unsupported_value")
                    .openai(),
            ))
        }
        _ => Ok(()),
    }
}

fn allowed(model: &Model, account: &AccountSetup) -> bool {
    match &account.models {
        Some(names) => names.contains(&model.slug),
        None => model.plans.is_empty() || model.plans.contains(&account.plan),
    }
}

/// Compares dotted versions number by number.
fn at_least(version: &str, least: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        let digits = |part: &str| {
            part.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        };
        text.split('.')
            .map(|part| digits(part).parse().unwrap_or(0))
            .collect()
    };
    numbers(version) >= numbers(least)
}

fn entry(model: &Model, priority: usize) -> Value {
    let levels: Vec<Value> = model
        .efforts
        .iter()
        .map(|effort| json!({"effort": effort, "description": format!("{effort} effort")}))
        .collect();
    json!({
        "slug": model.slug, "display_name": model.slug, "description": "A simulated model", "default_reasoning_level": model.efforts.first(),
        "supported_reasoning_levels": levels, "shell_type": "unified_exec", "visibility": if model.listed { "list" } else { "hide" },
        "supported_in_api": true, "priority": priority, "availability_nux": null, "upgrade": null, "base_instructions": "You are a simulated model.",
        "supports_reasoning_summaries": true, "support_verbosity": true, "default_verbosity": "low", "apply_patch_tool_type": "freeform", "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": true, "experimental_supported_tools": [], "service_tiers": [{"id": "priority", "name": "Fast", "description": "Faster answers"}],
        "context_window": model.context_window, "max_context_window": model.context_window, "effective_context_window_percent": 95,
        "input_modalities": ["text", "image"], "use_responses_lite": model.lite, "minimal_client_version": model.minimal_client_version,
    })
}
