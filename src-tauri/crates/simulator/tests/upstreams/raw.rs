//! A client with nothing between it and the socket: it sees resets, cut streams and single frames. Used by every module here.

use std::{collections::HashMap, io};

use serde_json::Value;
use simulator::{SimAccount, Simulator};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer as it came over the wire.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub complete: bool,
    pub error: Option<io::ErrorKind>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Payloads of the stream; every frame must be whole.
    pub fn events(&self) -> Vec<Value> {
        let text = self.text();
        assert!(
            text.is_empty() || text.ends_with("\n\n"),
            "unfinished frame: {text}"
        );
        let payloads = text
            .split("\n\n")
            .flat_map(|frame| frame.lines().find_map(|line| line.strip_prefix("data: ")));
        payloads
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    /// The types of a Responses stream, checked against the `event:` lines.
    pub fn types(&self) -> Vec<String> {
        let names: Vec<String> = self
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("event: ").map(str::to_owned))
            .collect();
        let types: Vec<String> = self
            .events()
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, types);
        types
    }

    pub fn last_type(&self) -> String {
        self.types().pop().unwrap_or_default()
    }
}

/// An open connection with a request on it.
pub struct Open {
    stream: TcpStream,
    raw: Vec<u8>,
}

impl Open {
    /// Reads until `mark` has come.
    pub async fn read_until(&mut self, mark: &str) {
        while !self
            .raw
            .windows(mark.len())
            .any(|window| window == mark.as_bytes())
        {
            let mut chunk = [0; 4096];
            let count = self.stream.read(&mut chunk).await.unwrap();
            assert!(
                count > 0,
                "ended before {mark}: {}",
                String::from_utf8_lossy(&self.raw)
            );
            self.raw.extend_from_slice(&chunk[..count]);
        }
    }

    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    pub async fn rest(mut self) -> Answer {
        let error = self
            .stream
            .read_to_end(&mut self.raw)
            .await
            .err()
            .map(|error| error.kind());
        parse(&self.raw, error)
    }
}

pub async fn open(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Open {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    Open {
        stream,
        raw: Vec::new(),
    }
}

pub async fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    open(base, method, path, headers, body).await.rest().await
}

/// A JSON request with a bearer.
pub async fn post(simulator: &Simulator, path: &str, bearer: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {bearer}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    send(
        &simulator.base_url(),
        "POST",
        path,
        &headers,
        body.to_string().as_bytes(),
    )
    .await
}

/// A good request of a Codex account.
pub async fn codex(simulator: &Simulator, account: &SimAccount, body: &Value) -> Answer {
    open_codex(simulator, account, body).await.rest().await
}

pub async fn open_codex(simulator: &Simulator, account: &SimAccount, body: &Value) -> Open {
    let authorization = format!("Bearer {}", account.access_token);
    let headers = [
        ("authorization", authorization.as_str()),
        ("chatgpt-account-id", account.account_id.as_str()),
    ];
    open(
        &simulator.base_url(),
        "POST",
        "/backend-api/codex/responses",
        &headers,
        body.to_string().as_bytes(),
    )
    .await
}

/// The body of a good request.
pub fn ask(text: &str) -> Value {
    serde_json::json!({"model": "gpt-5.4", "instructions": "", "store": false, "stream": true,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}]})
}

fn parse(raw: &[u8], error: Option<io::ErrorKind>) -> Answer {
    let Some(at) = raw.windows(4).position(|window| window == b"\r\n\r\n") else {
        assert!(raw.is_empty());
        return Answer {
            error,
            ..Answer::default()
        };
    };
    let head = String::from_utf8(raw[..at].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers: HashMap<String, String> = lines
        .map(|line| {
            line.split_once(": ")
                .unwrap_or((line.trim_end_matches(':'), ""))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let rest = &raw[at + 4..];
    let (body, complete) = match headers.get("content-length") {
        Some(length) => (
            rest.to_vec(),
            rest.len() == length.parse::<usize>().unwrap(),
        ),
        None => dechunk(rest),
    };
    Answer {
        status,
        headers,
        body,
        complete,
        error,
    }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else {
            break;
        };
        body.extend_from_slice(chunk);
        rest = rest.get(line + 4 + size..).unwrap_or_default();
    }
    (body, false)
}
