//! The tools and the tool choice of a Messages request. Called by `request_encode`.

use serde_json::{Map, Value};

use super::{request_encode::Encoder, wire::WEB_SEARCH};
use crate::{
    canonical::{
        offer::{RAW_INPUT, chooses_among_none, describe_raw, is_second, offered},
        request::{Chosen, Request, Tool, ToolChoice},
        schema::write_parameters,
    },
    json::{
        read::{Kind, Malformed, Reader},
        write::{Commas, Sink},
    },
    responses::wire::require_declared,
    types::{Dialect, RequestError},
};

/// The version of the vendor's web search that every hosted model has (T55).
const SEARCH_TOOL: &str = "web_search_20250305";

impl Encoder<'_> {
    /// Writes both; true when the model is made to call a tool.
    pub(super) fn tools(&mut self, request: &Request<'_>) -> Result<bool, RequestError> {
        let mut commas = Commas::default();
        let mut seen: Vec<String> = Vec::new();
        for tool in offered(request)? {
            let Some(wire) = self.wire_name(tool, &seen) else {
                continue;
            };
            if seen.is_empty() {
                self.key("tools");
                self.out.raw("[");
            }
            commas.next(&mut self.out);
            self.tool(tool, &wire);
            seen.push(wire);
        }
        if !seen.is_empty() {
            self.out.raw("]");
        }
        self.choice(request, !seen.is_empty())
    }

    /// The name of a tool on the wire; `None` for one that is not sent, which is told.
    fn wire_name(&mut self, tool: &Tool<'_>, seen: &[String]) -> Option<String> {
        let Some((space, name)) = tool.named() else {
            let Tool::Hosted { origin, kind, .. } = tool else {
                return None;
            };
            let search = match origin {
                Dialect::Responses => kind.raw().starts_with("web_search"),
                Dialect::Gemini => kind.is("googleSearch"),
                Dialect::Chat | Dialect::Messages => false,
            };
            if search && self.model.hosted && !seen.iter().any(|name| name == "web_search") {
                self.losses.approximated(
                    "tools (web_search)",
                    "runs as the account's own web search; its sources are told in the text alone (T55)",
                );
                return Some("web_search".to_owned());
            }
            self.losses.dropped(
                format!("tools ({})", kind.decode()),
                "only its own provider runs this tool (T56, T59)",
            );
            return None;
        };
        let wire = self.naming.wire(space, name).into_owned();
        (!is_second(&wire, seen, self.losses)).then_some(wire)
    }

    fn tool(&mut self, tool: &Tool<'_>, wire: &str) {
        match tool {
            Tool::Function {
                description,
                parameters,
                strict,
                ..
            } => {
                self.out.raw("{\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\"");
                if let Some(description) = description.as_ref().filter(|text| !text.is_blank()) {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                if *strict == Some(true) {
                    // T46: the vendor takes a narrower language of schemas there, and refuses the rest.
                    self.losses.dropped(
                        format!("tool {wire} (strict)"),
                        "the schema is sent, its strictness is not (T46)",
                    );
                }
                self.out.raw(",\"input_schema\":");
                write_schema(parameters.as_deref(), &mut self.out);
                self.out.raw("}");
            }
            Tool::Custom {
                description,
                format,
                ..
            } => {
                self.out.raw("{\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\",\"description\":");
                describe_raw(description.as_ref(), *format, &mut self.out);
                self.out.raw(",\"input_schema\":");
                self.out.raw(RAW_INPUT);
                self.out.raw("}");
            }
            Tool::Hosted { native, .. } => {
                self.out.raw("{\"type\":\"");
                self.out.raw(SEARCH_TOOL);
                debug_assert!(SEARCH_TOOL.starts_with(WEB_SEARCH));
                self.out.raw("\",\"name\":\"web_search\"");
                search_limits(native, &mut self.out);
                self.out.raw("}");
            }
        }
    }

    fn choice(&mut self, request: &Request<'_>, any: bool) -> Result<bool, RequestError> {
        let single = request.settings.parallel_tool_calls == Some(false);
        let Some(choice) = &request.tool_choice else {
            if any && single {
                self.key("tool_choice");
                self.out
                    .raw("{\"type\":\"auto\",\"disable_parallel_tool_use\":true}");
            }
            return Ok(false);
        };
        if !any {
            chooses_among_none(choice, self.losses);
            return Ok(false);
        }
        self.key("tool_choice");
        let (word, forced) = match choice {
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            } => ("auto", false),
            ToolChoice::None => ("none", false),
            ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => ("any", true),
            ToolChoice::Named(_) => ("tool", true),
        };
        self.out.raw("{\"type\":\"");
        self.out.raw(word);
        self.out.raw("\"");
        if let ToolChoice::Named(chosen) = choice {
            self.named(chosen, &request.tools)?;
        }
        if single && word != "none" {
            self.out.raw(",\"disable_parallel_tool_use\":true");
        }
        self.out.raw("}");
        Ok(forced)
    }

    fn named(&mut self, chosen: &Chosen<'_>, tools: &[Tool<'_>]) -> Result<(), RequestError> {
        require_declared(chosen, tools)?;
        self.out.raw(",\"name\":\"");
        let name = self.naming.wire(chosen.namespace.as_ref(), &chosen.name);
        self.out.raw(&name);
        self.out.raw("\"");
        Ok(())
    }
}

/// The sites that may be read and the person's place, from the hosted search of Responses.
fn search_limits<S: Sink>(native: &str, out: &mut S) {
    let (mut allowed, mut place) = (None, None);
    let _ = Reader::new(native).members(|key, value| {
        match (key, value.kind()?) {
            ("filters", Kind::Object) => value.members(|key, value| {
                let raw = value.raw()?;
                if key == "allowed_domains" && raw.starts_with("[\"") {
                    allowed = Some(raw);
                }
                Ok(())
            })?,
            ("user_location", Kind::Object) => place = Some(value.raw()?),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    });
    for (key, value) in [("allowed_domains", allowed), ("user_location", place)] {
        if let Some(value) = value {
            out.raw(",\"");
            out.raw(key);
            out.raw("\":");
            out.raw(value);
        }
    }
}

/// A tool's schema: its root has to be an object without unions (T37, T38). A schema that is right keeps its bytes.
fn write_schema<S: Sink>(parameters: Option<&str>, out: &mut S) {
    match parameters.and_then(flattened) {
        Some(schema) => write_parameters(Some(&schema), false, out),
        None => write_parameters(parameters, false, out),
    }
}

/// The schema with a plain object at its root; `None` when it has one, or cannot be read.
fn flattened(raw: &str) -> Option<String> {
    const UNIONS: [&str; 3] = ["anyOf", "oneOf", "allOf"];
    let (mut object, mut union, mut empty) = (false, false, true);
    Reader::new(raw)
        .members(|key, value| {
            empty = false;
            union |= UNIONS.contains(&key);
            object |= key == "type" && value.raw()? == "\"object\"";
            if key != "type" {
                value.skip()
            } else {
                Ok::<(), Malformed>(())
            }
        })
        .ok()?;
    if empty || (object && !union) {
        return None;
    }
    let Ok(Value::Object(mut schema)) = serde_json::from_str(raw) else {
        return None;
    };
    schema.insert("type".to_owned(), "object".into());
    let mut properties = match schema.remove("properties") {
        Some(Value::Object(known)) => known,
        _ => Map::new(),
    };
    for union in UNIONS {
        let Some(Value::Array(members)) = schema.remove(union) else {
            continue;
        };
        for member in members {
            if let Some(Value::Object(theirs)) = member.get("properties") {
                for (name, property) in theirs {
                    properties.entry(name).or_insert_with(|| property.clone());
                }
            }
            // All of them hold, so what one requires is required.
            if union == "allOf"
                && let Some(Value::Array(required)) = member.get("required")
            {
                let list = schema
                    .entry("required")
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.extend(required.iter().cloned());
                }
            }
        }
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    serde_json::to_string(&schema).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_schema_is_an_object_without_unions_t37_t38() {
        let right = r#"{ "type":"object", "properties":{"a":{"anyOf":[{"type":"string"}]}} }"#;
        for (given, expected) in [
            (Some(right), right),
            (None, r#"{"type":"object","properties":{}}"#),
            (Some("{}"), r#"{"type":"object","properties":{}}"#),
            (Some("null"), r#"{"type":"object","properties":{}}"#),
        ] {
            let mut out = String::new();
            write_schema(given, &mut out);
            assert_eq!(out, expected);
        }
        for (given, expected) in [
            (
                r#"{"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"number"}}}]}"#,
                serde_json::json!({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}}}),
            ),
            (
                r#"{"type":"object","properties":{"c":{}},"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]}]}"#,
                serde_json::json!({"type":"object","properties":{"a":{"type":"string"},"c":{}},"required":["a"]}),
            ),
            (
                r#"{"properties":{"a":{"type":"string"}}}"#,
                serde_json::json!({"type":"object","properties":{"a":{"type":"string"}}}),
            ),
        ] {
            let mut out = String::new();
            write_schema(Some(given), &mut out);
            assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected);
        }
    }
}
