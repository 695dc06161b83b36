//! The stream of a Responses request that had to draw, folded into one answer of the Images API: the last complete picture wins, an unfinished
//! one counts only where no other came (F97). Called by `gateway`.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::answer::pixels;
use crate::{
    error,
    json::{
        read::{Kind as Token, Malformed, Reader},
        text::Text,
        write::{Commas, Sink},
    },
    lost::{Gone, Lost},
    responses::usage,
    sse::Decoder,
    types::{Failure, Terminal, Usage},
};

/// Most of what the model said that is kept for an error, in bytes.
const WORDS: usize = 4096;

/// What the tool tells of a picture beside its content, under the same names as the Images API.
const TOLD: [&str; 4] = ["background", "output_format", "quality", "size"];

/// See the module.
#[derive(Default)]
pub struct Fold {
    decoder: Decoder,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    /// The last complete picture, as base64.
    picture: Option<Bytes>,
    /// The last unfinished one.
    partial: Option<Bytes>,
    /// The number of one that nobody has taken yet.
    fresh: Option<u64>,
    /// The prompt in the model's own words, as spelled in JSON.
    revised: Option<String>,
    told: [Option<String>; TOLD.len()],
    /// What the tool counted, as JSON.
    counted: Option<String>,
    usage: Option<Usage>,
    words: String,
    terminal: Option<Terminal>,
    failure: Option<Bytes>,
    rate_limits: Option<Bytes>,
    unreadable: bool,
    lost: Lost,
}

/// Sizes only: pictures and words belong in no log.
impl fmt::Debug for Fold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fold(terminal {:?})", self.seen.terminal)
    }
}

impl Fold {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        let seen = &mut self.seen;
        let read = self.decoder.for_each(chunk, |event| seen.event(event.data));
        seen.unreadable |= read.is_err();
    }

    /// An unfinished picture that has come since the last call, with its number.
    pub(super) fn take_partial(&mut self) -> Option<(u64, Bytes)> {
        let number = self.seen.fresh.take()?;
        Some((number, self.seen.partial.clone()?))
    }

    /// The terminal event, once seen; nothing of interest follows it.
    #[must_use]
    pub fn terminal(&self) -> Option<Terminal> {
        self.seen.terminal
    }

    /// The raw JSON of the last `codex.rate_limits` event.
    #[must_use]
    pub fn rate_limits(&self) -> Option<&Bytes> {
        self.seen.rate_limits.as_ref()
    }

    /// What the host model's answer cost; the picture itself is counted in the answer's own `usage`, where the upstream tells it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.seen.usage
    }

    /// What of it an answer of the Images API does not tell.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut lost = self.seen.lost;
        let beside = self.seen.picture.is_some() && !self.seen.words.trim().is_empty();
        lost.add_if(beside, Gone::Words);
        lost
    }

    /// The answer of the Images API; `Ok(Err(words))` is an answer without a picture, with what the model said instead.
    ///
    /// # Errors
    /// The upstream failed, or its stream broke off before a complete picture had come.
    pub fn finish(self, created: i64) -> Result<Result<Bytes, String>, Failure> {
        let seen = self.seen;
        if let Some(picture) = &seen.picture {
            return Ok(Ok(seen.answer(picture, created)));
        }
        if let Some(raw) = seen.failure {
            let error = error::from_event(&raw);
            return Err(Failure::Upstream {
                status: error::event_status(&raw, &error),
                error: Box::new(error),
                raw,
            });
        }
        if seen.unreadable {
            let message = "the upstream's stream holds an event longer than 64 MiB".to_owned();
            return Err(Failure::Unreadable { message });
        }
        if seen.terminal.is_none() {
            let message = "the upstream's stream ended before the picture was complete".to_owned();
            return Err(Failure::Cut { message });
        }
        match &seen.partial {
            Some(partial) => Ok(Ok(seen.answer(partial, created))),
            None => Ok(Err(seen.words)),
        }
    }
}

impl Seen {
    fn event(&mut self, data: &[u8]) {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        // What is no JSON is no event that counts; the end of the stream is judged all the same.
        let _ = self.read(text, data);
    }

    fn read(&mut self, text: &str, data: &[u8]) -> Result<(), Malformed> {
        let mut kind = None;
        let (mut partial, mut delta, mut item, mut response) = (None, None, None, None);
        let mut number = None;
        Reader::new(text).members(|name, value| {
            match (name, value.kind()?) {
                ("type", Token::String) => kind = Some(value.string()?),
                ("partial_image_b64", Token::String) => partial = Some(value.string()?),
                ("partial_image_index", _) => number = value.unsigned_or_skip()?,
                ("delta", Token::String) => delta = Some(value.string()?),
                ("item", Token::Object) => {
                    item = Some(value.clone());
                    value.skip()?;
                }
                ("response", Token::Object) => {
                    response = Some(value.clone());
                    value.skip()?;
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let kind = kind.unwrap_or_default();
        match kind.raw() {
            "response.image_generation_call.partial_image" => {
                if let Some(partial) = partial.filter(|partial| !partial.is_empty()) {
                    self.partial = Some(Bytes::copy_from_slice(partial.raw().as_bytes()));
                    self.fresh = Some(number.unwrap_or(0));
                }
            }
            "response.output_item.done" => {
                if let Some(mut item) = item {
                    self.item(&mut item)?;
                }
            }
            "response.output_text.delta" => self.say(delta.as_ref()),
            "response.completed" | "response.incomplete" => {
                self.terminal = Some(match kind.raw() {
                    "response.completed" => Terminal::Completed,
                    _ => Terminal::Incomplete,
                });
                if let Some(mut response) = response {
                    self.response(&mut response)?;
                }
            }
            "response.failed" | "error" => {
                self.terminal = Some(Terminal::Failed);
                self.failure = Some(Bytes::copy_from_slice(data));
            }
            "codex.rate_limits" => self.rate_limits = Some(Bytes::copy_from_slice(data)),
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, words: Option<&Text<'_>>) {
        if let Some(words) = words
            && self.words.len() < WORDS
        {
            self.words.push_str(&words.decode());
        }
    }

    fn item(&mut self, item: &mut Reader<'_>) -> Result<(), Malformed> {
        let (mut kind, mut result, mut revised) = (None, None, None);
        let mut told: [Option<String>; TOLD.len()] = Default::default();
        item.members(|name, value| {
            match (name, value.kind()?) {
                ("type", Token::String) => kind = Some(value.string()?),
                ("result", Token::String) => result = Some(value.string()?),
                ("revised_prompt", Token::String) => revised = Some(value.string()?),
                (_, Token::String) => {
                    let text = value.string()?;
                    if let Some(at) = TOLD.iter().position(|known| *known == name) {
                        told[at] = Some(text.raw().to_owned());
                    }
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        if kind.is_some_and(|kind| kind.is("image_generation_call"))
            && let Some(result) = result.filter(|result| !result.is_empty())
        {
            self.lost.add_if(self.picture.is_some(), Gone::Pictures);
            self.picture = Some(Bytes::copy_from_slice(result.raw().as_bytes()));
            self.revised = revised
                .filter(|text| !text.is_empty())
                .map(|text| text.raw().to_owned());
            self.told = told;
        }
        Ok(())
    }

    /// The terminal event's response: what was counted, and its items where they came nowhere else.
    fn response(&mut self, response: &mut Reader<'_>) -> Result<(), Malformed> {
        response.members(|name, value| {
            match (name, value.kind()?) {
                ("usage", _) => self.usage = usage::read(value)?,
                ("tool_usage", Token::Object) => value.members(|name, value| {
                    match (name, value.kind()?) {
                        ("image_gen", Token::Object) => {
                            self.counted = Some(value.raw()?.to_owned());
                        }
                        _ => value.skip()?,
                    }
                    Ok::<(), Malformed>(())
                })?,
                ("output", Token::Array) if self.picture.is_none() => {
                    value.elements(|item| match item.kind()? {
                        Token::Object => self.item(item),
                        _ => item.skip(),
                    })?;
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })
    }

    fn answer(&self, picture: &Bytes, created: i64) -> Bytes {
        let mut out = BytesMut::with_capacity(picture.len() + 1024);
        out.raw("{\"created\":");
        out.number(created.unsigned_abs());
        out.raw(",\"data\":[{\"b64_json\":\"");
        out.put_slice(picture);
        out.raw("\"");
        if let Some(revised) = &self.revised {
            out.raw(",\"revised_prompt\":\"");
            out.raw(revised);
            out.raw("\"");
        }
        out.raw("}]");
        let real = std::str::from_utf8(picture).ok().and_then(pixels);
        let real = real.map(|(width, height)| format!("{width}x{height}"));
        let mut more = Commas::default();
        more.next(&mut out);
        for (name, told) in TOLD.iter().zip(&self.told) {
            let told = match *name {
                "size" => real.as_ref().or(told.as_ref()),
                _ => told.as_ref(),
            };
            if let Some(told) = told {
                more.key(&mut out, name);
                out.raw("\"");
                out.raw(told);
                out.raw("\"");
            }
        }
        if let Some(counted) = &self.counted {
            more.key(&mut out, "usage");
            out.raw(counted);
        }
        out.raw("}");
        out.freeze()
    }
}
