//! Limits, sampling and hints of a Responses request, also as the Codex backend takes them (F83). Called by `request_encode`.

use super::{models, request_encode::Encoder, wire};
use crate::{
    canonical::{
        hosted::{self, Hosted},
        request::{Format, Request, Settings},
    },
    codex,
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    types::{Head, Options},
};

impl Encoder<'_> {
    pub(super) fn settings(&mut self, request: &Request<'_>, head: &Head, options: &Options<'_>) {
        let settings = &request.settings;
        if !request.tools.is_empty()
            && let Some(parallel) = settings.parallel_tool_calls
        {
            self.raw_field(
                "parallel_tool_calls",
                Some(if parallel { "true" } else { "false" }),
            );
        }
        let model = options.model.or(head.model.as_deref());
        let effort = options.effort.map(Text::spell);
        let thinks =
            !self.codex && models::thinks(model, effort.as_ref().or(settings.effort.as_ref()));
        self.reasoning(settings, options);
        self.text(settings);
        // The gateway keeps no answers, and Chat clients do not ask for it unless they say so.
        let store = !self.codex && settings.store == Some(true);
        if self.codex && settings.store == Some(true) {
            self.losses.dropped("store", codex::KEEPS_NOTHING);
        }
        self.raw_field("store", Some(if store { "true" } else { "false" }));
        let stream = self.codex || options.stream.unwrap_or(head.stream);
        self.raw_field("stream", Some(if stream { "true" } else { "false" }));
        let hosted = |what| {
            !self.codex
                && request
                    .tools
                    .iter()
                    .any(|tool| hosted::of(tool) == Some(what))
        };
        let wanted = [
            // T105: nothing is kept, so the reasoning comes along.
            (self.codex || (thinks && !store)).then_some(codex::INCLUDE),
            // T124
            (!self.codex && !thinks && settings.logprobs).then_some("message.output_text.logprobs"),
            // T55: what was found and printed is told only when asked for.
            hosted(Hosted::Search).then_some("web_search_call.action.sources"),
            hosted(Hosted::Code).then_some("code_interpreter_call.outputs"),
        ];
        if wanted.iter().any(Option::is_some) {
            self.key("include");
            self.out.raw("[");
            let mut commas = Commas::default();
            for one in wanted.into_iter().flatten() {
                commas.next(&mut self.out);
                self.out.string(one);
            }
            self.out.raw("]");
        }
        self.service_tier(settings, options);
        match (&settings.prompt_cache_key, options.prompt_cache_key) {
            (Some(key), _) => self.text_field("prompt_cache_key", Some(key)),
            (None, Some(key)) => self.text_field("prompt_cache_key", Some(&Text::spell(key))),
            (None, None) => {}
        }
        self.limits(settings, thinks);
    }

    /// Whether the target takes the field; the Codex backend only knows its own (T116).
    fn takes(&mut self, key: &'static str, present: bool) -> bool {
        if !self.codex || codex::KNOWN.contains(&key) {
            return true;
        }
        if present {
            let row = codex::DROPPED.iter().find(|row| row.field == key);
            self.losses.dropped(
                key,
                row.map_or("the Codex backend does not know this field", |row| {
                    row.reason
                }),
            );
        }
        false
    }

    /// What the Codex backend refuses, and what Responses has no word for.
    fn limits(&mut self, settings: &Settings<'_>, thinks: bool) {
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
            if thinks && value.is_some() && matches!(key, "temperature" | "top_p" | "top_logprobs")
            {
                if key != "temperature" || !matches!(value, Some("1" | "1.0")) {
                    self.losses.dropped(key, models::REFUSED);
                }
                continue;
            }
            if self.takes(key, value.is_some()) {
                self.raw_field(key, value);
            }
        }
        let words = [
            ("user", &settings.user),
            ("safety_identifier", &settings.safety_identifier),
            ("prompt_cache_retention", &settings.prompt_cache_retention),
        ];
        for (key, value) in words {
            if self.takes(key, value.is_some()) {
                self.text_field(key, value.as_ref());
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
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
            ("seed", settings.seed),
            ("logit_bias", settings.logit_bias),
            ("logprobs", (settings.logprobs && self.codex).then_some("")),
        ];
        for (key, value) in gone {
            if value.is_some() {
                self.losses
                    .dropped(key, "the account's dialect has no such field (T123)");
            }
        }
    }

    fn reasoning(&mut self, settings: &Settings<'_>, options: &Options<'_>) {
        let effort = options
            .effort
            .map(Text::spell)
            .or_else(|| settings.effort.as_ref().map(Text::borrowed));
        let effort = effort.map(|word| {
            if self.codex {
                Text::spell(codex::effort(&word.decode()))
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
                self.out.raw(schema.as_deref().unwrap_or("{}"));
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
        } else if let Some(wire) = codex::service_tier(&tier.decode()) {
            self.text_field("service_tier", Some(&Text::spell(wire)));
        } else if !codex::PLAIN_TIERS.contains(&tier.decode().as_ref()) {
            self.losses.dropped(
                "service_tier",
                "the Codex backend takes priority or nothing",
            );
        }
    }
}
