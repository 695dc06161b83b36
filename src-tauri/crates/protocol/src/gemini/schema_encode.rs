//! JSON schema → the vendor's own language, a subset of OpenAPI that refuses every word it does not know (T37, T39, T41–T43).
//!
//! References are put in their place, `const` becomes a list of one, a union with null becomes `nullable`, and what has no word is left out, which is
//! told. Called by the encoders of tools and settings.

use serde_json::{Map, Value};

/// References nested deeper than this are recursive, or as good as that (T42).
const MOST_REFERENCES: usize = 8;

/// Schemas nested deeper than this are left open below that depth.
const MOST_LEVELS: usize = 64;

/// A schema in the narrower language.
pub(super) struct Subset {
    pub(super) text: String,
    /// Something has no word there.
    pub(super) lossy: bool,
    /// It allows no member at all, so that there is nothing to tell (T37).
    pub(super) empty: bool,
}

/// Words of the narrower language whose values are told as they are.
const KEPT: [&str; 12] = [
    "title",
    "description",
    "format",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
];

/// Words that say nothing about what is allowed, or what the vendor's models do anyway.
const SILENT: [&str; 10] = [
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "$comment",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "strict",
];

/// Brings a schema into the narrower language.
pub(super) fn subset(raw: &str) -> Subset {
    let Ok(schema) = serde_json::from_str::<Value>(raw) else {
        return Subset {
            text: "{\"type\":\"object\"}".to_owned(),
            lossy: true,
            empty: false,
        };
    };
    let mut walk = Walk {
        root: &schema,
        lossy: false,
        references: 0,
    };
    let mut plain = walk.node(&schema, 0);
    let empty = schema.as_object().is_none_or(Map::is_empty)
        || (plain.get("properties").is_none()
            && plain.get("anyOf").is_none()
            && plain.get("items").is_none()
            && plain.get("type").is_none_or(|kind| kind == "object")
            && !walk.lossy);
    plain.entry("type").or_insert_with(|| "object".into());
    Subset {
        text: Value::Object(plain).to_string(),
        lossy: walk.lossy,
        empty,
    }
}

struct Walk<'s> {
    root: &'s Value,
    lossy: bool,
    references: usize,
}

impl Walk<'_> {
    fn node(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let mut plain = Map::new();
        let Some(object) = schema.as_object() else {
            // `true` allows everything.
            return plain;
        };
        if depth > MOST_LEVELS {
            self.lossy = true;
            return plain;
        }
        if let Some(Value::String(reference)) = object.get("$ref") {
            return self.reference(object, reference, depth);
        }
        for (key, value) in object {
            match (key.as_str(), value) {
                ("type", Value::String(kind)) => {
                    plain.insert("type".to_owned(), kind.clone().into());
                }
                ("type", Value::Array(kinds)) => self.kinds(kinds, &mut plain),
                ("enum", Value::Array(words)) => self.words(words, &mut plain),
                // T43: a constant is a list of one.
                ("const", word) => self.words(std::slice::from_ref(word), &mut plain),
                ("properties", Value::Object(named)) if !named.is_empty() => {
                    let each = named.iter().map(|(name, one)| {
                        let one = self.node(one, depth + 1);
                        (name.clone(), Value::Object(one))
                    });
                    plain.insert("properties".to_owned(), Value::Object(each.collect()));
                }
                ("properties", _) => {}
                ("required", Value::Array(names)) if !names.is_empty() => {
                    plain.insert("required".to_owned(), names.clone().into());
                }
                ("required", _) => {}
                ("items", Value::Object(_)) => {
                    let one = self.node(value, depth + 1);
                    plain.insert("items".to_owned(), Value::Object(one));
                }
                ("prefixItems", Value::Array(list)) => {
                    // T43: the narrower language knows one kind of element.
                    self.lossy = true;
                    let any = self.union(list, depth);
                    plain.entry("items").or_insert(Value::Object(any));
                }
                ("anyOf" | "oneOf", Value::Array(list)) => {
                    for (key, value) in self.union(list, depth) {
                        plain.entry(key).or_insert(value);
                    }
                }
                ("allOf", Value::Array(list)) => self.all(list, &mut plain, depth),
                ("additionalProperties", Value::Bool(false)) => {}
                // T41: a map of anything is an open object.
                ("additionalProperties", _) => self.lossy = true,
                ("nullable", Value::Bool(_)) => {
                    plain.insert(key.clone(), value.clone());
                }
                ("format", Value::String(format)) => {
                    // Other formats of text are refused by name.
                    let known = matches!(
                        format.as_str(),
                        "enum" | "date-time" | "float" | "double" | "int32" | "int64"
                    );
                    if known {
                        plain.insert(key.clone(), value.clone());
                    }
                }
                (key, value) if KEPT.contains(&key) => {
                    plain.insert(key.to_owned(), value.clone());
                }
                (key, _) if SILENT.contains(&key) || key.starts_with("x-") => {}
                _ => self.lossy = true,
            }
        }
        self.whole(&mut plain);
        plain
    }

    /// What the vendor asks of a node.
    fn whole(&mut self, plain: &mut Map<String, Value>) {
        if plain.contains_key("properties") {
            plain.entry("type").or_insert_with(|| "object".into());
        }
        // T36: a list says of what.
        if plain.get("type").is_some_and(|kind| kind == "array") {
            plain
                .entry("items")
                .or_insert_with(|| serde_json::json!({"type": "string"}));
        }
        // Only names that are there may be required.
        let known: Vec<String> = match plain.get("properties") {
            Some(Value::Object(named)) => named.keys().cloned().collect(),
            _ => Vec::new(),
        };
        if let Some(Value::Array(names)) = plain.get_mut("required") {
            names.retain(|name| known.iter().any(|known| name == known));
            if names.is_empty() {
                plain.remove("required");
            }
        }
    }

    /// T42: what is referred to, in its place, with what stands beside the reference.
    fn reference(
        &mut self,
        object: &Map<String, Value>,
        reference: &str,
        depth: usize,
    ) -> Map<String, Value> {
        let root = self.root;
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        let mut plain = match found {
            Some(schema) if self.references < MOST_REFERENCES => {
                self.references += 1;
                let plain = self.node(schema, depth + 1);
                self.references -= 1;
                plain
            }
            _ => {
                self.lossy = true;
                let mut open = Map::new();
                open.insert("type".to_owned(), "object".into());
                open
            }
        };
        if let Some(description) = object.get("description") {
            plain.insert("description".to_owned(), description.clone());
        }
        plain
    }

    /// T43: `["x", "null"]` is `nullable`; other lists are unions.
    fn kinds(&mut self, kinds: &[Value], plain: &mut Map<String, Value>) {
        let (null, mut rest): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| **kind == "null");
        if !null.is_empty() {
            plain.insert("nullable".to_owned(), true.into());
        }
        match (rest.pop(), rest.is_empty()) {
            (Some(only), true) => {
                plain.insert("type".to_owned(), only.clone());
            }
            (Some(last), false) => {
                rest.push(last);
                let any = rest.into_iter().map(|kind| {
                    let mut one = Map::new();
                    one.insert("type".to_owned(), kind.clone());
                    self.whole(&mut one);
                    Value::Object(one)
                });
                let any: Vec<Value> = any.collect();
                plain.insert("anyOf".to_owned(), any.into());
            }
            (None, _) => {}
        }
    }

    /// T43: the narrower language lists words alone.
    fn words(&mut self, words: &[Value], plain: &mut Map<String, Value>) {
        if words.iter().any(Value::is_null) {
            plain.insert("nullable".to_owned(), true.into());
        }
        let list: Vec<Value> = words
            .iter()
            .filter(|word| !word.is_null())
            .filter(|word| word.is_string())
            .cloned()
            .collect();
        if list.len() < words.iter().filter(|word| !word.is_null()).count() {
            self.lossy = true;
        } else if !list.is_empty() {
            plain.insert("enum".to_owned(), list.into());
            plain.entry("type").or_insert_with(|| "string".into());
        }
    }

    fn union(&mut self, list: &[Value], depth: usize) -> Map<String, Value> {
        let is_null = |one: &&Value| one.get("type").is_some_and(|kind| kind == "null");
        let null = list.iter().any(|one| is_null(&one));
        let mut members: Vec<Value> = list
            .iter()
            .filter(|one| !is_null(one))
            .map(|one| Value::Object(self.node(one, depth + 1)))
            .collect();
        let mut plain = match (members.pop(), members.is_empty()) {
            (Some(Value::Object(only)), true) => only,
            (last, _) => {
                members.extend(last);
                let mut plain = Map::new();
                plain.insert("anyOf".to_owned(), members.into());
                plain
            }
        };
        if null {
            plain.insert("nullable".to_owned(), true.into());
        }
        plain
    }

    /// All of them hold: their members are put together.
    fn all(&mut self, list: &[Value], plain: &mut Map<String, Value>, depth: usize) {
        for one in list {
            for (key, value) in self.node(one, depth + 1) {
                match (plain.get_mut(&key), value) {
                    (None, value) => {
                        plain.insert(key, value);
                    }
                    (Some(Value::Object(before)), Value::Object(more)) if key == "properties" => {
                        before.extend(more);
                    }
                    (Some(Value::Array(before)), Value::Array(more)) if key == "required" => {
                        before.extend(more);
                    }
                    (Some(before), value) if *before == value => {}
                    _ => self.lossy = true,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &str, lossy: bool) {
        let plain = subset(given);
        let value: Value = serde_json::from_str(&plain.text).unwrap();
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(value, expected, "{given}");
        assert_eq!(plain.lossy, lossy, "{given}");
    }

    #[test]
    fn words_of_json_schema_find_their_place_t36_t39_t43() {
        check(
            r#"{"$schema":"x","type":"object","additionalProperties":false,"properties":{"a":{"type":["string","null"],"default":"x"},"b":{"const":"k"},"c":{"type":"array"},"d":{"anyOf":[{"type":"integer"},{"type":"null"}]}},"required":["a","gone"]}"#,
            r#"{"type":"object","properties":{"a":{"type":"string","nullable":true},"b":{"enum":["k"],"type":"string"},"c":{"type":"array","items":{"type":"string"}},"d":{"type":"integer","nullable":true}},"required":["a"]}"#,
            false,
        );
        check(
            r#"{"type":"object","properties":{"a":{"type":"integer","exclusiveMinimum":0},"e":{"enum":[1,2],"type":"integer"}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"integer"},"e":{"type":"integer"}}}"#,
            true,
        );
    }

    #[test]
    fn references_are_put_in_their_place_and_recursion_ends_t42() {
        check(
            r##"{"type":"object","properties":{"p":{"$ref":"#/$defs/P","description":"d"}},"$defs":{"P":{"type":"string"}}}"##,
            r#"{"type":"object","properties":{"p":{"type":"string","description":"d"}}}"#,
            false,
        );
        let looping = subset(
            r##"{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}}}"##,
        );
        assert!(looping.lossy && looping.text.len() < 2_000);
        assert!(subset(r##"{"$ref":"#/nowhere"}"##).lossy);
    }

    #[test]
    fn maps_stay_open_objects_and_nothing_is_told_of_nothing_t37_t41() {
        check(
            r#"{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
            r#"{"type":"object","properties":{"m":{"type":"object"}}}"#,
            true,
        );
        for nothing in [
            "{}",
            "null",
            r#"{"type":"object"}"#,
            r#"{"type":"object","properties":{}}"#,
        ] {
            assert!(subset(nothing).empty, "{nothing}");
        }
    }
}
