//! The loop that serves a router on a listener: HTTP/1.1 alone, since every caller is a browser or a command on this machine. (The
//! framework's own loop carries an HTTP/2 server with it.)

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt as _;

/// Serves until dropped; calls that are being answered then are still answered while the runtime lives.
pub(crate) async fn serve<L: Listener>(mut listener: L, router: Router) {
    loop {
        // Tries again by itself when a connection cannot be accepted.
        let (stream, _) = listener.accept().await;
        let service = router
            .clone()
            .map_request(|request: Request<_>| request.map(Body::new));
        tokio::spawn(async move {
            let served = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a caller of the admin API has gone");
            }
        });
    }
}
