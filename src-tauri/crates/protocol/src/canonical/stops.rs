//! Stop strings for upstreams that have none (T119): the answer's words end before the first of them, whatever the upstream goes on to say.
//!
//! Stands last before an encoder. What may be the beginning of a stop string is held back until it is known; only visible words are
//! looked at, as the providers do. Called by the hub.

use super::event::{Event, Finish};
use crate::json::text::Text;

/// The stop strings of one request against its answer.
#[derive(Debug)]
pub(crate) struct Stops {
    words: Vec<String>,
    /// End at once, without waiting for the upstream's count of tokens.
    at_once: bool,
    /// Plain text that may be the beginning of a stop string.
    held: String,
    hit: bool,
    over: bool,
}

impl Stops {
    /// `None` when there is nothing to stop at. `waits` says that the client wants the count of tokens, which only the upstream's own
    /// end tells.
    pub(crate) fn new(words: Vec<String>, waits: bool) -> Option<Self> {
        (!words.is_empty()).then_some(Self {
            words,
            at_once: !waits,
            held: String::new(),
            hit: false,
            over: false,
        })
    }

    /// The client's answer has ended, and the upstream's need not be read on.
    pub(crate) fn over(&self) -> bool {
        self.over
    }

    /// Passes an event on, as the client should see it.
    pub(crate) fn pass(&mut self, event: Event<'_>, mut to: impl FnMut(Event<'_>)) {
        if self.over {
            return;
        }
        if self.hit {
            // A failure behind the stop is none for the client: its answer is whole.
            let usage = match event {
                Event::Done { usage, .. } => usage,
                Event::Failed(_) => None,
                _ => return,
            };
            self.over = true;
            return to(Event::Done {
                finish: Finish::Stop,
                usage,
            });
        }
        match event {
            Event::Text {
                slot,
                delta,
                logprobs,
            } => self.text(slot, &delta, logprobs, to),
            Event::ItemEnd { slot } => {
                self.release(slot, &mut to);
                to(Event::ItemEnd { slot });
            }
            other => to(other),
        }
    }

    fn text(
        &mut self,
        slot: usize,
        delta: &Text<'_>,
        logprobs: Option<&str>,
        mut to: impl FnMut(Event<'_>),
    ) {
        let before = self.held.len();
        self.held.push_str(&delta.decode());
        if let Some(end) = self.first_stop() {
            self.held.truncate(end);
            self.release(slot, &mut to);
            to(Event::ItemEnd { slot });
            self.hit = true;
            if self.at_once {
                self.over = true;
                to(Event::Done {
                    finish: Finish::Stop,
                    usage: None,
                });
            }
            return;
        }
        let kept = self.possible_beginning();
        if before == 0 && kept == 0 {
            self.held.clear();
            return to(Event::Text {
                slot,
                delta: delta.borrowed(),
                logprobs,
            });
        }
        let tail = self.held.split_off(self.held.len() - kept);
        self.release(slot, &mut to);
        self.held = tail;
    }

    fn release(&mut self, slot: usize, to: &mut impl FnMut(Event<'_>)) {
        if !self.held.is_empty() {
            to(Event::Text {
                slot,
                delta: Text::spell(&self.held),
                logprobs: None,
            });
            self.held.clear();
        }
    }

    /// Where the earliest stop string begins.
    fn first_stop(&self) -> Option<usize> {
        let found = self.words.iter().filter_map(|word| self.held.find(word));
        found.min()
    }

    /// How many bytes at the end may be the beginning of a stop string.
    fn possible_beginning(&self) -> usize {
        let text = self.held.as_bytes();
        let longest = |word: &String| {
            let most = text.len().min(word.len() - 1);
            (1..=most)
                .rev()
                .find(|length| word.as_bytes()[..*length] == text[text.len() - length..])
                .unwrap_or(0)
        };
        // A beginning of a string that ends the text begins at a character of it: UTF-8 cannot be matched out of step.
        self.words.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the client sees of text in these pieces, and whether a stop string was met.
    fn seen(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let words = stops.iter().map(|word| (*word).to_owned()).collect();
        let mut stops = Stops::new(words, false).expect("stop strings");
        let (mut text, mut ends) = (String::new(), 0);
        let mut take = |event: Event<'_>| match event {
            Event::Text { delta, .. } => text.push_str(&delta.decode()),
            Event::Done { .. } => ends += 1,
            _ => {}
        };
        for piece in pieces {
            let event = Event::Text {
                slot: 0,
                delta: Text::spell(piece),
                logprobs: None,
            };
            stops.pass(event, &mut take);
        }
        stops.pass(Event::ItemEnd { slot: 0 }, &mut take);
        let done = Event::Done {
            finish: Finish::Length,
            usage: None,
        };
        stops.pass(done, &mut take);
        assert_eq!(ends, 1);
        (text, stops.over())
    }

    #[test]
    fn t119_words_end_before_the_first_stop_string_however_they_are_cut() {
        for (stops, text, expected) in [
            (&["STOP"][..], "one STOP two", Some("one ")),
            (&["STOP"], "one STO", None),
            (&["STOP"], "STSTOP", Some("ST")),
            (&["aab"], "aaab", Some("a")),
            (&["b", "ab"], "xab", Some("x")),
            (&["\n"], "line\nnext", Some("line")),
            (&["é!"], "caf\u{e9}!", Some("caf")),
            (&["\"}"], "{\"a\":\"b\"}", Some("{\"a\":\"b")),
            (&["😀"], "a😀", Some("a")),
            (&["nothing of it"], "a long enough text", None),
        ] {
            let expected = (expected.unwrap_or(text).to_owned(), expected.is_some());
            assert_eq!(seen(stops, &[text]), expected, "{text}");
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert_eq!(seen(stops, &pieces), expected, "{text} by characters");
        }
    }
}
