//! Pieces of a Gemini answer → the events of the common form.
//!
//! Parts are told by what they hold: thoughts (T33), words, whole calls, media and code (T34); proofs of thoughts become items of their own
//! (T108, T109). The end is known at the end of the body alone, since older models name a finish reason in every piece and calls may follow one
//! (T141, T144). Called by the hub, also for whole answers.

use super::{
    cite,
    part::{self, RawCall, RawPart, members},
    pieces::Pieces,
    request_decode::fence,
    usage,
    wire::{Read, read_finish},
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
    finish: Option<Finish>,
    /// The word that says the model made no answer (T145).
    broken: Option<String>,
    /// Ids for calls that come without one derive from it.
    seed: String,
    /// The latest word on where the answer's words come from, raw, and how much of it was told.
    grounding: Option<String>,
    grounded: usize,
    works: Option<String>,
    /// What was searched was told.
    searched: bool,
    /// Some words were told.
    said: bool,
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

    fn end(&mut self, to: &mut impl Receiver) {
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

    fn candidate(
        &mut self,
        mut candidate: Reader<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let (mut parts, mut finish, mut grounding) = (None, None, None);
        let (mut works, mut index) = (None, 0);
        let lost = &mut self.watch.observed.lost;
        members(&mut candidate, |key, value| {
            match (key, value.kind()?) {
                ("content", Kind::Object) => members(value, |key, value| {
                    if key == "parts" && value.kind()? == Kind::Array {
                        parts = Some(value.clone());
                    }
                    value.skip()
                })?,
                ("finishReason", _) => finish = value.string_or_skip()?,
                ("groundingMetadata", Kind::Object) => grounding = Some(value.raw()?),
                ("citationMetadata", Kind::Object) => works = Some(value.raw()?),
                ("index", _) => index = value.unsigned_or_skip()?.unwrap_or(0),
                ("tokenCount", _) | (_, Kind::Null) => value.skip()?,
                (key, _) => {
                    let holds = !matches!(value.raw()?, "[]" | "{}" | "\"\"");
                    let gone = match key {
                        "safetyRatings" => Gone::Safety,
                        "avgLogprobs" | "logprobsResult" => Gone::Logprobs,
                        "urlContextMetadata" => Gone::OpenedPage,
                        "groundingAttributions" => Gone::Citation,
                        "finishMessage" => Gone::StopDetails,
                        "content" | "finishReason" => return Ok(()),
                        _ => Gone::Field,
                    };
                    lost.add_if(holds, gone);
                }
            }
            Ok(())
        })?;
        // A stream tells several answers in turns; the first one counts.
        if index > 0 {
            lost.add(Gone::Candidates);
            return Ok(());
        }
        if let Some(raw) = works {
            self.works = Some(raw.to_owned());
        }
        if let Some(raw) = grounding {
            self.ground(raw, to);
        }
        if let Some(mut parts) = parts {
            parts.elements(|value| {
                let raw = part::read(value)?;
                self.part(raw, to);
                Ok::<(), Malformed>(())
            })?;
        }
        if let Some(word) = finish.filter(|word| !word.is("FINISH_REASON_UNSPECIFIED")) {
            let word = word.decode();
            self.watch.observed.stopped = true;
            let known = matches!(word.as_ref(), "STOP" | "MAX_TOKENS" | "SAFETY");
            self.watch.observed.lost.add_if(!known, Gone::StopReason);
            match read_finish(&word) {
                Read::End(finish) => {
                    self.watch.observed.content_started = true;
                    self.finish = Some(finish);
                    self.broken = None;
                }
                Read::Broken => {
                    self.broken = Some(word.into_owned());
                    // Nothing was said yet: another account may be asked.
                    if !self.watch.observed.content_started {
                        self.end(to);
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps what is said of sources until the words are whole. What was searched is told before the first of them, or not at all: behind them it
    /// would pass for the end of the answer.
    fn ground(&mut self, raw: &str, to: &mut impl Receiver) {
        let (searched, suggested) = cite::searched(raw);
        let late = self.said && !self.searched && searched;
        self.watch.observed.lost.add_if(late, Gone::Search);
        self.watch
            .observed
            .lost
            .add_if(suggested, Gone::SearchEntry);
        if !self.said && self.grounding.is_none() {
            self.searched |= searched;
            for search in cite::searches(raw) {
                self.close_all(to);
                let slot = self.watch.open(Start::Search, to);
                to.take(Event::Search {
                    slot,
                    search: Box::new(search),
                });
                to.take(Event::ItemEnd { slot });
            }
        }
        self.grounding = Some(raw.to_owned());
    }

    fn part(&mut self, raw: RawPart<'_>, to: &mut impl Receiver) {
        let RawPart {
            text,
            thought,
            signature,
            inline,
            call,
            code,
            printed,
            file,
            response,
            hosted,
            other,
        } = raw;
        let lost = &mut self.watch.observed.lost;
        lost.add_if(file.is_some(), Gone::Files);
        lost.add_if(hosted, Gone::Hosted);
        lost.add_if(other, Gone::Field);
        lost.add_if(response.is_some(), Gone::Item);
        lost.add_if(code.is_some() || printed.is_some(), Gone::Code);
        // Among thoughts there are words alone.
        lost.add_if(thought && inline.is_some(), Gone::Media);
        lost.add_if(thought && call.is_some(), Gone::Item);
        let text = text.filter(|text| !text.is_empty());
        if let Some(call) = call.as_ref().filter(|call| call.name.is_empty()) {
            if let Some(open) = &mut self.pieces {
                open.add(call);
                if !call.goes_on {
                    self.end_pieces(false, to);
                }
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
            if !call.goes_on {
                self.end_pieces(false, to);
            }
            return;
        }
        to.take(Event::Input {
            slot,
            delta: Text::spell(call.args.unwrap_or("{}")),
        });
        to.take(Event::ItemEnd { slot });
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

    fn close_all(&mut self, to: &mut impl Receiver) {
        if let Some(slot) = self.reasoning.take() {
            to.take(Event::ItemEnd { slot });
        }
        self.close_message(to);
    }
}
