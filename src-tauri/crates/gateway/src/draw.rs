//! One attempt to draw on one account (F95–F98): a relay gets the client's own bytes; a ChatGPT account is asked at its native Images endpoint
//! and, where that does not serve, by a Responses request that has to call the image tool.
//!
//! Called by `exchange`. Nothing reaches a client before a whole picture is there, or, where it streams, the first sign of one; what follows that
//! is `strip`'s.

mod strip;

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use pool::{Format, Outcome};
use protocol::images::{self, Ending, Fold, Kind, Running};
use protocol::{Dialect, ErrorBody, Observed, Out, RequestError};
use tokio::time::{Instant, timeout_at};
use upstream::{Access, Call, Endpoint, ResponseBody, Target};

pub(crate) use strip::{COMMENT, Strip};

use crate::attempt::Request;
use crate::exchange::{Tried, ask, ask_whole, is_event_stream, lacks_path};
use crate::fault::{Fault, event_fault, unreadable};
use crate::images::Drawing;
use crate::opened::{Serving, read_whole};
use crate::record::Record;
use crate::relay::Slot;

/// Models that call the tool for a ChatGPT account, the cheapest first; where the account is not known to have one of them, its own first
/// model does (codex-backend 6.2).
const HOSTS: [&str; 3] = ["gpt-5.4-mini", "gpt-5.5", "gpt-5.4"];

/// Most of an upstream's own words in an error.
const WORDS: usize = 500;

/// Everything one attempt is made of.
pub(crate) struct Turn<'r> {
    pub(crate) request: &'r Request,
    pub(crate) drawing: &'r Drawing,
    pub(crate) target: Target,
    pub(crate) began: Instant,
    pub(crate) limit: Instant,
}

/// What came of asking.
enum Came {
    Whole(Box<Drawn>),
    Begun(Box<strip::Begun>),
}

/// A whole picture, in the words of the Images API.
struct Drawn {
    headers: http::HeaderMap,
    /// The answer, or the events of one, as the client wants it.
    body: Bytes,
    pictures: usize,
    seen: Observed,
}

/// Why there is no picture.
enum Missed {
    Fault(Fault),
    Unsayable(RequestError),
}

impl From<Fault> for Missed {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Turn<'_> {
    pub(crate) async fn attempt(self, record: &mut Option<Record>, slot: Arc<Slot>) -> Tried {
        let drawn = match self.drawn(record).await {
            Ok(Came::Whole(drawn)) => drawn,
            Ok(Came::Begun(begun)) => return begun.commit(self, record, slot),
            Err(Missed::Fault(fault)) => return Tried::Failed(self.of_drawing_alone(fault)),
            Err(Missed::Unsayable(error)) => return Tried::Unsayable(error),
        };
        if let Some(record) = record {
            record.images(drawn.pictures);
        }
        let stream = self.drawing.asked.stream;
        let serving = Serving {
            request: self.request,
            target: self.target,
            began: self.began,
            headers: drawn.headers,
            slot,
        };
        let mut tried = serving.commit(record, drawn.seen, drawn.body);
        if let (Tried::Answered(response), true) = (&mut tried, stream) {
            let events = HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert(CONTENT_TYPE, events);
        }
        tried
    }

    async fn drawn(&self, record: &mut Option<Record>) -> Result<Came, Missed> {
        let upstream = &self.request.gateway.upstream;
        let access = upstream
            .access(&self.target)
            .await
            .map_err(|error| Fault::new(error.outcome(), error.to_string()))?;
        if self.target.format != Format::Codex {
            return Ok(self.forwarded(&access).await?);
        }
        let asked = self.whole().await?;
        if asked.fits_native() {
            match self.native(asked, &access, record).await {
                Err(fault) if is_no_place(&fault) => {}
                done => return Ok(Came::Whole(Box::new(done?))),
            }
        }
        Ok(self.by_tool(asked, &access, record).await?)
    }

    /// The drawing with its pictures' content: the backend fetches no address (codex-backend 6.1).
    async fn whole(&self) -> Result<&images::Drawing, Missed> {
        let asked = &self.drawing.asked;
        if asked.pictures().all(|picture| picture.address().is_none()) {
            return Ok(asked);
        }
        let whole = self.drawing.whole.get_or_try_init(|| self.fetched());
        whole.await.map_err(Missed::Unsayable)
    }

    /// F96: one after the other, and all of them within the limit of one body.
    async fn fetched(&self) -> Result<images::Drawing, RequestError> {
        let mut left = self.request.config.body_limit;
        let mut fetched = Vec::new();
        for picture in self.drawing.asked.pictures() {
            let Some(address) = picture.address() else {
                continue;
            };
            let upstream = &self.request.gateway.upstream;
            let content = upstream.fetch_picture(&self.target, address, left).await;
            let picture = match content {
                Ok(content) => {
                    left = left.saturating_sub(content.len());
                    images::Picture::of_file(content)
                        .ok_or_else(|| "it holds no PNG, JPEG, WebP or GIF picture".to_owned())
                }
                Err(error) => Err(error.to_string()),
            };
            fetched.push(picture.map_err(|why| {
                let message = format!(
                    "The picture could not be fetched: {why}. Send it as a data URL instead."
                );
                RequestError::field("image", message)
            })?);
        }
        Ok(self.drawing.asked.with_content(fetched))
    }

    /// An account that may not draw, or a relay that has no Images API: another one's turn, and no reason to let this one rest.
    fn of_drawing_alone(&self, fault: Fault) -> Fault {
        let relay = self.target.format != Format::Codex;
        if fault.outcome != Outcome::Forbidden && !(relay && lacks_path(&fault)) {
            return fault;
        }
        Fault {
            outcome: Outcome::ModelUnsupported,
            ..fault
        }
    }

    fn endpoint(&self) -> Endpoint {
        match self.drawing.asked.kind {
            Kind::Generation => Endpoint::ImageGenerations,
            Kind::Edit => Endpoint::ImageEdits,
        }
    }

    /// F98: the client's own bytes there, but for the name the relay knows the model by; the relay's own bytes back.
    async fn forwarded(&self, access: &Access) -> Result<Came, Fault> {
        let model = self.request.take_model(&self.target);
        let body = self.drawing.asked.body_naming(&self.request.body, model);
        let stream = self.drawing.asked.stream;
        let mut call = Call::json(self.endpoint(), body, stream);
        if let Some(form) = self.request.headers.get(CONTENT_TYPE) {
            call.content_type = form.clone();
        }
        call.query.clone_from(&self.request.query);
        let (parts, body) = ask(self.request, &self.target, access, call).await?;
        let kind = self.drawing.asked.kind;
        if stream && is_event_stream(&parts.headers) {
            let running = Running::passed(kind);
            return match self.unrolled(parts.headers, body, running).await? {
                Ok(begun) => Ok(Came::Begun(Box::new(begun))),
                Err(running) => Err(match running.ending() {
                    Ending::Failed(raw) => self.event_fault(raw, 502),
                    _ => Fault::new(Outcome::Network, "the stream ended before a picture began"),
                }),
            };
        }
        let body = read_whole(body).await?;
        let whole = pictures_in(&body).ok_or_else(|| self.nothing_drawn(&body))?;
        let seen = Observed {
            usage: whole.usage,
            ..Observed::default()
        };
        Ok(Came::Whole(Box::new(Drawn {
            pictures: whole.pictures,
            ..self.answered(parts.headers, body, seen)
        })))
    }

    async fn native(
        &self,
        asked: &images::Drawing,
        access: &Access,
        record: &mut Option<Record>,
    ) -> Result<Drawn, Fault> {
        let written = asked.native();
        let call = Call::json(self.endpoint(), written.body.into_vec(), false);
        let (headers, body) = ask_whole(self.request, &self.target, access, call).await?;
        let whole = pictures_in(&body).ok_or_else(|| self.nothing_drawn(&body))?;
        if let Some(record) = record {
            record.losses(written.losses.iter());
        }
        let seen = Observed {
            usage: whole.usage,
            ..Observed::default()
        };
        let body = images::with_real_size(&body, &whole);
        Ok(self.answered(headers, body, seen))
    }

    async fn by_tool(
        &self,
        asked: &images::Drawing,
        access: &Access,
        record: &mut Option<Record>,
    ) -> Result<Came, Fault> {
        let written = asked.by_tool(&self.host());
        let call = Call::json(Endpoint::Responses, written.body.into_vec(), true);
        let (parts, mut body) = ask(self.request, &self.target, access, call).await?;
        if let Some(record) = record {
            record.losses(written.losses.iter());
        }
        let created = self.request.gateway.clock.now().as_secs();
        let mut fold = Fold::new();
        if asked.stream {
            let running = Running::by_tool(asked.kind, created);
            match self.unrolled(parts.headers.clone(), body, running).await? {
                Ok(begun) => return Ok(Came::Begun(Box::new(begun))),
                Err(running) => fold = running.into_fold().unwrap_or_default(),
            }
        } else {
            let mut each = |chunk: &Bytes| {
                fold.push(chunk);
                fold.terminal().is_some()
            };
            self.read(&mut body, &mut each).await?;
        }
        let mut seen = Observed {
            usage: fold.usage(),
            rate_limits: fold.rate_limits().cloned(),
            lost: fold.lost(),
            ..Observed::default()
        };
        let answer = match fold.finish(created) {
            Ok(Ok(answer)) => answer,
            Ok(Err(words)) => return Err(no_picture(&words)),
            Err(protocol::Failure::Upstream { raw, status, .. }) => {
                return Err(self.event_fault(raw, status));
            }
            Err(failure) => return Err(unreadable(failure)),
        };
        // What the tool counted is the picture; the model that called it is not what was asked for.
        if let Some(usage) = images::look(&answer).and_then(|whole| whole.usage) {
            seen.usage = Some(usage);
        }
        Ok(Came::Whole(Box::new(self.answered(
            parts.headers,
            answer,
            seen,
        ))))
    }

    /// Reads a stream up to its first event that is one for the client; `Err` gives back what ended before that.
    async fn unrolled(
        &self,
        headers: http::HeaderMap,
        mut upstream: ResponseBody,
        mut running: Running,
    ) -> Result<Result<strip::Begun, Running>, Fault> {
        let mut out = Out::new();
        let mut each = |chunk: &Bytes| {
            out.push(running.push(chunk));
            running.is_decided()
        };
        self.read(&mut upstream, &mut each).await?;
        if !running.begun() {
            return Ok(Err(running));
        }
        Ok(Ok(strip::Begun {
            headers,
            upstream,
            running,
            waiting: out.take().unwrap_or_default(),
        }))
    }

    /// What an error event means.
    fn event_fault(&self, raw: Bytes, status: u16) -> Fault {
        let now = self.request.gateway.clock.now();
        let outcome = upstream::classify_event(&raw, now);
        event_fault(outcome.unwrap_or(Outcome::ServerError { status }), raw)
    }

    fn answered(&self, headers: http::HeaderMap, body: Bytes, seen: Observed) -> Drawn {
        let asked = &self.drawing.asked;
        Drawn {
            headers,
            body: match asked.stream {
                true => images::as_stream(asked.kind, &body),
                false => body,
            },
            // A ChatGPT account draws one at a time.
            pictures: 1,
            seen,
        }
    }

    /// The model that calls the tool for this account.
    fn host(&self) -> String {
        self.request.gateway.pool.with(|pool| {
            let known = pool
                .accounts()
                .find(|account| account.id == self.target.id)
                .and_then(|account| account.known_models.as_ref());
            match known {
                Some(known) => HOSTS
                    .iter()
                    .find(|host| known.iter().any(|model| model == *host))
                    .map(ToString::to_string)
                    .or_else(|| known.first().cloned()),
                None => None,
            }
            .unwrap_or_else(|| HOSTS[1].to_owned())
        })
    }

    /// Reads a stream until `each` has seen enough, or to its end: what has come by then is judged all the same.
    async fn read(
        &self,
        body: &mut ResponseBody,
        each: &mut (dyn FnMut(&Bytes) -> bool + Send),
    ) -> Result<(), Fault> {
        let idle = self.request.config.idle_timeout;
        loop {
            let until = self.limit.min(Instant::now() + idle);
            match timeout_at(until, body.frame()).await {
                Err(_) => {
                    return Err(Fault::new(Outcome::Timeout, "the picture took too long"));
                }
                Ok(None | Some(Err(_))) => return Ok(()),
                Ok(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data()
                        && each(&chunk)
                    {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// A whole answer without a picture is no answer (F97).
    fn nothing_drawn(&self, body: &Bytes) -> Fault {
        let now = self.request.gateway.clock.now();
        let headers = http::HeaderMap::new();
        let format = self.target.format;
        let told = upstream::error_message(body).map(|error| error.message);
        match upstream::classify(format, StatusCode::OK, &headers, body, now) {
            Outcome::Success => no_picture(&told.unwrap_or_default()),
            outcome => event_fault(outcome, body.clone()),
        }
    }
}

/// What a whole answer holds, if that is a picture.
fn pictures_in(body: &Bytes) -> Option<images::Whole> {
    images::look(body).filter(|whole| whole.pictures > 0)
}

/// F97: what the upstream said in place of a picture.
fn no_picture(words: &str) -> Fault {
    let words = words.trim();
    let words = &words[..words.floor_char_boundary(WORDS)];
    let reason = match words {
        "" => "the answer holds no picture".to_owned(),
        words => format!("the answer holds no picture but says: {words}"),
    };
    let error = ErrorBody {
        message: reason.clone(),
        kind: protocol::error::GATEWAY_ERROR.into(),
        code: Some("no_image".into()),
        param: None,
    };
    Fault {
        status: Some(StatusCode::BAD_GATEWAY),
        body: Some(protocol::error::render(Dialect::Responses, 502, &error)),
        ..Fault::new(Outcome::EmptyAnswer, reason)
    }
}

/// Whether the native endpoint does not serve this account, so that the tool may (codex-backend 6.1). A refusal with a code of its own is the
/// provider's judgement of the prompt.
fn is_no_place(fault: &Fault) -> bool {
    let judged = || {
        let told = fault.body.as_deref().and_then(upstream::error_message);
        told.is_some_and(|error| error.code.is_some())
    };
    match fault.outcome {
        Outcome::Forbidden | Outcome::ModelUnsupported => true,
        Outcome::InvalidRequest { status } => matches!(status, 404 | 405) || !judged(),
        Outcome::Challenge => fault.status == Some(StatusCode::NOT_FOUND),
        Outcome::ServerError { status } => status == 501,
        _ => false,
    }
}
