//! Quota of a simulated ChatGPT account: the numbers, the `x-codex-*` headers and the usage document made of them
//! (codex-backend.md section 5). The clock is an argument.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// One quota window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuotaWindow {
    /// Percent used, 0 to 100.
    pub used_percent: f64,
    /// Length the account tells, in seconds (18000 = five hours, 604800 = a week).
    pub length_s: i64,
    /// Reset instant, unix seconds; 0 = `length_s` from the first look.
    pub reset_at: i64,
    /// After a reset the next one follows this much later, in seconds. The demo uses a short one.
    pub period_s: i64,
}

impl QuotaWindow {
    /// A window of this length with this much used.
    #[must_use]
    pub fn new(used_percent: f64, length_s: i64) -> Self {
        Self {
            used_percent,
            length_s,
            reset_at: 0,
            period_s: length_s,
        }
    }

    fn settle(&mut self, now: i64) {
        if self.reset_at == 0 {
            self.reset_at = now + self.period_s;
        }
        if self.reset_at <= now {
            let period = self.period_s.max(1);
            self.reset_at += ((now - self.reset_at) / period + 1) * period;
            self.used_percent = 0.0;
        }
    }
}

/// Pay-as-you-go credits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credits {
    /// Whether the account has any.
    pub has_credits: bool,
    /// Whether they never end.
    pub unlimited: bool,
    /// Amount, as the backend's string; `None` = an empty header value and null.
    pub balance: Option<String>,
}

/// What an account tells about its quota.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// The first window; `None` = header values empty.
    pub primary: Option<QuotaWindow>,
    /// The second window; `None` = header values empty.
    pub secondary: Option<QuotaWindow>,
    /// Credits block.
    pub credits: Credits,
    /// How many percent of the primary window one answered request costs (the secondary one: a tenth of it).
    pub percent_per_request: f64,
    /// Whether answers carry quota headers at all.
    pub headers: bool,
    /// Whether a window at 100 % answers 429 by itself.
    pub enforced: bool,
}

impl Default for Quota {
    fn default() -> Self {
        Self::used(12.5, 4.0)
    }
}

impl Quota {
    /// A five-hour window and a week with these percents used; nothing moves by itself.
    #[must_use]
    pub fn used(primary_percent: f64, secondary_percent: f64) -> Self {
        Self {
            primary: Some(QuotaWindow::new(primary_percent, 18_000)),
            secondary: Some(QuotaWindow::new(secondary_percent, 604_800)),
            credits: Credits::default(),
            percent_per_request: 0.0,
            headers: true,
            enforced: false,
        }
    }

    /// Fixes reset instants and starts new windows where the old ones are over.
    pub(crate) fn settle(&mut self, now: i64) {
        for window in [&mut self.primary, &mut self.secondary]
            .into_iter()
            .flatten()
        {
            window.settle(now);
        }
    }

    /// One answered request.
    pub(crate) fn spend(&mut self) {
        let cost = self.percent_per_request;
        for (window, cost) in [
            (&mut self.primary, cost),
            (&mut self.secondary, cost / 10.0),
        ] {
            if let Some(window) = window {
                window.used_percent = (window.used_percent + cost).min(100.0);
            }
        }
    }

    /// Seconds until the used-up window resets, if one is used up and that matters.
    pub(crate) fn exhausted_for(&self, now: i64) -> Option<i64> {
        let full = |window: &&QuotaWindow| window.used_percent >= 100.0;
        let windows = [&self.primary, &self.secondary];
        let latest = windows
            .into_iter()
            .flatten()
            .filter(full)
            .map(|window| window.reset_at - now)
            .max();
        latest.filter(|_| self.enforced)
    }

    /// The `x-codex-*` headers, with the empty values seen in the wild.
    pub(crate) fn write_headers(&self, plan: &str, now: i64, out: &mut HeaderMap) {
        if !self.headers {
            return;
        }
        for (slot, window) in [("primary", &self.primary), ("secondary", &self.secondary)] {
            let value = |read: fn(&QuotaWindow, i64) -> String| {
                window
                    .as_ref()
                    .map(|window| read(window, now))
                    .unwrap_or_default()
            };
            put(
                out,
                &format!("x-codex-{slot}-used-percent"),
                &value(|window, _| format!("{}", window.used_percent)),
            );
            put(
                out,
                &format!("x-codex-{slot}-window-minutes"),
                &value(|window, _| (window.length_s / 60).to_string()),
            );
            put(
                out,
                &format!("x-codex-{slot}-reset-at"),
                &value(|window, _| window.reset_at.to_string()),
            );
            put(
                out,
                &format!("x-codex-{slot}-reset-after-seconds"),
                &value(|window, now| (window.reset_at - now).max(0).to_string()),
            );
        }
        put(out, "x-codex-primary-over-secondary-limit-percent", "0");
        put(out, "x-codex-plan-type", plan);
        put(out, "x-codex-active-limit", "codex");
        put(
            out,
            "x-codex-credits-has-credits",
            if self.credits.has_credits {
                "True"
            } else {
                "False"
            },
        );
        put(
            out,
            "x-codex-credits-unlimited",
            if self.credits.unlimited {
                "True"
            } else {
                "False"
            },
        );
        put(
            out,
            "x-codex-credits-balance",
            self.credits.balance.as_deref().unwrap_or(""),
        );
        put(out, "x-codex-promo-campaign-id", "");
    }

    /// The document of the usage endpoint; percents are whole numbers there.
    pub(crate) fn usage(&self, plan: &str, now: i64) -> Value {
        let window = |window: &Option<QuotaWindow>| {
            window.as_ref().map_or(Value::Null, |window| {
                json!({"used_percent": window.used_percent.round() as i64, "limit_window_seconds": window.length_s,
                       "reset_after_seconds": (window.reset_at - now).max(0), "reset_at": window.reset_at})
            })
        };
        let full = [&self.primary, &self.secondary]
            .into_iter()
            .flatten()
            .any(|window| window.used_percent >= 100.0);
        json!({
            "plan_type": plan,
            "rate_limit": {"allowed": !full, "limit_reached": full,
                "primary_window": window(&self.primary), "secondary_window": window(&self.secondary)},
            "additional_rate_limits": [],
            "credits": {"has_credits": self.credits.has_credits, "unlimited": self.credits.unlimited, "balance": self.credits.balance},
            "rate_limit_reached_type": if full { json!({"type": "rate_limit_reached"}) } else { Value::Null },
        })
    }

    /// The `codex.rate_limits` event.
    pub(crate) fn event(&self, plan: &str) -> Value {
        let window = |window: &Option<QuotaWindow>| {
            window.as_ref().map_or(Value::Null, |window| {
                json!({"used_percent": window.used_percent, "window_minutes": window.length_s / 60, "reset_at": window.reset_at})
            })
        };
        json!({"type": "codex.rate_limits", "plan_type": plan, "metered_limit_name": "codex",
            "rate_limits": {"primary": window(&self.primary), "secondary": window(&self.secondary)},
            "credits": {"has_credits": self.credits.has_credits, "unlimited": self.credits.unlimited, "balance": self.credits.balance}})
    }
}

/// Sets a header; names and values here are ASCII by construction, anything else is left out.
pub(crate) fn put(out: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        out.insert(name, value);
    }
}
