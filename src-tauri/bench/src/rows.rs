//! The rows of the goal table: which load against which subject, and which figure comes out.
//!
//! The loads themselves are in `load`, the processes in `procs`, the limits in `table`. Called by `main` in table order.

use crate::load::{self, Target, median, post};
use crate::mock::Mode;
use crate::procs::Nursery;
use crate::subjects::{Mock, Route, Running, Subject};
use crate::table::{Limit, Report, Row};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

const MIB: f64 = 1024.0 * 1024.0;

/// Everything a row needs.
pub struct Bench {
    /// The upstream.
    pub mock: Mock,
    /// Starts subjects on their CPU.
    pub nursery: Nursery,
    /// nginx, if it is there.
    pub nginx: Option<Subject>,
    /// The bare proxy, if asked for.
    pub floor: Option<Subject>,
    /// The gateway, set up for each route it can serve.
    pub gateways: HashMap<Route, Subject>,
    /// A smoke run: short loads, few streams.
    pub quick: bool,
    /// Only rows whose name contains this.
    pub only: Option<String>,
}

/// A prompt of ordinary size.
fn prompt() -> String {
    "You are asked to look at a small program and to say in a few words what it does and what you would change. ".repeat(8)
}

fn client_body(route: Route, stream: bool, content: Value) -> Bytes {
    let mut body = match route {
        Route::ChatChat | Route::ChatCodex => json!({"messages": [
            {"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": content}], "stream": stream}),
        Route::Responses => json!({"instructions": "You are a helpful assistant.", "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": content}]}], "stream": stream}),
    };
    body["model"] = json!(if route == Route::ChatCodex {
        "gpt-5"
    } else {
        "bench"
    });
    Bytes::from(body.to_string())
}

fn request(route: Route, stream: bool, key: Option<&str>) -> Vec<Bytes> {
    post(
        route.client_path(),
        key,
        client_body(route, stream, json!(prompt())),
    )
}

/// What a direct client, nginx or the floor sends: the upstream's own path.
fn direct_request(route: Route, stream: bool) -> Vec<Bytes> {
    post(
        route.upstream_path(),
        None,
        client_body(route, stream, json!(prompt())),
    )
}

impl Bench {
    fn wanted(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    }

    fn secs(&self, full: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { full / 4.0 } else { full })
    }

    async fn start(&self, subject: &Subject, route: Route) -> Result<Running> {
        let direct = subject.name == "nginx" || subject.name == "floor";
        subject
            .start(&self.nursery, |key| {
                if direct {
                    direct_request(route, false)
                } else {
                    request(route, false, key)
                }
            })
            .await
    }

    async fn start_gateway(&self, route: Route) -> Result<(&Subject, Running)> {
        let subject = self
            .gateways
            .get(&route)
            .with_context(|| format!("the gateway is not set up for {}", route.name()))?;
        self.mock.answer(Mode::Whole).await?;
        Ok((subject, self.start(subject, route).await?))
    }

    async fn start_other(
        &self,
        subject: Option<&Subject>,
        route: Route,
    ) -> Result<Option<Running>> {
        self.mock.answer(Mode::Whole).await?;
        match subject {
            Some(subject) => Ok(Some(self.start(subject, route).await?)),
            None => Ok(None),
        }
    }

    /// Runs every wanted row; what fails is named in the report and the rest goes on.
    pub async fn run(&self, progress: impl Fn(&str)) -> Report {
        let mut report = Report::default();
        macro_rules! rows {
            ($($name:literal => $measure:expr;)+) => { $(
                if self.wanted($name) {
                    progress($name);
                    match $measure.await {
                        Ok(rows) => report.rows.extend(rows),
                        Err(error) => report.missing.push(format!("{}: {error:#}", $name)),
                    }
                }
            )+ };
        }
        rows! {
            "cpu chat>chat" => self.cpu_per_request(Route::ChatChat, Mode::Whole, (2.0, 1.4));
            "cpu chat>chat stream" => self.cpu_per_request(Route::ChatChat, Mode::Streamed, (2.0, 1.4));
            "cpu responses>responses stream" => self.cpu_per_request(Route::Responses, Mode::Streamed, (2.0, 1.4));
            "cpu chat>codex stream" => self.cpu_per_request(Route::ChatCodex, Mode::Streamed, (2.6, 1.9));
            "latency chat>chat" => self.latency(Route::ChatChat, (1.3, 1.1));
            "latency chat>codex" => self.latency(Route::ChatCodex, (1.5, 1.25));
            "paced chat>chat" => self.paced(Route::ChatChat);
            "paced chat>codex" => self.paced(Route::ChatCodex);
            "flood chat>chat" => self.flood(Route::ChatChat, true);
            "flood chat>codex" => self.flood(Route::ChatCodex, false);
            "streams chat>chat" => self.open_streams(Route::ChatChat);
            "streams chat>codex" => self.open_streams(Route::ChatCodex);
            "body chat>codex" => self.large_body(Route::ChatCodex, true);
            "body chat>chat" => self.large_body(Route::ChatChat, false);
            "idle" => self.idle();
            "start" => self.start_up();
        }
        report
    }

    /// CPU per request with 32 at once, the subjects in turns.
    async fn cpu_per_request(
        &self,
        route: Route,
        mode: Mode,
        (gate, aim): (f64, f64),
    ) -> Result<Vec<Row>> {
        let stream = mode != Mode::Whole;
        let (subject, ours) = self.start_gateway(route).await?;
        let nginx = self.start_other(self.nginx.as_ref(), route).await?;
        let floor = self.start_other(self.floor.as_ref(), route).await?;
        // The client sees the same answer from nginx: the same dialect without a translation.
        let plain = if route == Route::ChatCodex {
            Route::ChatChat
        } else {
            route
        };
        self.mock.answer(mode).await?;
        let mut found: [Vec<f64>; 3] = Default::default();
        let mut rates: [Vec<f64>; 3] = Default::default();
        for round in 0..6 {
            for (place, running) in [Some(&ours), nginx.as_ref(), floor.as_ref()]
                .into_iter()
                .enumerate()
            {
                let Some(running) = running else { continue };
                let request = if place == 0 {
                    request(route, stream, subject.key.as_deref())
                } else {
                    direct_request(plain, stream)
                };
                let target = Target {
                    port: running.port,
                    request: Rc::new(request),
                };
                // The first round warms everything up.
                let time = self.secs(if round == 0 { 0.6 } else { 1.2 });
                let before = running.process.cpu()?;
                let start = Instant::now();
                let done = load::closed_loop(&target, 32, time).await?;
                let spent = running.process.cpu()?.since(&before);
                ensure!(done > 0, "no request was answered");
                if round > 0 {
                    found[place].push(spent.as_secs_f64() * 1e6 / done as f64);
                    rates[place].push(done as f64 / start.elapsed().as_secs_f64());
                }
            }
        }
        let kind = if stream { "SSE of 20" } else { "JSON" };
        let [rate, nginx_rate, _] = rates.map(median);
        let [ours, nginx, floor] = found.map(|values| (!values.is_empty()).then(|| median(values)));
        let row = Row::new(
            format!("CPU per request c32, {}, {kind}", route.name()),
            "us",
            ours.unwrap_or_default(),
        );
        Ok(vec![
            row.beside(nginx, floor)
                .goal(Limit::Nginx(gate), Limit::Nginx(aim))
                .note(format!("{rate:.0} requests/s, nginx {nginx_rate:.0}")),
        ])
    }

    /// Added latency of one request at a time: whole JSON or streamed answers, and the first byte of a stream.
    async fn latency(&self, route: Route, (gate, aim): (f64, f64)) -> Result<Vec<Row>> {
        let translated = route == Route::ChatCodex;
        let (subject, ours) = self.start_gateway(route).await?;
        let nginx = self.start_other(self.nginx.as_ref(), route).await?;
        let floor = self.start_other(self.floor.as_ref(), route).await?;
        let mut rows = Vec::new();
        let rounds = if self.quick { 300 } else { 2_000 };
        let whole = if translated {
            Mode::Streamed
        } else {
            Mode::Whole
        };
        for (mode, first_byte) in [
            (whole, false),
            (
                Mode::Paced {
                    deltas: 2,
                    every_ms: 1,
                },
                true,
            ),
        ] {
            self.mock.answer(mode).await?;
            let stream = mode != Mode::Whole;
            let direct = Rc::new(direct_request(route, stream));
            let target = |port| Target {
                port,
                request: Rc::clone(&direct),
            };
            let mut targets = vec![target(self.mock.port)];
            targets.push(Target {
                port: ours.port,
                request: Rc::new(request(route, stream, subject.key.as_deref())),
            });
            targets.extend(
                nginx
                    .iter()
                    .chain(&floor)
                    .map(|running| target(running.port)),
            );
            let times = load::in_turns(&targets, rounds, self.secs(40.0)).await?;
            let added = |place: usize| {
                let times_of = times.get(place)?;
                Some(if first_byte {
                    times_of.added_first(&times[0])
                } else {
                    times_of.added_whole(&times[0])
                })
            };
            let beside = (
                nginx.as_ref().and_then(|_| added(2)),
                floor
                    .as_ref()
                    .and_then(|_| added(if nginx.is_some() { 3 } else { 2 })),
            );
            let what = if first_byte { "added TTFT" } else { "added" };
            let row = Row::new(
                format!("{what} p50 c1, {}", route.name()),
                "ms",
                added(1).unwrap_or_default(),
            )
            .beside(beside.0, beside.1);
            rows.push(match first_byte {
                true => row.goal(Limit::Most(0.16), Limit::Most(0.13)),
                false => row.goal(Limit::Nginx(gate), Limit::Nginx(aim)),
            });
        }
        Ok(rows)
    }

    /// CPU of many streams whose events come one at a time.
    async fn paced(&self, route: Route) -> Result<Vec<Row>> {
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
    async fn flood(&self, route: Route, has_goal: bool) -> Result<Vec<Row>> {
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
            .start_other(self.nginx.as_ref(), Route::ChatChat)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::ChatChat)
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
                direct_request(Route::ChatChat, true)
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
    async fn open_streams(&self, route: Route) -> Result<Vec<Row>> {
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
                    Route::ChatChat,
                )
                .await?;
            let floor = self
                .start_other(
                    self.floor.as_ref().filter(|_| *count == 1_000),
                    Route::ChatChat,
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
                    direct_request(Route::ChatChat, true)
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

    /// One 20 MiB request at a time: CPU, memory growth, and what stays of it.
    async fn large_body(&self, route: Route, has_goal: bool) -> Result<Vec<Row>> {
        let size = 20.0 * MIB;
        let image = format!(
            "data:image/png;base64,{}",
            "iVBORw0KGgoAAAAN".repeat((size / 16.0) as usize)
        );
        let content = json!([{"type": "text", "text": "What is in this picture?"}, {"type": "image_url", "image_url": {"url": image}}]);
        let body = client_body(route, true, content);
        let (subject, ours) = self.start_gateway(route).await?;
        let nginx = self
            .start_other(self.nginx.as_ref(), Route::ChatChat)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::ChatChat)
            .await?;
        let mut found = [[None; 3]; 3];
        for (place, running) in [Some(&ours), nginx.as_ref(), floor.as_ref()]
            .into_iter()
            .enumerate()
        {
            let Some(running) = running else { continue };
            let (path, key) = if place == 0 {
                (route.client_path(), subject.key.as_deref())
            } else {
                (Route::ChatChat.upstream_path(), None)
            };
            self.mock.answer(Mode::Streamed).await?;
            let small = if place == 0 {
                request(route, true, key)
            } else {
                direct_request(Route::ChatChat, true)
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
                load::in_turns(std::slice::from_ref(&large), 0, Duration::from_secs(20)).await?;
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
    async fn idle(&self) -> Result<Vec<Row>> {
        let window = self.secs(20.0);
        let (_, ours) = self.start_gateway(Route::ChatChat).await?;
        let nginx = self
            .start_other(self.nginx.as_ref(), Route::ChatChat)
            .await?;
        let floor = self
            .start_other(self.floor.as_ref(), Route::ChatChat)
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
    async fn start_up(&self) -> Result<Vec<Row>> {
        let route = Route::ChatChat;
        self.mock.answer(Mode::Whole).await?;
        let gateway = self
            .gateways
            .get(&route)
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
