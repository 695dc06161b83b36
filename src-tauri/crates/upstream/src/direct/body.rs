//! The body of a direct answer, read by whoever polls it, and the connection's way back to the idle ones.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::TcpStream,
};

use super::{
    framing::{BrokenFraming, Framing},
    idle::Idle,
};

/// Bytes taken in by one read.
const READ: usize = 64 << 10;

thread_local! {
    /// One buffer for all reads of a thread: an open stream keeps none of its own.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// One read of what is there, handed to `take`; 0 is the end of the connection.
pub(super) fn poll_read(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
        let read = buffer.filled();
        take(read);
        Poll::Ready(Ok(read.len()))
    })
}

/// An answer's body as it arrives. Dropping it before its end closes the connection.
pub(crate) struct DirectBody {
    /// `None` once the body is over.
    stream: Option<TcpStream>,
    framing: Framing,
    /// Content that came with the head.
    first: Bytes,
    /// Where the connection goes afterwards; `None` when it cannot be used again.
    home: Option<Arc<Idle>>,
}

impl DirectBody {
    pub(super) fn new(
        stream: TcpStream,
        framing: Framing,
        received: &[u8],
        home: Option<Arc<Idle>>,
    ) -> Result<Self, BrokenFraming> {
        let mut body = Self {
            stream: Some(stream),
            framing,
            first: Bytes::new(),
            home,
        };
        let (content, used) = body.framing.decode(received)?;
        body.first = content;
        body.let_go_when_over(used == received.len());
        Ok(body)
    }

    /// Gives the connection back when the body is over. `exact` tells that nothing followed it: whoever sends more than was asked
    /// for cannot be trusted with another request.
    fn let_go_when_over(&mut self, exact: bool) {
        if !self.framing.is_over() {
            return;
        }
        if let (Some(stream), Some(home), true) = (self.stream.take(), self.home.take(), exact) {
            home.put(stream);
        }
    }

    /// The next content; `None` is the end. Everything one read brought is one piece.
    pub fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        while let Some(stream) = &mut self.stream {
            let framing = &mut self.framing;
            let mut decoded = Ok((Bytes::new(), 0));
            let read = ready!(poll_read(stream, cx, |read| decoded = framing.decode(read)));
            let failure = match (read, decoded) {
                (Ok(0), _) if framing.may_end_here() => {
                    self.stream = None;
                    break;
                }
                (Ok(0), _) => io::ErrorKind::UnexpectedEof.into(),
                (Ok(read), Ok((content, used))) => {
                    self.let_go_when_over(used == read);
                    if content.is_empty() {
                        continue;
                    }
                    return Poll::Ready(Some(Ok(content)));
                }
                (Ok(_), Err(broken)) => io::Error::new(io::ErrorKind::InvalidData, broken),
                (Err(error), _) => error,
            };
            self.stream = None;
            return Poll::Ready(Some(Err(failure)));
        }
        Poll::Ready(None)
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.stream.is_none() && self.first.is_empty()
    }

    /// Bytes still to come, where the head told.
    pub fn left(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left + self.first.len() as u64),
            _ => None,
        }
    }
}
