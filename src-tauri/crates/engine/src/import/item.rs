//! One object or token of a file becomes one [`ImportItem`].
//!
//! How a text falls apart into such objects is `shapes`'.

use pool::{AccountKind, Format};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::{CodexTokens, Credential, Identity, ImportItem, LONGEST_LABEL, Problem, Relay, Shape};

const ACCESS: &[&str] = &["access_token", "access", "accessToken", "token"];
const REFRESH: &[&str] = &["refresh_token", "refresh", "refreshToken", "rk"];
const ID_TOKEN: &[&str] = &["id_token", "idToken"];
const ACCOUNT: &[&str] = &["account_id", "accountId", "chatgpt_account_id"];
const USER: &[&str] = &["user_id", "userId", "chatgpt_user_id"];
const PLAN: &[&str] = &["plan_type", "planType", "plan"];
const LABEL: &[&str] = &["label", "name"];
const API_KEY: &[&str] = &["apiKey", "api_key"];
const BASE_URL: &[&str] = &["baseUrl", "base_url"];
const MODELS: &[&str] = &["allowedModels", "allowed_models"];

/// Types under which Codex sign-ins are kept. Other types are other platforms' files, which also hold access tokens.
const CODEX_TYPES: &[&str] = &["codex", "oauth", "chatgpt", "codex_oauth"];

/// Reads one object. `shape` is what the container says about it, where it says anything.
pub(super) fn read_object(
    number: usize,
    object: &Map<String, Value>,
    shape: Option<Shape>,
) -> Result<ImportItem, Problem> {
    let tokens = object_field(object, "tokens")?;
    let credentials = object_field(object, "credentials")?;
    let fields = Fields {
        inner: tokens.or(credentials),
        outer: object,
    };
    if let Some(key) = fields.secret(API_KEY)? {
        // Mixed backups name a platform: their key accounts speak dialects that the file does not tell.
        if object.contains_key("platform") {
            check_platform(object)?;
        }
        return read_key(number, &fields, key);
    }
    let auth_json = tokens.is_some()
        || object.contains_key("OPENAI_API_KEY")
        || object.contains_key("auth_mode");
    if auth_json {
        check_auth_mode(object, tokens)?;
    }
    check_platform(object)?;
    let shape = if auth_json {
        Shape::CodexAuth
    } else {
        shape.unwrap_or(Shape::CodexFile)
    };
    let known_names = [ACCESS, REFRESH, ID_TOKEN].concat();
    let recognised = auth_json
        || object.get("type").is_some()
        || credentials.is_some()
        || fields.find(&known_names).is_some();
    if !recognised {
        return Err(if fields.find(BASE_URL).is_some() {
            Problem::NoToken
        } else {
            Problem::NotRecognised
        });
    }
    let tokens = CodexTokens {
        access: fields.secret(ACCESS)?,
        refresh: fields.secret(REFRESH)?,
        id_token: fields.secret(ID_TOKEN)?,
    };
    if tokens.access.is_none() && tokens.refresh.is_none() {
        return Err(Problem::NoToken);
    }
    Ok(ImportItem {
        item: number,
        kind: AccountKind::CodexOauth,
        label: label(&fields)?,
        identity: identity(&tokens, Some(&fields))?,
        credential: Credential::Codex(tokens),
        relay: None,
        priority: fields.number("priority"),
        slots: fields.number("concurrency").filter(|slots| *slots > 0),
        source: shape,
    })
}

/// Reads one bare token.
pub(super) fn read_token(number: usize, line: &str) -> Result<ImportItem, Problem> {
    let had_scheme = super::fields::without_scheme(line) != line.trim();
    let token = super::fields::without_scheme(line);
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Problem::NotRecognised);
    }
    let secret = || Some(SecretString::from(token.to_owned()));
    let tokens = if token.starts_with("rt_") || token.starts_with("oaistb_rt_") {
        CodexTokens {
            refresh: secret(),
            ..CodexTokens::default()
        }
    } else if token.starts_with("eyJ") {
        if !upstream::identity::is_jwt(token) {
            return Err(Problem::DamagedToken);
        }
        CodexTokens {
            access: secret(),
            ..CodexTokens::default()
        }
    } else if token.starts_with("sk-") {
        return Err(Problem::NoBaseUrl);
    } else if had_scheme {
        CodexTokens {
            access: secret(),
            ..CodexTokens::default()
        }
    } else {
        return Err(Problem::NotRecognised);
    };
    Ok(ImportItem {
        item: number,
        kind: AccountKind::CodexOauth,
        label: None,
        identity: identity(&tokens, None)?,
        credential: Credential::Codex(tokens),
        relay: None,
        priority: None,
        slots: None,
        source: Shape::Line,
    })
}

/// Who it is, by the precedence of F4: claims of the access token, then of the id token, then fields.
fn identity(tokens: &CodexTokens, fields: Option<&Fields<'_>>) -> Result<Identity, Problem> {
    let (access, id) = (tokens.access.as_ref(), tokens.id_token.as_ref());
    let told = Identity::from_tokens(
        access.map(ExposeSecret::expose_secret),
        id.map(ExposeSecret::expose_secret),
    );
    let field = |names: &[&'static str]| fields.map_or(Ok(None), |fields| fields.text(names));
    Ok(Identity {
        account_id: told.account_id.or(field(ACCOUNT)?),
        user_id: told.user_id.or(field(USER)?),
        email: told.email.or(field(&["email"])?),
        plan: told.plan.or(field(PLAN)?),
        expires_at: told.expires_at.or_else(|| {
            // A field tells of the access token; without one it tells of nothing.
            tokens
                .access
                .as_ref()
                .and(fields)
                .and_then(Fields::expires_at)
        }),
        fedramp: told.fedramp,
    })
}

fn read_key(number: usize, fields: &Fields<'_>, key: SecretString) -> Result<ImportItem, Problem> {
    let base_url = normalise_base_url(&fields.text(BASE_URL)?.ok_or(Problem::NoBaseUrl)?)
        .ok_or(Problem::BadBaseUrl)?;
    let format = match fields.text(&["format"])? {
        Some(format) => Some(
            format
                .to_ascii_lowercase()
                .parse::<Format>()
                .map_err(|_| Problem::BadFormat)?,
        ),
        None => None,
    };
    let kind = match fields
        .text(&["kind"])?
        .map(|kind| kind.parse::<AccountKind>())
    {
        Some(Ok(kind)) if kind.is_key() => kind,
        // A kind that contradicts the key says nothing (F1: unknown fields are defaulted).
        _ => AccountKind::Relay,
    };
    Ok(ImportItem {
        item: number,
        kind,
        label: label(fields)?,
        credential: Credential::Key(key),
        identity: Identity::default(),
        relay: Some(Relay {
            base_url,
            format: format.unwrap_or(Format::Codex),
            format_assumed: format.is_none(),
            allowed_models: fields.list(MODELS)?,
            group: fields.text(&["group"])?,
        }),
        priority: fields.number("priority"),
        slots: None,
        source: Shape::Relay,
    })
}

/// A base URL as it is stored: http or https, lower-case host, no trailing slash, no query, no user name (F99).
#[must_use]
pub fn normalise_base_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn label(fields: &Fields<'_>) -> Result<Option<String>, Problem> {
    let clean = |label: String| {
        label
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_LABEL)
            .collect()
    };
    Ok(fields.text(LABEL)?.map(clean))
}

fn object_field<'a>(
    object: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a Map<String, Value>>, Problem> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(inner)) => Ok(Some(inner)),
        Some(_) => Err(Problem::WrongType {
            field: name,
            expected: "an object",
        }),
    }
}

/// How the Codex CLI is signed in: the mode it names, else what it holds (F11).
fn check_auth_mode(
    object: &Map<String, Value>,
    tokens: Option<&Map<String, Value>>,
) -> Result<(), Problem> {
    let held = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    match object.get("auth_mode").and_then(Value::as_str) {
        Some("apikey") => Err(Problem::ApiKeyMode),
        Some("personalAccessToken") => Err(Problem::OtherAuthMode("a personal access token")),
        Some("agentIdentity") => Err(Problem::OtherAuthMode("an agent identity")),
        Some("bedrockApiKey") => Err(Problem::OtherAuthMode("an Amazon Bedrock key")),
        Some("headers") => Err(Problem::OtherAuthMode("headers of its own")),
        _ if tokens.is_some() => Ok(()),
        _ if held("personal_access_token") => {
            Err(Problem::OtherAuthMode("a personal access token"))
        }
        _ if held("bedrock_api_key") => Err(Problem::OtherAuthMode("an Amazon Bedrock key")),
        _ if held("OPENAI_API_KEY") => Err(Problem::ApiKeyMode),
        _ => Ok(()),
    }
}

/// Other platforms' files hold access tokens under the same names; they are told by `type` and `platform`.
fn check_platform(object: &Map<String, Value>) -> Result<(), Problem> {
    let told = |name: &str| {
        object
            .get(name)
            .and_then(Value::as_str)
            .map(|text| text.trim().to_ascii_lowercase())
    };
    let other = |name: String| {
        let plain: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .take(32)
            .collect();
        Err(Problem::OtherPlatform(plain))
    };
    match (told("platform"), told("type")) {
        (Some(platform), _) if platform != "openai" => other(platform),
        (Some(platform), Some(kind)) if kind != "oauth" => other(format!("{platform}-{kind}")),
        (None, Some(kind)) if !kind.is_empty() && !CODEX_TYPES.contains(&kind.as_str()) => {
            other(kind)
        }
        _ => Ok(()),
    }
}
