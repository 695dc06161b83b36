use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;
use tower::service_fn;

use super::*;

/// A body that comes in these pieces; with `endless` it never ends.
fn body(chunks: Vec<Bytes>, endless: bool) -> Body {
    let chunks = stream::iter(chunks).map(|chunk| Ok(Frame::data(chunk)));
    let rest = if endless {
        stream::pending().left_stream()
    } else {
        stream::empty().right_stream()
    };
    UnsyncBoxBody::new(StreamBody::new(chunks.chain(rest)))
}

async fn answer(request: Request<Full<Bytes>>) -> Result<Response<Body>, Infallible> {
    const PIECES: [&str; 4] = [
        ": keep\n\nda",
        "ta: {\"event\":\"delta\"}\r\n\r\ndata:{\"n\":1}\n",
        "\ndata: {\"n\":",
        "2}\n\n",
    ];
    let path = request.uri().path().to_owned();
    let sent = request.into_body().collect().await;
    let sent = sent.map(|sent| sent.to_bytes()).unwrap_or_default();
    let (status, chunks): (u16, Vec<Bytes>) = match path.as_str() {
        "/here" => (200, vec![r#"{"a":1}"#.into()]),
        "/none" => (204, Vec::new()),
        "/echo" => (200, vec![sent]),
        "/plain" => (400, vec!["no such field".into()]),
        "/pieces" => (200, PIECES.map(Bytes::from).into()),
        "/refused" => {
            let body = r#"{"error":{"code":"not_built","message":"not there yet"}}"#;
            (501, vec![body.into()])
        }
        "/never" => (200, Vec::new()),
        _ => (404, Vec::new()),
    };
    let mut answer = Response::new(body(chunks, path == "/never"));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(answer)
}

fn transport() -> Arc<Transport> {
    Arc::new(Transport::new(service_fn(answer)))
}

#[tokio::test]
async fn calls_have_a_status_and_json() {
    let transport = transport();
    let cases = [
        ("GET", "/here", None, 200, r#"{"a":1}"#),
        ("POST", "/none", None, 204, "null"),
        (
            "POST",
            "/echo",
            Some(serde_json::json!({"x": [1]})),
            200,
            r#"{"x":[1]}"#,
        ),
        (
            "GET",
            "/plain",
            None,
            400,
            r#"{"error":{"code":"invalid","message":"no such field"}}"#,
        ),
        ("GET", "/nowhere", None, 404, "null"),
    ];
    for (method, path, body, status, expected) in cases {
        let reply = transport.call(method, path, body).await.unwrap();
        assert_eq!(
            (reply.status, reply.body.get()),
            (status, expected),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_paths_of_the_router_are_asked() {
    for path in ["", "here", "//example.com/here", "http://example.com/here"] {
        assert!(transport().call("GET", path, None).await.is_err(), "{path}");
    }
    assert!(transport().call("G ET", "/here", None).await.is_err());
}

async fn streamed(path: &str) -> Vec<Piece> {
    let (send, mut receive) = mpsc::unbounded_channel();
    let tell = move |piece| drop(send.send(piece));
    transport()
        .stream("one".to_owned(), path, Value::Null, tell)
        .unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = receive.recv().await {
        pieces.push(piece);
    }
    pieces
}

#[tokio::test]
async fn streams_end_once() {
    let data = |text: &str| Piece::Data(text.to_owned());
    let expected = [
        data(r#"{"event":"delta"}"#),
        data(r#"{"n":1}"#),
        data(r#"{"n":2}"#),
        Piece::End,
    ];
    assert_eq!(streamed("/pieces").await, expected);
    let refused = Piece::Error {
        code: "not_built".to_owned(),
        message: "not there yet".to_owned(),
    };
    assert_eq!(streamed("/refused").await, [refused]);
}

#[tokio::test]
async fn a_cancelled_stream_is_dropped() {
    let transport = transport();
    let (send, mut receive) = mpsc::unbounded_channel::<Piece>();
    let tell = move |piece| drop(send.send(piece));
    transport
        .stream("one".to_owned(), "/never", Value::Null, tell)
        .unwrap();
    assert!(
        transport
            .stream("one".to_owned(), "/never", Value::Null, drop)
            .is_err()
    );
    transport.cancel("one");
    assert_eq!(receive.recv().await, None);
    assert!(transport.streams().is_empty());
}
