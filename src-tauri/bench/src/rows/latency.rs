//! The rows about one request at a time: what the gateway adds to a whole answer and to the first byte of a stream.
//!
//! Called by `rows`.

use super::{Bench, direct_request, request};
use crate::load::{self, Target, median};
use crate::mock::Mode;
use crate::subjects::{Account, Route};
use crate::table::{Limit, Row};
use anyhow::{Context as _, Result};
use std::rc::Rc;
use std::time::Duration;

/// Requests of one block.
const BLOCK: usize = 25;
/// What nginx adds to the first byte on the machine of the goal table, in milliseconds.
const YARDSTICK_FIRST: f64 = 0.11;

impl Bench {
    /// Added latency of one request at a time: whole JSON or streamed answers, and the first byte of a stream. Direct, gateway and nginx take
    /// turns in short blocks, and all start afresh for each sitting: a process keeps the luck of its start for as long as it lives.
    pub(super) async fn latency(
        &self,
        route: Route,
        (gate, aim): (f64, f64),
        sittings: usize,
    ) -> Result<Vec<Row>> {
        let (sittings, blocks) = if self.quick { (2, 6) } else { (sittings, 20) };
        let whole = match route.account {
            Account::Codex => Mode::Streamed,
            Account::Relay(_) => Mode::Whole,
        };
        let kinds = [(whole, false), (Mode::Split, true)];
        // Of each kind, for each subject: what it adds, block by block.
        let mut found: [[Vec<f64>; 3]; 2] = Default::default();
        for _ in 0..sittings {
            let (subject, ours) = self.start_gateway(route).await?;
            let nginx = self.start_other(self.nginx.as_ref(), route).await?;
            let floor = self.start_other(self.floor.as_ref(), route).await?;
            for ((mode, first), found) in kinds.into_iter().zip(&mut found) {
                self.mock.answer(mode).await?;
                let stream = mode != Mode::Whole;
                let plain = Rc::new(direct_request(route, stream));
                let target = |port| Target {
                    port,
                    request: Rc::clone(&plain),
                };
                let (mut places, mut targets) = (vec![0], vec![target(self.mock.port)]);
                targets.push(Target {
                    port: ours.port,
                    request: Rc::new(request(route, stream, subject.key.as_deref())),
                });
                for (place, other) in [(1, &nginx), (2, &floor)] {
                    if let Some(other) = other {
                        places.push(place);
                        targets.push(target(other.port));
                    }
                }
                let time = Duration::from_secs(20);
                let times = load::in_turns(&targets, blocks, BLOCK, time).await?;
                let (direct, others) = times.split_first().context("nothing was measured")?;
                for (place, times) in places.into_iter().zip(others) {
                    found[place].extend(if first {
                        times.added_first(direct)
                    } else {
                        times.added_whole(direct)
                    });
                }
            }
        }
        let rows = kinds.into_iter().zip(found).map(|((_, first), found)| {
            let [ours, nginx, floor] =
                found.map(|values| (!values.is_empty()).then(|| median(values)));
            let what = if first { "added TTFT" } else { "added" };
            let row = Row::new(
                format!("{what} p50 c1, {}", route.name()),
                "ms",
                ours.unwrap_or_default(),
            )
            .beside(nginx, floor);
            // What waking a CPU costs is in both, and drifts: the difference is the steadier figure.
            let row = match (ours, nginx) {
                (Some(ours), Some(nginx)) => row.note(format!("nginx {:+.3} ms", ours - nginx)),
                _ => row,
            };
            if first {
                row.goal(
                    Limit::OrScaled(0.16, YARDSTICK_FIRST),
                    Limit::OrScaled(0.13, YARDSTICK_FIRST),
                )
            } else {
                row.goal(Limit::Nginx(gate), Limit::Nginx(aim))
            }
        });
        Ok(rows.collect())
    }
}
