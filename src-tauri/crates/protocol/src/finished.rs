//! The finished items of a Responses stream as they came, and the empty `output` of its terminal event that they fill (T173, F76).
//!
//! The Codex backend and others end with `"output":[]`, while the stream helpers of the client libraries read nothing else.
//! Nothing is decoded or written anew: an item is the bytes it came in. It sends nothing and holds no frame. Called by
//! `passthrough` for clients that stream and by `fold` for those that do not.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{json::scan, observe::event_type, sse};

/// The events whose empty `output` is filled. A failed answer has none.
const TERMINALS: [&[u8]; 2] = [b"response.completed", b"response.incomplete"];

/// The items so far, each a copy of its own bytes and no more: a slice would keep the whole chunk it came in.
#[derive(Default)]
pub(crate) struct FinishedItems {
    /// By `output_index`, in its order (T168).
    items: Vec<(u64, Bytes)>,
}

impl FinishedItems {
    /// Keeps the item of an `output_item.done` event.
    pub(crate) fn keep(&mut self, data: &[u8]) {
        let part = |name: &str| scan::member_value(data, 0..data.len(), name);
        let Some(item) = part("item").filter(|item| data[item.start] == b'{') else {
            return;
        };
        let item = Bytes::copy_from_slice(&data[item]);
        let index = part("output_index")
            .and_then(|token| std::str::from_utf8(&data[token]).ok()?.parse().ok())
            .unwrap_or(self.items.len() as u64);
        // A repeated index is the same item told again.
        match self.items.binary_search_by_key(&index, |(known, _)| *known) {
            Ok(at) => self.items[at].1 = item,
            Err(at) => self.items.insert(at, (index, item)),
        }
    }

    /// The items between the brackets of an array, in the order of their index (T168).
    pub(crate) fn listed(&self) -> Vec<u8> {
        let length = self.items.iter().map(|(_, item)| item.len() + 1).sum();
        let mut list = Vec::with_capacity(length);
        for (position, (_, item)) in self.items.iter().enumerate() {
            if position > 0 {
                list.push(b',');
            }
            list.extend_from_slice(item);
        }
        list
    }

    /// What a life-cycle event misses: only a terminal one, whose `output` is an empty array, while there are items.
    pub(crate) fn missing_from(&self, name: Option<&[u8]>, data: &[u8]) -> Option<Missing> {
        if self.items.is_empty() || !TERMINALS.contains(&event_type(name, data)) {
            return None;
        }
        let response = scan::member_value(data, 0..data.len(), "response")?;
        let output = scan::member_value(data, response, "output")?;
        let inside = data[output.clone()]
            .strip_prefix(b"[")?
            .strip_suffix(b"]")?;
        inside.iter().all(u8::is_ascii_whitespace).then(|| Missing {
            at: output.start + 1,
            items: self.listed(),
        })
    }

    /// Whether an event that begins with `data` may turn out to miss the items. Its name does not count: another may follow.
    pub(crate) fn may_be_missing_from(&self, data: &[u8]) -> bool {
        let other = data.strip_prefix(b"{\"type\":\"").is_some_and(|kind| {
            let is = |terminal: &[u8]| {
                let (known, quote) = kind.split_at(kind.len().min(terminal.len()));
                // As long as it may still become that word, it counts as it.
                terminal.starts_with(known) && quote.first().is_none_or(|byte| *byte == b'"')
            };
            !TERMINALS.iter().any(|terminal| is(terminal))
        });
        !self.items.is_empty() && !other
    }
}

/// Items to be put into an event's data.
pub(crate) struct Missing {
    /// The offset in the data behind the opening bracket.
    at: usize,
    items: Vec<u8>,
}

impl Missing {
    /// The data with its items.
    pub(crate) fn into_data(self, data: &[u8]) -> Vec<u8> {
        [&data[..self.at], &self.items, &data[self.at..]].concat()
    }

    /// Writes the frame that holds the data, every byte of it as it came.
    pub(crate) fn write(&self, frame: &[u8], out: &mut BytesMut) {
        out.reserve(frame.len() + self.items.len());
        let Some(at) = sse::place_of(frame, self.at) else {
            out.put_slice(frame);
            return;
        };
        out.put_slice(&frame[..at]);
        for (position, line) in self.items.split(|byte| *byte == b'\n').enumerate() {
            if position > 0 {
                out.put_slice(b"\ndata: ");
            }
            out.put_slice(line);
        }
        out.put_slice(&frame[at..]);
    }
}

#[cfg(test)]
mod tests;
