//! What comes back for a prompt, read as any client of that dialect would: a stream or one JSON answer becomes events. Pure.
//!
//! Not the gateway's own observer (`protocol`): this reads what the client is shown, after all translation.

use std::collections::{BTreeMap, VecDeque};

use protocol::sse::Decoder;
use serde_json::Value;

use super::{TryEvent, TryProtocol};
use crate::redact::redact;

/// How much of one line is shown as it came.
const LONGEST_LINE: usize = 8_000;
/// How much of an answer that is not streamed is kept.
const LONGEST_ANSWER: usize = 64 << 20;

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    Failed { code: String, message: String },
}

/// Reads one answer.
pub(super) struct Reader {
    protocol: TryProtocol,
    stream: bool,
    decoder: Decoder,
    /// The unfinished line; of an answer that is not streamed, all of it.
    rest: Vec<u8>,
    /// Chat: tool calls by their place, name and arguments, until they are whole.
    calls: BTreeMap<u64, (String, String)>,
    ending: Option<Ending>,
    /// Chat: a reason to end was told; some upstreams say nothing after it.
    finished: bool,
}

impl Reader {
    pub(super) fn new(protocol: TryProtocol, stream: bool) -> Self {
        Self {
            protocol,
            stream,
            decoder: Decoder::new(),
            rest: Vec::new(),
            calls: BTreeMap::new(),
            ending: None,
            finished: false,
        }
    }

    /// Takes a piece of the body.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut VecDeque<TryEvent>) {
        if !self.stream {
            let room = LONGEST_ANSWER.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&chunk[..chunk.len().min(room)]);
            return;
        }
        self.lines(chunk, out);
        let mut events = Vec::new();
        let read = self.decoder.for_each(chunk, |event| {
            events.push(
                serde_json::from_slice::<Value>(event.data).map_err(|_| event.data == b"[DONE]"),
            );
        });
        for event in events {
            match event {
                Ok(value) => self.event(&value, out),
                Err(true) => {
                    self.ending.get_or_insert(Ending::Whole);
                }
                Err(false) => {}
            }
        }
        if let Err(error) = read {
            self.ending.get_or_insert(Ending::Failed {
                code: "unreadable".into(),
                message: error.to_string(),
            });
        }
    }

    /// The body is over.
    pub(super) fn finish(&mut self, out: &mut VecDeque<TryEvent>) -> Ending {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            out.push_back(raw(&rest));
        }
        if !self.stream {
            match serde_json::from_slice::<Value>(&rest) {
                Ok(answer) => self.whole(&answer, out),
                Err(_) => self.ending = Some(unreadable()),
            }
        }
        self.flush_calls(out);
        let told = self
            .ending
            .take()
            .or(self.finished.then_some(Ending::Whole));
        told.unwrap_or_else(|| Ending::Failed {
            code: "stream_disconnected".into(),
            message: "the answer ended before its end was told".into(),
        })
    }

    fn lines(&mut self, chunk: &[u8], out: &mut VecDeque<TryEvent>) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.rest.len() < LONGEST_LINE {
                self.rest.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                let line = line.trim_ascii_end();
                if !line.is_empty() {
                    out.push_back(raw(line));
                }
            }
        }
    }

    fn event(&mut self, event: &Value, out: &mut VecDeque<TryEvent>) {
        match self.protocol {
            TryProtocol::Chat => self.chat(event, "delta", out),
            TryProtocol::Responses => self.responses(event, out),
        }
    }

    fn whole(&mut self, answer: &Value, out: &mut VecDeque<TryEvent>) {
        match self.protocol {
            TryProtocol::Chat => self.chat(answer, "message", out),
            TryProtocol::Responses => {
                for item in answer["output"].as_array().into_iter().flatten() {
                    item_parts(item, out);
                    item_done(item, out);
                }
                responses_usage(&answer["usage"], out);
                if answer["status"] == "failed" {
                    self.fail(&answer["error"]);
                }
            }
        }
        self.ending.get_or_insert(Ending::Whole);
    }

    fn chat(&mut self, event: &Value, part: &str, out: &mut VecDeque<TryEvent>) {
        if event["error"].is_object() {
            return self.fail(&event["error"]);
        }
        let part = &event["choices"][0][part];
        for name in ["reasoning_content", "reasoning"] {
            if let Some(text) = said(&part[name]) {
                out.push_back(TryEvent::Thinking(text));
                break;
            }
        }
        if let Some(text) = said(&part["content"]).or_else(|| said(&part["refusal"])) {
            out.push_back(TryEvent::Delta(text));
        }
        for (place, call) in (0..).zip(part["tool_calls"].as_array().into_iter().flatten()) {
            let known = self
                .calls
                .entry(call["index"].as_u64().unwrap_or(place))
                .or_default();
            known
                .0
                .push_str(call["function"]["name"].as_str().unwrap_or_default());
            known
                .1
                .push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
        if event["choices"][0]["finish_reason"].is_string() {
            self.flush_calls(out);
            self.finished = true;
        }
        let usage = &event["usage"];
        if usage.is_object() {
            out.push_back(TryEvent::Usage {
                input: usage["prompt_tokens"].as_u64(),
                output: usage["completion_tokens"].as_u64(),
                cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
                reasoning: usage["completion_tokens_details"]["reasoning_tokens"].as_u64(),
            });
        }
    }

    fn flush_calls(&mut self, out: &mut VecDeque<TryEvent>) {
        for (name, arguments) in std::mem::take(&mut self.calls).into_values() {
            out.push_back(TryEvent::Tool { name, arguments });
        }
    }

    fn responses(&mut self, event: &Value, out: &mut VecDeque<TryEvent>) {
        let piece = || said(&event["delta"]);
        match event["type"].as_str().unwrap_or_default() {
            "response.output_text.delta" | "response.refusal.delta" => {
                out.extend(piece().map(TryEvent::Delta));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                out.extend(piece().map(TryEvent::Thinking));
            }
            "response.output_item.done" => item_done(&event["item"], out),
            "response.completed" | "response.incomplete" => {
                responses_usage(&event["response"]["usage"], out);
                self.ending.get_or_insert(Ending::Whole);
            }
            "response.failed" => {
                responses_usage(&event["response"]["usage"], out);
                self.fail(&event["response"]["error"]);
            }
            "error" if event["error"].is_object() => self.fail(&event["error"]),
            "error" => self.fail(event),
            _ => {}
        }
    }

    fn fail(&mut self, error: &Value) {
        self.ending.get_or_insert(failed(error));
    }
}

/// The error of an answer whose status was no success.
pub(super) fn refusal(body: &str) -> Ending {
    match serde_json::from_str::<Value>(body) {
        Ok(answer) if answer["error"].is_object() => failed(&answer["error"]),
        _ => unreadable(),
    }
}

fn failed(error: &Value) -> Ending {
    let word = |name: &str| said(&error[name]);
    Ending::Failed {
        code: word("code")
            .or_else(|| word("type"))
            .unwrap_or_else(|| "failed".into()),
        message: word("message").unwrap_or_else(|| "no reason given".into()),
    }
}

fn unreadable() -> Ending {
    Ending::Failed {
        code: "unreadable".into(),
        message: "the answer could not be read".into(),
    }
}

/// What only whole items tell.
fn item_done(item: &Value, out: &mut VecDeque<TryEvent>) {
    match item["type"].as_str().unwrap_or_default() {
        kind @ ("function_call" | "custom_tool_call") => {
            let input = if kind == "function_call" {
                "arguments"
            } else {
                "input"
            };
            out.push_back(TryEvent::Tool {
                name: said(&item["name"]).unwrap_or_default(),
                arguments: said(&item[input]).unwrap_or_default(),
            });
        }
        "image_generation_call" => {
            let kind = item["output_format"].as_str().unwrap_or("png");
            let url = said(&item["result"]).map(|data| format!("data:image/{kind};base64,{data}"));
            out.extend(url.map(TryEvent::Image));
        }
        _ => {}
    }
}

/// The text of an item, where it did not come piece by piece.
fn item_parts(item: &Value, out: &mut VecDeque<TryEvent>) {
    let texts = |name: &str| {
        let parts = item[name].as_array().into_iter().flatten();
        parts.filter_map(|part| said(&part["text"]).or_else(|| said(&part["refusal"])))
    };
    match item["type"].as_str().unwrap_or_default() {
        "message" => out.extend(texts("content").map(TryEvent::Delta)),
        "reasoning" => out.extend(
            texts("summary")
                .chain(texts("content"))
                .map(TryEvent::Thinking),
        ),
        _ => {}
    }
}

fn responses_usage(usage: &Value, out: &mut VecDeque<TryEvent>) {
    if usage.is_object() {
        out.push_back(TryEvent::Usage {
            input: usage["input_tokens"].as_u64(),
            output: usage["output_tokens"].as_u64(),
            cached: usage["input_tokens_details"]["cached_tokens"].as_u64(),
            reasoning: usage["output_tokens_details"]["reasoning_tokens"].as_u64(),
        });
    }
}

fn said(text: &Value) -> Option<String> {
    let text = text.as_str().filter(|text| !text.is_empty())?;
    Some(text.to_owned())
}

fn raw(line: &[u8]) -> TryEvent {
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
    let mut text = redact(&text).into_owned();
    if line.len() > LONGEST_LINE {
        text.push('…');
    }
    TryEvent::Raw(text)
}

#[cfg(test)]
mod tests;
