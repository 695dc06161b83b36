//! The common form → a Responses request, also as the ChatGPT/Codex backend wants it (F83).
//!
//! Large texts are slices of the client's body. Called by the hub.

use bytes::Bytes;

use crate::{
    Rope,
    canonical::{
        pairing::{calls, pair},
        request::{
            Call, Chosen, Format, Item, Losses, Part, Request, Role, Settings, Tool, ToolChoice,
        },
        schema::write_parameters,
    },
    json::{
        text::Text,
        write::{Commas, RopeWriter, Sink},
    },
    names::{Naming, ToolNames, cap_call_id},
    responses::wire::{self, CODEX_DROPS},
    types::{Dialect, Head, Options, RequestError, SystemRole, Target},
};

/// Writes the whole body; also returns the names the answer needs.
pub(crate) fn encode<'a>(
    mut request: Request<'a>,
    target: Target,
    body: &Bytes,
    head: &Head,
    options: &Options<'_>,
    losses: &mut Losses,
) -> Result<(Rope, ToolNames), RequestError> {
    let codex = target == Target::Codex;
    request.items = pair(request.items, losses);
    if codex && options.system_role == SystemRole::Instructions {
        hoist_system(&mut request);
    }
    let naming = Naming::new(&request.tools, calls(&request.items), false);
    let mut encoder = Encoder {
        out: RopeWriter::new(body),
        commas: Commas::default(),
        codex,
        naming,
        losses,
    };
    encoder.head(&request, options.model.or(head.model.as_deref()));
    encoder.input(&request)?;
    encoder.tools(&request)?;
    encoder.settings(&request, head, options);
    encoder.out.raw("}");
    Ok((encoder.out.finish(), encoder.naming.into_names()))
}

/// Leading system and developer texts become instructions, in order (F83, setting "instructions").
fn hoist_system(request: &mut Request<'_>) {
    let leading = request
        .items
        .iter()
        .take_while(|item| {
            matches!(
                item,
                Item::Message {
                    role: Role::System | Role::Developer,
                    ..
                }
            )
        })
        .count();
    for item in request.items.drain(..leading) {
        let Item::Message { parts, .. } = item else {
            continue;
        };
        for part in parts {
            let Part::Text(text) = part else { continue };
            match &mut request.instructions {
                Some(all) => {
                    all.join(&Text::spell("\n\n"));
                    all.join(&text);
                }
                none => *none = Some(text),
            }
        }
    }
}

struct Encoder<'l> {
    out: RopeWriter,
    commas: Commas,
    codex: bool,
    naming: Naming,
    losses: &'l mut Losses,
}

impl Encoder<'_> {
    fn key(&mut self, key: &str) {
        self.commas.key(&mut self.out, key);
    }

    fn raw_field(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.key(key);
            self.out.raw(value);
        }
    }

    fn text_field(&mut self, key: &str, value: Option<&Text<'_>>) {
        if let Some(value) = value {
            self.key(key);
            self.out.text(value);
        }
    }

    fn head(&mut self, request: &Request<'_>, model: Option<&str>) {
        self.out.raw("{");
        if let Some(model) = model {
            self.key("model");
            self.out.string(model);
        }
        match &request.instructions {
            Some(instructions) => self.text_field("instructions", Some(instructions)),
            // Harmless where it is not needed, and it once was.
            None if self.codex => self.raw_field("instructions", Some("\"\"")),
            None => {}
        }
    }

    fn input(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
        self.key("input");
        self.out.raw("[");
        let mut commas = Commas::default();
        if request.settings.format == Some(Format::JsonObject) && !mentions_json(&request.items) {
            commas.next(&mut self.out);
            self.out.raw(wire::ASK_FOR_JSON);
        }
        for (at, item) in request.items.iter().enumerate() {
            match item {
                Item::Message { role, parts, phase } => {
                    commas.next(&mut self.out);
                    self.message(*role, parts, phase.as_ref(), at)?;
                }
                Item::Reasoning { .. } => {
                    self.losses.dropped(
                        format!("reasoning {at}"),
                        "reasoning without the provider's own seal cannot be replayed (T90, T102)",
                    );
                }
                Item::Call(call) => {
                    commas.next(&mut self.out);
                    self.call(call);
                }
                Item::Output { call_id, parts } => {
                    commas.next(&mut self.out);
                    self.output(&request.items, call_id, parts)?;
                }
                Item::Opaque {
                    origin: Dialect::Responses,
                    native,
                    ..
                } => {
                    commas.next(&mut self.out);
                    self.out.raw(native);
                }
                Item::Opaque {
                    origin: Dialect::Chat,
                    place,
                    ..
                } => {
                    self.losses.dropped(
                        format!("messages[{place}]"),
                        "only its own dialect knows this item",
                    );
                }
            }
        }
        self.out.raw("]");
        Ok(())
    }

    fn message(
        &mut self,
        role: Role,
        parts: &[Part<'_>],
        phase: Option<&Text<'_>>,
        at: usize,
    ) -> Result<(), RequestError> {
        self.out.raw("{\"type\":\"message\",\"role\":\"");
        self.out.raw(match role {
            Role::System if !self.codex => "system",
            Role::System | Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
        });
        self.out.raw("\"");
        if let Some(phase) = phase {
            self.out.raw(",\"phase\":");
            self.out.text(phase);
        }
        self.out.raw(",\"content\":[");
        self.parts(parts, role == Role::Assistant, at)?;
        self.out.raw("]}");
        Ok(())
    }

    /// Parts in their long form; the model's own words are `output_text` (T15).
    fn parts(&mut self, parts: &[Part<'_>], own: bool, at: usize) -> Result<(), RequestError> {
        let mut commas = Commas::default();
        for part in parts {
            match part {
                Part::Text(text) => {
                    commas.next(&mut self.out);
                    self.out.raw(if own {
                        "{\"type\":\"output_text\",\"text\":"
                    } else {
                        "{\"type\":\"input_text\",\"text\":"
                    });
                    self.out.text(text);
                    self.out.raw("}");
                }
                Part::Refusal(text) => {
                    commas.next(&mut self.out);
                    self.out.raw(if own {
                        "{\"type\":\"refusal\",\"refusal\":"
                    } else {
                        "{\"type\":\"input_text\",\"text\":"
                    });
                    self.out.text(text);
                    self.out.raw("}");
                }
                Part::Image { .. } | Part::File { .. } if own => {
                    self.losses.dropped(
                        format!("message {at}"),
                        "the model's own messages hold text only",
                    );
                }
                Part::Image { url, detail } => {
                    commas.next(&mut self.out);
                    self.out.raw("{\"type\":\"input_image\",\"image_url\":");
                    self.out.text(url);
                    self.out.raw(",\"detail\":");
                    // T22: the field is required here.
                    self.out
                        .text(detail.as_ref().unwrap_or(&Text::spell("auto")));
                    self.out.raw("}");
                }
                Part::File { data, url, name } => {
                    commas.next(&mut self.out);
                    self.out.raw("{\"type\":\"input_file\"");
                    for (key, value) in [("filename", name), ("file_data", data), ("file_url", url)]
                    {
                        if let Some(value) = value {
                            self.out.raw(",\"");
                            self.out.raw(key);
                            self.out.raw("\":");
                            self.out.text(value);
                        }
                    }
                    self.out.raw("}");
                }
                Part::Audio { .. } => {
                    return Err(RequestError::field(
                        "messages",
                        "This account cannot listen: send the words of the sound as text instead (T24).",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Ids of items are left out: only `call_id` joins a call to its output (T74, T75).
    fn call(&mut self, call: &Call<'_>) {
        self.out.raw(if call.custom {
            "{\"type\":\"custom_tool_call\""
        } else {
            "{\"type\":\"function_call\""
        });
        self.out.raw(",\"call_id\":\"");
        self.out
            .raw(&cap_call_id(&call.call_id, wire::LONGEST_CALL_ID));
        self.out.raw("\",\"name\":\"");
        let name = self.naming.wire(call.namespace.as_ref(), &call.name);
        self.out.raw(&name);
        self.out.raw("\"");
        if let Some(namespace) = &call.namespace {
            self.out.raw(",\"namespace\":");
            self.out.text(namespace);
        }
        self.out.raw(if call.custom {
            ",\"input\":"
        } else {
            ",\"arguments\":"
        });
        self.out.text(&call.input);
        self.out.raw("}");
    }

    fn output(
        &mut self,
        items: &[Item<'_>],
        call_id: &Text<'_>,
        parts: &[Part<'_>],
    ) -> Result<(), RequestError> {
        let custom = calls(items).any(|call| call.custom && call.call_id == *call_id);
        self.out.raw(if custom {
            "{\"type\":\"custom_tool_call_output\""
        } else {
            "{\"type\":\"function_call_output\""
        });
        self.out.raw(",\"call_id\":\"");
        self.out.raw(&cap_call_id(call_id, wire::LONGEST_CALL_ID));
        self.out.raw("\",\"output\":");
        match parts {
            [] => self.out.raw("\"\""),
            [Part::Text(text)] => self.out.text(text),
            parts => {
                // T26: media only fit the array form.
                self.out.raw("[");
                self.parts(parts, false, 0)?;
                self.out.raw("]");
            }
        }
        self.out.raw("}");
        Ok(())
    }

    fn tools(&mut self, request: &Request<'_>) -> Result<(), RequestError> {
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

    fn chosen(&mut self, chosen: &Chosen<'_>, tools: &[Tool<'_>]) -> Result<(), RequestError> {
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
                let strict = strict.unwrap_or(false);
                write_parameters(*parameters, strict, &mut self.out);
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
            Tool::Hosted {
                origin: Dialect::Responses,
                native,
                ..
            } => {
                commas.next(&mut self.out);
                self.out.raw(native);
            }
            Tool::Hosted {
                origin: Dialect::Chat,
                kind,
                ..
            } => {
                self.losses.dropped(
                    format!("tools ({})", kind.decode()),
                    "only its own provider runs this tool (T59)",
                );
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

    fn settings(&mut self, request: &Request<'_>, head: &Head, options: &Options<'_>) {
        let settings = &request.settings;
        if !request.tools.is_empty()
            && let Some(parallel) = settings.parallel_tool_calls
        {
            self.raw_field(
                "parallel_tool_calls",
                Some(if parallel { "true" } else { "false" }),
            );
        }
        self.reasoning(settings, options);
        self.text(settings);
        // The gateway keeps no answers, and Chat clients do not ask for it unless they say so.
        let store = !self.codex && settings.store == Some(true);
        self.raw_field("store", Some(if store { "true" } else { "false" }));
        let stream = self.codex || options.stream.unwrap_or(head.stream);
        self.raw_field("stream", Some(if stream { "true" } else { "false" }));
        if self.codex {
            self.raw_field("include", Some("[\"reasoning.encrypted_content\"]"));
        } else if settings.logprobs {
            // T124
            self.raw_field("include", Some("[\"message.output_text.logprobs\"]"));
        }
        self.service_tier(settings, options);
        match (&settings.prompt_cache_key, options.prompt_cache_key) {
            (Some(key), _) => self.text_field("prompt_cache_key", Some(key)),
            (None, Some(key)) => self.text_field("prompt_cache_key", Some(&Text::spell(key))),
            (None, None) => {}
        }
        self.limits(settings);
    }

    /// What the Codex backend refuses, and what Responses has no word for.
    fn limits(&mut self, settings: &Settings<'_>) {
        let floor = settings
            .max_output_tokens
            .map(|limit| limit.max(wire::LOWEST_LIMIT).to_string());
        let plain = [
            ("max_output_tokens", floor.as_deref()),
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
            (
                "top_logprobs",
                settings.top_logprobs.filter(|_| settings.logprobs),
            ),
            ("metadata", settings.metadata),
        ];
        for (key, value) in plain {
            if self.codex && CODEX_DROPS.contains(&key) {
                if value.is_some() {
                    self.losses
                        .dropped(key, "the Codex backend refuses this field (F83)");
                }
            } else {
                self.raw_field(key, value);
            }
        }
        let words = [
            ("user", &settings.user),
            ("safety_identifier", &settings.safety_identifier),
            ("prompt_cache_retention", &settings.prompt_cache_retention),
        ];
        for (key, value) in words {
            if !self.codex {
                self.text_field(key, value.as_ref());
            } else if value.is_some() {
                self.losses
                    .dropped(key, "the Codex backend refuses this field (F83)");
            }
        }
        if settings
            .max_output_tokens
            .is_some_and(|limit| limit < wire::LOWEST_LIMIT)
            && !self.codex
        {
            self.losses.approximated(
                "max_tokens",
                "raised to the lowest limit the account's dialect takes (T117)",
            );
        }
        let gone = [
            ("stop", settings.stop),
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
            ("seed", settings.seed),
            ("logit_bias", settings.logit_bias),
            ("logprobs", (settings.logprobs && self.codex).then_some("")),
        ];
        for (key, value) in gone {
            if value.is_some() {
                self.losses
                    .dropped(key, "the account's dialect has no such field (T119, T123)");
            }
        }
    }

    fn reasoning(&mut self, settings: &Settings<'_>, options: &Options<'_>) {
        let effort = options
            .effort
            .map(Text::spell)
            .or_else(|| settings.effort.as_ref().map(Text::borrowed));
        let effort = effort.map(|word| {
            if self.codex && word.is("ultra") {
                Text::spell("max")
            } else {
                word
            }
        });
        let off = effort.as_ref().is_some_and(|word| word.is("none"));
        // Without a summary the client would see no reasoning at all (F85); elsewhere it may need a verified organisation.
        let summary = match &settings.summary {
            Some(word) if word.is("none") => None,
            Some(word) => Some(word.borrowed()),
            None if self.codex && !off => Some(Text::spell("auto")),
            None => None,
        };
        if effort.is_none() && summary.is_none() {
            return;
        }
        self.key("reasoning");
        self.out.raw("{");
        let mut commas = Commas::default();
        for (key, value) in [("effort", effort), ("summary", summary)] {
            if let Some(value) = value {
                commas.key(&mut self.out, key);
                self.out.text(&value);
            }
        }
        self.out.raw("}");
    }

    /// `text.format` and `text.verbosity` (F83, T126).
    fn text(&mut self, settings: &Settings<'_>) {
        if settings.format.is_none() && settings.verbosity.is_none() {
            return;
        }
        self.key("text");
        self.out.raw("{");
        let mut commas = Commas::default();
        match &settings.format {
            None => {}
            Some(Format::JsonObject) => {
                commas.key(&mut self.out, "format");
                self.out.raw("{\"type\":\"json_object\"}");
            }
            Some(Format::JsonSchema {
                name,
                description,
                schema,
                strict,
            }) => {
                commas.key(&mut self.out, "format");
                self.out.raw("{\"type\":\"json_schema\",\"name\":");
                self.out
                    .text(name.as_ref().unwrap_or(&Text::spell("answer")));
                if let Some(description) = description {
                    self.out.raw(",\"description\":");
                    self.out.text(description);
                }
                self.out.raw(",\"schema\":");
                self.out.raw(schema.unwrap_or("{}"));
                if let Some(strict) = strict {
                    self.out.raw(if *strict {
                        ",\"strict\":true"
                    } else {
                        ",\"strict\":false"
                    });
                }
                self.out.raw("}");
            }
        }
        if let Some(verbosity) = &settings.verbosity {
            commas.key(&mut self.out, "verbosity");
            self.out.text(verbosity);
        }
        self.out.raw("}");
    }

    fn service_tier(&mut self, settings: &Settings<'_>, options: &Options<'_>) {
        let Some(tier) = options
            .service_tier
            .map(Text::spell)
            .or_else(|| settings.service_tier.clone().map(Text::into_owned))
        else {
            return;
        };
        if !self.codex {
            self.text_field("service_tier", Some(&tier));
        } else if tier.is("priority") || tier.is("fast") {
            self.raw_field("service_tier", Some("\"priority\""));
        } else if !tier.is("auto") && !tier.is("default") {
            self.losses.dropped(
                "service_tier",
                "the Codex backend takes priority or nothing",
            );
        }
    }
}

/// Whether any text of the input holds the word that JSON mode asks for (F83).
fn mentions_json(items: &[Item<'_>]) -> bool {
    let holds = |parts: &[Part<'_>]| {
        parts.iter().any(|part| match part {
            Part::Text(text) => holds_json(text.raw().as_bytes()),
            _ => false,
        })
    };
    items.iter().any(|item| match item {
        Item::Message { parts, .. } | Item::Output { parts, .. } => holds(parts),
        _ => false,
    })
}

fn holds_json(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'j', b'J', text).any(|at| {
        text.get(at..at + 4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"json"))
    })
}
