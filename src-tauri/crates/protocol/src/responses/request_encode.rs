//! The common form → a Responses request, also as the ChatGPT/Codex backend wants it (F83).
//!
//! Large texts are slices of the client's body. Called by the hub.

use bytes::Bytes;

use crate::{
    Rope,
    canonical::{
        hosted::{self, Hosted},
        pairing::{calls, pair},
        request::{Call, Format, Item, Losses, Part, Request, Role, Seal, Tool},
    },
    codex,
    json::{
        text::Text,
        write::{Commas, RopeWriter, Sink},
    },
    names::{Naming, ToolNames, cap_call_id},
    responses::wire::{self},
    types::{Dialect, Head, Options, RequestError, SystemRole, Target},
};

/// Writes the whole body; also returns the names the answer needs.
pub(crate) fn encode<'a>(
    mut request: Request<'a>,
    target: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    losses: &mut Losses,
) -> Result<(Rope, ToolNames), RequestError> {
    let codex = target == Target::Codex;
    request.tools.retain(|tool| {
        let kept = match hosted::of(tool) {
            Some(Hosted::Search) => true,
            Some(Hosted::Code) => !codex,
            Some(Hosted::Fetch) => false,
            None => !matches!(
                tool,
                Tool::Hosted {
                    origin: Dialect::Chat | Dialect::Messages | Dialect::Gemini,
                    ..
                }
            ),
        };
        if !kept {
            hosted::leave_out(tool, losses);
        }
        kept
    });
    request.items = pair(request.items, losses);
    if codex && options.system_role == SystemRole::Instructions {
        hoist_system(&mut request);
    }
    let naming = Naming::new(&request.tools, calls(&request.items), false);
    let mut encoder = Encoder {
        out: RopeWriter::new(body),
        commas: Commas::default(),
        codex,
        naming,
        losses,
    };
    encoder.head(&request, options.model.or(head.model.as_deref()));
    encoder.input(&request)?;
    encoder.tools(&request)?;
    encoder.settings(&request, head, options);
    encoder.out.raw("}");
    Ok((encoder.out.finish(), encoder.naming.into_names()))
}

/// Leading system and developer texts become instructions, in order (F83, setting "instructions").
fn hoist_system(request: &mut Request<'_>) {
    let leading = request
        .items
        .iter()
        .take_while(|item| {
            matches!(
                item,
                Item::Message {
                    role: Role::System | Role::Developer,
                    ..
                }
            )
        })
        .count();
    for item in request.items.drain(..leading) {
        let Item::Message { parts, .. } = item else {
            continue;
        };
        for part in parts {
            let Part::Text(text) = part else { continue };
            match &mut request.instructions {
                Some(all) => {
                    all.join(&Text::spell("\n\n"));
                    all.join(&text);
                }
                none => *none = Some(text),
            }
        }
    }
}

pub(super) struct Encoder<'l> {
    pub(super) out: RopeWriter,
    pub(super) commas: Commas,
    pub(super) codex: bool,
    pub(super) naming: Naming,
    pub(super) losses: &'l mut Losses,
}

impl Encoder<'_> {
    pub(super) fn key(&mut self, key: &str) {
        self.commas.key(&mut self.out, key);
    }

    pub(super) fn raw_field(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.key(key);
            self.out.raw(value);
        }
    }

    pub(super) fn text_field(&mut self, key: &str, value: Option<&Text<'_>>) {
        if let Some(value) = value {
            self.key(key);
            self.out.text(value);
        }
    }

    fn head(&mut self, request: &Request<'_>, model: Option<&str>) {
        self.out.raw("{");
        if let Some(model) = model {
            self.key("model");
            self.out.string(model);
        }
        match &request.instructions {
            Some(instructions) => self.text_field("instructions", Some(instructions)),
            // Harmless where it is not needed, and it once was.
            None if self.codex => self.raw_field("instructions", Some("\"\"")),
            None => {}
        }
    }

    fn input(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        self.key("input");
        self.out.raw("[");
        let mut commas = Commas::default();
        if request.settings.format == Some(Format::JsonObject) && !mentions_json(&request.items) {
            commas.next(&mut self.out);
            self.message(
                Role::Developer,
                &[Part::Text(Text::spell(codex::JSON_LINE))],
                None,
                0,
            )?;
        }
        for (at, item) in request.items.iter().enumerate() {
            match item {
                Item::Message { role, parts, phase } => {
                    commas.next(&mut self.out);
                    self.message(*role, parts, phase.as_ref(), at)?;
                }
                Item::Reasoning { text, seal } => match seal {
                    Some(seal) if seal.origin == Dialect::Responses => {
                        commas.next(&mut self.out);
                        self.reasoning_item(text, seal);
                    }
                    _ => self.losses.dropped(
                        format!("reasoning {at}"),
                        "reasoning without the provider's own seal cannot be replayed (T90, T102)",
                    ),
                },
                Item::Call(call) => {
                    commas.next(&mut self.out);
                    self.call(call);
                }
                Item::Output { call_id, parts } => {
                    commas.next(&mut self.out);
                    self.output(&request.items, call_id, parts)?;
                }
                Item::Opaque {
                    origin: Dialect::Responses,
                    native,
                    ..
                } => {
                    commas.next(&mut self.out);
                    self.out.raw(native);
                }
                Item::Opaque {
                    origin: Dialect::Chat | Dialect::Messages | Dialect::Gemini,
                    place,
                    ..
                } => {
                    self.losses.dropped(
                        format!("messages[{place}]"),
                        "only its own dialect knows this item",
                    );
                }
            }
        }
        self.out.raw("]");
        Ok(())
    }

    /// A provider's own reasoning on its way back to it (T94). Its summary is required (T103), its id is left out (T74).
    fn reasoning_item(&mut self, text: &Text<'_>, seal: &Seal<'_>) {
        self.out.raw("{\"type\":\"reasoning\",\"summary\":[");
        if !text.is_empty() {
            self.out.raw("{\"type\":\"summary_text\",\"text\":");
            self.out.text(text);
            self.out.raw("}");
        }
        self.out.raw("],\"encrypted_content\":");
        self.out.text(&seal.text);
        self.out.raw("}");
    }

    fn message(
        &mut self,
        role: Role,
        parts: &[Part<'_>],
        phase: Option<&Text<'_>>,
        at: usize,
    ) -> Result<(), RequestError> {
        self.out.raw("{\"type\":\"message\",\"role\":\"");
        self.out.raw(match role {
            Role::System if !self.codex => "system",
            Role::System | Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
        });
        self.out.raw("\"");
        if let Some(phase) = phase {
            self.out.raw(",\"phase\":");
            self.out.text(phase);
        }
        self.out.raw(",\"content\":[");
        self.parts(parts, role == Role::Assistant, at)?;
        self.out.raw("]}");
        Ok(())
    }

    /// Parts in their long form; the model's own words are `output_text` (T15).
    fn parts(&mut self, parts: &[Part<'_>], own: bool, at: usize) -> Result<(), RequestError> {
        let mut commas = Commas::default();
        for part in parts {
            match part {
                Part::Text(text) => {
                    commas.next(&mut self.out);
                    self.out.raw(if own {
                        "{\"type\":\"output_text\",\"text\":"
                    } else {
                        "{\"type\":\"input_text\",\"text\":"
                    });
                    self.out.text(text);
                    self.out.raw("}");
                }
                Part::Refusal(text) => {
                    commas.next(&mut self.out);
                    self.out.raw(if own {
                        "{\"type\":\"refusal\",\"refusal\":"
                    } else {
                        "{\"type\":\"input_text\",\"text\":"
                    });
                    self.out.text(text);
                    self.out.raw("}");
                }
                Part::Image { .. } | Part::File { .. } if own => {
                    self.losses.dropped(
                        format!("message {at}"),
                        "the model's own messages hold text only",
                    );
                }
                Part::Image { url, tail, detail } => {
                    commas.next(&mut self.out);
                    self.out.raw("{\"type\":\"input_image\",\"image_url\":");
                    self.out.text_in_two(url, tail);
                    self.out.raw(",\"detail\":");
                    // T22: the field is required here.
                    self.out
                        .text(detail.as_ref().unwrap_or(&Text::spell("auto")));
                    self.out.raw("}");
                }
                Part::File { data, url, name } => {
                    commas.next(&mut self.out);
                    self.out.raw("{\"type\":\"input_file\"");
                    for (key, value) in [("filename", name), ("file_data", data), ("file_url", url)]
                    {
                        if let Some(value) = value {
                            self.out.raw(",\"");
                            self.out.raw(key);
                            self.out.raw("\":");
                            self.out.text(value);
                        }
                    }
                    self.out.raw("}");
                }
                Part::Audio { .. } => {
                    return Err(RequestError::field(
                        "messages",
                        "This account cannot listen: send the words of the sound as text instead (T24).",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Ids of items are left out: only `call_id` joins a call to its output (T74, T75).
    fn call(&mut self, call: &Call<'_>) {
        self.out.raw(if call.custom {
            "{\"type\":\"custom_tool_call\""
        } else {
            "{\"type\":\"function_call\""
        });
        self.out.raw(",\"call_id\":\"");
        self.out
            .raw(&cap_call_id(&call.call_id, wire::LONGEST_CALL_ID));
        self.out.raw("\",\"name\":\"");
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        self.out.raw("\"");
        if let Some(namespace) = &call.namespace {
            self.out.raw(",\"namespace\":");
            self.out.text(namespace);
        }
        self.out.raw(if call.custom {
            ",\"input\":"
        } else {
            ",\"arguments\":"
        });
        self.out.text(&call.input);
        self.out.raw("}");
    }

    fn output(
        &mut self,
        items: &[Item<'_>],
        call_id: &Text<'_>,
        parts: &[Part<'_>],
    ) -> Result<(), RequestError> {
        let custom = calls(items).any(|call| call.custom && call.call_id == *call_id);
        self.out.raw(if custom {
            "{\"type\":\"custom_tool_call_output\""
        } else {
            "{\"type\":\"function_call_output\""
        });
        self.out.raw(",\"call_id\":\"");
        self.out.raw(&cap_call_id(call_id, wire::LONGEST_CALL_ID));
        self.out.raw("\",\"output\":");
        match parts {
            [] => self.out.raw("\"\""),
            [Part::Text(text)] => self.out.text(text),
            parts => {
                // T26: media only fit the array form.
                self.out.raw("[");
                self.parts(parts, false, 0)?;
                self.out.raw("]");
            }
        }
        self.out.raw("}");
        Ok(())
    }
}

/// Whether any text of the input holds the word that JSON mode asks for (F83).
fn mentions_json(items: &[Item<'_>]) -> bool {
    let holds = |parts: &[Part<'_>]| {
        parts.iter().any(|part| match part {
            Part::Text(text) => holds_json(text.raw().as_bytes()),
            _ => false,
        })
    };
    items.iter().any(|item| match item {
        Item::Message { parts, .. } | Item::Output { parts, .. } => holds(parts),
        _ => false,
    })
}

fn holds_json(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'j', b'J', text).any(|at| {
        text.get(at..at + 4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"json"))
    })
}
