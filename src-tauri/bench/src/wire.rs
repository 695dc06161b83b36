//! A client connection that speaks just enough HTTP/1.1: one request after the other, answers read as they come.
//!
//! Not a general client: it trusts its peer to be a mock or a proxy on loopback. Used by every load.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// No read of an answer waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A chunked body being read: the state between two reads.
#[derive(Debug, Default)]
pub struct Chunks {
    left: usize,
    /// Line ends still to skip after a chunk.
    gap: usize,
}

impl Chunks {
    /// Takes what it can from `input`, hands payloads on, and says how much was used and whether the body is over.
    ///
    /// # Errors
    /// When a chunk size is no number.
    pub fn feed(&mut self, input: &[u8], mut payload: impl FnMut(&[u8])) -> Result<(usize, bool)> {
        let mut at = 0;
        loop {
            let skip = self.gap.min(input.len() - at);
            at += skip;
            self.gap -= skip;
            if self.left > 0 {
                let here = self.left.min(input.len() - at);
                payload(&input[at..at + here]);
                at += here;
                self.left -= here;
                if self.left > 0 {
                    return Ok((at, false));
                }
                self.gap = 2;
                continue;
            }
            if self.gap > 0 {
                return Ok((at, false));
            }
            let Some(end) = memchr::memchr(b'\n', &input[at..]) else {
                return Ok((at, false));
            };
            let line = &input[at..at + end];
            let digits = line
                .split(|b| *b == b';' || *b == b'\r')
                .next()
                .unwrap_or_default();
            let size = std::str::from_utf8(digits)
                .ok()
                .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
            let size = size.context("a chunk without a size")?;
            if size == 0 {
                // Trailers are never sent here, so the end is one empty line.
                if input.len() < at + end + 3 {
                    return Ok((at, false));
                }
                return Ok((at + end + 3, true));
            }
            at += end + 1;
            self.left = size;
        }
    }
}

/// Counts a word over pieces of a text.
pub struct Counter {
    finder: memchr::memmem::Finder<'static>,
    tail: Vec<u8>,
    /// So many so far.
    pub count: u64,
}

impl Counter {
    /// Counts `word`.
    pub fn new(word: &'static str) -> Self {
        Self {
            finder: memchr::memmem::Finder::new(word),
            tail: Vec::new(),
            count: 0,
        }
    }

    /// Looks through the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let keep = self.finder.needle().len() - 1;
        if !self.tail.is_empty() {
            // A word across the border lies within the last and the first few bytes.
            let mut border = std::mem::take(&mut self.tail);
            border.extend_from_slice(&piece[..piece.len().min(keep)]);
            self.count += self.finder.find_iter(&border).count() as u64;
            if piece.len() < keep {
                border.drain(..border.len().saturating_sub(keep));
                self.tail = border;
                return;
            }
        }
        self.count += self.finder.find_iter(piece).count() as u64;
        self.tail = piece[piece.len().saturating_sub(keep)..].to_vec();
    }
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// From the request's first byte to the first byte of the answer's body.
    pub first: Duration,
    /// From the request's first byte to the answer's last.
    pub whole: Duration,
}

/// How long the body is.
enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Connects on loopback.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(16 * 1024),
        })
    }

    /// Sends one rendered request and reads its answer to the end, handing every piece of the body on.
    ///
    /// # Errors
    /// When the connection breaks, stays silent for too long, or what comes is not HTTP.
    pub async fn ask(&mut self, request: &[Bytes], mut body: impl FnMut(&[u8])) -> Result<Answer> {
        let start = Instant::now();
        for part in request {
            self.stream.write_all(part).await?;
        }
        let head = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                if head.starts_with(b"HTTP/1.1 100") {
                    continue;
                }
                break head;
            }
            ensure!(
                self.read().await? > 0,
                "the connection closed before an answer"
            );
        };
        let (status, length) = read_head(&head)?;
        let mut first = None;
        let mut piece = |bytes: &[u8]| {
            if !bytes.is_empty() {
                first.get_or_insert_with(|| start.elapsed());
                body(bytes);
            }
        };
        match length {
            Length::Known(mut left) => loop {
                let here = left.min(self.buffer.len());
                piece(&self.buffer[..here]);
                self.buffer.advance(here);
                left -= here;
                if left == 0 {
                    break;
                }
                ensure!(self.read().await? > 0, "the answer broke off");
            },
            Length::Chunked => {
                let mut chunks = Chunks::default();
                loop {
                    let (used, over) = chunks.feed(&self.buffer, &mut piece)?;
                    self.buffer.advance(used);
                    if over {
                        break;
                    }
                    ensure!(self.read().await? > 0, "the answer broke off");
                }
            }
            Length::UntilClose => loop {
                piece(&self.buffer);
                self.buffer.clear();
                if self.read().await? == 0 {
                    break;
                }
            },
        }
        let whole = start.elapsed();
        Ok(Answer {
            status,
            first: first.unwrap_or(whole),
            whole,
        })
    }

    async fn read(&mut self) -> Result<usize> {
        // Small answers stay small in memory; a flood is read in large pieces.
        if self.buffer.capacity() - self.buffer.len() < 4 * 1024 {
            self.buffer.reserve(128 * 1024);
        }
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        Ok(read.context("silent for 30 s")??)
    }
}

fn read_head(head: &[u8]) -> Result<(u16, Length)> {
    let text = std::str::from_utf8(head).context("a head that is not text")?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok());
    let Some(status) = status else {
        bail!("an answer that is not HTTP")
    };
    let mut length = Length::UntilClose;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(
                value
                    .trim()
                    .parse()
                    .context("a content-length that is no number")?,
            );
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        }
    }
    Ok((status, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any split of a chunked body gives the same payload and the same count.
    #[test]
    fn chunks_at_any_split() {
        let input = b"5\r\n tick\r\n1e;x=y\r\n tick tick tick tick tick tick\r\n1\r\n \r\n4\r\ntick\r\n0\r\n\r\nREST";
        for first in 0..input.len() {
            for second in first..input.len() {
                let (mut chunks, mut text, mut counter) =
                    (Chunks::default(), Vec::new(), Counter::new(" tick"));
                let mut buffer = Vec::new();
                let mut ended = false;
                for piece in [&input[..first], &input[first..second], &input[second..]] {
                    if ended {
                        break;
                    }
                    buffer.extend_from_slice(piece);
                    let (used, over) = chunks
                        .feed(&buffer, |p| {
                            text.extend_from_slice(p);
                            counter.feed(p);
                        })
                        .unwrap();
                    buffer.drain(..used);
                    ended = over;
                }
                assert!(ended, "{first} {second}");
                assert_eq!((text.len(), counter.count), (40, 8), "{first} {second}");
            }
        }
    }
}
