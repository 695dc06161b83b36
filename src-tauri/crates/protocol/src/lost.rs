//! What of an answer did not reach the client as it was told by the upstream.
//!
//! Decoders note what the common form has no event for, [`crate::canonical::untold`] what the client's dialect has no word for; `gateway` writes both into the
//! journal when the answer ends. One bit for each kind: an answer of any length allocates nothing for it, and names each kind once.
//! Not a loss: ids, fingerprints, service tiers and the finer sorts of token counts, which every gateway makes its own; thoughts that the client did not
//! ask for or the person turned off; what stands behind a stop string.

use crate::types::{Loss, LossKind};

/// The kinds of things that an answer may lose. The order is that of the bits and means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Search,
    OpenedPage,
    FoundText,
    FoundPages,
    SearchEntry,
    FileSearch,
    Computer,
    Mcp,
    Shell,
    Hosted,
    Code,
    Files,
    Citation,
    CitationDetails,
    Logprobs,
    Candidates,
    Safety,
    Refusal,
    StopDetails,
    StopReason,
    StopSequence,
    Seal,
    Thoughts,
    Picture,
    PartialPicture,
    Audio,
    Media,
    MediaInWords,
    CustomInput,
    Namespace,
    Phase,
    Compaction,
    Item,
    Event,
    Field,
    Unreadable,
    Words,
    Pictures,
}

use Gone as G;
use LossKind::{Approximated as A, Dropped as D};

/// How the journal tells of them: the field, in words that begin with `answer`, and why.
const TABLE: [(Gone, LossKind, &str, &str); 38] = [
    (
        G::Search,
        D,
        "answer.web_search",
        "a search that ran at the provider has no place in the client's dialect (T56)",
    ),
    (
        G::OpenedPage,
        D,
        "answer.open_page",
        "a page that was read at the provider has no place in the client's dialect (T55)",
    ),
    (
        G::FoundText,
        A,
        "answer.find_in_page",
        "told as the opening of the page, without the words that were looked for (T55)",
    ),
    (
        G::FoundPages,
        A,
        "answer.web_search.sources",
        "what a tool of the provider found or read is not told as a whole (T55)",
    ),
    (
        G::SearchEntry,
        D,
        "answer.searchEntryPoint",
        "the provider's suggestions to search on have no place in the client's dialect",
    ),
    (
        G::FileSearch,
        D,
        "answer.file_search",
        "a search of files at the provider has no place in the client's dialect (T56)",
    ),
    (
        G::Computer,
        D,
        "answer.computer_call",
        "computer use has no place in the client's dialect (T56)",
    ),
    (
        G::Mcp,
        D,
        "answer.mcp",
        "a call of an MCP server by the provider has no place in the client's dialect (T56)",
    ),
    (
        G::Shell,
        D,
        "answer.shell",
        "shell and patch calls of the provider's own have no place in the client's dialect (T56)",
    ),
    (
        G::Hosted,
        D,
        "answer.hosted_tool",
        "a tool ran at the provider, or failed there, and has no place in the client's dialect (T56, T88)",
    ),
    (
        G::Code,
        A,
        "answer.code",
        "code that ran at the provider, and what it printed, is told in words (T34)",
    ),
    (
        G::Files,
        D,
        "answer.files",
        "files that a tool of the provider made stay there",
    ),
    (
        G::Citation,
        D,
        "answer.citations",
        "a source that the client's dialect cannot name, or not without a place that nobody told (T31)",
    ),
    (
        G::CitationDetails,
        A,
        "answer.citations",
        "sources are told without all their details: quoted words, files or exact places (T31)",
    ),
    (
        G::Logprobs,
        D,
        "answer.logprobs",
        "probabilities of tokens have no place in the client's dialect",
    ),
    (
        G::Candidates,
        D,
        "answer.candidates",
        "only the first of several answers is told (T123)",
    ),
    (
        G::Safety,
        D,
        "answer.safetyRatings",
        "safety ratings have no place in the client's dialect",
    ),
    (
        G::Refusal,
        A,
        "answer.refusal",
        "told as words and by the reason of the end: the client's dialect has no refusals apart (T32)",
    ),
    (
        G::StopDetails,
        D,
        "answer.stop_details",
        "the details of why the answer ended have no place in the client's dialect",
    ),
    (
        G::StopReason,
        A,
        "answer.stop_reason",
        "the client's dialect has no word for it: the nearest one stands there (T147)",
    ),
    (
        G::StopSequence,
        D,
        "answer.stop_sequence",
        "which stop string ended the answer has no place in the client's dialect",
    ),
    (
        G::Seal,
        D,
        "answer.reasoning.signature",
        "the proof of the model's thoughts has no place with this client: the next turn begins without them (T90, T104)",
    ),
    (
        G::Thoughts,
        A,
        "answer.reasoning",
        "the summary of the thoughts is told, not the thoughts themselves",
    ),
    (
        G::Picture,
        A,
        "answer.image",
        "told as a data URL in the text (T34)",
    ),
    (
        G::PartialPicture,
        D,
        "answer.partial_image",
        "unfinished pictures have no place in the client's dialect",
    ),
    (
        G::Audio,
        D,
        "answer.audio",
        "sound has no place in the client's dialect (T24)",
    ),
    (
        G::Media,
        D,
        "answer.media",
        "a picture or a file in a form that cannot be carried over",
    ),
    (
        G::MediaInWords,
        A,
        "answer.media",
        "told as a data URL in the text (T34)",
    ),
    (
        G::CustomInput,
        A,
        "answer.custom_tool_call",
        "its input is the one member of an object (T51)",
    ),
    (
        G::Namespace,
        D,
        "answer.namespace",
        "the client's dialect has no namespaces of tools",
    ),
    (
        G::Phase,
        A,
        "answer.phase",
        "the model's commentary is told as a part of its answer (T18)",
    ),
    (
        G::Compaction,
        D,
        "answer.compaction",
        "a summary of the conversation made by the provider has no place in the client's dialect",
    ),
    (
        G::Item,
        D,
        "answer.item",
        "an item, a block or a part of a kind that is not known here",
    ),
    (
        G::Event,
        D,
        "answer.event",
        "an event of a kind that is not known here",
    ),
    (
        G::Field,
        D,
        "answer.field",
        "a field that is not known here",
    ),
    (
        G::Unreadable,
        D,
        "answer.unreadable",
        "a piece of the upstream's answer could not be read",
    ),
    (
        G::Words,
        D,
        "answer.words",
        "what the model said beside the picture has no place in the Images API",
    ),
    (
        G::Pictures,
        D,
        "answer.images",
        "only the last of several pictures is told (F97)",
    ),
];

/// What an answer has lost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost(u64);

impl Lost {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Only this.
    pub(crate) const fn of(gone: Gone) -> Self {
        Self(1 << gone as u64)
    }

    pub(crate) fn add(&mut self, gone: Gone) {
        self.join(Self::of(gone));
    }

    /// Adds it where `really`.
    pub(crate) fn add_if(&mut self, really: bool, gone: Gone) {
        if really {
            self.add(gone);
        }
    }

    /// Adds what another part of the answer has lost.
    pub fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether nothing was lost.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each kind, once, in the words of the journal. Allocates nothing.
    pub fn losses(self) -> impl Iterator<Item = Loss> {
        let rows = TABLE.iter();
        rows.filter(move |(gone, ..)| self.0 & Self::of(*gone).0 != 0)
            .map(|(_, kind, field, reason)| Loss {
                kind: *kind,
                field: (*field).into(),
                reason: (*reason).into(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_and_its_bit() {
        for (at, (gone, _, field, reason)) in TABLE.iter().enumerate() {
            assert_eq!(*gone as usize, at, "{field}");
            assert!(field.starts_with("answer.") && !reason.is_empty());
        }
        let mut all = Lost::NONE;
        assert!(all.is_empty() && all.losses().next().is_none());
        for (gone, ..) in TABLE {
            all.add(gone);
            all.add(gone);
        }
        assert_eq!(all.losses().count(), TABLE.len());
    }
}
