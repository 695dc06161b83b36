//! The listener: accepts connections, hands each request to the surface, and drains at the end.
//!
//! hyper directly rather than a router: the table of paths is short and fixed, and this is the hottest road of the program.
//! Connections are bounded in number, and in the time they take to say what they want.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::body::ClientBody;
use crate::{Gateway, surface};

/// Connections at one time. More than any set of clients of one person opens, and few enough that one that leaks them cannot take all
/// memory.
pub const MOST_CONNECTIONS: usize = 8192;

/// Connections being told at one time that there are too many; above it they are closed without a word.
const MOST_REFUSALS: usize = 64;

/// How long a client may take for a request's head. An open connection without a request counts as well, so it is longer than clients
/// keep theirs for later (90 s is the longest seen): closing one that is just being used would cost its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);

/// A running listener. Dropping it stops accepting at once and lets running requests end by themselves.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: Option<JoinHandle<()>>,
    connections: TaskTracker,
}

impl Server {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting; the address is free when this returns. Running requests go on, and their connections close behind them.
    pub async fn close(&mut self) {
        self.stop.send_replace(true);
        if let Some(accepting) = self.accepting.take() {
            // It ends by itself; had it panicked, the listener would be gone as well.
            let _ = accepting.await;
        }
    }

    /// Stops accepting, lets running requests end for at most `patience`, then cuts them. Returns how many were cut (F137).
    pub async fn drain(self, patience: Duration) -> usize {
        self.stop.send_replace(true);
        self.connections.close();
        if tokio::time::timeout(patience, self.connections.wait())
            .await
            .is_ok()
        {
            0
        } else {
            self.connections.len()
        }
    }
}

/// Serves `gateway` on `listener` in the background of the current runtime.
///
/// # Errors
/// When the listener has no local address.
pub fn serve(gateway: Arc<Gateway>, listener: TcpListener) -> std::io::Result<Server> {
    serve_at_most(MOST_CONNECTIONS, gateway, listener)
}

/// [`serve`] with another bound on connections than [`MOST_CONNECTIONS`]. One that comes above it is answered 503 and closed.
///
/// # Errors
/// As [`serve`].
pub fn serve_at_most(
    most: usize,
    gateway: Arc<Gateway>,
    listener: TcpListener,
) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let connections = TaskTracker::new();
    let accepting = Accepting {
        gateway,
        connections: connections.clone(),
        places: Arc::new(Semaphore::new(most)),
        refusals: Arc::new(Semaphore::new(MOST_REFUSALS)),
    };
    let accepting = connections.spawn(accepting.run(listener, stopped));
    Ok(Server {
        address,
        stop,
        accepting: Some(accepting),
        connections,
    })
}

/// What every new connection gets.
struct Accepting {
    gateway: Arc<Gateway>,
    connections: TaskTracker,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Accepting {
    async fn run(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // A dropped `Server` ends the wait as well.
                () = stop_asked(&mut stopped) => return,
            };
            match accepted {
                Ok((stream, _peer)) => self.receive(stream, &stopped),
                Err(error) => {
                    // Out of file descriptors, usually: waiting lets some close. Nothing is lost, the backlog holds.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn receive(&self, stream: TcpStream, stopped: &watch::Receiver<bool>) {
        // Small frames of a stream must not wait for each other.
        let _ = stream.set_nodelay(true);
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            let conversation = converse(self.gateway.clone(), stream, stopped.clone(), place);
            self.connections.spawn(conversation);
        } else if let Ok(refusal) = self.refusals.clone().try_acquire_owned() {
            tracing::warn!("too many connections at one time; one is turned away");
            self.connections.spawn(turn_away(stream, refusal));
        }
    }
}

/// Tells a connection above the bound why it is closed, and lets what the client is sending pass, or it would see a reset instead.
async fn turn_away(mut stream: TcpStream, _refusal: OwnedSemaphorePermit) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let body = r#"{"error":{"message":"Too many connections to the gateway at one time. Close some, or try again.","type":"gateway_error","code":"too_many_connections","param":null}}"#;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let telling = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // A client that is gone needs no answer.
    let _ = tokio::time::timeout(PATIENCE, telling).await;
}

async fn converse(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    mut stopped: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let gateway = gateway.clone();
        // On the heap: hyper keeps room for this future as long as the connection lives, streams included.
        let answer = Box::pin(surface::handle(gateway, request.map(ClientBody::Wire)));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // An error is the client going away; its request has been journalled as cancelled.
        _ = connection.as_mut() => return,
        () = stop_asked(&mut stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Resolves when the listener is told to stop, or is dropped.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
