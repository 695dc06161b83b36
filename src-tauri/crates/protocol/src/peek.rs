//! The first look at a request body: one pass, no tree. Called by `gateway` before routing.
//!
//! It checks that the body is a JSON object and that the few members everybody needs have their types; all else is the
//! upstream's to judge. It is not a validation of the dialect.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    json::scan,
    messages::session,
    types::{Dialect, Head, RequestError},
};

/// Reads what routing needs of a request body, in one pass.
///
/// Unknown members are skipped; of duplicate keys the last one counts (T208); null means absent.
///
/// # Errors
/// A [`RequestError`] naming the field when the body is no JSON object or a known field has the wrong type.
pub fn peek(dialect: Dialect, body: &Bytes) -> Result<Head, RequestError> {
    if std::str::from_utf8(body).is_err() {
        return Err(RequestError::body(
            "The request body is not UTF-8 text. Send a JSON object encoded in UTF-8.",
        ));
    }
    let first = body
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace());
    if matches!(
        first,
        Some(b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n')
    ) {
        return Err(RequestError::body(
            "The request body must be a JSON object.",
        ));
    }
    let (members, end) = scan::members(body, 0).map_err(not_json)?;
    scan::ends(body, end).map_err(not_json)?;

    let mut head = Head {
        members,
        ..Head::default()
    };
    let field = |name: &'static str| Field::of(body, &head, name);
    let model = field("model").text()?.filter(|model| !model.is_empty());
    let stream = field("stream").flag()?;
    let mut prompt_cache_key = field("prompt_cache_key").text()?;
    let mut previous_response_id = None;
    let (mut include_usage, mut n) = (false, None);
    match dialect {
        Dialect::Chat => {
            field("messages").one_of(b"[", "an array of messages")?;
            n = field("n").count()?;
            let options = field("stream_options");
            options.one_of(b"{", "an object")?;
            if let Some(value) = options.value {
                let inner = scan::member_value(body, value, "include_usage");
                include_usage = Field {
                    body,
                    name: "stream_options.include_usage",
                    value: inner,
                }
                .flag()?;
            }
        }
        Dialect::Responses => {
            field("input").one_of(b"[\"", "a string or an array of items")?;
            previous_response_id = field("previous_response_id")
                .text()?
                .filter(|id| !id.is_empty());
        }
        Dialect::Messages => {
            field("messages").one_of(b"[", "an array of messages")?;
            let metadata = field("metadata");
            metadata.one_of(b"{", "an object")?;
            if let Some(value) = metadata.value {
                let inner = scan::member_value(body, value, "user_id")
                    .filter(|value| &body[value.clone()] != b"null");
                let user = Field {
                    body,
                    name: "metadata.user_id",
                    value: inner,
                };
                // T133: Claude Code names its session there.
                prompt_cache_key = user
                    .text()?
                    .filter(|user| !user.is_empty())
                    .map(|user| session(&user));
            }
        }
        // Model and stream stand in the path. Many a client sends `contents` as its only element.
        Dialect::Gemini => {
            field("contents").one_of(b"[{\"", "an array of contents")?;
            for name in ["generationConfig", "generation_config"] {
                let config = field(name);
                config.one_of(b"{", "an object")?;
                let Some(value) = config.value else { continue };
                for inner in ["candidateCount", "candidate_count"] {
                    let value = scan::member_value(body, value.clone(), inner)
                        .filter(|value| &body[value.clone()] != b"null");
                    let count = Field {
                        body,
                        name: "generationConfig.candidateCount",
                        value,
                    };
                    n = count.count()?.or(n);
                }
            }
            head.model = None;
            head.n = n;
            return Ok(head);
        }
    }
    head.model = model;
    head.stream = stream;
    head.prompt_cache_key = prompt_cache_key;
    head.previous_response_id = previous_response_id;
    head.include_usage = include_usage;
    head.n = n;
    Ok(head)
}

fn not_json(error: scan::ScanError) -> RequestError {
    RequestError::body(format!("The request body is not valid JSON: {error}."))
}

/// One member looked at by type.
struct Field<'a> {
    body: &'a [u8],
    name: &'static str,
    /// `None` when absent or null.
    value: Option<Range<usize>>,
}

impl<'a> Field<'a> {
    fn of(body: &'a [u8], head: &Head, name: &'static str) -> Self {
        let value = head
            .member(body, name)
            .map(|member| member.value.clone())
            .filter(|value| &body[value.clone()] != b"null");
        Self { body, name, value }
    }

    fn token(&self) -> Option<&'a [u8]> {
        self.value.clone().map(|value| &self.body[value])
    }

    fn wrong(&self, wanted: &str) -> RequestError {
        let got = match self.token().and_then(|token| token.first()) {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(_) => "a number",
            None => "nothing",
        };
        let name = self.name;
        let message = format!("Invalid type for '{name}': expected {wanted}, but got {got}.");
        RequestError::field(name, message).coded(Some("invalid_type"))
    }

    fn text(&self) -> Result<Option<String>, RequestError> {
        let Some(token) = self.token() else {
            return Ok(None);
        };
        scan::decode(token)
            .map(|text| Some(text.into_owned()))
            .ok_or_else(|| self.wrong("a string"))
    }

    fn flag(&self) -> Result<bool, RequestError> {
        match self.token() {
            None | Some(b"false" | b"null") => Ok(false),
            Some(b"true") => Ok(true),
            Some(_) => Err(self.wrong("a boolean")),
        }
    }

    fn count(&self) -> Result<Option<u64>, RequestError> {
        let Some(token) = self.token() else {
            return Ok(None);
        };
        let number = std::str::from_utf8(token)
            .ok()
            .and_then(|token| token.parse().ok());
        number.map(Some).ok_or_else(|| self.wrong("a whole number"))
    }

    fn one_of(&self, starts: &[u8], wanted: &str) -> Result<(), RequestError> {
        match self.token().and_then(|token| token.first()) {
            Some(first) if !starts.contains(first) => Err(self.wrong(wanted)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(dialect: Dialect, body: &'static str) -> Head {
        peek(dialect, &Bytes::from_static(body.as_bytes())).expect(body)
    }

    #[test]
    fn reads_what_routing_needs() {
        let chat = head(
            Dialect::Chat,
            r#" {"x":{"model":"no"},"model":"gpt-\u0035","stream":true,"stream_options":{"include_usage":true},"n":2,"messages":[]} "#,
        );
        assert_eq!(chat.model.as_deref(), Some("gpt-5"));
        assert!(chat.stream && chat.include_usage);
        assert_eq!(chat.n, Some(2));
        let responses = head(
            Dialect::Responses,
            r#"{"model":"m","input":"hi","previous_response_id":"resp_1","prompt_cache_key":"k","stream":null,"n":"ignored here"}"#,
        );
        assert_eq!(responses.previous_response_id.as_deref(), Some("resp_1"));
        assert_eq!(responses.prompt_cache_key.as_deref(), Some("k"));
        assert!(!responses.stream);
    }

    #[test]
    fn t208_last_duplicate_wins_and_null_is_absent() {
        let twice = head(
            Dialect::Chat,
            r#"{"model":"a","stream":true,"model":"b","stream":false}"#,
        );
        assert_eq!((twice.model.as_deref(), twice.stream), (Some("b"), false));
        assert_eq!(head(Dialect::Chat, r#"{"model":null}"#).model, None);
        assert_eq!(head(Dialect::Chat, r#"{"model":""}"#).model, None);
        assert_eq!(head(Dialect::Chat, "{}").model, None);
    }

    #[test]
    fn t208_wrong_types_name_their_field() {
        for (dialect, body, param) in [
            (Dialect::Chat, r#"{"model":5}"#, Some("model")),
            (Dialect::Chat, r#"{"stream":"true"}"#, Some("stream")),
            (Dialect::Chat, r#"{"n":"1"}"#, Some("n")),
            (Dialect::Chat, r#"{"n":1.5}"#, Some("n")),
            (Dialect::Chat, r#"{"messages":"hi"}"#, Some("messages")),
            (
                Dialect::Chat,
                r#"{"stream_options":[]}"#,
                Some("stream_options"),
            ),
            (
                Dialect::Chat,
                r#"{"stream_options":{"include_usage":1}}"#,
                Some("stream_options.include_usage"),
            ),
            (Dialect::Responses, r#"{"input":{}}"#, Some("input")),
            (
                Dialect::Responses,
                r#"{"previous_response_id":[]}"#,
                Some("previous_response_id"),
            ),
            (Dialect::Chat, "[]", None),
            (Dialect::Chat, "\"text\"", None),
            (Dialect::Chat, "null", None),
            (Dialect::Chat, "", None),
            (Dialect::Chat, "{", None),
            (Dialect::Chat, r#"{"model":"a"} x"#, None),
            (Dialect::Chat, "not json", None),
        ] {
            let error = peek(dialect, &Bytes::from_static(body.as_bytes())).expect_err(body);
            assert_eq!(error.param.as_deref(), param, "{body}: {error}");
        }
        assert!(peek(Dialect::Chat, &Bytes::from_static(b"{\"model\":\"\xff\"}")).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = peek(Dialect::Chat, &Bytes::from(bytes.clone()));
            let _ = peek(Dialect::Responses, &Bytes::from(bytes));
        }
    }
}
