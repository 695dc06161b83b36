//! The tools and the tool choice of a Responses request. Called by `request_encode`.

use super::{request_encode::Encoder, wire};
use crate::{
    canonical::{
        hosted::{self, Hosted},
        request::{Chosen, Request, Tool, ToolChoice},
        schema::{self, fits_strict, write_parameters},
    },
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    types::{Dialect, RequestError},
};

impl Encoder<'_> {
    pub(super) fn tools(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        if !request.tools.is_empty() {
            self.key("tools");
            self.out.raw("[");
            let mut commas = Commas::default();
            let mut seen = Vec::new();
            for tool in &request.tools {
                let wire_name = tool
                    .named()
                    .map(|(space, name)| (space, self.naming.wire(space, name).into_owned()));
                if let Some(named) = &wire_name {
                    // T49: the first of two tools with one name counts.
                    if seen.contains(named) {
                        self.losses.dropped(
                            format!("tool {}", named.1),
                            "a tool of this name was declared before",
                        );
                        continue;
                    }
                    seen.push(named.clone());
                }
                self.tool(
                    tool,
                    wire_name.map_or(String::new(), |(_, name)| name),
                    &mut commas,
                );
            }
            self.out.raw("]");
        }
        let Some(choice) = &request.tool_choice else {
            return Ok(());
        };
        if let ToolChoice::Hosted(kind) = choice {
            hosted::demand(kind, hosted::has_search(&request.tools))?;
        }
        if request.tools.is_empty() {
            // T60: a choice among nothing is refused upstream; "none" loses nothing.
            if *choice != ToolChoice::None {
                self.losses
                    .dropped("tool_choice", "there are no tools to choose from");
            }
            return Ok(());
        }
        self.key("tool_choice");
        match choice {
            ToolChoice::Auto => self.out.raw("\"auto\""),
            ToolChoice::None => self.out.raw("\"none\""),
            ToolChoice::Required => self.out.raw("\"required\""),
            ToolChoice::Named(chosen) => self.chosen(chosen, &request.tools)?,
            // The only tool there is needs no name, which not every server knows.
            ToolChoice::Hosted(_) if request.tools.len() == 1 => self.out.raw("\"required\""),
            ToolChoice::Hosted(_) => self.out.raw("{\"type\":\"web_search\"}"),
            ToolChoice::Allowed { required, tools } => {
                self.out.raw("{\"type\":\"allowed_tools\",\"mode\":");
                self.out.raw(if *required {
                    "\"required\""
                } else {
                    "\"auto\""
                });
                self.out.raw(",\"tools\":[");
                let mut commas = Commas::default();
                for chosen in tools {
                    commas.next(&mut self.out);
                    self.chosen(chosen, &request.tools)?;
                }
                self.out.raw("]}");
            }
        }
        Ok(())
    }

    pub(super) fn chosen(
        &mut self,
        chosen: &Chosen<'_>,
        tools: &[Tool<'_>],
    ) -> Result<(), RequestError> {
        wire::require_declared(chosen, tools)?;
        self.out.raw(if chosen.custom {
            "{\"type\":\"custom\",\"name\":\""
        } else {
            "{\"type\":\"function\",\"name\":\""
        });
        let name = self.naming.wire(chosen.namespace.as_ref(), &chosen.name);
        self.out.raw(&name);
        self.out.raw("\"}");
        Ok(())
    }

    fn tool(&mut self, tool: &Tool<'_>, wire_name: String, commas: &mut Commas) {
        match tool {
            Tool::Function {
                namespace,
                description,
                parameters,
                strict,
                ..
            } => {
                commas.next(&mut self.out);
                self.open_namespace(namespace.as_ref());
                self.out.raw("{\"type\":\"function\",\"name\":\"");
                self.out.raw(&wire_name);
                self.out.raw("\"");
                if let Some(description) = description {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                self.out.raw(",\"parameters\":");
                // T45; F84: asked for, it closes the objects also where it cannot be kept.
                let asked = *strict == Some(true);
                let strict = asked && fits_strict(parameters.as_deref());
                if asked && !strict {
                    self.losses
                        .dropped(format!("tool {wire_name} (strict)"), schema::NOT_STRICT);
                }
                write_parameters(parameters.as_deref(), asked, &mut self.out);
                // T44: left out, the upstream may take it for true.
                self.out.raw(if strict {
                    ",\"strict\":true}"
                } else {
                    ",\"strict\":false}"
                });
                self.close_namespace(namespace.as_ref());
            }
            Tool::Custom {
                namespace,
                description,
                format,
                ..
            } => {
                commas.next(&mut self.out);
                self.open_namespace(namespace.as_ref());
                self.out.raw("{\"type\":\"custom\",\"name\":\"");
                self.out.raw(&wire_name);
                self.out.raw("\"");
                if let Some(description) = description {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                if let Some(format) = format {
                    self.out.raw(",\"format\":");
                    wire::write_flat_grammar(format, &mut self.out);
                }
                self.out.raw("}");
                self.close_namespace(namespace.as_ref());
            }
            // T55: both have it; the rest of other dialects were taken out before.
            Tool::Hosted {
                origin: Dialect::Chat | Dialect::Messages | Dialect::Gemini,
                native,
                ..
            } => {
                commas.next(&mut self.out);
                if hosted::of(tool) == Some(Hosted::Code) {
                    self.out
                        .raw("{\"type\":\"code_interpreter\",\"container\":{\"type\":\"auto\"}}");
                    self.losses.approximated(
                        "tools (code execution)",
                        "runs as the account's own code interpreter (T55)",
                    );
                    return;
                }
                let limits = hosted::limits(native);
                let mut told = String::new();
                hosted::search_of_responses(&limits, &mut told);
                self.out.raw(&told);
                hosted::search_told(&limits, &["allowed_domains", "user_location"], self.losses);
            }
            Tool::Hosted { native, .. } => {
                commas.next(&mut self.out);
                self.out.raw(native);
            }
        }
    }

    fn open_namespace(&mut self, namespace: Option<&Text<'_>>) {
        if let Some(namespace) = namespace {
            self.out.raw("{\"type\":\"namespace\",\"name\":");
            self.out.text(namespace);
            self.out.raw(",\"tools\":[");
        }
    }

    fn close_namespace(&mut self, namespace: Option<&Text<'_>>) {
        if namespace.is_some() {
            self.out.raw("]}");
        }
    }
}
