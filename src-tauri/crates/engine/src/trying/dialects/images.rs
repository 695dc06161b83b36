//! The Images API: a prompt to draw, with a picture one to change, and its answer. Pure.

use serde_json::{Value, json};

use super::picture;
use crate::trying::answer::{Notes, said};
use crate::trying::{TryAsk, TryEvent};

/// What is sent.
pub(in crate::trying) fn body(ask: &TryAsk) -> Value {
    let mut body = json!({"model": ask.model, "prompt": ask.prompt, "n": 1});
    if let Some(image) = ask
        .image
        .as_deref()
        .filter(|image| picture(image).is_some())
    {
        body["images"] = json!([{"image_url": image}]);
    }
    body
}

/// One event of a stream. The page asks for none, and reads one all the same.
pub(in crate::trying) fn event(event: &Value, notes: &mut Notes) {
    let kind = event["type"].as_str().unwrap_or_default();
    if event["error"].is_object() {
        notes.fail(&event["error"]);
    } else if kind.ends_with(".completed") {
        drawn(event, &event["output_format"], notes);
        usage(&event["usage"], notes);
        notes.end();
    }
}

/// A whole answer.
pub(in crate::trying) fn whole(answer: &Value, notes: &mut Notes) {
    for image in answer["data"].as_array().into_iter().flatten() {
        drawn(image, &answer["output_format"], notes);
    }
    usage(&answer["usage"], notes);
}

fn drawn(image: &Value, format: &Value, notes: &mut Notes) {
    let format = format.as_str().unwrap_or("png");
    let url = said(&image["b64_json"]).map(|data| format!("data:image/{format};base64,{data}"));
    notes.tell_all(url.map(TryEvent::Image));
    // What was really drawn, where the provider put the prompt in its own words.
    notes.tell_all(said(&image["revised_prompt"]).map(TryEvent::Thinking));
}

fn usage(usage: &Value, notes: &mut Notes) {
    if usage.is_object() {
        notes.input = usage["input_tokens"].as_u64();
        notes.output = usage["output_tokens"].as_u64();
        notes.tell_usage();
    }
}
