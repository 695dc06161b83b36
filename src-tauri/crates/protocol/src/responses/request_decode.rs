//! A Responses request → the common form.
//!
//! Takes what real clients send: items without a type (T14), chat-shaped items (T86), tools inside the input (T50). Called by the hub.

use super::{
    tools_decode::{tool_choice, tools},
    wire::{QUIET, QUIET_PARTS},
};
use crate::{
    canonical::{
        fields::{
            any, array, boolean, data_url, missing, number, object, text, unsigned, word,
            wrong_type,
        },
        request::{Call, Format, Item, Losses, Part, Request, Role, Settings},
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
    let mut input = false;
    let mut lifted = Vec::new();
    let mut reader = Reader::new(body);
    object(&mut reader, "body", |key, value| {
        match key {
            "input" => {
                input = true;
                request.items = self::input(value, &mut lifted, losses)?;
            }
            "instructions" => request.instructions = word(value, key)?,
            "tools" => tools(value, "tools", None, &mut request.tools)?,
            "tool_choice" => request.tool_choice = tool_choice(value)?,
            "previous_response_id" => stored(value, "previous_response_not_found")?,
            "conversation" => stored(value, "conversation_not_found")?,
            "prompt" => {
                if any(value)?.is_some() {
                    return Err(RequestError::field(
                        "prompt",
                        "Stored prompts belong to one provider's account: send the text as input.",
                    ));
                }
            }
            "background" => {
                if boolean(value, key)? == Some(true) {
                    return Err(RequestError::field(
                        "background",
                        "Background answers are not available on this account (T135).",
                    ));
                }
            }
            key => setting(key, value, &mut request.settings, losses)?,
        }
        Ok(())
    })?;
    reader.end()?;
    if !input {
        return Err(missing("input"));
    }
    request.tools.extend(lifted);
    Ok(request)
}

/// State that only another provider's store could resolve (T136, T138).
fn stored(value: &mut Reader<'_>, code: &'static str) -> Result<(), RequestError> {
    if any(value)?.is_none() {
        return Ok(());
    }
    Err(RequestError {
        param: Some("previous_response_id".into()),
        code: Some(code),
        message: "Earlier answers are not stored here: send the whole conversation as input."
            .to_owned(),
    })
}

fn setting<'a>(
    key: &str,
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    match key {
        "max_output_tokens" => settings.max_output_tokens = unsigned(value, key)?,
        "temperature" => settings.temperature = number(value, key)?,
        "top_p" => settings.top_p = number(value, key)?,
        "top_logprobs" => settings.top_logprobs = number(value, key)?.filter(|n| *n != "0"),
        "parallel_tool_calls" => settings.parallel_tool_calls = boolean(value, key)?,
        "store" => settings.store = boolean(value, key)?,
        "metadata" => settings.metadata = any(value)?.filter(|raw| *raw != "{}"),
        "user" => settings.user = word(value, key)?,
        "safety_identifier" => settings.safety_identifier = word(value, key)?,
        "prompt_cache_key" => settings.prompt_cache_key = word(value, key)?,
        "prompt_cache_retention" => settings.prompt_cache_retention = word(value, key)?,
        "service_tier" => settings.service_tier = word(value, key)?,
        "reasoning" => reasoning(value, settings)?,
        "text" => format(value, settings)?,
        "include" => {
            if !value.null()? {
                array(value, key, |_, value| {
                    if value
                        .string_or_skip()?
                        .is_some_and(|word| word.is("message.output_text.logprobs"))
                    {
                        settings.logprobs = true;
                    }
                    Ok(())
                })?;
            }
        }
        key if QUIET.contains(&key) => value.skip()?,
        _ => {
            if any(value)?.is_some() {
                losses.dropped(key, "the account's dialect has no such field");
            }
        }
    }
    Ok(())
}

fn reasoning<'a>(value: &mut Reader<'a>, settings: &mut Settings<'a>) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, "reasoning", |key, value| {
        match key {
            "effort" => settings.effort = word(value, "reasoning.effort")?,
            "summary" => settings.summary = word(value, "reasoning.summary")?,
            _ => value.skip()?,
        }
        Ok(())
    })
}

/// `text: {format, verbosity}` (T126).
fn format<'a>(value: &mut Reader<'a>, settings: &mut Settings<'a>) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, "text", |key, value| {
        match key {
            "verbosity" => settings.verbosity = word(value, "text.verbosity")?,
            "format" if value.kind()? == Kind::Object => {
                let (mut kind, mut name, mut description, mut schema, mut strict) =
                    (None, None, None, None, None);
                object(value, "text.format", |key, value| {
                    match key {
                        "type" => kind = text(value, "text.format.type")?,
                        "name" => name = word(value, "text.format.name")?,
                        "description" => description = text(value, "text.format.description")?,
                        "schema" => schema = any(value)?,
                        "strict" => strict = boolean(value, "text.format.strict")?,
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
                settings.format = match kind.map(|kind| kind.decode().into_owned()).as_deref() {
                    Some("json_object") => Some(Format::JsonObject),
                    Some("json_schema") => Some(Format::JsonSchema {
                        name,
                        description,
                        schema,
                        strict,
                    }),
                    Some("text") | None => None,
                    Some(_) => {
                        return Err(RequestError::field(
                            "text.format",
                            "Unknown format: use text, json_object or json_schema.",
                        ));
                    }
                };
            }
            _ => value.skip()?,
        }
        Ok(())
    })
}

fn input<'a>(
    value: &mut Reader<'a>,
    lifted: &mut Vec<crate::canonical::request::Tool<'a>>,
    losses: &mut Losses,
) -> Result<Vec<Item<'a>>, RequestError> {
    match value.kind()? {
        // T14: a plain string is one message of the user.
        Kind::String => {
            let text = value.string()?;
            Ok(vec![Item::Message {
                role: Role::User,
                parts: vec![Part::Text(text)],
                phase: None,
            }])
        }
        Kind::Array => {
            let mut items = Vec::new();
            array(value, "input", |at, value| {
                if value.kind()? == Kind::String {
                    let text = value.string()?;
                    items.push(Item::Message {
                        role: Role::User,
                        parts: vec![Part::Text(text)],
                        phase: None,
                    });
                    return Ok(());
                }
                let native = value.clone();
                let raw = read_item(value, at, lifted, losses)?;
                raw.into_item(native, at, &mut items, losses)
            })?;
            Ok(items)
        }
        _ => Err(wrong_type("input", "a string or an array of items")),
    }
}

/// The fields of one item, whatever their order and whatever its type.
#[derive(Default)]
struct RawItem<'a> {
    kind: Option<Text<'a>>,
    role: Option<Text<'a>>,
    parts: Vec<Part<'a>>,
    phase: Option<Text<'a>>,
    call_id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
    input: Option<Text<'a>>,
    output: Vec<Part<'a>>,
    summary: Option<Text<'a>>,
    sealed: bool,
    calls: Vec<Call<'a>>,
}

fn read_item<'a>(
    value: &mut Reader<'a>,
    at: usize,
    lifted: &mut Vec<crate::canonical::request::Tool<'a>>,
    losses: &mut Losses,
) -> Result<RawItem<'a>, RequestError> {
    let mut item = RawItem::default();
    let param = |key: &str| format!("input[{at}].{key}");
    object(value, "input", |key, value| {
        match key {
            "type" => item.kind = text(value, key)?,
            "role" => item.role = text(value, key)?,
            "content" => item.parts = parts(value, at, key, losses)?,
            "phase" => item.phase = value.string_or_skip()?,
            "call_id" | "tool_call_id" => item.call_id = text(value, &param(key))?,
            "name" => item.name = text(value, &param(key))?,
            "namespace" => {
                item.namespace = value.string_or_skip()?.filter(|space| !space.is_empty())
            }
            "arguments" | "input" if value.kind()? == Kind::String => {
                item.input = Some(value.string()?)
            }
            // T78: arguments as an object.
            "arguments" | "input" => item.input = any(value)?.map(Text::spell),
            "output" if matches!(value.kind()?, Kind::String | Kind::Array) => {
                item.output = parts(value, at, key, losses)?
            }
            "summary" if value.kind()? == Kind::Array => item.summary = summary(value)?,
            "encrypted_content" => item.sealed = any(value)?.is_some_and(|seal| seal != "\"\""),
            "tools" if value.kind()? == Kind::Array => tools(value, "input.tools", None, lifted)?,
            "tool_calls" if value.kind()? == Kind::Array => item.calls = chat_calls(value, at)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(item)
}

impl<'a> RawItem<'a> {
    fn into_item(
        mut self,
        mut native: Reader<'a>,
        at: usize,
        items: &mut Vec<Item<'a>>,
        losses: &mut Losses,
    ) -> Result<(), RequestError> {
        let kind = self.kind.take();
        let kind = kind.as_ref().map(Text::decode);
        match kind.as_deref() {
            Some("message") | None => return self.into_message(at, items, losses),
            Some("reasoning") => {
                // A seal says that the words are only a summary of a provider's own reasoning, which no other can use (T90, T104).
                let words = words_of(&self.parts).or(self.summary);
                match words {
                    Some(text) if !self.sealed => items.push(Item::Reasoning { text }),
                    _ => losses.dropped(
                        format!("input[{at}]"),
                        "sealed reasoning belongs to its own provider (T90)",
                    ),
                }
            }
            Some("function_call" | "custom_tool_call") => {
                let custom = kind.as_deref() == Some("custom_tool_call");
                let input = self.input.unwrap_or_default();
                items.push(Item::Call(Call {
                    call_id: self
                        .call_id
                        .ok_or_else(|| missing(&format!("input[{at}].call_id")))?,
                    name: self
                        .name
                        .ok_or_else(|| missing(&format!("input[{at}].name")))?,
                    namespace: self.namespace,
                    // T76: blank arguments are an empty object.
                    input: if custom || !input.is_blank() {
                        input
                    } else {
                        Text::spell("{}")
                    },
                    custom,
                }));
            }
            Some("function_call_output" | "custom_tool_call_output") => items.push(Item::Output {
                call_id: self
                    .call_id
                    .ok_or_else(|| missing(&format!("input[{at}].call_id")))?,
                parts: self.output,
            }),
            Some("additional_tools") => {}
            Some("item_reference") => {
                return Err(RequestError::field(
                    format!("input[{at}]"),
                    "Items are not stored here: send the item itself instead of a reference (T138).",
                ));
            }
            Some(kind) => {
                let native = native.raw()?;
                let kind = Text::spell(kind);
                items.push(Item::Opaque {
                    origin: Dialect::Responses,
                    kind,
                    native,
                    place: at,
                });
            }
        }
        Ok(())
    }

    fn into_message(
        self,
        at: usize,
        items: &mut Vec<Item<'a>>,
        losses: &mut Losses,
    ) -> Result<(), RequestError> {
        let param = format!("input[{at}].role");
        let role = self.role.ok_or_else(|| missing(&param))?;
        let role = match role.decode().as_ref() {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // T86
            "tool" => {
                let call_id = self
                    .call_id
                    .ok_or_else(|| missing(&format!("input[{at}].tool_call_id")))?;
                items.push(Item::Output {
                    call_id,
                    parts: self.parts,
                });
                return Ok(());
            }
            _ => {
                return Err(RequestError::field(
                    param,
                    "Unknown role: use system, developer, user or assistant.",
                ));
            }
        };
        if self.parts.is_empty() && self.calls.is_empty() {
            losses.dropped(format!("input[{at}]"), "the message is empty");
        } else if !self.parts.is_empty() {
            items.push(Item::Message {
                role,
                parts: self.parts,
                phase: self.phase,
            });
        }
        items.extend(self.calls.into_iter().map(Item::Call));
        Ok(())
    }
}

fn words_of<'a>(parts: &[Part<'a>]) -> Option<Text<'a>> {
    let mut all: Option<Text<'a>> = None;
    for part in parts {
        let Part::Text(text) = part else { continue };
        match &mut all {
            Some(all) => all.join(text),
            None => all = Some(text.clone()),
        }
    }
    all.filter(|text| !text.is_empty())
}

/// The paragraphs of a summary, joined.
fn summary<'a>(value: &mut Reader<'a>) -> Result<Option<Text<'a>>, RequestError> {
    let mut all: Option<Text<'a>> = None;
    array(value, "summary", |_, value| {
        object(value, "summary", |key, value| {
            if key != "text" {
                return Ok(value.skip()?);
            }
            let Some(text) = value.string_or_skip()?.filter(|text| !text.is_empty()) else {
                return Ok(());
            };
            match &mut all {
                Some(all) => {
                    all.join(&Text::spell("\n\n"));
                    all.join(&text);
                }
                None => all = Some(text),
            }
            Ok(())
        })
    })?;
    Ok(all)
}

/// A string, an array of parts, or nothing.
fn parts<'a>(
    value: &mut Reader<'a>,
    at: usize,
    key: &str,
    losses: &mut Losses,
) -> Result<Vec<Part<'a>>, RequestError> {
    match value.kind()? {
        Kind::String => Ok(vec![Part::Text(value.string()?)]),
        Kind::Null => Ok(value.skip().map(|()| Vec::new())?),
        Kind::Array => {
            let mut all = Vec::new();
            array(value, key, |n, value| {
                all.extend(part(value, at, n, key, losses)?);
                Ok(())
            })?;
            Ok(all)
        }
        _ => Err(wrong_type(
            &format!("input[{at}].{key}"),
            "a string or an array of parts",
        )),
    }
}

#[derive(Default)]
struct RawPart<'a> {
    kind: Option<Text<'a>>,
    text: Option<Text<'a>>,
    refusal: Option<Text<'a>>,
    url: Option<Text<'a>>,
    detail: Option<Text<'a>>,
    data: Option<Text<'a>>,
    file_url: Option<Text<'a>>,
    name: Option<Text<'a>>,
    format: Option<Text<'a>>,
    file_id: Option<Text<'a>>,
}

fn part<'a>(
    value: &mut Reader<'a>,
    at: usize,
    n: usize,
    key: &str,
    losses: &mut Losses,
) -> Result<Option<Part<'a>>, RequestError> {
    if value.kind()? == Kind::String {
        return Ok(Some(Part::Text(value.string()?)));
    }
    let mut raw = RawPart::default();
    object(value, key, |key, value| {
        match key {
            "type" => raw.kind = text(value, key)?,
            "text" => raw.text = value.string_or_skip()?,
            "refusal" => raw.refusal = value.string_or_skip()?,
            "image_url" if value.kind()? == Kind::String => raw.url = Some(value.string()?),
            "image_url" | "input_audio" | "file" if value.kind()? == Kind::Object => {
                object(value, key, |key, value| {
                    match key {
                        "url" => raw.url = text(value, key)?,
                        "data" | "file_data" => raw.data = text(value, key)?,
                        "format" => raw.format = text(value, key)?,
                        "filename" => raw.name = text(value, key)?,
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
            }
            "detail" => raw.detail = value.string_or_skip()?,
            "file_data" => raw.data = word(value, key)?,
            "file_url" => raw.file_url = word(value, key)?,
            "filename" => raw.name = word(value, key)?,
            "file_id" => raw.file_id = word(value, key)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    let param = |field: &str| format!("input[{at}].{key}[{n}].{field}");
    if raw.file_id.is_some() && raw.url.is_none() && raw.data.is_none() && raw.file_url.is_none() {
        return Err(RequestError::field(
            param("file_id"),
            "Uploaded files belong to one provider's account: send the content itself (T23).",
        ));
    }
    let kind = raw.kind.ok_or_else(|| missing(&param("type")))?;
    Ok(Some(match kind.decode().as_ref() {
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            Part::Text(raw.text.ok_or_else(|| missing(&param("text")))?)
        }
        "refusal" => Part::Refusal(raw.refusal.ok_or_else(|| missing(&param("refusal")))?),
        "input_image" | "image_url" => Part::Image {
            url: raw.url.ok_or_else(|| missing(&param("image_url")))?,
            detail: raw.detail,
        },
        "input_file" | "file" => {
            let data = raw.data.map(|data| data_url(data, raw.name.as_ref()));
            Part::File {
                data,
                url: raw.file_url,
                name: raw.name,
            }
        }
        "input_audio" => Part::Audio {
            data: raw.data.ok_or_else(|| missing(&param("input_audio")))?,
            format: raw.format.unwrap_or_else(|| Text::spell("wav")),
        },
        kind => {
            if !QUIET_PARTS.contains(&kind) {
                losses.dropped(param("type"), "the account's dialect has no such part");
            }
            return Ok(None);
        }
    }))
}

/// Chat-shaped calls on a message (T86).
fn chat_calls<'a>(value: &mut Reader<'a>, at: usize) -> Result<Vec<Call<'a>>, RequestError> {
    let mut calls = Vec::new();
    array(value, "tool_calls", |_, value| {
        let (mut id, mut name, mut input) = (None, None, None);
        object(value, "tool_calls", |key, value| {
            match key {
                "id" => id = text(value, key)?,
                "function" => object(value, key, |key, value| {
                    match key {
                        "name" => name = text(value, key)?,
                        "arguments" if value.kind()? == Kind::String => {
                            input = Some(value.string()?)
                        }
                        "arguments" => input = any(value)?.map(Text::spell),
                        _ => value.skip()?,
                    }
                    Ok(())
                })?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        calls.push(Call {
            call_id: id.ok_or_else(|| missing(&format!("input[{at}].tool_calls.id")))?,
            name: name.ok_or_else(|| missing(&format!("input[{at}].tool_calls.function.name")))?,
            namespace: None,
            input: input
                .filter(|input: &Text<'_>| !input.is_blank())
                .unwrap_or_else(|| Text::spell("{}")),
            custom: false,
        });
        Ok(())
    })?;
    Ok(calls)
}
