//! The items of a Responses request → the common form. Called by `request_decode`.

use super::parts_decode::parts;
use crate::{
    canonical::{
        fields::{any, array, missing, object, text, wrong_type},
        request::{Call, Item, Losses, Part, Role, Tool},
        seal::read,
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    responses::tools_decode::tools,
    types::{Dialect, RequestError},
};

pub(super) fn input<'a>(
    value: &mut Reader<'a>,
    lifted: &mut Vec<Tool<'a>>,
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
            array(value, &"input", |at, value| {
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
        _ => Err(wrong_type(&"input", "a string or an array of items")),
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
    seal: Option<Text<'a>>,
    calls: Vec<Call<'a>>,
    /// Names of members that nobody here knows.
    more: Vec<String>,
}

fn read_item<'a>(
    value: &mut Reader<'a>,
    at: usize,
    lifted: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<RawItem<'a>, RequestError> {
    let mut item = RawItem::default();
    object(value, &"input", |key, value| {
        match key {
            "type" => item.kind = text(value, &key)?,
            "role" => item.role = text(value, &key)?,
            "content" => item.parts = parts(value, at, key, losses)?,
            "phase" => item.phase = value.string_or_skip()?,
            "call_id" | "tool_call_id" => {
                item.call_id = text(value, &format_args!("input[{at}].{key}"))?
            }
            "name" => item.name = text(value, &format_args!("input[{at}].{key}"))?,
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
            "encrypted_content" => {
                item.seal = value.string_or_skip()?.filter(|seal| !seal.is_empty())
            }
            "tools" if value.kind()? == Kind::Array => {
                tools(value, &"input.tools", None, lifted, losses)?
            }
            "tool_calls" if value.kind()? == Kind::Array => item.calls = chat_calls(value, at)?,
            "id" | "status" | "internal_chat_message_metadata_passthrough" => value.skip()?,
            key => {
                if !matches!(value.raw()?, "null" | "\"\"" | "[]" | "{}" | "false" | "0") {
                    item.more.push(key.to_owned());
                }
            }
        }
        Ok(())
    })?;
    Ok(item)
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
    array(value, &"summary", |_, value| {
        object(value, &"summary", |key, value| {
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

/// Chat-shaped calls on a message (T86).
fn chat_calls<'a>(value: &mut Reader<'a>, at: usize) -> Result<Vec<Call<'a>>, RequestError> {
    let mut calls = Vec::new();
    array(value, &"tool_calls", |_, value| {
        let (mut id, mut name, mut input) = (None, None, None);
        object(value, &"tool_calls", |key, value| {
            match key {
                "id" => id = text(value, &key)?,
                "function" => object(value, &key, |key, value| {
                    match key {
                        "name" => name = text(value, &key)?,
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
            call_id: id.ok_or_else(|| missing(&format_args!("input[{at}].tool_calls.id")))?,
            name: name
                .ok_or_else(|| missing(&format_args!("input[{at}].tool_calls.function.name")))?,
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
        // Items of other kinds are kept or lost as a whole.
        if let None
        | Some(
            "message"
            | "reasoning"
            | "function_call"
            | "custom_tool_call"
            | "function_call_output"
            | "custom_tool_call_output",
        ) = kind.as_deref()
        {
            for key in self.more.drain(..) {
                losses.unknown_key("input[]", &key);
            }
        }
        match kind.as_deref() {
            Some("message") | None => return self.into_message(at, items, losses),
            Some("reasoning") => {
                // A seal says that the words are only a summary of a provider's own reasoning, which no other can use (T90, T104).
                // Only one of ours says whose it is, and travels on (T93).
                let words = words_of(&self.parts).or(self.summary);
                let seal = self.seal.map(|seal| read(Dialect::Responses, seal, false));
                match (words, seal) {
                    (Some(text), None) => items.push(Item::Reasoning { text, seal: None }),
                    (words, Some(seal)) if seal.origin != Dialect::Responses => {
                        items.push(Item::Reasoning {
                            text: words.unwrap_or_default(),
                            seal: Some(seal),
                        });
                    }
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
                        .ok_or_else(|| missing(&format_args!("input[{at}].call_id")))?,
                    name: self
                        .name
                        .ok_or_else(|| missing(&format_args!("input[{at}].name")))?,
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
                    .ok_or_else(|| missing(&format_args!("input[{at}].call_id")))?,
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
        let param = format_args!("input[{at}].role");
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
                    .ok_or_else(|| missing(&format_args!("input[{at}].tool_call_id")))?;
                items.push(Item::Output {
                    call_id,
                    parts: self.parts,
                });
                return Ok(());
            }
            _ => {
                return Err(RequestError::field(
                    param.to_string(),
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
