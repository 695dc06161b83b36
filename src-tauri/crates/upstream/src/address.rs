//! Where a request goes: base URLs as people write them, brought to one form, and the path of each endpoint (F99).
//!
//! Runs when an account is saved or first used, never per request. The account form shows [`preview`].

use pool::Format;
use url::Url;

use crate::target::Endpoint;

/// Why a base URL was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute address.
    #[error("the base URL must be an address like https://relay.example.com/v1")]
    Malformed,
    /// Another scheme than http or https.
    #[error("the base URL must start with http:// or https://")]
    Scheme,
    /// User name or password inside the address.
    #[error("the base URL must not hold a user name or password; put the key into the key field")]
    Credentials,
    /// A query or fragment.
    #[error("the base URL must end before any ? or #")]
    Trailing,
}

/// Endings people copy along with the base; longest first.
const ENDPOINTS: [&str; 8] = [
    "/chat/completions",
    "/images/generations",
    "/responses/compact",
    "/codex/responses",
    "/images/edits",
    "/responses",
    "/messages",
    "/models",
];

/// Brings a base URL to the one form under which endpoints are appended: no trailing slash, no copied endpoint, and the
/// version segment the format wants (`/v1`; `/v1beta` for Gemini; none for Codex) when the address names only a host.
///
/// # Errors
/// [`BaseUrlError`] says what to change.
pub fn normalise_base(format: Format, text: &str) -> Result<Url, BaseUrlError> {
    let mut url = http_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Trailing);
    }
    let mut path = url.path().trim_end_matches('/').to_owned();
    while path.contains("//") {
        path = path.replace("//", "/");
    }
    if let Some(end) = ENDPOINTS.iter().find(|e| path.ends_with(**e)) {
        path.truncate(path.len() - end.len());
    }
    // The whole address of a call, as the vendor's pages show it.
    if format == Format::Gemini
        && let Some(at) = path.find("/models/")
    {
        path.truncate(at);
    }
    match format {
        // `{base}/codex/responses`: the version segment and a copied `/codex` are not part of the base.
        Format::Codex => {
            for tail in ["/v1", "/codex"] {
                if let Some(head) = path.strip_suffix(tail) {
                    path = head.to_owned();
                }
            }
        }
        Format::Gemini if path.is_empty() => path.push_str("/v1beta"),
        // Written so for the vendor's libraries, which add the version themselves.
        Format::Anthropic if path.ends_with("/anthropic") => path.push_str("/v1"),
        _ if path.is_empty() => path.push_str("/v1"),
        _ => {}
    }
    url.set_path(&path);
    Ok(url)
}

/// An absolute http(s) URL.
pub(crate) fn http_url(text: &str) -> Result<Url, BaseUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BaseUrlError::Scheme);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(BaseUrlError::Malformed);
    }
    Ok(url)
}

/// The full address of an endpoint below a normalised base.
///
/// `codex_native` = the ChatGPT backend itself, whose base already ends in `/codex`.
pub(crate) fn endpoint_url(
    base: &Url,
    format: Format,
    codex_native: bool,
    endpoint: Endpoint,
) -> Url {
    let tail = match (endpoint, format) {
        (Endpoint::Models, _) => "/models",
        (Endpoint::ChatCompletions, _) => "/chat/completions",
        (Endpoint::Responses, _) => "/responses",
        (Endpoint::Compact, _) => "/responses/compact",
        (Endpoint::Messages, _) => "/messages",
        // The model and what is asked of it follow.
        (Endpoint::Generate, _) => "/models/",
        (Endpoint::ImageGenerations, _) => "/images/generations",
        (Endpoint::ImageEdits, _) => "/images/edits",
        (Endpoint::Embeddings, _) => "/embeddings",
    };
    let middle = if format == Format::Codex && !codex_native {
        "/codex"
    } else {
        ""
    };
    let mut url = base.clone();
    let path = format!("{}{middle}{tail}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// What the account form shows: where a request of this format will go.
///
/// # Errors
/// As [`normalise_base`].
pub fn preview(format: Format, base: &str) -> Result<String, BaseUrlError> {
    let base = normalise_base(format, base)?;
    let prefix = base.as_str().trim_end_matches('/');
    Ok(match format {
        Format::Codex => format!("{prefix}/codex/responses"),
        Format::Responses => format!("{prefix}/responses"),
        Format::OpenAi => format!("{prefix}/chat/completions"),
        Format::Anthropic => format!("{prefix}/messages"),
        Format::Gemini => format!("{prefix}/models/{{model}}:generateContent"),
    })
}

/// Where the model list of an account at this base is read.
///
/// # Errors
/// As [`normalise_base`].
pub fn preview_models(format: Format, base: &str) -> Result<String, BaseUrlError> {
    let base = normalise_base(format, base)?;
    Ok(endpoint_url(&base, format, false, Endpoint::Models).to_string())
}

/// The usage endpoint that belongs to a Codex base (codex-backend 5.3): beside `/codex` below `/backend-api`, else
/// `<base>/api/codex/usage`.
pub(crate) fn usage_url(codex_base: &Url) -> Url {
    let mut url = codex_base.clone();
    let path = codex_base.path().trim_end_matches('/');
    let path = match path.find("/backend-api") {
        Some(at) => format!("{}/backend-api/wham/usage", &path[..at]),
        None => format!("{path}/api/codex/usage"),
    };
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests;
