//! Reads a Responses body into a prompt, with the checks that the OpenAI API makes on every route. Called by `codex` and `relay`.

use std::collections::HashMap;

use serde_json::Value;

use super::{Refusal, checks, image, input_tokens, text_of};
use crate::brain::{AnswerForm, Prompt, Thinking, Tool, ToolChoice, ToolInput};

/// Reads a body.
///
/// # Errors
/// The refusal the API would answer.
pub(crate) fn read(body: &Value) -> Result<Prompt, Refusal> {
    let Some(fields) = body.as_object() else {
        return Err(Refusal::bad(
            "We could not parse the JSON body of your request: it is not an object.",
        ));
    };
    let Some(model) = fields
        .get("model")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
    else {
        return Err(Refusal::bad("Missing required parameter: 'model'.")
            .param("model")
            .code("missing_required_parameter"));
    };
    checks::foreign_parameters(body, false)?;
    let mut prompt = Prompt {
        model: model.to_owned(),
        input_tokens: input_tokens(body),
        ..Prompt::default()
    };
    let tools = fields.get("tools").and_then(Value::as_array);
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        if matches!(tool["type"].as_str(), Some("function" | "custom")) {
            checks::tool(tool, &format!("tools[{index}]"))?;
        }
        read_tool(tool, None, &mut prompt.tools);
    }
    match fields.get("input") {
        Some(Value::String(text)) => prompt.ask = text.clone(),
        Some(Value::Array(items)) => {
            check_pairs(items)?;
            let stored = body["store"] != false;
            for (index, item) in items.iter().enumerate() {
                checks::item(item, kind_of(item), index, stored)?;
                read_item(index, item, &mut prompt)?;
            }
        }
        Some(_) => {
            return Err(Refusal::bad(
                "Invalid type for 'input': expected one of an array or string.",
            )
            .param("input")
            .code("invalid_type"));
        }
        None => {
            return Err(Refusal::bad("Missing required parameter: 'input'.")
                .param("input")
                .code("missing_required_parameter"));
        }
    }
    prompt.parallel = fields
        .get("parallel_tool_calls")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    prompt.draw = drawing(body)?;
    prompt.choice = tool_choice(&body["tool_choice"], &mut prompt.tools)?;
    prompt.form = match body["text"]["format"]["type"].as_str() {
        Some("json_schema") => {
            let format = &body["text"]["format"];
            if format["strict"] == true {
                checks::strict_schema(
                    &format["schema"],
                    format["name"].as_str().unwrap_or_default(),
                    "text.format.schema",
                )?;
            }
            AnswerForm::Schema(format["schema"].clone())
        }
        Some("json_object") => AnswerForm::JsonObject,
        _ => AnswerForm::Text,
    };
    let reasoning = &body["reasoning"];
    let includes = |wanted: &str| {
        body["include"]
            .as_array()
            .is_some_and(|list| list.iter().any(|entry| entry == wanted))
    };
    prompt.thinking = Thinking {
        on: reasoning.is_object() && reasoning["effort"] != "none",
        summary: reasoning["summary"]
            .as_str()
            .is_some_and(|kind| kind != "none"),
        encrypted: includes("reasoning.encrypted_content"),
    };
    prompt.max_output = body["max_output_tokens"].as_u64();
    Ok(prompt)
}

fn read_tool(tool: &Value, namespace: Option<&str>, out: &mut Vec<Tool>) {
    let name = tool["name"].as_str().unwrap_or_default().to_owned();
    let namespace_owned = namespace.map(str::to_owned);
    match tool["type"].as_str() {
        Some("function") => out.push(Tool {
            name,
            namespace: namespace_owned,
            input: ToolInput::Json(tool["parameters"].clone()),
        }),
        Some("custom") => out.push(Tool {
            name,
            namespace: namespace_owned,
            input: ToolInput::Text,
        }),
        Some("local_shell") => out.push(Tool {
            name: "local_shell".to_owned(),
            namespace: None,
            input: ToolInput::LocalShell,
        }),
        Some("namespace") => {
            for inner in tool["tools"].as_array().into_iter().flatten() {
                read_tool(inner, Some(&name), out);
            }
        }
        // Hosted tools run at the provider; the brain has none.
        _ => {}
    }
}

/// An item's type; one with a role alone is a message.
fn kind_of(item: &Value) -> &str {
    let implied = if item.get("role").is_some() {
        "message"
    } else {
        ""
    };
    item["type"].as_str().unwrap_or(implied)
}

fn read_item(index: usize, item: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    match kind_of(item) {
        "message" => match item["role"].as_str() {
            Some("user") => {
                prompt.ask = text_of(&item["content"]);
                prompt.results.clear();
                let parts = item["content"].as_array().into_iter().flatten();
                prompt.images = parts
                    .filter(|part| part["type"] == "input_image")
                    .map(|part| image(part["image_url"].as_str().unwrap_or_default()))
                    .collect();
            }
            Some("assistant") => prompt.results.clear(),
            Some("system" | "developer") => {}
            _ => {
                let text = format!(
                    "Invalid value for 'input[{index}].role'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
                );
                return Err(Refusal::bad(text)
                    .param(format!("input[{index}].role"))
                    .code("invalid_value"));
            }
        },
        "additional_tools" => {
            for tool in item["tools"].as_array().into_iter().flatten() {
                read_tool(tool, None, &mut prompt.tools);
            }
        }
        "function_call_output"
        | "custom_tool_call_output"
        | "local_shell_call_output"
        | "shell_call_output" => {
            prompt.results.push(text_of(&item["output"]));
        }
        "" => {
            return Err(Refusal::bad(format!(
                "Missing required parameter: 'input[{index}].type'."
            ))
            .param(format!("input[{index}].type")));
        }
        _ => {}
    }
    Ok(())
}

/// Every output needs its call before it, every call its output after it.
fn check_pairs(items: &[Value]) -> Result<(), Refusal> {
    let mut open: HashMap<&str, &str> = HashMap::new();
    for item in items {
        let (kind, id) = (
            item["type"].as_str().unwrap_or_default(),
            item["call_id"].as_str().unwrap_or_default(),
        );
        match kind {
            "function_call" | "custom_tool_call" | "local_shell_call" => {
                open.insert(id, kind);
            }
            "function_call_output" | "custom_tool_call_output" | "local_shell_call_output" => {
                // An output of the wrong kind does not answer the call. The CLI answers local_shell with a function output.
                let fits = open.get(id).is_some_and(|call| {
                    kind.strip_suffix("_output") == Some(*call)
                        || (*call == "local_shell_call" && kind == "function_call_output")
                });
                if !fits {
                    let what = if kind == "custom_tool_call_output" {
                        "custom tool call"
                    } else {
                        "function call"
                    };
                    return Err(Refusal::bad(format!(
                        "No tool call found for {what} output with call_id {id}."
                    ))
                    .param("input"));
                }
                open.remove(id);
            }
            _ => {}
        }
    }
    match open.iter().min() {
        Some((id, kind)) => {
            let what = if *kind == "custom_tool_call" {
                "custom tool call"
            } else {
                "function call"
            };
            Err(Refusal::bad(format!("No tool output found for {what} {id}.")).param("input"))
        }
        None => Ok(()),
    }
}

/// The image tool, where the request demands that it is called.
fn drawing(body: &Value) -> Result<Option<Value>, Refusal> {
    if body["tool_choice"]["type"] != "image_generation" {
        return Ok(None);
    }
    let mut tools = body["tools"].as_array().into_iter().flatten();
    match tools.find(|tool| tool["type"] == "image_generation") {
        Some(tool) => Ok(Some(tool.clone())),
        None => Err(
            Refusal::bad("Tool choice 'image_generation' not found in 'tools' parameter.")
                .param("tool_choice"),
        ),
    }
}

fn tool_choice(choice: &Value, tools: &mut Vec<Tool>) -> Result<ToolChoice, Refusal> {
    let mode = |word: &str| match word {
        "none" => ToolChoice::None,
        "required" => ToolChoice::Required,
        _ => ToolChoice::Auto,
    };
    if let Some(word) = choice.as_str() {
        return Ok(mode(word));
    }
    match choice["type"].as_str() {
        Some("function" | "custom") => {
            let name = choice["name"].as_str().unwrap_or_default();
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(ToolChoice::Named(name.to_owned()));
            }
            Err(Refusal::bad(format!(
                "Tool choice '{name}' not found in 'tools' parameter."
            ))
            .param("tool_choice"))
        }
        Some("allowed_tools") => {
            let allowed: Vec<&str> = choice["tools"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|tool| tool["name"].as_str())
                .collect();
            tools.retain(|tool| allowed.contains(&tool.name.as_str()));
            Ok(mode(choice["mode"].as_str().unwrap_or("auto")))
        }
        _ => Ok(ToolChoice::Auto),
    }
}
