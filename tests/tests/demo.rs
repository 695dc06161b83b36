//! `switchyard demo`: simulated accounts in a throw-away home, and a curl line that answers (cli.md).

use std::process::Stdio;
use tests::{LIMIT, binary_path};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// The words of a shell line, its quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Does what curl would do with these arguments.
async fn curl(arguments: &[String]) -> (u16, String) {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let url = arguments
        .iter()
        .find(|word| word.starts_with("http://"))
        .expect("an address");
    let after = |names: &[&str]| -> Vec<String> {
        let pairs = arguments
            .windows(2)
            .filter(|pair| names.contains(&pair[0].as_str()));
        pairs.map(|pair| pair[1].clone()).collect()
    };
    let mut request = match after(&["-d", "--data", "--data-raw", "--json"]).pop() {
        Some(body) => http.post(url).body(body),
        None => http.get(url),
    };
    for header in after(&["-H", "--header"]) {
        let (name, value) = header.split_once(':').expect("a header");
        request = request.header(name.trim(), value.trim());
    }
    let response = timeout(LIMIT, request.send())
        .await
        .expect("in time")
        .expect("an answer");
    (
        response.status().as_u16(),
        response.text().await.expect("its body"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_curl_line_answers() {
    let person = tempfile::tempdir().expect("a throw-away HOME");
    let mut child = Command::new(binary_path())
        .args(["demo", "--port", "0"])
        .env("HOME", person.path())
        .env("XDG_RUNTIME_DIR", person.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("XDG_DATA_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the demo starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = timeout(LIMIT, async {
        let mut joined = String::new();
        while let Some(line) = lines.next_line().await.expect("its output") {
            let rest = match line.find("curl ") {
                Some(at) if joined.is_empty() => &line[at..],
                _ if joined.is_empty() => continue,
                _ => line.as_str(),
            };
            joined.push_str(rest.trim_end_matches('\\'));
            if !rest.ends_with('\\') {
                return joined;
            }
        }
        panic!("the demo ended without a curl line");
    })
    .await
    .expect("a curl line in time");

    let (status, body) = curl(&words(&line)).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("Hello") || body.contains("choices") || body.contains("output"),
        "{body}"
    );
    // A throw-away home: nothing is left where a person's data would be.
    let data = person.path().join(".local/share/switchyard");
    assert!(!data.exists(), "the demo wrote to the person's own home");
}
