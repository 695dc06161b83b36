//! A picture in the making on its way to a client that streams: a relay's own events, or those made of the hosted tool's (codex-backend 6.2, 6.3).
//! Called by `gateway` after the commit.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Fold, Kind, answer};
use crate::{
    error,
    json::{
        read::{Kind as Token, Malformed, Reader},
        write::Sink,
    },
    lost::Lost,
    responses::usage,
    sse::{Decoder, write_event},
    types::{ErrorBody, GatewayError, Usage},
};

/// An error answer as the event that ends a stream.
#[must_use]
pub fn error_event(answer: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(answer.len() + 16);
    event.extend_from_slice(b"{\"type\":\"error\",");
    event.extend_from_slice(answer.strip_prefix(b"{").unwrap_or(answer));
    let mut out = BytesMut::new();
    write_event(&mut out, Some("error"), &event);
    out.freeze()
}

/// How a stream came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With a picture.
    Drawn,
    /// With an error event, which is this.
    Failed(Bytes),
    /// Before a picture was there.
    Cut,
}

/// See the module.
pub struct Running {
    kind: Kind,
    way: Way,
    /// The client stands between two events.
    at_border: bool,
    seen: Seen,
}

enum Way {
    /// The upstream's own events, byte for byte.
    Passed(Decoder),
    /// Made of the tool's, until it is over.
    Tool(Option<Box<Fold>>, i64),
}

#[derive(Default)]
struct Seen {
    events: u64,
    pictures: usize,
    usage: Option<Usage>,
    failure: Option<Bytes>,
    rate_limits: Option<Bytes>,
    lost: Lost,
}

/// What was seen only: pictures belong in no log.
impl fmt::Debug for Running {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Running({:?}, {} pictures)",
            self.kind, self.seen.pictures
        )
    }
}

impl Running {
    /// For a relay that answers in events.
    #[must_use]
    pub fn passed(kind: Kind) -> Self {
        Self::new(kind, Way::Passed(Decoder::new()))
    }

    /// For the hosted tool; `created` is in Unix seconds.
    #[must_use]
    pub fn by_tool(kind: Kind, created: i64) -> Self {
        Self::new(kind, Way::Tool(Some(Box::default()), created))
    }

    fn new(kind: Kind, way: Way) -> Self {
        Self {
            kind,
            way,
            at_border: true,
            seen: Seen::default(),
        }
    }

    /// The next bytes of the upstream; what the client gets of them, perhaps nothing.
    pub fn push(&mut self, chunk: &Bytes) -> Bytes {
        match &mut self.way {
            Way::Passed(decoder) => {
                let seen = &mut self.seen;
                // An event of more than 64 MiB goes on unread.
                let _ = decoder.for_each(chunk, |event| seen.read(event.data));
                self.at_border = chunk.ends_with(b"\n\n") || chunk.ends_with(b"\r\n\r\n");
                chunk.clone()
            }
            Way::Tool(None, _) => Bytes::new(),
            Way::Tool(Some(fold), created) => {
                fold.push(chunk);
                if let Some((index, picture)) = fold.take_partial() {
                    self.seen.events += 1;
                    let told = partial(self.kind, *created, index, &picture);
                    if fold.terminal().is_none() {
                        return told;
                    }
                    return [told, self.end()].concat().into();
                }
                // Before the first event the caller judges what came.
                if self.seen.events > 0 && fold.terminal().is_some() {
                    return self.end();
                }
                Bytes::new()
            }
        }
    }

    /// The upstream's body is over, or nothing more is read of it: what the client still gets.
    pub fn end(&mut self) -> Bytes {
        if let Way::Tool(fold, created) = &mut self.way
            && let Some(fold) = fold.take()
        {
            self.seen.usage = fold.usage();
            self.seen.lost = fold.lost();
            self.seen.rate_limits = fold.rate_limits().cloned();
            return match fold.finish(*created) {
                Ok(Ok(body)) => {
                    self.seen.pictures = 1;
                    let told = answer::look(&body).and_then(|whole| whole.usage);
                    self.seen.usage = told.or(self.seen.usage);
                    answer::as_stream(self.kind, &body)
                }
                Ok(Err(words)) => self.in_band_error(&GatewayError {
                    status: 502,
                    code: "no_image".into(),
                    message: format!("the answer holds no picture but says: {words}"),
                }),
                Err(failure) => {
                    let (_, told) = failure.to_error();
                    self.error_event(&told)
                }
            };
        }
        if self.seen.pictures == 0 && self.seen.failure.is_none() {
            return self.in_band_error(&GatewayError {
                status: 502,
                code: error::STREAM_DISCONNECTED.into(),
                message: "the upstream's stream ended before the picture was complete".into(),
            });
        }
        Bytes::new()
    }

    /// An error of the gateway in the stream; what the client reads after it counts no more.
    pub fn in_band_error(&mut self, error: &GatewayError) -> Bytes {
        self.error_event(&error.into())
    }

    fn error_event(&mut self, told: &ErrorBody) -> Bytes {
        let body = error::render(crate::Dialect::Responses, 502, told);
        let event = error_event(&body);
        self.seen.failure.get_or_insert(body);
        if std::mem::replace(&mut self.at_border, true) {
            return event;
        }
        // Half an event is no event: it is ended, and cannot be read.
        [Bytes::from_static(b"\n\n"), event].concat().into()
    }

    /// What the tool has told, where nothing of it has become an event yet.
    #[must_use]
    pub fn into_fold(self) -> Option<Fold> {
        match self.way {
            Way::Tool(fold, _) if self.seen.events == 0 => fold.map(|fold| *fold),
            Way::Tool(..) | Way::Passed(_) => None,
        }
    }

    /// Nothing is left to wait for before it is known whether this is an answer.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let over = match &self.way {
            Way::Tool(fold, _) => fold.as_ref().is_none_or(|fold| fold.terminal().is_some()),
            Way::Passed(_) => self.seen.failure.is_some(),
        };
        over || self.seen.events > 0
    }

    /// Whether anything but an error was told.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.seen.events > 0
    }

    /// The upstream has said all that counts. A relay's stream goes on to the end of its body.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.way, Way::Tool(None, _))
    }

    /// Whether something may be written between two events.
    #[must_use]
    pub fn is_at_border(&self) -> bool {
        self.at_border
    }

    /// How it came out, as far as it went.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match &self.seen.failure {
            _ if self.seen.pictures > 0 => Ending::Drawn,
            Some(raw) => Ending::Failed(raw.clone()),
            None => Ending::Cut,
        }
    }

    /// How many pictures came.
    #[must_use]
    pub fn pictures(&self) -> usize {
        self.seen.pictures
    }

    /// What the upstream counted.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.seen.usage
    }

    /// What of it the client was not told.
    #[must_use]
    pub fn lost(&self) -> Lost {
        self.seen.lost
    }

    /// The raw JSON of the last `codex.rate_limits` event.
    #[must_use]
    pub fn rate_limits(&self) -> Option<&Bytes> {
        self.seen.rate_limits.as_ref()
    }
}

impl Seen {
    /// One event of a relay.
    fn read(&mut self, data: &[u8]) {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        let (mut completed, mut failed, mut counted) = (false, false, None);
        let walked: Result<(), Malformed> = Reader::new(text).members(|name, value| {
            match (name, value.kind()?) {
                ("type", Token::String) => {
                    let kind = value.string()?;
                    completed = kind.raw().ends_with(".completed");
                    failed |= kind.is("error");
                }
                ("error", Token::Object) => {
                    failed = true;
                    value.skip()?;
                }
                ("usage", _) => counted = usage::read(value)?,
                _ => value.skip()?,
            }
            Ok(())
        });
        if walked.is_err() {
            return;
        }
        if failed {
            self.failure = Some(Bytes::copy_from_slice(data));
            return;
        }
        self.events += 1;
        self.pictures += usize::from(completed);
        self.usage = counted.or(self.usage);
    }
}

fn partial(kind: Kind, created: i64, index: u64, picture: &Bytes) -> Bytes {
    let name = match kind {
        Kind::Generation => "image_generation.partial_image",
        Kind::Edit => "image_edit.partial_image",
    };
    let mut event = BytesMut::with_capacity(picture.len() + 256);
    event.raw("{\"type\":");
    event.string(name);
    event.raw(",\"b64_json\":\"");
    event.put_slice(picture);
    event.raw("\",\"partial_image_index\":");
    event.number(index);
    event.raw(",\"created_at\":");
    event.number(created.unsigned_abs());
    event.raw("}");
    let mut out = BytesMut::new();
    write_event(&mut out, Some(name), &event);
    out.freeze()
}
