//! Periods of usage limits and budgets: so many days, beginning at a time of day in a time zone (F72). Pure.

use std::sync::{Arc, OnceLock};

use jiff::civil;
use jiff::tz::TimeZone;
use pool::Timestamp;

use crate::settings::Usage;

/// Longest period in days.
pub const LONGEST_PERIOD: u32 = 366;
/// The period nobody chose.
pub const DEFAULT_PERIOD: u32 = 30;

/// Where days begin.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// As the settings name it; `None` is the system's.
    name: Option<String>,
    /// Looked up when a day is first asked for: to find the system's, the whole database of zones may be walked, and who has no limits
    /// never asks.
    zone: Arc<OnceLock<TimeZone>>,
    begins: civil::Time,
}

impl Calendar {
    /// What the settings say; a zone that is not known here is UTC.
    pub(crate) fn of(settings: &Usage) -> Self {
        let begins = settings
            .reset_time
            .split_once(':')
            .and_then(|(hour, minute)| {
                civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
            });
        Self {
            name: settings.time_zone.clone(),
            zone: Arc::default(),
            begins: begins.unwrap_or_else(civil::Time::midnight),
        }
    }

    /// The period that `now` is in, when one of them began on the day of `since`: its first instant, and the first one after it.
    pub(crate) fn span(
        &self,
        since: Timestamp,
        days: u32,
        now: Timestamp,
    ) -> (Timestamp, Timestamp) {
        let days = i64::from(days.clamp(1, LONGEST_PERIOD));
        let between = self
            .day(since)
            .zip(self.day(now))
            .and_then(|(first, today)| {
                let passed = i64::from(today.since(first).ok()?.get_days());
                let begin = first
                    .checked_add(jiff::Span::new().days(passed.div_euclid(days) * days))
                    .ok()?;
                let end = begin.checked_add(jiff::Span::new().days(days)).ok()?;
                Some((self.instant(begin)?, self.instant(end)?))
            });
        // Instants beyond the calendar: days of 24 hours.
        between.unwrap_or_else(|| {
            let length = days * 86_400_000;
            let begin = now.0.div_euclid(length) * length;
            (Timestamp(begin), Timestamp(begin + length))
        })
    }

    /// The day an instant belongs to; what is before the time of day belongs to the day before.
    fn day(&self, at: Timestamp) -> Option<civil::Date> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        let local = self.zone().to_datetime(at);
        if local.time() < self.begins {
            local.date().yesterday().ok()
        } else {
            Some(local.date())
        }
    }

    fn zone(&self) -> &TimeZone {
        self.zone.get_or_init(|| match &self.name {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name).unwrap_or(TimeZone::UTC),
        })
    }

    /// Where a day begins; a time that the clocks skip is the instant at which they go on.
    fn instant(&self, day: civil::Date) -> Option<Timestamp> {
        let begin = day
            .to_datetime(self.begins)
            .to_zoned(self.zone().clone())
            .ok()?;
        Some(Timestamp(begin.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn f72_periods_begin_at_the_local_time_of_day() {
        // (zone, time, since, days, now, begin, end)
        let cases = [
            (
                "UTC",
                "00:00",
                "2026-03-01T15:00:00Z",
                1,
                "2026-03-05T23:59:59Z",
                "2026-03-05T00:00:00Z",
                "2026-03-06T00:00:00Z",
            ),
            (
                "UTC",
                "04:00",
                "2026-03-01T15:00:00Z",
                1,
                "2026-03-05T03:59:00Z",
                "2026-03-04T04:00:00Z",
                "2026-03-05T04:00:00Z",
            ),
            // 24 and 23 hours: the clocks go forward on 29 March.
            (
                "Europe/Berlin",
                "00:00",
                "2026-03-28T12:00:00Z",
                1,
                "2026-03-29T12:00:00Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                "Asia/Kathmandu",
                "00:00",
                "2026-03-01T00:00:00Z",
                1,
                "2026-03-02T00:00:00Z",
                "2026-03-01T18:15:00Z",
                "2026-03-02T18:15:00Z",
            ),
            // Thirty days, over the end of a month.
            (
                "UTC",
                "00:00",
                "2026-01-20T15:00:00Z",
                30,
                "2026-02-19T01:00:00Z",
                "2026-02-19T00:00:00Z",
                "2026-03-21T00:00:00Z",
            ),
            (
                "UTC",
                "00:00",
                "2026-01-20T15:00:00Z",
                30,
                "2026-02-18T23:00:00Z",
                "2026-01-20T00:00:00Z",
                "2026-02-19T00:00:00Z",
            ),
            // The clock was set back behind the beginning.
            (
                "UTC",
                "00:00",
                "2026-01-20T15:00:00Z",
                30,
                "2026-01-19T15:00:00Z",
                "2025-12-21T00:00:00Z",
                "2026-01-20T00:00:00Z",
            ),
        ];
        for (zone, time, since, days, now, begin, end) in cases {
            let calendar = Calendar::of(&Usage {
                reset_time: time.into(),
                time_zone: Some(zone.into()),
                prices: Vec::new(),
            });
            assert_eq!(
                calendar.span(at(since), days, at(now)),
                (at(begin), at(end)),
                "{zone} {time} {days} {now}"
            );
        }
        let calendar = Calendar::of(&Usage::default());
        let (begin, end) = calendar.span(Timestamp(i64::MAX), 30, Timestamp(5));
        assert!(begin.0 <= 5 && 5 < end.0, "no instant panics");
    }
}
