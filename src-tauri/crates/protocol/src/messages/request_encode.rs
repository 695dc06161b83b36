//! The common form → a Messages request.
//!
//! Large texts are slices of the client's body. Called by the hub.

use bytes::Bytes;

use super::{
    media,
    models::{self, Model},
    turns::{Block, Conversation, Speaker, Turn, arrange},
};
use crate::{
    Rope,
    canonical::{
        lack::{in_front, of_media},
        offer::object_input,
        pairing::{calls, pair},
        request::{Call, Losses, Part, Request},
    },
    json::{
        text::Text,
        write::{Commas, RopeWriter, Sink},
    },
    names::{Naming, ToolNames},
    types::{Head, Options, RequestError},
};

/// Writes the whole body; also returns the names the answer needs.
pub(crate) fn encode<'a>(
    mut request: Request<'a>,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    losses: &mut Losses,
) -> Result<(Rope, ToolNames), RequestError> {
    request.items = pair(request.items, losses);
    let naming = Naming::new(&request.tools, calls(&request.items), true);
    let name = options.model.or(head.model.as_deref());
    let mut encoder = Encoder {
        out: RopeWriter::new(body),
        commas: Commas::default(),
        model: models::of(name),
        naming,
        losses,
    };
    let conversation = arrange(&request.items, &encoder.model, encoder.losses);
    encoder.out.raw("{");
    if let Some(name) = name {
        encoder.key("model");
        encoder.out.string(name);
    }
    encoder.system(&request, &conversation);
    encoder.turns(&conversation.turns)?;
    let forced = encoder.tools(&request)?;
    encoder.settings(&request, &conversation, forced, head, options);
    encoder.out.raw("}");
    Ok((encoder.out.finish(), encoder.naming.into_names()))
}

pub(super) struct Encoder<'l> {
    pub(super) out: RopeWriter,
    pub(super) commas: Commas,
    pub(super) model: Model,
    pub(super) naming: Naming,
    pub(super) losses: &'l mut Losses,
}

impl Encoder<'_> {
    pub(super) fn key(&mut self, key: &str) {
        self.commas.key(&mut self.out, key);
    }

    /// T1: a block each, in order. What the account cannot be told otherwise comes last.
    fn system(&mut self, request: &Request<'_>, conversation: &Conversation<'_, '_>) {
        let line = self.format_line(request);
        let blocks = in_front(request, &conversation.system, line.as_ref());
        if blocks.is_empty() {
            return;
        }
        self.key("system");
        self.out.raw("[");
        let mut commas = Commas::default();
        for text in blocks {
            commas.next(&mut self.out);
            self.text(text);
        }
        self.out.raw("]");
    }

    fn text(&mut self, text: &Text<'_>) {
        self.out.raw("{\"type\":\"text\",\"text\":");
        self.out.text(text);
        self.out.raw("}");
    }

    fn turns(&mut self, turns: &[Turn<'_, '_>]) -> Result<(), RequestError> {
        self.key("messages");
        self.out.raw("[");
        let mut commas = Commas::default();
        for (at, turn) in turns.iter().enumerate() {
            commas.next(&mut self.out);
            self.out.raw(match turn.speaker {
                Speaker::User => "{\"role\":\"user\",\"content\":[",
                Speaker::Assistant => "{\"role\":\"assistant\",\"content\":[",
                Speaker::System => "{\"role\":\"system\",\"content\":[",
            });
            let mut commas = Commas::default();
            let last = at + 1 == turns.len() && turn.speaker == Speaker::Assistant;
            for (n, block) in turn.blocks.iter().enumerate() {
                commas.next(&mut self.out);
                // A beginning of the answer may not end in white space.
                let trim = last && n + 1 == turn.blocks.len();
                self.block(block, trim)?;
            }
            self.out.raw("]}");
        }
        self.out.raw("]");
        Ok(())
    }

    fn block(&mut self, block: &Block<'_, '_>, trim: bool) -> Result<(), RequestError> {
        match block {
            Block::Text(text) if trim => self.text(&Text::spell(text.decode().trim_end())),
            Block::Text(text) => self.text(text),
            Block::Own(text) => self.text(text),
            Block::Told(text) => {
                self.out.raw("{\"type\":\"text\",\"text\":\"<system>\\n");
                self.out.raw(text.raw());
                self.out.raw("\\n</system>\"}");
            }
            Block::Media(part) => {
                of_media(part, true, self.losses);
                media::write(part, &mut self.out)?;
            }
            // T89, T95: the exact strings.
            Block::Thinking(_, seal) if seal.redacted => {
                self.out.raw("{\"type\":\"redacted_thinking\",\"data\":");
                self.out.text(&seal.text);
                self.out.raw("}");
            }
            Block::Thinking(text, seal) => {
                self.out.raw("{\"type\":\"thinking\",\"thinking\":");
                self.out.text(text);
                self.out.raw(",\"signature\":");
                self.out.text(&seal.text);
                self.out.raw("}");
            }
            Block::Call(id, call) => self.call(id, call),
            Block::Result(id, parts) => self.result(id, parts)?,
        }
        Ok(())
    }

    fn call(&mut self, id: &str, call: &Call<'_>) {
        self.out.raw("{\"type\":\"tool_use\",\"id\":\"");
        self.out.raw(id);
        self.out.raw("\",\"name\":\"");
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        self.out.raw("\",\"input\":");
        object_input(call, &mut self.out);
        self.out.raw("}");
    }

    fn result(&mut self, id: &str, parts: &[Part<'_>]) -> Result<(), RequestError> {
        self.out.raw("{\"type\":\"tool_result\",\"tool_use_id\":\"");
        self.out.raw(id);
        self.out.raw("\",\"content\":");
        match parts {
            [Part::Text(text)] => self.out.text(text),
            parts => {
                self.out.raw("[");
                let mut commas = Commas::default();
                for part in parts {
                    match part {
                        Part::Text(text) | Part::Refusal(text) => {
                            if !text.is_blank() {
                                commas.next(&mut self.out);
                                self.text(text);
                            }
                        }
                        part => {
                            commas.next(&mut self.out);
                            of_media(part, true, self.losses);
                            media::write(part, &mut self.out)?;
                        }
                    }
                }
                self.out.raw("]");
            }
        }
        self.out.raw("}");
        Ok(())
    }
}
