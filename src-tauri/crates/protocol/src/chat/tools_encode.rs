//! The tools and the tool choice of a Chat Completions request. Called by `request_encode`.

use super::request_encode::Encoder;
use crate::{
    canonical::{
        hosted::{self, Hosted},
        offer::{chooses_among_none, describe_raw, is_second},
        request::{Chosen, Request, Tool, ToolChoice},
        schema::{self, fits_strict, write_parameters},
    },
    json::write::{Commas, Sink},
    responses::wire::require_declared,
    types::RequestError,
};

impl Encoder<'_> {
    pub(super) fn tools(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        let mut commas = Commas::default();
        let mut seen: Vec<String> = Vec::new();
        let mut search = None;
        for tool in &request.tools {
            if hosted::of(tool) == Some(Hosted::Search) && self.searches {
                // Of several searches the first counts.
                search.get_or_insert(tool);
                continue;
            }
            if matches!(tool, Tool::Hosted { .. }) {
                hosted::leave_out(tool, self.losses);
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
        if let Some(Tool::Hosted { native, .. }) = search {
            let limits = hosted::limits(native);
            let mut told = String::new();
            hosted::search_of_chat(&limits, &mut told);
            self.key("web_search_options");
            self.out.raw(&told);
            hosted::search_told(&limits, &["user_location"], self.losses);
        }
        match &request.tool_choice {
            None => {}
            // These models search always.
            Some(ToolChoice::Hosted(kind)) => hosted::demand(kind, search.is_some())?,
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
                // F84: asked for, it closes the objects also where it cannot be kept.
                write_parameters(parameters.as_deref(), *strict == Some(true), &mut self.out);
                let strict = self.strict(*strict, parameters.as_deref(), wire);
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

    /// Whether a schema is to be strict: a server refuses one that is not made for it (T45).
    fn strict(&mut self, asked: Option<bool>, schema: Option<&str>, wire: &str) -> bool {
        let strict = asked == Some(true) && fits_strict(schema);
        if asked == Some(true) && !strict {
            self.losses
                .dropped(format!("tool {wire} (strict)"), schema::NOT_STRICT);
        }
        strict
    }

    fn choice(&mut self, choice: &ToolChoice<'_>, tools: &[Tool<'_>]) -> Result<(), RequestError> {
        if self.no_force
            && matches!(
                choice,
                ToolChoice::Required
                    | ToolChoice::Named(_)
                    | ToolChoice::Allowed { required: true, .. }
            )
        {
            self.losses.approximated(
                "tool_choice",
                "left to the model, which refuses to be made to call a tool while it thinks (T62)",
            );
            return Ok(());
        }
        self.key("tool_choice");
        match choice {
            ToolChoice::Auto | ToolChoice::Hosted(_) => self.out.raw("\"auto\""),
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
