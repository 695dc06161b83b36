//! Pieces of a Gemini answer → the events of the common form.
//!
//! Parts are told by what they hold: thoughts (T33), words, whole calls, media and code (T34); proofs of thoughts become items of their own
//! (T108, T109). The end is known at the end of the body alone, since older models name a finish reason in every piece and calls may follow one
//! (T141, T144). Called by the hub, also for whole answers.

use super::{
    cite,
    part::{RawCall, RawPart, members},
    pieces::Pieces,
    request_decode::fence,
    usage,
};
use crate::{
    canonical::{
        event::{Event, Finish, Receiver, Start},
        picture::Picture,
        watch::Watch,
    },
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::Sink,
    },
    lost::Gone,
    types::{Dialect, End},
};

/// Reads the pieces of one answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) watch: Watch,
    message: Option<usize>,
    reasoning: Option<usize>,
    calls: usize,
    /// The call whose arguments are still coming.
    pieces: Option<Pieces>,
    pub(super) finish: Option<Finish>,
    /// The word that says the model made no answer (T145).
    pub(super) broken: Option<String>,
    /// Ids for calls that come without one derive from it.
    seed: String,
    /// The latest word on where the answer's words come from, raw, and how much of it was told.
    pub(super) grounding: Option<String>,
    grounded: usize,
    pub(super) works: Option<String>,
    /// What was searched was told.
    pub(super) searched: bool,
    /// Some words were told.
    pub(super) said: bool,
}

/// What a piece holds beside its parts.
#[derive(Default)]
struct Piece<'a> {
    id: Option<Text<'a>>,
    model: Option<Text<'a>>,
    candidate: Option<Reader<'a>>,
    blocked: bool,
    failed: bool,
}

impl Decoder {
    /// For one answer; `seed` makes minted ids unique (T70).
    pub(crate) fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            ..Self::default()
        }
    }

    /// One event's data. Data that is not JSON is skipped.
    pub(crate) fn push(&mut self, data: &str, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        // What cannot be read of a piece is left out; the rest of the answer still counts.
        if self.piece(&mut Reader::new(data), data, to).is_err() {
            self.watch.unreadable(data);
        }
    }

    /// A whole answer: one piece. The terminal follows at once.
    pub(crate) fn whole(&mut self, body: &str, to: &mut impl Receiver) -> Result<(), Malformed> {
        self.piece(&mut Reader::new(body), body, to)?;
        if !self.watch.ended() {
            self.end(to);
        }
        Ok(())
    }

    /// The upstream's body ended (T181): without a word of its own that is a cut.
    pub(crate) fn finish(&mut self, end: &End, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        if self.finish.is_some() || self.broken.is_some() {
            return self.end(to);
        }
        self.watch.cut(end, to);
    }

    pub(super) fn end(&mut self, to: &mut impl Receiver) {
        let cut = self.broken.is_some() || self.finish == Some(Finish::Length);
        self.end_pieces(cut, to);
        self.close_all(to);
        // Sources of words that never came, or had ended.
        let sources = self.grounding.take().is_some_and(|raw| cite::names(&raw));
        let untold = sources || self.works.take().is_some();
        self.watch.observed.lost.add_if(untold, Gone::Citation);
        // A word that is no end counts where no other followed it.
        match self.broken.take() {
            Some(word) => {
                let mut told =
                    String::from("{\"error\":{\"code\":502,\"status\":\"INTERNAL\",\"message\":");
                told.string(&format!(
                    "The model's answer came to nothing ({word}). Ask again."
                ));
                told.raw("}}");
                self.watch.failed(&told, to);
            }
            None => self.watch.done(self.finish.unwrap_or(Finish::Stop), to),
        }
    }

    fn piece(
        &mut self,
        reader: &mut Reader<'_>,
        data: &str,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let mut piece = Piece::default();
        let mut counts = None;
        members(reader, |key, value| {
            match (key, value.kind()?) {
                ("candidates", Kind::Array) => {
                    // Of several answers the first one counts.
                    value.elements(|one| {
                        if piece.candidate.is_none() {
                            piece.candidate = Some(one.clone());
                        } else {
                            self.watch.observed.lost.add(Gone::Candidates);
                        }
                        one.skip()
                    })?;
                }
                ("usageMetadata", Kind::Object) => counts = usage::read(value)?,
                ("modelVersion", _) => piece.model = value.string_or_skip()?,
                ("responseId", _) => piece.id = value.string_or_skip()?,
                ("promptFeedback", Kind::Object) => members(value, |key, value| {
                    if key == "blockReason" && value.kind()? == Kind::String {
                        piece.blocked = true;
                        let plain = value.raw()? == "\"SAFETY\"";
                        self.watch.observed.lost.add_if(!plain, Gone::StopReason);
                        return Ok(());
                    }
                    let told = key == "safetyRatings" && value.raw()? != "[]";
                    self.watch.observed.lost.add_if(told, Gone::Safety);
                    if key == "safetyRatings" {
                        return Ok(());
                    }
                    value.skip()
                })?,
                ("error", Kind::Object) => {
                    piece.failed = true;
                    value.skip()?;
                }
                _ => value.skip()?,
            }
            Ok(())
        })?;
        if piece.failed {
            self.watch.failed(data, to);
            return Ok(());
        }
        self.watch
            .start(piece.id.as_ref(), piece.model.as_ref(), None, to);
        self.watch.usage(counts);
        match piece.candidate {
            Some(candidate) => self.candidate(candidate, to)?,
            None if piece.blocked => {
                self.finish = Some(Finish::Filter);
                self.watch.observed.content_started = true;
                self.watch.observed.stopped = true;
            }
            None => {}
        }
        Ok(())
    }

    pub(super) fn part(&mut self, raw: RawPart<'_>, to: &mut impl Receiver) {
        self.watch.observed.lost.join(raw.lost());
        let RawPart {
            text,
            thought,
            signature,
            inline,
            call,
            code,
            printed,
            ..
        } = raw;
        let text = text.filter(|text| !text.is_empty());
        if let Some(call) = call.as_ref().filter(|call| call.name.is_empty()) {
            if let Some(open) = &mut self.pieces {
                open.add(call);
                self.go_on(call.goes_on, to);
            } else {
                // A piece of no call.
                self.watch.observed.lost.add(Gone::Item);
            }
            return;
        }
        if text.is_some() || call.is_some() || code.is_some() || inline.is_some() {
            self.end_pieces(false, to);
        }
        if thought {
            if let Some(delta) = text {
                let slot = self.open_reasoning(to);
                to.take(Event::Reasoning { slot, delta });
            }
            if let Some(seal) = signature {
                self.seal(seal, to);
            }
            return;
        }
        if let Some(call) = call {
            // The proof of a call stands before it.
            if let Some(seal) = signature {
                self.seal(seal, to);
            }
            self.call(call, to);
            return;
        }
        if let Some(delta) = text {
            self.say(delta, to);
        }
        if let Some((code, language)) = code {
            self.say(fence(&language.decode().to_lowercase(), &code), to);
        }
        if let Some(printed) = printed {
            self.say(fence("", &printed), to);
        }
        if let Some(media) = inline {
            let kind = media.kind.decode();
            if kind.starts_with("image/") {
                self.close_all(to);
                let slot = self.watch.open(Start::Picture, to);
                let picture = Box::new(Picture::new(&kind, media.data));
                to.take(Event::Picture { slot, picture });
                to.take(Event::ItemEnd { slot });
                if let Some(seal) = signature {
                    self.seal(seal, to);
                }
                return;
            }
            // T34: everything else is shown in words.
            self.watch.observed.lost.add(Gone::MediaInWords);
            let mut url = Text::spell("\n![");
            url.join(&media.kind);
            url.join(&Text::spell("](data:"));
            url.join(&media.kind);
            url.join(&Text::spell(";base64,"));
            url.join(&media.data);
            url.join(&Text::spell(")\n"));
            self.say(url, to);
        }
        // T109: also beside words, and beside no words at all.
        if let Some(seal) = signature {
            self.seal(seal, to);
        }
    }

    fn call(&mut self, call: RawCall<'_>, to: &mut impl Receiver) {
        self.close_all(to);
        self.calls += 1;
        let minted = Text::spell(&format!("call_{}_{}", self.seed, self.calls));
        let start = Start::Call {
            call_id: call.id.as_ref().unwrap_or(&minted).borrowed(),
            name: call.name.borrowed(),
            namespace: None,
            custom: false,
        };
        let slot = self.watch.open(start, to);
        if call.goes_on || call.pieces.is_some() {
            let open = self.pieces.insert(Pieces::new(slot));
            open.add(&call);
            return self.go_on(call.goes_on, to);
        }
        to.take(Event::Input {
            slot,
            delta: Text::spell(call.args.unwrap_or("{}")),
        });
        to.take(Event::ItemEnd { slot });
    }

    /// Another piece of arguments has come.
    fn go_on(&mut self, more: bool, to: &mut impl Receiver) {
        if self.pieces.as_ref().is_some_and(|open| open.incomplete) {
            self.pieces = None;
            self.watch.observed.lost.add(Gone::Unreadable);
            self.watch.broken_call(to);
        } else if !more {
            self.end_pieces(false, to);
        }
    }

    /// The call whose arguments came piece by piece is whole, or was cut.
    fn end_pieces(&mut self, cut: bool, to: &mut impl Receiver) {
        if let Some(pieces) = self.pieces.take() {
            let slot = pieces.slot;
            to.take(Event::Input {
                slot,
                delta: Text::spell(&pieces.into_json(cut)),
            });
            to.take(Event::ItemEnd { slot });
        }
    }

    /// What proves the thoughts before it ends their item.
    fn seal(&mut self, seal: Text<'_>, to: &mut impl Receiver) {
        let slot = self.open_reasoning(to);
        to.take(Event::Seal {
            slot,
            origin: Dialect::Gemini,
            seal,
            redacted: false,
        });
        self.close_all(to);
    }

    fn say(&mut self, delta: Text<'_>, to: &mut impl Receiver) {
        if let Some(slot) = self.reasoning.take() {
            to.take(Event::ItemEnd { slot });
        }
        let slot = match self.message {
            Some(slot) => slot,
            None => {
                let slot = self.watch.open(Start::Message { phase: None }, to);
                self.message = Some(slot);
                slot
            }
        };
        self.said = true;
        to.take(Event::Text {
            slot,
            delta,
            logprobs: None,
        });
    }

    /// The message ends; its sources are told before (T31).
    fn close_message(&mut self, to: &mut impl Receiver) {
        let Some(slot) = self.message.take() else {
            return;
        };
        if let Some(raw) = self.grounding.take() {
            self.grounded = cite::tell(&raw, self.grounded, slot, to);
        }
        if let Some(raw) = self.works.take() {
            cite::tell_works(&raw, slot, to);
        }
        to.take(Event::ItemEnd { slot });
    }

    fn open_reasoning(&mut self, to: &mut impl Receiver) -> usize {
        self.close_message(to);
        match self.reasoning {
            Some(slot) => slot,
            None => {
                let slot = self.watch.open(Start::Reasoning, to);
                self.reasoning = Some(slot);
                slot
            }
        }
    }

    pub(super) fn close_all(&mut self, to: &mut impl Receiver) {
        if let Some(slot) = self.reasoning.take() {
            to.take(Event::ItemEnd { slot });
        }
        self.close_message(to);
    }
}
