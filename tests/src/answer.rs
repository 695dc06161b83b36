//! What the gateway answered: whole, or as a stream read event by event.

use crate::LIMIT;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = timeout(LIMIT, response.bytes())
            .await
            .expect("the answer ends")
            .expect("a whole answer");
        Self {
            status,
            headers,
            body,
        }
    }

    /// A header as text, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{}: no JSON ({error}): {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    /// The text a model said, in a Chat or a Responses answer.
    ///
    /// # Panics
    /// When the answer is neither.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        let json = self.json();
        if let Some(text) = json["choices"][0]["message"]["content"].as_str() {
            return text.to_owned();
        }
        let items = json["output"]
            .as_array()
            .expect("a Chat or a Responses answer");
        let parts = items
            .iter()
            .filter_map(|item| item["content"].as_array())
            .flatten();
        parts.filter_map(|part| part["text"].as_str()).collect()
    }

    /// Checks that this is an error in OpenAI's shape, and returns its `error` object.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn expect_error(&self, status: u16) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{body}");
        assert!(
            self.header("content-type").starts_with("application/json"),
            "{:?}",
            self.headers
        );
        let error = self.json()["error"].clone();
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{body}"
        );
        assert!(error["type"].is_string(), "{body}");
        assert!(error.get("code").is_some(), "{body}");
        error
    }
}

/// A stream of server-sent events.
pub struct Stream {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
    buffer: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self {
            status,
            headers,
            response,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// The data of the next event: JSON, or a string such as `[DONE]`; `None` at the end, clean or not.
    ///
    /// # Panics
    /// When nothing comes for too long.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(at) = find(&self.buffer, b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..at + 2).collect();
                if let Some(data) = data_of(&String::from_utf8_lossy(&frame)) {
                    return Some(data);
                }
                continue;
            }
            if self.ended {
                return None;
            }
            match timeout(LIMIT, self.response.chunk())
                .await
                .expect("the stream goes on")
            {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) | Err(_) => self.ended = true,
            }
        }
    }

    /// What is left of it as text, for an answer that is no stream.
    pub async fn text(self) -> String {
        let rest = timeout(LIMIT, self.response.bytes())
            .await
            .expect("the answer ends")
            .unwrap_or_default();
        String::from_utf8_lossy(&[&self.buffer, &rest[..]].concat()).into_owned()
    }

    /// All events up to the end.
    pub async fn all(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// The joined text deltas of Chat chunks or Responses events.
#[must_use]
pub fn text_of(events: &[Value]) -> String {
    let piece = |event: &Value| -> Option<String> {
        if event["type"] == "response.output_text.delta" {
            return event["delta"].as_str().map(str::to_owned);
        }
        event["choices"][0]["delta"]["content"]
            .as_str()
            .map(str::to_owned)
    };
    events.iter().filter_map(piece).collect()
}

fn data_of(frame: &str) -> Option<Value> {
    let lines = frame.lines().filter_map(|line| line.strip_prefix("data:"));
    let data = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    if data.is_empty() {
        return None;
    }
    Some(serde_json::from_str(&data).unwrap_or(Value::String(data)))
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
