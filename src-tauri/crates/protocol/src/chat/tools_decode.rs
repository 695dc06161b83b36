//! The tools and the tool choice of a Chat Completions request → the common form. Called by `request_decode`.

use std::fmt::Display;

use crate::{
    canonical::{
        fields::{any, array, boolean, missing, object, text, word, wrong_type},
        request::{Chosen, Losses, Tool, ToolChoice},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::{Dialect, RequestError},
};

/// Appends the tools of an array.
pub(super) fn tools<'a>(
    value: &mut Reader<'a>,
    tools: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    array(value, &"tools", |at, value| {
        let param = format_args!("tools[{at}]");
        let mut native = value.clone();
        let (mut kind, mut tool, mut flat) = (None, None, false);
        let mut more = Vec::new();
        object(value, &param, |key, value| {
            match key {
                "type" => kind = text(value, &param)?,
                "name" => {
                    flat = true;
                    value.skip()?;
                }
                "function" => tool = Some(defined(value, &param, false, losses)?),
                "custom" => tool = Some(defined(value, &param, true, losses)?),
                key => {
                    more.push(key.to_owned());
                    value.skip()?;
                }
            }
            Ok(())
        })?;
        match (tool, kind) {
            // T53: the spelling of Responses. Its client reads answers as if there were functions only.
            (None, Some(kind)) if flat && (kind.is("function") || kind.is("custom")) => {
                let mut tool = defined(&mut native, &param, kind.is("custom"), losses)?;
                if let Tool::Custom { as_function, .. } = &mut tool {
                    *as_function = true;
                }
                tools.push(tool);
            }
            (Some(tool), _) => {
                // A tool of the provider's own is kept or lost as a whole.
                for key in &more {
                    losses.unknown_key("tools[]", key);
                }
                tools.push(tool);
            }
            (None, Some(kind)) if !kind.is("function") && !kind.is("custom") => {
                tools.push(Tool::Hosted {
                    origin: Dialect::Chat,
                    kind,
                    native: native.raw()?,
                });
            }
            _ => return Err(missing(&format_args!("{param}.function"))),
        }
        Ok(())
    })
}

/// The older form.
pub(super) fn legacy_tools<'a>(
    value: &mut Reader<'a>,
    tools: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    array(value, &"functions", |at, value| {
        let param = format_args!("functions[{at}]");
        tools.push(defined(value, &param, false, losses)?);
        Ok(())
    })
}

fn defined<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    custom: bool,
    losses: &mut Losses,
) -> Result<Tool<'a>, RequestError> {
    let (mut name, mut description, mut parameters, mut strict, mut format) =
        (None, None, None, None, None);
    object(value, param, |key, value| {
        match key {
            "name" => name = word(value, param)?,
            "description" => description = text(value, param)?,
            "parameters" => parameters = any(value)?,
            "strict" => strict = boolean(value, param)?,
            "format" => format = any(value)?,
            key => losses.unknown("tools[].function", key, value)?,
        }
        Ok(())
    })?;
    let name = name.ok_or_else(|| missing(&format_args!("{param}.function.name")))?;
    Ok(if custom {
        Tool::Custom {
            name,
            namespace: None,
            description,
            format,
            as_function: false,
        }
    } else {
        Tool::Function {
            name,
            namespace: None,
            description,
            parameters: parameters.map(std::borrow::Cow::Borrowed),
            strict,
        }
    })
}

/// Reads `tool_choice` (table C4).
pub(super) fn tool_choice<'a>(
    value: &mut Reader<'a>,
) -> Result<Option<ToolChoice<'a>>, RequestError> {
    match value.kind()? {
        Kind::Null => Ok(value.skip().map(|()| None)?),
        Kind::String => choice_word(&value.string()?).map(Some),
        Kind::Object => {
            let (mut choice, mut flat) = (None, None);
            let mut custom = false;
            object(value, &"tool_choice", |key, value| {
                match key {
                    "type" => {
                        custom = text(value, &"tool_choice")?.is_some_and(|kind| kind.is("custom"))
                    }
                    "name" => flat = word(value, &"tool_choice")?,
                    "function" => choice = Some(ToolChoice::Named(chosen(value, false)?)),
                    "custom" => choice = Some(ToolChoice::Named(chosen(value, true)?)),
                    "allowed_tools" => choice = Some(allowed(value)?),
                    _ => value.skip()?,
                }
                Ok(())
            })?;
            // T53.
            let flat = flat.map(|name| {
                ToolChoice::Named(Chosen {
                    namespace: None,
                    name,
                    custom,
                })
            });
            choice
                .or(flat)
                .map(Some)
                .ok_or_else(|| missing(&"tool_choice.function"))
        }
        _ => Err(wrong_type(&"tool_choice", "a string or an object")),
    }
}

fn choice_word<'a>(word: &Text<'_>) -> Result<ToolChoice<'a>, RequestError> {
    match word.decode().as_ref() {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" | "any" => Ok(ToolChoice::Required),
        _ => Err(RequestError::field(
            "tool_choice",
            "Unknown tool_choice: use auto, none, required or a named tool.",
        )),
    }
}

fn chosen<'a>(value: &mut Reader<'a>, custom: bool) -> Result<Chosen<'a>, RequestError> {
    let mut name = None;
    object(value, &"tool_choice", |key, value| {
        match key {
            "name" => name = word(value, &"tool_choice")?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(Chosen {
        namespace: None,
        name: name.ok_or_else(|| missing(&"tool_choice.function.name"))?,
        custom,
    })
}

fn allowed<'a>(value: &mut Reader<'a>) -> Result<ToolChoice<'a>, RequestError> {
    let (mut required, mut tools) = (false, Vec::new());
    object(value, &"tool_choice.allowed_tools", |key, value| {
        match key {
            "mode" => {
                required = text(value, &"tool_choice")?.is_some_and(|mode| mode.is("required"))
            }
            "tools" => array(value, &"tool_choice.allowed_tools.tools", |_, value| {
                object(value, &"tool_choice.allowed_tools.tools", |key, value| {
                    match key {
                        "function" => tools.push(chosen(value, false)?),
                        "custom" => tools.push(chosen(value, true)?),
                        _ => value.skip()?,
                    }
                    Ok(())
                })
            })?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(ToolChoice::Allowed { required, tools })
}

/// The older form.
pub(super) fn legacy_choice<'a>(
    value: &mut Reader<'a>,
) -> Result<Option<ToolChoice<'a>>, RequestError> {
    match value.kind()? {
        Kind::Null => Ok(value.skip().map(|()| None)?),
        Kind::String => choice_word(&value.string()?).map(Some),
        _ => chosen(value, false).map(|chosen| Some(ToolChoice::Named(chosen))),
    }
}
