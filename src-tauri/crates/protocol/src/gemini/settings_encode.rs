//! Limits, sampling, thinking and form of a Gemini request, as the model takes them (T96, T110, T111, T119, T128). Called by `request_encode`.

use super::{models::Think, request_encode::Encoder, schema_encode::subset};
use crate::{
    canonical::request::{Format, Request, Settings},
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::{Commas, Sink},
    },
    types::Options,
};

/// The most stop strings the dialect takes (T119).
const MOST_STOPS: usize = 5;

impl Encoder<'_> {
    /// Writes `generationConfig`; returns what of the answer's form has to be asked for in words.
    pub(super) fn settings(
        &mut self,
        request: &Request<'_>,
        tools: bool,
        options: &Options<'_>,
    ) -> Option<Text<'static>> {
        let settings = &request.settings;
        let mut all = String::new();
        let mut commas = Commas::default();
        if let Some(limit) = settings.max_output_tokens {
            commas.key(&mut all, "maxOutputTokens");
            all.number(limit.max(1));
        }
        for (key, value) in [
            ("temperature", settings.temperature),
            ("topP", settings.top_p),
            ("seed", settings.seed),
            ("presencePenalty", settings.presence_penalty),
            ("frequencyPenalty", settings.frequency_penalty),
        ] {
            if let Some(value) = value {
                commas.key(&mut all, key);
                all.raw(value);
            }
        }
        self.stops(settings, &mut commas, &mut all);
        self.thinking(settings, options, &mut commas, &mut all);
        let line = self.form(settings, tools, &mut commas, &mut all);
        if !all.is_empty() {
            self.key("generationConfig");
            self.out.raw("{");
            self.out.raw(&all);
            self.out.raw("}");
        }
        self.gone(settings);
        line
    }

    fn thinking(
        &mut self,
        settings: &Settings<'_>,
        options: &Options<'_>,
        commas: &mut Commas,
        all: &mut String,
    ) {
        let asked = options.effort.map(Text::spell);
        let effort = asked.as_ref().or(settings.effort.as_ref());
        let think = effort.and_then(|effort| {
            let think = self.model.think(&effort.decode());
            if think.is_none() && !effort.is("none") {
                self.losses.dropped(
                    "reasoning effort",
                    "the model cannot be told how much to think",
                );
            }
            think
        });
        let thinks = !matches!(self.model.thinking, super::models::Thinking::No);
        // T111: thoughts come only when they are asked for.
        let shown = settings.summary.is_some() && thinks && think != Some(Think::Budget(0));
        if think.is_none() && !shown {
            return;
        }
        commas.key(all, "thinkingConfig");
        all.raw("{");
        let mut inner = Commas::default();
        if shown {
            inner.key(all, "includeThoughts");
            all.raw("true");
        }
        match think {
            None => {}
            Some(Think::Budget(tokens)) => {
                inner.key(all, "thinkingBudget");
                all.number(tokens);
            }
            Some(Think::Level(level)) => {
                inner.key(all, "thinkingLevel");
                all.string(level);
            }
        }
        all.raw("}");
    }

    /// The form of the answer; in words where tools stand beside it and the model takes not both (T128).
    fn form(
        &mut self,
        settings: &Settings<'_>,
        tools: bool,
        commas: &mut Commas,
        all: &mut String,
    ) -> Option<Text<'static>> {
        let format = settings.format.as_ref()?;
        let schema = match format {
            Format::JsonObject => None,
            Format::JsonSchema { schema, .. } => schema.as_deref(),
        };
        if tools && !self.model.form_with_tools {
            self.losses.approximated(
                "response_format",
                "asked for in words: the model takes no form for its answer beside tools (T128)",
            );
            let line = match schema {
                None => "Answer with one valid JSON object and nothing else: no other words, no code fence.".to_owned(),
                Some(schema) => format!(
                    "Answer with one valid JSON value that follows this JSON schema, and nothing else: no other words, no code fence.\n{schema}"
                ),
            };
            return Some(Text::spell(&line));
        }
        commas.key(all, "responseMimeType");
        all.raw("\"application/json\"");
        let schema = schema?;
        if self.model.json_schema {
            commas.key(all, "responseJsonSchema");
            all.raw(schema);
            return None;
        }
        let plain = subset(schema);
        if plain.lossy {
            self.losses.approximated(
                "response_format",
                "its schema is told in the narrower language of the dialect (T39, T128)",
            );
        }
        if !plain.empty {
            commas.key(all, "responseSchema");
            all.raw(&plain.text);
        }
        None
    }

    fn stops(&mut self, settings: &Settings<'_>, commas: &mut Commas, all: &mut String) {
        let Some(raw) = settings.stop else { return };
        let mut list = String::new();
        let (mut inner, mut count) = (Commas::default(), 0);
        let mut add = |value: &mut Reader<'_>| {
            if let Some(word) = value.string_or_skip()?.filter(|word| !word.is_empty()) {
                count += 1;
                if count <= MOST_STOPS {
                    inner.next(&mut list);
                    list.text(&word);
                }
            }
            Ok::<(), Malformed>(())
        };
        let mut reader = Reader::new(raw);
        let read = match reader.kind() {
            Ok(Kind::Array) => reader.elements(&mut add),
            Ok(Kind::String) => add(&mut reader),
            _ => Ok(()),
        };
        if count > MOST_STOPS {
            self.losses
                .dropped("stop", "the dialect takes five stop strings (T119)");
        }
        if read.is_ok() && !list.is_empty() {
            commas.key(all, "stopSequences");
            all.raw("[");
            all.raw(&list);
            all.raw("]");
        }
    }

    /// What the dialect has no word for (T123).
    fn gone(&mut self, settings: &Settings<'_>) {
        let gone = [
            ("logit_bias", settings.logit_bias.is_some()),
            ("logprobs", settings.logprobs),
            ("verbosity", settings.verbosity.is_some()),
            ("store", settings.store == Some(true)),
            ("metadata", settings.metadata.is_some()),
            ("user", settings.user.is_some()),
            ("safety_identifier", settings.safety_identifier.is_some()),
            ("prompt_cache_key", settings.prompt_cache_key.is_some()),
            (
                "prompt_cache_retention",
                settings.prompt_cache_retention.is_some(),
            ),
            (
                "service_tier",
                settings
                    .service_tier
                    .as_ref()
                    .is_some_and(|tier| !tier.is("auto") && !tier.is("default")),
            ),
        ];
        for (key, present) in gone {
            if present {
                self.losses
                    .dropped(key, "the account's dialect has no such field (T123)");
            }
        }
    }
}
