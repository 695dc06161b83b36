//! The tools and the tool choice of a Gemini request. Called by `request_encode`.

use super::{request_encode::Encoder, schema_encode::subset};
use crate::{
    canonical::{
        hosted::{self, Hosted},
        offer::{RAW_INPUT, chooses_among_none, describe_raw, is_second, offered},
        request::{Chosen, Request, Tool, ToolChoice},
    },
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    responses::wire::require_declared,
    types::RequestError,
};

impl Encoder<'_> {
    /// Writes both; true when any tool is on offer.
    pub(super) fn tools(&mut self, request: &Request<'_>) -> Result<bool, RequestError> {
        let mut seen: Vec<String> = Vec::new();
        let mut commas = Commas::default();
        for tool in offered(request)? {
            let Some((space, name)) = tool.named() else {
                continue;
            };
            let wire = self.naming.wire(space, name).into_owned();
            if is_second(&wire, &seen, self.losses) {
                continue;
            }
            if seen.is_empty() {
                self.key("tools");
                self.out.raw("[{\"functionDeclarations\":[");
            }
            commas.next(&mut self.out);
            self.tool(tool, &wire);
            seen.push(wire);
        }
        if !seen.is_empty() {
            self.out.raw("]}]");
        }
        let search = self.hosted(&request.tools, seen.is_empty());
        if let Some(ToolChoice::Hosted(kind)) = &request.tool_choice {
            hosted::demand(kind, search && hosted::has_search(&request.tools))?;
            self.losses.approximated(
                "tool_choice",
                "the model decides whether it searches: it cannot be made to (T55)",
            );
            return Ok(true);
        }
        self.choice(request, !seen.is_empty())?;
        Ok(!seen.is_empty() || search)
    }

    /// Tools that run at a vendor and that both have; few models take them beside other tools (T55).
    fn hosted(&mut self, tools: &[Tool<'_>], alone: bool) -> bool {
        let mut names: Vec<&str> = Vec::new();
        for tool in tools {
            let name = match hosted::of(tool) {
                _ if !self.model.hosted || !alone => None,
                Some(Hosted::Search) => Some("googleSearch"),
                Some(Hosted::Fetch) => Some("urlContext"),
                Some(Hosted::Code) => Some("codeExecution"),
                None => None,
            };
            let (Some(name), Tool::Hosted { native, .. }) = (name, tool) else {
                hosted::leave_out(tool, self.losses);
                continue;
            };
            if name == "googleSearch" {
                hosted::search_told(&hosted::limits(native), &[], self.losses);
            } else {
                let reason = "runs as the account's own tool, without its settings (T55)";
                self.losses.approximated(format!("tools ({name})"), reason);
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            self.key("tools");
            self.out.raw("[{\"");
            self.out.raw(&names.join("\":{}},{\""));
            self.out.raw("\":{}}]");
        }
        !names.is_empty()
    }

    fn tool(&mut self, tool: &Tool<'_>, wire: &str) {
        self.out.raw("{\"name\":\"");
        self.out.raw(wire);
        self.out.raw("\"");
        match tool {
            Tool::Function {
                description,
                parameters,
                strict,
                ..
            } => {
                if let Some(description) = description.as_ref().filter(|text| !text.is_blank()) {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                if *strict == Some(true) {
                    self.losses.dropped(
                        format!("tool {wire} (strict)"),
                        "the schema is sent, its strictness is not (T46)",
                    );
                }
                if let Some(parameters) = parameters.as_deref() {
                    self.parameters(parameters, wire);
                }
            }
            Tool::Custom {
                description,
                format,
                ..
            } => {
                self.out.raw(",\"description\":");
                describe_raw(description.as_ref(), *format, &mut self.out);
                self.out.raw(",\"parameters\":");
                self.out.raw(RAW_INPUT);
            }
            Tool::Hosted { .. } => {}
        }
        self.out.raw("}");
    }

    /// Plain schemas go in the field that every server of the dialect has; where that would lose something, as JSON schema to those that
    /// take it (T39, T40). A tool without parameters has none (T37).
    fn parameters(&mut self, schema: &str, wire: &str) {
        let plain = subset(schema);
        if plain.empty {
            return;
        }
        if plain.lossy && self.model.json_schema {
            self.out.raw(",\"parametersJsonSchema\":");
            self.out.raw(schema);
            return;
        }
        if plain.lossy {
            self.losses.approximated(
                format!("tool {wire}"),
                "its schema is told in the narrower language of the dialect (T39, T41–T43)",
            );
        }
        self.out.raw(",\"parameters\":");
        self.out.raw(&plain.text);
    }

    fn choice(&mut self, request: &Request<'_>, any: bool) -> Result<(), RequestError> {
        if any && request.settings.parallel_tool_calls == Some(false) {
            self.losses.dropped(
                "parallel_tool_calls",
                "the account's dialect cannot be told to call one tool at a time",
            );
        }
        let Some(choice) = &request.tool_choice else {
            return Ok(());
        };
        if !any {
            chooses_among_none(choice, self.losses);
            return Ok(());
        }
        let (mode, names): (_, &[Chosen<'_>]) = match choice {
            ToolChoice::Auto
            | ToolChoice::Hosted(_)
            | ToolChoice::Allowed {
                required: false, ..
            } => ("AUTO", &[]),
            ToolChoice::None => ("NONE", &[]),
            ToolChoice::Required => ("ANY", &[]),
            ToolChoice::Named(chosen) => {
                require_declared(chosen, &request.tools)?;
                ("ANY", std::slice::from_ref(chosen))
            }
            ToolChoice::Allowed {
                required: true,
                tools,
            } => ("ANY", tools),
        };
        self.key("toolConfig");
        self.out.raw("{\"functionCallingConfig\":{\"mode\":\"");
        self.out.raw(mode);
        self.out.raw("\"");
        if !names.is_empty() {
            self.out.raw(",\"allowedFunctionNames\":[");
            let mut commas = Commas::default();
            for chosen in names {
                commas.next(&mut self.out);
                let name = self.naming.wire(chosen.namespace.as_ref(), &chosen.name);
                self.out.text(&Text::token(name, false));
            }
            self.out.raw("]");
        }
        self.out.raw("}}");
        Ok(())
    }
}
