//! Limits, sampling, thinking and form of a Messages request, as the model takes them (T96–T99, T114, T125). Called by `request_encode`.

use super::{
    models::{Sampling, Schema, Thinking, nearest},
    request_encode::Encoder,
    turns::{Block, Conversation, Speaker},
    wire::{LOWEST_BUDGET, budget},
};
use crate::{
    canonical::{
        lack::{form_in_words, gone, of_form, stop_list},
        request::{Format, Request, Settings},
        schema::write_parameters,
    },
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    types::{Head, Options},
};

/// What the dialect has no word for (T123).
const GONE: &[&str] = &[
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "logit_bias",
    "logprobs",
    "verbosity",
    "store",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
];

/// What the model is told about thinking.
enum Think {
    Off,
    Budget(u64),
    Adaptive(String),
}

impl Encoder<'_> {
    pub(super) fn settings(
        &mut self,
        request: &Request<'_>,
        conversation: &Conversation<'_, '_>,
        forced: bool,
        head: &Head,
        options: &Options<'_>,
    ) {
        let settings = &request.settings;
        // T114
        let limit = settings.max_output_tokens.unwrap_or(self.model.max_output);
        self.key("max_tokens");
        self.out.number(limit.max(1));
        let think = self.think(settings, conversation, forced, limit, options);
        match &think {
            Think::Off => {}
            Think::Budget(tokens) => {
                self.key("thinking");
                self.out.raw("{\"type\":\"enabled\",\"budget_tokens\":");
                self.out.number(*tokens);
                self.out.raw("}");
            }
            Think::Adaptive(_) => {
                self.key("thinking");
                self.out.raw("{\"type\":\"adaptive\"}");
            }
        }
        self.output_config(settings, &think);
        self.sampling(settings, &think);
        self.stops(settings);
        if let Some(user) = settings
            .user
            .as_ref()
            .or(settings.safety_identifier.as_ref())
        {
            // T132
            self.key("metadata");
            self.out.raw("{\"user_id\":");
            self.out.text(user);
            self.out.raw("}");
        }
        gone(settings, GONE, self.losses);
        let stream = options.stream.unwrap_or(head.stream);
        self.key("stream");
        self.out.raw(if stream { "true" } else { "false" });
    }

    /// Table C3, as far as the rest of the request allows it.
    fn think(
        &mut self,
        settings: &Settings<'_>,
        conversation: &Conversation<'_, '_>,
        forced: bool,
        limit: u64,
        options: &Options<'_>,
    ) -> Think {
        let asked = options.effort.map(Text::spell);
        let Some(effort) = asked.as_ref().or(settings.effort.as_ref()) else {
            return Think::Off;
        };
        let effort = effort.decode();
        if effort == "none" {
            return Think::Off;
        }
        let mut off = |reason: &'static str| {
            self.losses.dropped("reasoning effort", reason);
            Think::Off
        };
        if forced {
            return off(
                "a model that has to call a tool cannot think: the tool choice counts (T61)",
            );
        }
        match self.model.thinking {
            Thinking::No => off("the model cannot think"),
            Thinking::Adaptive(takes) => {
                let word = nearest(&effort, takes).to_owned();
                if word != effort {
                    self.losses.approximated(
                        "reasoning effort",
                        "set to the nearest effort that the model takes (T96)",
                    );
                }
                Think::Adaptive(word)
            }
            Thinking::Budget => {
                let Some(tokens) = budget(&effort) else {
                    return off("no thinking budget is known for this effort");
                };
                let tokens = tokens.min(limit.saturating_sub(1));
                if tokens < LOWEST_BUDGET {
                    return off("max_tokens leaves no room for thinking (T98)");
                }
                if lacks_thoughts(conversation) {
                    return off(
                        "the last turn called tools without this provider's thoughts, and such a turn cannot go on thinking (T91)",
                    );
                }
                Think::Budget(tokens)
            }
        }
    }

    /// Effort and form stand in one object (T97, T125).
    fn output_config(&mut self, settings: &Settings<'_>, think: &Think) {
        let schema = match &settings.format {
            Some(Format::JsonSchema {
                schema: Some(schema),
                ..
            }) if self.model.schema != Schema::No => Some(schema.as_ref()),
            _ => None,
        };
        let effort = match think {
            Think::Adaptive(word) => Some(word),
            Think::Off | Think::Budget(_) => None,
        };
        if schema.is_none() && effort.is_none() {
            return;
        }
        self.key("output_config");
        self.out.raw("{");
        let mut commas = Commas::default();
        if let Some(effort) = effort {
            commas.key(&mut self.out, "effort");
            self.out.string(effort);
        }
        if let Some(schema) = schema {
            commas.key(&mut self.out, "format");
            self.out.raw("{\"type\":\"json_schema\",\"schema\":");
            // T46: every object has to be closed.
            write_parameters(Some(schema), true, &mut self.out);
            self.out.raw("}");
        }
        self.out.raw("}");
    }

    /// The form of the answer in words, for models that take none otherwise (T125, T129).
    pub(super) fn format_line(&mut self, request: &Request<'_>) -> Option<Text<'static>> {
        of_form(request.settings.format.as_ref(), self.losses);
        let schema = match &request.settings.format {
            None => return None,
            Some(Format::JsonObject) => None,
            Some(Format::JsonSchema {
                schema: Some(_), ..
            }) if self.model.schema == Schema::Yes => return None,
            Some(Format::JsonSchema { schema, .. }) => Some(schema.as_deref().unwrap_or("{}")),
        };
        self.losses.approximated(
            "response_format",
            "asked for in words: the model takes no form for its answer (T125, T129)",
        );
        Some(form_in_words(schema))
    }

    fn sampling(&mut self, settings: &Settings<'_>, think: &Think) {
        let thinking = !matches!(think, Think::Off);
        let free = !thinking && self.model.sampling != Sampling::No;
        let mut taken = false;
        for (key, value) in [
            ("temperature", settings.temperature),
            ("top_p", settings.top_p),
        ] {
            let Some(value) = value else { continue };
            if !free || (taken && self.model.sampling == Sampling::One) {
                self.losses
                    .dropped(key, "the model does not take it with the rest (T99)");
                continue;
            }
            taken = true;
            // T122: the scale ends at 1 here.
            let over = key == "temperature" && value.parse::<f64>().is_ok_and(|value| value > 1.0);
            if over {
                self.losses
                    .approximated(key, "the dialect's scale ends at 1 (T122)");
            }
            self.key(key);
            self.out.raw(if over { "1" } else { value });
        }
    }

    /// Stop strings without the blank ones, which are refused (T119).
    fn stops(&mut self, settings: &Settings<'_>) {
        let Some(raw) = settings.stop else { return };
        let list = stop_list(raw, &mut |word| !word.is_blank());
        if !list.is_empty() {
            self.key("stop_sequences");
            self.out.raw("[");
            self.out.raw(&list);
            self.out.raw("]");
        } else {
            self.losses
                .dropped("stop", "blank stop strings are refused here (T119)");
        }
    }
}

/// Whether the turn that goes on is one of tools whose thoughts are missing (T91).
fn lacks_thoughts(conversation: &Conversation<'_, '_>) -> bool {
    let last = conversation
        .turns
        .iter()
        .rev()
        .find(|turn| turn.speaker == Speaker::Assistant);
    let goes_on = conversation.turns.last().is_some_and(|turn| {
        turn.blocks
            .iter()
            .any(|block| matches!(block, Block::Result(..)))
    });
    goes_on
        && last.is_some_and(|turn| {
            let has = |wanted: fn(&Block<'_, '_>) -> bool| turn.blocks.iter().any(wanted);
            has(|block| matches!(block, Block::Call(..)))
                && !has(|block| matches!(block, Block::Thinking(..)))
        })
}
