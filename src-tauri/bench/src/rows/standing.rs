//! The rows about what stands still: memory after large bodies, a waiting gateway, its start and its size.
//!
//! Called by `rows`.

use super::{Bench, client_body, content, direct_request, request};
use crate::load::{self, Target, median, post};
use crate::mock::Mode;
use crate::subjects::{Route, Subject};
use crate::table::{Limit, Row};
use anyhow::{Context as _, Result};
use std::rc::Rc;
use std::time::Duration;

const MIB: f64 = 1024.0 * 1024.0;

impl Bench {
    /// One 20 MiB request at a time: CPU, memory growth, and what stays of it.
    pub(super) async fn large_body(&self, route: Route, has_goal: bool) -> Result<Vec<Row>> {
        let size = 20.0 * MIB;
        let picture = "iVBORw0KGgoAAAAN".repeat((size / 16.0) as usize);
        let content = content(route.client, "What is in this picture?", Some(&picture));
        let body = client_body(route, true, content);
        let (subject, ours) = self.start_gateway(route).await?;
        let nginx = self
            .start_other(self.nginx.as_ref(), Route::CHAT_CHAT)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::CHAT_CHAT)
            .await?;
        let mut found = [[None; 3]; 3];
        for (place, running) in [Some(&ours), nginx.as_ref(), floor.as_ref()]
            .into_iter()
            .enumerate()
        {
            let Some(running) = running else { continue };
            let (path, key) = if place == 0 {
                (&*route.client_path(true), subject.key.as_deref())
            } else {
                (Route::CHAT_CHAT.upstream_path(true), None)
            };
            self.mock.answer(Mode::Streamed).await?;
            let small = if place == 0 {
                request(route, true, key)
            } else {
                direct_request(Route::CHAT_CHAT, true)
            };
            load::closed_loop(
                &Target {
                    port: running.port,
                    request: Rc::new(small),
                },
                4,
                self.secs(0.6),
            )
            .await?;
            let large = Target {
                port: running.port,
                request: Rc::new(post(path, key, body.clone())),
            };
            tokio::time::sleep(Duration::from_millis(200)).await;
            let idle = running.process.resident()?;
            running.process.forget_peak();
            let mut spent = Vec::new();
            for _ in 0..5 {
                let before = running.process.cpu()?;
                load::ask(&large).await?;
                spent.push(running.process.cpu()?.since(&before).as_secs_f64() * 1e3);
            }
            let growth = running.process.peak()?.saturating_sub(idle) as f64 / size;
            let mut left = f64::MAX;
            for _ in 0..25 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                left = left.min(running.process.resident()?.saturating_sub(idle) as f64 / MIB);
                if left <= 1.0 {
                    break;
                }
            }
            for (figure, value) in [median(spent), growth, left].into_iter().enumerate() {
                found[figure][place] = Some(value);
            }
        }
        let figures = [
            ("CPU", "ms", Limit::Most(40.0), Limit::Most(20.0)),
            ("peak growth", "x body", Limit::Most(2.0), Limit::Most(1.2)),
            (
                "above idle within 5 s",
                "MB",
                Limit::Most(15.0),
                Limit::Most(5.0),
            ),
        ];
        let rows = figures.into_iter().zip(found).map(
            |((name, unit, gate, aim), [ours, nginx, floor])| {
                let row = Row::new(
                    format!("20 MiB body, {}, {name}", route.name()),
                    unit,
                    ours.unwrap_or_default(),
                )
                .beside(nginx, floor);
                if has_goal { row.goal(gate, aim) } else { row }
            },
        );
        Ok(rows.collect())
    }

    /// Memory and CPU of a gateway that has served one request and waits.
    pub(super) async fn idle(&self) -> Result<Vec<Row>> {
        let window = self.secs(20.0);
        let (_, ours) = self.start_gateway(Route::CHAT_CHAT).await?;
        let nginx = self
            .start_other(self.nginx.as_ref(), Route::CHAT_CHAT)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::CHAT_CHAT)
            .await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let all = [Some(&ours), nginx.as_ref(), floor.as_ref()];
        let mut before = Vec::new();
        for running in all.into_iter().flatten() {
            before.push(running.process.cpu()?);
        }
        tokio::time::sleep(window).await;
        let (mut memory, mut cpu) = ([None; 3], [None; 3]);
        let mut earlier = before.iter();
        for (place, running) in all.into_iter().enumerate() {
            let (Some(running), Some(before)) = (running, running.and_then(|_| earlier.next()))
            else {
                continue;
            };
            memory[place] = Some(running.process.resident()? as f64 / MIB);
            cpu[place] = Some(
                running.process.cpu()?.since(before).as_secs_f64() / window.as_secs_f64() * 100.0,
            );
        }
        let rss =
            Row::new("idle RSS", "MB", memory[0].unwrap_or_default()).beside(memory[1], memory[2]);
        let share = Row::new("idle CPU", "%", cpu[0].unwrap_or_default()).beside(cpu[1], cpu[2]);
        Ok(vec![
            rss.goal(Limit::Most(14.0), Limit::Most(8.0)),
            // Zero on the aim side means: not measurable, a hundredth of a percent.
            share
                .goal(Limit::Most(0.1), Limit::Most(0.01))
                .note(format!("over {:.0} s", window.as_secs_f64())),
        ])
    }

    /// From exec to the first proxied answer, and the program's size.
    pub(super) async fn start_up(&self) -> Result<Vec<Row>> {
        let route = Route::CHAT_CHAT;
        self.mock.answer(Mode::Whole).await?;
        let gateway = self
            .gateways
            .get(&route.account)
            .context("the gateway is not set up for chat>chat")?;
        let mut times: [Vec<f64>; 3] = Default::default();
        for _ in 0..if self.quick { 3 } else { 9 } {
            for (place, subject) in [Some(gateway), self.nginx.as_ref(), self.floor.as_ref()]
                .into_iter()
                .enumerate()
            {
                let Some(subject) = subject else { continue };
                let running = self.start(subject, route).await?;
                times[place].push(running.first_answer.as_secs_f64() * 1e3);
            }
        }
        let [ours, nginx, floor] = times.map(|values| (!values.is_empty()).then(|| median(values)));
        let row =
            Row::new("exec to first answer", "ms", ours.unwrap_or_default()).beside(nginx, floor);
        let size = |subject: Option<&Subject>| {
            subject
                .and_then(|subject| subject.size().ok())
                .map(|bytes| bytes as f64 / MIB)
        };
        let binary = Row::new("binary", "MB", size(Some(gateway)).unwrap_or_default());
        Ok(vec![
            row.goal(Limit::Most(20.0), Limit::Most(8.0)),
            binary
                .beside(size(self.nginx.as_ref()), None)
                .goal(Limit::Most(15.0), Limit::Most(8.0)),
        ])
    }
}
