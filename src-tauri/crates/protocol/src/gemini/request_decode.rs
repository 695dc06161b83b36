//! A Gemini request → the common form.
//!
//! Refuses what would silently change its meaning elsewhere, records what is lost. Called by the hub.

use super::{
    matching::Calls,
    part::{self, RawPart},
    parts_decode::{file, inline, response_text, response_words},
    pieces::Pieces,
    seal,
    settings_decode::{generation, setting},
    tools_decode::{tool_config, tools},
    wire::{NO_SIGNATURE, camel, each},
};
use crate::{
    canonical::{
        fields::{missing, object},
        request::{Call, Item, Losses, Part, Request, Role},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// Reads a whole request body.
pub(crate) fn decode<'a>(body: &'a str, losses: &mut Losses) -> Result<Request<'a>, RequestError> {
    let mut request = Request::default();
    let mut contents = None;
    let mut system = None;
    let mut reader = Reader::new(body);
    object(&mut reader, &"body", |key, value| {
        match camel(key).as_ref() {
            "contents" => {
                contents = Some(value.clone());
                value.skip()?;
            }
            "systemInstruction" => system = self::system(value, losses)?,
            "tools" => tools(value, &mut request.tools, losses)?,
            "toolConfig" => request.tool_choice = tool_config(value, losses)?,
            "generationConfig" => generation(value, &mut request.settings, losses)?,
            key => setting(key, value, losses)?,
        }
        Ok(())
    })?;
    reader.end()?;
    let mut contents = contents.ok_or_else(|| missing(&"contents"))?;
    let mut conversation = Conversation {
        items: system.into_iter().collect(),
        calls: Calls::default(),
        losses,
        hosted: false,
        other: false,
        thoughts: false,
    };
    each(&mut contents, &"contents", |at, value| {
        conversation.content(at, value)
    })?;
    if conversation.hosted {
        conversation.losses.dropped(
            "toolCall",
            "only its own provider knows calls and results of tools it ran itself (T88)",
        );
    }
    for (lost, what) in [
        (
            conversation.other,
            "parts[] (fields that have no place in the account's dialect)",
        ),
        (
            conversation.thoughts,
            "parts[] (pictures and calls among thoughts)",
        ),
    ] {
        if lost {
            conversation.losses.unknown_key("contents[]", what);
        }
    }
    request.items = conversation.items;
    Ok(request)
}

/// `systemInstruction`: a content whose words count, or a mere string.
fn system<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Option<Item<'a>>, RequestError> {
    let mut parts = Vec::new();
    let param = "systemInstruction";
    match value.kind()? {
        Kind::Null => value.skip()?,
        Kind::String => parts.push(Part::Text(value.string()?)),
        _ => object(value, &param, |key, value| {
            if key != "parts" {
                return Ok(value.skip()?);
            }
            each(value, &"systemInstruction.parts", |_, value| {
                if value.kind()? == Kind::String {
                    parts.push(Part::Text(value.string()?));
                    return Ok(());
                }
                let raw = part::read(value)?;
                match raw.text {
                    Some(text) => parts.push(Part::Text(text)),
                    None => losses.unknown_key("systemInstruction", "parts[]"),
                }
                Ok(())
            })
        })?,
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok((!parts.is_empty()).then_some(Item::Message {
        role: Role::System,
        parts,
        phase: None,
    }))
}

struct Conversation<'a, 'l> {
    items: Vec<Item<'a>>,
    calls: Calls<'a>,
    losses: &'l mut Losses,
    hosted: bool,
    /// Parts held what nobody knows here, or thoughts held more than words.
    other: bool,
    thoughts: bool,
}

impl<'a> Conversation<'a, '_> {
    fn content(&mut self, at: usize, value: &mut Reader<'a>) -> Result<(), RequestError> {
        let param = format!("contents[{at}]");
        let (mut role, mut parts) = (None, None);
        if value.kind()? == Kind::String {
            parts = Some(value.clone());
            value.skip()?;
        } else {
            object(value, &param, |key, value| {
                match key {
                    "role" => role = value.string_or_skip()?,
                    "parts" => {
                        parts = Some(value.clone());
                        value.skip()?;
                    }
                    key => self.losses.unknown("contents[]", key, value)?,
                }
                Ok(())
            })?;
        }
        // T16: no role means the user, and results of tools came under names of their own once.
        let role = match role.as_ref().map(Text::decode).as_deref() {
            None | Some("" | "user" | "function" | "tool") => Role::User,
            Some("model") => Role::Assistant,
            Some("system") => Role::System,
            Some(_) => {
                return Err(RequestError::field(
                    format!("{param}.role"),
                    "Unknown role: use user or model.",
                ));
            }
        };
        let Some(mut parts) = parts else {
            return Ok(());
        };
        let mut turn = Turn {
            role,
            parts: Vec::new(),
            thoughts: None,
            of: self,
        };
        each(&mut parts, &format_args!("{param}.parts"), |n, value| {
            let param = format!("{param}.parts[{n}]");
            if value.kind()? == Kind::String {
                turn.say(value.string()?);
                return Ok(());
            }
            if value.kind()? != Kind::Object {
                return Err(crate::canonical::fields::wrong_type(&param, "an object"));
            }
            let raw = part::read(value)?;
            turn.part(raw, &param)
        })?;
        turn.thoughts();
        turn.flush();
        Ok(())
    }
}

/// One content on its way into items: words join, calls, results and thoughts stand alone.
struct Turn<'t, 'a, 'l> {
    role: Role,
    parts: Vec<Part<'a>>,
    /// Words of thoughts whose proof may follow.
    thoughts: Option<Text<'a>>,
    of: &'t mut Conversation<'a, 'l>,
}

impl<'a> Turn<'_, 'a, '_> {
    fn part(&mut self, raw: RawPart<'a>, param: &str) -> Result<(), RequestError> {
        self.of.hosted |= raw.hosted;
        self.of.other |= raw.other;
        self.of.thoughts |= raw.thought && (raw.inline.is_some() || raw.call.is_some());
        // The value that stands for no proof is none.
        let signature = raw.signature.filter(|kept| !kept.is(NO_SIGNATURE));
        if raw.thought {
            if let Some(text) = raw.text {
                match &mut self.thoughts {
                    Some(all) => all.join(&text),
                    none => *none = Some(text),
                }
            }
            if let Some(kept) = signature {
                self.sealed(kept);
            }
            return Ok(());
        }
        // The proof of thoughts stands beside what came of them (T108).
        let bare = raw.call.is_none() && raw.text.as_ref().is_none_or(Text::is_empty);
        match signature {
            Some(kept) if bare => self.sealed_at_the_end(kept),
            Some(kept) => self.sealed(kept),
            None => self.thoughts(),
        }
        if let Some(text) = raw.text {
            self.say(text);
        }
        if let Some(media) = raw.inline {
            // Only files have names elsewhere.
            let kind = media.kind.raw();
            let plain = kind.starts_with("image/") || kind.starts_with("audio/");
            self.of.other |= plain && media.name.is_some();
            self.parts.push(inline(media, param)?);
        }
        if let Some(media) = raw.file {
            self.parts.push(file(media, param)?);
        }
        if let Some((code, language)) = raw.code {
            self.say(fence(&language.decode().to_lowercase(), &code));
        }
        if let Some(printed) = raw.printed {
            self.say(fence("", &printed));
        }
        if let Some(call) = raw.call {
            // A whole conversation holds whole arguments.
            self.of.other |= call.pieces.is_some();
            if call.name.is_empty() {
                return Err(missing(&format_args!("{param}.functionCall.name")));
            }
            let input = match call.pieces {
                None => Text::spell(call.args.unwrap_or("{}")),
                Some(_) => Text::spell(&Pieces::of(&call)),
            };
            let call_id = self.of.calls.call(call.id, &call.name);
            self.item(Item::Call(Call {
                call_id,
                name: call.name,
                namespace: None,
                input,
                custom: false,
            }));
        }
        if let Some(response) = raw.response {
            let call_id = self.of.calls.answer(response.id.as_ref(), &response.name);
            let mut parts = Vec::new();
            let words = response_text(response.response);
            if !words.is_empty() {
                parts.push(Part::Text(words));
            }
            response_words(response.parts, param, &mut parts)?;
            self.item(Item::Output { call_id, parts });
        }
        Ok(())
    }

    /// Words; the model's own come in many small pieces from clients that keep every chunk of a stream as a part.
    fn say(&mut self, text: Text<'a>) {
        if text.is_empty() {
            return;
        }
        if self.role == Role::Assistant {
            if let Some(Part::Text(before)) = self.parts.last_mut() {
                return before.join(&text);
            }
            // So do clients that keep every chunk as a content of its own.
            if self.parts.is_empty()
                && let Some(Item::Message {
                    role: Role::Assistant,
                    parts,
                    ..
                }) = self.of.items.last_mut()
                && let Some(Part::Text(before)) = parts.last_mut()
            {
                return before.join(&text);
            }
        }
        self.parts.push(Part::Text(text));
    }

    fn item(&mut self, item: Item<'a>) {
        self.flush();
        self.of.items.push(item);
    }

    fn sealed(&mut self, kept: Text<'a>) {
        let (seal, words) = seal::read(kept);
        let told = self.thoughts.take();
        let text = match words {
            Some(words) => words,
            None => told.unwrap_or_default(),
        };
        self.item(Item::Reasoning {
            text,
            seal: Some(seal),
        });
    }

    /// A proof that stands alone behind the words: another provider's thoughts came before them (T102).
    fn sealed_at_the_end(&mut self, kept: Text<'a>) {
        let (seal, Some(text)) = seal::read(kept.clone()) else {
            return self.sealed(kept);
        };
        self.thoughts = None;
        let items = &mut self.of.items;
        let behind = matches!(
            items.last(),
            Some(Item::Message {
                role: Role::Assistant,
                ..
            })
        );
        let at = items.len() - usize::from(self.parts.is_empty() && behind);
        items.insert(
            at,
            Item::Reasoning {
                text,
                seal: Some(seal),
            },
        );
    }

    /// Thoughts without a proof.
    fn thoughts(&mut self) {
        if let Some(text) = self.thoughts.take().filter(|text| !text.is_empty()) {
            self.item(Item::Reasoning { text, seal: None });
        }
    }

    fn flush(&mut self) {
        if !self.parts.is_empty() {
            self.of.items.push(Item::Message {
                role: self.role,
                parts: std::mem::take(&mut self.parts),
                phase: None,
            });
        }
    }
}

/// Code and what it printed, in words (T34).
pub(crate) fn fence(language: &str, text: &Text<'_>) -> Text<'static> {
    let mut all = Text::spell(&format!("\n```{language}\n"));
    all.join(text);
    all.join(&Text::spell("\n```\n"));
    all
}
