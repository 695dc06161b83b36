//! Limits, sampling and hints of a Chat Completions request. Called by `request_encode`.

use super::{request_encode::Encoder, wire::WANTS_COMPLETION_TOKENS};
use crate::{
    canonical::{
        lack::{CHAT_STOPS, first_stops},
        request::{Format, Request},
    },
    json::{text::Text, write::Sink},
    responses::models,
    types::{Head, Options},
};

impl Encoder<'_> {
    pub(super) fn settings(
        &mut self,
        request: &Request<'_>,
        model: Option<&str>,
        head: &Head,
        options: &Options<'_>,
    ) {
        let settings = &request.settings;
        if let Some(limit) = settings.max_output_tokens {
            // T140
            let newer = model.is_some_and(|model| {
                WANTS_COMPLETION_TOKENS
                    .iter()
                    .any(|prefix| model.starts_with(prefix))
            });
            self.key(if newer {
                "max_completion_tokens"
            } else {
                "max_tokens"
            });
            self.out.number(limit);
        }
        let effort = options
            .effort
            .map(Text::spell)
            .or_else(|| settings.effort.clone().map(Text::into_owned));
        let thinks = models::thinks(model, effort.as_ref());
        let tier = options
            .service_tier
            .map(Text::spell)
            .or_else(|| settings.service_tier.clone().map(Text::into_owned));
        let words = [
            ("reasoning_effort", effort.as_ref()),
            ("verbosity", settings.verbosity.as_ref()),
            ("service_tier", tier.as_ref()),
            ("user", settings.user.as_ref()),
        ];
        for (key, value) in words {
            if let Some(value) = value {
                self.key(key);
                self.out.text(value);
            }
        }
        let stops = settings.stop.and_then(|raw| {
            if raw.starts_with('"') {
                return Some(raw.to_owned());
            }
            let list = first_stops(raw, CHAT_STOPS);
            (!list.is_empty()).then(|| format!("[{list}]"))
        });
        let plain = [
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
            ("frequency_penalty", settings.frequency_penalty),
            ("presence_penalty", settings.presence_penalty),
            ("seed", settings.seed),
            ("stop", stops.as_deref()),
            ("logit_bias", settings.logit_bias),
            ("logprobs", settings.logprobs.then_some("true")),
            (
                "top_logprobs",
                settings.top_logprobs.filter(|_| settings.logprobs),
            ),
        ];
        for (key, value) in plain {
            if thinks && value.is_some() && !matches!(key, "seed" | "stop") {
                if key != "temperature" || !matches!(value, Some("1" | "1.0")) {
                    self.losses.dropped(key, models::REFUSED);
                }
                continue;
            }
            if let Some(value) = value {
                self.key(key);
                self.out.raw(value);
            }
        }
        let has_tools = request.tools.iter().any(|tool| tool.named().is_some());
        if let Some(parallel) = settings.parallel_tool_calls.filter(|_| has_tools) {
            self.key("parallel_tool_calls");
            self.out.raw(if parallel { "true" } else { "false" });
        }
        self.format(settings.format.as_ref());
        let gone = [
            ("metadata", settings.metadata.is_some()),
            ("store", settings.store == Some(true)),
            ("safety_identifier", settings.safety_identifier.is_some()),
            ("prompt_cache_key", settings.prompt_cache_key.is_some()),
            (
                "prompt_cache_retention",
                settings.prompt_cache_retention.is_some(),
            ),
        ];
        for (key, present) in gone {
            if present {
                self.losses
                    .dropped(key, "servers of this dialect may refuse the field");
            }
        }
        let stream = options.stream.unwrap_or(head.stream);
        self.key("stream");
        if stream {
            // T154: usage comes only when asked for.
            self.out
                .raw("true,\"stream_options\":{\"include_usage\":true}");
        } else {
            self.out.raw("false");
        }
    }

    fn format(&mut self, format: Option<&Format<'_>>) {
        match format {
            None => {}
            Some(Format::JsonObject) => {
                self.key("response_format");
                self.out.raw("{\"type\":\"json_object\"}");
            }
            Some(Format::JsonSchema {
                name,
                description,
                schema,
                strict,
            }) => {
                self.key("response_format");
                // T126: the name is required here.
                self.out
                    .raw("{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
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
                self.out.raw("}}");
            }
        }
    }
}
