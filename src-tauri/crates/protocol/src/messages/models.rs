//! What the vendor's models take, as data (T10, T96–T99, T114, T125). A model that is not in the table is another vendor's behind a relay.
//!
//! Wrong values are refusals, not clamps, so the table errs towards what every model takes. Called by the request encoder.

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It cannot.
    No,
    /// By a number of tokens.
    Budget,
    /// By itself, with one of these efforts (T97).
    Adaptive(&'static [&'static str]),
}

/// Which sampling settings a model takes (T99).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// All of them, except while it thinks.
    Any,
    /// One of temperature and top_p, except while it thinks.
    One,
    /// None.
    No,
}

/// Whether the answer's form can be given by a schema (T125).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// The model is asked in words.
    No,
    Yes,
    /// Unknown: given as a schema and in words, since servers of the dialect pass over fields they do not know.
    Perhaps,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    /// How its name begins.
    pub(super) name: &'static str,
    /// The most it may answer; sent where the client names no limit, because the field is required (T114).
    pub(super) max_output: u64,
    pub(super) thinking: Thinking,
    pub(super) sampling: Sampling,
    /// Whether the conversation may end with the model's own words (T10).
    pub(super) prefill: bool,
    /// Whether `system` may stand inside the conversation (T2).
    pub(super) inline_system: bool,
    /// Whether the answer's form can be given by a schema (T125).
    pub(super) schema: Schema,
    /// Whether the vendor's hosted tools are there (T55).
    pub(super) hosted: bool,
}

const TO_MAX: &[&str] = &["low", "medium", "high", "max"];
const ALL: &[&str] = &["low", "medium", "high", "xhigh", "max"];

const CLASSIC: Model = Model {
    name: "claude-3",
    max_output: 4_096,
    thinking: Thinking::No,
    sampling: Sampling::Any,
    prefill: true,
    inline_system: false,
    schema: Schema::No,
    hosted: false,
};
const BUDGETED: Model = Model {
    name: "claude-sonnet-4",
    max_output: 64_000,
    thinking: Thinking::Budget,
    sampling: Sampling::One,
    hosted: true,
    ..CLASSIC
};
const ADAPTIVE: Model = Model {
    name: "claude-sonnet-4-6",
    max_output: 64_000,
    thinking: Thinking::Adaptive(TO_MAX),
    prefill: false,
    schema: Schema::Yes,
    ..BUDGETED
};
const NEWEST: Model = Model {
    name: "claude-",
    thinking: Thinking::Adaptive(ALL),
    sampling: Sampling::No,
    ..ADAPTIVE
};

/// First match wins.
const TABLE: &[Model] = &[
    Model {
        name: "claude-3-7",
        max_output: 64_000,
        thinking: Thinking::Budget,
        hosted: true,
        ..CLASSIC
    },
    Model {
        name: "claude-3-5",
        max_output: 8_192,
        hosted: true,
        ..CLASSIC
    },
    CLASSIC,
    Model {
        name: "claude-opus-4-8",
        inline_system: true,
        ..NEWEST
    },
    Model {
        name: "claude-opus-4-7",
        ..NEWEST
    },
    Model {
        name: "claude-opus-4-6",
        ..ADAPTIVE
    },
    ADAPTIVE,
    Model {
        name: "claude-opus-4-5",
        schema: Schema::Yes,
        ..BUDGETED
    },
    Model {
        name: "claude-sonnet-4-5",
        schema: Schema::Yes,
        ..BUDGETED
    },
    Model {
        name: "claude-haiku-4-5",
        schema: Schema::Yes,
        ..BUDGETED
    },
    Model {
        name: "claude-opus-4",
        max_output: 32_000,
        ..BUDGETED
    },
    BUDGETED,
    NEWEST,
];

/// Behind a relay that speaks the dialect for another vendor's model.
const FOREIGN: Model = Model {
    name: "",
    max_output: 16_384,
    thinking: Thinking::Budget,
    schema: Schema::Perhaps,
    ..CLASSIC
};

/// The row of a model. Names with a vendor before them and with full stops count as well.
pub(super) fn of(name: Option<&str>) -> Model {
    let name = name
        .unwrap_or_default()
        .to_ascii_lowercase()
        .replace('.', "-");
    let Some(at) = name.find("claude-") else {
        return FOREIGN;
    };
    let found = TABLE.iter().find(|row| name[at..].starts_with(row.name));
    found.copied().unwrap_or(NEWEST)
}

/// The effort that a model which measures its thinking itself would be told, or `None` where it takes none.
pub(crate) fn takes_effort<'w>(name: Option<&str>, asked: &'w str) -> Option<&'w str> {
    match of(name).thinking {
        Thinking::Adaptive(takes) => Some(nearest(asked, takes)),
        Thinking::No | Thinking::Budget => None,
    }
}

/// The nearest effort that the model takes: the asked one, else the next lower, else its lowest (T96).
pub(super) fn nearest<'w>(asked: &'w str, takes: &'w [&'w str]) -> &'w str {
    const ORDER: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];
    let Some(at) = ORDER.iter().position(|word| *word == asked) else {
        return asked;
    };
    let lower = ORDER[..=at].iter().rev().find(|word| takes.contains(word));
    lower.or(takes.first()).copied().unwrap_or(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_row_t97() {
        for (name, row) in [
            ("claude-3-5-haiku-latest", "claude-3-5"),
            ("claude-3-opus-20240229", "claude-3"),
            ("anthropic/claude-opus-4.6", "claude-opus-4-6"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5",
            ),
            ("claude-sonnet-5", "claude-"),
            ("Claude-Opus-4-8", "claude-opus-4-8"),
            ("glm-4.6", ""),
        ] {
            assert_eq!(of(Some(name)).name, row, "{name}");
        }
        assert_eq!(of(None).name, "");
    }

    #[test]
    fn efforts_are_clamped_to_what_the_model_takes_t96() {
        for (asked, takes, expected) in [
            ("xhigh", TO_MAX, "high"),
            ("max", TO_MAX, "max"),
            ("minimal", ALL, "low"),
            ("xhigh", ALL, "xhigh"),
            ("medium", ALL, "medium"),
        ] {
            assert_eq!(nearest(asked, takes), expected, "{asked}");
        }
    }
}
