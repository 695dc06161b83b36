//! Tool schemas that strict upstreams take (F84, T36, T37).
//!
//! Only what is missing is added, at the place where it is missing: a schema that was right keeps its bytes. Called by the request encoders.

use crate::json::{
    read::{Kind, Malformed, Reader},
    write::Sink,
};

/// Schemas nested deeper than this are left as they are below that depth (F84).
const MAX_DEPTH: usize = 64;

/// Why a schema is not sent as a strict one (T45).
pub(crate) const NOT_STRICT: &str =
    "its schema has members that may be left out or added, which a strict one may not";

/// A schema for a tool that declares none (T37).
pub(crate) const EMPTY: &str = r#"{"type":"object","properties":{}}"#;

/// Writes a tool's parameters, repaired. `strict` closes every object against unknown members.
pub(crate) fn write_parameters<S: Sink>(parameters: Option<&str>, strict: bool, out: &mut S) {
    let Some(schema) = parameters.filter(|raw| !is_empty(raw)) else {
        out.raw(EMPTY);
        return;
    };
    let additions = additions(schema, strict);
    let mut from = 0;
    for (at, what) in additions {
        out.raw(&schema[from..at]);
        out.raw(what);
        from = at;
    }
    out.raw(&schema[from..]);
}

/// Whether a schema can be strict: every object says what it holds, demands all of it and takes nothing else (T45). Objects that do not say whether they
/// take more are closed by [`write_parameters`].
pub(crate) fn fits_strict(parameters: Option<&str>) -> bool {
    let Some(schema) = parameters.filter(|raw| !is_empty(raw)) else {
        return false;
    };
    strict_node(&mut Reader::new(schema), 0).unwrap_or(false)
}

fn strict_node(value: &mut Reader<'_>, depth: usize) -> Result<bool, Malformed> {
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(true);
    }
    let mut fits = depth <= MAX_DEPTH;
    let (mut names, mut required): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    value.members(|key, value| {
        match (key, value.kind()?) {
            ("properties", Kind::Object) => value.members(|name, value| {
                names.push(name.to_owned());
                fits &= strict_node(value, depth + 1)?;
                Ok::<(), Malformed>(())
            })?,
            ("$defs" | "definitions", Kind::Object) => value.members(|_, value| {
                fits &= strict_node(value, depth + 1)?;
                Ok::<(), Malformed>(())
            })?,
            ("required", Kind::Array) => value.elements(|name| {
                required.extend(
                    name.string_or_skip()?
                        .map(|name| name.decode().into_owned()),
                );
                Ok::<(), Malformed>(())
            })?,
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Kind::Array) => {
                value.elements(|value| {
                    fits &= strict_node(value, depth + 1)?;
                    Ok::<(), Malformed>(())
                })?;
            }
            ("items", _) => fits &= strict_node(value, depth + 1)?,
            ("additionalProperties", _) => fits &= value.raw()? == "false",
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(fits && names.iter().all(|name| required.contains(name)))
}

fn is_empty(raw: &str) -> bool {
    raw == "null" || (raw.starts_with('{') && raw[1..].trim_start().starts_with('}'))
}

/// Where to insert what, in order of place.
fn additions(schema: &str, strict: bool) -> Vec<(usize, &'static str)> {
    let mut walk = Walk {
        strict,
        found: Vec::new(),
    };
    // A schema that cannot be read is the upstream's to judge.
    match walk.node(&mut Reader::new(schema), 0) {
        Ok(()) => walk.found,
        Err(_) => Vec::new(),
    }
}

struct Walk {
    strict: bool,
    /// Nodes close from the inside out, so the places come in order.
    found: Vec<(usize, &'static str)>,
}

impl Walk {
    /// Reads one schema, whatever kind of value it is.
    fn node(&mut self, value: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
        if depth > MAX_DEPTH || value.kind()? != Kind::Object {
            return value.skip();
        }
        let (mut array, mut object) = (false, false);
        let (mut items, mut properties, mut additional) = (false, false, false);
        value.members(|key, value| {
            match key {
                "type" => {
                    let kind = value.raw()?;
                    array = kind == "\"array\"";
                    object = kind == "\"object\"";
                }
                "items" => {
                    items = true;
                    self.node(value, depth + 1)?;
                }
                "properties" | "$defs" | "definitions" => {
                    properties |= key == "properties";
                    self.named(value, depth + 1)?;
                }
                "oneOf" | "anyOf" | "allOf" | "prefixItems" => self.listed(value, depth + 1)?,
                "additionalProperties" => {
                    additional = true;
                    self.node(value, depth + 1)?;
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        // A node that is completed names its type, so it is not empty and a comma always fits before its closing brace.
        let close = value.position() - 1;
        if array && !items {
            self.found.push((close, ",\"items\":{}"));
        }
        if object && !properties {
            self.found.push((close, ",\"properties\":{}"));
        }
        if object && self.strict && !additional {
            self.found.push((close, ",\"additionalProperties\":false"));
        }
        Ok(())
    }

    fn named(&mut self, value: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
        if value.kind()? != Kind::Object {
            return value.skip();
        }
        value.members(|_, value| self.node(value, depth))
    }

    fn listed(&mut self, value: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
        if value.kind()? != Kind::Array {
            return value.skip();
        }
        value.elements(|value| self.node(value, depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(schema: &str, strict: bool) -> String {
        let mut out = String::new();
        write_parameters(Some(schema), strict, &mut out);
        out
    }

    #[test]
    fn only_what_is_missing_is_added_f84() {
        for (given, expected) in [
            // T36: arrays without items, at every depth.
            (r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#),
            (
                r#"{"type":"object","properties":{"a":{"type":"array"},"type":{"type":"array","items":{"type":"array"}}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"array","items":{}},"type":{"type":"array","items":{"type":"array","items":{}}}}}"#,
            ),
            (
                r#"{"anyOf":[{"type":"array"},{"type":"null"}]}"#,
                r#"{"anyOf":[{"type":"array","items":{}},{"type":"null"}]}"#,
            ),
            (
                r#"{"prefixItems":[{"type":"array"}],"type":"array","items":false}"#,
                r#"{"prefixItems":[{"type":"array","items":{}}],"type":"array","items":false}"#,
            ),
            (
                r#"{"$defs":{"x":{"type":"array" }}}"#,
                r#"{"$defs":{"x":{"type":"array" ,"items":{}}}}"#,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"array"}}"#,
                r#"{"type":"object","additionalProperties":{"type":"array","items":{}},"properties":{}}"#,
            ),
            // F84: exactly "array".
            (
                r#"{"type":["string","array"]}"#,
                r#"{"type":["string","array"]}"#,
            ),
            // T37: an object without properties.
            (
                r#"{"type":"object"}"#,
                r#"{"type":"object","properties":{}}"#,
            ),
            ("{}", EMPTY),
            ("{ }", EMPTY),
            ("null", EMPTY),
            // Valid schemas keep their bytes, whatever their spelling.
            (
                r#"{ "type" : "object", "properties":{ }, "x": 1.50 }"#,
                r#"{ "type" : "object", "properties":{ }, "x": 1.50 }"#,
            ),
            // An enum that merely looks like a schema.
            (
                r#"{"enum":[{"type":"array"}]}"#,
                r#"{"enum":[{"type":"array"}]}"#,
            ),
        ] {
            assert_eq!(repaired(given, false), expected);
            assert_eq!(repaired(expected, false), expected, "twice is once");
        }
    }

    #[test]
    fn strict_closes_objects_f84() {
        assert_eq!(
            repaired(
                r#"{"type":"object","properties":{"a":{"type":"object","properties":{}}}}"#,
                true
            ),
            r#"{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false}},"additionalProperties":false}"#
        );
    }

    #[test]
    fn t45_only_a_schema_that_demands_all_it_knows_is_strict() {
        for (schema, fits) in [
            (
                r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
                true,
            ),
            (
                r#"{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}"#,
                true,
            ),
            (
                r#"{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":true}"#,
                false,
            ),
            (r#"{"type":"object","properties":{"a":{}}}"#, false),
            (
                r#"{"type":"object","properties":{"a":{},"b":{}},"required":["a"]}"#,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}},"required":["a"]}"#,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":"object","properties":{"b":{}},"required":["b"]}]}},"required":["a"]}"#,
                true,
            ),
            ("{}", false),
            ("null", false),
        ] {
            assert_eq!(fits_strict(Some(schema)), fits, "{schema}");
        }
        assert!(!fits_strict(None));
    }

    #[test]
    fn depth_is_capped() {
        let deep = format!(
            "{}{{\"type\":\"array\"}}{}",
            "{\"items\":".repeat(400),
            "}".repeat(400)
        );
        assert_eq!(repaired(&deep, false), deep);
    }
}
