//! Reading along: what a stream or a whole answer says of itself, without changing or copying it.
//!
//! Cheap on purpose: a delta costs a look at its type (Responses) or three substring searches (Chat). It builds no events; the
//! hub has its own decoders. Called by `passthrough` and `fold`.

use std::{ops::Range, sync::LazyLock};

use bytes::Bytes;
use memchr::memmem::{self, Finder};

mod gemini;
mod pictures;

use crate::{
    json::{read::Reader, scan},
    messages::usage::Counts,
    types::{Dialect, Observed, Terminal, Usage},
};

/// What an event is to those who change streams on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing special.
    Plain,
    /// Holds a `response` object (Responses).
    Lifecycle,
    /// A finished output item (Responses).
    ItemDone,
    /// A private event of the Codex backend (T188).
    Private,
    /// A Chat chunk that holds nothing but usage (T153).
    UsageOnly,
}

/// Reads along one answer.
#[derive(Debug)]
pub(crate) struct Observer {
    dialect: Dialect,
    pub(crate) seen: Observed,
    /// How many numbered events went by (T171).
    pub(crate) sequence: u64,
    /// Whether a Responses stream had its terminal life-cycle event; an `error` event alone is none for Codex.
    pub(crate) ended: bool,
    /// `created_at` of the answer, in unix seconds.
    pub(crate) created: Option<i64>,
    /// Whether a Messages stream has told why it stopped; `message_stop` follows.
    pub(crate) stopped: bool,
    /// That it stopped at a limit or was refused.
    short: bool,
    /// What a Messages stream has counted so far (T157).
    counts: Counts,
}

static FINISH_REASON: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(b"\"finish_reason\""));
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));

impl Observer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            seen: Observed::default(),
            sequence: 0,
            ended: false,
            created: None,
            stopped: false,
            short: false,
            counts: Counts::default(),
        }
    }

    /// One event of the stream.
    pub(crate) fn event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Kind {
        self.seen.events += 1;
        let kind = match self.dialect {
            Dialect::Chat => self.chat_chunk(data),
            Dialect::Responses => self.responses_event(name, data),
            Dialect::Messages => self.messages_event(name, data),
            Dialect::Gemini => {
                self.gemini_piece(data);
                Kind::Plain
            }
        };
        // Responses tells a picture in the event that ends its item.
        if self.dialect != Dialect::Responses || kind == Kind::ItemDone {
            self.seen.pictures += pictures::count(self.dialect, data);
        }
        kind
    }

    /// A whole answer in JSON. Answers false when it is no JSON object.
    pub(crate) fn whole(&mut self, body: &[u8]) -> bool {
        let at = body
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(0);
        self.seen.pictures = pictures::count(self.dialect, body);
        match self.dialect {
            Dialect::Chat => self.chat_object(body).is_some(),
            Dialect::Responses => scan::each_member(body, at, |_| ()).is_ok_and(|end| {
                self.response(body, at..end, Some(Terminal::Completed));
                true
            }),
            Dialect::Messages => self.message(body, at, true).is_some(),
            Dialect::Gemini => {
                let whole = self.gemini_piece(body).is_some();
                if whole {
                    self.seen.terminal.get_or_insert(self.stop());
                }
                whole
            }
        }
    }

    fn messages_event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Kind {
        match event_type(name, data) {
            b"content_block_delta" | b"content_block_start" | b"content_block_stop" => {
                self.seen.content_started = true;
            }
            b"message_start" => {
                if let Some(message) = scan::member_value(data, 0..data.len(), "message") {
                    self.message(data, message.start, false);
                }
                return Kind::Lifecycle;
            }
            b"message_delta" => {
                let part = |name| scan::member_value(data, 0..data.len(), name);
                if let Some(usage) = part("usage") {
                    self.count(data, usage);
                }
                if let Some(delta) = part("delta") {
                    self.stop_reason(data, scan::member_value(data, delta, "stop_reason"));
                }
            }
            b"message_stop" => self.seen.terminal = Some(self.stop()),
            b"error" => self.fail(data),
            _ => {}
        }
        Kind::Plain
    }

    /// How a Messages or a Gemini answer ended.
    pub(crate) const fn stop(&self) -> Terminal {
        if self.short {
            Terminal::Incomplete
        } else {
            Terminal::Completed
        }
    }

    fn stop_reason(&mut self, text: &[u8], value: Option<Range<usize>>) {
        let word = value.and_then(|value| string(text, value));
        self.stopped |= word.is_some();
        self.short |= matches!(
            word.as_deref(),
            Some("max_tokens" | "model_context_window_exceeded" | "refusal")
        );
    }

    fn count(&mut self, text: &[u8], value: Range<usize>) {
        if let Ok(text) = std::str::from_utf8(&text[value]) {
            // What cannot be read is not counted.
            let _ = self.counts.read(&mut Reader::new(text));
            self.seen.usage = self.counts.usage();
        }
    }

    /// A message object, as a stream begins with it or as the whole answer; `None` when it is no object.
    fn message(&mut self, text: &[u8], at: usize, whole: bool) -> Option<()> {
        let (mut usage, mut reason, mut content, mut error) = (None, None, false, false);
        let end = scan::each_member(text, at, |member| {
            let value = member.value.clone();
            match member.name(text) {
                b"id" if self.seen.response_id.is_none() => {
                    self.seen.response_id = string(text, value);
                }
                b"model" if self.seen.model.is_none() => self.seen.model = string(text, value),
                b"usage" => usage = Some(value),
                b"stop_reason" => reason = Some(value),
                b"content" => content = true,
                b"error" => error = text[value.start] == b'{',
                _ => {}
            }
        })
        .ok()?;
        if let Some(usage) = usage {
            self.count(text, usage);
        }
        if !whole {
            return Some(());
        }
        if error {
            self.fail(&text[at..end]);
        } else {
            self.stop_reason(text, reason);
            self.seen.content_started |= content;
            self.seen.terminal = Some(self.stop());
        }
        Some(())
    }

    fn fail(&mut self, data: &[u8]) {
        self.seen.terminal = Some(Terminal::Failed);
        self.seen.failure = Some(Bytes::copy_from_slice(data));
    }

    fn responses_event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Kind {
        let kind = event_type(name, data);
        let Some(word) = kind.strip_prefix(b"response.") else {
            return match kind {
                b"error" => {
                    self.sequence += 1;
                    self.fail(data);
                    Kind::Plain
                }
                b"keepalive" => {
                    // The upstream's own; it counts where it says so.
                    self.sequence += u64::from(memmem::find(data, b"sequence_number").is_some());
                    Kind::Plain
                }
                b"codex.rate_limits" => {
                    self.seen.rate_limits = Some(Bytes::copy_from_slice(data));
                    Kind::Private
                }
                // `[DONE]` and the like have no type.
                b"" => Kind::Plain,
                _ => Kind::Private,
            };
        };
        if word == b"metadata" {
            return Kind::Private;
        }
        self.sequence += 1;
        let terminal = match word {
            b"created" | b"in_progress" | b"queued" => {
                if self.seen.response_id.is_none() {
                    self.lifecycle(data, None);
                }
                return Kind::Lifecycle;
            }
            // T174: some upstreams end with `response.done`.
            b"completed" | b"done" => Terminal::Completed,
            b"incomplete" => Terminal::Incomplete,
            b"failed" => Terminal::Failed,
            _ => {
                self.seen.content_started = true;
                return if word == b"output_item.done" {
                    Kind::ItemDone
                } else {
                    Kind::Plain
                };
            }
        };
        self.seen.terminal = Some(terminal);
        self.ended = true;
        self.lifecycle(data, Some(terminal));
        if self.seen.terminal == Some(Terminal::Failed) {
            self.fail(data);
        } else {
            self.seen.content_started = true;
        }
        Kind::Lifecycle
    }

    fn lifecycle(&mut self, data: &[u8], terminal: Option<Terminal>) {
        if let Some(response) = scan::member_value(data, 0..data.len(), "response") {
            self.response(data, response, terminal);
        }
    }

    /// A Responses object; `None` when it is no object. `terminal` is how it ends unless its status says otherwise; without one
    /// it is only begun.
    fn response(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        terminal: Option<Terminal>,
    ) -> Option<()> {
        let (mut status, mut error) = (None, false);
        scan::each_member(text, range.start, |member| {
            let value = member.value.clone();
            match member.name(text) {
                b"id" => {
                    self.seen.response_id = string(text, value).or(self.seen.response_id.take())
                }
                b"model" => self.seen.model = string(text, value).or(self.seen.model.take()),
                b"created_at" => {
                    self.created =
                        number(text, value).and_then(|number| i64::try_from(number).ok());
                }
                b"usage" => self.usage(text, value, &RESPONSES_USAGE),
                b"status" => status = Some(value),
                b"error" => error = text[value.start] == b'{',
                _ => {}
            }
        })
        .ok()?;
        let terminal = terminal?;
        let terminal = match status.map(|value| &text[value]) {
            Some(b"\"failed\"" | b"\"cancelled\"") => Terminal::Failed,
            Some(b"\"incomplete\"") => Terminal::Incomplete,
            _ if error => Terminal::Failed,
            _ => terminal,
        };
        self.seen.terminal = Some(terminal);
        match terminal {
            Terminal::Failed => self.seen.failure = Some(Bytes::copy_from_slice(&text[range])),
            Terminal::Completed | Terminal::Incomplete => self.seen.content_started = true,
        }
        Some(())
    }

    fn chat_chunk(&mut self, data: &[u8]) -> Kind {
        if data == b"[DONE]" {
            // An end without a finish reason is an end by the upstream's own word.
            self.seen.terminal.get_or_insert(Terminal::Completed);
            return Kind::Plain;
        }
        let settled = self.seen.content_started && self.seen.model.is_some();
        if settled && !(told(&FINISH_REASON, data) || told(&USAGE, data) || told(&ERROR, data)) {
            return Kind::Plain;
        }
        match self.chat_object(data) {
            Some(true) => Kind::UsageOnly,
            _ => Kind::Plain,
        }
    }

    /// A chunk or a whole answer. `None` when it is no object; true when it holds usage and no choice.
    fn chat_object(&mut self, text: &[u8]) -> Option<bool> {
        let (mut choices, mut error, mut has_usage) = (None, false, false);
        scan::each_member(text, 0, |member| {
            let value = member.value.clone();
            match member.name(text) {
                b"id" if self.seen.response_id.is_none() => {
                    self.seen.response_id = string(text, value)
                }
                b"model" if self.seen.model.is_none() => self.seen.model = string(text, value),
                b"created" if self.created.is_none() => {
                    self.created =
                        number(text, value).and_then(|number| i64::try_from(number).ok());
                }
                b"choices" => choices = Some(value),
                b"usage" => {
                    has_usage = text[value.start] == b'{';
                    self.usage(text, value, &CHAT_USAGE);
                }
                b"error" => error = text[value.start] == b'{' || text[value.start] == b'"',
                _ => {}
            }
        })
        .ok()?;
        let mut count = 0_usize;
        if let Some(choices) = choices {
            let _ = scan::each_element(text, choices.start, |choice| {
                count += 1;
                let reason =
                    scan::member_value(text, choice, "finish_reason").map(|value| &text[value]);
                match reason {
                    None | Some(b"null" | b"\"\"") => {}
                    Some(b"\"length\"" | b"\"content_filter\"") => {
                        self.seen.terminal = Some(Terminal::Incomplete)
                    }
                    Some(_) => {
                        self.seen.terminal.get_or_insert(Terminal::Completed);
                    }
                }
            });
        }
        if error {
            self.fail(text);
        } else {
            self.seen.content_started |= count > 0;
        }
        Some(has_usage && count == 0)
    }

    fn usage(&mut self, text: &[u8], range: Range<usize>, words: &UsageWords) {
        if text[range.start] != b'{' {
            return;
        }
        let mut usage = Usage::default();
        let mut any = false;
        let _ = scan::each_member(text, range.start, |member| {
            let name = member.name(text);
            let value = member.value.clone();
            if name == words.input {
                usage.input = number(text, value).unwrap_or(0);
                any = true;
            } else if name == words.output {
                usage.output = number(text, value).unwrap_or(0);
                any = true;
            } else if name == words.input_details {
                usage.cached = detail(text, value, "cached_tokens");
            } else if name == words.output_details {
                usage.reasoning = detail(text, value, "reasoning_tokens");
            }
        });
        // T155: repeated, cumulative counts replace each other.
        if any {
            self.seen.usage = Some(usage);
        }
    }
}

/// Where table C2's four numbers stand.
struct UsageWords {
    input: &'static [u8],
    output: &'static [u8],
    input_details: &'static [u8],
    output_details: &'static [u8],
}

const RESPONSES_USAGE: UsageWords = UsageWords {
    input: b"input_tokens",
    output: b"output_tokens",
    input_details: b"input_tokens_details",
    output_details: b"output_tokens_details",
};

const CHAT_USAGE: UsageWords = UsageWords {
    input: b"prompt_tokens",
    output: b"completion_tokens",
    input_details: b"prompt_tokens_details",
    output_details: b"completion_tokens_details",
};

/// The `type` of a Responses event. Almost always the first member; else the event's name; else searched for.
pub(crate) fn event_type<'a>(name: Option<&'a [u8]>, data: &'a [u8]) -> &'a [u8] {
    if let Some(rest) = data.strip_prefix(b"{\"type\":\"")
        && let Some(end) = memchr::memchr(b'"', rest)
    {
        return &rest[..end];
    }
    let searched = || {
        let value = scan::member_value(data, 0..data.len(), "type")?;
        data.get(value.start + 1..value.end - 1)
    };
    name.or_else(searched).unwrap_or_default()
}

/// Whether the member that `finder` looks for is there with a value other than null. May err towards yes.
fn told(finder: &Finder<'_>, data: &[u8]) -> bool {
    let key = finder.needle().len();
    let mut from = 0;
    while let Some(at) = finder.find(&data[from..]) {
        from += at + key;
        let mut rest = data[from..]
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace());
        if rest.next() == Some(b':') && rest.next() != Some(b'n') {
            return true;
        }
    }
    false
}

fn string(text: &[u8], value: Range<usize>) -> Option<String> {
    scan::decode(&text[value])
        .map(|text| text.into_owned())
        .filter(|text| !text.is_empty())
}

fn number(text: &[u8], value: Range<usize>) -> Option<u64> {
    let token = std::str::from_utf8(&text[value]).ok()?;
    // Some upstreams write whole numbers as floats.
    token.parse().ok().or_else(|| {
        token
            .split_once('.')
            .and_then(|(whole, _)| whole.parse().ok())
    })
}

fn detail(text: &[u8], value: Range<usize>, name: &str) -> u64 {
    scan::member_value(text, value, name)
        .and_then(|value| number(text, value))
        .unwrap_or(0)
}
