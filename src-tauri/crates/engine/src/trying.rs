//! A prompt through the gateway's own road, for the test page (F132) and the test of one account (F62, F104): what was sent, what came
//! back, piece by piece. It costs quota like any request, and stands in the journal like one.
//!
//! No socket and no key: the gateway is called in process. `ask` writes the body, `answer` reads what comes back.

mod answer;
mod ask;
mod dialects;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gateway::{Inside, InsideAnswer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pool::{AccountId, Format};
use tokio::time::Instant;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::records;
use crate::redact::redact;

use answer::{Ending, Reader};

/// What the journal shows in place of a key's name.
const NAME: &str = "(test)";
/// How much of an answer's text a test of one account tells, in characters.
const LONGEST_TEXT: usize = 500;
/// What a test of one account asks.
const GREETING: &str = "Say hello in one short sentence.";
/// How much of an error's body is read.
const ERROR_BODY: usize = 64 << 10;

/// Which dialect the gateway is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryProtocol {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
    /// Gemini.
    Gemini,
    /// OpenAI Images: draws, or changes the picture that comes along.
    Images,
}

/// A prompt to try.
#[derive(Debug, Clone)]
pub struct TryAsk {
    /// The dialect.
    pub protocol: TryProtocol,
    /// The model.
    pub model: String,
    /// Id or label of the only account that may serve; `None` leaves the choice to the gateway.
    pub account: Option<String>,
    /// What to say.
    pub prompt: String,
    /// A picture as a `data:` URL.
    pub image: Option<String>,
    /// Whether the answer comes as a stream.
    pub stream: bool,
    /// Offers one harmless function.
    pub tools: bool,
    /// `low`, `medium` or `high`.
    pub thinking: Option<&'static str>,
}

impl TryAsk {
    /// Whether the answer comes as a stream; drawings come whole.
    fn streams(&self) -> bool {
        self.stream && self.protocol != TryProtocol::Images
    }

    /// Where it is sent.
    fn path(&self) -> String {
        match self.protocol {
            TryProtocol::Chat => "/v1/chat/completions".into(),
            TryProtocol::Responses => "/v1/responses".into(),
            TryProtocol::Messages => "/v1/messages".into(),
            TryProtocol::Gemini => {
                let model = utf8_percent_encode(&self.model, NON_ALPHANUMERIC);
                if self.stream {
                    format!("/v1beta/models/{model}:streamGenerateContent?alt=sse")
                } else {
                    format!("/v1beta/models/{model}:generateContent")
                }
            }
            TryProtocol::Images if self.image.is_some() => "/v1/images/edits".into(),
            TryProtocol::Images => "/v1/images/generations".into(),
        }
    }
}

/// What comes back; exactly one [`TryEvent::Done`] or [`TryEvent::Error`] ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryEvent {
    /// The answer's head.
    Head {
        /// HTTP status.
        status: u16,
        /// Headers as a client sees them, without secrets.
        headers: Vec<(String, String)>,
        /// Label of the account that answered.
        account: Option<String>,
        /// A command that sends the same; the key is `$SWITCHYARD_KEY` in it.
        curl: String,
    },
    /// Text.
    Delta(String),
    /// Reasoning.
    Thinking(String),
    /// A whole tool call.
    Tool {
        /// The function.
        name: String,
        /// Its arguments as the model wrote them.
        arguments: String,
    },
    /// A picture as a `data:` URL.
    Image(String),
    /// Tokens as the provider counted them; `None` was not told.
    Usage {
        /// In.
        input: Option<u64>,
        /// Out.
        output: Option<u64>,
        /// Of those in, from the provider's cache.
        cached: Option<u64>,
        /// Of those out, reasoning.
        reasoning: Option<u64>,
    },
    /// One line of the answer as it came, without secrets.
    Raw(String),
    /// The end of an answer.
    Done {
        /// To the first byte.
        first_byte: Option<Duration>,
        /// To the end.
        took: Duration,
    },
    /// The end of one that failed.
    Error {
        /// The error's code.
        code: String,
        /// What went wrong, without secrets.
        message: String,
        /// HTTP status, where there was an answer.
        status: Option<u16>,
    },
}

/// How the test of one account ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestView {
    /// It answered.
    pub ok: bool,
    /// The model asked.
    pub model: String,
    /// HTTP status.
    pub status: Option<u16>,
    /// To the end.
    pub took: Duration,
    /// To the first byte.
    pub first_byte: Option<Duration>,
    /// What it said, at most 500 characters.
    pub text: Option<String>,
    /// What went wrong, without secrets.
    pub error: Option<String>,
}

impl Engine {
    /// Sends a prompt; nothing happens before the stream is polled, and dropping it cancels the upstream's request.
    ///
    /// # Errors
    /// Names the field that is wrong. What goes wrong afterwards comes as an event.
    pub fn try_out(
        self: &Arc<Self>,
        ask: &TryAsk,
    ) -> Result<impl Stream<Item = TryEvent> + Send + use<>, EngineError> {
        let account = match ask.account.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => Some(AccountId::from(self.find(name)?.id.as_str())),
            None => None,
        };
        let body = ask::body(ask)?;
        let running = Running {
            curl: ask::curl(&self.base_url(), ask, &body),
            engine: self.clone(),
            account,
            path: ask.path(),
            began: Instant::now(),
            first_byte: None,
            reader: Reader::new(ask.protocol, ask.streams()),
            waiting: VecDeque::new(),
            phase: Phase::Ready(Bytes::from(body.to_string())),
        };
        Ok(futures_util::stream::unfold(
            running,
            |mut running| async move {
                let event = running.next().await?;
                Some((event, running))
            },
        ))
    }

    /// One short message through one account, the whole road long.
    ///
    /// # Errors
    /// When there is no such account, or no model is named and none is known.
    pub async fn test_account(
        self: &Arc<Self>,
        name: &str,
        model: Option<String>,
        prompt: Option<String>,
    ) -> Result<TestView, EngineError> {
        let row = self.find(name)?;
        let named = model.filter(|model| !model.is_empty()).or_else(|| {
            let allowed = row.allowed_models.iter().flatten();
            let known = row.known_models.iter().flatten();
            allowed
                .filter(|model| !model.contains('*'))
                .chain(known)
                .next()
                .cloned()
        });
        let model = named.ok_or_else(|| {
            EngineError::Invalid(format!(
                "no model of {} is known yet; name one to test with",
                row.label
            ))
        })?;
        let ask = TryAsk {
            // The dialect that needs no translation.
            protocol: match records::format(&row) {
                Format::OpenAi => TryProtocol::Chat,
                Format::Responses | Format::Codex => TryProtocol::Responses,
                Format::Anthropic => TryProtocol::Messages,
                Format::Gemini => TryProtocol::Gemini,
            },
            model: model.clone(),
            account: Some(row.id),
            prompt: prompt.unwrap_or_else(|| GREETING.to_owned()),
            image: None,
            stream: true,
            tools: false,
            thinking: None,
        };
        let began = Instant::now();
        let mut events = std::pin::pin!(self.try_out(&ask)?);
        let mut view = TestView {
            model,
            ..TestView::default()
        };
        let mut text = String::new();
        while let Some(event) = events.next().await {
            match event {
                TryEvent::Head { status, .. } => view.status = Some(status),
                TryEvent::Delta(piece) => text.push_str(&piece),
                TryEvent::Done { first_byte, .. } => {
                    (view.ok, view.first_byte) = (true, first_byte)
                }
                TryEvent::Error { message, .. } => view.error = Some(message),
                _ => {}
            }
        }
        view.took = began.elapsed();
        view.text = (!text.is_empty()).then(|| text.chars().take(LONGEST_TEXT).collect());
        Ok(view)
    }

    /// The label behind the account header, which can only carry plain characters.
    fn label_behind(&self, header: &str) -> String {
        let plain = |label: &str| -> String {
            let plain = |c: char| c.is_ascii_graphic() || c == ' ';
            label
                .chars()
                .map(|c| if plain(c) { c } else { '?' })
                .collect()
        };
        let found = self.records.with(|rows| {
            let row = rows.iter().find(|row| plain(&row.label) == header);
            row.map(|row| row.label.clone())
        });
        found.unwrap_or_else(|| header.to_owned())
    }
}

/// A prompt under way.
struct Running {
    engine: Arc<Engine>,
    account: Option<AccountId>,
    path: String,
    curl: String,
    began: Instant,
    first_byte: Option<Duration>,
    reader: Reader,
    waiting: VecDeque<TryEvent>,
    phase: Phase,
}

enum Phase {
    Ready(Bytes),
    Reading(Box<InsideAnswer>),
    Over,
}

impl Running {
    async fn next(&mut self) -> Option<TryEvent> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            match &mut self.phase {
                Phase::Ready(body) => {
                    let body = std::mem::take(body);
                    self.begin(body).await;
                }
                Phase::Reading(answer) => match answer.chunk().await {
                    Some(chunk) => {
                        self.first_byte.get_or_insert_with(|| self.began.elapsed());
                        self.reader.push(&chunk, &mut self.waiting);
                    }
                    None => {
                        self.phase = Phase::Over;
                        let ending = self.reader.finish(&mut self.waiting);
                        self.end(ending, None);
                    }
                },
                Phase::Over => return None,
            }
        }
    }

    async fn begin(&mut self, body: Bytes) {
        self.began = Instant::now();
        let inside = Inside {
            name: NAME.into(),
            account: self.account.clone(),
        };
        let mut answer = self.engine.gateway.inside(inside, &self.path, body).await;
        let status = answer.status;
        let headers = answer.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), redact(&value).into_owned())
        });
        self.waiting.push_back(TryEvent::Head {
            status: status.as_u16(),
            headers: headers.collect(),
            account: answer
                .account()
                .map(|header| self.engine.label_behind(header)),
            curl: std::mem::take(&mut self.curl),
        });
        if status.is_success() {
            self.phase = Phase::Reading(Box::new(answer));
            return;
        }
        let mut text = Vec::new();
        while text.len() < ERROR_BODY
            && let Some(chunk) = answer.chunk().await
        {
            text.extend_from_slice(&chunk);
        }
        self.phase = Phase::Over;
        let text = String::from_utf8_lossy(&text);
        self.waiting
            .push_back(TryEvent::Raw(redact(&text).into_owned()));
        self.end(answer::refusal(&text), Some(status.as_u16()));
    }

    fn end(&mut self, ending: Ending, status: Option<u16>) {
        self.waiting.push_back(match ending {
            Ending::Whole => TryEvent::Done {
                first_byte: self.first_byte,
                took: self.began.elapsed(),
            },
            Ending::Failed { code, message } => TryEvent::Error {
                code: redact(&code).into_owned(),
                message: redact(&message).into_owned(),
                status,
            },
        });
    }
}
