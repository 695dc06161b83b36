//! How a block of a Messages answer begins; in a whole answer, all of it. The rest of [`Decoder`], which calls this.

use super::{
    cite::{self, Asked},
    event::{Started, read_start},
    stream_decode::{Block, BlockKind, Decoder},
};
use crate::{
    canonical::event::{Event, Receiver, Start},
    json::{
        read::{Malformed, Reader},
        text::Text,
    },
    lost::Gone,
    types::Dialect,
};

impl Decoder {
    pub(super) fn open(
        &mut self,
        index: u64,
        mut block: Reader<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let Started {
            kind,
            id,
            name,
            words,
            seal,
            input,
            citations,
            tool_use_id,
            content,
        } = read_start(&mut block)?;
        let kind = match kind.as_ref().map(Text::raw).unwrap_or_default() {
            "text" => {
                let slot = self.open_message(to);
                let start = self.said;
                if let Some(delta) = words.filter(|words| !words.is_empty()) {
                    self.said += delta.raw().len();
                    to.take(Event::Text {
                        slot,
                        delta,
                        logprobs: None,
                    });
                }
                let mut sources = Vec::new();
                if let Some(mut list) = citations {
                    list.elements(|one| {
                        sources.push(one.raw()?.to_owned());
                        Ok::<(), Malformed>(())
                    })?;
                }
                BlockKind::Text {
                    slot,
                    start,
                    sources,
                }
            }
            "thinking" => {
                let slot = self.open_other(Start::Reasoning, to);
                if let Some(delta) = words.filter(|words| !words.is_empty()) {
                    to.take(Event::Reasoning { slot, delta });
                }
                BlockKind::Thinking {
                    slot,
                    seal: seal.map(|seal| seal.raw().to_owned()).unwrap_or_default(),
                }
            }
            // T95: never shown, never dropped.
            "redacted_thinking" => {
                let slot = self.open_other(Start::Reasoning, to);
                if let Some(seal) = seal {
                    to.take(Event::Seal {
                        slot,
                        origin: Dialect::Messages,
                        seal,
                        redacted: true,
                    });
                }
                BlockKind::Thinking {
                    slot,
                    seal: String::new(),
                }
            }
            "tool_use" => {
                let start = Start::Call {
                    call_id: id.unwrap_or_default(),
                    name: name.unwrap_or_default(),
                    namespace: None,
                    custom: false,
                };
                let slot = self.open_other(start, to);
                BlockKind::Call {
                    slot,
                    told: false,
                    // Usually an empty object, and the arguments follow; some servers tell them here.
                    input: input
                        .filter(|input| input.len() > 2 && input.starts_with('{'))
                        .map(str::to_owned)
                        .unwrap_or_default(),
                }
            }
            "server_tool_use" => {
                self.watch.observed.content_started = true;
                BlockKind::Hosted(Asked::new(id.as_ref(), input))
            }
            "web_search_tool_result" | "web_fetch_tool_result" => {
                self.watch.observed.content_started = true;
                // A result that cannot be read is left out; the rest of the answer still counts.
                if let Some(search) =
                    cite::found(&mut self.searching, tool_use_id.as_ref(), content)
                {
                    let slot = self.open_other(Start::Search, to);
                    to.take(Event::Search {
                        slot,
                        search: Box::new(search),
                    });
                    to.take(Event::ItemEnd { slot });
                } else {
                    self.watch.observed.lost.add(Gone::Search);
                }
                // What stands in the pages is not told on.
                let read = kind
                    .as_ref()
                    .is_some_and(|kind| kind.is("web_fetch_tool_result"));
                self.watch.observed.lost.add_if(read, Gone::FoundPages);
                BlockKind::Other
            }
            "code_execution_tool_result"
            | "bash_code_execution_tool_result"
            | "text_editor_code_execution_tool_result" => {
                self.watch.observed.content_started = true;
                let files = content
                    .clone()
                    .is_some_and(|content| cite::has_files(content));
                self.watch.observed.lost.add_if(files, Gone::Files);
                if let Some(words) = cite::ran(&mut self.searching, tool_use_id.as_ref(), content) {
                    let slot = self.open_message(to);
                    self.said += words.raw().len();
                    self.watch.observed.lost.add(Gone::Code);
                    to.take(Event::Text {
                        slot,
                        delta: words,
                        logprobs: None,
                    });
                } else {
                    self.watch.observed.lost.add(Gone::Hosted);
                }
                BlockKind::Other
            }
            kind => {
                self.watch.observed.content_started = true;
                self.watch.observed.lost.add(match kind {
                    "mcp_tool_use" | "mcp_tool_result" => Gone::Mcp,
                    "container_upload" => Gone::Files,
                    "compaction" => Gone::Compaction,
                    kind if kind.ends_with("_tool_result") => Gone::Hosted,
                    _ => Gone::Item,
                });
                // Its result was just told of.
                if let Some(id) = &tool_use_id {
                    self.searching.retain(|one| !one.is_of(id));
                }
                BlockKind::Other
            }
        };
        self.block = Some(Block { index, kind });
        Ok(())
    }
}
