//! The vendor's own language of schemas → JSON schema, which every other dialect takes: types in capitals, `nullable`, numbers as strings
//! (T43). Called by the decoders of tools and settings.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Numbers that the vendor's libraries write as strings.
const COUNTS: [&str; 6] = [
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// The schema as JSON schema; the very text where it is one already.
pub(super) fn json_schema(raw: &str) -> Cow<'_, str> {
    let Ok(mut schema) = serde_json::from_str::<Value>(raw) else {
        return Cow::Borrowed(raw);
    };
    if !node(&mut schema) {
        return Cow::Borrowed(raw);
    }
    serde_json::to_string(&schema).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// Changes one schema and those in it; true when anything changed. The reader's own limit bounds the depth.
fn node(schema: &mut Value) -> bool {
    let Value::Object(object) = schema else {
        return false;
    };
    let mut changed = own_words(object);
    for (key, value) in object.iter_mut() {
        changed |= match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                named.values_mut().fold(false, |any, one| node(one) | any)
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter_mut().fold(false, |any, one| node(one) | any)
            }
            ("items" | "additionalProperties", value) => node(value),
            _ => false,
        };
    }
    changed
}

fn own_words(object: &mut Map<String, Value>) -> bool {
    let mut changed = object.remove("propertyOrdering").is_some();
    if let Some(Value::String(kind)) = object.get("type")
        && kind.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        let kind = kind.to_ascii_lowercase();
        changed = true;
        if kind == "type_unspecified" {
            object.remove("type");
        } else {
            object.insert("type".to_owned(), kind.into());
        }
    }
    if object.get("nullable").is_some_and(Value::is_boolean) {
        changed = true;
        let nullable = object.remove("nullable") == Some(Value::Bool(true));
        if let (true, Some(Value::String(kind))) = (nullable, object.get("type")) {
            let both = Value::from(vec![kind.clone(), "null".to_owned()]);
            object.insert("type".to_owned(), both);
            if let Some(Value::Array(words)) = object.get_mut("enum") {
                words.push(Value::Null);
            }
        }
    }
    // The vendor marks closed lists of words twice.
    if object.get("format").is_some_and(|format| format == "enum") {
        object.remove("format");
        changed = true;
    }
    for key in COUNTS {
        if let Some(Value::String(count)) = object.get(key)
            && let Ok(count) = count.parse::<u64>()
        {
            object.insert(key.to_owned(), count.into());
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_words_become_json_schema_and_the_rest_keeps_its_bytes_t43() {
        let right = r#"{ "type":"object", "properties":{"type":{"type":"string"}} }"#;
        assert!(matches!(json_schema(right), Cow::Borrowed(same) if same == right));
        for (given, expected) in [
            (
                r#"{"type":"OBJECT","propertyOrdering":["a"],"properties":{"a":{"type":"STRING","nullable":true,"enum":["x"],"format":"enum"},"type":{"type":"ARRAY","items":{"type":"INTEGER"},"minItems":"2"}}}"#,
                r#"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"type":{"type":"array","items":{"type":"integer"},"minItems":2}}}"#,
            ),
            (
                r#"{"anyOf":[{"type":"NUMBER"},{"type":"TYPE_UNSPECIFIED"}],"nullable":false}"#,
                r#"{"anyOf":[{"type":"number"},{}]}"#,
            ),
        ] {
            let value: Value = serde_json::from_str(&json_schema(given)).unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(expected).unwrap());
        }
        assert_eq!(json_schema("not json"), "not json");
    }
}
