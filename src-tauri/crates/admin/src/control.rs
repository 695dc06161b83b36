//! The control socket of a running instance: the admin API for commands of the same user on the same machine (F138). A Unix socket in a
//! private folder, or a named pipe on Windows; no network, no token: whoever may open it is the user.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::response::IntoResponse;
use engine::Engine;
use tower::{ServiceExt, service_fn};

use crate::local;
use crate::serve::serve;

/// Opens the control socket at once, so that whoever reads the published address can connect, and gives the future that serves it until
/// it is dropped. Call within a runtime.
///
/// # Errors
/// When the socket cannot be made; the gateway itself is not affected.
pub fn open(engine: Arc<Engine>) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let path = engine.control_socket();
    engine
        .home()
        .prepare_control_socket(&path)
        .map_err(std::io::Error::other)?;
    let listener = platform::bind(&path)?;
    let removed_at_the_end = Remove(path);
    Ok(async move {
        let _removed_at_the_end = removed_at_the_end;
        serve(listener, when_asked(engine)).await;
    })
}

/// [`local::router`], built for the first command: most runs never get one, and its table costs milliseconds.
fn when_asked(engine: Arc<Engine>) -> axum::Router {
    let router = Arc::new(OnceLock::new());
    axum::Router::new().fallback_service(service_fn(move |request: Request| {
        let built = router.get_or_init(|| local::router(engine.clone())).clone();
        async move { Ok::<_, Infallible>(built.oneshot(request).await.into_response()) }
    }))
}

struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        // On Windows there is no file; a leftover is replaced at the next start anyway.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use tokio::net::UnixListener;

    pub(super) fn bind(path: &Path) -> std::io::Result<UnixListener> {
        let listener = UnixListener::bind(path)?;
        // The folder is private already; this is the second lock.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }
}

#[cfg(windows)]
mod platform {
    use std::ffi::OsString;
    use std::path::Path;

    use axum::serve::Listener;
    use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

    /// Hands out one pipe instance after the other.
    pub(super) struct Pipe {
        name: OsString,
        next: Option<NamedPipeServer>,
    }

    pub(super) fn bind(path: &Path) -> std::io::Result<Pipe> {
        let name = path.as_os_str().to_owned();
        let first = ServerOptions::new()
            .first_pipe_instance(true)
            .reject_remote_clients(true)
            .create(&name)?;
        Ok(Pipe {
            name,
            next: Some(first),
        })
    }

    impl Listener for Pipe {
        type Io = NamedPipeServer;
        type Addr = ();

        async fn accept(&mut self) -> (NamedPipeServer, ()) {
            loop {
                let server = match self.next.take() {
                    Some(server) => Ok(server),
                    None => ServerOptions::new()
                        .reject_remote_clients(true)
                        .create(&self.name),
                };
                if let Ok(server) = server
                    && server.connect().await.is_ok()
                {
                    self.next = ServerOptions::new()
                        .reject_remote_clients(true)
                        .create(&self.name)
                        .ok();
                    return (server, ());
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }

        fn local_addr(&self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
