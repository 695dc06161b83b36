//! HTTP/2 where it is offered (ALPN): one connection for many requests.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{Authority, chat, relay, send, text, upstream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use upstream::{Call, Config, Endpoint};

/// An https server that speaks what ALPN agreed on; it echoes the body's length and counts connections.
async fn serve(authority: &Authority) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, acceptor) = (
        connections.clone(),
        TlsAcceptor::from(authority.server.clone()),
    );
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let socket = acceptor.accept(socket).await?;
                let echo = hyper::service::service_fn(
                    |request: http::Request<hyper::body::Incoming>| async move {
                        let version = request.version();
                        let length = request.into_body().collect().await?.to_bytes().len();
                        let body = Full::new(Bytes::from(format!("{version:?} {length}")));
                        Ok::<_, hyper::Error>(http::Response::new(body))
                    },
                );
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                server.serve_connection(TokioIo::new(socket), echo).await
            });
        }
    });
    (at, connections)
}

fn trusting(authority: &Authority) -> Config {
    Config {
        extra_ca: Some(authority.pem.path().into()),
        ..Config::default()
    }
}

#[tokio::test]
async fn alpn_chooses_http2_and_requests_share_a_connection() {
    for (alpn, version) in [
        (&[b"h2".as_slice(), b"http/1.1"][..], "HTTP/2.0"),
        (&[b"http/1.1"], "HTTP/1.1"),
    ] {
        let authority = Authority::new(&["localhost"], alpn);
        let (at, connections) = serve(&authority).await;
        let (upstream, target) = (
            upstream(trusting(&authority)),
            relay(&format!("https://localhost:{}", at.port())),
        );
        let first = send(&upstream, &target, chat("{\"a\":1}")).await.unwrap();
        assert_eq!(text(first).await, format!("{version} 7"));
        // A body of several slices keeps its length on both versions.
        let large: Vec<_> = (0..40).map(|_| Bytes::from(vec![b'x'; 50_000])).collect();
        let call = Call::json(Endpoint::Responses, large, true);
        let answer = send(&upstream, &target, call).await.unwrap();
        assert_eq!(text(answer).await, format!("{version} 2000000"));
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{version}");
        if version == "HTTP/2.0" {
            let many = join_all((0..20).map(|_| send(&upstream, &target, chat("{}")))).await;
            assert!(many.iter().all(Result::is_ok));
            assert_eq!(connections.load(Ordering::SeqCst), 1);
        }
    }
}

#[tokio::test]
async fn f122_idle_connections_can_be_dropped_at_once() {
    let authority = Authority::new(&["localhost"], &[b"h2"]);
    let (at, connections) = serve(&authority).await;
    let (upstream, target) = (
        upstream(trusting(&authority)),
        relay(&format!("https://localhost:{}", at.port())),
    );
    for expected in [1, 1] {
        text(send(&upstream, &target, chat("{}")).await.unwrap()).await;
        assert_eq!(connections.load(Ordering::SeqCst), expected);
    }
    upstream.drop_connections().unwrap();
    text(send(&upstream, &target, chat("{}")).await.unwrap()).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
