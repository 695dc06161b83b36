//! Citations and searches of the web in the words of Messages (T31, T55).
//!
//! A citation stands for the whole block of text it is in. What other providers named is told with a mark of ours where this vendor keeps its own
//! proof, so that it can be told apart when it comes back (T88). Called by the stream decoder and the encoders.

use std::borrow::Cow;

use super::wire::call_id;
use crate::{
    canonical::{
        cite::{Citation, Page, Place, Search, Unit},
        event::{Event, Receiver},
    },
    gemini::request_decode::fence,
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::{Commas, Sink},
    },
    types::Dialect,
};

/// How the ids of searches begin that another provider made; it also stands where this vendor keeps its proof of what it found. Nothing with it goes
/// back to the vendor, which would refuse it ([`crate::replay::without_foreign_sources`]).
pub(crate) const FOREIGN: &str = "srvtoolu_switchyard_";

/// Tells a source of the words that lie there, in bytes of the answer's spelling; false where it cannot be read.
pub(super) fn tell(
    slot: usize,
    native: &str,
    (start, end): (usize, usize),
    to: &mut impl Receiver,
) -> bool {
    let mut citation = Citation {
        place: Some(Place {
            unit: Unit::Spelled,
            start,
            end,
        }),
        native: Some((Dialect::Messages, Cow::Borrowed(native))),
        ..Citation::default()
    };
    let read = Reader::new(native).members(|key, value| {
        match key {
            "url" => citation.url = value.string_or_skip()?.filter(|url| !url.is_empty()),
            // Of a search result that the client itself gave: an address, or a name.
            "source" => match value.string_or_skip()? {
                Some(source) if source.raw().starts_with("http") => citation.url = Some(source),
                source => citation.file = source,
            },
            "title" | "document_title" => {
                citation.title = value.string_or_skip()?.or(citation.title.take());
            }
            "file_id" => citation.file = value.string_or_skip()?.or(citation.file.take()),
            "cited_text" => citation.quoted = value.string_or_skip()?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    });
    if read.is_ok() {
        to.take(Event::Citation {
            slot,
            citation: Box::new(citation),
        });
    }
    read.is_ok()
}

/// A call of a tool that runs at the vendor, while its result is awaited.
#[derive(Debug)]
pub(super) struct Asked {
    id: String,
    /// In JSON spelling.
    pub(super) input: String,
}

impl Asked {
    /// Whether that id is its own.
    pub(super) fn is_of(&self, id: &Text<'_>) -> bool {
        self.id == id.raw()
    }

    pub(super) fn new(id: Option<&Text<'_>>, input: Option<&str>) -> Self {
        Self {
            id: id.map(|id| id.raw().to_owned()).unwrap_or_default(),
            // Usually an empty object, and the input follows.
            input: input
                .filter(|input| input.len() > 2)
                .map(|input| Text::spell(input).raw().to_owned())
                .unwrap_or_default(),
        }
    }
}

/// Whether the result of code that ran names files.
pub(super) fn has_files(mut content: Reader<'_>) -> bool {
    let mut files = false;
    // What cannot be read names none.
    let _ = content.members(|key, value| {
        if key != "content" || value.kind()? != Kind::Array {
            return value.skip();
        }
        value.elements(|one| {
            files = true;
            one.skip()
        })
    });
    files
}

/// What was searched for and found, or the page that was read; nothing where it failed or cannot be read.
pub(super) fn found<'a>(
    searching: &mut Vec<Asked>,
    id: Option<&Text<'a>>,
    content: Option<Reader<'a>>,
) -> Option<Search<'a>> {
    let at = searching
        .iter()
        .position(|one| id.is_some_and(|id| one.id == id.raw()))?;
    let input = Text::token(searching.swap_remove(at).input.into(), true);
    search(id, &input.decode(), content?).ok().flatten()
}

/// Code that ran at the vendor, and what it printed, in words (T34).
pub(super) fn ran(
    searching: &mut Vec<Asked>,
    id: Option<&Text<'_>>,
    content: Option<Reader<'_>>,
) -> Option<Text<'static>> {
    let at = searching
        .iter()
        .position(|one| id.is_some_and(|id| one.id == id.raw()))?;
    let input = Text::token(searching.swap_remove(at).input.into(), true);
    let input = input.decode();
    let mut words = Text::default();
    let (mut command, mut path) = (None, None);
    let _ = Reader::new(&input).members(|key, value| {
        match (key, value.kind()?) {
            ("code", Kind::String) => words.join(&fence("python", &value.string()?)),
            ("command", Kind::String) => command = Some(value.string()?),
            ("path", Kind::String) => path = Some(value.string()?),
            ("file_text", Kind::String) => words.join(&fence("", &value.string()?)),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    });
    if let Some(mut line) = command {
        // The editor's commands name a file, the shell's say all by themselves.
        if let Some(path) = path {
            line.join(&Text::spell(" "));
            line.join(&path);
        }
        let mut first = fence("sh", &line);
        first.join(&words);
        words = first;
    }
    // What cannot be read of the result is left out.
    let _ = content?.members(|key, value| printed(key, value, &mut words));
    (!words.is_empty()).then_some(words)
}

/// One field of a result: what was printed, a file's text or its changed lines, the files that were made, or why it failed.
fn printed(key: &str, value: &mut Reader<'_>, words: &mut Text<'static>) -> Result<(), Malformed> {
    let mut tell = |text: &Text<'_>| {
        if !text.is_empty() {
            words.join(&fence("", text));
        }
    };
    match (key, value.kind()?) {
        ("stdout" | "stderr" | "content" | "error_code" | "error_message", Kind::String) => {
            tell(&value.string()?);
        }
        ("lines", Kind::Array) => {
            let mut all = Text::default();
            value.elements(|line| {
                if let Some(line) = line.string_or_skip()? {
                    if !all.is_empty() {
                        all.join(&Text::spell("\n"));
                    }
                    all.join(&line);
                }
                Ok::<(), Malformed>(())
            })?;
            tell(&all);
        }
        ("content", Kind::Array) => value.elements(|file| {
            if file.kind()? != Kind::Object {
                return file.skip();
            }
            file.members(|key, value| {
                match key {
                    "file_id" => tell(&value.string_or_skip()?.unwrap_or_default()),
                    _ => value.skip()?,
                }
                Ok::<(), Malformed>(())
            })
        })?,
        _ => value.skip()?,
    }
    Ok(())
}

fn search<'a>(
    id: Option<&Text<'a>>,
    input: &str,
    mut content: Reader<'a>,
) -> Result<Option<Search<'a>>, Malformed> {
    let mut search = Search {
        id: id.cloned(),
        ..Search::default()
    };
    if !input.is_empty() {
        Reader::new(input).members(|key, value| {
            match key {
                "query" => search.query = value.string_or_skip()?.map(Text::into_owned),
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
    }
    match content.kind()? {
        Kind::Array => content.elements(|value| page(value, &mut search.pages))?,
        Kind::Object => page(&mut content, &mut search.pages)?,
        _ => {}
    }
    let any = search.query.is_some() || !search.pages.is_empty();
    Ok(any.then_some(search))
}

fn page<'a>(value: &mut Reader<'a>, pages: &mut Vec<Page<'a>>) -> Result<(), Malformed> {
    if value.kind()? != Kind::Object {
        return value.skip();
    }
    let mut page = Page::default();
    value.members(|key, value| {
        match key {
            "url" => page.url = value.string_or_skip()?.unwrap_or_default(),
            "title" => page.title = value.string_or_skip()?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    if !page.url.is_empty() {
        pages.push(page);
    }
    Ok(())
}

/// A citation as the dialect tells one; only pages can be named here.
pub(crate) fn citation(citation: &Citation<'_>) -> Option<String> {
    if let Some(native) = citation.native_of(Dialect::Messages) {
        return Some(native.to_owned());
    }
    let url = citation.url.as_ref()?;
    let mut out = String::from("{\"type\":\"web_search_result_location\",\"url\":");
    out.text(url);
    out.raw(",\"title\":");
    out.text_or_null(citation.title.as_ref());
    out.raw(",\"cited_text\":");
    out.text(citation.quoted.as_ref().unwrap_or(&Text::default()));
    out.raw(",\"encrypted_index\":\"");
    out.raw(FOREIGN);
    out.raw("\"}");
    Some(out)
}

/// The two blocks of a search: the call, and what it found. A page that was opened has no form without its content.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The call without its input, its input, and the result.
    pub(super) call: String,
    pub(super) input: String,
    pub(super) result: String,
}

/// `answer` is the id of the whole message: ids of searches without one derive from it.
pub(super) fn blocks(search: &Search<'_>, answer: &str) -> Option<Blocks> {
    let query = search.query.as_ref()?;
    let made = match &search.id {
        Some(id) => call_id(id),
        None => Cow::Owned(format!(
            "{answer}_{:08x}",
            super::wire::mark(query.raw().as_bytes()) & 0xffff_ffff
        )),
    };
    let id = if made.starts_with("srvtoolu_") {
        made.into_owned()
    } else {
        format!("{FOREIGN}{made}")
    };
    let mut result =
        format!("{{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"{id}\",\"content\":[");
    let mut commas = Commas::default();
    for page in &search.pages {
        commas.next(&mut result);
        result.raw("{\"type\":\"web_search_result\",\"url\":");
        result.text(&page.url);
        result.raw(",\"title\":");
        result.text(page.title.as_ref().unwrap_or(&page.url));
        result.raw(",\"encrypted_content\":\"");
        result.raw(FOREIGN);
        result.raw("\",\"page_age\":null}");
    }
    result.raw("]}");
    Some(Blocks {
        call: format!(
            "{{\"type\":\"server_tool_use\",\"id\":\"{id}\",\"name\":\"web_search\",\"input\":"
        ),
        input: format!("{{\"query\":\"{}\"}}", query.raw()),
        result,
    })
}
