//! The rows about streams: paced events, a flood, and many open at once.
//!
//! nginx and the floor carry the client's dialect, so that events are counted alike. Called by `rows`.

use super::{Bench, direct_request, request};
use crate::load::{self, Target, median};
use crate::mock::Mode;
use crate::subjects::Route;
use crate::table::{Limit, Row};
use anyhow::{Context as _, Result, ensure};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

/// For streams that are looked at once.
const NEVER: Duration = Duration::from_secs(3_600);

impl Bench {
    /// CPU of an event among many streams whose events come one at a time, the subjects in turns. What a request costs at its start and end
    /// is left out: the rows about requests have it.
    pub(super) async fn paced(&self, route: Route, rounds: usize) -> Result<Vec<Row>> {
        const STREAMS: usize = 200;
        let (rounds, deltas) = if self.quick { (1, 40) } else { (rounds, 60) };
        let mode = Mode::Paced {
            deltas,
            every_ms: 25,
        };
        let window = Duration::from_millis(u64::from(deltas - 16) * 25);
        let (cpu, _) = self
            .stream_cpu(route, mode, STREAMS, rounds, Some(window))
            .await?;
        let row = Row::new(
            format!("CPU per 1 M paced events, {}", route.name()),
            "s",
            cpu[0].context("no figure")?,
        );
        Ok(vec![
            row.beside(cpu[1], cpu[2])
                .goal(Limit::AndScaled(20.0, 1.3), Limit::OrScaled(16.0, 16.0))
                .note("200 streams, 8,000 events/s"),
        ])
    }

    /// Events per second when the upstream writes faster than the client reads.
    pub(super) async fn flood(&self, route: Route, has_goal: bool) -> Result<Vec<Row>> {
        let mode = Mode::Flood {
            for_ms: if self.quick { 1_000 } else { 3_000 },
        };
        let (cpu, rate) = self.stream_cpu(route, mode, 4, 1, None).await?;
        let row = Row::new(
            format!("flood, {}", route.name()),
            "events/s",
            rate[0].context("no figure")?,
        )
        .beside(rate[1], rate[2]);
        let seconds = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.2}"));
        let row = row.note(format!(
            "CPU s per 1 M: {}, nginx {}",
            seconds(cpu[0]),
            seconds(cpu[1])
        ));
        Ok(vec![if has_goal {
            row.goal(Limit::Least(300_000.0), Limit::Least(500_000.0))
        } else {
            row
        }])
    }

    /// What one stream of very many events leaves in memory at its height. A client of Responses is told the whole text once more at the end,
    /// which has to be kept until then.
    pub(super) async fn long_stream(&self, route: Route) -> Result<Vec<Row>> {
        let (subject, ours) = self.start_gateway(route).await?;
        let target = Target {
            port: ours.port,
            request: Rc::new(request(route, true, subject.key.as_deref())),
        };
        self.mock.answer(Mode::Streamed).await?;
        load::closed_loop(&target, 8, self.secs(0.6)).await?;
        self.mock.answer(Mode::Flood { for_ms: 1_000 }).await?;
        let before = ours.process.resident()?;
        ours.process.forget_peak();
        let (found, why) =
            load::streams(&target, route.client.tick(), 1, NEVER, |_| Ok(())).await?;
        ensure!(found.failed == 0, "{}", why.unwrap_or_default());
        let grown = ours.process.peak()?.saturating_sub(before) as f64 / 1024.0 / 1024.0;
        let row = Row::new(
            format!("growth in one long stream, {}", route.name()),
            "MB",
            grown,
        );
        Ok(vec![row.note(format!("{} events", found.events))])
    }

    /// `(CPU seconds per million events, events per second)` of gateway, nginx and floor: the middle of all rounds, each over a `window` in which all
    /// streams are open, or over the whole of them.
    async fn stream_cpu(
        &self,
        route: Route,
        mode: Mode,
        streams: usize,
        rounds: usize,
        window: Option<Duration>,
    ) -> Result<([Option<f64>; 3], [Option<f64>; 3])> {
        let (subject, ours) = self.start_gateway(route).await?;
        let plain = route.plain();
        let nginx = self.start_other(self.nginx.as_ref(), plain).await?;
        let floor = self.start_other(self.floor.as_ref(), plain).await?;
        let all = [Some(&ours), nginx.as_ref(), floor.as_ref()];
        let (mut cpu, mut rate): ([Vec<f64>; 3], [Vec<f64>; 3]) = Default::default();
        for round in 0..rounds {
            for step in 0..all.len() {
                let place = (round + step) % all.len();
                let Some(running) = all[place] else { continue };
                let request = if place == 0 {
                    request(route, true, subject.key.as_deref())
                } else {
                    direct_request(plain, true)
                };
                let target = Target {
                    port: running.port,
                    request: Rc::new(request),
                };
                if round == 0 {
                    self.mock.answer(Mode::Streamed).await?;
                    load::closed_loop(&target, 8, self.secs(0.6)).await?;
                }
                self.mock.answer(mode).await?;
                let mut seen = Vec::new();
                let look = |events| {
                    seen.push((running.process.cpu()?, events, Instant::now()));
                    Ok(())
                };
                let word = route.client.tick();
                let before = running.process.cpu()?;
                let (found, why) =
                    load::streams(&target, word, streams, window.unwrap_or(NEVER), look).await?;
                ensure!(
                    found.failed == 0,
                    "{} of {streams} streams failed: {}",
                    found.failed,
                    why.unwrap_or_default()
                );
                let (events, spent, took) = match (&*seen, window) {
                    (_, None) => {
                        let spent = running.process.cpu()?.since(&before);
                        (found.events, spent, found.time)
                    }
                    ([first, second, ..], _) => {
                        let events = second.1.saturating_sub(first.1);
                        (events, second.0.since(&first.0), second.2 - first.2)
                    }
                    // The host was busy elsewhere: the next round may do better.
                    _ => continue,
                };
                if events > 0 {
                    cpu[place].push(spent.as_secs_f64() * 1e6 / events as f64);
                    rate[place].push(events as f64 / took.as_secs_f64());
                }
            }
        }
        ensure!(
            !cpu[0].is_empty(),
            "no events came, or the streams were never open together for {window:?}"
        );
        let middle = |values: Vec<f64>| (!values.is_empty()).then(|| median(values));
        Ok((cpu.map(middle), rate.map(middle)))
    }

    /// How many streams are open together in the rows of the goal table, and the deltas of each: enough that all are open together.
    pub(super) fn sizes(&self) -> &'static [(usize, u32)] {
        if self.quick {
            &[(1_000, 6)]
        } else {
            &[(1_000, 6), (5_000, 9)]
        }
    }

    /// Memory of open streams, and whether every event of every stream arrives; `sizes` are streams and the deltas of each.
    pub(super) async fn open_streams(
        &self,
        route: Route,
        sizes: &[(usize, u32)],
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let plain = route.plain();
        for (count, deltas) in sizes.iter().copied() {
            let mode = Mode::Paced {
                deltas,
                every_ms: 1_000,
            };
            let (subject, ours) = self.start_gateway(route).await?;
            let nginx = self
                .start_other(self.nginx.as_ref().filter(|_| count <= 1_000), plain)
                .await?;
            let floor = self
                .start_other(self.floor.as_ref().filter(|_| count <= 1_000), plain)
                .await?;
            let mut memory = [None; 3];
            let (mut lost, mut why) = (0.0, None);
            for (place, running) in [Some(&ours), nginx.as_ref(), floor.as_ref()]
                .into_iter()
                .enumerate()
            {
                let Some(running) = running else { continue };
                let request = if place == 0 {
                    request(route, true, subject.key.as_deref())
                } else {
                    direct_request(plain, true)
                };
                let target = Target {
                    port: running.port,
                    request: Rc::new(request),
                };
                self.mock.answer(Mode::Streamed).await?;
                load::closed_loop(&target, 8, Duration::from_millis(200)).await?;
                self.mock.answer(mode).await?;
                let before = running.process.resident()?;
                let mut height = before;
                let at_height = |_| {
                    height = running.process.resident()?;
                    Ok(())
                };
                let (found, reason) =
                    load::streams(&target, route.client.tick(), count, NEVER, at_height).await?;
                memory[place] = Some(height.saturating_sub(before) as f64 / 1024.0 / count as f64);
                if place == 0 {
                    let all = u64::from(deltas) * count as u64;
                    lost = all.saturating_sub(found.events) as f64;
                    why = reason.map(|reason| format!("{} streams failed: {reason}", found.failed));
                }
            }
            let note = why.unwrap_or_default();
            let name = |what: &str| format!("{what}, {count} streams, {}", route.name());
            let row = Row::new(
                name("memory per open stream"),
                "KiB",
                memory[0].context("no figure")?,
            );
            rows.push(
                row.beside(memory[1], memory[2])
                    .goal(Limit::Most(24.0), Limit::Most(16.0))
                    .note(note.clone()),
            );
            let row = Row::new(name("lost events"), "events", lost).note(note);
            // None at 1,000 is the gate, none at 5,000 the aim.
            rows.push(row.goal(
                if count <= 1_000 {
                    Limit::Most(0.0)
                } else {
                    Limit::Most(f64::INFINITY)
                },
                Limit::Most(0.0),
            ));
        }
        Ok(rows)
    }
}
