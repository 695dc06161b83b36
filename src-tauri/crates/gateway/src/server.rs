//! The listener: accepts connections, hands each request to the surface, and drains at the end.
//!
//! hyper directly rather than a router: the table of paths is short and fixed, and this is the hottest road of the program.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::{Gateway, surface};

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
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let connections = TaskTracker::new();
    let accepting = connections.spawn(accept(gateway, listener, stopped, connections.clone()));
    Ok(Server {
        address,
        stop,
        accepting: Some(accepting),
        connections,
    })
}

async fn accept(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    connections: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // A dropped `Server` ends the wait as well.
            () = stop_asked(&mut stopped) => return,
        };
        match accepted {
            Ok((stream, _peer)) => {
                // Small frames of a stream must not wait for each other.
                let _ = stream.set_nodelay(true);
                connections.spawn(converse(gateway.clone(), stream, stopped.clone()));
            }
            Err(error) => {
                // Out of file descriptors, usually: waiting lets some close. Nothing is lost, the backlog holds.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(gateway: Arc<Gateway>, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let gateway = gateway.clone();
        // On the heap: hyper keeps room for this future as long as the connection lives, streams included.
        let answer = Box::pin(surface::handle(gateway, request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
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
