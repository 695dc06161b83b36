//! The loads: many requests at once, pairs of single requests, and many open streams.
//!
//! They know nothing of what they call; figures are made in `rows`. Every loop is bounded in count and in time.

use crate::wire::{Connection, Counter};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Most requests of one closed loop.
const MOST: u64 = 500_000;

/// A rendered request and where it goes.
#[derive(Clone)]
pub struct Target {
    /// Loopback port.
    pub port: u16,
    /// Head and body.
    pub request: Rc<Vec<Bytes>>,
}

/// Renders a POST with a JSON body.
pub fn post(path: &str, key: Option<&str>, body: Bytes) -> Vec<Bytes> {
    let key = key.map_or(String::new(), |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: switchyard-bench\r\naccept: */*\r\n{key}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // One write for small requests, as client libraries do; no copy of a large body.
    if body.len() < 64 * 1024 {
        let mut whole = head.into_bytes();
        whole.extend_from_slice(&body);
        return vec![Bytes::from(whole)];
    }
    vec![Bytes::from(head), body]
}

/// Runs `connections` closed loops for `time`; the number of good answers.
///
/// # Errors
/// When a connection breaks or an answer is not 200.
pub async fn closed_loop(target: &Target, connections: usize, time: Duration) -> Result<u64> {
    let done = Rc::new(Cell::new(0_u64));
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (target, done) = (target.clone(), Rc::clone(&done));
        tasks.spawn_local(async move {
            let mut connection = Connection::open(target.port).await?;
            while Instant::now() < end && done.get() < MOST {
                ask_once(&mut connection, &target).await?;
                done.set(done.get() + 1);
            }
            anyhow::Ok(())
        });
    }
    while let Some(result) = tasks.join_next().await {
        result??;
    }
    Ok(done.get())
}

/// One request on a kept connection; `(to the first byte of the body, to the last)`.
async fn ask_once(connection: &mut Connection, target: &Target) -> Result<(Duration, Duration)> {
    let mut start = Vec::new();
    let keep = |piece: &[u8]| {
        if start.len() < 400 {
            start.extend_from_slice(&piece[..piece.len().min(400)]);
        }
    };
    let answer = connection.ask(&target.request, keep).await?;
    ensure!(
        answer.status == 200,
        "status {}: {}",
        answer.status,
        String::from_utf8_lossy(&start)
    );
    Ok((answer.first, answer.whole))
}

/// What one target took, in seconds: each against the first target in the same round.
#[derive(Debug, Default, Clone)]
pub struct Times {
    first: Vec<f64>,
    whole: Vec<f64>,
}

impl Times {
    /// Median of the differences of first-byte times to `direct`, in milliseconds.
    pub fn added_first(&self, direct: &Times) -> f64 {
        added(&self.first, &direct.first)
    }

    /// Median of the differences of whole times to `direct`, in milliseconds.
    pub fn added_whole(&self, direct: &Times) -> f64 {
        added(&self.whole, &direct.whole)
    }
}

fn added(ours: &[f64], direct: &[f64]) -> f64 {
    1_000.0
        * median(
            ours.iter()
                .zip(direct)
                .map(|(ours, direct)| ours - direct)
                .collect(),
        )
}

/// The middle value; zero of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// One request at a time to each target in turn, `rounds` times: paired, so that the host's moods fall on all alike.
///
/// # Errors
/// When a connection breaks or an answer is not 200.
pub async fn in_turns(targets: &[Target], rounds: usize, time: Duration) -> Result<Vec<Times>> {
    let mut connections = Vec::new();
    for target in targets {
        connections.push(Connection::open(target.port).await?);
    }
    let mut times = vec![Times::default(); targets.len()];
    let end = Instant::now() + time;
    let warm_up = rounds / 10 + 1;
    for round in 0..rounds + warm_up {
        if Instant::now() > end {
            break;
        }
        // The order turns, so that nobody always follows the same one.
        for step in 0..targets.len() {
            let place = (round + step) % targets.len();
            let (first, whole) = ask_once(&mut connections[place], &targets[place]).await?;
            if round >= warm_up {
                times[place].first.push(first.as_secs_f64());
                times[place].whole.push(whole.as_secs_f64());
            }
        }
    }
    Ok(times)
}

/// What many open streams brought.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// Text deltas that arrived.
    pub events: u64,
    /// Streams that broke or were refused.
    pub failed: u64,
    /// From the first request to the last byte.
    pub time: Duration,
}

/// Opens `count` streams and reads each to its end, counting deltas. `at_height` runs once all have begun, or failed.
///
/// # Errors
/// When `at_height` fails.
pub async fn streams(
    target: &Target,
    count: usize,
    mut at_height: impl FnMut() -> Result<()>,
) -> Result<(Streams, Option<String>)> {
    let start = Instant::now();
    let begun = Rc::new(Cell::new(0_usize));
    let mut tasks = JoinSet::new();
    for place in 0..count {
        let (target, begun) = (target.clone(), Rc::clone(&begun));
        tasks.spawn_local(async move {
            // Not all at once: the listener's backlog is not what is measured.
            tokio::time::sleep(Duration::from_micros(300 * place as u64)).await;
            let mut counter = Counter::new(crate::answers::TICK);
            let mut told = false;
            let result = async {
                let mut connection = Connection::open(target.port).await?;
                let count = |piece: &[u8]| {
                    counter.feed(piece);
                    if !std::mem::replace(&mut told, true) {
                        begun.set(begun.get() + 1);
                    }
                };
                let answer = connection.ask(&target.request, count).await?;
                ensure!(answer.status == 200, "status {}", answer.status);
                anyhow::Ok(())
            }
            .await;
            if !told {
                begun.set(begun.get() + 1);
            }
            (counter.count, result)
        });
    }
    let mut found = Streams {
        events: 0,
        failed: 0,
        time: Duration::ZERO,
    };
    let mut why = None;
    let mut high = false;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            joined = tasks.join_next() => {
                let Some(joined) = joined else { break };
                let (events, result) = joined.context("a stream task ended badly")?;
                found.events += events;
                if let Err(error) = result {
                    found.failed += 1;
                    why.get_or_insert(error.to_string());
                }
            }
            _ = tick.tick(), if !high => {
                if begun.get() == count {
                    high = true;
                    at_height()?;
                }
            }
        }
    }
    found.time = start.elapsed();
    Ok((found, why))
}
