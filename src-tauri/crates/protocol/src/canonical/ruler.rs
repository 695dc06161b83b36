//! Places in the answer's text, from the unit that the upstream counts in to the one that the client counts in (T31).
//!
//! Keeps a copy of the words, so it stands on the way of an answer only where the request asked for something that cites, and on that of whole
//! answers. What cannot be measured has no place: none is made up. Stands behind the restorer of names. Called by the hub.

use super::{
    cite::{Citation, Place, Unit},
    event::{Event, Start},
};
use crate::{
    json::text::{Text, hex4, unescape},
    types::{Dialect, Target},
};

/// Measures the text of one answer.
#[derive(Debug)]
pub(crate) struct Ruler {
    /// The upstream counts characters from the beginning of the answer, not of the message.
    from_whole: bool,
    unit: Unit,
    /// The client counts from the beginning of the answer.
    whole: bool,
    /// The client is told the words beside their place.
    words: bool,
    /// All words so far in JSON spelling, and where each message began in them.
    all: String,
    starts: Vec<(usize, usize)>,
    /// Some place could not be measured, and was left out.
    pub(crate) unplaced: bool,
}

impl Ruler {
    /// `None` for a client that is told no places. `folded` says that the client gets one JSON answer.
    pub(crate) fn new(from: Target, to: Dialect, folded: bool) -> Option<Box<Self>> {
        let (unit, whole) = match to {
            Dialect::Messages => return None,
            Dialect::Chat => (Unit::Chars, true),
            Dialect::Responses => (Unit::Chars, false),
            // A part of a whole answer is a message; in a stream all parts are one text.
            Dialect::Gemini => (Unit::Bytes, !folded),
        };
        Some(Box::new(Self {
            from_whole: from == Target::Chat,
            unit,
            whole,
            words: to == Dialect::Gemini,
            all: String::new(),
            starts: Vec::new(),
            unplaced: false,
        }))
    }

    /// Looks at an event; a citation's place is changed in it.
    pub(crate) fn look(&mut self, event: &mut Event<'_>) {
        match event {
            Event::ItemStart {
                slot,
                start: Start::Message { .. },
            } => self.starts.push((*slot, self.all.len())),
            Event::Text { delta, .. } => self.all.push_str(delta.raw()),
            Event::Citation { slot, citation } => self.settle(*slot, citation),
            _ => {}
        }
    }

    fn settle(&mut self, slot: usize, citation: &mut Citation<'_>) {
        let Some(place) = citation.place else {
            return;
        };
        let mut starts = self.starts.iter().rev();
        let here = starts.find(|(at, _)| *at == slot).map_or(0, |(_, at)| *at);
        let to = if self.whole { 0 } else { here };
        let from = match place.unit {
            Unit::Chars if !self.from_whole => here,
            Unit::Chars | Unit::Bytes | Unit::Spelled => 0,
        };
        if place.unit == self.unit && from == to && !self.words {
            return;
        }
        let found = self.find(place, from, citation.words.as_ref());
        citation.place = found.filter(|(start, _)| *start >= to).map(|(start, end)| {
            let before = length(&self.all[to..start], self.unit);
            Place {
                unit: self.unit,
                start: before,
                end: before + length(&self.all[start..end], self.unit),
            }
        });
        self.unplaced |= citation.place.is_none();
        if self.words
            && let (None, Some((start, end))) = (&citation.words, found)
        {
            let words = self.all[start..end].to_owned();
            citation.words = Some(Text::token(words.into(), true));
        }
    }

    /// Where the place lies in the spelled text. Words that are told beside it have the last say: some count from the beginning of a part.
    fn find(&self, place: Place, from: usize, words: Option<&Text<'_>>) -> Option<(usize, usize)> {
        let start = advance(&self.all, from, place.start, place.unit);
        let end = start.and_then(|start| {
            advance(
                &self.all,
                start,
                place.end.checked_sub(place.start)?,
                place.unit,
            )
        });
        let found = start.zip(end);
        let Some(words) = words.map(Text::decode).filter(|words| !words.is_empty()) else {
            return found;
        };
        if found.is_some_and(|(start, end)| unescape(&self.all[start..end]) == words) {
            return found;
        }
        let before = unescape(&self.all).find(words.as_ref())?;
        let start = advance(&self.all, 0, before, Unit::Bytes)?;
        Some((start, advance(&self.all, start, words.len(), Unit::Bytes)?))
    }
}

/// The next character's length in the spelling and in UTF-8.
fn step(text: &str) -> Option<(usize, usize)> {
    let first = text.chars().next()?;
    if first != '\\' {
        return Some((first.len_utf8(), first.len_utf8()));
    }
    let Some(code) = text.strip_prefix("\\u").and_then(hex4) else {
        return Some((text.len().min(2), 1));
    };
    let low = || text.get(6..)?.strip_prefix("\\u").and_then(hex4);
    Some(match code {
        0xd800..=0xdbff if low().is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) => (12, 4),
        // Alone it becomes U+FFFD (T205).
        _ => (6, char::from_u32(code).map_or(3, char::len_utf8)),
    })
}

/// The spelled offset that lies `count` units behind `from`; `None` behind the end and inside a character.
fn advance(text: &str, from: usize, count: usize, unit: Unit) -> Option<usize> {
    let (mut at, mut left) = (from, count);
    while left > 0 {
        let (spelled, bytes) = step(text.get(at..)?)?;
        left = left.checked_sub(match unit {
            Unit::Chars => 1,
            Unit::Bytes => bytes,
            Unit::Spelled => spelled,
        })?;
        at += spelled;
    }
    Some(at)
}

/// How many units a spelled text has.
fn length(text: &str, unit: Unit) -> usize {
    let (mut rest, mut count) = (text, 0);
    while let Some((spelled, bytes)) = step(rest) {
        count += match unit {
            Unit::Chars => 1,
            Unit::Bytes => bytes,
            Unit::Spelled => spelled,
        };
        rest = rest.get(spelled..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t31_places_are_counted_by_what_the_text_says_and_not_by_how_it_is_spelled() {
        // "aé\n" and two spellings of the same face, then a lone half of one.
        let text = "aé\\n\\u00e9😀\\ud83d\\ude00\\ud83dz";
        for (unit, all) in [(Unit::Chars, 8), (Unit::Bytes, 18), (Unit::Spelled, 34)] {
            assert_eq!(length(text, unit), all, "{unit:?}");
            assert_eq!(advance(text, 0, all, unit), Some(text.len()), "{unit:?}");
            assert_eq!(advance(text, 0, all + 1, unit), None, "{unit:?}");
        }
        assert_eq!(advance(text, 0, 2, Unit::Chars), Some(3));
        assert_eq!(advance(text, 0, 2, Unit::Bytes), None, "inside the é");
        assert_eq!(advance(text, 3, 1, Unit::Chars), Some(5), "an escape");
        assert_eq!(unescape(text).len(), 18);
        assert_eq!(unescape(text).chars().count(), 8);
    }
}
