//! Relays: `/v1/chat/completions`, `/v1/responses`, `/v1/responses/compact`, `/v1/messages`, `/v1/images/*`, `/v1/models`,
//! `/v1beta/models/{model}:{action}`. Called by `serve`.

use std::sync::Arc;

use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use crate::{
    answer::{self, Answer, Presence, Venue},
    codex::{foreign_blob, seal},
    dialect::{
        Refusal, chat_in, chat_out, gemini_in, gemini_out, messages_in, messages_out, responses_in,
        responses_out::{self, Frame},
    },
    images,
    quota::put,
    serve::{Body, Call, Reply, document},
    setup::KeySetup,
    step::Endpoint,
    world::{Who, World},
};

/// Creation instant of every model, unix seconds.
const MODELS_CREATED: i64 = 1_767_225_600;

pub(crate) async fn respond(world: &Arc<World>, call: Call, path: &str) -> Reply {
    let mut reply = dispatch(world, call, path).await?;
    put(reply.headers_mut(), "x-request-id", &world.id("req"));
    put(reply.headers_mut(), "openai-processing-ms", "12");
    Ok(reply)
}

async fn dispatch(world: &Arc<World>, call: Call, path: &str) -> Reply {
    let bearer = call.key().unwrap_or_default();
    let found = world.with(|state| {
        let index = state.keys.iter().position(|key| key.setup.key == bearer)?;
        state.keys.get(index).map(|key| (index, key.setup.clone()))
    });
    let Some((index, key)) = found else {
        let venue = if path == "/messages" {
            Venue::Messages
        } else if path.starts_with("/models/") && path.contains(':') {
            Venue::Gemini
        } else {
            Venue::Responses
        };
        return Ok(answer::unauthorized(venue, "invalid_api_key"));
    };
    let who = Who::Key(index);
    let post = call.method == Method::POST;
    match path {
        "/chat/completions" if post && key.chat => {
            generate(world, call, who, &key, Venue::Chat, None).await
        }
        "/responses" if post && key.responses => {
            generate(world, call, who, &key, Venue::Responses, None).await
        }
        "/messages" if post && key.messages => {
            generate(world, call, who, &key, Venue::Messages, None).await
        }
        "/responses/compact" if post && key.compact => compact(world, call, who, &key).await,
        "/images/generations" | "/images/edits" if post && key.images => {
            images::relay(world, call, who, &key).await
        }
        "/embeddings" if post && key.chat => embeddings(world, call, who, &key, None).await,
        "/models" if call.method == Method::GET => {
            let google = call.header("x-goog-api-key").is_some();
            models(world, who, &key, google).await
        }
        _ => match path.strip_prefix("/models/") {
            Some(name) if post && key.gemini => match asked(name, &call) {
                None if embeds(name).is_some() => {
                    embeddings(world, call, who, &key, embeds(name)).await
                }
                Some(asked) => generate(world, call, who, &key, Venue::Gemini, Some(asked)).await,
                None => Ok(unknown_url(&call)),
            },
            Some(name) if call.method == Method::GET => Ok(model(&key, name)),
            _ => Ok(unknown_url(&call)),
        },
    }
}

/// What a Gemini path asks for: the model, and whether it is to be streamed. Streams come as events alone.
fn asked(name: &str, call: &Call) -> Option<(String, bool)> {
    let (model, action) = name.rsplit_once(':')?;
    let streamed = match action {
        "generateContent" => false,
        "streamGenerateContent" if call.query("alt").as_deref() == Some("sse") => true,
        _ => return None,
    };
    Some((model.to_owned(), streamed))
}

async fn generate(
    world: &Arc<World>,
    call: Call,
    who: Who,
    key: &KeySetup,
    venue: Venue,
    of_path: Option<(String, bool)>,
) -> Reply {
    let mut presence = Presence::new(world);
    let step = world.take_step(who, Endpoint::Generate);
    let now = world.now();
    let parsed = answer::parse(&call.body).map(|mut body| {
        if let (Some((model, streamed)), true) = (&of_path, body.is_object()) {
            body["model"] = json!(model);
            body["stream"] = json!(streamed);
        }
        body
    });
    let model = parsed
        .as_ref()
        .ok()
        .and_then(|body| body["model"].as_str())
        .unwrap_or_default()
        .to_owned();
    if let Some(reply) = answer::early(&step, venue, &model, now).await {
        presence.finish();
        return reply;
    }
    let read = match venue {
        Venue::Chat => chat_in::read,
        Venue::Messages => messages_in::read,
        Venue::Gemini => gemini_in::read,
        Venue::Codex | Venue::Responses => responses_in::read,
    };
    let versioned = venue != Venue::Messages || call.header("anthropic-version").is_some();
    let accepted = parsed.and_then(|body| {
        check(&body, world, key, venue)
            .and_then(|()| match versioned {
                true => Ok(()),
                false => Err(Refusal::bad("anthropic-version: header is required")),
            })
            .and_then(|()| read(&body))
            .map(|prompt| (body, prompt))
    });
    let (body, prompt) = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => {
            presence.finish();
            return Ok(document(refusal.status, &refusal.shaped(venue)));
        }
    };
    if !serves(key, &model) {
        presence.finish();
        return Ok(answer::model_unsupported(venue, &model));
    }
    let asked = answer::asked(&step, &prompt);
    if let Some(step) = &asked
        && let Some(reply) = answer::early(step, venue, &model, now).await
    {
        presence.finish();
        return reply;
    }
    let step = asked.unwrap_or(step);
    let turn = answer::turn(&step, &prompt, &key.label);
    let written = match venue {
        Venue::Chat => chat_out::write(world, &body, now, &turn),
        Venue::Messages => messages_out::write(world, &body, &turn),
        Venue::Gemini => gemini_out::write(world, &body, prompt.thinking.summary, &turn),
        Venue::Codex | Venue::Responses => {
            let encrypted =
                (prompt.thinking.on && prompt.thinking.encrypted).then(|| seal(world, &key.label));
            let frame = Frame {
                request: &body,
                now,
                empty_output: false,
                encrypted,
                summary: prompt.thinking.summary,
            };
            responses_out::write(world, &frame, &turn)
        }
    };
    let streamed = body["stream"] == true;
    let answer = Answer {
        venue,
        written,
        streamed,
        headers: HeaderMap::new(),
        link: call.link.clone(),
        private: None,
    };
    answer::late(step, presence, answer).await
}

fn check(body: &Value, world: &World, key: &KeySetup, venue: Venue) -> Result<(), Refusal> {
    if matches!(venue, Venue::Chat | Venue::Messages | Venue::Gemini) {
        return Ok(());
    }
    if let Some(previous) = body["previous_response_id"].as_str() {
        let refusal = Refusal::bad(format!("Previous response with id '{previous}' not found."));
        return Err(refusal
            .param("previous_response_id")
            .code("previous_response_not_found"));
    }
    if world.setup.bind_encrypted_content && foreign_blob(&body["input"], &key.label) {
        return Err(answer::invalid_encrypted_content());
    }
    Ok(())
}

async fn compact(world: &Arc<World>, call: Call, who: Who, key: &KeySetup) -> Reply {
    let step = world.take_step(who, Endpoint::Compact);
    let now = world.now();
    if let Some(reply) = answer::early(&step, Venue::Responses, "", now).await {
        return reply;
    }
    match answer::parse(&call.body).and_then(|body| responses_in::read(&body)) {
        Ok(prompt) if serves(key, &prompt.model) => {
            let usage =
                responses_out::usage_document(crate::brain::say(&prompt, "compacted").usage);
            let item = json!({"id": world.id("cmp"), "type": "compaction", "encrypted_content": seal(world, &key.label)});
            let body = json!({"id": world.id("resp"), "object": "response.compaction", "created_at": now, "output": [item], "usage": usage});
            Ok(document(200, &body))
        }
        Ok(prompt) => Ok(answer::model_unsupported(Venue::Responses, &prompt.model)),
        Err(refusal) => Ok(document(refusal.status, &refusal.openai())),
    }
}

/// The model of a Gemini path that asks for vectors, and whether for several.
fn embeds(name: &str) -> Option<(&str, bool)> {
    let (model, action) = name.rsplit_once(':')?;
    match action {
        "embedContent" => Some((model, false)),
        "batchEmbedContents" => Some((model, true)),
        _ => None,
    }
}

/// Vectors, in the words of Gemini where its path names the model.
async fn embeddings(
    world: &Arc<World>,
    call: Call,
    who: Who,
    key: &KeySetup,
    of_path: Option<(&str, bool)>,
) -> Reply {
    let step = world.take_step(who, Endpoint::Embeddings);
    let parsed = answer::parse(&call.body);
    let body = parsed.as_ref().unwrap_or(&Value::Null);
    let (venue, model) = match of_path {
        Some((model, _)) => (Venue::Gemini, model),
        None => (Venue::Responses, body["model"].as_str().unwrap_or_default()),
    };
    if let Some(reply) = answer::early(&step, venue, model, world.now()).await {
        return reply;
    }
    if !serves(key, model) {
        return Ok(answer::model_unsupported(venue, model));
    }
    if let Some((_, batch)) = of_path {
        return Ok(google_vectors(body, model, batch));
    }
    let texts = body["input"].as_array().map_or(1, Vec::len);
    let vector = match body["encoding_format"].as_str() {
        // The same numbers as 32-bit floats, the least byte first.
        Some("base64") => json!("AACAPgAAAL8="),
        _ => json!([0.25, -0.5]),
    };
    let vectors: Vec<Value> = (0..texts)
        .map(|at| json!({"object": "embedding", "index": at, "embedding": vector}))
        .collect();
    let usage = json!({"prompt_tokens": 4 * texts, "total_tokens": 4 * texts});
    let list = json!({"object": "list", "data": vectors, "model": model, "usage": usage});
    Ok(document(200, &list))
}

/// As strict as the vendor: each request of a batch names the model of the path.
fn google_vectors(body: &Value, model: &str, batch: bool) -> Response<Body> {
    let one = json!({"values": [0.25, -0.5]});
    let named = format!("models/{model}");
    let wrong = |request: &Value, must: bool| {
        let said = request["model"].as_str();
        let parts = request["content"]["parts"].as_array();
        said.map_or(must, |said| said != named) || parts.is_none_or(Vec::is_empty)
    };
    let none = Vec::new();
    let all = body["requests"].as_array().unwrap_or(&none);
    let bad = match batch {
        true => all.is_empty() || all.iter().any(|request| wrong(request, true)),
        false => wrong(body, false),
    };
    if bad {
        let error = json!({"code": 400, "message": "Invalid embedding request.", "status": "INVALID_ARGUMENT"});
        return document(400, &json!({"error": error}));
    }
    let answer = match batch {
        true => json!({"embeddings": vec![one; all.len()]}),
        false => json!({"embedding": one}),
    };
    document(200, &answer)
}

async fn models(world: &Arc<World>, who: Who, key: &KeySetup, google: bool) -> Reply {
    let step = world.take_step(who, Endpoint::Models);
    if let Some(reply) = answer::early(&step, Venue::Responses, "", world.now()).await {
        return reply;
    }
    let some = vec!["relay-chat-1".to_owned()];
    let names = if key.models.is_empty() {
        &some
    } else {
        &key.models
    };
    if google {
        let list: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": format!("models/{name}"), "supportedGenerationMethods": ["generateContent"]}))
            .collect();
        return Ok(document(200, &json!({"models": list})));
    }
    let list: Vec<Value> = names.iter().map(|name| entry(name)).collect();
    Ok(document(200, &json!({"object": "list", "data": list})))
}

fn model(key: &KeySetup, name: &str) -> Response<Body> {
    if serves(key, name) {
        document(200, &entry(name))
    } else {
        answer::model_unsupported(Venue::Responses, name)
    }
}

fn entry(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": MODELS_CREATED, "owned_by": "simulator"})
}

pub(crate) fn serves(key: &KeySetup, model: &str) -> bool {
    key.models.is_empty() || key.models.iter().any(|name| name == model)
}

fn unknown_url(call: &Call) -> Response<Body> {
    // OpenAI's API answers an upgrade it does not do in the same way.
    let upgrade = call.method == Method::GET && call.path.ends_with("/responses");
    let (status, message) = match upgrade {
        true => (
            426,
            "Upgrade Required: this endpoint speaks HTTP only.".to_owned(),
        ),
        false => (404, format!("Invalid URL ({} {})", call.method, call.path)),
    };
    document(
        status,
        &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}}),
    )
}
