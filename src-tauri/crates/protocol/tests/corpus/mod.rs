//! Recorded traffic for tests: our own small recordings always, the shared collection where its folder is there.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use protocol::Dialect;
use serde_json::Value;

/// Bytes with the name of where they come from.
pub struct Recording {
    pub name: String,
    /// `None` for dialects we do not speak yet.
    pub dialect: Option<Dialect>,
    pub bytes: Vec<u8>,
}

/// All that was found.
#[derive(Default)]
pub struct Corpus {
    pub streams: Vec<Recording>,
    pub requests: Vec<Recording>,
    /// Whole JSON answers of status 200.
    pub answers: Vec<Recording>,
    /// Error bodies.
    pub errors: Vec<(u16, Recording)>,
}

impl Corpus {
    pub fn streams_of(&self, dialect: Dialect) -> impl Iterator<Item = &Recording> {
        self.streams
            .iter()
            .filter(move |stream| stream.dialect == Some(dialect))
    }

    pub fn requests_of(&self, dialect: Dialect) -> impl Iterator<Item = &Recording> {
        self.requests
            .iter()
            .filter(move |request| request.dialect == Some(dialect))
    }
}

/// Own recordings and, if there, the shared ones.
#[expect(
    clippy::print_stdout,
    reason = "a skipped collection must be seen in the test's output"
)]
pub fn load() -> Corpus {
    let mut corpus = Corpus::default();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for path in files(&own) {
        let name = file_name(&path);
        let dialect = if name.starts_with("chat") {
            Dialect::Chat
        } else if name.starts_with("messages") {
            Dialect::Messages
        } else if name.starts_with("gemini") {
            Dialect::Gemini
        } else {
            Dialect::Responses
        };
        let recording = Recording {
            bytes: fs::read(&path).expect("readable"),
            dialect: Some(dialect),
            name,
        };
        if recording.name.ends_with(".sse") {
            corpus.streams.push(recording);
        } else if recording.name.ends_with("-answer.json") {
            corpus.answers.push(recording);
        } else {
            corpus.requests.push(recording);
        }
    }
    match shared() {
        Some(folder) => {
            for group in ["chat", "responses", "codex", "messages", "gemini", "cross"] {
                for path in files(&folder.join("fixtures").join(group)) {
                    read_fixture(&mut corpus, group, &path);
                }
            }
            for path in files(&folder.join("captures")) {
                read_capture(&mut corpus, &path);
            }
        }
        None => println!(
            "shared recordings skipped: the folder is not there (SWITCHYARD_SHARED names another place)"
        ),
    }
    corpus
}

fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared");
    let folder =
        std::env::var_os("SWITCHYARD_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    folder.join("fixtures").is_dir().then_some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    found.retain(|path| path.is_file());
    found.sort();
    found
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn dialect_of(group: &str) -> Option<Dialect> {
    match group {
        "chat" => Some(Dialect::Chat),
        "responses" | "codex" => Some(Dialect::Responses),
        "messages" => Some(Dialect::Messages),
        "gemini" => Some(Dialect::Gemini),
        _ => None,
    }
}

fn read_fixture(corpus: &mut Corpus, group: &str, path: &Path) {
    let name = format!("{group}/{}", file_name(path));
    let bytes = fs::read(path).expect("readable");
    let dialect = dialect_of(group);
    if name.ends_with(".sse") && !bytes.windows(5).any(|window| window == b"data:") {
        // Told as a stream, but an error body with a status of its own.
        corpus.errors.push((
            400,
            Recording {
                name,
                dialect,
                bytes,
            },
        ));
    } else if name.ends_with(".sse") {
        corpus.streams.push(Recording {
            name,
            dialect,
            bytes,
        });
    } else if name.ends_with(".chunks.ndjson") {
        corpus.streams.push(Recording {
            bytes: frames(group, &bytes),
            name,
            dialect,
        });
    } else if name.ends_with(".json") {
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        match value.get("interactions").and_then(Value::as_array) {
            Some(interactions) => interactions
                .iter()
                .for_each(|one| read_interaction(corpus, &name, one)),
            None if name.contains("error") || value.get("error").is_some() => corpus.errors.push((
                400,
                Recording {
                    name,
                    dialect,
                    bytes,
                },
            )),
            None => corpus.answers.push(Recording {
                name,
                dialect,
                bytes,
            }),
        }
    }
}

/// One data payload per line, back to an event stream.
fn frames(group: &str, lines: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in String::from_utf8_lossy(lines)
        .lines()
        .filter(|line| !line.is_empty())
    {
        if !matches!(group, "chat" | "gemini") {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(kind) = value.get("type").and_then(Value::as_str) {
                stream.extend_from_slice(format!("event: {kind}\n").as_bytes());
            }
        }
        stream.extend_from_slice(format!("data: {line}\n\n").as_bytes());
    }
    stream
}

fn read_interaction(corpus: &mut Corpus, name: &str, interaction: &Value) {
    let text = |pointer: &str| interaction.pointer(pointer).and_then(Value::as_str);
    let uri = text("/request/uri").unwrap_or_default();
    let path = uri.split('?').next().unwrap_or_default();
    let dialect = if path.ends_with("/chat/completions") {
        Some(Dialect::Chat)
    } else if path.ends_with("/responses") {
        Some(Dialect::Responses)
    } else if path.ends_with("/messages") {
        Some(Dialect::Messages)
    } else if path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent") {
        Some(Dialect::Gemini)
    } else {
        None
    };
    let recording = |bytes: Vec<u8>| Recording {
        name: name.to_owned(),
        dialect,
        bytes,
    };
    let json = |pointer: &str| {
        let value = interaction
            .pointer(pointer)
            .filter(|value| value.is_object())?;
        Some(serde_json::to_vec(value).expect("JSON"))
    };
    if let (Some(body), Some(_)) = (json("/request/body"), dialect) {
        corpus.requests.push(recording(body));
    }
    let status = interaction
        .pointer("/response/status")
        .and_then(Value::as_u64)
        .unwrap_or(200);
    if let Some(stream) = text("/response/sse") {
        corpus.streams.push(recording(stream.as_bytes().to_vec()));
    } else if let (Some(body), Some(_)) = (json("/response/body"), dialect) {
        if status == 200 {
            corpus.answers.push(recording(body));
        } else {
            corpus
                .errors
                .push((u16::try_from(status).unwrap_or(500), recording(body)));
        }
    }
}

fn read_capture(corpus: &mut Corpus, path: &Path) {
    let Ok(Value::Array(requests)) = serde_json::from_slice(&fs::read(path).expect("readable"))
    else {
        return;
    };
    for request in requests {
        let Some(body) = request.get("body").filter(|body| body.is_object()) else {
            continue;
        };
        let to = request
            .get("path")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let dialect = if to.ends_with("/chat/completions") {
            Dialect::Chat
        } else if to.ends_with("/responses") {
            Dialect::Responses
        } else if to
            .split('?')
            .next()
            .is_some_and(|path| path.ends_with("/messages"))
        {
            Dialect::Messages
        } else if to.contains(":generateContent") || to.contains(":streamGenerateContent") {
            Dialect::Gemini
        } else {
            continue;
        };
        let bytes = serde_json::to_vec(body).expect("JSON");
        corpus.requests.push(Recording {
            name: format!("captures/{}", file_name(path)),
            dialect: Some(dialect),
            bytes,
        });
    }
}

/// A head for tests that prepare a recorded request.
pub fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// A stream cut into pieces of `size` bytes.
pub fn pieces(stream: &[u8], size: usize) -> Vec<bytes::Bytes> {
    stream
        .chunks(size)
        .map(bytes::Bytes::copy_from_slice)
        .collect()
}
