//! Limits, sampling, thinking and form of a Gemini request, as the model takes them (T96, T110, T111, T119, T128). Called by `request_encode`.

use super::{models::Think, request_encode::Encoder, schema_encode::subset};
use crate::{
    canonical::{
        lack::{GEMINI_STOPS, first_stops, form_in_words, gone, of_form},
        request::{Format, Request, Settings},
    },
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    types::Options,
};

/// What the dialect has no word for (T123).
const GONE: &[&str] = &[
    "logit_bias",
    "logprobs",
    "verbosity",
    "store",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
];

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
        gone(settings, GONE, self.losses);
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
        of_form(Some(format), self.losses);
        let schema = match format {
            Format::JsonObject => None,
            Format::JsonSchema { schema, .. } => schema.as_deref(),
        };
        if tools && !self.model.form_with_tools {
            self.losses.approximated(
                "response_format",
                "asked for in words: the model takes no form for its answer beside tools (T128)",
            );
            return Some(form_in_words(schema));
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
        let list = first_stops(raw, GEMINI_STOPS);
        if !list.is_empty() {
            commas.key(all, "stopSequences");
            all.raw("[");
            all.raw(&list);
            all.raw("]");
        }
    }
}
