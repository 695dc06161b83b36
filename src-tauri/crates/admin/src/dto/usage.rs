//! Usage on the wire (F70): numbers come from the providers' own counts and are never estimated.

use std::collections::BTreeMap;

use engine::{Decimal, LastDay, UsageSum};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What to sum up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UsageGroup {
    #[default]
    Account,
    Model,
    /// The client's gateway key.
    Client,
    /// The path of the gateway that was asked.
    Route,
    Day,
}

/// Which usage.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// Whole days (UTC); seven days ago when nothing is said.
    pub from: Option<i64>,
    /// Now when nothing is said.
    pub to: Option<i64>,
    #[serde(default)]
    #[param(inline)]
    pub group: UsageGroup,
    /// Only this account's.
    pub account: Option<String>,
}

/// Sums over the whole span, and day by day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Most requests first.
    pub rows: Vec<UsageRow>,
    /// Oldest first; days without requests are left out.
    pub days: Vec<UsageDay>,
}

/// One sum.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct UsageRow {
    /// Account id, model, key name, path, or the first moment of a day.
    pub key: String,
    /// What to show for it.
    pub label: String,
    pub requests: i64,
    pub successes: i64,
    pub failures: i64,
    pub cancelled: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_tokens: i64,
    pub reasoning_tokens: i64,
    /// Pictures made, by the Images API and inside answers.
    pub images: i64,
    /// Requests whose usage the provider did not tell; they are in none of the token sums.
    pub unknown_usage: i64,
    /// Estimated cost in USD at the present prices, a decimal text; null when no model in it has a price.
    pub cost: Option<String>,
    /// Requests whose model has no price: not in the cost.
    pub unpriced: i64,
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageDay {
    /// Its first moment (UTC).
    pub day: i64,
    pub rows: Vec<UsageRow>,
}

/// The last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    pub requests: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub errors: i64,
    /// 48 half hours, oldest first.
    pub spark: Vec<Spark>,
}

/// One half hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spark {
    pub t: i64,
    pub requests: i64,
    pub errors: i64,
}

impl UsageRow {
    fn add(&mut self, sum: &UsageSum) {
        match sum.cost {
            Some(cost) => {
                let before = self.cost.take().and_then(|cost| cost.parse().ok());
                self.cost = Some(before.unwrap_or(Decimal::ZERO).plus(cost).to_string());
            }
            None => self.unpriced += sum.requests - sum.unknown_usage,
        }
        self.requests += sum.requests;
        self.successes += sum.successes;
        self.failures += sum.failures;
        self.cancelled += sum.cancelled;
        self.input_tokens += sum.input_tokens;
        self.output_tokens += sum.output_tokens;
        self.cached_tokens += sum.cached_tokens;
        self.reasoning_tokens += sum.reasoning_tokens;
        self.images += sum.images;
        self.unknown_usage += sum.unknown_usage;
    }
}

impl Usage {
    /// Sums by what the person looks at.
    pub(crate) fn of(sums: &[UsageSum], group: UsageGroup) -> Self {
        let mut days: BTreeMap<i64, Vec<&UsageSum>> = BTreeMap::new();
        for sum in sums {
            days.entry(sum.day.0).or_default().push(sum);
        }
        Self {
            rows: rows(sums.iter(), group),
            days: days
                .into_iter()
                .map(|(day, sums)| UsageDay {
                    day,
                    rows: rows(sums.into_iter(), group),
                })
                .collect(),
        }
    }
}

fn rows<'a>(sums: impl Iterator<Item = &'a UsageSum>, group: UsageGroup) -> Vec<UsageRow> {
    let mut rows: BTreeMap<String, UsageRow> = BTreeMap::new();
    for sum in sums {
        let (key, label) = match group {
            UsageGroup::Account => (sum.account_id.clone(), sum.account_label.clone()),
            UsageGroup::Model => (sum.model.clone(), sum.model.clone()),
            UsageGroup::Client => (sum.client_key.clone(), sum.client_key.clone()),
            UsageGroup::Route => (sum.route.clone(), sum.route.clone()),
            UsageGroup::Day => (sum.day.0.to_string(), sum.day.0.to_string()),
        };
        let row = rows.entry(key.clone()).or_insert_with(|| UsageRow {
            key,
            label,
            ..UsageRow::default()
        });
        row.add(sum);
    }
    let mut rows: Vec<UsageRow> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.requests));
    rows
}

impl From<LastDay> for Today {
    fn from(day: LastDay) -> Self {
        let spark = |(t, requests, errors): (engine::Timestamp, i64, i64)| Spark {
            t: t.0,
            requests,
            errors,
        };
        Self {
            requests: day.requests,
            tokens_in: day.tokens_in,
            tokens_out: day.tokens_out,
            errors: day.errors,
            spark: day.spark.into_iter().map(spark).collect(),
        }
    }
}
