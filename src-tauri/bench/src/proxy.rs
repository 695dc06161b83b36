//! A bare hyper pass-through proxy: the floor of what a gateway in this language can cost. Not a gateway.
//!
//! Started by the bench as `switchyard-bench proxy`.

use anyhow::Result;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// Serves on `port`, passing everything on to `upstream`, until it is ended.
///
/// # Errors
/// When the port is taken.
pub async fn serve(port: u16, upstream: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(512)
        .build(connector);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let client = client.clone();
        tokio::task::spawn_local(async move {
            let serve = service_fn(|request| pass(&client, upstream, request));
            let mut builder = hyper::server::conn::http1::Builder::new();
            // A connection that breaks is the client's affair.
            let _ = builder
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), serve)
                .await;
        });
    }
}

async fn pass(
    client: &Client<HttpConnector, Incoming>,
    upstream: u16,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://127.0.0.1:{upstream}{path}").parse::<Uri>()?;
    request.headers_mut().remove(HOST);
    Ok(client.request(request).await?)
}
