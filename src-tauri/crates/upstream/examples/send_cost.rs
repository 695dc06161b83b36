//! What one request costs in this room: CPU time per request of `Upstream::send`, beside the bare HTTP client underneath it.
//!
//! `cargo run --release -p upstream --example send_cost`. The answering side is a thread that writes the same bytes to every
//! read; its cost is in both figures. Not a test: figures depend on the machine.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring program that prints"
)]

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use pool::{AccountId, AccountKind, Clock, Format, Timestamp};
use secrecy::SecretString;
use upstream::{
    Call, Config, Credential, CredentialError, CredentialStore, Endpoint, ProxyChoice, Target,
    TargetSpec, Upstream,
};

struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

struct OneKey;
impl CredentialStore for OneKey {
    fn load(&self, _: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        Box::pin(async { Ok(Some(Credential::Key(SecretString::from("sk")))) })
    }
    fn persist(&self, _: &AccountId, _: &Credential) -> BoxFuture<'_, Result<(), CredentialError>> {
        Box::pin(async { Ok(()) })
    }
}

const BODY: &[u8] =
    br#"{"model":"m","messages":[{"role":"user","content":"hello there, how are you today?"}]}"#;
const ROUNDS: u32 = 20_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            std::thread::spawn(move || {
                let mut buffer = [0; 65536];
                while socket.read(&mut buffer).is_ok_and(|n| n > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                    if socket.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let upstream = Upstream::new(Config::default(), Arc::new(OneKey), Arc::new(Fixed)).unwrap();
    let target = Target::new(TargetSpec {
        id: AccountId::from("a"),
        label: "a".into(),
        kind: AccountKind::Relay,
        format: Format::OpenAi,
        base_url: format!("http://{at}/v1"),
        proxy: ProxyChoice::Direct,
        headers: Vec::new(),
        provider_account_id: None,
        fedramp: false,
        manner: upstream::Manner::default(),
    })
    .unwrap();
    for _ in 0..2 {
        let begun = cpu();
        for _ in 0..ROUNDS {
            let access = upstream.access(&target).await.unwrap();
            let call = Call::json(
                Endpoint::ChatCompletions,
                vec![Bytes::from_static(BODY)],
                true,
            );
            let answer = upstream.send(&target, &access, call).await.unwrap();
            answer.into_body().collect().await.unwrap();
        }
        report("upstream", begun);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = reqwest::Url::parse(&format!("http://{at}/v1/chat/completions")).unwrap();
        let begun = cpu();
        for _ in 0..ROUNDS {
            let mut request = reqwest::Request::new(http::Method::POST, url.clone());
            *request.body_mut() = Some(Bytes::from_static(BODY).into());
            client
                .execute(request)
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
        }
        report("bare client", begun);
    }
}

/// User and system time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn report(what: &str, begun: Duration) {
    println!(
        "{what:12} {:6.1} µs CPU per request",
        (cpu() - begun).as_secs_f64() * 1e6 / f64::from(ROUNDS)
    );
}
