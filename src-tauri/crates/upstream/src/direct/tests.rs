//! The direct road against a peer that says exactly what it is told to.

use std::sync::atomic::AtomicBool;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// What a peer does with one connection: waits for a request's head or so many bytes, says something, and so on; then waits for the end or closes.
#[derive(Clone)]
enum Act {
    Head,
    Read(usize),
    Say(String),
    Close,
}

fn say(text: impl Into<String>) -> Act {
    Act::Say(text.into())
}

/// A peer that plays one script per connection, in order.
async fn peer(scripts: Vec<Vec<Act>>) -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for script in scripts {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                for act in script {
                    match act {
                        Act::Head => {
                            let mut read = Vec::new();
                            while !read.ends_with(b"\r\n\r\n") {
                                read.push(stream.read_u8().await.unwrap());
                            }
                        }
                        Act::Read(bytes) => {
                            let mut read = vec![0; bytes];
                            stream.read_exact(&mut read).await.unwrap();
                        }
                        Act::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                        Act::Close => return,
                    }
                }
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    Host::new(&Url::parse(&url).unwrap(), Duration::from_secs(5)).unwrap()
}

struct Got {
    status: u16,
    pieces: Vec<String>,
    error: Option<String>,
    whole: bool,
}

async fn send(host: &Host, body: &[Bytes]) -> Result<Got, DirectError> {
    let sent = AtomicBool::new(false);
    let headers = HeaderMap::new();
    let call = DirectCall {
        method: Method::POST,
        path: "/",
        headers: &headers,
        body: Some(body),
        sent: &sent,
    };
    let (head, mut body) = host.send(call, false).await?.into_parts();
    let mut got = Got {
        status: head.status.as_u16(),
        pieces: Vec::new(),
        error: None,
        whole: sent.load(Ordering::Acquire),
    };
    while let Some(piece) = poll_fn(|cx| body.poll_content(cx)).await {
        match piece {
            Ok(piece) => got.pieces.push(String::from_utf8(piece.to_vec()).unwrap()),
            Err(error) => got.error = Some(error.to_string()),
        }
    }
    Ok(got)
}

#[tokio::test]
async fn answers_and_their_ends() {
    for (answer, closes, pieces, error) in [
        (
            format!("{OK}content-length: 2\r\n\r\nok"),
            false,
            vec!["ok"],
            None,
        ),
        (
            format!("{OK}\r\nto the end"),
            true,
            vec!["to the end"],
            None,
        ),
        (
            format!("{OK}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            false,
            vec!["abcde"],
            None,
        ),
        (
            format!("HTTP/1.1 204 No Content\r\n\r\n"),
            false,
            vec![],
            None,
        ),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\n{OK}content-length: 1\r\n\r\nz"
            ),
            false,
            vec!["z"],
            None,
        ),
        (
            format!("{OK}content-length: 9\r\n\r\nshort"),
            true,
            vec!["short"],
            Some("unexpected end of file"),
        ),
        (
            format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\nshort\r\n"),
            true,
            vec!["short"],
            Some("unexpected end of file"),
        ),
    ] {
        let mut script = vec![Act::Head, say(answer.clone())];
        if closes {
            script.push(Act::Close);
        }
        let host = peer(vec![script]).await;
        let got = send(&host, &[]).await.unwrap();
        assert_eq!(got.pieces, pieces, "{answer}");
        assert_eq!(got.error.as_deref(), error, "{answer}");
    }
}

#[tokio::test]
async fn what_is_not_an_answer() {
    for (text, failure) in [
        ("", Failure::Reset),
        ("HTTP/1.1 200 OK\r\nx:", Failure::Reset),
        ("SSH-2.0\r\n", Failure::Protocol),
        ("HTTP/1.1 101 Switching\r\n\r\n", Failure::Protocol),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            Failure::Protocol,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz",
            Failure::Protocol,
        ),
    ] {
        let host = peer(vec![vec![Act::Head, say(text), Act::Close]]).await;
        let error = send(&host, &[]).await.err().unwrap();
        assert_eq!(error.failure, failure, "{text:?}: {error:?}");
        assert!(!error.reused);
    }
}

#[tokio::test]
async fn f122_connections_are_used_again_only_when_they_are_clean() {
    for (ending, again) in [
        ("content-length: 2\r\n\r\nok", true),
        (
            "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            true,
        ),
        ("connection: close\r\ncontent-length: 2\r\n\r\nok", false),
        ("content-length: 2\r\n\r\nok and more", false),
    ] {
        let first = [Act::Head, say(format!("{OK}{ending}"))];
        // The same connection would answer twice, another one names itself.
        let other = vec![
            Act::Head,
            say(format!("{OK}content-length: 5\r\n\r\nother")),
        ];
        let host = peer(vec![[first.clone(), first].concat(), other]).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(send(&host, &[]).await.unwrap().pieces.concat());
        }
        assert_eq!(seen[1] == "ok", again, "{ending:?} gave {seen:?}");
    }
}

#[tokio::test]
async fn an_answer_before_the_whole_request_was_taken_is_heard() {
    let refusal = "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig";
    let host = peer(vec![vec![Act::Read(100), say(refusal)]]).await;
    // More than the buffers of a connection hold.
    let slice = Bytes::from(vec![b'x'; 1 << 20]);
    let got = send(&host, &vec![slice; 24]).await.unwrap();
    assert_eq!((got.status, got.pieces.concat().as_str()), (413, "big"));
    assert!(!got.whole);
    assert!(host.idle.take().is_none());
}

#[tokio::test]
async fn many_slices_arrive_in_order() {
    let slices: Vec<Bytes> = (0..100)
        .map(|n| {
            Bytes::from(if n % 7 == 0 {
                String::new()
            } else {
                format!("<{n}>")
            })
        })
        .collect();
    let want = slices.concat();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let host = Host::new(&url, Duration::from_secs(5)).unwrap();
    let expected = head::request(
        &Method::POST,
        "/",
        &host.authority,
        &HeaderMap::new(),
        Some(want.len() as u64),
    );
    let reading = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = vec![0; expected.len() + want.len()];
        stream.read_exact(&mut read).await.unwrap();
        stream
            .write_all(format!("{OK}content-length: 0\r\n\r\n").as_bytes())
            .await
            .unwrap();
        read
    };
    let (read, got) = tokio::join!(reading, send(&host, &slices));
    assert!(got.unwrap().whole);
    assert_eq!(read, [expected, want].concat());
}

#[tokio::test]
async fn only_plain_text_has_a_direct_road() {
    for (url, authority) in [
        ("http://example.com/v1", Some("example.com")),
        ("http://example.com:80/v1", Some("example.com")),
        ("http://127.0.0.1:8080", Some("127.0.0.1:8080")),
        ("http://[::1]:8080/v1", Some("[::1]:8080")),
        ("https://example.com/v1", None),
    ] {
        let host = Host::new(&Url::parse(url).unwrap(), Duration::from_secs(1));
        assert_eq!(host.map(|host| host.authority).as_deref(), authority);
    }
}
