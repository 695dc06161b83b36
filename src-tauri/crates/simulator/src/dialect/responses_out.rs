//! Writes a turn as Responses events with their whole life cycle, or as one response document. Called by `codex` and `relay`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{named_frame, pieces};
use crate::{
    brain::{Call, CallInput, Turn, Usage},
    world::World,
};

/// What an answer needs to know besides the turn.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// The request, whose settings the response echoes.
    pub(crate) request: &'a Value,
    /// Unix seconds.
    pub(crate) now: i64,
    /// Whether the terminal response has an empty `output`.
    pub(crate) empty_output: bool,
    /// The encrypted form of the reasoning, where it is asked for.
    pub(crate) encrypted: Option<String>,
    /// Whether the reasoning summary is shown.
    pub(crate) summary: bool,
}

/// The stream of one answer, and the same answer as a document.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) frames: Vec<Bytes>,
    /// How many frames come before the ones that end the answer.
    pub(crate) content: usize,
    pub(crate) document: Value,
}

/// Writes a turn.
pub(crate) fn write(world: &World, frame: &Frame<'_>, turn: &Turn) -> Written {
    let mut writer = Writer {
        frame,
        id: world.id("resp"),
        frames: Vec::new(),
        output: Vec::new(),
    };
    for kind in ["response.created", "response.in_progress"] {
        let response = writer.response("in_progress", &[], None, Value::Null);
        writer.emit(kind, json!({"response": response}));
    }
    if let Some(thought) = &turn.reasoning {
        writer.reasoning(&world.id("rs"), thought);
    }
    if let Some(text) = turn.text.as_ref().filter(|text| !text.is_empty()) {
        writer.message(
            &world.id("msg"),
            text,
            if turn.cut { "incomplete" } else { "completed" },
        );
    }
    for call in &turn.calls {
        writer.call(world, call);
    }
    if let Some(picture) = &turn.picture {
        writer.picture(&world.id("ig"), picture);
    }
    let (status, details) = if turn.cut {
        ("incomplete", json!({"reason": "max_output_tokens"}))
    } else {
        ("completed", Value::Null)
    };
    let output = std::mem::take(&mut writer.output);
    let document = writer.response(status, &output, Some(turn.usage), details.clone());
    let told: &[Value] = if frame.empty_output { &[] } else { &output };
    let last = writer.response(status, told, Some(turn.usage), details);
    let content = writer.frames.len();
    writer.emit(&format!("response.{status}"), json!({"response": last}));
    Written {
        frames: writer.frames,
        content,
        document,
    }
}

/// The event that ends a stream in failure. `document` is the answer that would have come.
pub(crate) fn failed_event(document: &Value, code: &str, number: usize) -> Bytes {
    let mut response = document.clone();
    let now = response["created_at"].as_i64().unwrap_or_default();
    for (field, value) in [
        ("status", json!("failed")),
        ("output", json!([])),
        ("usage", Value::Null),
        ("completed_at", Value::Null),
    ] {
        response[field] = value;
    }
    response["error"] = error_body(code, now);
    named_frame(
        &json!({"type": "response.failed", "sequence_number": number, "response": response}),
    )
}

/// An `error` event as OpenAI sends it: with a nested error.
pub(crate) fn error_event(code: &str, number: usize) -> Bytes {
    let error =
        json!({"type": kind_of(code), "code": code, "message": message_of(code), "param": null});
    named_frame(&json!({"type": "error", "sequence_number": number, "error": error}))
}

fn error_body(code: &str, now: i64) -> Value {
    let mut error = json!({"code": code, "message": message_of(code)});
    if code == "usage_limit_reached" {
        error["type"] = json!(code);
        error["plan_type"] = json!("plus");
        error["resets_at"] = json!(now + 600);
        error["resets_in_seconds"] = json!(600);
    }
    error
}

/// The type that goes with an error code.
pub(crate) fn kind_of(code: &str) -> &str {
    match code {
        "usage_limit_reached" | "insufficient_quota" => code,
        "rate_limit_exceeded" => "rate_limit_error",
        "context_length_exceeded" | "invalid_prompt" => "invalid_request_error",
        _ => "server_error",
    }
}

/// The sentence that goes with an error code.
pub(crate) fn message_of(code: &str) -> String {
    match code {
        "usage_limit_reached" => "The usage limit has been reached".to_owned(),
        "rate_limit_exceeded" => "Rate limit reached. Please try again in 11.054s.".to_owned(),
        "context_length_exceeded" => "Your input exceeds the context window of this model. Please adjust your input and try again.".to_owned(),
        "insufficient_quota" => "You exceeded your current quota, please check your plan and billing details.".to_owned(),
        "server_is_overloaded" => "Our servers are currently overloaded. Please try again later.".to_owned(),
        other => format!("The model failed to answer ({other})."),
    }
}

struct Writer<'a> {
    frame: &'a Frame<'a>,
    id: String,
    frames: Vec<Bytes>,
    output: Vec<Value>,
}

impl Writer<'_> {
    fn emit(&mut self, kind: &str, fields: Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), json!(kind));
        event.insert("sequence_number".to_owned(), json!(self.frames.len()));
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        self.frames.push(named_frame(&Value::Object(event)));
    }

    fn message(&mut self, id: &str, text: &str, status: &str) {
        let index = self.output.len();
        let item = |status: &str, content: Value| json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content});
        let part = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
        let place = |more: Value| {
            let mut fields = json!({"item_id": id, "output_index": index, "content_index": 0});
            if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
                fields.extend(more);
            }
            fields
        };
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item("in_progress", json!([]))}),
        );
        self.emit(
            "response.content_part.added",
            place(json!({"part": part("")})),
        );
        for piece in pieces(text) {
            self.emit(
                "response.output_text.delta",
                place(json!({"delta": piece, "logprobs": []})),
            );
        }
        self.emit(
            "response.output_text.done",
            place(json!({"text": text, "logprobs": []})),
        );
        self.emit(
            "response.content_part.done",
            place(json!({"part": part(text)})),
        );
        let done = item(status, json!([part(text)]));
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": done}),
        );
        self.output.push(done);
    }

    fn reasoning(&mut self, id: &str, thought: &str) {
        let index = self.output.len();
        let mut item = json!({"id": id, "type": "reasoning", "summary": []});
        if self.frame.encrypted.is_some() {
            item["encrypted_content"] = json!("");
        }
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        );
        if self.frame.summary {
            let part = |text: &str| json!({"type": "summary_text", "text": text});
            let place = json!({"item_id": id, "output_index": index, "summary_index": 0});
            let with = |key: &str, value: Value| {
                let mut fields = place.clone();
                fields[key] = value;
                fields
            };
            self.emit(
                "response.reasoning_summary_part.added",
                with("part", part("")),
            );
            for piece in pieces(thought) {
                self.emit(
                    "response.reasoning_summary_text.delta",
                    with("delta", json!(piece)),
                );
            }
            self.emit(
                "response.reasoning_summary_text.done",
                with("text", json!(thought)),
            );
            self.emit(
                "response.reasoning_summary_part.done",
                with("part", part(thought)),
            );
            item["summary"] = json!([part(thought)]);
        }
        if let Some(sealed) = &self.frame.encrypted {
            item["encrypted_content"] = json!(sealed);
        }
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
        self.output.push(item);
    }

    fn call(&mut self, world: &World, call: &Call) {
        let index = self.output.len();
        let call_id = world.id("call");
        let (id, mut item, field, events) = match &call.input {
            CallInput::Json(_) => {
                let id = world.id("fc");
                let item = json!({"id": id, "type": "function_call", "status": "in_progress", "arguments": "", "call_id": call_id, "name": call.name});
                (id, item, "arguments", "response.function_call_arguments")
            }
            CallInput::Text(_) => {
                let id = world.id("ctc");
                let item = json!({"id": id, "type": "custom_tool_call", "status": "in_progress", "call_id": call_id, "name": call.name, "input": ""});
                (id, item, "input", "response.custom_tool_call_input")
            }
            CallInput::Command(words) => {
                let id = world.id("lsh");
                let action = json!({"type": "exec", "command": words, "env": {}, "timeout_ms": null, "user": null, "working_directory": null});
                let item = json!({"id": id, "type": "local_shell_call", "status": "in_progress", "call_id": call_id, "action": action});
                (id, item, "", "")
            }
        };
        if let Some(namespace) = &call.namespace {
            item["namespace"] = json!(namespace);
        }
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        );
        if let CallInput::Json(text) | CallInput::Text(text) = &call.input {
            for piece in pieces(text) {
                self.emit(
                    &format!("{events}.delta"),
                    json!({"item_id": id, "output_index": index, "delta": piece}),
                );
            }
            let mut done = json!({"item_id": id, "output_index": index});
            done[field] = json!(text);
            if field == "arguments" {
                done["name"] = json!(call.name);
            }
            self.emit(&format!("{events}.done"), done);
            item[field] = json!(text);
        }
        item["status"] = json!("completed");
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
        self.output.push(item);
    }

    fn picture(&mut self, id: &str, picture: &Value) {
        let index = self.output.len();
        let mut item = json!({"id": id, "type": "image_generation_call", "status": "in_progress"});
        self.emit(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        );
        let place = json!({"item_id": id, "output_index": index});
        for stage in ["in_progress", "generating"] {
            self.emit(
                &format!("response.image_generation_call.{stage}"),
                place.clone(),
            );
        }
        for part in 0..picture["partial_images"].as_u64().unwrap_or_default() {
            let mut event = place.clone();
            event["partial_image_index"] = json!(part);
            event["partial_image_b64"] = json!(crate::images::partial());
            self.emit("response.image_generation_call.partial_image", event);
        }
        item["status"] = json!("completed");
        for name in [
            "result",
            "revised_prompt",
            "size",
            "quality",
            "background",
            "output_format",
        ] {
            if !picture[name].is_null() {
                item[name] = picture[name].clone();
            }
        }
        self.emit(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        );
        self.output.push(item);
    }

    fn response(
        &self,
        status: &str,
        output: &[Value],
        usage: Option<Usage>,
        incomplete: Value,
    ) -> Value {
        let request = self.frame.request;
        let echo = |key: &str, default: Value| match &request[key] {
            Value::Null => default,
            given => given.clone(),
        };
        let mut reasoning = json!({"effort": null, "summary": null});
        if let (Some(fields), Value::Object(asked)) =
            (reasoning.as_object_mut(), &request["reasoning"])
        {
            fields.extend(asked.clone());
        }
        let finished = matches!(status, "completed" | "incomplete");
        json!({
            "id": self.id, "object": "response", "created_at": self.frame.now, "completed_at": if finished { json!(self.frame.now) } else { Value::Null },
            "status": status, "background": false, "error": null, "incomplete_details": incomplete, "instructions": request["instructions"],
            "max_output_tokens": request["max_output_tokens"], "max_tool_calls": null, "model": request["model"], "output": output,
            "parallel_tool_calls": echo("parallel_tool_calls", json!(true)), "previous_response_id": request["previous_response_id"],
            "prompt_cache_key": request["prompt_cache_key"], "reasoning": reasoning, "safety_identifier": request["safety_identifier"],
            "service_tier": "default", "store": echo("store", json!(true)), "temperature": echo("temperature", json!(1.0)),
            "text": echo("text", json!({"format": {"type": "text"}, "verbosity": "medium"})), "tool_choice": echo("tool_choice", json!("auto")),
            "tools": echo("tools", json!([])), "top_logprobs": 0, "top_p": echo("top_p", json!(1.0)), "truncation": echo("truncation", json!("disabled")),
            "usage": usage.map_or(Value::Null, usage_document), "user": request["user"], "metadata": echo("metadata", json!({})),
        })
    }
}

/// Token counts in this dialect.
pub(crate) fn usage_document(usage: Usage) -> Value {
    json!({"input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached}, "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning}, "total_tokens": usage.input + usage.output})
}
