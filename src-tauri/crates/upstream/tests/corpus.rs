//! Recorded provider traffic: an answer that went well is never taken for a failure, and recorded failures are seen.
//!
//! Reads the shared fixtures when they are there (`SWITCHYARD_SHARED` or a folder `shared` beside the project) and says so when
//! they are not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test; a skipped test says so"
)]

use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pool::{Format, Outcome, Timestamp};
use serde_json::Value;
use upstream::{classify, classify_event};

const NOW: Timestamp = Timestamp(1_789_344_000_000);

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    let set = std::env::var_os("SWITCHYARD_SHARED").map(PathBuf::from);
    let found = set
        .into_iter()
        .chain([beside])
        .map(|p| p.join("fixtures"))
        .find(|p| p.is_dir());
    if found.is_none() {
        println!("skipped: no shared fixtures (set SWITCHYARD_SHARED)");
    }
    found
}

/// Every recorded answer as (where, format, status, headers, body).
fn answers(root: &Path) -> Vec<(String, Format, StatusCode, HeaderMap, String)> {
    let mut found = Vec::new();
    for (folder, format) in [
        ("chat", Format::OpenAi),
        ("codex", Format::Codex),
        ("responses", Format::Responses),
        ("messages", Format::Anthropic),
    ] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            let text = std::fs::read_to_string(&path).unwrap();
            let ok = StatusCode::OK;
            if name.ends_with(".sse") {
                found.push((name, format, ok, HeaderMap::new(), text));
            } else if name.ends_with(".chunks.ndjson") {
                let events: String = text.lines().map(|l| format!("data: {l}\n\n")).collect();
                found.push((name, format, ok, HeaderMap::new(), events));
            } else if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let Some(list) = value.get("interactions").and_then(Value::as_array) else {
                    found.push((name, format, ok, HeaderMap::new(), text));
                    continue;
                };
                for (n, interaction) in list.iter().enumerate() {
                    let response = &interaction["response"];
                    let status = response["status"]
                        .as_u64()
                        .and_then(|s| u16::try_from(s).ok())
                        .unwrap_or(200);
                    let headers = response["headers"].as_object().into_iter().flatten();
                    let headers = headers.filter_map(|(k, v)| {
                        Some((
                            k.parse::<HeaderName>().ok()?,
                            HeaderValue::from_str(v.as_str()?).ok()?,
                        ))
                    });
                    let body = match (&response["sse"], &response["body"]) {
                        (Value::String(sse), _) => sse.clone(),
                        (_, Value::String(body)) => body.clone(),
                        (_, Value::Null) => continue,
                        (_, body) => body.to_string(),
                    };
                    let status = StatusCode::from_u16(status).unwrap();
                    found.push((
                        format!("{name}#{n}"),
                        format,
                        status,
                        headers.collect(),
                        body,
                    ));
                }
            }
        }
    }
    found
}

#[test]
fn recorded_answers_are_judged_rightly() {
    let Some(root) = shared() else { return };
    let answers = answers(&root);
    assert!(answers.len() > 100, "{}", answers.len());
    let mut seen = 0;
    for (name, format, status, headers, body) in answers {
        let outcome = classify(format, status, &headers, body.as_bytes(), NOW);
        let failed = body
            .lines()
            .filter_map(|l| l.strip_prefix("data:"))
            .find_map(|data| classify_event(data.trim().as_bytes(), NOW));
        let bad = outcome != Outcome::Success || failed.is_some();
        let recorded_failure = status.is_client_error() || name.contains("error");
        assert!(
            !bad || recorded_failure,
            "{name} {status}: {outcome:?} {failed:?}"
        );
        seen += usize::from(bad);
    }
    assert!(seen >= 7, "recorded failures that were seen: {seen}");
}
