//! Annotations and hosted searches, read and written (T30, T31, T55). Chat's annotations hold the same fields one level deeper.
//!
//! Places are characters of the part's text. Called by the stream decoders and encoders of Responses and of Chat.

use std::borrow::Cow;

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
    types::Dialect,
};

/// Tells an annotation of dialect `own`; false for one that names nothing, which is passed over.
pub(crate) fn tell(own: Dialect, slot: usize, native: &str, to: &mut impl Receiver) -> bool {
    let read = read(own, native);
    let told = read.is_some();
    if let Some(citation) = read {
        to.take(Event::Citation {
            slot,
            citation: Box::new(citation),
        });
    }
    told
}

/// Reads an annotation: a link, or a file (T31).
fn read(own: Dialect, native: &str) -> Option<Citation<'_>> {
    let mut citation = Citation {
        native: Some((own, Cow::Borrowed(native))),
        ..Citation::default()
    };
    let mut place = [None; 3];
    fields(&mut Reader::new(native), &mut citation, &mut place).ok()?;
    let [start, end, index] = place;
    citation.place = start
        .zip(end)
        .or_else(|| index.map(|index| (index, index)))
        .map(|(start, end)| Place {
            unit: Unit::Chars,
            start,
            end,
        });
    Some(citation)
}

fn fields<'a>(
    reader: &mut Reader<'a>,
    citation: &mut Citation<'a>,
    place: &mut [Option<usize>; 3],
) -> Result<(), Malformed> {
    if reader.kind()? != Kind::Object {
        return Err(Malformed(reader.position()));
    }
    reader.members(|key, value| {
        let number = |value: &mut Reader<'a>| {
            Ok::<_, Malformed>(
                value
                    .unsigned_or_skip()?
                    .and_then(|n| usize::try_from(n).ok()),
            )
        };
        match key {
            "url_citation" if value.kind()? == Kind::Object => fields(value, citation, place)?,
            "url" => citation.url = value.string_or_skip()?.filter(|url| !url.is_empty()),
            "title" | "filename" => citation.title = value.string_or_skip()?,
            "file_id" => citation.file = value.string_or_skip()?.filter(|id| !id.is_empty()),
            // Some servers quote the page.
            "content" => citation.quoted = value.string_or_skip()?,
            "start_index" => place[0] = number(value)?,
            "end_index" => place[1] = number(value)?,
            "index" => place[2] = number(value)?,
            _ => value.skip()?,
        }
        Ok(())
    })
}

/// Writes an annotation of a Responses answer; false where it has no form there: the dialect asks for a place, and none is made up (T31).
pub(super) fn write(citation: &Citation<'_>, out: &mut String) -> bool {
    if let Some(native) = citation.native_of(Dialect::Responses) {
        out.raw(native);
        return true;
    }
    let Some((start, end)) = citation.at(Unit::Chars) else {
        return false;
    };
    match (&citation.url, &citation.file) {
        (Some(url), _) => {
            out.raw("{\"type\":\"url_citation\"");
            link(url, citation.title.as_ref(), start, end, out);
        }
        (None, Some(file)) => {
            out.raw("{\"type\":\"file_citation\",\"index\":");
            out.number(end as u64);
            out.raw(",\"file_id\":");
            out.text(file);
            out.raw(",\"filename\":");
            out.text(citation.title.as_ref().unwrap_or(file));
        }
        (None, None) => return false,
    }
    out.raw("}");
    true
}

/// Whether [`write`] has a form for it.
pub(crate) fn is_told(citation: &Citation<'_>) -> bool {
    citation.native_of(Dialect::Responses).is_some()
        || (citation.at(Unit::Chars).is_some()
            && (citation.url.is_some() || citation.file.is_some()))
}

/// The fields of a link, comma first.
pub(crate) fn link(
    url: &Text<'_>,
    title: Option<&Text<'_>>,
    start: usize,
    end: usize,
    out: &mut String,
) {
    out.raw(",\"start_index\":");
    out.number(start as u64);
    out.raw(",\"end_index\":");
    out.number(end as u64);
    out.raw(",\"url\":");
    out.text(url);
    out.raw(",\"title\":");
    out.text(title.unwrap_or(&Text::default()));
}

/// The annotations of a part, comma-joined.
pub(super) fn list(citations: &[Citation<'_>]) -> String {
    let mut all = String::new();
    for citation in citations {
        let before = all.len();
        if before > 0 {
            all.push(',');
        }
        if !write(citation, &mut all) {
            all.truncate(before);
        }
    }
    all
}

/// Reads what a `web_search_call` did.
pub(super) fn search<'a>(
    id: Option<&Text<'a>>,
    mut action: Reader<'a>,
) -> Result<Search<'a>, Malformed> {
    let mut search = Search {
        id: id.cloned(),
        ..Search::default()
    };
    let mut opened = None;
    action.members(|key, value| {
        match (key, value.kind()?) {
            ("query", Kind::String) => search.query = Some(value.string()?),
            // One call may search for several things; the first stands for it.
            ("queries", Kind::Array) => value.elements(|query| {
                let query = query.string_or_skip()?;
                search.query = search.query.take().or(query);
                Ok::<(), Malformed>(())
            })?,
            ("url", Kind::String) => opened = Some(value.string()?),
            ("sources", Kind::Array) => value.elements(|source| {
                if source.kind()? != Kind::Object {
                    return source.skip();
                }
                let mut page = Page::default();
                source.members(|key, value| {
                    match key {
                        "url" => page.url = value.string_or_skip()?.unwrap_or_default(),
                        "title" => page.title = value.string_or_skip()?,
                        _ => value.skip()?,
                    }
                    Ok::<(), Malformed>(())
                })?;
                if !page.url.is_empty() {
                    search.pages.push(page);
                }
                Ok(())
            })?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    if let (None, Some(url)) = (&search.query, opened) {
        search.pages = vec![Page { url, title: None }];
    }
    Ok(search)
}

/// Writes the action of a `web_search_call`.
pub(super) fn write_action<S: Sink>(search: &Search<'_>, out: &mut S) {
    match (&search.query, search.pages.first()) {
        (None, Some(page)) => {
            out.raw("{\"type\":\"open_page\",\"url\":");
            out.text(&page.url);
            out.raw("}");
        }
        (query, _) => {
            out.raw("{\"type\":\"search\",\"query\":");
            out.text(query.as_ref().unwrap_or(&Text::default()));
            out.raw(",\"sources\":[");
            let mut commas = Commas::default();
            for page in &search.pages {
                commas.next(out);
                out.raw("{\"type\":\"url\",\"url\":");
                out.text(&page.url);
                out.raw("}");
            }
            out.raw("]}");
        }
    }
}
