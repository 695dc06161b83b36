//! What the vendor's models take, as data (T39, T96, T108, T110, T128). A model that is not in the table is another one behind a relay.
//!
//! Wrong values are refusals, not clamps, so the table errs towards what every model takes. Called by the request encoder.

use super::wire::budget;

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It cannot, or not by the caller's word.
    No,
    /// By a number of tokens from the first to the second; whether 0 is one of them (T110).
    Budget { from: u64, to: u64, off: bool },
    /// By one of these levels.
    Level(&'static [&'static str]),
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    /// How its name begins.
    pub(super) name: &'static str,
    pub(super) thinking: Thinking,
    /// Whether it takes JSON schemas as they are; else its own subset (T39).
    pub(super) json_schema: bool,
    /// Whether the answer's form can be given beside tools (T128).
    pub(super) form_with_tools: bool,
    /// Whether calls it made have to be proved (T108).
    pub(super) proves_calls: bool,
    /// Whether the vendor's own search is there (T55).
    pub(super) hosted: bool,
}

const CLASSIC: Model = Model {
    name: "gemini-1",
    thinking: Thinking::No,
    json_schema: false,
    form_with_tools: false,
    proves_calls: false,
    hosted: false,
};
const SECOND: Model = Model {
    name: "gemini-2",
    hosted: true,
    ..CLASSIC
};
const BUDGETED: Model = Model {
    name: "gemini-2.5",
    thinking: Thinking::Budget {
        from: 0,
        to: 24_576,
        off: true,
    },
    json_schema: true,
    ..SECOND
};
const NEWEST: Model = Model {
    name: "gemini-",
    thinking: Thinking::Level(&["low", "medium", "high"]),
    form_with_tools: true,
    proves_calls: true,
    ..BUDGETED
};

/// First match wins.
const TABLE: &[Model] = &[
    Model {
        name: "gemini-3-pro",
        thinking: Thinking::Level(&["low", "high"]),
        ..NEWEST
    },
    Model {
        name: "gemini-3-flash",
        thinking: Thinking::Level(&["minimal", "low", "medium", "high"]),
        ..NEWEST
    },
    Model {
        name: "gemini-2.5-pro",
        thinking: Thinking::Budget {
            from: 128,
            to: 32_768,
            off: false,
        },
        ..BUDGETED
    },
    Model {
        name: "gemini-2.5-flash-lite",
        thinking: Thinking::Budget {
            from: 512,
            to: 24_576,
            off: true,
        },
        ..BUDGETED
    },
    BUDGETED,
    SECOND,
    CLASSIC,
    Model {
        name: "gemini-flash-",
        thinking: Thinking::No,
        ..NEWEST
    },
    Model {
        name: "gemini-pro-",
        thinking: Thinking::No,
        ..NEWEST
    },
    NEWEST,
];

/// Under a name of a relay's own: who asks it to think is believed that it can.
const FOREIGN: Model = Model {
    name: "",
    thinking: BUDGETED.thinking,
    ..CLASSIC
};

/// The row of a model. Names with a collection or a vendor before them count as well.
pub(super) fn of(name: Option<&str>) -> Model {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let Some(at) = name.find("gemini-") else {
        return if name.contains("gemma") {
            CLASSIC
        } else {
            FOREIGN
        };
    };
    let found = TABLE.iter().find(|row| name[at..].starts_with(row.name));
    found.copied().unwrap_or(NEWEST)
}

/// What a model is told for an effort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Think {
    Budget(u64),
    Level(&'static str),
}

impl Model {
    /// Table C3; `None` where there is nothing to tell.
    pub(super) fn think(&self, effort: &str) -> Option<Think> {
        match self.thinking {
            Thinking::No => None,
            Thinking::Budget { from, to, off } => {
                let tokens = budget(effort)?;
                Some(Think::Budget(if tokens == 0 && off {
                    0
                } else {
                    tokens.clamp(from, to)
                }))
            }
            Thinking::Level(levels) => {
                const ORDER: [&str; 7] =
                    ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
                let at = ORDER.iter().position(|word| *word == effort)?;
                // The asked one, else the next lower, else its lowest (T96).
                let lower = ORDER[..=at]
                    .iter()
                    .rev()
                    .find_map(|word| levels.iter().find(|level| *level == word));
                lower.or(levels.first()).map(|level| Think::Level(level))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_row_and_efforts_what_the_model_takes_t96_t110() {
        for (name, effort, expected) in [
            ("gemini-3-pro-preview", "medium", Some(Think::Level("low"))),
            ("gemini-3-pro-preview", "xhigh", Some(Think::Level("high"))),
            ("gemini-3-flash", "none", Some(Think::Level("minimal"))),
            ("models/gemini-2.5-pro", "none", Some(Think::Budget(128))),
            ("google/gemini-2.5-flash", "none", Some(Think::Budget(0))),
            ("gemini-2.5-flash-lite", "none", Some(Think::Budget(0))),
            ("gemini-2.5-flash", "max", Some(Think::Budget(24_576))),
            ("gemini-2.0-flash", "high", None),
            ("gemini-flash-latest", "high", None),
            ("gemma-3", "high", None),
            ("relay-model-1", "low", Some(Think::Budget(1_024))),
            ("gemini-3.1-pro", "high", Some(Think::Level("high"))),
            ("gemini-3.1-pro", "of no kind", None),
        ] {
            assert_eq!(of(Some(name)).think(effort), expected, "{name} {effort}");
        }
        assert_eq!(of(None).name, "");
    }
}
