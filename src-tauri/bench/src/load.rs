//! The loads: many requests at once, blocks of single requests in turns, and many open streams.
//!
//! They know nothing of what they call; figures are made in `rows`. Every loop is bounded in count and in time.

use crate::wire::{Connection, Counter};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

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

/// One request on a connection of its own.
///
/// # Errors
/// When the connection breaks or the answer is not 200.
pub async fn ask(target: &Target) -> Result<()> {
    let mut connection = Connection::open(target.port).await?;
    ask_once(&mut connection, target).await.map(drop)
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

/// What one target took, block by block: the medians, in milliseconds.
#[derive(Debug, Default, Clone)]
pub struct Blocks {
    first: Vec<f64>,
    whole: Vec<f64>,
}

impl Blocks {
    /// How much later than from `direct` the first byte came, block by block.
    pub fn added_first(&self, direct: &Blocks) -> Vec<f64> {
        added(&self.first, &direct.first)
    }

    /// How much later than from `direct` the last byte came, block by block.
    pub fn added_whole(&self, direct: &Blocks) -> Vec<f64> {
        added(&self.whole, &direct.whole)
    }
}

fn added(ours: &[f64], direct: &[f64]) -> Vec<f64> {
    let pairs = ours.iter().zip(direct);
    pairs.map(|(ours, direct)| ours - direct).collect()
}

/// The middle value; zero of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Requests of a block that are not counted: the target before has just had the CPU.
const WARM: usize = 3;

/// One request at a time: a short block of them to each target in turn, so that the host's moods fall on all alike while a target that is
/// called again and again is as warm as it would be alone.
///
/// # Errors
/// When a connection breaks or an answer is not 200.
pub async fn in_turns(
    targets: &[Target],
    blocks: usize,
    requests: usize,
    time: Duration,
) -> Result<Vec<Blocks>> {
    let mut connections = Vec::new();
    for target in targets {
        connections.push(Connection::open(target.port).await?);
    }
    let mut times = vec![Blocks::default(); targets.len()];
    let end = Instant::now() + time;
    // The first round warms everything up.
    for round in 0..=blocks {
        if Instant::now() > end {
            break;
        }
        // The order turns, so that nobody always follows the same one.
        for step in 0..targets.len() {
            let place = (round + step) % targets.len();
            let (mut first, mut whole) = (Vec::new(), Vec::new());
            for request in 0..WARM + requests {
                let took = ask_once(&mut connections[place], &targets[place]).await?;
                if request >= WARM {
                    first.push(took.0.as_secs_f64() * 1e3);
                    whole.push(took.1.as_secs_f64() * 1e3);
                }
            }
            if round > 0 {
                times[place].first.push(median(first));
                times[place].whole.push(median(whole));
            }
        }
    }
    Ok(times)
}

/// What many open streams brought.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// How often the word arrived.
    pub events: u64,
    /// Streams that broke or were refused.
    pub failed: u64,
    /// From the first request to the last byte.
    pub time: Duration,
}

/// Opens `count` streams and reads each to its end, counting `word`. Once all have begun, or failed, `look` is called with the count so far,
/// and once more each time that `window` has passed since, for so long as all are open.
///
/// # Errors
/// When `look` fails.
pub async fn streams(
    target: &Target,
    word: &'static str,
    count: usize,
    window: Duration,
    mut look: impl FnMut(u64) -> Result<()>,
) -> Result<(Streams, Option<String>)> {
    let start = Instant::now();
    let begun = Rc::new(Cell::new(0_usize));
    let events = Rc::new(Cell::new(0_u64));
    let mut tasks = JoinSet::new();
    for place in 0..count {
        let (target, begun, events) = (target.clone(), Rc::clone(&begun), Rc::clone(&events));
        tasks.spawn_local(async move {
            // Not all at once: the listener's backlog is not what is measured.
            tokio::time::sleep(Duration::from_micros(300 * place as u64)).await;
            let mut counter = Counter::new(word);
            let mut told = false;
            let result = async {
                let mut connection = Connection::open(target.port).await?;
                let count = |piece: &[u8]| {
                    let before = counter.count;
                    counter.feed(piece);
                    events.set(events.get() + counter.count - before);
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
            result
        });
    }
    let mut failed = 0;
    let mut why = None;
    let mut next = None;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            joined = tasks.join_next() => {
                let Some(joined) = joined else { break };
                if let Err(error) = joined.context("a stream task ended badly")? {
                    failed += 1;
                    why.get_or_insert(error.to_string());
                }
            }
            _ = tick.tick() => {
                // Not when the tick was due: that may be long ago when much is read.
                let now = Instant::now();
                let due = next.map_or(begun.get() == count, |next| now >= next && tasks.len() == count);
                if due {
                    look(events.get())?;
                    next = Some(now + window);
                }
            }
        }
    }
    let found = Streams {
        events: events.get(),
        failed,
        time: start.elapsed(),
    };
    Ok((found, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block in which the host was busy elsewhere weighs no more than any other.
    #[test]
    fn one_bad_block_does_not_count() {
        let direct = Blocks {
            first: vec![0.02, 0.02, 0.03, 0.02],
            whole: vec![0.03; 4],
        };
        let ours = Blocks {
            first: vec![0.12, 9.0, 0.13, 0.12],
            whole: vec![0.15; 4],
        };
        let close = |value: f64, wanted: f64| (value - wanted).abs() < 1e-9;
        assert!(close(median(ours.added_first(&direct)), 0.1));
        assert!(close(median(ours.added_whole(&direct)), 0.12));
    }
}
