//! What is true: demand by the minute, quota windows, outages. The pool learns of it only through answers and readings; the oracle sees it all.

use crate::common::{Dice, at};
use pool::{QuotaSnapshot, QuotaSource, QuotaWindow};
use std::time::Duration;

pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;
pub const WEEK: i64 = 7 * DAY;
const SHORT: i64 = 5 * HOUR;

/// A stretch of time, its end not included.
pub type Stretch = (i64, i64);

/// A quota window: what it holds and what was taken.
#[derive(Debug, Clone)]
pub struct Span {
    pub when: Stretch,
    pub holds: u32,
    pub taken: u32,
}

impl Span {
    fn left(&self) -> u32 {
        self.holds - self.taken
    }

    /// As providers tell it: whole percents, the length the plan says, the end of the window.
    fn told(&self, length: i64) -> Option<QuotaWindow> {
        Some(QuotaWindow {
            used_percent: f64::from(self.taken * 100 / self.holds),
            length: Some(Duration::from_secs(length.unsigned_abs())),
            resets_at: Some(at(self.when.1)),
        })
    }
}

#[derive(Debug, Clone, Default)]
pub struct Truth {
    pub long: Vec<Span>,
    pub short: Vec<Span>,
    /// Its upstream fails.
    pub down: Vec<Stretch>,
    /// The person switched it off.
    pub switched_off: bool,
    /// Its sign-in is over.
    pub revoked: Vec<Stretch>,
}

impl Truth {
    fn at(spans: &mut [Span], now: i64) -> &mut Span {
        let place = spans.partition_point(|span| span.when.1 <= now);
        &mut spans[place]
    }

    pub fn left(&mut self, now: i64) -> u32 {
        let short = Self::at(&mut self.short, now).left();
        short.min(Self::at(&mut self.long, now).left())
    }

    pub fn take(&mut self, now: i64) {
        Self::at(&mut self.short, now).taken += 1;
        Self::at(&mut self.long, now).taken += 1;
    }

    /// When the window that is used up starts afresh.
    pub fn resets(&mut self, now: i64) -> i64 {
        let long = Self::at(&mut self.long, now);
        match long.left() {
            0 => long.when.1,
            _ => Self::at(&mut self.short, now).when.1,
        }
    }

    pub fn reading(
        &mut self,
        now: i64,
        stamp: pool::Timestamp,
        source: QuotaSource,
    ) -> QuotaSnapshot {
        QuotaSnapshot {
            primary: Self::at(&mut self.short, now).told(SHORT),
            secondary: Self::at(&mut self.long, now).told(WEEK),
            ..QuotaSnapshot::empty(stamp, source)
        }
    }
}

pub fn within(stretches: &[Stretch], now: i64) -> bool {
    stretches
        .iter()
        .any(|(from, to)| (*from..*to).contains(&now))
}

/// Which mishaps there are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub early_resets: bool,
    pub revoked: bool,
    pub switched_off: bool,
    pub flapping: bool,
    pub network: bool,
    /// Limits whose reset is not told, or told by a wrong clock.
    pub bad_limits: bool,
    /// This machine's clock jumps.
    pub clock: bool,
    /// Accounts have two priorities. No mishap, but it keeps the cheap ones busy.
    pub priced: bool,
}

impl Faults {
    pub const ALL: Faults = Faults {
        early_resets: true,
        revoked: true,
        switched_off: true,
        flapping: true,
        network: true,
        bad_limits: true,
        clock: true,
        priced: true,
    };
}

#[derive(Debug, Clone)]
pub struct World {
    pub accounts: Vec<Truth>,
    /// Requests of each minute.
    pub demand: Vec<u32>,
    pub no_network: Vec<Stretch>,
    /// How far this machine's clock is off, from an instant on.
    pub clock: Vec<(i64, i64)>,
}

impl World {
    /// `load` is the demand as a share of what all weeks hold.
    pub fn new(dice: &mut Dice, accounts: usize, weeks: i64, load: f64, faults: Faults) -> Self {
        let end = weeks * WEEK;
        let mut supply = 0.0;
        let truths = (0..accounts).map(|_| {
            let holds = 150 + dice.below(300) as u32;
            let truth = account(dice, end, holds, faults);
            supply += f64::from(holds) * weeks as f64;
            truth
        });
        let mut accounts: Vec<Truth> = truths.collect();
        if let Some(last) = accounts.last_mut() {
            last.switched_off = faults.switched_off;
        }
        // People work by day, more in the morning, little on Sundays; the rest of the demand comes at any hour.
        let weight = |minute: i64| {
            let (day, hour) = (minute / (24 * 60) % 7, minute / 60 % 24);
            match (day, hour) {
                (6, _) => 0.15,
                (_, 9..=11) => 3.0,
                (_, 13..=17) => 2.0,
                _ => 0.15,
            }
        };
        let total: f64 = (0..end / MINUTE).map(weight).sum();
        let mut carry = 0.0;
        let demand = (0..end / MINUTE).map(|minute| {
            let noise = dice.below(2_000) as f64 / 1_000.0;
            carry += supply * load * weight(minute) / total * noise;
            let whole = carry.floor();
            carry -= whole;
            whole as u32
        });
        let demand = demand.collect();
        let mut world = Self {
            accounts,
            demand,
            no_network: Vec::new(),
            clock: Vec::new(),
        };
        if faults.network {
            world.no_network = stretches(dice, end, 4 * DAY, 20 * MINUTE);
        }
        if faults.clock {
            let jumps = [HOUR, -HOUR, DAY, -DAY, 365 * DAY, -365 * DAY, 90, -5];
            for (from, to) in stretches(dice, end, 5 * DAY, 8 * HOUR) {
                let off = jumps[dice.below(jumps.len() as u64) as usize];
                world.clock.extend([(from, off), (to, 0)]);
            }
        }
        world
    }

    pub fn clock_off(&self, now: i64) -> i64 {
        let place = self.clock.partition_point(|(from, _)| *from <= now);
        place.checked_sub(1).map_or(0, |place| self.clock[place].1)
    }
}

fn account(dice: &mut Dice, end: i64, holds: u32, faults: Faults) -> Truth {
    let mut truth = Truth::default();
    let usual = holds;
    // The first and the last window are cut off at the ends of the story, and hold as much less: nobody can know that the world ends.
    let mut from = -(dice.below(WEEK as u64) as i64);
    while from < end {
        let early = faults.early_resets && dice.below(4) == 0;
        let length = if early {
            DAY + dice.below(5 * DAY as u64) as i64
        } else {
            WEEK
        };
        let length = length.min(end - from);
        let share = length.min(from + length) as f64 / WEEK as f64;
        let holds = if early {
            holds
        } else {
            (f64::from(holds) * share).ceil() as u32
        };
        let span = |when, holds| Span {
            when,
            holds,
            taken: 0,
        };
        truth.long.push(span((from, from + length), holds));
        // The short windows of a week begin with it; the last one is cut off.
        let each = usual / (4 + dice.below(5) as u32);
        let mut begin = from;
        while begin < from + length {
            let to = (begin + SHORT).min(from + length);
            truth.short.push(span((begin, to), each));
            begin = to;
        }
        from += length;
    }
    if faults.flapping && dice.below(2) == 0 {
        for (from, to) in stretches(dice, end, 3 * DAY, HOUR) {
            // Up and down by the minute.
            let flaps = (from / MINUTE..to / MINUTE).step_by(3);
            truth
                .down
                .extend(flaps.map(|minute| (minute * MINUTE, (minute + 2) * MINUTE)));
        }
    }
    if faults.revoked && dice.below(3) == 0 {
        truth.revoked = stretches(dice, end, 9 * DAY, 12 * HOUR);
    }
    truth
}

/// One of about `length` every `apart`, never overlapping.
fn stretches(dice: &mut Dice, end: i64, apart: i64, length: i64) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut from = dice.below(apart as u64) as i64 / MINUTE * MINUTE;
    while from < end {
        let to = from + length / 2 + dice.below(length as u64) as i64 / MINUTE * MINUTE;
        out.push((from, to));
        from = to + apart / 2 + dice.below(apart as u64) as i64 / MINUTE * MINUTE;
    }
    out
}
