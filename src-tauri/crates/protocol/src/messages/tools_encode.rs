//! The tools and the tool choice of a Messages request. Called by `request_encode`.

use serde_json::{Map, Value};

use super::request_encode::Encoder;
use crate::{
    canonical::{
        hosted::{self, Hosted},
        offer::{RAW_INPUT, chooses_among_none, describe_raw, is_second, offered},
        request::{Chosen, Request, Tool, ToolChoice},
        schema::write_parameters,
    },
    json::{
        read::{Malformed, Reader},
        write::{Commas, Sink},
    },
    responses::wire::require_declared,
    types::RequestError,
};

/// The names of the vendor's hosted tools.
const fn hosted_name(tool: Hosted) -> &'static str {
    match tool {
        Hosted::Search => "web_search",
        Hosted::Fetch => "web_fetch",
        Hosted::Code => "code_execution",
    }
}

/// Their types, in the version that every hosted model has (T55).
const fn hosted_type(tool: Hosted) -> &'static str {
    match tool {
        Hosted::Search => "web_search_20250305",
        Hosted::Fetch => "web_fetch_20250910",
        Hosted::Code => "code_execution_20250825",
    }
}

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
        let searches = hosted::has_search(&request.tools) && self.model.hosted;
        self.choice(request, !seen.is_empty(), searches)
    }

    /// The name of a tool on the wire; `None` for one that is not sent, which is told.
    fn wire_name(&mut self, tool: &Tool<'_>, seen: &[String]) -> Option<String> {
        let Some((space, name)) = tool.named() else {
            let name = hosted::of(tool).map(hosted_name);
            if let Some(name) = name.filter(|_| self.model.hosted)
                && !seen.iter().any(|known| known == name)
            {
                return Some(name.to_owned());
            }
            hosted::leave_out(tool, self.losses);
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
                let kind = hosted::of(tool).unwrap_or(Hosted::Search);
                self.out.raw("{\"type\":\"");
                self.out.raw(hosted_type(kind));
                self.out.raw("\",\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\"");
                if kind != Hosted::Search {
                    self.losses.approximated(
                        format!("tools ({wire})"),
                        "runs as the account's own tool, without its settings (T55)",
                    );
                    return self.out.raw("}");
                }
                let limits = hosted::limits(native);
                let sites = match limits.allowed {
                    Some(allowed) => ("allowed_domains", Some(allowed)),
                    // The vendor takes one of both.
                    None => ("blocked_domains", limits.blocked),
                };
                let place = ("user_location", limits.place.as_deref());
                for (key, value) in [sites, place, ("max_uses", limits.uses)] {
                    if let Some(value) = value {
                        self.out.raw(",\"");
                        self.out.raw(key);
                        self.out.raw("\":");
                        self.out.raw(value);
                    }
                }
                let takes = [sites.0, place.0, "max_uses"];
                hosted::search_told(&limits, &takes, self.losses);
                self.out.raw("}");
            }
        }
    }

    fn choice(
        &mut self,
        request: &Request<'_>,
        any: bool,
        searches: bool,
    ) -> Result<bool, RequestError> {
        let single = request.settings.parallel_tool_calls == Some(false);
        let Some(choice) = &request.tool_choice else {
            if any && single {
                self.key("tool_choice");
                self.out
                    .raw("{\"type\":\"auto\",\"disable_parallel_tool_use\":true}");
            }
            return Ok(false);
        };
        if let ToolChoice::Hosted(kind) = choice {
            hosted::demand(kind, searches)?;
        }
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
            ToolChoice::Named(_) | ToolChoice::Hosted(_) => ("tool", true),
        };
        self.out.raw("{\"type\":\"");
        self.out.raw(word);
        self.out.raw("\"");
        if let ToolChoice::Named(chosen) = choice {
            self.named(chosen, &request.tools)?;
        }
        if matches!(choice, ToolChoice::Hosted(_)) {
            self.out.raw(",\"name\":\"web_search\"");
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
