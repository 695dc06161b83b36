//! What tokens cost, as an estimate (F71): a table of published prices, with the person's own before it. A model that is not in it has no
//! cost, which is not the same as a cost of nothing.

use protocol::Usage;
use upstream::Decimal;

const MILLION: u64 = 1_000_000;

/// Models and their price in USD for a million tokens: input, cached input, output. Standard list prices as published on 21 November 2026,
/// without batch, peak-hour and long-context rates. A model whose published prices contradict each other, or change with the hour, is left
/// out: the person's own entries (`usage.prices`) come first anyway.
const KNOWN: &[(&str, &str)] = &[
    ("gpt-5.6-terra", "2/0.20/12"),
    ("gpt-5.6-luna", "0.20/0.02/1.20"),
    ("gpt-5.5", "5/0.50/30"),
    ("gpt-5.4", "2.50/0.25/15"),
    ("gpt-5.4-mini", "0.75/0.075/4.50"),
    ("gpt-5.4-nano", "0.20/0.02/1.25"),
    ("gpt-5.3-codex gpt-5.2-codex gpt-5.2", "1.75/0.175/14"),
    (
        "gpt-5.1-codex-max gpt-5.1-codex gpt-5.1 gpt-5-codex gpt-5",
        "1.25/0.125/10",
    ),
    ("gpt-5.1-codex-mini gpt-5-mini", "0.25/0.025/2"),
    ("gpt-5-nano", "0.05/0.005/0.40"),
    ("gpt-4.1-mini", "0.40/0.10/1.60"),
    ("gpt-4.1-nano", "0.10/0.025/0.40"),
    ("gpt-4.1 o3", "2/0.50/8"),
    ("gpt-4o-mini", "0.15/0.075/0.60"),
    ("gpt-4o", "2.50/1.25/10"),
    ("o4-mini", "1.10/0.275/4.40"),
    ("claude-opus-5-5", "4/0.20/20"),
    (
        "claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5",
        "5/0.50/25",
    ),
    ("claude-opus-4-1 claude-opus-4", "15/1.50/75"),
    ("claude-sonnet-5", "2/0.20/10"),
    (
        "claude-sonnet-4-6 claude-sonnet-4-5 claude-sonnet-4",
        "3/0.30/15",
    ),
    ("claude-haiku-4-5", "1/0.10/5"),
    ("gemini-3.5-flash", "1.50/0.15/9"),
    ("gemini-3.1-pro-preview", "2/0.20/12"),
    ("gemini-2.5-pro", "1.25/0.125/10"),
    ("gemini-2.5-flash-lite", "0.10/0.01/0.40"),
    ("gemini-2.5-flash", "0.30/0.03/2.50"),
    ("glm-5.3 glm-5.2", "1.40/0.26/4.40"),
    ("glm-5", "1/0.20/3.20"),
    ("glm-4.7 glm-4.6 glm-4.5", "0.60/0.11/2.20"),
    ("glm-4.5-air", "0.20/0.03/1.10"),
];

/// Prices of one model for a million tokens, in USD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The model's name, or a beginning followed by `*`.
    pub model: String,
    input: Decimal,
    cached: Decimal,
    output: Decimal,
}

impl Price {
    /// Reads `model=input/cached/output`.
    pub fn parse(text: &str) -> Option<Self> {
        let (model, prices) = text.rsplit_once('=')?;
        let mut prices = prices.split('/').map(|price| {
            let price = price.parse::<Decimal>().ok();
            price.filter(|price| *price >= Decimal::ZERO)
        });
        let (input, cached, output) = (prices.next()??, prices.next()??, prices.next()??);
        let model = model.trim();
        (prices.next().is_none() && !model.is_empty()).then(|| Self {
            model: model.to_owned(),
            input,
            cached,
            output,
        })
    }

    fn cost(&self, usage: &Usage) -> Decimal {
        let fresh = usage.input.saturating_sub(usage.cached);
        self.input
            .times(fresh, MILLION)
            .plus(self.cached.times(usage.cached, MILLION))
            .plus(self.output.times(usage.output, MILLION))
    }
}

/// The prices in force.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    own: Vec<Price>,
    known: Vec<Price>,
}

impl Prices {
    /// The table, behind the person's own entries.
    pub(crate) fn new(own: &[String]) -> Self {
        let known = |(models, price): &(&'static str, &str)| {
            let price = (*price).to_owned();
            let models = models.split(' ');
            models.filter_map(move |model| Price::parse(&format!("{model}={price}")))
        };
        Self {
            own: own.iter().filter_map(|text| Price::parse(text)).collect(),
            known: KNOWN.iter().flat_map(known).collect(),
        }
    }

    fn of(&self, model: &str) -> Option<&Price> {
        let own = self.own.iter().find(|price| {
            let prefix = price.model.strip_suffix('*');
            price.model == model || prefix.is_some_and(|prefix| model.starts_with(prefix))
        });
        own.or_else(|| {
            // Relays put the vendor before the name, vendors a date behind it.
            let name = model.rsplit('/').next().unwrap_or(model);
            self.known
                .iter()
                .find(|price| name.strip_prefix(price.model.as_str()).is_some_and(is_date))
        })
    }

    /// What a request cost, if its model has a price.
    pub(crate) fn cost(&self, model: &str, usage: &Usage) -> Option<Decimal> {
        self.of(model).map(|price| price.cost(usage))
    }
}

/// Nothing, or `-20250929`, or `-2025-09-29`.
fn is_date(rest: &str) -> bool {
    rest.is_empty()
        || (rest.starts_with("-20")
            && rest.len() >= 9
            && rest
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f71_the_known_models_have_a_price_and_others_have_none() {
        let prices = Prices::new(&["my-*=1/0/2".into(), "gpt-5=9/9/9".into(), "bad".into()]);
        let names = KNOWN.iter().map(|(models, _)| models.split(' ').count());
        assert_eq!(
            prices.known.len(),
            names.sum::<usize>(),
            "every line is readable"
        );
        let usage = Usage {
            input: 1_000_000,
            cached: 400_000,
            output: 100_000,
            ..Usage::default()
        };
        let cost = |model: &str| prices.cost(model, &usage).map(|cost| cost.to_string());
        let cases = [
            // 0.6 × 1.25 + 0.4 × 0.125 + 0.1 × 10
            ("gpt-5.1", Some("1.80")),
            ("openai/gpt-5.1", Some("1.80")),
            ("gpt-5.1-2025-11-13", Some("1.80")),
            ("claude-sonnet-4-5-20250929", Some("3.42")),
            ("gpt-5", Some("9.90")),
            ("my-own", Some("0.80")),
            ("gpt-5.1-something", None),
            // One of them costs another price at another hour.
            ("deepseek-chat", None),
            ("unheard-of", None),
        ];
        for (model, expected) in cases {
            assert_eq!(cost(model).as_deref(), expected, "{model}");
        }
    }

    #[test]
    fn f71_a_price_has_three_parts() {
        for text in ["m", "m=1/2", "m=1/2/3/4", "=1/2/3", "m=1/x/3", "m=-1/0/0"] {
            assert_eq!(Price::parse(text), None, "{text}");
        }
    }
}
