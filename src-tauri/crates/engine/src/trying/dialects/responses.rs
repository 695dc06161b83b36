//! Responses: the body of a prompt, and its answer. Pure.

use serde_json::{Value, json};

use super::function;
use crate::trying::answer::{Notes, said};
use crate::trying::{TryAsk, TryEvent};

/// What is sent.
pub(in crate::trying) fn body(ask: &TryAsk) -> Value {
    let mut content = vec![json!({"type": "input_text", "text": ask.prompt})];
    if let Some(image) = &ask.image {
        content.push(json!({"type": "input_image", "image_url": image}));
    }
    let mut body = json!({
        "model": ask.model,
        "input": [{"role": "user", "content": content}],
        "stream": ask.stream,
    });
    if ask.tools {
        let mut tool = function();
        tool["type"] = "function".into();
        body["tools"] = json!([tool]);
    }
    if let Some(effort) = ask.thinking {
        body["reasoning"] = json!({"effort": effort, "summary": "auto"});
    }
    body
}

/// One event of a stream.
pub(in crate::trying) fn event(event: &Value, notes: &mut Notes) {
    let piece = || said(&event["delta"]);
    match event["type"].as_str().unwrap_or_default() {
        "response.output_text.delta" | "response.refusal.delta" => {
            notes.tell_all(piece().map(TryEvent::Delta));
        }
        "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
            notes.tell_all(piece().map(TryEvent::Thinking));
        }
        "response.output_item.done" => item_done(&event["item"], notes),
        "response.completed" | "response.incomplete" => {
            usage(&event["response"]["usage"], notes);
            notes.end();
        }
        "response.failed" => {
            usage(&event["response"]["usage"], notes);
            notes.fail(&event["response"]["error"]);
        }
        "error" if event["error"].is_object() => notes.fail(&event["error"]),
        "error" => notes.fail(event),
        _ => {}
    }
}

/// A whole answer.
pub(in crate::trying) fn whole(answer: &Value, notes: &mut Notes) {
    for item in answer["output"].as_array().into_iter().flatten() {
        item_parts(item, notes);
        item_done(item, notes);
    }
    usage(&answer["usage"], notes);
    if answer["status"] == "failed" {
        notes.fail(&answer["error"]);
    }
}

/// What only whole items tell.
fn item_done(item: &Value, notes: &mut Notes) {
    match item["type"].as_str().unwrap_or_default() {
        kind @ ("function_call" | "custom_tool_call") => {
            let input = if kind == "function_call" {
                "arguments"
            } else {
                "input"
            };
            notes.tell(TryEvent::Tool {
                name: said(&item["name"]).unwrap_or_default(),
                arguments: said(&item[input]).unwrap_or_default(),
            });
        }
        "image_generation_call" => {
            let kind = item["output_format"].as_str().unwrap_or("png");
            let url = said(&item["result"]).map(|data| format!("data:image/{kind};base64,{data}"));
            notes.tell_all(url.map(TryEvent::Image));
        }
        _ => {}
    }
}

/// The text of an item, where it did not come piece by piece.
fn item_parts(item: &Value, notes: &mut Notes) {
    let texts = |name: &str| {
        let parts = item[name].as_array().into_iter().flatten();
        parts.filter_map(|part| said(&part["text"]).or_else(|| said(&part["refusal"])))
    };
    match item["type"].as_str().unwrap_or_default() {
        "message" => notes.tell_all(texts("content").map(TryEvent::Delta)),
        "reasoning" => notes.tell_all(
            texts("summary")
                .chain(texts("content"))
                .map(TryEvent::Thinking),
        ),
        _ => {}
    }
}

fn usage(usage: &Value, notes: &mut Notes) {
    if usage.is_object() {
        notes.tell(TryEvent::Usage {
            input: usage["input_tokens"].as_u64(),
            output: usage["output_tokens"].as_u64(),
            cached: usage["input_tokens_details"]["cached_tokens"].as_u64(),
            reasoning: usage["output_tokens_details"]["reasoning_tokens"].as_u64(),
        });
    }
}
