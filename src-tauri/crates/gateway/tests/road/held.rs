//! The commit point (F51): the head waits for the first sign of an answer, ten seconds at most; what fails after it is told in the stream.

use std::time::Duration;

use http_body_util::BodyExt;
use pool::Format;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::Hand;
use crate::stage::Stage;

/// An upstream played by hand: the connection of its next request, read up to the end of the head.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = Vec::new();
    while !seen.windows(4).any(|w| w == b"\r\n\r\n") {
        let mut byte = [0; 1024];
        let read = stream.read(&mut byte).await.unwrap();
        seen.extend_from_slice(&byte[..read]);
    }
    stream
}

const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"output\":[]}}\n\n";
const FAILED: &str = "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"gone\"}}}\n\n";

async fn begin(upstream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    upstream.write_all(head.as_bytes()).await.unwrap();
    upstream.write_all(CREATED.as_bytes()).await.unwrap();
}

/// The head of a silent answer leaves after ten seconds, and not before; the failure behind it is in-band, and nobody else is asked.
#[tokio::test]
async fn f51_after_ten_seconds_the_head_leaves_without_content() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::set().await;
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    stage.relay_at("silent", Format::Responses, &base);
    let _healthy = stage.relay("healthy", Format::Responses);
    let body = json!({"model": "m", "stream": true, "input": "say:hello"});
    let asking = stage.request("/v1/responses").body(body.to_string()).send();
    let mut asking = tokio::spawn(asking);
    let mut upstream = asked(&listener).await;
    let hand = Hand::take();
    begin(&mut upstream).await;
    hand.forward(Duration::from_secs(8)).await;
    // Sockets take their own time: wait for what is certain (nothing yet) by asking something else in between.
    assert_eq!(stage.get("/v1/models").await.status, 200);
    assert!(
        !asking.is_finished(),
        "the head waits for the answer's beginning"
    );
    hand.forward(Duration::from_secs(12)).await;
    let response = (&mut asking).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    upstream.write_all(FAILED.as_bytes()).await.unwrap();
    drop(upstream);
    let text = response.text().await.unwrap();
    assert!(
        text.contains("response.failed") && !text.contains("response.completed"),
        "{text}"
    );
    assert!(
        stage.asked().is_empty(),
        "nobody else is asked after the commit"
    );
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!((entry.status, entry.end), (200, gateway::End::Failed));
    drop(hand);
}

/// The same failure before the ten seconds are over is not seen by the client.
#[tokio::test]
async fn f50_before_the_head_has_left_another_account_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::set().await;
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    stage.relay_at("silent", Format::Responses, &base);
    let _healthy = stage.relay("healthy", Format::Responses);
    let body = json!({"model": "m", "stream": true, "input": "say:hello"});
    let asking = stage.request("/v1/responses").body(body.to_string()).send();
    let asking = tokio::spawn(asking);
    let mut upstream = asked(&listener).await;
    begin(&mut upstream).await;
    upstream.write_all(FAILED.as_bytes()).await.unwrap();
    drop(upstream);
    let text = asking.await.unwrap().unwrap().text().await.unwrap();
    assert!(
        text.contains("response.completed") && !text.contains("response.failed"),
        "{text}"
    );
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.attempts.len(), 2);
}

/// F56: a client that goes away before the answer began. The upstream's connection ends, the slot is free, and the account is not blamed.
#[tokio::test]
async fn f56_t186_cancelled_before_the_commit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::set().await;
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    stage.relay_at("silent", Format::Responses, &base);
    let body = json!({"model": "m", "stream": true, "input": "say:hello"});
    let asking = stage.request("/v1/responses").body(body.to_string()).send();
    let asking = tokio::spawn(asking);
    let mut upstream = asked(&listener).await;
    asking.abort();
    cancelled(&stage, &mut upstream).await;
}

/// F56 in the middle of a stream.
#[tokio::test]
async fn f56_t186_cancelled_after_the_commit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::set().await;
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    stage.relay_at("silent", Format::Responses, &base);
    let body = json!({"model": "m", "stream": true, "input": "say:hello"});
    let asking = stage.request("/v1/responses").body(body.to_string()).send();
    let asking = tokio::spawn(asking);
    let mut upstream = asked(&listener).await;
    begin(&mut upstream).await;
    let item = "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\"}}\n\n";
    upstream.write_all(item.as_bytes()).await.unwrap();
    let response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let mut body = http::Response::from(response).into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    cancelled(&stage, &mut upstream).await;
}

async fn cancelled(stage: &Stage, upstream: &mut TcpStream) {
    // What is left of the request, then the end of the connection.
    let mut rest = Vec::new();
    let _ = upstream.read_to_end(&mut rest).await;
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.end, gateway::End::Cancelled);
    let outcomes: Vec<&str> = entry.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, ["cancelled"]);
    stage.pool.with(|pool| {
        let id = "silent".into();
        let state = pool.state(&id).unwrap();
        assert_eq!(state.counters.cancelled, 1);
        assert_eq!(
            (state.counters.failures, state.consecutive_failures),
            (0, 0)
        );
        assert_eq!(pool.in_flight(&id), 0, "the slot is free");
        assert!(state.cooldown.is_none());
    });
    assert_eq!(stage.gateway.running(), 0);
}

/// F86 and F55: a silent stream shows a sign of life every 15 s, and after 300 s of silence it ends in an error.
#[tokio::test]
async fn f86_f55_a_silent_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::set().await;
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    stage.relay_at("silent", Format::Responses, &base);
    let body = json!({"model": "m", "stream": true, "input": "say:hello"});
    let asking = stage.request("/v1/responses").body(body.to_string()).send();
    let asking = tokio::spawn(asking);
    let mut upstream = asked(&listener).await;
    begin(&mut upstream).await;
    let item = "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\"}}\n\n";
    upstream.write_all(item.as_bytes()).await.unwrap();
    let mut body = http::Response::from(asking.await.unwrap().unwrap()).into_body();
    let mut seen = String::new();
    while !seen.contains("output_item.added") {
        let frame = body.frame().await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
    }
    let hand = Hand::take();
    hand.forward(Duration::from_secs(16)).await;
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(&frame[..], b": keep-alive\n\n");
    hand.forward(Duration::from_secs(300)).await;
    let mut rest = String::new();
    while let Some(frame) = body.frame().await {
        rest.push_str(&String::from_utf8_lossy(
            &frame.unwrap().into_data().unwrap(),
        ));
    }
    assert!(
        rest.contains("response.failed") && rest.contains("upstream_timeout"),
        "{rest}"
    );
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.error_code.as_deref(), Some("upstream_timeout"));
    drop(hand);
}
