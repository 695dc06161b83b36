//! One candidate of a piece of a Gemini answer: its parts, its end, and what it says of its sources. The rest of [`Decoder`], which calls this.

use super::{
    cite,
    part::{self, members},
    stream_decode::Decoder,
    wire::{Read, read_finish},
};
use crate::{
    canonical::event::{Event, Receiver, Start},
    json::read::{Kind, Malformed, Reader},
    lost::Gone,
};

impl Decoder {
    pub(super) fn candidate(
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
}
