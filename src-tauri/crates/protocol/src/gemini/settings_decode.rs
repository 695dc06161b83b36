//! Limits, sampling, thinking and form of a Gemini request → the common form. Called by `request_decode`.

use std::borrow::Cow;

use super::{
    part::members,
    schema_decode::json_schema,
    wire::{camel, effort},
};
use crate::{
    canonical::{
        fields::{any, number, object, text, unsigned, wrong_type},
        request::{Format, Losses, Settings},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// A member of the body that is nothing the other dialects have. `key` in the dialect's own spelling.
pub(super) fn setting(
    key: &str,
    value: &mut Reader<'_>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    match key {
        // The gateway's own business; how many answers is looked at before.
        "model" | "stream" => value.skip()?,
        "cachedContent" => {
            if any(value)?.is_some_and(|raw| raw != "\"\"") {
                return Err(RequestError::field(
                    key.to_owned(),
                    "Cached content lies at one provider's account: send the content itself, or use an account that speaks Gemini.",
                ));
            }
        }
        _ => {
            if any(value)?.is_some_and(|raw| !matches!(raw, "[]" | "{}")) {
                losses.dropped(key.to_owned(), "the account's dialect has no such field");
            }
        }
    }
    Ok(())
}

/// Reads `generationConfig`.
pub(super) fn generation<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    let mut form = Form::default();
    object(value, &"generationConfig", |key, value| {
        let key = camel(key);
        let param = format_args!("generationConfig.{key}");
        match key.as_ref() {
            "maxOutputTokens" => settings.max_output_tokens = unsigned(value, &param)?,
            "temperature" => settings.temperature = number(value, &param)?,
            "topP" => settings.top_p = number(value, &param)?,
            "presencePenalty" => settings.presence_penalty = number(value, &param)?,
            "frequencyPenalty" => settings.frequency_penalty = number(value, &param)?,
            "seed" => settings.seed = number(value, &param)?,
            "stopSequences" => settings.stop = any(value)?.filter(|raw| raw.len() > 2),
            "candidateCount" => value.skip()?,
            "responseMimeType" => form.kind = text(value, &param)?,
            "responseSchema" => form.own = any(value)?,
            "responseJsonSchema" => form.json = any(value)?,
            "thinkingConfig" => thinking(value, settings, losses)?,
            "responseModalities" => modalities(value, &key, losses)?,
            _ => {
                if any(value)?.is_some_and(|raw| !matches!(raw, "[]" | "{}" | "false" | "0")) {
                    losses.dropped(
                        format!("generationConfig.{key}"),
                        "the account's dialect has no such field (T123)",
                    );
                }
            }
        }
        Ok(())
    })?;
    settings.format = form.format(losses);
    Ok(())
}

/// `responseModalities`: an answer without words is another kind of answer, pictures beside words are a loss.
fn modalities(value: &mut Reader<'_>, key: &str, losses: &mut Losses) -> Result<(), RequestError> {
    let Some(raw) = any(value)? else {
        return Ok(());
    };
    let wanted = raw.to_ascii_uppercase();
    if wanted.contains("IMAGE") || wanted.contains("AUDIO") {
        if !wanted.contains("TEXT") {
            return Err(RequestError::field(
                format!("generationConfig.{key}"),
                "This account answers in text: ask for TEXT, or use an account that speaks Gemini.",
            ));
        }
        losses.dropped(
            format!("generationConfig.{key}"),
            "the account answers in text alone",
        );
    }
    Ok(())
}

/// `thinkingConfig`: a budget or a level becomes an effort, and thoughts are shown when they are asked for (T110, T111).
fn thinking<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    if value.kind()? != Kind::Object {
        return Err(wrong_type(&"generationConfig.thinkingConfig", "an object"));
    }
    let (mut budget, mut level, mut show) = (None, None, false);
    members(value, |key, value| {
        match key {
            "thinkingBudget" => budget = value.raw()?.parse::<f64>().ok(),
            "thinkingLevel" => level = value.string_or_skip()?,
            "includeThoughts" => show = value.bool_or_skip()?.unwrap_or(false),
            key => losses.unknown("generationConfig.thinkingConfig", key, value)?,
        }
        Ok(())
    })?;
    let level = level.map(|level| level.decode().to_ascii_lowercase());
    let word = match level.as_deref() {
        Some("minimal") => Some("minimal"),
        Some("low") => Some("low"),
        Some("medium") => Some("medium"),
        Some("high") => Some("high"),
        Some(word) if !word.ends_with("unspecified") => {
            losses.dropped(
                "generationConfig.thinkingConfig.thinkingLevel",
                "the level is not known here: the model decides",
            );
            None
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number too large for the type is its largest"
        )]
        _ => budget.and_then(|budget| effort(budget as i64)),
    };
    settings.effort = word.map(Text::spell);
    settings.summary = show.then(|| Text::spell("auto"));
    Ok(())
}

/// The form of the answer, which is told in up to three fields.
#[derive(Default)]
struct Form<'a> {
    kind: Option<Text<'a>>,
    own: Option<&'a str>,
    json: Option<&'a str>,
}

impl<'a> Form<'a> {
    fn format(self, losses: &mut Losses) -> Option<Format<'a>> {
        let kind = self.kind.as_ref().map(Text::decode);
        match kind.as_deref() {
            Some("application/json") => {}
            Some("text/x.enum") => {
                losses.dropped(
                    "generationConfig.responseMimeType",
                    "the account's dialect knows no answer that is one word of a list",
                );
                return None;
            }
            Some("text/plain") | None if self.json.is_none() && self.own.is_none() => return None,
            Some("text/plain") | None => {
                losses.dropped(
                    "generationConfig.responseSchema",
                    "without responseMimeType application/json it binds nothing",
                );
                return None;
            }
            Some(_) => {
                losses.dropped(
                    "generationConfig.responseMimeType",
                    "the account's dialect knows no such form of an answer",
                );
                return None;
            }
        }
        let schema = self.json.map(Cow::Borrowed).or(self.own.map(json_schema));
        Some(match schema {
            None => Format::JsonObject,
            Some(schema) => Format::JsonSchema {
                name: None,
                description: None,
                schema: Some(schema),
                // T45: only a schema that was made for it is strict.
                strict: Some(false),
            },
        })
    }
}
