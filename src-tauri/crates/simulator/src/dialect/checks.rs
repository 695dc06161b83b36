//! What the OpenAI API refuses about the form of a request, whatever the model. Called by `responses_in` and `chat_in`: a gateway that
//! translates must not send such things, so its tests must see the refusal.

use serde_json::Value;

use super::Refusal;

/// Longest identifier of an item or a call.
const LONGEST_ID: usize = 64;
/// Longest tool name.
const LONGEST_NAME: usize = 64;
/// Chat parameters that Responses does not know.
const CHAT_ONLY: &[&str] = &[
    "messages",
    "response_format",
    "reasoning_effort",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "n",
    "functions",
    "function_call",
    "logit_bias",
    "seed",
];
/// Responses parameters that Chat does not know.
const RESPONSES_ONLY: &[&str] = &[
    "input",
    "instructions",
    "include",
    "max_output_tokens",
    "truncation",
    "text",
    "previous_response_id",
];

/// Names a field of the body by its path.
fn at(path: &str, message: &str) -> Refusal {
    Refusal::bad(message).param(path)
}

fn missing(path: &str) -> Refusal {
    at(path, &format!("Missing required parameter: '{path}'.")).code("missing_required_parameter")
}

/// Parameters of the other dialect.
pub(super) fn foreign_parameters(body: &Value, chat: bool) -> Result<(), Refusal> {
    let foreign = if chat { RESPONSES_ONLY } else { CHAT_ONLY };
    match foreign.iter().find(|name| body.get(**name).is_some()) {
        Some(name) if chat => Err(Refusal::bad(format!(
            "Unrecognized request argument supplied: {name}"
        ))),
        Some(name) => {
            Err(at(name, &format!("Unknown parameter: '{name}'.")).code("unknown_parameter"))
        }
        None => Ok(()),
    }
}

/// A tool's name, and its schema where it is strict. `path` is the place of the object that holds them.
pub(super) fn tool(tool: &Value, path: &str) -> Result<(), Refusal> {
    let name = tool["name"]
        .as_str()
        .ok_or_else(|| missing(&format!("{path}.name")))?;
    let path_of_name = format!("{path}.name");
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(at(
            &path_of_name,
            &format!(
                "Invalid '{path_of_name}': expected a string of 1 to {LONGEST_NAME} characters."
            ),
        )
        .code("string_above_max_length"));
    }
    if !name
        .bytes()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-')
    {
        let message = format!(
            "Invalid '{path_of_name}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(at(&path_of_name, &message).code("invalid_value"));
    }
    if tool["strict"] == true {
        strict_schema(&tool["parameters"], name, &format!("{path}.parameters"))
    } else {
        Ok(())
    }
}

/// Strict schemas close every object and require every property.
pub(super) fn strict_schema(schema: &Value, name: &str, path: &str) -> Result<(), Refusal> {
    if let Some(properties) = schema["properties"].as_object() {
        let fault = |what: &str| {
            Err(at(path, &format!("Invalid schema for '{name}': {what}."))
                .code("invalid_function_parameters"))
        };
        if schema["additionalProperties"] != false {
            return fault("'additionalProperties' is required to be supplied and to be false");
        }
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if let Some(left_out) = properties
            .keys()
            .find(|key| !required.contains(&key.as_str()))
        {
            return fault(&format!(
                "'required' must include every key in properties; missing '{left_out}'"
            ));
        }
        properties
            .values()
            .try_for_each(|property| strict_schema(property, name, path))?;
    }
    let inner = schema["$defs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, value)| value);
    inner
        .chain(schema.get("items"))
        .chain(schema["anyOf"].as_array().into_iter().flatten())
        .try_for_each(|part| strict_schema(part, name, path))
}

/// Types of the parts of a message's content.
pub(super) fn parts(content: &Value, allowed: &[&str], path: &str) -> Result<(), Refusal> {
    for (index, part) in content.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{index}].type");
        let kind = part["type"].as_str().ok_or_else(|| missing(&path))?;
        if !allowed.contains(&kind) {
            let list: Vec<String> = allowed.iter().map(|name| format!("'{name}'")).collect();
            return Err(at(
                &path,
                &format!(
                    "Invalid value: '{kind}'. Supported values are: {}.",
                    list.join(", ")
                ),
            )
            .code("invalid_value"));
        }
    }
    Ok(())
}

/// The form of one Responses input item; `stored` tells whether earlier items can be looked up by their id.
pub(super) fn item(item: &Value, kind: &str, index: usize, stored: bool) -> Result<(), Refusal> {
    let path = |field: &str| format!("input[{index}].{field}");
    let (prefix, required): (&str, &[&str]) = match kind {
        "message" => ("msg", &["content"]),
        "reasoning" => ("rs", &["summary"]),
        "function_call" => ("fc", &["call_id", "name", "arguments"]),
        "custom_tool_call" => ("ctc", &["call_id", "name", "input"]),
        "function_call_output" | "custom_tool_call_output" => ("", &["call_id", "output"]),
        _ => ("", &[]),
    };
    if let Some(field) = required.iter().find(|field| item[**field].is_null()) {
        return Err(missing(&path(field)));
    }
    if item
        .get("arguments")
        .is_some_and(|arguments| !arguments.is_string())
    {
        return Err(at(
            &path("arguments"),
            &format!(
                "Invalid type for '{}': expected a string.",
                path("arguments")
            ),
        )
        .code("invalid_type"));
    }
    for field in ["id", "call_id"] {
        let id = item[field].as_str().unwrap_or_default();
        if id.len() > LONGEST_ID {
            let message = format!(
                "Invalid '{}': string too long. Expected a string with maximum length {LONGEST_ID}, but got a string with length {} instead.",
                path(field),
                id.len()
            );
            return Err(at(&path(field), &message).code("string_above_max_length"));
        }
        if field == "id" && !id.starts_with(prefix) && item["id"].is_string() {
            let message = format!(
                "Invalid '{}': '{id}'. Expected an ID that begins with '{prefix}'.",
                path("id")
            );
            return Err(at(&path("id"), &message).code("invalid_value"));
        }
    }
    if kind == "reasoning"
        && !stored
        && item["encrypted_content"].is_null()
        && item["id"].is_string()
    {
        let id = item["id"].as_str().unwrap_or_default();
        let message = format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."
        );
        return Err(Refusal {
            status: 404,
            ..at("input", &message)
        });
    }
    match (kind, item["role"].as_str()) {
        ("message", Some("assistant")) => parts(
            &item["content"],
            &["output_text", "refusal"],
            &path("content"),
        ),
        ("message", _) => parts(
            &item["content"],
            &["input_text", "input_image", "input_file", "input_audio"],
            &path("content"),
        ),
        ("function_call_output" | "custom_tool_call_output", _) => parts(
            &item["output"],
            &["input_text", "input_image", "input_file"],
            &path("output"),
        ),
        _ => Ok(()),
    }
}
