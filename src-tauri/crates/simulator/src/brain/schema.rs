//! Fills a JSON schema with a value that is valid for it, as far as a model would manage. Called by `brain` alone.

use serde_json::{Map, Value, json};

/// Levels below which optional properties are left out, so that recursive schemas end.
const DEEP: usize = 6;
/// Levels below which nothing more is built.
const TOO_DEEP: usize = 16;

/// A value for a schema; strings mention the property they fill, or quote `context` where it names a value in single quotes.
#[must_use]
pub fn fill(schema: &Value, context: &str) -> Value {
    let quoted = context
        .split('\'')
        .nth(1)
        .filter(|word| !word.is_empty() && word.len() < 80);
    Filler {
        root: schema,
        quoted,
    }
    .value(schema, "", 0)
}

struct Filler<'a> {
    root: &'a Value,
    quoted: Option<&'a str>,
}

impl Filler<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > TOO_DEEP {
            return Value::Null;
        }
        if let Some(pointer) = schema["$ref"].as_str() {
            let target = self
                .root
                .pointer(pointer.trim_start_matches('#'))
                .unwrap_or(&Value::Null);
            return self.value(target, name, depth + 1);
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(first) = schema["enum"]
            .as_array()
            .and_then(|choices| choices.first())
        {
            return first.clone();
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(options) = schema[choice]
                .as_array()
                .filter(|options| !options.is_empty())
            {
                // Deep down null ends a recursion; higher up a real value is the better answer.
                let null = |option: &&Value| (option["type"] == "null") == (depth > DEEP);
                let chosen = options.iter().find(null).or_else(|| options.first());
                return chosen.map_or(Value::Null, |option| self.value(option, name, depth + 1));
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let mut merged = schema.clone();
            for part in all {
                self.merge(&mut merged, part);
            }
            if let Some(object) = merged.as_object_mut() {
                object.remove("allOf");
            }
            return self.value(&merged, name, depth + 1);
        }
        match kind(schema, depth) {
            "object" => self.object(schema, depth),
            "array" => {
                let least = schema["minItems"].as_u64().unwrap_or(1);
                let count = if depth > DEEP {
                    schema["minItems"].as_u64().unwrap_or(0)
                } else {
                    least.max(1)
                };
                let item = schema["prefixItems"]
                    .get(0)
                    .or_else(|| schema.get("items"))
                    .unwrap_or(&Value::Null);
                (0..count.min(50))
                    .map(|_| self.value(item, name, depth + 1))
                    .collect()
            }
            "integer" => json!(number(schema, 3.0) as i64),
            "number" => json!(number(schema, 3.5)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(self.text(schema, name)),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let wanted =
            properties.filter(|(name, _)| depth <= DEEP || required.contains(&name.as_str()));
        let filled: Map<String, Value> = wanted
            .map(|(name, property)| (name.clone(), self.value(property, name, depth + 1)))
            .collect();
        Value::Object(filled)
    }

    fn merge(&self, into: &mut Value, part: &Value) {
        let part = part["$ref"]
            .as_str()
            .and_then(|pointer| self.root.pointer(pointer.trim_start_matches('#')))
            .unwrap_or(part);
        for (key, value) in part.as_object().into_iter().flatten() {
            match (&mut into[key], value) {
                (Value::Object(have), Value::Object(more)) => have.extend(more.clone()),
                (Value::Array(have), Value::Array(more)) => have.extend(more.iter().cloned()),
                (slot, value) => *slot = value.clone(),
            }
        }
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        let mut text = match schema["format"].as_str() {
            Some("date-time") => "2026-01-02T03:04:05Z".to_owned(),
            Some("date") => "2026-01-02".to_owned(),
            Some("time") => "03:04:05Z".to_owned(),
            Some("email") => "someone@example.com".to_owned(),
            Some("uri" | "url") => "https://example.com/".to_owned(),
            Some("uuid") => "00000000-0000-4000-8000-000000000001".to_owned(),
            _ => match self.quoted {
                Some(word) => word.to_owned(),
                None if name.is_empty() => "text".to_owned(),
                None => format!("text for {name}"),
            },
        };
        let size = |key: &str| {
            schema[key]
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
        };
        while size("minLength").is_some_and(|least| text.chars().count() < least.min(10_000)) {
            text.push('x');
        }
        if let Some(most) = size("maxLength") {
            text = text.chars().take(most).collect();
        }
        text
    }
}

fn kind(schema: &Value, depth: usize) -> &str {
    let named = match &schema["type"] {
        Value::String(kind) => Some(kind.as_str()),
        Value::Array(kinds) if depth > DEEP && kinds.iter().any(|kind| kind == "null") => {
            Some("null")
        }
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        _ => None,
    };
    let guess = if schema.get("properties").is_some() {
        "object"
    } else if schema.get("items").is_some() {
        "array"
    } else {
        "string"
    };
    named.unwrap_or(guess)
}

fn number(schema: &Value, wish: f64) -> f64 {
    let bound = |key: &str| schema[key].as_f64();
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + 1.0));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - 1.0));
    let mut chosen = wish
        .max(least.unwrap_or(wish))
        .min(most.unwrap_or(f64::MAX));
    if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0) {
        chosen = (chosen / step).ceil() * step;
    }
    chosen
}
