//! The tools and the tool choice of a Messages request → the common form. Called by `request_decode`.

use super::{parts_decode::Met, wire::TYPED_TOOLS};
use crate::{
    canonical::{
        fields::{any, array, boolean, missing, object, text, word},
        request::{Chosen, Losses, Settings, Tool, ToolChoice},
    },
    json::read::Reader,
    types::{Dialect, RequestError},
};

/// Reads the tools of an array. Flags that only say when a tool is loaded or how it streams are the vendor's own (T57).
pub(super) fn tools<'a>(
    value: &mut Reader<'a>,
    met: &mut Met,
    tools: &mut Vec<Tool<'a>>,
    losses: &mut Losses,
) -> Result<(), RequestError> {
    if value.null()? {
        return Ok(());
    }
    array(value, &"tools", |at, value| {
        let param = format_args!("tools[{at}]");
        let mut native = value.clone();
        let (mut kind, mut name, mut description, mut parameters, mut strict) =
            (None, None, None, None, None);
        let mut more = Vec::new();
        object(value, &param, |key, value| {
            let field = format_args!("{param}.{key}");
            match key {
                "type" => kind = word(value, &field)?,
                "name" => name = word(value, &field)?,
                "description" => description = text(value, &field)?,
                "input_schema" => parameters = any(value)?,
                "strict" => strict = boolean(value, &field)?,
                "cache_control" => met.mark(any(value)?.is_some()),
                "defer_loading" | "eager_input_streaming" => value.skip()?,
                key => {
                    more.push(key.to_owned());
                    value.skip()?;
                }
            }
            Ok(())
        })?;
        let own = kind.as_ref().is_none_or(|kind| kind.is("custom")) || parameters.is_some();
        if own {
            for key in &more {
                losses.unknown_key("tools[]", key);
            }
            tools.push(Tool::Function {
                name: name.ok_or_else(|| missing(&format_args!("{param}.name")))?,
                namespace: None,
                description,
                parameters: parameters.map(std::borrow::Cow::Borrowed),
                strict,
            });
            return Ok(());
        }
        let kind = kind.unwrap_or_default();
        if TYPED_TOOLS.iter().any(|word| kind.raw().starts_with(word)) {
            // T54: without its schema another model would guess, and the client would run the guess.
            return Err(RequestError::field(
                format!("{param}.type"),
                format!(
                    "The tool type {} has a schema that only Anthropic models know: use an account that speaks Anthropic Messages, or declare the tool with an input_schema.",
                    kind.decode()
                ),
            ));
        }
        tools.push(Tool::Hosted {
            origin: Dialect::Messages,
            kind,
            native: native.raw()?,
        });
        Ok(())
    })
}

/// Reads `tool_choice` (table C4), with the word on parallel calls that stands in it.
pub(super) fn tool_choice<'a>(
    value: &mut Reader<'a>,
    settings: &mut Settings<'a>,
) -> Result<Option<ToolChoice<'a>>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    let (mut kind, mut name, mut single) = (None, None, None);
    object(value, &"tool_choice", |key, value| {
        match key {
            "type" => kind = text(value, &"tool_choice.type")?,
            "name" => name = word(value, &"tool_choice.name")?,
            "disable_parallel_tool_use" => {
                single = boolean(value, &"tool_choice.disable_parallel_tool_use")?
            }
            _ => value.skip()?,
        }
        Ok(())
    })?;
    if single == Some(true) {
        settings.parallel_tool_calls = Some(false);
    }
    let kind = kind.ok_or_else(|| missing(&"tool_choice.type"))?;
    match kind.decode().as_ref() {
        "auto" => Ok(Some(ToolChoice::Auto)),
        "any" => Ok(Some(ToolChoice::Required)),
        "none" => Ok(Some(ToolChoice::None)),
        "tool" => Ok(Some(ToolChoice::Named(Chosen {
            namespace: None,
            name: name.ok_or_else(|| missing(&"tool_choice.name"))?,
            custom: false,
        }))),
        _ => Err(RequestError::field(
            "tool_choice.type",
            "Unknown tool_choice: use auto, any, tool or none.",
        )),
    }
}
