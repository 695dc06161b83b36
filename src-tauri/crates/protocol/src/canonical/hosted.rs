//! Tools that run at a provider and that several dialects have, under other names (T55). Called by the encoders of requests.

use std::borrow::Cow;

use super::request::{Losses, Tool};
use crate::{
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::{Commas, Sink},
    },
    types::{Dialect, RequestError},
};

/// What such a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosted {
    /// Searches the web.
    Search,
    /// Reads pages whose address is known.
    Fetch,
    /// Runs code in a sandbox of its own.
    Code,
}

/// What the tool does, where another dialect has one that does the same.
pub(crate) fn of(tool: &Tool<'_>) -> Option<Hosted> {
    let Tool::Hosted { origin, kind, .. } = tool else {
        return None;
    };
    let kind = kind.raw();
    Some(match origin {
        Dialect::Chat if kind.starts_with("web_search") || kind == "openrouter:web_search" => {
            Hosted::Search
        }
        Dialect::Responses if kind.starts_with("web_search") => Hosted::Search,
        Dialect::Responses if kind == "code_interpreter" => Hosted::Code,
        Dialect::Messages if kind.starts_with("web_search_") => Hosted::Search,
        Dialect::Messages if kind.starts_with("web_fetch_") => Hosted::Fetch,
        Dialect::Messages if kind.starts_with("code_execution_") => Hosted::Code,
        Dialect::Gemini => match kind {
            "googleSearch" | "googleSearchRetrieval" => Hosted::Search,
            "urlContext" => Hosted::Fetch,
            "codeExecution" => Hosted::Code,
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether one of them searches the web.
pub(crate) fn has_search(tools: &[Tool<'_>]) -> bool {
    tools.iter().any(|tool| of(tool) == Some(Hosted::Search))
}

/// Records that a hosted tool is not sent: nobody is to think that it was (T55, T56, T59).
pub(crate) fn leave_out(tool: &Tool<'_>, losses: &mut Losses) {
    if let Tool::Hosted { kind, .. } = tool {
        losses.dropped(
            format!("tools ({})", kind.decode()),
            "only its own provider runs this tool (T55, T56, T59)",
        );
    }
}

/// Refuses a request that demands a tool which the account cannot run: without it the answer would be another one. Only a search can be demanded of
/// another provider.
pub(crate) fn demand(kind: &Text<'_>, searches: bool) -> Result<(), RequestError> {
    if searches && kind.raw().starts_with("web_search") {
        return Ok(());
    }
    Err(RequestError::field(
        "tool_choice",
        format!(
            "tool_choice demands {}, which this account cannot run: use an account that can, or leave the choice to the model (T55).",
            kind.decode()
        ),
    ))
}

/// How a search is limited, in the words of any dialect. Raw JSON.
#[derive(Debug, Default)]
pub(crate) struct Limits<'a> {
    /// The only sites to be read.
    pub(crate) allowed: Option<&'a str>,
    /// Sites not to be read.
    pub(crate) blocked: Option<&'a str>,
    /// Where the person is.
    pub(crate) place: Option<Cow<'a, str>>,
    /// Most searches.
    pub(crate) uses: Option<&'a str>,
}

/// Reads the limits of a search; the dialects use different names and never one for two things.
pub(crate) fn limits(native: &str) -> Limits<'_> {
    let mut limits = Limits::default();
    // What cannot be read limits nothing; the tool itself is JSON or the request would have been refused.
    let _ = fields(&mut Reader::new(native), &mut limits);
    limits
}

fn fields<'a>(reader: &mut Reader<'a>, limits: &mut Limits<'a>) -> Result<(), Malformed> {
    reader.members(|key, value| {
        match (key, value.kind()?) {
            ("filters" | "parameters", Kind::Object) => fields(value, limits)?,
            ("allowed_domains", Kind::Array) => limits.allowed = sites(value)?,
            ("blocked_domains" | "excludeDomains" | "exclude_domains", Kind::Array) => {
                limits.blocked = sites(value)?;
            }
            ("max_uses", Kind::Number) => limits.uses = Some(value.raw()?),
            ("user_location", Kind::Object) => limits.place = Some(place(value)?),
            _ => value.skip()?,
        }
        Ok(())
    })
}

fn sites<'a>(value: &mut Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    Ok(Some(value.raw()?).filter(|list| list.starts_with("[\"")))
}

/// Chat puts the place one level deeper.
fn place<'a>(value: &mut Reader<'a>) -> Result<Cow<'a, str>, Malformed> {
    let mut whole = value.clone();
    let mut nested = None;
    value.members(|key, value| {
        let raw = value.raw()?;
        if key == "approximate" && raw.starts_with('{') {
            nested = Some(raw);
        }
        Ok::<(), Malformed>(())
    })?;
    let Some(nested) = nested else {
        return Ok(Cow::Borrowed(whole.raw()?));
    };
    let inside = nested.trim_start_matches('{').trim_start();
    let comma = if inside.starts_with('}') { "" } else { "," };
    Ok(Cow::Owned(format!(
        "{{\"type\":\"approximate\"{comma}{inside}"
    )))
}

/// The search of Responses with its limits.
pub(crate) fn search_of_responses(limits: &Limits<'_>, out: &mut String) {
    out.raw("{\"type\":\"web_search\"");
    if let Some(allowed) = limits.allowed {
        out.raw(",\"filters\":{\"allowed_domains\":");
        out.raw(allowed);
        out.raw("}");
    }
    if let Some(place) = &limits.place {
        out.raw(",\"user_location\":");
        out.raw(place);
    }
    out.raw("}");
}

/// The search of Chat's own search models, as the value of `web_search_options`.
pub(crate) fn search_of_chat(limits: &Limits<'_>, out: &mut String) {
    out.raw("{");
    if let Some(place) = &limits.place {
        out.raw("\"user_location\":{\"type\":\"approximate\",\"approximate\":{");
        let mut commas = Commas::default();
        let _ = Reader::new(place).members(|key, value| {
            let raw = value.raw()?;
            if matches!(key, "city" | "country" | "region" | "timezone") {
                commas.key(out, key);
                out.raw(raw);
            }
            Ok::<(), Malformed>(())
        });
        out.raw("}}");
    }
    out.raw("}");
}

/// Records the search that runs elsewhere, and the limits that are not told to it.
pub(crate) fn search_told(limits: &Limits<'_>, takes: &[&str], losses: &mut Losses) {
    losses.approximated(
        "tools (web_search)",
        "runs as the account's own web search (T55)",
    );
    for (name, told) in [
        ("allowed_domains", limits.allowed.is_some()),
        ("blocked_domains", limits.blocked.is_some()),
        ("user_location", limits.place.is_some()),
        ("max_uses", limits.uses.is_some()),
    ] {
        if told && !takes.contains(&name) {
            losses.dropped(
                format!("tools (web_search).{name}"),
                "the account's own web search cannot be told (T55)",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t55_a_search_keeps_its_limits_in_the_words_of_others() {
        let city = r#"{"type":"approximate","city":"Bern"}"#;
        for (native, expected) in [
            (
                r#"{"type":"web_search_20250305","name":"web_search"}"#,
                r#"{"type":"web_search"}"#.to_owned(),
            ),
            (
                r#"{"type":"web_search_20250305","allowed_domains":["example.com"],"user_location":{"type":"approximate","city":"Bern"}}"#,
                format!(
                    r#"{{"type":"web_search","filters":{{"allowed_domains":["example.com"]}},"user_location":{city}}}"#
                ),
            ),
            (
                r#"{"user_location":{"type":"approximate","approximate":{"city":"Bern"}}}"#,
                format!(r#"{{"type":"web_search","user_location":{city}}}"#),
            ),
            (
                r#"{"allowed_domains":[],"user_location":null}"#,
                r#"{"type":"web_search"}"#.to_owned(),
            ),
        ] {
            let mut out = String::new();
            search_of_responses(&limits(native), &mut out);
            assert_eq!(out, expected, "{native}");
        }
        let mut out = String::new();
        search_of_chat(&limits(&format!(r#"{{"user_location":{city}}}"#)), &mut out);
        assert_eq!(
            out,
            r#"{"user_location":{"type":"approximate","approximate":{"city":"Bern"}}}"#
        );
    }
}
