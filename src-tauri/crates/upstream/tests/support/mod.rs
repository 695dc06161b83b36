//! A scripted server on raw sockets, certificates for it, and an [`Upstream`] over a memory vault.
//!
//! Raw, because the tests are about what happens to connections: resets, half answers, reuse.
#![allow(dead_code, reason = "every test file uses another part")]

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use pool::{AccountId, AccountKind, Clock, Format, Timestamp};
use secrecy::SecretString;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use upstream::{
    Call, Config, Credential, CredentialError, CredentialStore, Endpoint, OAuthTokens, ProxyChoice,
    ResponseBody, Target, TargetSpec, Upstream,
};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub connection: usize,
    pub line: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What to do with a request.
#[derive(Clone)]
pub enum Reply {
    /// Write this and keep the connection.
    Send(String),
    /// Write this, then close.
    SendAndClose(String),
    /// Reset the connection.
    Reset,
    /// Close the connection without a word.
    Close,
    /// Never answer; ends when the client goes.
    Hang,
}

pub fn json(body: &str) -> Reply {
    Reply::Send(answer("200 OK", "application/json", body))
}

pub fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A scripted server. Replies are taken in order; after the last one every request gets `{}`.
#[derive(Clone)]
pub struct Server {
    pub at: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    /// Told when a client closes a connection.
    pub gone: Arc<Notify>,
    pub script: Arc<Mutex<std::collections::VecDeque<Reply>>>,
}

impl Server {
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            at: listener.local_addr().unwrap(),
            seen: Arc::default(),
            gone: Arc::default(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
        };
        let this = server.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else {
                    return;
                };
                let this = this.clone();
                tokio::spawn(async move {
                    let _ = this.serve(connection, socket).await;
                    this.gone.notify_one();
                });
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    /// Serves one connection, plain or inside TLS.
    pub async fn serve(&self, connection: usize, mut socket: impl Wire) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut socket, &mut buffer, connection).await? {
            self.seen.lock().unwrap().push(request);
            let reply = self
                .script
                .lock()
                .unwrap()
                .pop_front()
                .unwrap_or_else(|| json("{}"));
            match reply {
                Reply::Send(text) => socket.write_all(text.as_bytes()).await?,
                Reply::SendAndClose(text) => {
                    socket.write_all(text.as_bytes()).await?;
                    return socket.shutdown().await;
                }
                Reply::Reset => return socket.reset(),
                Reply::Close => return Ok(()),
                Reply::Hang => {
                    let _ = socket.read(&mut [0; 64]).await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A connection that may be reset.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn reset(self) -> io::Result<()>;
}

impl Wire for TcpStream {
    #[expect(
        deprecated,
        reason = "a reset is exactly what lingering zero seconds does"
    )]
    fn reset(self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for tokio_rustls::server::TlsStream<T> {
    fn reset(self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads one request with a body of known length or chunks.
pub async fn read_request(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    connection: usize,
) -> io::Result<Option<Seen>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: HashMap<_, _> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()))
        .collect();
    assert!(
        !headers.contains_key("transfer-encoding"),
        "bodies have a known length"
    );
    let length: usize = headers
        .get("content-length")
        .map_or(0, |l| l.parse().unwrap());
    while buffer.len() < length {
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer.drain(..length).collect();
    Ok(Some(Seen {
        connection,
        line,
        headers,
        body,
    }))
}

/// The machine's clock.
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp(1_789_344_000_000)
    }
}

/// A vault in memory.
#[derive(Default)]
pub struct Memory(pub Mutex<HashMap<String, Credential>>);

impl CredentialStore for Memory {
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        let found = self.0.lock().unwrap().get(id.as_str()).cloned();
        Box::pin(async { Ok(found) })
    }
    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        self.0
            .lock()
            .unwrap()
            .insert(id.as_str().to_owned(), credential.clone());
        Box::pin(async { Ok(()) })
    }
}

/// An upstream whose vault holds a key for `relay` and tokens for `chatgpt`.
pub fn upstream(config: Config) -> Upstream {
    let memory = Memory::default();
    let tokens = OAuthTokens {
        access: Some(SecretString::from("at0")),
        refresh: Some(SecretString::from("rt0")),
        expires_at: Some(Timestamp(1_789_344_000_000 + 864_000_000)),
        account_id: Some("acc-1".into()),
        ..OAuthTokens::default()
    };
    let mut vault = memory.0.lock().unwrap();
    vault.insert(
        "relay".into(),
        Credential::Key(SecretString::from("sk-relay")),
    );
    vault.insert("chatgpt".into(), Credential::OAuth(Box::new(tokens)));
    drop(vault);
    Upstream::new(config, Arc::new(memory), Arc::new(Wall)).unwrap()
}

pub fn relay_spec(base_url: &str) -> TargetSpec {
    TargetSpec {
        id: AccountId::from("relay"),
        label: "relay".into(),
        kind: AccountKind::Relay,
        format: Format::OpenAi,
        base_url: base_url.into(),
        proxy: ProxyChoice::Global,
        headers: Vec::new(),
        provider_account_id: None,
        fedramp: false,
        manner: upstream::Manner::default(),
    }
}

pub fn relay(base_url: &str) -> Target {
    Target::new(relay_spec(base_url)).unwrap()
}

pub fn chatgpt() -> Target {
    let spec = TargetSpec {
        id: AccountId::from("chatgpt"),
        label: "chatgpt".into(),
        kind: AccountKind::CodexOauth,
        format: Format::Codex,
        ..relay_spec("")
    };
    Target::new(spec).unwrap()
}

pub fn chat(body: &'static str) -> Call {
    Call::json(
        Endpoint::ChatCompletions,
        vec![Bytes::from_static(body.as_bytes())],
        true,
    )
}

pub async fn send(
    upstream: &Upstream,
    target: &Target,
    call: Call,
) -> Result<http::Response<ResponseBody>, upstream::SendError> {
    let access = upstream.access(target).await.unwrap();
    upstream.send(target, &access, call).await
}

pub async fn text(answer: http::Response<ResponseBody>) -> String {
    String::from_utf8(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

/// A certificate authority of the test's own and a server certificate for these names.
pub struct Authority {
    pub pem: tempfile::NamedTempFile,
    pub server: Arc<tokio_rustls::rustls::ServerConfig>,
}

impl Authority {
    pub fn new(names: &[&str], alpn: &[&[u8]]) -> Self {
        use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
        use tokio_rustls::rustls::{ServerConfig, pki_types::PrivateKeyDer};
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let leaf_key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&leaf_key, &issuer)
            .unwrap();
        let pem = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(pem.path(), root.pem()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
            )
            .unwrap();
        server.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        Self {
            pem,
            server: Arc::new(server),
        }
    }
}
