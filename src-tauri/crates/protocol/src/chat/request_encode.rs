//! The common form → a Chat Completions request.
//!
//! Calls of a turn join one assistant message with their results right behind it (T64, T65); what Chat has no word for is lost on the record.
//! Large texts are slices of the client's body. Called by the hub.

use bytes::Bytes;

use super::{
    proof,
    wire::{LONGEST_CALL_ID, SEARCH_MODELS},
};
use crate::{
    Rope,
    canonical::{
        pairing::{calls, pair},
        request::{Call, Item, Losses, Part, Request, Role},
    },
    json::{
        text::{Text, escape_into},
        write::{Commas, RopeWriter, Sink},
    },
    names::{Naming, ToolNames, cap_call_id},
    responses::models,
    types::{Dialect, Head, Options, RequestError},
};

/// Writes the whole body; also returns the names the answer needs. `flatten` is false when the client speaks Chat itself.
pub(crate) fn encode<'a>(
    mut request: Request<'a>,
    flatten: bool,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    losses: &mut Losses,
) -> Result<(Rope, ToolNames), RequestError> {
    request.items = pair(request.items, losses);
    let naming = Naming::new(&request.tools, calls(&request.items), flatten);
    let model = options.model.or(head.model.as_deref());
    let mut encoder = Encoder {
        out: RopeWriter::new(body),
        commas: Commas::default(),
        messages: Commas::default(),
        flatten,
        google: model.is_some_and(|model| model.contains("gemini")),
        searches: model.is_some_and(|model| SEARCH_MODELS.iter().any(|word| model.contains(word))),
        no_system: models::refuses_system(model),
        no_force: refuses_force(model, &request, options),
        naming,
        losses,
    };
    encoder.out.raw("{");
    if let Some(model) = model {
        encoder.key("model");
        encoder.out.string(model);
    }
    encoder.conversation(&request)?;
    encoder.tools(&request)?;
    encoder.settings(&request, model, head, options);
    encoder.out.raw("}");
    Ok((encoder.out.finish(), encoder.naming.into_names()))
}

/// Some vendors' models refuse a forced choice of tools while they think (T62).
fn refuses_force(model: Option<&str>, request: &Request<'_>, options: &Options<'_>) -> bool {
    let model = model.unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| model.contains(word));
    let asked = || match options.effort {
        Some(word) => word != "none",
        None => {
            let effort = request.settings.effort.as_ref();
            effort.is_some_and(|word| !word.is("none"))
        }
    };
    has(&["deepseek", "qwen", "qwq"]) && (has(&["reasoner", "thinking", "qwq"]) || asked())
}

pub(super) struct Encoder<'l> {
    pub(super) out: RopeWriter,
    pub(super) commas: Commas,
    pub(super) messages: Commas,
    pub(super) flatten: bool,
    /// The model is Google's, behind its endpoint of this dialect.
    google: bool,
    /// The model searches the web when asked to (T55).
    pub(super) searches: bool,
    /// The model refuses instructions (T5).
    no_system: bool,
    /// The model refuses to be made to call a tool (T62).
    pub(super) no_force: bool,
    pub(super) naming: Naming,
    pub(super) losses: &'l mut Losses,
}

/// Whether the item behind this one is a call.
fn proves_call(request: &Request<'_>, at: usize) -> bool {
    matches!(request.items.get(at + 1), Some(Item::Call(_)))
}

/// The assistant message being gathered.
#[derive(Default)]
struct Turn<'i, 'a> {
    reasoning: Vec<&'i Text<'a>>,
    parts: Option<&'i [Part<'a>]>,
    /// Calls, each with what proves it.
    calls: Vec<(&'i Call<'a>, Option<&'i Text<'a>>)>,
    /// The proof of the next call (T108).
    proof: Option<&'i Text<'a>>,
}

impl Turn<'_, '_> {
    fn is_empty(&self) -> bool {
        self.reasoning.is_empty() && self.parts.is_none() && self.calls.is_empty()
    }
}

impl Encoder<'_> {
    pub(super) fn key(&mut self, key: &str) {
        self.commas.key(&mut self.out, key);
    }

    fn conversation(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        self.key("messages");
        self.out.raw("[");
        // T6: instructions come first, T4: as the role that every server knows.
        if let Some(instructions) = &request.instructions {
            self.messages.next(&mut self.out);
            self.out.raw(self.role(true));
            self.out.text(instructions);
            self.out.raw("}");
        }
        let mut turn = Turn::default();
        let mut media: Vec<&Part<'_>> = Vec::new();
        for (at, item) in request.items.iter().enumerate() {
            if !matches!(item, Item::Output { .. }) {
                self.media(&mut media)?;
            }
            match item {
                Item::Reasoning { text, seal } => match seal {
                    None => turn.reasoning.push(text),
                    Some(seal) => match seal.origin {
                        Dialect::Chat => turn.reasoning.push(text),
                        // Google's own endpoint of the dialect has a place for it beside the call.
                        Dialect::Gemini if self.google && proves_call(request, at) => {
                            turn.proof = Some(&seal.text);
                        }
                        Dialect::Responses | Dialect::Messages | Dialect::Gemini => {
                            self.losses.dropped(
                                format!("reasoning {at}"),
                                "sealed reasoning belongs to its own provider (T90)",
                            );
                        }
                    },
                },
                Item::Call(call) => {
                    let proof = turn.proof.take();
                    turn.calls.push((call, proof));
                }
                Item::Message {
                    role: Role::Assistant,
                    parts,
                    ..
                } => {
                    if turn.parts.is_some() || !turn.calls.is_empty() {
                        self.flush(&mut turn);
                    }
                    turn.parts = Some(parts);
                }
                Item::Message { role, parts, .. } => {
                    self.flush(&mut turn);
                    self.message(*role, parts)?;
                }
                Item::Output { call_id, parts } => {
                    self.flush(&mut turn);
                    self.output(call_id, parts);
                    media.extend(
                        parts
                            .iter()
                            .filter(|part| !matches!(part, Part::Text(_) | Part::Refusal(_))),
                    );
                }
                Item::Opaque {
                    origin: Dialect::Chat,
                    native,
                    ..
                } => {
                    self.flush(&mut turn);
                    self.messages.next(&mut self.out);
                    self.out.raw(native);
                }
                Item::Opaque {
                    origin: origin @ (Dialect::Responses | Dialect::Messages | Dialect::Gemini),
                    kind,
                    place,
                    ..
                } => {
                    let list = origin.list_of_items();
                    self.losses.dropped(
                        format!("{list}[{place}] ({})", kind.decode()),
                        "only its own provider knows this item",
                    );
                }
            }
        }
        self.flush(&mut turn);
        self.media(&mut media)?;
        self.out.raw("]");
        Ok(())
    }

    /// How a message begins; a few models take no instructions but the person's own words (T5).
    const fn role(&self, system: bool) -> &'static str {
        if system && !self.no_system {
            "{\"role\":\"system\",\"content\":"
        } else {
            "{\"role\":\"user\",\"content\":"
        }
    }

    fn message(&mut self, role: Role, parts: &[Part<'_>]) -> Result<(), RequestError> {
        self.messages.next(&mut self.out);
        let system = role != Role::User;
        self.out.raw(self.role(system));
        match parts {
            // Servers of all kinds take a string; arrays of parts only where they are needed.
            [Part::Text(text)] => self.out.text(text),
            parts if system => self.joined(parts),
            parts => {
                self.out.raw("[");
                let mut commas = Commas::default();
                for part in parts {
                    self.part(part, &mut commas)?;
                }
                self.out.raw("]");
            }
        }
        self.out.raw("}");
        Ok(())
    }

    /// All words of the parts as one string, line by line.
    fn joined(&mut self, parts: &[Part<'_>]) {
        self.out.raw("\"");
        let mut first = true;
        for part in parts {
            if let Part::Text(text) | Part::Refusal(text) = part {
                if !first {
                    self.out.raw("\\n");
                }
                first = false;
                self.out.raw(text.raw());
            }
        }
        self.out.raw("\"");
    }

    fn part(&mut self, part: &Part<'_>, commas: &mut Commas) -> Result<(), RequestError> {
        match part {
            Part::Text(text) | Part::Refusal(text) => {
                commas.next(&mut self.out);
                self.out.raw("{\"type\":\"text\",\"text\":");
                self.out.text(text);
                self.out.raw("}");
            }
            Part::Image { url, tail, detail } => {
                commas.next(&mut self.out);
                self.out
                    .raw("{\"type\":\"image_url\",\"image_url\":{\"url\":");
                self.out.text_in_two(url, tail);
                // `original` is a word of the newer dialect alone.
                if let Some(detail) = detail.as_ref().filter(|detail| !detail.is("original")) {
                    self.out.raw(",\"detail\":");
                    self.out.text(detail);
                }
                self.out.raw("}}");
            }
            Part::File {
                data: Some(data),
                name,
                ..
            } => {
                commas.next(&mut self.out);
                self.out.raw("{\"type\":\"file\",\"file\":{\"filename\":");
                self.out
                    .text(name.as_ref().unwrap_or(&Text::spell("file.pdf")));
                self.out.raw(",\"file_data\":");
                self.out.text(data);
                self.out.raw("}}");
            }
            Part::File { .. } => {
                return Err(RequestError::field(
                    "input",
                    "This account cannot fetch files by URL: send the content as file_data (T23).",
                ));
            }
            Part::Audio { data, format } => {
                commas.next(&mut self.out);
                self.out
                    .raw("{\"type\":\"input_audio\",\"input_audio\":{\"data\":");
                self.out.text(data);
                self.out.raw(",\"format\":");
                self.out.text(format);
                self.out.raw("}}");
            }
        }
        Ok(())
    }

    /// Ends the assistant message, if one is open.
    fn flush(&mut self, turn: &mut Turn<'_, '_>) {
        if turn.is_empty() {
            return;
        }
        let turn = std::mem::take(turn);
        self.messages.next(&mut self.out);
        self.out.raw("{\"role\":\"assistant\",\"content\":");
        let parts = turn.parts.unwrap_or_default();
        let words = parts.iter().any(|part| matches!(part, Part::Text(_)));
        match parts {
            [Part::Text(text)] => self.out.text(text),
            parts if words => {
                let texts: Vec<_> = parts
                    .iter()
                    .filter(|part| matches!(part, Part::Text(_)))
                    .cloned()
                    .collect();
                self.joined(&texts);
            }
            _ if turn.calls.is_empty() && parts.is_empty() => self.out.raw("\"\""),
            _ => self.out.raw("null"),
        }
        if let Some(Part::Refusal(text)) =
            parts.iter().find(|part| matches!(part, Part::Refusal(_)))
        {
            self.out.raw(",\"refusal\":");
            self.out.text(text);
        }
        // T106: servers that think in the open want their thoughts back in tool loops.
        if let Some((first, rest)) = turn.reasoning.split_first() {
            self.out.raw(",\"reasoning_content\":\"");
            self.out.raw(first.raw());
            for text in rest {
                self.out.raw("\\n\\n");
                self.out.raw(text.raw());
            }
            self.out.raw("\"");
        }
        if !turn.calls.is_empty() {
            self.out.raw(",\"tool_calls\":[");
            let mut commas = Commas::default();
            for (call, proof) in turn.calls {
                commas.next(&mut self.out);
                self.call(call, proof);
            }
            self.out.raw("]");
        }
        self.out.raw("}");
    }

    fn call(&mut self, call: &Call<'_>, proof: Option<&Text<'_>>) {
        self.out.raw("{\"id\":\"");
        self.out.raw(&cap_call_id(&call.call_id, LONGEST_CALL_ID));
        let native_custom = call.custom && !self.flatten;
        self.out.raw(if native_custom {
            "\",\"type\":\"custom\",\"custom\":{\"name\":\""
        } else {
            "\",\"type\":\"function\",\"function\":{\"name\":\""
        });
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        if native_custom {
            self.out.raw("\",\"input\":");
            self.out.text(&call.input);
        } else if call.custom {
            // T51: the raw input becomes the one argument of a function. Spelled twice: JSON inside a JSON string.
            let mut arguments = String::with_capacity(call.input.raw().len() + 16);
            arguments.push_str("{\\\"input\\\":\\\"");
            escape_into(call.input.raw(), &mut arguments);
            arguments.push_str("\\\"}");
            self.out.raw("\",\"arguments\":\"");
            self.out.raw(&arguments);
            self.out.raw("\"");
        } else {
            self.out.raw("\",\"arguments\":");
            self.out.text(&call.input);
        }
        self.out.raw("}");
        proof::write(proof.map(Text::raw), &mut self.out);
        self.out.raw("}");
    }

    /// A tool message holds text only (T25); without content it is an empty string (T29).
    fn output(&mut self, call_id: &Text<'_>, parts: &[Part<'_>]) {
        self.messages.next(&mut self.out);
        self.out.raw("{\"role\":\"tool\",\"tool_call_id\":\"");
        self.out.raw(&cap_call_id(call_id, LONGEST_CALL_ID));
        self.out.raw("\",\"content\":");
        let words = parts
            .iter()
            .any(|part| matches!(part, Part::Text(_) | Part::Refusal(_)));
        if words || parts.is_empty() {
            self.joined(parts);
        } else {
            self.out.raw("\"(see the attached content)\"");
        }
        self.out.raw("}");
    }

    /// Pictures and files of the results before, in one user message behind all of them (T25).
    fn media(&mut self, media: &mut Vec<&Part<'_>>) -> Result<(), RequestError> {
        if media.is_empty() {
            return Ok(());
        }
        self.messages.next(&mut self.out);
        self.out.raw("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Attached content of the tool results:\"}");
        let mut commas = Commas::default();
        commas.next(&mut self.out);
        for part in media.drain(..) {
            self.part(part, &mut commas)?;
        }
        self.out.raw("]}");
        self.losses.approximated(
            "tool output",
            "media of tool results follow as a user message (T25)",
        );
        Ok(())
    }
}
