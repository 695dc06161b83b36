//! Grounding in the words of Gemini: what was searched, the sources, and which words rest on which (T31, T55).
//!
//! Places are bytes of the text; in a stream of the whole answer's. Metadata grow from piece to piece, so the last ones count. Called by the stream
//! decoder and the encoders.

use std::fmt::Write as _;

use super::part::members;
use crate::{
    canonical::{
        cite::{Citation, Page, Place, Search, Unit},
        event::{Event, Receiver},
    },
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::{Commas, Sink},
    },
};

/// A stretch of text and the numbers of its sources.
#[derive(Default)]
struct Support<'a> {
    start: usize,
    end: usize,
    words: Option<Text<'a>>,
    sources: Vec<usize>,
}

/// What a `groundingMetadata` object says.
#[derive(Default)]
struct Grounding<'a> {
    queries: Vec<Text<'a>>,
    sources: Vec<Citation<'a>>,
    supports: Vec<Support<'a>>,
}

fn number(value: &mut Reader<'_>) -> Result<Option<usize>, Malformed> {
    let number = value.unsigned_or_skip()?;
    Ok(number.and_then(|number| usize::try_from(number).ok()))
}

fn read(raw: &str) -> Result<Grounding<'_>, Malformed> {
    let mut grounding = Grounding::default();
    members(&mut Reader::new(raw), |key, value| {
        match (key, value.kind()?) {
            ("webSearchQueries" | "retrievalQueries", Kind::Array) => {
                value.elements(|query| {
                    grounding.queries.extend(query.string_or_skip()?);
                    Ok::<(), Malformed>(())
                })?;
            }
            ("groundingChunks", Kind::Array) => value.elements(|chunk| {
                // Its number counts, whatever it holds.
                grounding.sources.push(source(chunk)?);
                Ok::<(), Malformed>(())
            })?,
            ("groundingSupports", Kind::Array) => value.elements(|one| {
                grounding.supports.push(support(one)?);
                Ok::<(), Malformed>(())
            })?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(grounding)
}

/// A page, or a document that was searched.
fn source<'a>(chunk: &mut Reader<'a>) -> Result<Citation<'a>, Malformed> {
    let mut source = Citation::default();
    members(chunk, |_, value| {
        members(value, |key, value| {
            match key {
                "uri" => source.url = value.string_or_skip()?.filter(|url| !url.is_empty()),
                "title" => source.title = value.string_or_skip()?,
                "text" => source.quoted = value.string_or_skip()?,
                "documentName" | "fileSearchStore" => {
                    source.file = value.string_or_skip()?.or(source.file.take());
                }
                _ => value.skip()?,
            }
            Ok(())
        })
    })?;
    Ok(source)
}

fn support<'a>(one: &mut Reader<'a>) -> Result<Support<'a>, Malformed> {
    let mut support = Support::default();
    members(one, |key, value| {
        match (key, value.kind()?) {
            ("segment", Kind::Object) => members(value, |key, value| {
                match key {
                    "startIndex" => support.start = number(value)?.unwrap_or(0),
                    "endIndex" => support.end = number(value)?.unwrap_or(0),
                    "text" => support.words = value.string_or_skip()?,
                    _ => value.skip()?,
                }
                Ok(())
            })?,
            ("groundingChunkIndices", Kind::Array) => value.elements(|index| {
                support.sources.extend(number(index)?);
                Ok::<(), Malformed>(())
            })?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(support)
}

/// What was searched, one item for each query; the first one found all pages.
pub(super) fn searches(raw: &str) -> Vec<Search<'_>> {
    let Ok(grounding) = read(raw) else {
        return Vec::new();
    };
    let mut pages: Vec<Page<'_>> = Vec::new();
    for source in grounding.sources {
        if let Some(url) = source.url {
            pages.push(Page {
                url,
                title: source.title,
            });
        }
    }
    let mut all = Vec::with_capacity(grounding.queries.len());
    for query in grounding.queries {
        all.push(Search {
            id: None,
            query: Some(query),
            pages: std::mem::take(&mut pages),
        });
    }
    all
}

/// Whether something was searched, and whether the provider suggests what to search on.
pub(super) fn searched(raw: &str) -> (bool, bool) {
    let queries = read(raw).is_ok_and(|grounding| !grounding.queries.is_empty());
    let mut suggested = false;
    // What cannot be read suggests nothing.
    let _ = members(&mut Reader::new(raw), |key, value| {
        suggested |= key == "searchEntryPoint" && value.kind()? == Kind::Object;
        value.skip()
    });
    (queries, suggested)
}

/// Whether sources are named.
pub(super) fn names(raw: &str) -> bool {
    read(raw).is_ok_and(|grounding| !grounding.sources.is_empty())
}

/// Tells the sources that were not told before; returns how many stretches there are by now.
pub(super) fn tell(raw: &str, told: usize, slot: usize, to: &mut impl Receiver) -> usize {
    let Ok(grounding) = read(raw) else {
        return told;
    };
    let mut give = |citation: Citation<'_>| {
        to.take(Event::Citation {
            slot,
            citation: Box::new(citation),
        });
    };
    for support in grounding.supports.iter().skip(told) {
        for index in &support.sources {
            let Some(source) = grounding.sources.get(*index) else {
                continue;
            };
            give(Citation {
                words: support.words.clone(),
                place: (support.end > support.start).then_some(Place {
                    unit: Unit::Bytes,
                    start: support.start,
                    end: support.end,
                }),
                ..source.clone()
            });
        }
    }
    let count = grounding.supports.len();
    if count == 0 && told == 0 {
        // Which words rest on them is not known.
        let any = !grounding.sources.is_empty();
        grounding.sources.into_iter().for_each(give);
        return usize::from(any);
    }
    count.max(told)
}

/// Tells what a `citationMetadata` object names: works that the words repeat. Comes unasked.
pub(super) fn tell_works(raw: &str, slot: usize, to: &mut impl Receiver) {
    // What cannot be read is left out; the rest of the answer still counts.
    let _ = members(&mut Reader::new(raw), |key, value| {
        match (key, value.kind()?) {
            ("citations" | "citationSources", Kind::Array) => value.elements(|one| {
                let mut citation = Citation::default();
                let (mut start, mut end) = (0, None);
                members(one, |key, value| {
                    match key {
                        "startIndex" => start = number(value)?.unwrap_or(0),
                        "endIndex" => end = number(value)?,
                        "uri" => citation.url = value.string_or_skip()?,
                        "title" => citation.title = value.string_or_skip()?,
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
                citation.place = end.filter(|end| *end > start).map(|end| Place {
                    unit: Unit::Bytes,
                    start,
                    end,
                });
                if citation.url.as_ref().is_some_and(|url| !url.is_empty()) {
                    to.take(Event::Citation {
                        slot,
                        citation: Box::new(citation),
                    });
                }
                Ok::<(), Malformed>(())
            }),
            _ => value.skip(),
        }
    });
}

/// A `groundingMetadata` member, comma first; nothing where nothing was named. `part` says which part of the answer each source's words are.
pub(super) fn write(queries: &[Text<'_>], sources: &[(usize, Citation<'_>)], out: &mut String) {
    let (mut chunks, mut supports) = (String::new(), String::new());
    let mut known: Vec<&Citation<'_>> = Vec::new();
    let mut last: Option<(usize, usize, usize)> = None;
    for (part, source) in sources {
        if source.url.is_none() && source.file.is_none() && source.quoted.is_none() {
            continue;
        }
        let same = |other: &&Citation<'_>| {
            (&other.url, &other.title, &other.file) == (&source.url, &source.title, &source.file)
        };
        let index = known.iter().position(same).unwrap_or_else(|| {
            if !known.is_empty() {
                chunks.push(',');
            }
            chunk(source, &mut chunks);
            known.push(source);
            known.len() - 1
        });
        let Some((start, end)) = source.at(Unit::Bytes) else {
            continue;
        };
        if last == Some((*part, start, end)) {
            // The same words rest on several sources.
            supports.truncate(supports.len() - "]}".len());
            let _ = write!(supports, ",{index}]}}");
            continue;
        }
        last = Some((*part, start, end));
        if !supports.is_empty() {
            supports.push(',');
        }
        supports.push_str("{\"segment\":{");
        if *part > 0 {
            let _ = write!(supports, "\"partIndex\":{part},");
        }
        let _ = write!(supports, "\"startIndex\":{start},\"endIndex\":{end}");
        if let Some(words) = &source.words {
            supports.raw(",\"text\":");
            supports.text(words);
        }
        let _ = write!(supports, "}},\"groundingChunkIndices\":[{index}]}}");
    }
    if chunks.is_empty() && queries.is_empty() {
        return;
    }
    out.raw(",\"groundingMetadata\":{");
    if !queries.is_empty() {
        out.raw("\"webSearchQueries\":[");
        let mut commas = Commas::default();
        for query in queries {
            commas.next(out);
            out.text(query);
        }
        out.raw("],");
    }
    out.raw("\"groundingChunks\":[");
    out.raw(&chunks);
    out.raw("],\"groundingSupports\":[");
    out.raw(&supports);
    out.raw("]}");
}

fn chunk(source: &Citation<'_>, out: &mut String) {
    let web = source.url.is_some() && source.file.is_none();
    out.raw(if web {
        "{\"web\":{"
    } else {
        "{\"retrievedContext\":{"
    });
    let mut commas = Commas::default();
    for (key, value) in [
        ("uri", &source.url),
        ("title", &source.title),
        ("documentName", if web { &None } else { &source.file }),
        ("text", if web { &None } else { &source.quoted }),
    ] {
        if let Some(value) = value {
            commas.key(out, key);
            out.text(value);
        }
    }
    out.raw("}}");
}
