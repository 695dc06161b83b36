//! The mock upstream: a process of its own that reads requests and writes rendered answers with as little work as possible.
//!
//! Started by the bench as `switchyard-bench mock`; prints its port and ends when its standard input does. What it answers to
//! generation requests is set for all of them at once through `POST /mock/mode`.

use crate::answers::{Answers, Dialect, side};
use anyhow::{Context as _, Result};
use bytes::{Buf as _, BytesMut};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Between opening and end of [`Mode::Split`]: several times what a proxy needs to pass the opening on.
const SPLIT: Duration = Duration::from_micros(250);

/// How generation requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One JSON document.
    Whole,
    /// Twenty text deltas at once, each event a chunk of its own.
    Streamed,
    /// Twenty text deltas at once, all events in one chunk.
    Joined,
    /// The opening with the first delta, then the end as soon as everybody has had time to pass the opening on.
    Split,
    /// The opening with the first delta, then one more delta each time.
    Paced {
        /// Deltas in all.
        deltas: u32,
        /// Milliseconds between them.
        every_ms: u32,
    },
    /// Deltas as fast as the socket takes them.
    Flood {
        /// For so many milliseconds.
        for_ms: u32,
    },
}

impl Mode {
    /// The path that sets this mode.
    pub fn path(self) -> String {
        match self {
            Mode::Whole => "/mock/mode/whole".into(),
            Mode::Streamed => "/mock/mode/streamed".into(),
            Mode::Joined => "/mock/mode/joined".into(),
            Mode::Split => "/mock/mode/split".into(),
            Mode::Paced { deltas, every_ms } => format!("/mock/mode/paced/{deltas}/{every_ms}"),
            Mode::Flood { for_ms } => format!("/mock/mode/flood/{for_ms}"),
        }
    }

    fn from_path(path: &str) -> Option<Self> {
        let mut words = path.strip_prefix("/mock/mode/")?.split('/');
        let kind = words.next()?;
        let mut number = || words.next().and_then(|word| word.parse().ok());
        Some(match kind {
            "whole" => Mode::Whole,
            "streamed" => Mode::Streamed,
            "joined" => Mode::Joined,
            "split" => Mode::Split,
            "paced" => Mode::Paced {
                deltas: number()?,
                every_ms: number()?,
            },
            "flood" => Mode::Flood { for_ms: number()? },
            _ => return None,
        })
    }
}

struct Mock {
    mode: Cell<Mode>,
    chat: Answers,
    responses: Answers,
    messages: Answers,
    gemini: Answers,
}

/// Serves until standard input ends.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("the mock found no free port on loopback")?;
    let mut stdout = tokio::io::stdout();
    stdout
        .write_all(format!("{}\n", listener.local_addr()?.port()).as_bytes())
        .await?;
    stdout.flush().await?;
    let mock = Rc::new(Mock {
        mode: Cell::new(Mode::Whole),
        chat: Answers::render(Dialect::Chat),
        responses: Answers::render(Dialect::Responses),
        messages: Answers::render(Dialect::Messages),
        gemini: Answers::render(Dialect::Gemini),
    });
    let accept = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let mock = Rc::clone(&mock);
            // A connection that breaks is the client's affair.
            tokio::task::spawn_local(async move { drop(mock.converse(stream).await) });
        }
    };
    let mut ends = [0; 64];
    let parent_gone = async {
        let mut stdin = tokio::io::stdin();
        while stdin.read(&mut ends).await.is_ok_and(|n| n > 0) {}
    };
    tokio::select! { () = accept => {}, () = parent_gone => {} }
    Ok(())
}

/// What the head of a request says.
struct Asked {
    path: String,
    length: Option<usize>,
    goes_on: bool,
}

impl Mock {
    async fn converse(&self, mut stream: TcpStream) -> Result<()> {
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        loop {
            let head = loop {
                if let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                    break buffer.split_to(end + 4);
                }
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            };
            let asked = read_head(&head);
            if asked.goes_on {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            }
            skip_body(&mut stream, &mut buffer, asked.length).await?;
            self.answer(&mut stream, &asked.path).await?;
        }
    }

    async fn answer(&self, stream: &mut TcpStream, path: &str) -> Result<()> {
        let answers = match path {
            "/v1/chat/completions" => &self.chat,
            "/v1/responses" | "/backend-api/codex/responses" => &self.responses,
            "/v1/messages" => &self.messages,
            path if path.contains("enerateContent") => &self.gemini,
            _ => return self.answer_aside(stream, path).await,
        };
        match self.mode.get() {
            Mode::Whole if path.starts_with("/backend-api") => {
                stream.write_all(&answers.streamed).await?
            }
            Mode::Whole => stream.write_all(&answers.whole).await?,
            Mode::Streamed => stream.write_all(&answers.streamed).await?,
            Mode::Joined => stream.write_all(&answers.joined).await?,
            Mode::Split => {
                stream.write_all(&answers.opening).await?;
                // Not a sleep: a timer is a millisecond long, in which CPUs halt; to be woken would be most of what is measured then.
                // The load client, on this CPU, has it whenever it can run.
                let end = Instant::now() + SPLIT;
                while Instant::now() < end {
                    std::thread::yield_now();
                }
                stream.write_all(&answers.closing).await?;
            }
            Mode::Paced { deltas, every_ms } => {
                stream.write_all(&answers.opening).await?;
                let every = Duration::from_millis(every_ms.into());
                let mut next = Instant::now();
                for _ in 1..deltas {
                    next += every;
                    tokio::time::sleep_until(next).await;
                    stream.write_all(&answers.delta).await?;
                }
                stream.write_all(&answers.closing).await?;
            }
            Mode::Flood { for_ms } => {
                stream.write_all(&answers.opening).await?;
                let end = Instant::now() + Duration::from_millis(for_ms.into());
                while Instant::now() < end {
                    stream.write_all(&answers.block).await?;
                }
                stream.write_all(&answers.closing).await?;
            }
        }
        Ok(())
    }

    async fn answer_aside(&self, stream: &mut TcpStream, path: &str) -> Result<()> {
        let (status, body) = match (Mode::from_path(path), side(path)) {
            (Some(mode), _) => {
                self.mode.set(mode);
                ("200 OK", "{}".to_owned())
            }
            (None, Some(value)) => ("200 OK", value.to_string()),
            (None, None) => (
                "404 Not Found",
                "{\"error\":{\"message\":\"no such path in the mock\"}}".to_owned(),
            ),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(())
    }
}

fn read_head(head: &[u8]) -> Asked {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let target = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or("/");
    let mut asked = Asked {
        path: target.split('?').next().unwrap_or("/").to_owned(),
        length: Some(0),
        goes_on: false,
    };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            asked.length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            asked.length = None;
        } else if name.eq_ignore_ascii_case("expect") {
            asked.goes_on = true;
        }
    }
    asked
}

/// Reads the body and forgets it; `None` is a chunked one.
async fn skip_body(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    length: Option<usize>,
) -> Result<()> {
    if let Some(mut left) = length {
        loop {
            let here = left.min(buffer.len());
            buffer.advance(here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            buffer.reserve(left.min(256 * 1024));
            anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the request broke off");
        }
    }
    let mut chunks = crate::wire::Chunks::default();
    loop {
        let (used, over) = chunks.feed(buffer, |_| {})?;
        buffer.advance(used);
        if over {
            return Ok(());
        }
        buffer.reserve(64 * 1024);
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the request broke off");
    }
}
