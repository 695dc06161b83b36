//! The common form → a Gemini request. The model and the kind of answer go into the path, which the caller writes.
//!
//! Large texts are slices of the client's body. Called by the hub.

use bytes::Bytes;

use super::{
    media,
    models::{self, Model},
    turns::{Block, Conversation, Proof, Speaker, Turn, arrange},
    wire::NO_SIGNATURE,
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
    let naming = Naming::beginning_with_a_letter(&request.tools, calls(&request.items));
    let mut encoder = Encoder {
        out: RopeWriter::new(body),
        commas: Commas::default(),
        model: models::of(options.model.or(head.model.as_deref())),
        naming,
        losses,
    };
    let conversation = arrange(&request.items, &encoder.model, encoder.losses);
    encoder.out.raw("{");
    encoder.turns(&conversation.turns)?;
    let tools = encoder.tools(&request)?;
    let line = encoder.settings(&request, tools, options);
    encoder.system(&request, &conversation, line);
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

    /// A part each, in order (T1, T6). What the account cannot be told otherwise comes last.
    fn system(
        &mut self,
        request: &Request<'_>,
        conversation: &Conversation<'_, '_>,
        line: Option<Text<'static>>,
    ) {
        let words = in_front(request, &conversation.system, line.as_ref());
        if words.is_empty() {
            return;
        }
        self.key("systemInstruction");
        self.out.raw("{\"parts\":[");
        let mut commas = Commas::default();
        for text in words {
            commas.next(&mut self.out);
            self.text(text);
        }
        self.out.raw("]}");
    }

    fn text(&mut self, text: &Text<'_>) {
        self.out.raw("{\"text\":");
        self.out.text(text);
        self.out.raw("}");
    }

    fn turns(&mut self, turns: &[Turn<'_, '_>]) -> Result<(), RequestError> {
        self.key("contents");
        self.out.raw("[");
        let mut commas = Commas::default();
        for turn in turns {
            commas.next(&mut self.out);
            self.out.raw(match turn.speaker {
                Speaker::User | Speaker::Tools => "{\"role\":\"user\",\"parts\":[",
                Speaker::Model => "{\"role\":\"model\",\"parts\":[",
            });
            let mut commas = Commas::default();
            for block in &turn.blocks {
                commas.next(&mut self.out);
                self.block(block)?;
            }
            self.out.raw("]}");
        }
        self.out.raw("]");
        Ok(())
    }

    fn block(&mut self, block: &Block<'_, '_>) -> Result<(), RequestError> {
        match block {
            Block::Text(text, None) => self.text(text),
            Block::Text(text, Some(seal)) => {
                self.out.raw("{\"text\":");
                self.out.text(text);
                self.out.raw(",\"thoughtSignature\":");
                self.out.text(&seal.text);
                self.out.raw("}");
            }
            Block::Proof(seal) => {
                self.out.raw("{\"text\":\"\",\"thoughtSignature\":");
                self.out.text(&seal.text);
                self.out.raw("}");
            }
            Block::Told(text) => {
                self.out.raw("{\"text\":\"<system>\\n");
                self.out.raw(text.raw());
                self.out.raw("\\n</system>\"}");
            }
            Block::Own(text) => {
                self.out.raw("{\"text\":\"");
                self.out.raw(text);
                self.out.raw("\"}");
            }
            Block::Media(part) => {
                of_media(part, false, self.losses);
                media::write(part, &mut self.out)?;
            }
            Block::Call(call, proof) => self.call(call, proof),
            Block::Result(call, parts) => self.result(call, parts),
        }
        Ok(())
    }

    /// Calls and results are matched by place and name: not every server of the dialect takes ids.
    fn call(&mut self, call: &Call<'_>, proof: &Proof<'_, '_>) {
        self.out.raw("{\"functionCall\":{\"name\":\"");
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        self.out.raw("\",\"args\":");
        object_input(call, &mut self.out);
        self.out.raw("}");
        match proof {
            Proof::None => {}
            Proof::Own(seal) => {
                self.out.raw(",\"thoughtSignature\":");
                self.out.text(&seal.text);
            }
            Proof::Foreign => {
                self.out.raw(",\"thoughtSignature\":\"");
                self.out.raw(NO_SIGNATURE);
                self.out.raw("\"");
            }
        }
        self.out.raw("}");
    }

    /// T27: the response is an object. T69: it names the tool.
    fn result(&mut self, call: &Call<'_>, parts: &[Part<'_>]) {
        self.out.raw("{\"functionResponse\":{\"name\":\"");
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        self.out.raw("\",\"response\":{\"result\":\"");
        let mut first = true;
        for part in parts {
            if let Part::Text(text) | Part::Refusal(text) = part {
                if !std::mem::replace(&mut first, false) {
                    self.out.raw("\\n");
                }
                self.out.raw(text.raw());
            }
        }
        if first && !parts.is_empty() {
            self.out.raw("(see the attached content)");
        }
        self.out.raw("\"}}}");
    }
}
