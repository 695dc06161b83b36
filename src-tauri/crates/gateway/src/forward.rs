//! Which headers travel: from the client to the account, and from the account's answer to the client. Pure lists, no decisions.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use pool::Format;
use protocol::Head;
use upstream::Target;

use crate::config::{Catalog, Config};
use crate::surface::REQUEST_ID;

/// Body and header of responses-lite travel together or not at all (codex-backend §9.9).
pub(crate) const LITE: HeaderName =
    HeaderName::from_static("x-openai-internal-codex-responses-lite");
/// Tells which account served (F40); of a client, which one has to (F38).
pub(crate) const ACCOUNT: HeaderName = HeaderName::from_static("x-switchyard-account");

/// The tag of the model list, told with every answer of the Codex backend (codex-backend §3.7).
const MODELS_TAG: HeaderName = HeaderName::from_static("x-models-etag");

/// The id the upstream gave its answer.
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// Tells proxies not to gather.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Our tag where the upstream told its own.
pub(crate) fn models_tag(catalog: &Catalog, upstream: &HeaderMap) -> Option<HeaderValue> {
    upstream.get(MODELS_TAG)?;
    HeaderValue::from_str(catalog.codex_etag.as_deref()?).ok()
}

/// Request headers every OpenAI-shaped upstream may see.
const COMMON: &[&str] = &[
    "openai-beta",
    "x-client-request-id",
    "idempotency-key",
    "http-referer",
    "x-title",
];
/// Request headers only the Codex backend may see (codex-backend §3.2). Originator, version and user agent are not here: those are ours.
const CODEX: &[&str] = &[
    "session-id",
    "thread-id",
    "session_id",
    "thread_id",
    "conversation_id",
    "x-openai-subagent",
    "x-openai-memgen-request",
];

/// Request headers only an account of the dialect may see: with the flags of the body or not at all (T195).
const MESSAGES: &[&str] = &["anthropic-beta", "anthropic-version"];

/// Headers of the client's request that go along to an account of `format`.
pub(crate) fn request_headers(client: &HeaderMap, format: Format) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in client {
        let text = name.as_str();
        let codex = format == Format::Codex
            && (CODEX.contains(&text) || text.starts_with("x-codex-") || *name == LITE);
        let messages = format == Format::Anthropic && MESSAGES.contains(&text);
        if codex || messages || COMMON.contains(&text) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

/// The client's query string for a relay, without a gateway key in it (F99).
pub(crate) fn query(client: Option<&str>) -> Option<String> {
    let kept: Vec<&str> = client?
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("key"))
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// What keeps a conversation on one account: its session header, else its cache key (F38). The answer it continues comes before both and
/// is asked for apart.
pub(crate) fn session<'h>(headers: &'h HeaderMap, head: &'h Head) -> Option<&'h str> {
    const NAMES: [HeaderName; 3] = [
        HeaderName::from_static("session-id"),
        HeaderName::from_static("session_id"),
        HeaderName::from_static("x-session-id"),
    ];
    let header = NAMES
        .iter()
        .find_map(|name| headers.get(name)?.to_str().ok());
    header.or(head.prompt_cache_key.as_deref())
}

/// Whether the client is a Codex one, which understands the backend's private events (T188).
pub(crate) fn is_codex_client(headers: &HeaderMap) -> bool {
    let says = |name: &HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.len() >= 5 && text[..5].eq_ignore_ascii_case("codex"))
    };
    says(&HeaderName::from_static("originator")) || says(&USER_AGENT)
}

/// Says why one account may not go on. A client would take it for the end, while another account serves its next request.
const REACHED: &str = "x-codex-rate-limit-reached-type";

/// Whether a header of the upstream's answer reaches the client. Cookies, organisation ids and hop-by-hop headers do not (T200).
fn travels_back(name: &str) -> bool {
    (name.starts_with("x-codex-") && name != REACHED)
        || name.starts_with("x-ratelimit-")
        || name.starts_with("anthropic-ratelimit-")
        || matches!(
            name,
            "openai-model"
                | "openai-version"
                | "openai-processing-ms"
                | "x-models-etag"
                | "x-reasoning-included"
                | "x-oai-request-id"
                | "retry-after"
                | "retry-after-ms"
        )
}

/// How an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// As one body.
    No,
    /// As events.
    Events,
    /// As one JSON array, piece by piece (T203).
    Array,
}

impl Stream {
    /// What the client asked for.
    pub(crate) const fn asked(head: &Head) -> Self {
        match (head.stream, head.array) {
            (true, true) => Self::Array,
            (true, false) => Self::Events,
            (false, _) => Self::No,
        }
    }
}

/// Fills in the headers of a proxied answer.
pub(crate) fn answer_headers(
    config: &Config,
    upstream: &HeaderMap,
    target: &Target,
    models_tag: Option<HeaderValue>,
    stream: Stream,
    out: &mut HeaderMap,
) {
    for (name, value) in upstream {
        if travels_back(name.as_str()) {
            out.append(name.clone(), value.clone());
        }
    }
    if let Some(tag) = models_tag {
        // Codex keeps its model list as long as this equals the tag of the list it was given, which was ours.
        out.insert(MODELS_TAG, tag);
    }
    if let Some(id) = upstream.get(REQUEST_ID) {
        // Ours goes under its own name; the upstream's stays findable (F147).
        out.insert(UPSTREAM_REQUEST_ID, id.clone());
    }
    framing(stream, out);
    name_account(config, target, out);
}

/// What an answer says of its own form.
pub(crate) fn framing(stream: Stream, out: &mut HeaderMap) {
    out.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(match stream {
            Stream::Events => "text/event-stream",
            Stream::Array | Stream::No => "application/json",
        }),
    );
    if stream != Stream::No {
        // T165: nothing on the way may hold frames back.
        out.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("no-cache, no-transform"),
        );
        out.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
}

/// Says which account an answer, good or bad, came from (F40).
pub(crate) fn name_account(config: &Config, target: &Target, out: &mut HeaderMap) {
    if config.account_header {
        out.insert(ACCOUNT, label_value(&target.label));
    }
}

/// A label as a header value: what a header cannot carry becomes `?`.
fn label_value(label: &str) -> HeaderValue {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if label.bytes().all(fits)
        && let Ok(value) = HeaderValue::from_str(label)
    {
        return value;
    }
    let ascii: String = label
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect();
    HeaderValue::from_str(&ascii).unwrap_or(HeaderValue::from_static("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn credentials_and_identity_never_travel_upstream() {
        let client = map(&[
            ("authorization", "Bearer gateway"),
            ("x-api-key", "gateway"),
            ("cookie", "a=b"),
            ("host", "localhost"),
            ("user-agent", "codex_cli_rs/1"),
            ("originator", "codex_cli_rs"),
            ("version", "0.1"),
            ("accept-encoding", "gzip"),
            ("session-id", "s1"),
            ("x-codex-turn-state", "t"),
            ("openai-beta", "b"),
        ]);
        let names = |format| {
            let mut names: Vec<String> = request_headers(&client, format)
                .keys()
                .map(ToString::to_string)
                .collect();
            names.sort();
            names
        };
        assert_eq!(
            names(Format::Codex),
            ["openai-beta", "session-id", "x-codex-turn-state"]
        );
        assert_eq!(names(Format::OpenAi), ["openai-beta"]);
    }

    #[test]
    fn t199_t200_limits_and_times_come_back_and_nothing_that_names_the_person() {
        for name in [
            "x-codex-primary-used-percent",
            "x-codex-credits-balance",
            "x-models-etag",
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-input-tokens-remaining",
            "openai-processing-ms",
            "openai-version",
            "retry-after",
            "retry-after-ms",
        ] {
            assert!(travels_back(name), "{name}");
        }
        for name in [
            "openai-organization",
            "openai-project",
            "anthropic-organization-id",
            "set-cookie",
            "cf-ray",
            "server",
            "content-encoding",
            "content-length",
            "transfer-encoding",
            "x-codex-rate-limit-reached-type",
        ] {
            assert!(!travels_back(name), "{name}");
        }
    }

    #[test]
    fn f99_the_query_travels_without_a_key() {
        for (given, expected) in [
            (None, None),
            (Some(""), None),
            (Some("key=sk-sw"), None),
            (
                Some("api-version=1&key=x&beta=true"),
                Some("api-version=1&beta=true"),
            ),
            (Some("keys=1"), Some("keys=1")),
        ] {
            assert_eq!(query(given).as_deref(), expected);
        }
    }

    #[test]
    fn f38_the_session_comes_from_the_header_first() {
        let mut head = Head::default();
        head.prompt_cache_key = Some("cache".into());
        head.previous_response_id = Some("resp".into());
        assert_eq!(session(&map(&[("session-id", "s")]), &head), Some("s"));
        assert_eq!(session(&map(&[]), &head), Some("cache"));
        assert_eq!(session(&map(&[]), &Head::default()), None);
    }

    #[test]
    fn t188_codex_clients_are_known_by_their_own_words() {
        for (headers, expected) in [
            (map(&[("originator", "codex_exec")]), true),
            (map(&[("originator", "Codex Desktop")]), true),
            (map(&[("user-agent", "codex-tui/0.1")]), true),
            (map(&[("user-agent", "OpenAI/Python 3")]), false),
            (map(&[]), false),
        ] {
            assert_eq!(is_codex_client(&headers), expected);
        }
    }

    #[test]
    fn f40_any_label_fits_a_header() {
        assert_eq!(label_value("work@example.com"), "work@example.com");
        assert_eq!(label_value("工作 a\n"), "?? a?");
    }
}
