//! The two bodies by which a ChatGPT account draws: its native Images endpoint, and a Responses request whose host model has to call the
//! hosted tool (codex-backend 6.1, 6.2). Large pictures stay slices of the client's body. Called by `gateway`.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Drawing, Kind, MOST_NATIVE_PICTURES, Setting, Written};
use crate::{
    json::write::{Commas, RopeWriter, Sink},
    types::Loss,
};

/// Said to the host model, whose own opinion nobody asked for.
const INSTRUCTIONS: &str = "Call the image_generation tool once, with the user's message as its prompt, and say nothing else.";

/// Settings that the native endpoint takes (codex-backend 6.1).
const NATIVE: [&str; 3] = ["background", "quality", "size"];

/// Settings of the hosted tool (codex-backend 6.2).
const TOOL: [&str; 7] = [
    "size",
    "quality",
    "background",
    "output_format",
    "output_compression",
    "moderation",
    "partial_images",
];

impl Drawing {
    /// Whether the native endpoint can be told all of it.
    #[must_use]
    pub fn fits_native(&self) -> bool {
        let plain = |name: &str, usual: &str| self.word(name).is_none_or(|word| word == usual);
        self.mask.is_none()
            && self.pictures.len() <= MOST_NATIVE_PICTURES
            && plain("output_format", "png")
            && plain("moderation", "auto")
            && self.number("output_compression").is_none()
            && self.number("partial_images").is_none_or(|count| count == 0)
    }

    fn losses(&self) -> Vec<Loss> {
        let mut losses: Vec<Loss> = self
            .untold
            .iter()
            .map(|name| {
                Loss::dropped(
                    Cow::Owned(name.clone()),
                    "the Codex backend draws without it",
                )
            })
            .collect();
        if self.word("input_fidelity").is_some() {
            losses.push(Loss::dropped(
                "input_fidelity",
                "the Codex backend draws without it",
            ));
        }
        if self.is_stood_in_for() {
            losses.push(Loss::approximated(
                "model",
                "ChatGPT accounts draw with one model of this family",
            ));
        }
        losses
    }

    /// The body for the native endpoint.
    #[must_use]
    pub fn native(&self) -> Written {
        let mut out = RopeWriter::new(&Bytes::new());
        let mut commas = Commas::default();
        out.raw("{");
        if self.kind == Kind::Edit {
            commas.key(&mut out, "images");
            out.raw("[");
            let mut list = Commas::default();
            for picture in &self.pictures {
                list.next(&mut out);
                out.raw("{\"image_url\":");
                picture.write(&mut out);
                out.raw("}");
            }
            out.raw("]");
        }
        commas.key(&mut out, "prompt");
        out.string(&self.prompt);
        commas.key(&mut out, "model");
        out.string(self.drawn_by());
        for name in NATIVE {
            let word = self.word(name);
            // A new drawing names them all, as the CLI does; an edit only what was asked.
            if let Some(word) = word.or((self.kind == Kind::Generation).then_some("auto")) {
                commas.key(&mut out, name);
                out.string(word);
            }
        }
        if self.kind == Kind::Generation || self.number("n").is_some() {
            commas.key(&mut out, "n");
            out.raw("1");
        }
        out.raw("}");
        Written {
            body: out.finish(),
            losses: self.losses(),
        }
    }

    /// The body for `/responses`, where `host` is a model of the account that may call the tool.
    #[must_use]
    pub fn by_tool(&self, host: &str) -> Written {
        let mut out = RopeWriter::new(&Bytes::new());
        out.raw("{\"model\":");
        out.string(host);
        out.raw(",\"instructions\":");
        out.string(INSTRUCTIONS);
        out.raw(",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":");
        out.string(&self.prompt);
        out.raw("}");
        for picture in &self.pictures {
            out.raw(",{\"type\":\"input_image\",\"image_url\":");
            picture.write(&mut out);
            out.raw("}");
        }
        out.raw("]}],\"tools\":[{\"type\":\"image_generation\",\"action\":\"");
        out.raw(match self.kind {
            Kind::Generation => "generate",
            Kind::Edit => "edit",
        });
        out.raw("\",\"model\":");
        out.string(self.drawn_by());
        for name in TOOL {
            let Some((_, value)) = self.settings.iter().find(|(known, _)| *known == name) else {
                continue;
            };
            out.raw(",\"");
            out.raw(name);
            out.raw("\":");
            match value {
                Setting::Word(word) => out.string(word),
                Setting::Number(number) => out.number(*number),
            }
        }
        if let Some(mask) = &self.mask {
            out.raw(",\"input_image_mask\":{\"image_url\":");
            mask.write(&mut out);
            out.raw("}");
        }
        out.raw("}],\"tool_choice\":{\"type\":\"image_generation\"},\"parallel_tool_calls\":false,\"store\":false,\"stream\":true}");
        Written {
            body: out.finish(),
            losses: self.losses(),
        }
    }
}
