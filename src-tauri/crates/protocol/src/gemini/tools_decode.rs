//! The tools and the tool choice of a Gemini request → the common form. Called by `request_decode`.

use std::borrow::Cow;

use super::{
    schema_decode::json_schema,
    wire::{camel, each},
};
use crate::{
    canonical::{
        fields::{any, array, missing, object, text, word},
        request::{Chosen, Losses, Tool, ToolChoice},
    },
    json::{read::Reader, text::Text},
    types::{Dialect, RequestError},
};

/// Reads the tools of an array: declarations of functions, and tools that run at the vendor, each by its name.
pub(super) fn tools<'a>(
    value: &mut Reader<'a>,
    tools: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    each(value, &"tools", |at, value| {
        object(
            value,
            &format_args!("tools[{at}]"),
            |key, value| match camel(key).as_ref() {
                "functionDeclarations" => {
                    let param = format!("tools[{at}].functionDeclarations");
                    each(value, &param, |n, value| {
                        tools.push(declaration(value, &format!("{param}[{n}]"), losses)?);
                        Ok(())
                    })
                }
                kind => {
                    if let Some(native) = any(value)? {
                        tools.push(Tool::Hosted {
                            origin: Dialect::Gemini,
                            kind: Text::spell(kind),
                            native,
                        });
                    }
                    Ok(())
                }
            },
        )
    })
}

fn declaration<'a>(
    value: &mut Reader<'a>,
    param: &str,
    losses: &mut Losses,
) -> Result<Tool<'a>, RequestError> {
    let (mut name, mut description, mut own, mut json) = (None, None, None, None);
    object(value, &param, |key, value| {
        match camel(key).as_ref() {
            "name" => name = word(value, &format_args!("{param}.name"))?,
            "description" => description = text(value, &format_args!("{param}.description"))?,
            "parameters" => own = any(value)?,
            "parametersJsonSchema" => json = any(value)?,
            key => losses.unknown("tools[].functionDeclarations[]", key, value)?,
        }
        Ok(())
    })?;
    Ok(Tool::Function {
        name: name.ok_or_else(|| missing(&format_args!("{param}.name")))?,
        namespace: None,
        description,
        parameters: json.map(Cow::Borrowed).or(own.map(json_schema)),
        strict: None,
    })
}

/// Reads `toolConfig` (table C4).
pub(super) fn tool_config<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Option<ToolChoice<'a>>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    let param = "toolConfig.functionCallingConfig";
    let (mut mode, mut names) = (None, Vec::new());
    object(value, &"toolConfig", |key, value| {
        if camel(key) != "functionCallingConfig" {
            return Ok(losses.unknown("toolConfig", key, value)?);
        }
        if value.null()? {
            return Ok(());
        }
        object(value, &param, |key, value| {
            match camel(key).as_ref() {
                "mode" => mode = text(value, &format_args!("{param}.mode"))?,
                "allowedFunctionNames" => {
                    if !value.null()? {
                        array(value, &format_args!("{param}.{key}"), |_, value| {
                            names.extend(word(value, &format_args!("{param}.{key}"))?.map(
                                |name| Chosen {
                                    namespace: None,
                                    name,
                                    custom: false,
                                },
                            ));
                            Ok(())
                        })?;
                    }
                }
                key => losses.unknown("toolConfig.functionCallingConfig", key, value)?,
            }
            Ok(())
        })
    })?;
    let Some(mode) = mode else {
        return Ok(None);
    };
    Ok(match mode.decode().to_ascii_uppercase().as_str() {
        "MODE_UNSPECIFIED" | "" => None,
        "NONE" => Some(ToolChoice::None),
        "ANY" => Some(match names.pop() {
            None => ToolChoice::Required,
            Some(only) if names.is_empty() => ToolChoice::Named(only),
            Some(last) => {
                names.push(last);
                ToolChoice::Allowed {
                    required: true,
                    tools: names,
                }
            }
        }),
        "AUTO" | "VALIDATED" if names.is_empty() => Some(ToolChoice::Auto),
        "AUTO" | "VALIDATED" => Some(ToolChoice::Allowed {
            required: false,
            tools: names,
        }),
        _ => {
            return Err(RequestError::field(
                format!("{param}.mode"),
                "Unknown mode: use AUTO, ANY, NONE or VALIDATED.",
            ));
        }
    })
}
