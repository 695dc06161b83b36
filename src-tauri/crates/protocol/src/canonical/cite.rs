//! Where an answer's words come from: citations, and searches that ran at the provider (T31, T55).
//!
//! Every dialect tells the place of a citation in a unit of its own: Responses and Chat in characters (code points) of the text, Gemini in bytes of
//! UTF-8, Messages by the block it stands in. Decoders keep their own unit and [`super::ruler`] changes it. Called by decoders, the fold and encoders.

use std::borrow::Cow;

use crate::{json::text::Text, types::Dialect};

/// One source of some words of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Citation<'e> {
    /// The page; absent for files and documents.
    pub(crate) url: Option<Text<'e>>,
    /// The page's or the file's name.
    pub(crate) title: Option<Text<'e>>,
    /// A file or a document at the vendor, by its id there.
    pub(crate) file: Option<Text<'e>>,
    /// The source's own words.
    pub(crate) quoted: Option<Text<'e>>,
    /// The answer's words that rest on it.
    pub(crate) words: Option<Text<'e>>,
    /// Where those stand; absent where nobody told it. It is never made up (T31).
    pub(crate) place: Option<Place>,
    /// As its own dialect told it, for answers that stay there. Not known to be JSON.
    pub(crate) native: Option<(Dialect, Cow<'e, str>)>,
}

/// A stretch of an answer's text; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) unit: Unit,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a place counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Characters (code points).
    Chars,
    /// Bytes of UTF-8, of the whole answer's text.
    Bytes,
    /// Bytes of the text's JSON spelling, of the whole answer's text.
    Spelled,
}

impl Citation<'_> {
    /// The same, owning its bytes.
    pub(crate) fn into_owned(self) -> Citation<'static> {
        Citation {
            url: self.url.map(Text::into_owned),
            title: self.title.map(Text::into_owned),
            file: self.file.map(Text::into_owned),
            quoted: self.quoted.map(Text::into_owned),
            words: self.words.map(Text::into_owned),
            place: self.place,
            native: self
                .native
                .map(|(origin, native)| (origin, Cow::Owned(native.into_owned()))),
        }
    }

    /// The place, where it is told in that unit.
    pub(crate) fn at(&self, unit: Unit) -> Option<(usize, usize)> {
        let place = self.place.filter(|place| place.unit == unit)?;
        Some((place.start, place.end))
    }

    /// The citation as dialect `own` told it, where that is JSON: what is damaged is written anew or not at all.
    pub(crate) fn native_of(&self, own: Dialect) -> Option<&str> {
        let (origin, native) = self.native.as_ref()?;
        let whole = *origin == own && serde_json::from_str::<serde::de::IgnoredAny>(native).is_ok();
        whole.then_some(native)
    }
}

/// A search of the web, or a page that was read, at the provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Search<'e> {
    /// The upstream's own id.
    pub(crate) id: Option<Text<'e>>,
    /// What was searched for; absent where a page was opened.
    pub(crate) query: Option<Text<'e>>,
    /// The pages that were found, or the one that was opened.
    pub(crate) pages: Vec<Page<'e>>,
}

/// A page that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page<'e> {
    pub(crate) url: Text<'e>,
    pub(crate) title: Option<Text<'e>>,
}

impl Search<'_> {
    /// The same, owning its bytes.
    pub(crate) fn into_owned(self) -> Search<'static> {
        let owned = |page: Page<'_>| Page {
            url: page.url.into_owned(),
            title: page.title.map(Text::into_owned),
        };
        Search {
            id: self.id.map(Text::into_owned),
            query: self.query.map(Text::into_owned),
            pages: self.pages.into_iter().map(owned).collect(),
        }
    }
}
