//! `GET /v1/models` and `/v1/models/{id}` in the OpenAI, the Messages and the Gemini shape, `/v1beta/models` in the last, `/codex/v1/models` in the
//! Codex shape (F81, F82, T202).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use protocol::Dialect;
use serde_json::{Value, json};

use crate::Gateway;
use crate::body::Body;
use crate::config::{Catalog, Model};
use crate::key_rules::KeyRules;
use crate::naming;
use crate::reply::{Refusal, Shape, json as json_answer};

/// In whose words a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    OpenAi,
    Messages,
    Gemini,
    /// The backend's own entries, for the Codex CLI.
    Codex,
}

impl Words {
    fn entry(self, model: &Model) -> Value {
        match self {
            Self::OpenAi | Self::Codex => {
                json!({"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by})
            }
            Self::Messages => message_entry(model),
            Self::Gemini => gemini_entry(model),
        }
    }

    /// A model that only draws is of use where pictures are asked for by a call of their own.
    fn lists(self, model: &Model) -> bool {
        match self {
            Self::OpenAi | Self::Codex => true,
            Self::Messages | Self::Gemini => !protocol::images::is_of_family(&model.id),
        }
    }
}

/// The list: what the key may use of all that can be served now (F27, F81).
pub(crate) fn list(gateway: &Gateway, words: Words, rules: Option<&KeyRules>) -> Response<Body> {
    let catalog = gateway.catalog.load();
    let mine = catalog
        .models
        .iter()
        .filter(|model| words.lists(model) && rules.is_none_or(|rules| rules.allows(&model.id)));
    if words == Words::Codex {
        return codex(mine, tag(&catalog));
    }
    let entries: Vec<Value> = mine.map(|model| words.entry(model)).collect();
    let list = match words {
        Words::Gemini => json!({"models": entries}),
        Words::Messages => {
            let id = |entry: Option<&Value>| entry.map(|entry| entry["id"].clone());
            json!({"first_id": id(entries.first()), "last_id": id(entries.last()), "has_more": false, "data": entries})
        }
        Words::OpenAi | Words::Codex => json!({"object": "list", "data": entries}),
    };
    json_answer(StatusCode::OK, list.to_string())
}

/// One model, or 404; 403 for one that the key may not use. `id` as it stands in the path.
pub(crate) fn one(
    gateway: &Gateway,
    words: Words,
    rules: Option<&KeyRules>,
    id: &str,
) -> Response<Body> {
    let shape = Shape::Of(match words {
        Words::OpenAi | Words::Codex => Dialect::Responses,
        Words::Messages => Dialect::Messages,
        Words::Gemini => Dialect::Gemini,
    });
    let id = crate::gemini::decoded(id);
    let catalog = gateway.catalog.load();
    if let Some(Err(refusal)) = rules.map(|rules| rules.check_model(&id)) {
        return refusal.into_response(shape);
    }
    match find(gateway, &catalog, &id) {
        Some(model) => json_answer(StatusCode::OK, words.entry(&model).to_string()),
        None => not_found(&catalog, &id).into_response(shape),
    }
}

/// The model of that name: one of the list, or one that is asked for with a suffix and is listed without (F90, F91).
fn find(gateway: &Gateway, catalog: &Catalog, id: &str) -> Option<Model> {
    if let Some(listed) = catalog.models.iter().find(|model| model.id == id) {
        return Some(listed.clone());
    }
    let named = naming::resolve(&gateway.config.load().naming, catalog, id).ok()?;
    let native = named.native_model().unwrap_or(&named.model);
    let listed = catalog.models.iter().find(|model| model.id == native);
    listed.map(|model| Model {
        id: id.to_owned(),
        ..model.clone()
    })
}

fn message_entry(model: &Model) -> Value {
    let created = if model.created > 0 {
        rfc3339(model.created)
    } else {
        "1970-01-01T00:00:00Z".to_owned()
    };
    json!({"type": "model", "id": model.id, "display_name": model.id, "created_at": created})
}

fn gemini_entry(model: &Model) -> Value {
    json!({
        "name": format!("models/{}", model.id),
        "version": "001",
        "displayName": model.id,
        "description": format!("Served by {}.", model.owned_by),
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    })
}

/// Unix seconds as a date (Howard Hinnant's civil-from-days).
fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_place = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_place + 2) / 5 + 1;
    let month = if month_place < 10 {
        month_place + 3
    } else {
        month_place - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

/// The tag of the Codex list as it is served here: a hash of its entries, or none when there are none. The backend's own tags differ by
/// plan, and the list here is the union of all accounts.
pub(crate) fn codex_etag(models: &[Model]) -> Option<String> {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    let mut any = false;
    for entry in models.iter().filter_map(|model| model.codex.as_ref()) {
        any = true;
        digest.update(entry);
        digest.update(b"\n");
    }
    let digest = digest.finalize();
    let short: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    any.then(|| format!("W/\"{short}\""))
}

/// The tag that answers repeat, so that the client keeps its list; a key that sees a part of it keeps that part by the same tag.
fn tag(catalog: &Catalog) -> Option<HeaderValue> {
    HeaderValue::from_str(catalog.codex_etag.as_deref()?).ok()
}

/// The list as the Codex CLI reads it: the backend's own entries, byte for byte. Models of relays are not in it: an entry without the
/// backend's base instructions would take the client's own place.
fn codex<'m>(models: impl Iterator<Item = &'m Model>, tag: Option<HeaderValue>) -> Response<Body> {
    let mut body = Vec::with_capacity(1 << 10);
    body.extend_from_slice(b"{\"models\":[");
    for (n, entry) in models.filter_map(|model| model.codex.as_ref()).enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(entry);
    }
    body.extend_from_slice(b"]}");
    let mut response = json_answer(StatusCode::OK, Bytes::from(body));
    if let Some(tag) = tag {
        response.headers_mut().insert(http::header::ETAG, tag);
    }
    response
}

/// F92: 404 `model_not_found` with the nearest names.
pub(crate) fn not_found(catalog: &Catalog, id: &str) -> Refusal {
    let near = nearest(catalog, id);
    let mut message = format!(
        "The model `{}` does not exist or no enabled account offers it.",
        shorten(id)
    );
    if near.is_empty() {
        message.push_str(" GET /v1/models lists the models that can be served now.");
    } else {
        message.push_str(&format!(" Nearest: {}.", near.join(", ")));
    }
    Refusal::new(StatusCode::NOT_FOUND, "model_not_found", message).param("model")
}

/// The model is there, but on accounts that cannot serve this path (F77, F88).
pub(crate) fn not_on(path: &str, id: &str) -> Refusal {
    let message = format!("No account that offers `{}` can serve {path}.", shorten(id));
    Refusal::new(StatusCode::NOT_FOUND, "model_not_supported", message).param("model")
}

fn shorten(id: &str) -> &str {
    let end = id.char_indices().nth(80).map_or(id.len(), |(at, _)| at);
    &id[..end]
}

/// Up to three names that share the longest beginning with `id`, at least three characters of it.
fn nearest<'c>(catalog: &'c Catalog, id: &str) -> Vec<&'c str> {
    let shared = |name: &str| {
        name.bytes()
            .zip(id.bytes())
            .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
            .count()
    };
    let mut names: Vec<(usize, &str)> = catalog
        .models
        .iter()
        .map(|model| (shared(&model.id), model.id.as_str()))
        .filter(|(n, _)| *n >= 3)
        .collect();
    names.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(ids: &[&str]) -> Catalog {
        let model = |id: &&str| Model {
            id: (*id).into(),
            owned_by: "x".into(),
            created: 0,
            codex: None,
        };
        Catalog {
            models: ids.iter().map(model).collect(),
            ..Catalog::default()
        }
    }

    #[test]
    fn t202_dates_are_written_as_the_messages_shape_wants_them() {
        for (seconds, date) in [
            (1, "1970-01-01T00:00:01Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_789_344_000, "2026-09-14T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), date);
        }
    }

    #[test]
    fn f92_the_nearest_names_are_told() {
        let catalog = catalog(&["gpt-5.4", "gpt-5.5", "gpt-5.5-mini", "glm-4.5"]);
        let cases: [(&str, &[&str]); 4] = [
            ("gpt-5.5-max", &["gpt-5.5-mini", "gpt-5.5", "gpt-5.4"]),
            ("GPT-5.4", &["gpt-5.4", "gpt-5.5", "gpt-5.5-mini"]),
            ("claude", &[]),
            ("", &[]),
        ];
        for (asked, expected) in cases {
            assert_eq!(nearest(&catalog, asked), expected, "{asked}");
        }
        assert!(not_found(&catalog, &"x".repeat(9_000)).message.len() < 300);
    }
}
