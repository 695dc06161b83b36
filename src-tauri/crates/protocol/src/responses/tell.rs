//! A whole item of a Responses answer told at once, for items that came without deltas (T173). Called by `stream_decode`.

use super::{
    cite,
    event::{RawItem, find_type, gone_part},
};
use crate::{
    canonical::{
        event::{Event, Receiver},
        picture::Picture,
    },
    gemini::request_decode::fence,
    json::{
        read::{Kind, Malformed},
        text::Text,
    },
    lost::{Gone, Lost},
    types::Dialect,
};

/// Tells a picture (F98, T34).
pub(super) fn picture(slot: usize, item: &RawItem<'_>, to: &mut impl Receiver) {
    let Some(data) = &item.result else {
        return;
    };
    let format = item.format.as_ref().map_or("png", Text::raw);
    let picture = Picture::new(&format!("image/{format}"), data.borrowed());
    to.take(Event::Picture {
        slot,
        picture: Box::new(picture),
    });
}

/// Tells code that ran at the provider, and what it printed, in words (T34).
pub(super) fn code(slot: usize, item: &RawItem<'_>, to: &mut impl Receiver) {
    let mut say = |delta: Text<'_>| {
        to.take(Event::Text {
            slot,
            delta,
            logprobs: None,
        });
    };
    if let Some(code) = &item.code {
        say(fence("python", code));
    }
    let Some(mut outputs) = item.outputs.clone() else {
        return;
    };
    // What cannot be read of it is left out; the rest of the answer still counts.
    let _ = outputs.elements(|output| {
        if output.kind()? != Kind::Object {
            return output.skip();
        }
        output.members(|key, value| {
            if key == "logs"
                && let Some(printed) = value.clone().string_or_skip()?
            {
                say(fence("", &printed));
            }
            value.skip()
        })
    });
}

/// Tells the whole content of an item at once; what of it has no place comes back.
pub(super) fn tell(
    slot: usize,
    item: &RawItem<'_>,
    to: &mut impl Receiver,
) -> Result<Lost, Malformed> {
    told(slot, item, false, to)
}

/// Tells the sources of a message whose words were told already.
pub(super) fn tell_sources(
    slot: usize,
    item: &RawItem<'_>,
    to: &mut impl Receiver,
) -> Result<Lost, Malformed> {
    told(slot, item, true, to)
}

fn told(
    slot: usize,
    item: &RawItem<'_>,
    only_sources: bool,
    to: &mut impl Receiver,
) -> Result<Lost, Malformed> {
    let mut lost = Lost::NONE;
    if let Some(input) = item
        .input
        .as_ref()
        .filter(|input| !input.is_empty() && !only_sources)
    {
        to.take(Event::Input {
            slot,
            delta: input.borrowed(),
        });
    }
    let reasoning = item.kind.as_ref().is_some_and(|kind| kind.is("reasoning"));
    let mut paragraphs = 0;
    for list in [&item.summary, &item.content] {
        let Some(mut list) = list.clone() else {
            continue;
        };
        // A summary is what the client is meant to read; the raw thoughts only count without one.
        if reasoning && paragraphs > 0 {
            let mut any = list;
            any.elements(|part| {
                lost.add(Gone::Thoughts);
                part.skip()
            })?;
            break;
        }
        list.elements(|part| {
            let (mut text, mut refusal, mut annotations, mut logprobs) = (None, None, None, None);
            if part.kind()? != Kind::Object {
                return part.skip();
            }
            if let Some(gone) = find_type(&mut part.clone()).and_then(gone_part) {
                lost.add(gone);
            }
            part.members(|key, value| {
                match (key, value.kind()?) {
                    ("text", _) => text = value.string_or_skip()?,
                    ("refusal", _) => refusal = value.string_or_skip()?,
                    ("annotations", Kind::Array) => {
                        annotations = Some(value.clone());
                        value.skip()?;
                    }
                    ("logprobs", Kind::Array) => {
                        logprobs = Some(value.raw()?).filter(|raw| raw.starts_with("[{"))
                    }
                    _ => value.skip()?,
                }
                Ok::<(), Malformed>(())
            })?;
            if let Some(text) = text.filter(|text| !text.is_empty() && !only_sources) {
                if reasoning {
                    if paragraphs > 0 {
                        to.take(Event::ReasoningBreak { slot });
                    }
                    paragraphs += 1;
                    to.take(Event::Reasoning { slot, delta: text });
                } else {
                    to.take(Event::Text {
                        slot,
                        delta: text,
                        logprobs,
                    });
                }
            }
            if let Some(delta) = refusal.filter(|text| !text.is_empty() && !only_sources) {
                to.take(Event::Refusal { slot, delta });
            }
            if let Some(mut annotations) = annotations {
                annotations.elements(|native| {
                    let told = cite::tell(Dialect::Responses, slot, native.raw()?, to);
                    lost.add_if(!told, Gone::Citation);
                    Ok::<(), Malformed>(())
                })?;
            }
            Ok::<(), Malformed>(())
        })?;
    }
    Ok(lost)
}
