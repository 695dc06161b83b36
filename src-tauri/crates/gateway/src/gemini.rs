//! What only the Gemini dialect asks of the gateway: the model and the kind of answer stand in the path, the key may stand in the query, and a
//! stream without `alt=sse` is one JSON array (F26, F80, T201, T203).
//!
//! Not the dialect itself (`protocol`). Pure; called by the surface and by `exchange`.

use std::fmt::Write as _;

use protocol::RequestError;

/// What a path below `models/` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A whole answer.
    Generate,
    /// A streamed one.
    Stream,
    /// How many tokens a request has.
    Count,
    /// The vector of one content (F78).
    Embed,
    /// The vectors of several.
    EmbedBatch,
}

impl Action {
    /// As it stands in the path.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Generate => "generateContent",
            Self::Stream => "streamGenerateContent",
            Self::Count => "countTokens",
            Self::Embed => "embedContent",
            Self::EmbedBatch => "batchEmbedContents",
        }
    }
}

/// The path's end behind `models/`: the model, which may be missing (F92), and what is asked of it. `None` for what this version does not
/// serve.
pub(crate) fn asked(rest: &str) -> Option<(&str, Action)> {
    let (model, action) = rest.rsplit_once(':')?;
    let action = match action {
        "generateContent" => Action::Generate,
        "streamGenerateContent" => Action::Stream,
        "countTokens" => Action::Count,
        "embedContent" => Action::Embed,
        "batchEmbedContents" => Action::EmbedBatch,
        _ => return None,
    };
    Some((model, action))
}

/// The model's name as the client meant it: percent signs of the path undone.
pub(crate) fn decoded(model: &str) -> String {
    let mut bytes = Vec::with_capacity(model.len());
    let mut rest = model.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = (*first == b'%')
            .then(|| std::str::from_utf8(tail.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One value of the query.
fn value<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    query?
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The key in the query, which only this dialect's routes take (F26).
pub(crate) fn key(query: Option<&str>) -> Option<String> {
    value(query, "key")
        .map(decoded)
        .filter(|key| !key.is_empty())
}

/// Whether a stream is wanted as events.
pub(crate) fn wants_events(query: Option<&str>) -> bool {
    value(query, "alt") == Some("sse")
}

/// The query for an account of the dialect: the client's own without what is ours to say (F99).
pub(crate) fn query(client: Option<&str>, stream: bool) -> Option<String> {
    let mut kept: Vec<&str> = client
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| !matches!(pair.split('=').next(), Some("key" | "alt")))
        .collect();
    if stream {
        kept.insert(0, "alt=sse");
    }
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// The end of the path at an account of the dialect.
pub(crate) fn tail(model: Option<&str>, action: Action) -> Result<String, RequestError> {
    let model = model.unwrap_or_default();
    let model = model.strip_prefix("models/").unwrap_or(model);
    // A name that climbs would be another address at the provider.
    if model.is_empty() || model.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(RequestError::field("model", "This is no name of a model."));
    }
    let mut path = String::with_capacity(model.len() + 32);
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path.push(':');
    path.push_str(action.word());
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_model_and_action_f80_t203() {
        for (rest, expected) in [
            (
                "gemini-2.5-pro:generateContent",
                Some(("gemini-2.5-pro", Action::Generate)),
            ),
            (
                "vendor/name:tag:streamGenerateContent",
                Some(("vendor/name:tag", Action::Stream)),
            ),
            ("m:countTokens", Some(("m", Action::Count))),
            ("m:embedContent", Some(("m", Action::Embed))),
            ("m:batchEmbedContents", Some(("m", Action::EmbedBatch))),
            ("m:asyncBatchEmbedContent", None),
            (":generateContent", Some(("", Action::Generate))),
            ("m", None),
        ] {
            assert_eq!(asked(rest), expected, "{rest}");
        }
        for (given, name) in [("a%2Fb%20c", "a/b c"), ("a%zz%", "a%zz%"), ("é", "é")] {
            assert_eq!(decoded(given), name);
        }
    }

    #[test]
    fn the_query_holds_key_and_framing_and_neither_goes_on_f26_f99() {
        let given = Some("alt=sse&key=sk-a%2Bb&x=1");
        assert_eq!(key(given).as_deref(), Some("sk-a+b"));
        assert_eq!(key(Some("key=&monkey=1")), None);
        assert!(wants_events(given) && !wants_events(Some("alt=json")));
        assert_eq!(query(given, true).as_deref(), Some("alt=sse&x=1"));
        assert_eq!(query(given, false).as_deref(), Some("x=1"));
        assert_eq!(query(None, false), None);
    }

    #[test]
    fn a_model_cannot_climb_out_of_its_path() {
        for (model, action, expected) in [
            (
                "gemini-2.5-pro",
                Action::Stream,
                Some("gemini-2.5-pro:streamGenerateContent"),
            ),
            ("models/m", Action::Generate, Some("m:generateContent")),
            (
                "a b?#%",
                Action::Generate,
                Some("a%20b%3F%23%25:generateContent"),
            ),
            ("../../secret", Action::Generate, None),
            ("a/../b", Action::Embed, None),
            ("", Action::Generate, None),
        ] {
            assert_eq!(tail(Some(model), action).ok().as_deref(), expected);
        }
    }
}
