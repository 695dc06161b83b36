//! The tools and the tool choice of a Responses request → the common form.
//!
//! Namespaces are opened here (T50): their tools remember where they came from. Called by `request_decode`.

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

/// Appends the tools of an array, those inside namespaces too.
pub(crate) fn tools<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    namespace: Option<&Text<'a>>,
    tools: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    array(value, param, |at, value| {
        let param = format_args!("{param}[{at}]");
        let mut native = value.clone();
        let mut kind = None;
        let (mut name, mut description, mut parameters, mut strict, mut format) =
            (None, None, None, None, None);
        let mut nested: Option<Reader<'a>> = None;
        let mut more = Vec::new();
        object(value, &param, |key, value| {
            match key {
                "type" => kind = text(value, &param)?,
                "name" => name = value.string_or_skip()?.filter(|name| !name.is_empty()),
                "description" => description = value.string_or_skip()?,
                "parameters" => parameters = any(value)?,
                "strict" => strict = boolean(value, &param)?,
                "format" => format = any(value)?,
                "tools" if value.kind()? == Kind::Array => {
                    nested = Some(value.clone());
                    value.skip()?;
                }
                // Chat-shaped tools inside Responses (T86).
                "function" if value.kind()? == Kind::Object => {
                    object(value, &param, |key, value| {
                        match key {
                            "name" => name = word(value, &param)?,
                            "description" => description = value.string_or_skip()?,
                            "parameters" => parameters = any(value)?,
                            "strict" => strict = boolean(value, &param)?,
                            key => losses.unknown("tools[]", key, value)?,
                        }
                        Ok(())
                    })?
                }
                // When a tool is loaded is its provider's own affair (T57).
                "defer_loading" => value.skip()?,
                key => {
                    more.push(key.to_owned());
                    value.skip()?;
                }
            }
            Ok(())
        })?;
        let kind = kind.ok_or_else(|| missing(&format_args!("{param}.type")))?;
        let namespace = namespace.cloned();
        if let "function" | "custom" | "namespace" = kind.decode().as_ref() {
            for key in &more {
                losses.unknown_key("tools[]", key);
            }
        }
        match kind.decode().as_ref() {
            "function" => {
                let name = name.ok_or_else(|| missing(&format_args!("{param}.name")))?;
                tools.push(Tool::Function {
                    name,
                    namespace,
                    description,
                    parameters: parameters.map(std::borrow::Cow::Borrowed),
                    strict,
                });
            }
            "custom" => {
                let name = name.ok_or_else(|| missing(&format_args!("{param}.name")))?;
                tools.push(Tool::Custom {
                    name,
                    namespace,
                    description,
                    format,
                    as_function: false,
                });
            }
            "namespace" if namespace.is_none() => {
                let name = name.ok_or_else(|| missing(&format_args!("{param}.name")))?;
                if let Some(mut nested) = nested {
                    self::tools(
                        &mut nested,
                        &format_args!("{param}.tools"),
                        Some(&name),
                        tools,
                        losses,
                    )?;
                }
            }
            kind => tools.push(Tool::Hosted {
                origin: Dialect::Responses,
                kind: Text::spell(kind),
                native: native.raw()?,
            }),
        }
        Ok(())
    })
}

/// Reads `tool_choice` (table C4).
pub(crate) fn tool_choice<'a>(
    value: &mut Reader<'a>,
) -> Result<Option<ToolChoice<'a>>, RequestError> {
    match value.kind()? {
        Kind::Null => Ok(value.skip().map(|()| None)?),
        Kind::String => match value.string()?.decode().as_ref() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" | "any" => Ok(Some(ToolChoice::Required)),
            _ => Err(RequestError::field(
                "tool_choice",
                "Unknown tool_choice: use auto, none, required or a named tool.",
            )),
        },
        Kind::Object => named_choice(value),
        _ => Err(wrong_type(&"tool_choice", "a string or an object")),
    }
}

fn named_choice<'a>(value: &mut Reader<'a>) -> Result<Option<ToolChoice<'a>>, RequestError> {
    let mut chosen = Pick::default();
    let (mut required, mut tools) = (false, Vec::new());
    object(value, &"tool_choice", |key, value| {
        match key {
            "mode" => {
                required = text(value, &"tool_choice.mode")?.is_some_and(|mode| mode.is("required"))
            }
            "tools" => array(value, &"tool_choice.tools", |_, value| {
                let mut one = Pick::default();
                object(value, &"tool_choice.tools", |key, value| {
                    one.read(key, value)
                })?;
                tools.extend(one.chosen());
                Ok(())
            })?,
            key => chosen.read(key, value)?,
        }
        Ok(())
    })?;
    if chosen
        .kind
        .as_ref()
        .is_some_and(|kind| kind.is("allowed_tools"))
    {
        return Ok(Some(ToolChoice::Allowed { required, tools }));
    }
    match &chosen.kind {
        Some(kind) if !kind.is("function") && !kind.is("custom") => {
            Ok(Some(ToolChoice::Hosted(kind.clone())))
        }
        _ => Ok(chosen.chosen().map(ToolChoice::Named)),
    }
}

#[derive(Default)]
struct Pick<'a> {
    kind: Option<Text<'a>>,
    name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

impl<'a> Pick<'a> {
    fn read(&mut self, key: &str, value: &mut Reader<'a>) -> Result<(), RequestError> {
        match key {
            "type" => self.kind = text(value, &"tool_choice.type")?,
            "name" => self.name = text(value, &"tool_choice.name")?,
            "namespace" => self.namespace = text(value, &"tool_choice.namespace")?,
            "function" if value.kind()? == Kind::Object => {
                object(value, &"tool_choice.function", |key, value| {
                    match key {
                        "name" => self.name = text(value, &"tool_choice.function.name")?,
                        _ => value.skip()?,
                    }
                    Ok(())
                })?
            }
            _ => value.skip()?,
        }
        Ok(())
    }

    fn chosen(self) -> Option<Chosen<'a>> {
        let kind = self.kind?;
        let custom = kind.is("custom");
        if !custom && !kind.is("function") {
            return None;
        }
        Some(Chosen {
            namespace: self.namespace,
            name: self.name?,
            custom,
        })
    }
}
