//! The Images API of the ChatGPT backend (codex-backend.md 6.1) and of a relay, and the picture that both draw: always the same small PNG.
//! Called by `codex` and `relay`; the hosted tool's picture comes through `brain`.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::{
    answer::{self, Answer, Presence, Venue},
    brain::Prompt,
    dialect::{Refusal, responses_out::Written},
    relay::serves,
    serve::{Call, Reply, document},
    setup::{AccountSetup, KeySetup},
    step::{Endpoint, Step},
    world::{Who, World},
};

/// Side of every picture in pixels; what was asked is often not what is drawn.
const SIDE: u32 = 48;

/// Fields the native endpoint of the backend takes.
const NATIVE: &[&str] = &[
    "prompt",
    "model",
    "background",
    "quality",
    "size",
    "n",
    "images",
];

pub(crate) async fn codex(
    world: &Arc<World>,
    call: Call,
    index: usize,
    account: &AccountSetup,
) -> Reply {
    let mut presence = Presence::new(world);
    let step = world.take_step(Who::Account(index), Endpoint::Images);
    let now = world.now();
    let parsed = answer::parse(&call.body);
    let model = model_of(&parsed);
    if let Some(reply) = answer::early(&step, Venue::Codex, &model, now).await {
        presence.finish();
        return reply;
    }
    let checked = parsed.and_then(|body| native(&body, &call, account).map(|()| body));
    let body = match checked {
        Ok(body) => body,
        Err(refusal) => {
            presence.finish();
            return Ok(document(refusal.status, &refusal.detail()));
        }
    };
    if let Some(left) = world.quota(index).0.exhausted_for(now) {
        presence.finish();
        return Ok(answer::usage_limit(Some((now + left, left.unsigned_abs()))));
    }
    world.spend(index);
    let prompt = body["prompt"].as_str().unwrap_or_default();
    drawn(world, step, presence, call, &body, prompt).await
}

pub(crate) async fn relay(world: &Arc<World>, call: Call, who: Who, key: &KeySetup) -> Reply {
    let mut presence = Presence::new(world);
    let step = world.take_step(who, Endpoint::Images);
    let form = call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let parsed = match form {
        true => Ok(form_of(&call)),
        false => answer::parse(&call.body),
    };
    let model = model_of(&parsed);
    if let Some(reply) = answer::early(&step, Venue::Responses, &model, world.now()).await {
        presence.finish();
        return reply;
    }
    let body = match parsed {
        Ok(body) if body["prompt"].as_str().is_some_and(|text| !text.is_empty()) => body,
        Ok(_) => {
            presence.finish();
            let refusal = Refusal::bad("Missing required parameter: 'prompt'.").param("prompt");
            return Ok(document(400, &refusal.openai()));
        }
        Err(refusal) => {
            presence.finish();
            return Ok(document(refusal.status, &refusal.openai()));
        }
    };
    if !serves(key, &model) {
        presence.finish();
        return Ok(answer::model_unsupported(Venue::Responses, &model));
    }
    let prompt = body["prompt"].as_str().unwrap_or_default();
    drawn(world, step, presence, call, &body, prompt).await
}

fn model_of(parsed: &Result<Value, Refusal>) -> String {
    let body = parsed.as_ref().ok();
    body.and_then(|body| body["model"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// The checks of the backend, which says little more than that something is wrong.
fn native(body: &Value, call: &Call, account: &AccountSetup) -> Result<(), Refusal> {
    if account.plan == "free" {
        return Err(Refusal {
            status: 403,
            ..Refusal::bad("Image generation is not available on this plan.")
        });
    }
    let fields = body.as_object().into_iter().flatten();
    for (name, _) in fields {
        if !NATIVE.contains(&name.as_str()) {
            return Err(Refusal::bad(format!("Unsupported parameter: {name}")));
        }
    }
    let model = body["model"].as_str().unwrap_or_default();
    if !model.starts_with("gpt-image-2") {
        let text = format!(
            "The '{model}' model is not supported when using Codex with a ChatGPT account."
        );
        return Err(Refusal::bad(text));
    }
    if body["prompt"].as_str().is_none_or(str::is_empty) {
        return Err(Refusal::bad("Field required: prompt"));
    }
    if call.path.ends_with("/edits") {
        let images = body["images"].as_array().into_iter().flatten();
        let urls: Vec<&str> = images
            .map(|image| image["image_url"].as_str().unwrap_or_default())
            .collect();
        if urls.is_empty() {
            return Err(Refusal::bad("Field required: images"));
        }
        if !urls.iter().all(|url| url.starts_with("data:image/")) {
            return Err(Refusal::bad("Error while downloading the image."));
        }
    }
    Ok(())
}

/// The text fields of a form. Good enough for the forms of the client libraries.
fn form_of(call: &Call) -> Value {
    let text = String::from_utf8_lossy(&call.body);
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
        rest.split_once("\r\n").map(|(value, _)| value.to_owned())
    };
    json!({"prompt": field("prompt"), "model": field("model"), "size": field("size"), "stream": field("stream").map(|word| word == "true")})
}

async fn drawn(
    world: &World,
    step: Step,
    presence: Presence,
    call: Call,
    body: &Value,
    prompt: &str,
) -> Reply {
    let entry = match &step {
        Step::EmptyAnswer => json!([]),
        Step::Say(text) => json!([{"b64_json": text}]),
        _ => json!([{"b64_json": picture()}]),
    };
    let asked = |name: &str, usual: &str| match body[name].as_str() {
        Some(word) if word != "auto" => json!(word),
        _ => json!(usual),
    };
    let edit = call.path.ends_with("/edits");
    let usage = usage(prompt, edit);
    let answer = json!({"created": world.now(), "data": entry, "background": asked("background", "opaque"),
        "output_format": asked("output_format", "png"), "quality": asked("quality", "medium"), "size": asked("size", "1024x1024"), "usage": usage});
    let streamed = body["stream"] == true;
    let kind = if edit {
        "image_edit.completed"
    } else {
        "image_generation.completed"
    };
    let event =
        json!({"type": kind, "b64_json": picture(), "created_at": world.now(), "usage": usage});
    let written = Written {
        frames: vec![crate::dialect::named_frame(&event)],
        content: 0,
        document: answer,
    };
    let answer = Answer {
        venue: Venue::Responses,
        written,
        streamed,
        headers: HeaderMap::new(),
        link: call.link.clone(),
        private: None,
    };
    answer::late(step, presence, answer).await
}

/// What a picture costs, in the words of the Images API.
fn usage(prompt: &str, edit: bool) -> Value {
    let words = prompt.len() as u64 / 4 + 1;
    let pictures = if edit { 300 } else { 0 };
    json!({"input_tokens": words + pictures, "input_tokens_details": {"text_tokens": words, "image_tokens": pictures},
        "output_tokens": 1372, "output_tokens_details": {"image_tokens": 1372, "text_tokens": 0}, "total_tokens": words + pictures + 1372})
}

/// The hosted tool's call for a prompt.
pub(crate) fn by_tool(tool: &Value, prompt: &Prompt) -> Value {
    let asked = |name: &str, usual: &str| match tool[name].as_str() {
        Some(word) if word != "auto" => json!(word),
        _ => json!(usual),
    };
    json!({"result": picture(), "revised_prompt": format!("A picture: {}", prompt.ask), "size": asked("size", "1024x1024"),
        "quality": asked("quality", "medium"), "background": asked("background", "opaque"), "output_format": asked("output_format", "png"),
        "partial_images": tool["partial_images"]})
}

/// The picture, as base64.
pub(crate) fn picture() -> String {
    STANDARD.encode(png(SIDE, SIDE))
}

/// An unfinished one: half the height.
pub(crate) fn partial() -> String {
    STANDARD.encode(png(SIDE, SIDE / 2))
}

/// A PNG with a gradient, uncompressed.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let shade =
                |part: u32, whole: u32| u8::try_from(part * 255 / whole.max(1)).unwrap_or(255);
            rows.extend_from_slice(&[shade(x, width), shade(y, height), 160]);
        }
    }
    let mut packed = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = rows.chunks(0xffff).collect();
    for (at, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        packed.push(u8::from(at + 1 == blocks.len()));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    packed.extend_from_slice(&adler(&rows).to_be_bytes());
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [
        (b"IHDR", &header),
        (b"IDAT", &packed),
        (b"IEND", &Vec::new()),
    ] {
        let named: Vec<u8> = kind.iter().chain(content).copied().collect();
        file.extend_from_slice(&u32::try_from(content.len()).unwrap_or(0).to_be_bytes());
        file.extend_from_slice(&named);
        file.extend_from_slice(&crc(&named).to_be_bytes());
    }
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

fn adler(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}
