//! The gateway's listener as the engine holds it: bound, published for others, moved to another address, drained at the end.
//!
//! Not the listener itself (the gateway's). A move loses no stream: the old listener stops accepting and lets what runs end by itself (F127).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::{Gateway, Server};
use tokio::net::TcpListener;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::home::Instance;
use crate::settings;

/// How many ports after the configured one are tried when it is busy (F127).
const PORTS_TRIED: u16 = 20;

/// How long streams of an address that was left are waited for (F127).
const OLD_LISTENER: Duration = Duration::from_secs(30);

/// The listener in use.
pub(crate) struct Listening {
    server: Mutex<Option<Server>>,
    address: Mutex<Option<SocketAddr>>,
    /// One move at a time.
    moving: tokio::sync::Mutex<()>,
}

impl Listening {
    pub(crate) fn new(server: Option<Server>) -> Self {
        Self {
            address: Mutex::new(server.as_ref().map(Server::address)),
            server: Mutex::new(server),
            moving: tokio::sync::Mutex::default(),
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Server> {
        self.server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn put(&self, server: Server) -> SocketAddr {
        let address = server.address();
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        address
    }
}

impl Engine {
    /// Serves on the configured address, or on the next free port after it (F127), and tells others where. An address that is served
    /// already, since [`crate::Opening::listen`], is only told.
    ///
    /// # Errors
    /// [`EngineError::Listen`] when none of the ports can be bound.
    pub async fn listen(&self) -> Result<SocketAddr, EngineError> {
        let _one_at_a_time = self.listening.moving.lock().await;
        let address = match self.listening.address() {
            Some(address) => address,
            None => {
                let resolved = self.settings.current();
                let server = serve(self.gateway.clone(), &resolved.settings.server).await?;
                self.listening.put(server)
            }
        };
        self.publish()?;
        self.tell_port(address);
        Ok(address)
    }

    /// Tells when clients have to use another port than the one wanted (F127).
    fn tell_port(&self, address: SocketAddr) {
        let wanted = u16::try_from(self.settings.current().settings.server.port).unwrap_or(0);
        if wanted != 0 && wanted != address.port() {
            self.journal.stirred.port(wanted, address.port());
        }
    }

    /// Follows `server.host` and `server.port` to another address; running streams go on (F127). Nothing happens where nothing listens.
    ///
    /// # Errors
    /// [`EngineError::Listen`]: the old address is served again then.
    pub(crate) async fn rebind(&self) -> Result<(), EngineError> {
        let _one_at_a_time = self.listening.moving.lock().await;
        let Some(mut old) = self.listening.take() else {
            return Ok(());
        };
        let before = old.address();
        let resolved = self.settings.current();
        let wanted = &resolved.settings.server;
        // The same port on another address is free only when the old listener is gone.
        let same_port = u64::from(before.port()) == wanted.port;
        if same_port {
            old.close().await;
        }
        let (server, moved) = match serve(self.gateway.clone(), wanted).await {
            Ok(server) => (server, Ok(())),
            Err(error) if !same_port => {
                self.listening.put(old);
                return Err(error);
            }
            Err(error) => {
                let listener = TcpListener::bind(before).await;
                let again = listener
                    .and_then(|listener| gateway::serve(self.gateway.clone(), listener))
                    .map_err(|source| EngineError::Listen {
                        address: before.to_string(),
                        source,
                    })?;
                (again, Err(error))
            }
        };
        let address = self.listening.put(server);
        // To its end, so that the end of the program waits for these streams too.
        self.tasks.finish(async move {
            old.drain(OLD_LISTENER).await;
        });
        moved?;
        tracing::warn!(%before, now = %address, "the gateway's address has changed; clients must use the new one");
        self.publish()?;
        self.tell_port(address);
        self.announce();
        Ok(())
    }

    /// Tells others how to reach this instance.
    fn publish(&self) -> Result<(), EngineError> {
        Ok(self.home.publish(&Instance {
            pid: std::process::id(),
            url: self.base_url(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            control: self.control_socket(),
        })?)
    }

    /// The gateway's address for clients, without a path. Before [`Engine::listen`] the configured one.
    pub fn base_url(&self) -> String {
        match self.address() {
            // "Every address" is no address a client could use.
            Some(address) if address.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", address.port())
            }
            Some(address) => format!("http://{address}"),
            None => {
                let resolved = self.settings.current();
                let (host, port) = (
                    &resolved.settings.server.host,
                    resolved.settings.server.port,
                );
                match host.parse() {
                    Ok(std::net::IpAddr::V6(host)) => format!("http://[{host}]:{port}"),
                    _ => format!("http://{host}:{port}"),
                }
            }
        }
    }

    /// The address that is served, once it is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listening.address()
    }

    /// Stops accepting, lets streams end for at most `patience`, writes the journal, and lets go of the home.
    pub async fn shutdown(&self, patience: Duration) {
        // First, so that no command is sent to an instance that is going away.
        self.home.withdraw();
        if let Some(server) = self.listening.take() {
            let cut = server.drain(patience).await;
            if cut > 0 {
                tracing::warn!(cut, "connections were cut at the end");
            }
        }
        if !self.upstream.settle(Duration::from_secs(10)).await {
            tracing::warn!("a token refresh was still under way at the end");
        }
        self.tasks.end(Duration::from_secs(10)).await;
        self.note_what_waits().await;
        self.keep_turns().await;
        self.flush();
    }
}

/// Binds what the settings say and serves there.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    wanted: &settings::Server,
) -> Result<Server, EngineError> {
    let listener = bind(&wanted.host, u16::try_from(wanted.port).unwrap_or(0)).await?;
    gateway::serve(gateway, listener).map_err(|source| EngineError::Listen {
        address: wanted.host.clone(),
        source,
    })
}

/// Binds `port`, or the next free one of the following ports.
async fn bind(host: &str, port: u16) -> Result<TcpListener, EngineError> {
    let mut first: Option<std::io::Error> = None;
    let last = if port == 0 {
        0
    } else {
        port.saturating_add(PORTS_TRIED)
    };
    for candidate in port..=last {
        match TcpListener::bind((host, candidate)).await {
            Ok(listener) => {
                if first.is_some() {
                    tracing::warn!(
                        wanted = port,
                        port = candidate,
                        "the port is busy; clients must use the other one"
                    );
                }
                return Ok(listener);
            }
            Err(error) => {
                let busy = error.kind() == std::io::ErrorKind::AddrInUse;
                first.get_or_insert(error);
                if !busy {
                    break;
                }
            }
        }
    }
    let source = first.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(EngineError::Listen {
        address: format!("{host}:{port}"),
        source,
    })
}
