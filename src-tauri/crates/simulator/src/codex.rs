//! The ChatGPT/Codex backend: `/backend-api/codex/*` and `/backend-api/wham/usage`, with the refusals of codex-backend.md 3.5.
//! Called by `serve`.

mod models;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use crate::{
    answer::{self, Answer, Presence, Venue},
    dialect::{
        Refusal, named_frame, responses_in,
        responses_out::{self, Frame},
    },
    images,
    quota::put,
    serve::{Body, Call, Reply, document},
    setup::AccountSetup,
    step::Endpoint,
    world::{Who, World},
};

/// Parameters the backend does not know. `type` is what is left of a WebSocket envelope.
const UNSUPPORTED: &[&str] = &[
    "max_output_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "previous_response_id",
    "truncation",
    "user",
    "prompt_cache_retention",
    "prompt_cache_options",
    "safety_identifier",
    "context_management",
    "generate",
    "type",
];

/// Status and body of a refusal.
type Rejection = (u16, Value);

pub(crate) async fn respond(world: &Arc<World>, call: Call, path: &str) -> Reply {
    let mut reply = dispatch(world, call, path).await?;
    // What stands in front of the real backend.
    put(reply.headers_mut(), "x-request-id", &world.id("req"));
    put(reply.headers_mut(), "x-oai-request-id", &world.id("req"));
    put(reply.headers_mut(), "cf-ray", "8c0ffee00000dead-SIM");
    put(
        reply.headers_mut(),
        "set-cookie",
        "__cf_bm=simulated; path=/; HttpOnly; Secure",
    );
    Ok(reply)
}

async fn dispatch(world: &Arc<World>, call: Call, path: &str) -> Reply {
    let post = call.method == Method::POST;
    let get = call.method == Method::GET;
    if path == "/codex/responses" && get {
        return Ok(document(426, &json!({"detail": "Upgrade Required"})));
    }
    let (index, account) = match authenticate(world, &call) {
        Ok(found) => found,
        Err((status, body)) => return Ok(document(status, &body)),
    };
    match path {
        "/codex/responses" if post => generate(world, call, index, &account).await,
        "/codex/responses/compact" if post => compact(world, call, index, &account).await,
        "/codex/images/generations" | "/codex/images/edits" if post => {
            let reply = images::codex(world, call, index, &account).await?;
            Ok(with_quota(world, index, reply))
        }
        "/codex/models" if get => models::list(world, &call, index, &account).await,
        "/wham/usage" if get => usage(world, index).await,
        "/codex/responses" | "/codex/responses/compact" | "/codex/models" | "/wham/usage" => {
            Ok(document(405, &json!({"detail": "Method Not Allowed"})))
        }
        _ => Ok(document(404, &json!({"detail": "Not Found"}))),
    }
}

/// The account of the bearer token, which must be the one the account header names.
fn authenticate(world: &World, call: &Call) -> Result<(usize, AccountSetup), Rejection> {
    let (bearer, now) = (call.bearer().unwrap_or_default(), world.now());
    let found = world.with(|state| {
        let held = state
            .accounts
            .iter()
            .enumerate()
            .find_map(|(index, account)| account.access.get(bearer).map(|end| (index, *end)));
        held.and_then(|(index, end)| {
            state
                .accounts
                .get(index)
                .map(|account| (index, end, account.setup.clone()))
        })
    });
    let Some((index, end, account)) = found else {
        return Err(answer::unauthorized_body(Venue::Codex, "token_invalidated"));
    };
    if end <= now {
        return Err(answer::unauthorized_body(Venue::Codex, "token_expired"));
    }
    match call.header("chatgpt-account-id") {
        Some(named) if named == account.account_id => Ok((index, account)),
        named => {
            let text = if named.is_some() {
                "The account header names another workspace than the token."
            } else {
                "The account header is missing."
            };
            Err((
                401,
                json!({"error": {"message": text, "type": "invalid_request_error", "param": null, "code": "invalid_workspace"}, "status": 401}),
            ))
        }
    }
}

async fn generate(world: &Arc<World>, call: Call, index: usize, account: &AccountSetup) -> Reply {
    let mut presence = Presence::new(world);
    let step = world.take_step(Who::Account(index), Endpoint::Generate);
    let now = world.now();
    let parsed = answer::parse(&call.body);
    let model = parsed
        .as_ref()
        .ok()
        .and_then(|body| body["model"].as_str())
        .unwrap_or_default()
        .to_owned();
    if let Some(reply) = answer::early(&step, Venue::Codex, &model, now).await {
        presence.finish();
        return reply.map(|reply| with_quota(world, index, reply));
    }
    let accepted = parsed
        .map_err(|refusal| (400, refusal.detail()))
        .and_then(|body| {
            check(&body, &call, world, account)?;
            let prompt =
                responses_in::read(&body).map_err(|refusal| (refusal.status, refusal.openai()))?;
            Ok((body, prompt))
        });
    let (body, prompt) = match accepted {
        Ok(accepted) => accepted,
        Err((status, body)) => {
            presence.finish();
            return Ok(with_quota(world, index, document(status, &body)));
        }
    };
    if let Some(left) = world.quota(index).0.exhausted_for(now) {
        presence.finish();
        let reply = answer::usage_limit(Some((now + left, left.unsigned_abs())));
        return Ok(with_quota(world, index, reply));
    }
    let asked = answer::asked(&step, &prompt);
    if let Some(step) = &asked
        && let Some(reply) = answer::early(step, Venue::Codex, &model, now).await
    {
        presence.finish();
        return reply.map(|reply| with_quota(world, index, reply));
    }
    world.spend(index);
    let step = asked.unwrap_or(step);
    let turn = answer::turn(&step, &prompt, &account.email);
    let encrypted =
        (prompt.thinking.on && prompt.thinking.encrypted).then(|| seal(world, &account.account_id));
    let empty_output = world.setup.empty_completed_output;
    let frame = Frame {
        request: &body,
        now,
        empty_output,
        encrypted,
        summary: prompt.thinking.summary,
    };
    let written = responses_out::write(world, &frame, &turn);

    let (quota, plan) = world.quota(index);
    let mut headers = HeaderMap::new();
    quota.write_headers(&plan, now, &mut headers);
    put(&mut headers, "content-type", "text/event-stream");
    put(&mut headers, "x-models-etag", &models::etag(world));
    put(&mut headers, "openai-model", &model);
    put(
        &mut headers,
        "x-codex-turn-state",
        call.header("x-codex-turn-state")
            .unwrap_or(&world.id("turn")),
    );
    let private = Some(named_frame(&quota.event(&plan)));
    let answer = Answer {
        venue: Venue::Codex,
        written,
        streamed: true,
        headers,
        link: call.link.clone(),
        private,
    };
    answer::late(step, presence, answer).await
}

/// Puts the quota headers on an answer, except where the step has set them.
fn with_quota(world: &World, index: usize, mut reply: Response<Body>) -> Response<Body> {
    let (quota, plan) = world.quota(index);
    // A 429 that tells no reset must not tell it in headers either.
    let bare = reply.status() == 429
        && !reply.headers().contains_key("x-codex-primary-used-percent")
        && quota.exhausted_for(world.now()).is_none();
    // Pages in front of the backend know nothing of quota.
    let page = reply
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !bare && !page && reply.status() != 401 {
        let mut headers = HeaderMap::new();
        quota.write_headers(&plan, world.now(), &mut headers);
        for (name, value) in &headers {
            reply
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
    }
    reply
}

/// The refusals that only this backend makes.
fn check(
    body: &Value,
    call: &Call,
    world: &World,
    account: &AccountSetup,
) -> Result<(), Rejection> {
    let refuse = |text: String| Err((400, Refusal::bad(text).detail()));
    let Some(fields) = body.as_object() else {
        return refuse("Input should be a valid dictionary".to_owned());
    };
    if let Some(name) = UNSUPPORTED.iter().find(|name| fields.contains_key(**name)) {
        return refuse(format!("Unsupported parameter: {name}"));
    }
    if body["store"] != false {
        return refuse("Store must be set to false".to_owned());
    }
    if body["stream"] != true {
        return refuse("Stream must be set to true".to_owned());
    }
    if let Some(tier) = body["service_tier"]
        .as_str()
        .filter(|tier| *tier != "priority")
    {
        return refuse(format!("Unsupported service_tier: {tier}"));
    }
    let lite = call.header("x-openai-internal-codex-responses-lite") == Some("true");
    if world.setup.require_instructions && !lite && !body["instructions"].is_string() {
        return refuse("Instructions are required".to_owned());
    }
    let Some(items) = body["input"].as_array() else {
        return refuse("Input must be a list".to_owned());
    };
    if items.iter().any(|item| item["role"] == "system") {
        return refuse("System messages are not allowed".to_owned());
    }
    models::check(body, lite, call, world, account)?;
    if world.setup.bind_encrypted_content && foreign_blob(&body["input"], &account.account_id) {
        return Err((400, answer::invalid_encrypted_content().openai()));
    }
    Ok(())
}

async fn compact(world: &Arc<World>, call: Call, index: usize, account: &AccountSetup) -> Reply {
    let step = world.take_step(Who::Account(index), Endpoint::Compact);
    if let Some(reply) = answer::early(&step, Venue::Codex, "", world.now()).await {
        return reply;
    }
    let body = match answer::parse(&call.body) {
        Ok(body) => body,
        Err(refusal) => return Ok(document(400, &refusal.detail())),
    };
    if let Some(name) = ["stream", "store", "include"]
        .iter()
        .chain(UNSUPPORTED)
        .find(|name| body.get(**name).is_some())
    {
        return Ok(document(
            400,
            &json!({"detail": format!("Unsupported parameter: {name}")}),
        ));
    }
    if let Err(refusal) = responses_in::read(&body) {
        return Ok(document(refusal.status, &refusal.openai()));
    }
    let kept = body["input"]
        .as_array()
        .into_iter()
        .flatten()
        .rfind(|item| item["role"] == "user")
        .cloned();
    let mut output: Vec<Value> = kept.into_iter().collect();
    output.push(json!({"id": world.id("cmp"), "type": "compaction", "encrypted_content": seal(world, &account.account_id)}));
    Ok(with_quota(
        world,
        index,
        document(200, &json!({"output": output})),
    ))
}

async fn usage(world: &Arc<World>, index: usize) -> Reply {
    let step = world.take_step(Who::Account(index), Endpoint::Usage);
    if let Some(reply) = answer::early(&step, Venue::Codex, "", world.now()).await {
        return reply;
    }
    let (quota, plan) = world.quota(index);
    Ok(document(200, &quota.usage(&plan, world.now())))
}

/// What encrypted content starts with, like the real one.
const SEAL: &str = "gAAAAAsim";

/// An opaque blob that only its maker can read.
pub(crate) fn seal(world: &World, owner: &str) -> String {
    format!(
        "{SEAL}{}",
        URL_SAFE_NO_PAD.encode(format!("{owner}\n{:016x}", world.serial()))
    )
}

/// Whether an input carries a blob of another owner. Blobs that no simulator made are let through: recorded bodies hold such.
pub(crate) fn foreign_blob(input: &Value, owner: &str) -> bool {
    let maker = |item: &Value| {
        let sealed = item["encrypted_content"].as_str()?.strip_prefix(SEAL)?;
        let open = String::from_utf8(URL_SAFE_NO_PAD.decode(sealed).ok()?).ok()?;
        open.split('\n').next().map(str::to_owned)
    };
    input
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(maker)
        .any(|maker| maker != owner)
}
