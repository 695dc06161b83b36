//! Reads a Gemini generateContent body into a prompt, with the checks that the vendor makes. Called by `relay`, which has put the path's model and
//! action into the body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Refusal, image, input_tokens};
use crate::brain::{AnswerForm, Prompt, Thinking, Tool, ToolChoice, ToolInput};

/// How every proof of this simulator begins, before it becomes base64; others are refused.
pub(crate) const SIGNATURE: &str = "sim-signature-";

/// What the vendor documents for calls of other models.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The fields of a request; the first two are ours.
const FIELDS: &[&str] = &[
    "model",
    "stream",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "labels",
];

/// The words of a schema in `parameters`.
const SCHEMA: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
    "propertyOrdering",
    "example",
];

/// Reads a body.
///
/// # Errors
/// The refusal the API would answer.
pub(crate) fn read(body: &Value) -> Result<Prompt, Refusal> {
    let fields = body.as_object().into_iter().flatten();
    if let Some((name, _)) = fields
        .clone()
        .find(|(name, _)| !FIELDS.contains(&name.as_str()))
    {
        return Err(unknown(name, "request"));
    }
    let contents = body["contents"].as_array().filter(|list| !list.is_empty());
    let contents = contents.ok_or_else(|| {
        Refusal::bad("* GenerateContentRequest.contents: contents is not specified")
    })?;
    let config = &body["generationConfig"];
    let think = &config["thinkingConfig"];
    let budget = either(think, "thinkingBudget", "thinking_budget");
    let level = either(think, "thinkingLevel", "thinking_level");
    if budget.is_some() && level.is_some() {
        return Err(Refusal::bad(
            "You can only set only one of thinking budget and thinking level.",
        ));
    }
    let model = body["model"].as_str().unwrap_or_default();
    let shown =
        either(think, "includeThoughts", "include_thoughts").is_some_and(|shown| *shown == true);
    // The newest models think always, and prove it.
    let asked = budget.or(level).is_some() || model.starts_with("gemini-3");
    let mut prompt = Prompt {
        model: model.to_owned(),
        input_tokens: input_tokens(body),
        max_output: config["maxOutputTokens"].as_u64(),
        parallel: true,
        thinking: Thinking {
            on: (asked || shown) && budget.is_none_or(|budget| *budget != 0),
            summary: shown,
            encrypted: true,
        },
        ..Prompt::default()
    };
    for tool in body["tools"].as_array().into_iter().flatten() {
        for declared in tool["functionDeclarations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            prompt.tools.push(read_tool(declared)?);
        }
    }
    let mut owed: Vec<String> = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        read_content(at, content, model, &mut owed, &mut prompt)?;
    }
    if !owed.is_empty() {
        return Err(pairs());
    }
    let calling = &body["toolConfig"]["functionCallingConfig"];
    let names = calling["allowedFunctionNames"].as_array();
    prompt.choice = match (calling["mode"].as_str(), names.map(Vec::as_slice)) {
        (Some("ANY"), Some([only])) => {
            ToolChoice::Named(only.as_str().unwrap_or_default().to_owned())
        }
        (Some("ANY"), _) => ToolChoice::Required,
        (Some("NONE"), _) => ToolChoice::None,
        (_, Some(_)) => {
            return Err(Refusal::bad(
                "Allowed function names should only be set when function calling mode is ANY.",
            ));
        }
        _ => ToolChoice::Auto,
    };
    if config["responseMimeType"] == "application/json" {
        let schema = [&config["responseJsonSchema"], &config["responseSchema"]];
        prompt.form = match schema.into_iter().find(|schema| schema.is_object()) {
            Some(schema) => AnswerForm::Schema(plain(schema)),
            None => AnswerForm::JsonObject,
        };
    }
    Ok(prompt)
}

/// A field in either of its spellings.
fn either<'v>(value: &'v Value, camel: &str, snake: &str) -> Option<&'v Value> {
    value.get(camel).or(value.get(snake))
}

fn unknown(name: &str, place: &str) -> Refusal {
    Refusal::bad(format!(
        "Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
    ))
}

fn pairs() -> Refusal {
    Refusal::bad(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    )
}

fn read_tool(declared: &Value) -> Result<Tool, Refusal> {
    let name = declared["name"].as_str().unwrap_or_default();
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.starts_with(letter) || name.len() > 64 {
        return Err(Refusal::bad(
            "Invalid function name. Must start with a letter or an underscore.",
        ));
    }
    if let Some(schema) = declared.get("parameters") {
        check_schema(schema)?;
    }
    let schema = declared
        .get("parametersJsonSchema")
        .or(declared.get("parameters_json_schema"))
        .or(declared.get("parameters"));
    Ok(Tool {
        name: name.to_owned(),
        namespace: None,
        // A tool without parameters takes an empty object.
        input: ToolInput::Json(schema.map_or_else(|| json!({"type": "object"}), plain)),
    })
}

/// A schema whose types are written small, as everywhere else.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| match (key.as_str(), value) {
                ("type", Value::String(kind)) => (key.clone(), kind.to_ascii_lowercase().into()),
                _ => (key.clone(), plain(value)),
            })
            .collect(),
        Value::Array(list) => list.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn check_schema(schema: &Value) -> Result<(), Refusal> {
    for (name, value) in schema.as_object().into_iter().flatten() {
        if !SCHEMA.contains(&name.as_str()) {
            return Err(unknown(
                name,
                "tools[0].function_declarations[0].parameters",
            ));
        }
        match name.as_str() {
            "properties" => {
                let named = value.as_object().into_iter().flatten();
                named.map(|(_, one)| one).try_for_each(check_schema)?;
            }
            "items" => check_schema(value)?,
            "anyOf" => value
                .as_array()
                .into_iter()
                .flatten()
                .try_for_each(check_schema)?,
            "type" if !value.is_string() => {
                return Err(Refusal::bad(
                    "Proto field is not repeating, cannot start list.",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_content(
    at: usize,
    content: &Value,
    model: &str,
    owed: &mut Vec<String>,
    prompt: &mut Prompt,
) -> Result<(), Refusal> {
    let role = content["role"].as_str().unwrap_or("user");
    if !matches!(role, "user" | "model") {
        return Err(Refusal::bad("Please use a valid role: user, model."));
    }
    let parts = content["parts"]
        .as_array()
        .filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| {
        Refusal::bad(format!(
            "* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."
        ))
    })?;
    if at == 0 && role == "model" {
        return Err(Refusal::bad(
            "Please ensure that the first turn is a user turn.",
        ));
    }
    let mut results = Vec::new();
    let mut calls = Vec::new();
    for part in parts {
        if let Some(kept) = part["thoughtSignature"].as_str() {
            // One of the vendor's libraries writes the other alphabet.
            let usual = kept.replace('-', "+").replace('_', "/");
            let plain = STANDARD.decode(usual).unwrap_or_default();
            if kept != NO_SIGNATURE && !plain.starts_with(SIGNATURE.as_bytes()) {
                return Err(Refusal::bad("Thought signature is not valid."));
            }
        }
        if let Some(call) = part.get("functionCall") {
            let proved = part.get("thoughtSignature").is_some();
            if model.starts_with("gemini-3") && calls.is_empty() && !proved {
                return Err(Refusal::bad(format!(
                    "Function call is missing a thought_signature in functionCall parts: {}",
                    call["name"]
                )));
            }
            if !call["args"].is_object() {
                return Err(Refusal::bad(
                    "Invalid value at 'args' (type.googleapis.com/google.protobuf.Struct)",
                ));
            }
            calls.push(call["name"].as_str().unwrap_or_default().to_owned());
        }
        if let Some(result) = part.get("functionResponse") {
            if !result["response"].is_object() {
                return Err(Refusal::bad(
                    "Invalid value at 'response' (type.googleapis.com/google.protobuf.Struct)",
                ));
            }
            results.push(result);
        }
    }
    let names: Vec<&str> = results
        .iter()
        .map(|result| result["name"].as_str().unwrap_or_default())
        .collect();
    if role == "model" {
        // Neighbours of one role are one turn: libraries keep every piece of a stream as a content of its own.
        owed.extend(calls);
        prompt.results.clear();
        return Ok(());
    }
    if *owed != names {
        return Err(pairs());
    }
    owed.clear();
    if !results.is_empty() {
        prompt.results = results
            .iter()
            .map(|result| match &result["response"]["result"] {
                Value::String(text) => text.clone(),
                _ => result["response"].to_string(),
            })
            .collect();
        return Ok(());
    }
    let words: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    if !words.is_empty() {
        prompt.ask = words.join("\n");
    }
    let inline = parts
        .iter()
        .filter_map(|part| either(part, "inlineData", "inline_data"));
    prompt.images = inline
        .map(|media| {
            let kind = either(media, "mimeType", "mime_type");
            let kind = kind.and_then(Value::as_str).unwrap_or_default();
            let data = media["data"].as_str().unwrap_or_default();
            let data = data.replace('-', "+").replace('_', "/");
            image(&format!("data:{kind};base64,{data}"))
        })
        .collect();
    Ok(())
}
