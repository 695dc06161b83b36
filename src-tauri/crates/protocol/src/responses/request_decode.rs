//! A Responses request → the common form.
//!
//! Takes what real clients send: items without a type (T14), chat-shaped items (T86), tools inside the input (T50). Called by the hub.

use super::{
    items_decode,
    tools_decode::{tool_choice, tools},
    wire::QUIET,
};
use crate::{
    canonical::{
        fields::{any, array, boolean, missing, number, object, text, unsigned, word},
        request::{Format, Losses, Request, Settings},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// Reads a whole request body.
pub(crate) fn decode<'a>(body: &'a str, losses: &mut Losses) -> Result<Request<'a>, RequestError> {
    let mut request = Request::default();
    let mut input = false;
    let mut lifted = Vec::new();
    let (mut effort, mut variant) = (None, None);
    let mut reader = Reader::new(body);
    object(&mut reader, &"body", |key, value| {
        match key {
            "input" => {
                input = true;
                request.items = items_decode::input(value, &mut lifted, losses)?;
            }
            "instructions" => request.instructions = word(value, &key)?,
            "tools" => tools(value, &"tools", None, &mut request.tools, losses)?,
            "tool_choice" => request.tool_choice = tool_choice(value)?,
            "previous_response_id" => {
                stored(value, "previous_response_id", "previous_response_not_found")?
            }
            "conversation" => stored(value, "conversation", "conversation_not_found")?,
            "prompt" => {
                if any(value)?.is_some() {
                    return Err(RequestError::field(
                        "prompt",
                        "Stored prompts belong to one provider's account: send the text as input.",
                    ));
                }
            }
            "background" => {
                if boolean(value, &key)? == Some(true) {
                    return Err(RequestError::field(
                        "background",
                        "Background answers are not available on this account (T135).",
                    ));
                }
            }
            "reasoning_effort" => effort = word(value, &key)?,
            "variant" => variant = word(value, &key)?,
            key => setting(key, value, &mut request.settings, losses)?,
        }
        Ok(())
    })?;
    reader.end()?;
    // F90: the order in which the body's own words count.
    let told = request.settings.effort.take();
    request.settings.effort = told.or(effort).or(variant);
    if !input {
        return Err(missing(&"input"));
    }
    request.tools.extend(lifted);
    Ok(request)
}

/// State that only another provider's store could resolve (T136, T138).
fn stored(
    value: &mut Reader<'_>,
    param: &'static str,
    code: &'static str,
) -> Result<(), RequestError> {
    if any(value)?.is_none() {
        return Ok(());
    }
    let message = "Earlier answers are not stored here: send the whole conversation as input.";
    Err(RequestError::field(param, message).coded(Some(code)))
}

fn setting<'a>(
    key: &str,
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    match key {
        "max_output_tokens" => settings.max_output_tokens = unsigned(value, &key)?,
        "temperature" => settings.temperature = number(value, &key)?,
        "top_p" => settings.top_p = number(value, &key)?,
        "top_logprobs" => settings.top_logprobs = number(value, &key)?.filter(|n| *n != "0"),
        "parallel_tool_calls" => settings.parallel_tool_calls = boolean(value, &key)?,
        "store" => settings.store = boolean(value, &key)?,
        "metadata" => settings.metadata = any(value)?.filter(|raw| *raw != "{}"),
        "user" => settings.user = word(value, &key)?,
        "safety_identifier" => settings.safety_identifier = word(value, &key)?,
        "prompt_cache_key" => settings.prompt_cache_key = word(value, &key)?,
        "prompt_cache_retention" => settings.prompt_cache_retention = word(value, &key)?,
        "service_tier" => settings.service_tier = word(value, &key)?,
        "reasoning" => reasoning(value, settings, losses)?,
        "text" => format(value, settings, losses)?,
        "include" => {
            if !value.null()? {
                array(value, &key, |_, value| {
                    match value
                        .string_or_skip()?
                        .as_ref()
                        .map(Text::decode)
                        .as_deref()
                    {
                        Some("message.output_text.logprobs") => settings.logprobs = true,
                        // Sealed thoughts come and go without being asked for.
                        Some("reasoning.encrypted_content") | None => {}
                        Some(word) => losses.unknown_key("include", word),
                    }
                    Ok(())
                })?;
            }
        }
        key if QUIET.contains(&key) => value.skip()?,
        _ => {
            if any(value)?.is_some() {
                losses.dropped(key.to_owned(), "the account's dialect has no such field");
            }
        }
    }
    Ok(())
}

fn reasoning<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, &"reasoning", |key, value| {
        match key {
            "effort" => settings.effort = word(value, &"reasoning.effort")?,
            "summary" => settings.summary = word(value, &"reasoning.summary")?,
            // The older name.
            "generate_summary" => {
                let told = word(value, &"reasoning.generate_summary")?;
                settings.summary = settings.summary.take().or(told);
            }
            key => losses.unknown("reasoning", key, value)?,
        }
        Ok(())
    })
}

/// `text: {format, verbosity}` (T126).
fn format<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    object(value, &"text", |key, value| {
        match key {
            "verbosity" => settings.verbosity = word(value, &"text.verbosity")?,
            "format" if value.kind()? == Kind::Object => {
                let (mut kind, mut name, mut description, mut schema, mut strict) =
                    (None, None, None, None, None);
                object(value, &"text.format", |key, value| {
                    match key {
                        "type" => kind = text(value, &"text.format.type")?,
                        "name" => name = word(value, &"text.format.name")?,
                        "description" => description = text(value, &"text.format.description")?,
                        "schema" => schema = any(value)?,
                        "strict" => strict = boolean(value, &"text.format.strict")?,
                        key => losses.unknown("text.format", key, value)?,
                    }
                    Ok(())
                })?;
                settings.format = match kind.map(|kind| kind.decode().into_owned()).as_deref() {
                    Some("json_object") => Some(Format::JsonObject),
                    Some("json_schema") => Some(Format::JsonSchema {
                        name,
                        description,
                        schema: schema.map(std::borrow::Cow::Borrowed),
                        strict,
                    }),
                    Some("text") | None => None,
                    Some(_) => {
                        return Err(RequestError::field(
                            "text.format",
                            "Unknown format: use text, json_object or json_schema.",
                        ));
                    }
                };
            }
            key => losses.unknown("text", key, value)?,
        }
        Ok(())
    })
}
