//! The rows about streams: paced events, a flood, and many open at once.
//!
//! Events are counted in the chat dialect. Called by `rows`.

use super::{Bench, direct_request, request};
use crate::load::{self, Target};
use crate::mock::Mode;
use crate::subjects::Route;
use crate::table::{Limit, Row};
use anyhow::{Context as _, Result, ensure};
use std::rc::Rc;
use std::time::Duration;

impl Bench {
    /// CPU of many streams whose events come one at a time.
    pub(super) async fn paced(&self, route: Route) -> Result<Vec<Row>> {
        let mode = Mode::Paced {
            deltas: if self.quick { 60 } else { 240 },
            every_ms: 25,
        };
        let (found, _) = self.stream_cpu(route, mode, 200).await?;
        let row = Row::new(
            format!("CPU per 1 M paced events, {}", route.name()),
            "s",
            found[0].context("no figure")?,
        );
        Ok(vec![
            row.beside(found[1], found[2])
                .goal(Limit::MostAndNginx(20.0, 1.3), Limit::Most(16.0))
                .note("200 streams, 8,000 events/s"),
        ])
    }

    /// Events per second when the upstream writes faster than the client reads.
    pub(super) async fn flood(&self, route: Route, has_goal: bool) -> Result<Vec<Row>> {
        let mode = Mode::Flood {
            for_ms: if self.quick { 1_000 } else { 3_000 },
        };
        let (cpu, rate) = self.stream_cpu(route, mode, 4).await?;
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
        let (found, why) = load::streams(&target, 1, || Ok(())).await?;
        ensure!(found.failed == 0, "{}", why.unwrap_or_default());
        let grown = ours.process.peak()?.saturating_sub(before) as f64 / 1024.0 / 1024.0;
        let row = Row::new(
            format!("growth in one long stream, {}", route.name()),
            "MB",
            grown,
        );
        Ok(vec![row.note(format!("{} events", found.events))])
    }

    /// `(CPU seconds per million events, events per second)` of gateway, nginx and floor.
    async fn stream_cpu(
        &self,
        route: Route,
        mode: Mode,
        streams: usize,
    ) -> Result<([Option<f64>; 3], [Option<f64>; 3])> {
        let (subject, ours) = self.start_gateway(route).await?;
        // Events are counted in the chat dialect, so the others carry chat as well.
        let nginx = self
            .start_other(self.nginx.as_ref(), Route::CHAT_CHAT)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::CHAT_CHAT)
            .await?;
        let (mut cpu, mut rate) = ([None; 3], [None; 3]);
        for (place, running) in [Some(&ours), nginx.as_ref(), floor.as_ref()]
            .into_iter()
            .enumerate()
        {
            let Some(running) = running else { continue };
            let request = if place == 0 {
                request(route, true, subject.key.as_deref())
            } else {
                direct_request(Route::CHAT_CHAT, true)
            };
            let target = Target {
                port: running.port,
                request: Rc::new(request),
            };
            self.mock.answer(Mode::Streamed).await?;
            load::closed_loop(&target, 8, self.secs(0.6)).await?;
            self.mock.answer(mode).await?;
            let before = running.process.cpu()?;
            let (found, why) = load::streams(&target, streams, || Ok(())).await?;
            let spent = running.process.cpu()?.since(&before);
            ensure!(
                found.failed == 0,
                "{} of {streams} streams failed: {}",
                found.failed,
                why.unwrap_or_default()
            );
            ensure!(found.events > 0, "no events came");
            cpu[place] = Some(spent.as_secs_f64() * 1e6 / found.events as f64);
            rate[place] = Some(found.events as f64 / found.time.as_secs_f64());
        }
        Ok((cpu, rate))
    }

    /// Memory of open streams, and whether every event of every stream arrives.
    pub(super) async fn open_streams(&self, route: Route) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let sizes: &[usize] = if self.quick {
            &[1_000]
        } else {
            &[1_000, 5_000]
        };
        for count in sizes {
            // Long enough that all are open together.
            let deltas = if *count > 1_000 { 9 } else { 6 };
            let mode = Mode::Paced {
                deltas,
                every_ms: 1_000,
            };
            let (subject, ours) = self.start_gateway(route).await?;
            let nginx = self
                .start_other(
                    self.nginx.as_ref().filter(|_| *count == 1_000),
                    Route::CHAT_CHAT,
                )
                .await?;
            let floor = self
                .start_other(
                    self.floor.as_ref().filter(|_| *count == 1_000),
                    Route::CHAT_CHAT,
                )
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
                    direct_request(Route::CHAT_CHAT, true)
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
                let at_height = || {
                    height = running.process.resident()?;
                    Ok(())
                };
                let (found, reason) = load::streams(&target, *count, at_height).await?;
                memory[place] = Some(height.saturating_sub(before) as f64 / 1024.0 / *count as f64);
                if place == 0 {
                    let all = u64::from(deltas) * *count as u64;
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
                if *count == 1_000 {
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
