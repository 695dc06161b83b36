//! Sending one request to one account: headers, connection, time limit, and what went wrong when no answer came.
//!
//! No choice of account and no retry on another one happens here. The only repetition is invisible: a request that failed on
//! an idle connection the other side had closed meanwhile is sent once more on a fresh one (F122).

use std::{
    borrow::Cow,
    error::Error,
    fmt::Write as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pool::Outcome;
use url::{Position, Url};

use crate::{
    Upstream,
    body::{RequestBody, ResponseBody},
    dial::Watched,
    direct::{DirectCall, Host},
    target::{ACCOUNT_HEADER, Endpoint, Prepared, Target, is_ours},
    tokens::Access,
};

/// A failure this soon after sending on an idle connection means that the connection was stale, not that work was lost.
const STALE_WITHIN: Duration = Duration::from_secs(5);

/// One request as the gateway wants it sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which endpoint; `Models` is a GET, everything else a POST.
    pub endpoint: Endpoint,
    /// The body as slices in order; never logged.
    pub body: Vec<Bytes>,
    /// Whether the answer is asked for as a stream: chooses `Accept` and the time limit.
    pub stream: bool,
    /// Client headers the gateway chose to pass on. Connection, authorization and cookie headers among them are left out.
    pub headers: HeaderMap,
    /// The client's query string without our key (F99).
    pub query: Option<String>,
    /// What follows the endpoint's path: the model and what is asked of it, already encoded for a path (Gemini).
    pub tail: Option<String>,
    /// Type of the body.
    pub content_type: HeaderValue,
}

impl Call {
    /// A JSON call without extra headers.
    #[must_use]
    pub fn json(endpoint: Endpoint, body: Vec<Bytes>, stream: bool) -> Self {
        Self {
            endpoint,
            body,
            stream,
            headers: HeaderMap::new(),
            query: None,
            tail: None,
            content_type: HeaderValue::from_static("application/json"),
        }
    }
}

/// Where it broke. For the journal and for the choice whether the same account is tried again (F54).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No connection: name not found, refused, unreachable, proxy, TLS.
    Connect,
    /// The connection broke before the answer's headers.
    Reset,
    /// No headers within the limit.
    HeadersTimeout,
    /// No connection within the limit.
    ConnectTimeout,
    /// The answer was not HTTP, or the request could not be built.
    Protocol,
    /// The present settings do not allow a connection.
    Settings,
}

/// No answer came. The text is fit for the journal and the client: no address, no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// What to report to the pool.
    pub outcome: Outcome,
    /// Where it broke.
    pub failure: Failure,
    /// Whether the whole request was handed to the network: it may have been worked on, and billed.
    pub sent: bool,
    /// What happened, in words.
    pub message: String,
}

impl SendError {
    /// Whether F54 allows one more try on the same account: connection set-up failed or the connection was reset.
    #[must_use]
    pub fn same_account_may_help(&self) -> bool {
        matches!(self.failure, Failure::Connect | Failure::Reset)
    }
}

/// A query (usage, models) brought nothing. The text is fit for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The account cannot be asked this (F102).
    #[error("not applicable: {0}")]
    NotApplicable(&'static str),
    /// No authorization.
    #[error(transparent)]
    Access(#[from] crate::AccessError),
    /// No answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A refusal.
    #[error("the provider answered {status}: {message}")]
    Refused {
        /// What to report to the pool.
        outcome: Outcome,
        /// HTTP status.
        status: u16,
        /// The provider's words, shortened.
        message: String,
    },
    /// An answer that is not what was asked for.
    #[error("the provider's answer could not be read")]
    Unreadable,
}

impl QueryError {
    /// What to report to the pool, if this says anything about the account.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Access(e) => Some(e.outcome()),
            Self::Send(e) => Some(e.outcome),
            Self::Refused { outcome, .. } => Some(*outcome),
            Self::NotApplicable(_) | Self::Unreadable => None,
        }
    }
}

impl Upstream {
    /// Sends a call and waits for the answer's headers. Any status is an answer; redirects are not followed (F31). The body
    /// is read by the caller, who also watches over the pauses in it.
    ///
    /// # Errors
    /// [`SendError`] when no answer came.
    pub async fn send(
        &self,
        target: &Target,
        access: &Access,
        call: Call,
    ) -> Result<http::Response<ResponseBody>, SendError> {
        let settings = self.0.settings.load();
        let prepared = target.prepared(&settings).map_err(|e| SendError {
            outcome: Outcome::Network,
            failure: Failure::Settings,
            sent: false,
            message: e.to_string(),
        })?;
        let limit = match (call.endpoint, call.stream) {
            (Endpoint::Compact, _) => settings.config.compact_timeout,
            (Endpoint::Models, _) => Duration::from_secs(30).min(settings.config.headers_timeout),
            (_, true) => settings.config.headers_timeout,
            (_, false) => settings
                .config
                .total_timeout
                .max(settings.config.headers_timeout),
        };
        drop(settings);
        let headers = request_headers(&prepared, access, &call);
        let url = with_key(address_of(&prepared, &call), access);
        let started = self.0.clock.now();
        // The second round exists for a stale idle connection only.
        let mut second = false;
        loop {
            let sent = Arc::new(AtomicBool::new(false));
            let tried = async {
                match &prepared.direct {
                    Some(host) => direct(host, &url, &headers, &call, &sent, second).await,
                    None => pooled(&prepared.client, &url, headers.clone(), &call, &sent).await,
                }
            };
            let broken = match tokio::time::timeout(limit, tried).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(broken)) => broken,
                Err(_) => {
                    return Err(SendError {
                        outcome: Outcome::Timeout,
                        failure: Failure::HeadersTimeout,
                        sent: sent.load(Ordering::Acquire),
                        message: format!(
                            "the upstream did not begin to answer within {} s",
                            limit.as_secs()
                        ),
                    });
                }
            };
            let stale = broken.reused
                && broken.failure == Failure::Reset
                && self.0.clock.now().since(started) < STALE_WITHIN;
            if (stale || broken.never_handled) && !second {
                second = true;
                continue;
            }
            let outcome = match broken.failure {
                Failure::ConnectTimeout | Failure::HeadersTimeout => Outcome::Timeout,
                _ => Outcome::Network,
            };
            let connected = !matches!(broken.failure, Failure::Connect | Failure::ConnectTimeout);
            return Err(SendError {
                outcome,
                failure: broken.failure,
                sent: connected && sent.load(Ordering::Acquire),
                message: broken.message,
            });
        }
    }
}

/// One round brought no answer.
struct Broken {
    failure: Failure,
    /// On an idle connection that may have been closed meanwhile.
    reused: bool,
    /// The other side says that it did not begin to work on it.
    never_handled: bool,
    message: String,
}

async fn direct(
    host: &Host,
    url: &Url,
    headers: &HeaderMap,
    call: &Call,
    sent: &AtomicBool,
    fresh: bool,
) -> Result<http::Response<ResponseBody>, Broken> {
    let method = method(call);
    let call = DirectCall {
        body: (method == Method::POST).then_some(&call.body),
        method,
        path: &url[Position::BeforePath..Position::AfterQuery],
        headers,
        sent,
    };
    match host.send(call, fresh).await {
        Ok(answer) => Ok(answer.map(ResponseBody::direct)),
        Err(error) => Err(Broken {
            failure: error.failure,
            reused: error.reused,
            never_handled: false,
            message: error.message,
        }),
    }
}

async fn pooled(
    client: &reqwest::Client,
    url: &Url,
    headers: HeaderMap,
    call: &Call,
    sent: &Arc<AtomicBool>,
) -> Result<http::Response<ResponseBody>, Broken> {
    let request = build(url.clone(), call, headers, sent.clone());
    match Watched::new(client.execute(request)).await {
        // The proxy's word, not the upstream's.
        (Ok(answer), _) if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(Broken {
                failure: Failure::Connect,
                reused: false,
                never_handled: false,
                message: "the proxy refused its user name or password".into(),
            })
        }
        (Ok(answer), _) => Ok(ResponseBody::pooled(answer)),
        (Err(error), dialled) => Err(Broken {
            failure: failure_of(&error),
            reused: !dialled,
            never_handled: never_handled(&error),
            message: transport_message(&error),
        }),
    }
}

fn method(call: &Call) -> Method {
    if call.endpoint == Endpoint::Models {
        Method::GET
    } else {
        Method::POST
    }
}

/// A key that stands in the address (F100); nobody is shown such an address.
fn with_key<'p>(url: Cow<'p, Url>, access: &Access) -> Cow<'p, Url> {
    match access.value.to_str() {
        Ok(key) if access.in_query() => {
            let mut url = url.into_owned();
            url.query_pairs_mut().append_pair("key", key);
            Cow::Owned(url)
        }
        _ => url,
    }
}

fn address_of<'p>(prepared: &'p Prepared, call: &Call) -> Cow<'p, Url> {
    let url = prepared.url(call.endpoint);
    if call.query.is_none() && call.tail.is_none() {
        return Cow::Borrowed(url);
    }
    let mut url = url.clone();
    if let Some(tail) = &call.tail {
        let path = format!("{}{tail}", url.path());
        url.set_path(&path);
    }
    if let Some(query) = &call.query {
        url.set_query(Some(query));
    }
    Cow::Owned(url)
}

fn build(
    url: Url,
    call: &Call,
    headers: HeaderMap,
    handed_over: Arc<AtomicBool>,
) -> reqwest::Request {
    let method = method(call);
    let has_body = method == Method::POST;
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    if has_body {
        *request.body_mut() = Some(reqwest::Body::wrap(RequestBody::new(
            &call.body,
            handed_over,
        )));
    } else {
        handed_over.store(true, Ordering::Release);
    }
    request
}

/// Ours, then the client's chosen ones where we have none, then authorization, which nothing can replace.
fn request_headers(prepared: &Prepared, access: &Access, call: &Call) -> HeaderMap {
    let mut headers = prepared.headers.clone();
    let mut passing = None;
    // `None` as name means "same name as before", as HeaderMap iterates repeated headers.
    for (name, value) in &call.headers {
        if name.as_str() == "anthropic-version" {
            // The client's body is written in the version it names; ours is for clients of other dialects.
            headers.insert(name.clone(), value.clone());
            continue;
        }
        if is_ours(name) || (passing != Some(name) && headers.contains_key(name)) {
            continue;
        }
        passing = Some(name);
        headers.append(name.clone(), value.clone());
    }
    if !access.in_query() {
        headers.insert(access.name.clone(), access.value.clone());
    }
    if let Some(account) = &access.account {
        headers.insert(ACCOUNT_HEADER, account.clone());
    }
    if call.endpoint != Endpoint::Models {
        headers.insert(header::CONTENT_TYPE, call.content_type.clone());
    }
    let accept = if call.stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    headers
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        let timed_out = error.is_timeout()
            || causes(error).any(|e| {
                e.downcast_ref::<io::Error>()
                    .is_some_and(|e| e.kind() == io::ErrorKind::TimedOut)
            });
        return if timed_out {
            Failure::ConnectTimeout
        } else {
            Failure::Connect
        };
    }
    if error.is_builder() {
        return Failure::Protocol;
    }
    let broken = causes(error).any(|e| {
        e.downcast_ref::<io::Error>().is_some_and(|e| {
            use io::ErrorKind as K;
            matches!(
                e.kind(),
                K::ConnectionReset
                    | K::ConnectionAborted
                    | K::BrokenPipe
                    | K::UnexpectedEof
                    | K::NotConnected
                    | K::TimedOut
            )
        }) || e.downcast_ref::<hyper::Error>().is_some_and(|e| {
            e.is_incomplete_message()
                || e.is_canceled()
                || e.is_closed()
                || e.is_body_write_aborted()
        }) || e.downcast_ref::<h2::Error>().is_some()
    });
    if broken {
        Failure::Reset
    } else {
        Failure::Protocol
    }
}

/// HTTP/2 says that the server did not begin to work on this request: safe to send again.
fn never_handled(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|e| e.downcast_ref::<h2::Error>())
        .any(|e| {
            e.is_remote()
                && (e.reason() == Some(h2::Reason::REFUSED_STREAM)
                    || (e.is_go_away() && e.reason() == Some(h2::Reason::NO_ERROR)))
        })
}

/// The chain of causes in words, without the address: a base URL or query may hold a secret.
pub(crate) fn transport_message(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for cause in causes(error) {
        // reqwest's own texts name the address; its kind is enough.
        let part = match cause.downcast_ref::<reqwest::Error>() {
            Some(e) if e.is_connect() => "could not connect".to_owned(),
            Some(e) if e.is_timeout() => "timed out".to_owned(),
            Some(e) if e.is_body() || e.is_decode() => "the answer broke off".to_owned(),
            Some(e) if e.is_request() => "the request failed".to_owned(),
            Some(_) => "the request could not be sent".to_owned(),
            None => cause.to_string(),
        };
        // Inner texts repeat themselves along the chain and may quote an address.
        if part.is_empty() || last.contains(&part) || part.contains("://") {
            continue;
        }
        let _ = write!(text, "{}{part}", if text.is_empty() { "" } else { ": " });
        last = part;
    }
    if text.is_empty() {
        "the request failed".to_owned()
    } else {
        text
    }
}
