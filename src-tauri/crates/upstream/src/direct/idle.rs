//! Connections of one host that wait for the next request.
//!
//! Nobody reads from them meanwhile: whether the other side has closed one is asked when it is taken, and now and then by a task
//! that lives as long as there are any.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{net::TcpStream, time::Instant};

use crate::clients::IDLE_LIMIT;

/// More than one person's programs keep busy at once; the oldest goes first.
const MOST: usize = 256;
/// How often closed and forgotten ones are let go.
const ROUND: Duration = Duration::from_secs(30);

/// The idle connections of one host.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Oldest first.
    streams: VecDeque<(Instant, TcpStream)>,
    swept: bool,
}

impl Idle {
    /// The connection used last, if one is still open.
    pub fn take(&self) -> Option<TcpStream> {
        let mut waiting = self.lock();
        while let Some((since, stream)) = waiting.streams.pop_back() {
            if since.elapsed() < IDLE_LIMIT && is_open(&stream) {
                return Some(stream);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    pub fn put(self: Arc<Self>, stream: TcpStream) {
        let mut waiting = self.lock();
        waiting.streams.push_back((Instant::now(), stream));
        if waiting.streams.len() > MOST {
            waiting.streams.pop_front();
        }
        if !waiting.swept {
            waiting.swept = true;
            tokio::spawn(sweep(Arc::downgrade(&self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing to read and not closed. An answer nobody asked for makes a connection useless as well.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

async fn sweep(idle: Weak<Idle>) {
    loop {
        tokio::time::sleep(ROUND).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut waiting = idle.lock();
        waiting
            .streams
            .retain(|(since, stream)| since.elapsed() < IDLE_LIMIT && is_open(stream));
        if waiting.streams.is_empty() {
            waiting.swept = false;
            return;
        }
    }
}
