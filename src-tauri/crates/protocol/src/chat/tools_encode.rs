//! The tools and the tool choice of a Chat Completions request. Called by `request_encode`.

use super::request_encode::Encoder;
use crate::{
    canonical::{
        offer::{chooses_among_none, describe_raw, is_second},
        request::{Chosen, Request, Tool, ToolChoice},
        schema::write_parameters,
    },
    json::write::{Commas, Sink},
    responses::wire::require_declared,
    types::{Dialect, RequestError},
};

impl Encoder<'_> {
    pub(super) fn tools(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        let mut commas = Commas::default();
        let mut seen: Vec<String> = Vec::new();
        for tool in &request.tools {
            if let Tool::Hosted {
                origin: Dialect::Responses | Dialect::Messages | Dialect::Gemini,
                kind,
                ..
            } = tool
            {
                self.losses.dropped(
                    format!("tools ({})", kind.decode()),
                    "only its own provider runs this tool (T56, T59)",
                );
                continue;
            }
            let wire = tool
                .named()
                .map(|(space, name)| self.naming.wire(space, name).into_owned())
                .unwrap_or_default();
            if tool.named().is_some() && is_second(&wire, &seen, self.losses) {
                continue;
            }
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
        match &request.tool_choice {
            None => {}
            Some(choice) if seen.is_empty() => chooses_among_none(choice, self.losses),
            Some(choice) => self.choice(choice, &request.tools)?,
        }
        Ok(())
    }

    fn tool(&mut self, tool: &Tool<'_>, wire: &str) {
        match tool {
            Tool::Function {
                description,
                parameters,
                strict,
                ..
            } => {
                self.out
                    .raw("{\"type\":\"function\",\"function\":{\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\"");
                if let Some(description) = description {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                self.out.raw(",\"parameters\":");
                let strict = *strict == Some(true);
                write_parameters(parameters.as_deref(), strict, &mut self.out);
                // Many servers do not know the field: it is sent only where it says something.
                self.out
                    .raw(if strict { ",\"strict\":true}}" } else { "}}" });
            }
            Tool::Custom {
                description,
                format,
                ..
            } if self.flatten => {
                self.out
                    .raw("{\"type\":\"function\",\"function\":{\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\",\"description\":");
                describe_raw(description.as_ref(), *format, &mut self.out);
                self.out.raw(",\"parameters\":{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\",\"description\":\"The whole input as plain text.\"}},\"required\":[\"input\"],\"additionalProperties\":false}}}");
            }
            Tool::Custom {
                description,
                format,
                ..
            } => {
                self.out.raw("{\"type\":\"custom\",\"custom\":{\"name\":\"");
                self.out.raw(wire);
                self.out.raw("\"");
                if let Some(description) = description {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                if let Some(format) = format {
                    self.out.raw(",\"format\":");
                    self.out.raw(format);
                }
                self.out.raw("}}");
            }
            Tool::Hosted { native, .. } => self.out.raw(native),
        }
    }

    fn choice(&mut self, choice: &ToolChoice<'_>, tools: &[Tool<'_>]) -> Result<(), RequestError> {
        self.key("tool_choice");
        match choice {
            ToolChoice::Auto => self.out.raw("\"auto\""),
            ToolChoice::None => self.out.raw("\"none\""),
            ToolChoice::Required => self.out.raw("\"required\""),
            ToolChoice::Named(chosen) => self.chosen(chosen, tools)?,
            ToolChoice::Allowed {
                required,
                tools: allowed,
            } => {
                self.out
                    .raw("{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":");
                self.out.raw(if *required {
                    "\"required\""
                } else {
                    "\"auto\""
                });
                self.out.raw(",\"tools\":[");
                let mut commas = Commas::default();
                for chosen in allowed {
                    commas.next(&mut self.out);
                    self.chosen(chosen, tools)?;
                }
                self.out.raw("]}}");
            }
        }
        Ok(())
    }

    pub(super) fn chosen(
        &mut self,
        chosen: &Chosen<'_>,
        tools: &[Tool<'_>],
    ) -> Result<(), RequestError> {
        require_declared(chosen, tools)?;
        self.out.raw(if chosen.custom && !self.flatten {
            "{\"type\":\"custom\",\"custom\":{\"name\":\""
        } else {
            "{\"type\":\"function\",\"function\":{\"name\":\""
        });
        let name = self.naming.wire(chosen.namespace.as_ref(), &chosen.name);
        self.out.raw(&name);
        self.out.raw("\"}}");
        Ok(())
    }
}
