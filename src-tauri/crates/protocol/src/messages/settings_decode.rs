//! Limits, sampling, thinking and hints of a Messages request → the common form. Called by `request_decode`.

use super::wire::{QUIET, effort, mark};
use crate::{
    canonical::{
        fields::{any, number, object, text, unsigned, word},
        request::{Format, Losses, Settings},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// The longest `user` that the OpenAI dialects take (T132).
const LONGEST_USER: usize = 64;

/// Reads one member of the body.
pub(super) fn setting<'a>(
    key: &str,
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    match key {
        "max_tokens" => settings.max_output_tokens = unsigned(value, &key)?,
        "temperature" => settings.temperature = number(value, &key)?,
        "top_p" => settings.top_p = number(value, &key)?,
        "stop_sequences" => settings.stop = any(value)?.filter(|raw| raw.len() > 2),
        "thinking" => thinking(value, settings, losses)?,
        "output_config" => output_config(value, settings, losses)?,
        "output_format" => settings.format = format(value, losses)?,
        "metadata" => metadata(value, settings, losses)?,
        "service_tier" => {
            // T131: `auto` is everybody's default, the other word only the vendor's.
            if word(value, &key)?.is_some_and(|tier| !tier.is("auto")) {
                losses.dropped(
                    key.to_owned(),
                    "the account's dialect has no such tier (T131)",
                );
            }
        }
        key if QUIET.contains(&key) => value.skip()?,
        _ => {
            if any(value)?.is_some_and(|raw| !matches!(raw, "[]" | "{}")) {
                losses.dropped(key.to_owned(), "the account's dialect has no such field");
            }
        }
    }
    Ok(())
}

/// `thinking` by budget becomes an effort (F79); by the model's own measure it is `output_config.effort` that counts.
fn thinking<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    let (mut kind, mut budget) = (None, None);
    object(value, &"thinking", |key, value| {
        match key {
            "type" => kind = text(value, &"thinking.type")?,
            "budget_tokens" => budget = unsigned(value, &"thinking.budget_tokens")?,
            key => losses.unknown("thinking", key, value)?,
        }
        Ok(())
    })?;
    match kind.map(|kind| kind.decode().into_owned()).as_deref() {
        Some("enabled") => {
            if settings.effort.is_none() {
                let word = effort(budget.unwrap_or(u64::MAX));
                settings.effort = Some(Text::spell(word));
            }
            settings.summary = Some(Text::spell("auto"));
        }
        Some("adaptive") => settings.summary = Some(Text::spell("auto")),
        // Not every model can be told not to think, and a wrong word is a refusal (T96).
        Some("disabled") => losses.dropped(
            "thinking",
            "whether the account's model thinks is left to its default",
        ),
        _ => {
            return Err(RequestError::field(
                "thinking.type",
                "Unknown thinking type: use enabled, adaptive or disabled.",
            ));
        }
    }
    Ok(())
}

fn output_config<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, &"output_config", |key, value| {
        match key {
            "effort" => {
                if let Some(effort) = word(value, &"output_config.effort")? {
                    // The highest word of the other dialects.
                    settings.effort = Some(if effort.is("max") {
                        Text::spell("xhigh")
                    } else {
                        effort
                    });
                }
            }
            "format" => settings.format = format(value, losses)?,
            key => losses.unknown("output_config", key, value)?,
        }
        Ok(())
    })
}

/// `{type: json_schema, schema}` (T127).
fn format<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Option<Format<'a>>, RequestError> {
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(None);
    }
    let mut schema = None;
    object(value, &"output_config.format", |key, value| {
        match key {
            "schema" => schema = any(value)?,
            "type" => value.skip()?,
            key => losses.unknown("output_config.format", key, value)?,
        }
        Ok(())
    })?;
    Ok(Some(Format::JsonSchema {
        name: None,
        description: None,
        schema: schema.map(std::borrow::Cow::Borrowed),
        strict: Some(true),
    }))
}

/// `metadata.user_id`: at most 64 characters elsewhere (T132).
fn metadata<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, &"metadata", |key, value| {
        match key {
            "user_id" => {
                settings.user = word(value, &"metadata.user_id")?.map(|user| {
                    if user.raw().len() <= LONGEST_USER && !user.escaped() {
                        user
                    } else {
                        Text::spell(&session(&user.decode()))
                    }
                });
            }
            key => losses.unknown("metadata", key, value)?,
        }
        Ok(())
    })
}

/// A short word for a user id, the same every turn (T132, T133).
pub(crate) fn session(user: &str) -> String {
    format!("user_{:016x}", mark(user.as_bytes()))
}
