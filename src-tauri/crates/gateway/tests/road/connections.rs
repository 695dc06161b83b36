//! Connections of clients: how many at one time, and how long they may take to say what they want.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::clock::Hand;
use crate::stage::Stage;

async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let stage = Stage::at_most(2).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(stage.address()).await.unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        kept.push(stream);
    }
    let mut third = TcpStream::connect(stage.address()).await.unwrap();
    let told = rest(&mut third).await;
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    let (_, body) = told.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "too_many_connections");
    // A closed one makes room.
    drop(kept.pop());
    loop {
        let mut next = TcpStream::connect(stage.address()).await.unwrap();
        let ask = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        next.write_all(ask).await.unwrap();
        if rest(&mut next).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let stage = Stage::set().await;
    let mut slow = TcpStream::connect(stage.address()).await.unwrap();
    slow.write_all(b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
        .await
        .unwrap();
    // A whole exchange on another connection: by then the slow one has been accepted and read.
    assert_eq!(stage.get("/v1/models").await.status, 200);
    let hand = Hand::take();
    hand.forward(Duration::from_secs(121)).await;
    let mut end = [0; 64];
    let read = slow.read(&mut end).await;
    assert!(
        matches!(read, Ok(0) | Err(_)) || end.starts_with(b"HTTP/1.1 4"),
        "{read:?}"
    );
}

/// F58: the refusal of a body that is too large reaches a client that first sends all of it.
#[tokio::test]
async fn f58_a_refused_body_is_let_pass() {
    let config = gateway::Config {
        body_limit: 1 << 20,
        ..gateway::Config::default()
    };
    let stage = Stage::with(config).await;
    for announced in [true, false] {
        let mut body = vec![b' '; 8 << 20];
        body[0] = b'{';
        let request = stage.request("/v1/chat/completions");
        let request = match announced {
            true => request.body(body),
            false => {
                let pieces = body
                    .chunks(64 << 10)
                    .map(|p| Ok::<_, std::io::Error>(p.to_vec()));
                let pieces: Vec<_> = pieces.collect();
                request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(
                    pieces,
                )))
            }
        };
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 413, "announced: {announced}");
        let text = reply.text().await.unwrap();
        assert!(
            text.contains("1 MiB") && text.contains("limits.body_mib"),
            "{text}"
        );
    }
}
