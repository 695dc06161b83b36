//! An OpenAPI document as TypeScript types: one type for each schema, and one table of all calls. Types only: nothing of it is left in a
//! bundle. It knows the few shapes our own document uses and refuses every other one.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::fmt::Write as _;

const HEAD: &str = "// Made by `cargo xtask codegen` from the admin API's description (openapi.json). Changes here are lost.\n";

/// The whole file.
pub fn types(document: &Value) -> Result<String> {
    let mut out = String::from(HEAD);
    let schemas = document["components"]["schemas"]
        .as_object()
        .context("no schemas")?;
    for (name, schema) in schemas {
        out.push('\n');
        comment(&mut out, "", schema);
        let plain_object = schema["type"] == "object" && schema["properties"].is_object();
        if plain_object {
            let _ = writeln!(out, "export interface {name} {}", object(schema, "")?);
        } else {
            let _ = writeln!(out, "export type {name} ={};", spaced(&of(schema, "")?));
        }
    }
    out.push_str("\n/** Every call: what goes into the path, the query and the body, and what comes out. */\nexport interface Calls {\n");
    let paths = document["paths"].as_object().context("no paths")?;
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                call(&mut out, method, path, operation)
                    .with_context(|| format!("{method} {path}"))?;
            }
        }
    }
    out.push_str(
        "}\n\n/** A method and a path of the admin API. */\nexport type Call = keyof Calls;\n",
    );
    Ok(out)
}

fn call(out: &mut String, method: &str, path: &str, operation: &Value) -> Result<()> {
    if let Some(summary) = operation["summary"].as_str() {
        let _ = writeln!(out, "  /** {summary} */");
    }
    let _ = write!(out, "  \"{} {path}\": {{ ", method.to_uppercase());
    for place in ["path", "query"] {
        let fields: Vec<String> = list(&operation["parameters"])
            .filter(|parameter| parameter["in"] == place)
            .map(|parameter| {
                let mark = if parameter["required"] == true {
                    ""
                } else {
                    "?"
                };
                let name = parameter["name"].as_str().context("a nameless parameter")?;
                Ok(format!("{name}{mark}: {}", of(&parameter["schema"], "  ")?))
            })
            .collect::<Result<_>>()?;
        if !fields.is_empty() {
            let _ = write!(out, "{place}: {{ {} }}; ", fields.join("; "));
        }
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        let _ = write!(out, "body: {}; ", of(schema, "  ")?);
    }
    let content = operation.pointer("/responses/200/content");
    let (name, schema) = match content.and_then(Value::as_object) {
        None => ("answer", None),
        Some(content) => match content.iter().next() {
            Some((kind, media)) if kind == "text/event-stream" => {
                ("stream", Some(&media["schema"]))
            }
            Some((kind, media)) if kind == "application/json" => ("answer", Some(&media["schema"])),
            other => bail!("an answer in an unknown form: {other:?}"),
        },
    };
    let text = schema.map_or(Ok("null".to_owned()), |schema| of(schema, "  "))?;
    let _ = writeln!(out, "{name}: {text} }};");
    Ok(())
}

/// A schema as a type expression; `indent` is that of the line it begins on.
fn of(schema: &Value, indent: &str) -> Result<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().context("an empty reference")?;
        return Ok(name.to_owned());
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(Value::to_string).collect();
        return Ok(words.join(" | "));
    }
    if schema["oneOf"].is_array() {
        return one_of(schema, indent);
    }
    if schema == &Value::Object(Map::new()) || schema.get("type").is_none() {
        return Ok("unknown".to_owned());
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::String(kind) => vec![kind],
        other => bail!("an unknown type {other}"),
    };
    let mut parts = Vec::new();
    for kind in kinds {
        parts.push(match kind {
            "null" => "null".to_owned(),
            "boolean" => "boolean".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "string" => "string".to_owned(),
            "array" => array(schema, indent)?,
            "object" => object(schema, indent)?,
            other => bail!("an unknown type {other}"),
        });
    }
    Ok(parts.join(" | "))
}

/// Alternatives: those with fields of their own stand on lines of their own, what tells them apart first.
fn one_of(schema: &Value, indent: &str) -> Result<String> {
    let mut text = String::new();
    let mut short = Vec::new();
    for part in list(&schema["oneOf"]) {
        let Some(properties) = part["properties"].as_object() else {
            short.push(of(part, indent)?);
            continue;
        };
        let (tag, rest): (Vec<_>, Vec<_>) = properties
            .iter()
            .partition(|(_, property)| property["enum"].is_array());
        let mut fields = Vec::new();
        for (name, property) in tag.into_iter().chain(rest) {
            fields.push(format!("{name}: {}", of(property, indent)?));
        }
        text.push('\n');
        comment(&mut text, &format!("{indent}  "), part);
        let _ = write!(text, "{indent}  | {{ {} }}", fields.join("; "));
    }
    Ok(if text.is_empty() {
        short.join(" | ")
    } else {
        text
    })
}

fn array(schema: &Value, indent: &str) -> Result<String> {
    if schema["prefixItems"].is_array() {
        let mut parts = Vec::new();
        for part in list(&schema["prefixItems"]) {
            parts.push(of(part, indent)?);
        }
        return Ok(format!("[{}]", parts.join(", ")));
    }
    let item = of(&schema["items"], indent)?;
    Ok(if item.contains([' ', '|']) {
        format!("({item})[]")
    } else {
        format!("{item}[]")
    })
}

fn object(schema: &Value, indent: &str) -> Result<String> {
    let Some(properties) = schema["properties"].as_object() else {
        return Ok("Record<string, unknown>".to_owned());
    };
    let required: Vec<&str> = list(&schema["required"])
        .filter_map(Value::as_str)
        .collect();
    let mut text = String::from("{\n");
    for (name, property) in properties {
        comment(&mut text, &format!("{indent}  "), property);
        let mark = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        let _ = writeln!(
            text,
            "{indent}  {name}{mark}: {};",
            of(property, &format!("{indent}  "))?
        );
    }
    let _ = write!(text, "{indent}}}");
    Ok(text)
}

/// Alternatives on lines of their own need no blank before them.
fn spaced(text: &str) -> String {
    if text.starts_with('\n') {
        text.to_owned()
    } else {
        format!(" {text}")
    }
}

fn comment(out: &mut String, indent: &str, schema: &Value) {
    let own = schema["description"].as_str();
    // A reference that may be null carries its words one level deeper.
    let words = own.or_else(|| {
        list(&schema["oneOf"]).find_map(|part| {
            part["description"]
                .as_str()
                .filter(|_| part.get("$ref").is_some())
        })
    });
    if let Some(words) = words {
        let words = words.replace("*/", "* /").replace('\n', " ");
        let _ = writeln!(out, "{indent}/** {words} */");
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn schemas_become_types() {
        let cases = [
            (json!({"type": "string"}), "string"),
            (json!({"type": ["integer", "null"]}), "number | null"),
            (
                json!({"enum": ["a", "b"], "type": "string"}),
                "\"a\" | \"b\"",
            ),
            (json!({"$ref": "#/components/schemas/Account"}), "Account"),
            (
                json!({"oneOf": [{"$ref": "#/x/Quota"}, {"type": "null"}]}),
                "Quota | null",
            ),
            (
                json!({"type": "array", "items": {"type": ["string", "null"]}}),
                "(string | null)[]",
            ),
            (
                json!({"type": "array", "items": false, "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
                "[number, string]",
            ),
            (json!({}), "unknown"),
            (
                json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}, "b": {"type": "string"}}}),
                "{\n  a: boolean;\n  b?: string;\n}",
            ),
        ];
        for (schema, expected) in cases {
            assert_eq!(of(&schema, "").unwrap(), expected, "{schema}");
        }
        assert!(of(&json!({"type": "tuple"}), "").is_err());
    }

    #[test]
    fn calls_name_what_goes_in_and_out() {
        let document = json!({
            "components": {"schemas": {"A": {"type": "object", "description": "An a.", "properties": {}}}},
            "paths": {"/a/{id}": {
                "get": {"summary": "One", "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                    {"name": "n", "in": "query", "required": false, "schema": {"type": "integer"}}],
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/c/A"}}}}}},
                "delete": {"responses": {"204": {}}},
                "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/c/A"}}}},
                    "responses": {"200": {"content": {"text/event-stream": {"schema": {"$ref": "#/c/A"}}}}}}}}
        });
        let text = types(&document).unwrap();
        for line in [
            "/** An a. */\nexport interface A {\n}",
            "  /** One */\n  \"GET /a/{id}\": { path: { id: string }; query: { n?: number }; answer: A };",
            "  \"DELETE /a/{id}\": { answer: null };",
            "  \"POST /a/{id}\": { body: A; stream: A };",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
