//! A Chat Completions request → the common form.
//!
//! Refuses what would silently change its meaning elsewhere, records what is lost. Called by the hub.

use std::fmt::Display;

use crate::{
    canonical::{
        fields::{any, array, boolean, missing, number, object, text, unsigned, word, wrong_type},
        request::{Call, Format, Item, Losses, Part, Request, Role, Settings, Tool},
    },
    chat::{
        parts_decode::content,
        proof,
        tools_decode::{legacy_choice, legacy_tools, tool_choice, tools},
        wire::{AUDIO_MODALITY, QUIET},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::{Dialect, RequestError},
};

/// Reads a whole request body.
pub(crate) fn decode<'a>(body: &'a str, losses: &mut Losses) -> Result<Request<'a>, RequestError> {
    let mut request = Request::default();
    let mut legacy_limit = None;
    let mut messages = false;
    let (mut effort, mut variant) = (None, None);
    let mut reader = Reader::new(body);
    object(&mut reader, &"body", |key, value| {
        let settings = &mut request.settings;
        match key {
            "messages" => {
                messages = true;
                request.items = self::messages(value, losses)?;
            }
            "tools" => tools(value, &mut request.tools, losses)?,
            "functions" => legacy_tools(value, &mut request.tools, losses)?,
            "tool_choice" => request.tool_choice = tool_choice(value)?,
            "web_search_options" => {
                if let Some(native) = any(value)? {
                    request.tools.push(Tool::Hosted {
                        origin: Dialect::Chat,
                        kind: Text::spell(key),
                        native,
                    });
                }
            }
            "function_call" => request.tool_choice = legacy_choice(value)?,
            "max_tokens" => legacy_limit = unsigned(value, &key)?,
            "max_completion_tokens" => settings.max_output_tokens = unsigned(value, &key)?,
            "response_format" => settings.format = format(value, losses)?,
            "reasoning_effort" => effort = word(value, &key)?,
            "variant" => variant = word(value, &key)?,
            "reasoning" => reasoning(value, settings, losses)?,
            "modalities" => modalities(value)?,
            "n" => {
                if unsigned(value, &key)?.is_some_and(|n| n > 1) {
                    return Err(RequestError::field(
                        "n",
                        "Only n = 1 is supported here: ask once per choice (F75).",
                    ));
                }
            }
            key if QUIET.contains(&key) => value.skip()?,
            key => sampling(key, value, settings, losses)?,
        }
        Ok(())
    })?;
    reader.end()?;
    if !messages {
        return Err(missing(&"messages"));
    }
    freeform(&mut request);
    let settings = &mut request.settings;
    settings.max_output_tokens = settings.max_output_tokens.or(legacy_limit);
    // F90: the order in which the body's own words count.
    settings.effort = settings.effort.take().or(effort).or(variant);
    Ok(request)
}

/// T53: what a client has kept as calls of a function were calls of its freeform tool, and their arguments its raw input.
fn freeform(request: &mut Request<'_>) {
    for tool in &request.tools {
        let Tool::Custom {
            name,
            as_function: true,
            ..
        } = tool
        else {
            continue;
        };
        for item in &mut request.items {
            if let Item::Call(call) = item
                && call.name == *name
            {
                call.custom = true;
            }
        }
    }
}

/// The plain fields.
fn sampling<'a>(
    key: &str,
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    match key {
        "temperature" => settings.temperature = number(value, &key)?,
        "top_p" => settings.top_p = number(value, &key)?,
        "frequency_penalty" => settings.frequency_penalty = number(value, &key)?,
        "presence_penalty" => settings.presence_penalty = number(value, &key)?,
        "seed" => settings.seed = number(value, &key)?,
        "stop" => settings.stop = any(value)?.filter(|raw| *raw != "[]"),
        "logit_bias" => settings.logit_bias = any(value)?.filter(|raw| *raw != "{}"),
        "logprobs" => settings.logprobs = boolean(value, &key)?.unwrap_or(false),
        "top_logprobs" => settings.top_logprobs = number(value, &key)?,
        "parallel_tool_calls" => settings.parallel_tool_calls = boolean(value, &key)?,
        "verbosity" => settings.verbosity = word(value, &key)?,
        "store" => settings.store = boolean(value, &key)?,
        "metadata" => settings.metadata = any(value)?,
        "user" => settings.user = word(value, &key)?,
        "safety_identifier" => settings.safety_identifier = word(value, &key)?,
        "prompt_cache_key" => settings.prompt_cache_key = word(value, &key)?,
        "prompt_cache_retention" => settings.prompt_cache_retention = word(value, &key)?,
        "service_tier" => settings.service_tier = word(value, &key)?,
        _ => {
            if any(value)?.is_some() {
                losses.dropped(key.to_owned(), "the account's dialect has no such field");
            }
        }
    }
    Ok(())
}

/// `reasoning: {effort, summary}`, which some clients send here too (F90).
fn reasoning<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, &"reasoning", |key, value| {
        match key {
            "effort" => settings.effort = word(value, &"reasoning.effort")?,
            "summary" => settings.summary = word(value, &"reasoning.summary")?,
            key => losses.unknown("reasoning", key, value)?,
        }
        Ok(())
    })
}

/// Sound as output has no counterpart (T24).
fn modalities(value: &mut Reader<'_>) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    array(value, &"modalities", |_, value| {
        match text(value, &"modalities")? {
            Some(kind) if kind.is(AUDIO_MODALITY) => Err(RequestError::field(
                "modalities",
                "Audio output is not available on this account: ask for text only.",
            )),
            _ => Ok(()),
        }
    })
}

fn messages<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Vec<Item<'a>>, RequestError> {
    let mut items = Vec::new();
    // Calls of the older `function_call` form have no id: the next `function` message answers the last one.
    let mut unnamed = 0usize;
    array(value, &"messages", |at, value| {
        let message = read_message(value, at, losses)?;
        message.into_items(at, &mut unnamed, &mut items, losses)
    })?;
    Ok(items)
}

/// The fields of one message, whatever their order.
#[derive(Default)]
struct Message<'a> {
    role: Option<Text<'a>>,
    parts: Vec<Part<'a>>,
    refusal: Option<Text<'a>>,
    reasoning: Option<Text<'a>>,
    /// Calls, each with what proves it.
    calls: Vec<(Call<'a>, Option<Text<'a>>)>,
    legacy_call: Option<Call<'a>>,
    call_id: Option<Text<'a>>,
}

fn read_message<'a>(
    value: &mut Reader<'a>,
    at: usize,
    losses: &mut Losses,
) -> Result<Message<'a>, RequestError> {
    let mut message = Message::default();
    let param = |field: &str| format!("messages[{at}].{field}");
    object(value, &format_args!("messages[{at}]"), |key, value| {
        match key {
            "role" => {
                message.role = text(value, &"role")
                    .map_err(|_| wrong_type(&format_args!("messages[{at}].{key}"), "a string"))?
            }
            "content" => {
                message.parts = content(value, &format_args!("messages[{at}].{key}"), losses)?
            }
            "refusal" => message.refusal = word(value, &key)?,
            "reasoning_content" | "reasoning" => {
                // T107: two names for one thing; the first that holds words counts.
                let words = value.string_or_skip()?.filter(|words| !words.is_empty());
                message.reasoning = message.reasoning.take().or(words);
            }
            "tool_calls" => message.calls = tool_calls(value, at, losses)?,
            "function_call" => message.legacy_call = legacy_call(value, at, losses)?,
            "tool_call_id" => message.call_id = word(value, &format_args!("messages[{at}].{key}"))?,
            "name" => {
                // T11: a name has no place, and its role decides whether it is a loss.
                if value.string_or_skip()?.is_some_and(|name| !name.is_empty()) {
                    losses.dropped(
                        param(key),
                        "names of speakers have no place in the account's dialect",
                    );
                }
            }
            key => losses.unknown("messages[]", key, value)?,
        }
        Ok(())
    })?;
    Ok(message)
}

impl<'a> Message<'a> {
    fn into_items(
        mut self,
        at: usize,
        unnamed: &mut usize,
        items: &mut Vec<Item<'a>>,
        losses: &mut Losses,
    ) -> Result<(), RequestError> {
        let param = format_args!("messages[{at}].role");
        let role = self.role.take().ok_or_else(|| missing(&param))?;
        let role = match role.decode().as_ref() {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => {
                let call_id = self
                    .call_id
                    .take()
                    .ok_or_else(|| missing(&format_args!("messages[{at}].tool_call_id")))?;
                items.push(Item::Output {
                    call_id,
                    parts: self.parts,
                });
                return Ok(());
            }
            "function" => {
                items.push(Item::Output {
                    call_id: legacy_id(unnamed.saturating_sub(1)),
                    parts: self.parts,
                });
                return Ok(());
            }
            _ => {
                return Err(RequestError::field(
                    param.to_string(),
                    "Unknown role: use system, developer, user, assistant or tool.",
                ));
            }
        };
        if role == Role::Assistant {
            self.assistant(unnamed, items);
        } else if self.parts.is_empty() {
            losses.dropped(format!("messages[{at}]"), "the message is empty");
        } else {
            items.push(Item::Message {
                role,
                parts: self.parts,
                phase: None,
            });
        }
        Ok(())
    }

    /// One message of the model becomes reasoning, words and calls, in this order (T102).
    fn assistant(self, unnamed: &mut usize, items: &mut Vec<Item<'a>>) {
        if let Some(text) = self.reasoning {
            items.push(Item::Reasoning { text, seal: None });
        }
        let mut parts = self.parts;
        parts.extend(self.refusal.map(Part::Refusal));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        if !parts.is_empty() {
            items.push(Item::Message {
                role: Role::Assistant,
                parts,
                phase: None,
            });
        }
        let legacy = self.legacy_call.map(|call| (call, None));
        for (mut call, kept) in self.calls.into_iter().chain(legacy) {
            if let Some(kept) = kept {
                items.push(Item::Reasoning {
                    text: Text::default(),
                    seal: Some(proof::seal(kept)),
                });
            }
            if call.call_id.is_empty() {
                call.call_id = legacy_id(*unnamed);
                *unnamed += 1;
            }
            items.push(Item::Call(call));
        }
    }
}

/// An id for a call that came without one, the same every time (T70).
fn legacy_id(number: usize) -> Text<'static> {
    Text::spell(&format!("call_unnamed_{number}"))
}

fn tool_calls<'a>(
    value: &mut Reader<'a>,
    at: usize,
    losses: &mut Losses,
) -> Result<Vec<(Call<'a>, Option<Text<'a>>)>, RequestError> {
    let mut calls = Vec::new();
    if value.null()? {
        return Ok(calls);
    }
    array(
        value,
        &format_args!("messages[{at}].tool_calls"),
        |n, value| {
            let param = format_args!("messages[{at}].tool_calls[{n}]");
            let (mut id, mut call, mut kept) = (None, None, None);
            object(value, &param, |key, value| {
                match key {
                    "id" => id = word(value, &param)?,
                    "function" => call = Some(called(value, &param, false, losses)?),
                    "custom" => call = Some(called(value, &param, true, losses)?),
                    "extra_content" => kept = proof::read(value)?,
                    "type" | "index" => value.skip()?,
                    key => losses.unknown("messages[].tool_calls[]", key, value)?,
                }
                Ok(())
            })?;
            let mut call = call.ok_or_else(|| missing(&format_args!("{param}.function")))?;
            call.call_id = id.unwrap_or_default();
            calls.push((call, kept));
            Ok(())
        },
    )?;
    Ok(calls)
}

fn legacy_call<'a>(
    value: &mut Reader<'a>,
    at: usize,
    losses: &mut Losses,
) -> Result<Option<Call<'a>>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    let param = format_args!("messages[{at}].function_call");
    called(value, &param, false, losses).map(Some)
}

/// `{name, arguments}` or `{name, input}`. Arguments may be an object or `null` (T78), or blank (T76).
fn called<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    custom: bool,
    losses: &mut Losses,
) -> Result<Call<'a>, RequestError> {
    let (mut name, mut input) = (None, None);
    object(value, param, |key, value| {
        match key {
            "name" => name = text(value, param)?,
            "arguments" | "input" if value.kind()? == Kind::String => input = Some(value.string()?),
            "arguments" | "input" => input = any(value)?.map(Text::spell),
            key => losses.unknown("messages[].tool_calls[].function", key, value)?,
        }
        Ok(())
    })?;
    let input = input.unwrap_or_default();
    let input = if custom || !input.is_blank() {
        input
    } else {
        Text::spell("{}")
    };
    Ok(Call {
        call_id: Text::default(),
        name: name.ok_or_else(|| missing(&format_args!("{param}.name")))?,
        namespace: None,
        input,
        custom,
    })
}

fn format<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Option<Format<'a>>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    let mut kind = None;
    let (mut name, mut description, mut schema, mut strict) = (None, None, None, None);
    object(value, &"response_format", |key, value| {
        match key {
            "type" => kind = text(value, &"response_format.type")?,
            "json_schema" if value.kind()? == Kind::Object => {
                object(value, &"response_format.json_schema", |key, value| {
                    match key {
                        "name" => name = word(value, &"response_format.json_schema.name")?,
                        "description" => {
                            description = text(value, &"response_format.json_schema.description")?
                        }
                        "schema" => schema = any(value)?,
                        "strict" => strict = boolean(value, &"response_format.json_schema.strict")?,
                        key => losses.unknown("response_format.json_schema", key, value)?,
                    }
                    Ok(())
                })?;
            }
            key => losses.unknown("response_format", key, value)?,
        }
        Ok(())
    })?;
    let kind = kind.ok_or_else(|| missing(&"response_format.type"))?;
    match kind.decode().as_ref() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::JsonObject)),
        "json_schema" => Ok(Some(Format::JsonSchema {
            name,
            description,
            schema: schema.map(std::borrow::Cow::Borrowed),
            strict,
        })),
        _ => Err(RequestError::field(
            "response_format.type",
            "Unknown response_format: use text, json_object or json_schema.",
        )),
    }
}
