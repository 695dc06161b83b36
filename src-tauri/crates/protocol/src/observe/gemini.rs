//! Reading along a Gemini answer, whose pieces are all of one kind. Called by the observer.

use super::{Observer, string};
use crate::{
    canonical::event::Finish,
    gemini::{usage, wire},
    json::{read::Reader, scan},
};

impl Observer {
    /// A piece of a Gemini stream, or the whole answer; `None` when it is no object.
    pub(super) fn gemini_piece(&mut self, text: &[u8]) -> Option<()> {
        let at = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let (mut candidates, mut feedback, mut error) = (None, None, false);
        scan::each_member(text, at, |member| {
            let value = member.value.clone();
            match member.name(text) {
                b"candidates" => candidates = Some(value),
                b"usageMetadata" => {
                    if let Ok(counts) = std::str::from_utf8(&text[value]) {
                        // T155: repeated, cumulative counts replace each other.
                        let counts = usage::read(&mut Reader::new(counts));
                        self.seen.usage = counts.ok().flatten().or(self.seen.usage);
                    }
                }
                b"modelVersion" if self.seen.model.is_none() => {
                    self.seen.model = string(text, value);
                }
                b"responseId" if self.seen.response_id.is_none() => {
                    self.seen.response_id = string(text, value);
                }
                b"promptFeedback" => feedback = Some(value),
                b"error" => error = text[value.start] == b'{',
                _ => {}
            }
        })
        .ok()?;
        if error {
            self.fail(text);
            return Some(());
        }
        if let Some(candidates) = candidates.filter(|list| text[list.start] == b'[') {
            let _ = scan::each_element(text, candidates.start, |one| {
                self.seen.content_started = true;
                let reason = scan::member_value(text, one, "finishReason");
                if let Some(word) = reason.and_then(|value| string(text, value)) {
                    self.seen.stopped = true;
                    let end = wire::read_finish(&word);
                    self.short = !matches!(end, wire::Read::End(Finish::Stop));
                }
            });
        }
        let blocked = feedback.and_then(|value| scan::member_value(text, value, "blockReason"));
        if blocked.is_some() {
            self.seen.content_started = true;
            self.seen.stopped = true;
            self.short = true;
        }
        Some(())
    }

    /// The body of a Gemini stream ended: whether the answer was whole by its own word.
    pub(crate) fn close(&mut self) -> bool {
        if self.seen.stopped {
            self.seen.terminal.get_or_insert(self.stop());
        }
        self.seen.stopped
    }
}
