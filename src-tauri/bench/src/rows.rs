//! The rows of the goal table: which load against which subject, and which figure comes out. Here: requests; beside: streams, and what
//! stands still.
//!
//! The loads themselves are in `load`, the processes in `procs`, the limits in `table`. Called by `main` in table order.

mod latency;
mod standing;
mod streams;

use crate::answers::Dialect;
use crate::load::{self, Target, median, post};
use crate::mock::Mode;
use crate::mock_process::Mock;
use crate::procs::{Host, Nursery};
use crate::subjects::{Account, Route, Running, Subject};
use crate::table::{Limit, Report, Row};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant;

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
    /// The gateway, set up with each kind of account.
    pub gateways: HashMap<Account, Subject>,
    /// A smoke run: short loads, few streams.
    pub quick: bool,
    /// Only rows whose name contains this.
    pub only: Option<String>,
}

/// What is measured for every pair of dialects: CPU of a request, added latency, CPU of slow streams, memory of open ones, large bodies, and
/// whether a long stream fills the memory.
const PAIR_ROWS: [&str; 6] = ["cpu", "latency", "paced", "memory", "body", "long"];

/// Whether a route has this among the rows of the goal table already.
fn has_own_row(route: Route, what: &str) -> bool {
    [Route::CHAT_CHAT, Route::CHAT_CODEX].contains(&route)
        || route == Route::RESPONSES && ["cpu", "body", "long"].contains(&what)
}

/// A prompt of ordinary size.
fn prompt() -> String {
    "You are asked to look at a small program and to say in a few words what it does and what you would change. ".repeat(8)
}

/// A message's content in the words of a dialect: a text, behind a picture in base64 where there is one.
fn content(dialect: Dialect, text: &str, picture: Option<&str>) -> Value {
    const TYPE: &str = "image/png";
    let picture = picture.map(|data| match dialect {
        Dialect::Chat => {
            json!({"type": "image_url", "image_url": {"url": format!("data:{TYPE};base64,{data}")}})
        }
        Dialect::Responses => {
            json!({"type": "input_image", "image_url": format!("data:{TYPE};base64,{data}")})
        }
        Dialect::Messages => {
            json!({"type": "image", "source": {"type": "base64", "media_type": TYPE, "data": data}})
        }
        Dialect::Gemini => json!({"inlineData": {"mimeType": TYPE, "data": data}}),
    });
    let text = match dialect {
        Dialect::Chat if picture.is_none() => return text.into(),
        Dialect::Chat | Dialect::Messages => json!({"type": "text", "text": text}),
        Dialect::Responses => json!({"type": "input_text", "text": text}),
        Dialect::Gemini => json!({"text": text}),
    };
    picture.into_iter().chain([text]).collect()
}

/// What the client of a route asks; `direct` asks the account itself, without a gateway.
fn client_body(route: Route, stream: bool, content: Value) -> Bytes {
    const SYSTEM: &str = "You are a helpful assistant.";
    let mut body = match route.client {
        Dialect::Chat => {
            json!({"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]})
        }
        Dialect::Responses => json!({"instructions": SYSTEM, "input": [
            {"type": "message", "role": "user", "content": content}]}),
        Dialect::Messages => json!({"system": SYSTEM, "max_tokens": 1_024, "messages": [
            {"role": "user", "content": content}]}),
        Dialect::Gemini => json!({"systemInstruction": {"parts": [{"text": SYSTEM}]}, "contents": [
            {"role": "user", "parts": content}]}),
    };
    // One dialect says both in the path.
    if route.client != Dialect::Gemini {
        body["stream"] = stream.into();
        body["model"] = route.model().into();
    }
    Bytes::from(body.to_string())
}

fn request(route: Route, stream: bool, key: Option<&str>) -> Vec<Bytes> {
    post(
        &route.client_path(stream),
        key,
        client_body(route, stream, content(route.client, &prompt(), None)),
    )
}

/// What a direct client, nginx or the floor sends: the upstream's own path.
fn direct_request(route: Route, stream: bool) -> Vec<Bytes> {
    post(
        route.upstream_path(stream),
        None,
        client_body(route, stream, content(route.client, &prompt(), None)),
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
            .get(&route.account)
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
                    self.add(&mut report, $name, $measure).await;
                }
            )+ };
        }
        rows! {
            "cpu chat>chat" => self.cpu_per_request(Route::CHAT_CHAT, Mode::Whole, (2.0, 1.4));
            "cpu chat>chat stream" => self.cpu_per_request(Route::CHAT_CHAT, Mode::Streamed, (2.0, 1.4));
            "cpu chat>chat stream, one chunk" => self.cpu_per_request(Route::CHAT_CHAT, Mode::Joined, (2.0, 1.4));
            "cpu responses>responses stream" => self.cpu_per_request(Route::RESPONSES, Mode::Streamed, (2.0, 1.4));
            "cpu chat>codex stream" => self.cpu_per_request(Route::CHAT_CODEX, Mode::Streamed, (2.6, 1.9));
            "cpu chat>codex stream, one chunk" => self.cpu_per_request(Route::CHAT_CODEX, Mode::Joined, (2.6, 1.9));
            "latency chat>chat" => self.latency(Route::CHAT_CHAT, (1.3, 1.1), 8);
            "latency chat>codex" => self.latency(Route::CHAT_CODEX, (1.5, 1.25), 8);
            "paced chat>chat" => self.paced(Route::CHAT_CHAT, 6);
            "paced chat>codex" => self.paced(Route::CHAT_CODEX, 6);
            "flood chat>chat" => self.flood(Route::CHAT_CHAT, true);
            "flood chat>codex" => self.flood(Route::CHAT_CODEX, false);
            "streams chat>chat" => self.open_streams(Route::CHAT_CHAT, self.sizes());
            "streams chat>codex" => self.open_streams(Route::CHAT_CODEX, self.sizes());
            "body chat>codex" => self.large_body(Route::CHAT_CODEX, true);
            "body chat>chat" => self.large_body(Route::CHAT_CHAT, false);
            "idle" => self.idle();
            "start" => self.start_up();
        }
        // Every other pair of dialects.
        for route in Account::ALL
            .into_iter()
            .flat_map(|account| Dialect::ALL.map(|client| Route::new(client, account)))
        {
            for what in PAIR_ROWS {
                let name = format!("pairs, {what} {}", route.name());
                if has_own_row(route, what) || !self.wanted(&name) {
                    continue;
                }
                progress(&name);
                self.add(&mut report, &name, self.pair(route, what)).await;
            }
        }
        report
    }

    /// Measures and reports, with what other processes worked meanwhile.
    async fn add(
        &self,
        report: &mut Report,
        name: &str,
        measure: impl Future<Output = Result<Vec<Row>>>,
    ) {
        let before = Host::read(self.mock.id());
        match measure.await {
            Ok(mut rows) => {
                let after = Host::read(self.mock.id());
                let others = before.zip(after);
                let others = others.map(|(before, after)| after.others_since(before));
                rows.iter_mut().for_each(|row| row.others = others);
                report.rows.extend(rows);
            }
            Err(error) => report.missing.push(format!("{name}: {error:#}")),
        }
    }

    /// One of [`PAIR_ROWS`] of a pair.
    async fn pair(&self, route: Route, what: &str) -> Result<Vec<Row>> {
        let translated = route.is_translated();
        match what {
            "cpu" => {
                let limits = if translated { (2.6, 1.9) } else { (2.0, 1.4) };
                self.cpu_per_request(route, Mode::Streamed, limits).await
            }
            "latency" => {
                let limits = if translated { (1.5, 1.25) } else { (1.3, 1.1) };
                self.latency(route, limits, 4).await
            }
            "paced" => self.paced(route, 4).await,
            "memory" => {
                let streams = if self.quick { (300, 2) } else { (1_000, 4) };
                self.open_streams(route, &[streams]).await
            }
            "body" => self.large_body(route, true).await,
            _ => self.long_stream(route).await,
        }
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
        let plain = route.plain();
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
        let kind = match mode {
            Mode::Whole => "JSON",
            Mode::Joined => "SSE of 20 in one chunk",
            _ => "SSE of 20 chunks",
        };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair has every figure once: in the goal table or among the pairs.
    #[test]
    fn no_pair_is_left_out() {
        let pairs = Account::ALL
            .into_iter()
            .flat_map(|account| Dialect::ALL.map(|client| Route::new(client, account)));
        let own = pairs.filter(|route| has_own_row(*route, "latency"));
        assert_eq!(
            own.map(Route::name).collect::<Vec<_>>(),
            ["chat>chat", "chat>codex"]
        );
        for what in PAIR_ROWS {
            assert!(!has_own_row(
                Route::new(Dialect::Gemini, Account::Codex),
                what
            ));
            assert_eq!(
                has_own_row(Route::RESPONSES, what),
                ["cpu", "body", "long"].contains(&what)
            );
        }
    }
}
