//! A Messages request → the common form.
//!
//! Refuses what would silently change its meaning elsewhere, records what is lost. Called by the hub.

use super::{
    parts_decode::{Block, Met, blocks},
    settings_decode::setting,
    tools_decode::{tool_choice, tools},
    wire::ATTRIBUTION,
};
use crate::{
    canonical::{
        fields::{array, missing, object, text},
        request::{Item, Losses, Part, Request, Role},
    },
    json::read::{Kind, Reader},
    types::RequestError,
};

/// Reads a whole request body.
pub(crate) fn decode<'a>(body: &'a str, losses: &mut Losses) -> Result<Request<'a>, RequestError> {
    let mut request = Request::default();
    let mut met = Met::default();
    let mut system = None;
    let mut messages = false;
    let mut reader = Reader::new(body);
    object(&mut reader, &"body", |key, value| {
        match key {
            "messages" => {
                messages = true;
                request.items = self::messages(value, &mut met, losses)?;
            }
            "system" => system = self::system(value, &mut met, losses)?,
            "tools" => tools(value, &mut met, &mut request.tools, losses)?,
            "tool_choice" => {
                request.tool_choice = tool_choice(value, &mut request.settings)?;
            }
            key => setting(key, value, &mut request.settings, losses)?,
        }
        Ok(())
    })?;
    reader.end()?;
    if !messages {
        return Err(missing(&"messages"));
    }
    if let Some(system) = system {
        request.items.insert(0, system);
    }
    met.tell(losses);
    Ok(request)
}

/// The system blocks as one message of several parts, without the client's own attribution line (T17).
fn system<'a>(
    value: &mut Reader<'a>,
    met: &mut Met,
    losses: &mut Losses,
) -> Result<Option<Item<'a>>, RequestError> {
    let mut parts = Vec::new();
    blocks(value, &"system", met, losses, &mut |block| {
        if let Block::Part(part) = block {
            parts.push(part);
        }
    })?;
    let before = parts.len();
    parts.retain(|part| !matches!(part, Part::Text(text) if text.raw().starts_with(ATTRIBUTION)));
    if parts.len() < before {
        losses.dropped(
            "system[0]",
            "the client's attribution line changes every turn and would defeat the prompt cache (T17)",
        );
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok((!parts.is_empty()).then_some(Item::Message {
        role: Role::System,
        parts,
        phase: None,
    }))
}

fn messages<'a>(
    value: &mut Reader<'a>,
    met: &mut Met,
    losses: &mut Losses,
) -> Result<Vec<Item<'a>>, RequestError> {
    let mut items = Vec::new();
    array(value, &"messages", |at, value| {
        let (mut role, mut content) = (None, None);
        object(value, &format_args!("messages[{at}]"), |key, value| {
            match key {
                "role" => role = text(value, &format_args!("messages[{at}].role"))?,
                "content" => {
                    content = Some(value.clone());
                    value.skip()?;
                }
                key => losses.unknown("messages[]", key, value)?,
            }
            Ok(())
        })?;
        let param = format!("messages[{at}].role");
        let role = match role.ok_or_else(|| missing(&param))?.decode().as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // T3: Claude Code sends it in the middle of the conversation; it stays there (T2).
            "system" => Role::System,
            _ => {
                return Err(RequestError::field(
                    param,
                    "Unknown role: use user, assistant or system.",
                ));
            }
        };
        let mut content =
            content.ok_or_else(|| missing(&format_args!("messages[{at}].content")))?;
        if content.kind()? == Kind::Null {
            return Err(missing(&format_args!("messages[{at}].content")));
        }
        let mut turn = Turn {
            role,
            parts: Vec::new(),
            items: &mut items,
        };
        blocks(
            &mut content,
            &format_args!("messages[{at}].content"),
            met,
            losses,
            &mut |block| turn.take(block),
        )?;
        turn.flush();
        Ok(())
    })?;
    Ok(items)
}

/// One message on its way into items: blocks of words join, calls, results and thoughts stand alone.
struct Turn<'i, 'a> {
    role: Role,
    parts: Vec<Part<'a>>,
    items: &'i mut Vec<Item<'a>>,
}

impl<'a> Turn<'_, 'a> {
    fn take(&mut self, block: Block<'a>) {
        let item = match block {
            Block::Part(Part::Text(text)) if text.is_empty() => return,
            Block::Part(part) => return self.parts.push(part),
            Block::Reasoning { text, seal } => Item::Reasoning { text, seal },
            Block::Call(call) => Item::Call(call),
            Block::Output { call_id, parts } => Item::Output { call_id, parts },
        };
        self.flush();
        self.items.push(item);
    }

    fn flush(&mut self) {
        if !self.parts.is_empty() {
            self.items.push(Item::Message {
                role: self.role,
                parts: std::mem::take(&mut self.parts),
                phase: None,
            });
        }
    }
}
