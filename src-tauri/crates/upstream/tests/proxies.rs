//! Every kind of proxy (F116–F119), against proxies of the test's own: what they are asked for, and who resolves names.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use pool::Outcome;
use support::{
    Authority, Reply, Server, answer, chat, chatgpt, json, read_request, relay, relay_spec, send,
    text, upstream,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use upstream::{
    Config, Failure, ProxyChoice, Target,
    proxy::{NoProxy, ProxyUrl},
};

/// A name that no resolver on earth knows (RFC 2606), so only a proxy can.
const HIDDEN: &str = "only-the-proxy-knows.invalid";

/// A proxy that leads everything to one place and writes down what it was asked for.
#[derive(Clone)]
struct Proxy {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    to: SocketAddr,
}

impl Proxy {
    async fn start(to: SocketAddr, tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            at: listener.local_addr().unwrap(),
            asked: Arc::default(),
            to,
        };
        let this = proxy.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (this, tls) = (this.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(socket) = TlsAcceptor::from(tls).accept(socket).await {
                                let _ = this.serve(socket).await;
                            }
                        }
                        None => drop(this.serve(socket).await),
                    }
                });
            }
        });
        proxy
    }

    fn note(&self, text: String) {
        self.asked.lock().unwrap().push(text);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        match client.read_u8().await? {
            4 => self.socks4(&mut client).await?,
            5 => self.socks5(&mut client).await?,
            first => return self.http(client, first).await,
        }
        let mut origin = TcpStream::connect(self.to).await?;
        copy_bidirectional(&mut client, &mut origin).await.map(drop)
    }

    async fn socks4(
        &self,
        client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        assert_eq!(client.read_u8().await?, 1);
        let _port = client.read_u16().await?;
        let mut ip = [0; 4];
        client.read_exact(&mut ip).await?;
        let _user = until_zero(client).await?;
        if ip[..3] == [0, 0, 0] {
            self.note(format!("socks4a {}", until_zero(client).await?));
        } else {
            self.note(format!("socks4 {}.{}.{}.{}", ip[0], ip[1], ip[2], ip[3]));
        }
        client.write_all(&[0, 0x5a, 0, 0, 0, 0, 0, 0]).await
    }

    async fn socks5(
        &self,
        client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        let methods = client.read_u8().await?;
        let mut offered = vec![0; methods.into()];
        client.read_exact(&mut offered).await?;
        let mut user = String::new();
        if offered.contains(&2) {
            client.write_all(&[5, 2]).await?;
            assert_eq!(client.read_u8().await?, 1);
            let name = counted(client).await?;
            user = format!("{name}:{}@", counted(client).await?);
            client.write_all(&[1, 0]).await?;
        } else {
            client.write_all(&[5, 0]).await?;
        }
        let mut head = [0; 4];
        client.read_exact(&mut head).await?;
        let host = match head[3] {
            1 => std::net::Ipv4Addr::from(client.read_u32().await?).to_string(),
            3 => counted(client).await?,
            _ => std::net::Ipv6Addr::from(client.read_u128().await?).to_string(),
        };
        let _port = client.read_u16().await?;
        self.note(format!("socks5 {user}{host}"));
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await
    }

    async fn http(
        &self,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        first: u8,
    ) -> std::io::Result<()> {
        let mut buffer = vec![first];
        let Some(request) = read_request(&mut client, &mut buffer, 0).await? else {
            return Ok(());
        };
        let login = request
            .header("proxy-authorization")
            .unwrap_or("-")
            .to_owned();
        self.note(format!(
            "{} {login}",
            request.line.strip_suffix(" HTTP/1.1").unwrap()
        ));
        if request.line.starts_with("CONNECT") {
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            let mut origin = TcpStream::connect(self.to).await?;
            return copy_bidirectional(&mut client, &mut origin).await.map(drop);
        }
        if login == "Basic d3Jvbmc6d3Jvbmc=" {
            let refusal = answer("407 Proxy Authentication Required", "text/plain", "no");
            return client.write_all(refusal.as_bytes()).await;
        }
        client
            .write_all(answer("200 OK", "application/json", "{\"via\":\"proxy\"}").as_bytes())
            .await?;
        // Keeps the connection open until the client goes.
        client.read(&mut [0]).await.map(drop)
    }
}

async fn until_zero(client: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        match client.read_u8().await? {
            0 => return Ok(text),
            byte => text.push(byte.into()),
        }
    }
}

async fn counted(client: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut text = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).unwrap())
}

fn through(proxy: &str) -> Config {
    Config {
        proxy: Some(ProxyUrl::parse(proxy).unwrap()),
        ..Config::default()
    }
}

#[tokio::test]
async fn f116_socks_and_who_resolves_the_name() {
    let origin = Server::start([]).await;
    for (scheme, login, host, want) in [
        ("socks4", "", "127.0.0.1", "socks4 127.0.0.1"),
        ("socks4", "", "localhost", "socks4 127.0.0.1"),
        (
            "socks4a",
            "",
            HIDDEN,
            "socks4a only-the-proxy-knows.invalid",
        ),
        ("socks5", "", "127.0.0.1", "socks5 127.0.0.1"),
        (
            "socks5",
            "al%40ice:p%3Aw@",
            "127.0.0.1",
            "socks5 al@ice:p:w@127.0.0.1",
        ),
        ("socks5h", "", HIDDEN, "socks5 only-the-proxy-knows.invalid"),
        (
            "socks5h",
            "alice:pw@",
            HIDDEN,
            "socks5 alice:pw@only-the-proxy-knows.invalid",
        ),
    ] {
        let proxy = Proxy::start(origin.at, None).await;
        let upstream = upstream(through(&format!("{scheme}://{login}{}", proxy.at)));
        let target = relay(&format!("http://{host}:{}/v1", origin.at.port()));
        let answer = send(&upstream, &target, chat("{}")).await.unwrap();
        assert_eq!(text(answer).await, "{}");
        assert_eq!(proxy.asked(), [want], "{scheme}");
    }
    // Resolved here, `localhost` reaches the proxy as an address.
    let proxy = Proxy::start(origin.at, None).await;
    let upstream = upstream(through(&format!("socks5://{}", proxy.at)));
    let target = relay(&format!("http://localhost:{}/v1", origin.at.port()));
    send(&upstream, &target, chat("{}")).await.unwrap();
    assert!(["socks5 127.0.0.1", "socks5 ::1"].contains(&proxy.asked()[0].as_str()));
}

#[tokio::test]
async fn f116_http_forward_with_a_login() {
    let origin = Server::start([]).await;
    let proxy = Proxy::start(origin.at, None).await;
    let upstream = upstream(through(&format!("http://alice:pw@{}", proxy.at)));
    let target = relay(&format!("http://{HIDDEN}/v1"));
    let answer = send(&upstream, &target, chat("{}")).await.unwrap();
    assert_eq!(text(answer).await, "{\"via\":\"proxy\"}");
    let want = format!("POST http://{HIDDEN}/v1/chat/completions Basic YWxpY2U6cHc=");
    assert_eq!(proxy.asked(), [want]);
}

#[tokio::test]
async fn f116_a_refused_login_is_the_proxys_word() {
    let origin = Server::start([]).await;
    let proxy = Proxy::start(origin.at, None).await;
    let upstream = upstream(through(&format!("http://wrong:wrong@{}", proxy.at)));
    let error = send(&upstream, &relay(&origin.url("/v1")), chat("{}"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.outcome, error.failure, error.sent),
        (Outcome::Network, Failure::Connect, false)
    );
    assert!(error.message.contains("proxy"), "{error}");
}

/// An https origin on raw TLS.
async fn secure_origin(authority: &Authority) -> Server {
    let server = Server::start([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = Server {
        at: listener.local_addr().unwrap(),
        ..server
    };
    let (this, acceptor) = (secure.clone(), TlsAcceptor::from(authority.server.clone()));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (this, acceptor) = (this.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Ok(socket) = acceptor.accept(socket).await {
                    let _ = this.serve(0, socket).await;
                }
            });
        }
    });
    secure
}

#[tokio::test]
async fn f116_https_through_every_kind_and_f121_the_extra_authority() {
    let authority = Authority::new(&[HIDDEN], &[b"http/1.1"]);
    let origin = secure_origin(&authority).await;
    for (scheme, want) in [
        ("http", format!("CONNECT {HIDDEN}:443 -")),
        ("socks4a", format!("socks4a {HIDDEN}")),
        ("socks5h", format!("socks5 {HIDDEN}")),
    ] {
        let proxy = Proxy::start(origin.at, None).await;
        let config = through(&format!("{scheme}://{}", proxy.at));
        let trusting = Config {
            extra_ca: Some(authority.pem.path().into()),
            ..config.clone()
        };
        let target = relay(&format!("https://{HIDDEN}/v1"));
        let answer = send(&upstream(trusting), &target, chat("{}"))
            .await
            .unwrap();
        assert_eq!(text(answer).await, "{}");
        assert_eq!(proxy.asked().join(" "), want, "{scheme}");
        assert_eq!(origin.last().header("proxy-authorization"), None);
        // Without the authority nobody is trusted, and nothing was sent.
        let before = origin.count();
        let error = send(&upstream(config), &target, chat("{}"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.failure, error.sent),
            (Failure::Connect, false),
            "{error}"
        );
        assert_eq!(origin.count(), before);
    }
}

#[tokio::test]
async fn f116_a_proxy_behind_tls() {
    let authority = Authority::new(&["localhost"], &[]);
    let origin = Server::start([]).await;
    let proxy = Proxy::start(origin.at, Some(authority.server.clone())).await;
    let mut config = through(&format!("https://alice:pw@localhost:{}", proxy.at.port()));
    config.extra_ca = Some(authority.pem.path().into());
    let answer = send(
        &upstream(config),
        &relay(&format!("http://{HIDDEN}/v1")),
        chat("{}"),
    )
    .await
    .unwrap();
    assert_eq!(text(answer).await, "{\"via\":\"proxy\"}");
    assert_eq!(
        proxy.asked(),
        [format!(
            "POST http://{HIDDEN}/v1/chat/completions Basic YWxpY2U6cHc="
        )]
    );
}

#[tokio::test]
async fn f118_f119_who_goes_direct() {
    let origin = Server::start([]).await;
    let proxy = Proxy::start(origin.at, None).await;
    let own = Proxy::start(origin.at, None).await;
    let url = format!("socks5h://{}", proxy.at);
    let mut config = through(&url);
    let target = |choice| {
        let mut spec = relay_spec(&origin.url("/v1"));
        spec.proxy = choice;
        Target::new(spec).unwrap()
    };
    let upstream = upstream(config.clone());
    let own_url = ProxyUrl::parse(&format!("socks5h://{}", own.at)).unwrap();
    let counts = || (proxy.asked().len(), own.asked().len());
    send(&upstream, &target(ProxyChoice::Global), chat("{}"))
        .await
        .unwrap();
    assert_eq!(counts(), (1, 0));
    send(&upstream, &target(ProxyChoice::Direct), chat("{}"))
        .await
        .unwrap();
    assert_eq!(counts(), (1, 0));
    send(
        &upstream,
        &target(ProxyChoice::Own(own_url.clone())),
        chat("{}"),
    )
    .await
    .unwrap();
    assert_eq!(counts(), (1, 1));
    // The list wins over every choice, and changes live.
    config.no_proxy = NoProxy::parse("127.0.0.0/8").unwrap();
    upstream.set_config(config).unwrap();
    for choice in [ProxyChoice::Global, ProxyChoice::Own(own_url)] {
        send(&upstream, &target(choice), chat("{}")).await.unwrap();
    }
    assert_eq!(counts(), (1, 1));
    assert_eq!(origin.count(), 5);
}

#[tokio::test]
async fn f118_f119_refresh_and_queries_use_the_proxy_too() {
    let tokens = r#"{"access_token":"at1","refresh_token":"rt1","expires_in":864000}"#;
    let origin = Server::start([json(tokens), json("{\"data\":[]}"), json("{}")]).await;
    let proxy = Proxy::start(origin.at, None).await;
    let mut config = through(&format!("socks5h://{}", proxy.at));
    config.auth_url = format!("http://auth.{HIDDEN}");
    config.codex_base_url = format!("http://{HIDDEN}/backend-api/codex");
    let upstream = upstream(config);
    assert!(upstream.refresh(&chatgpt(), true).await.unwrap().renewed);
    let call = origin.last();
    assert_eq!(call.line, "POST /oauth/token HTTP/1.1");
    assert_eq!(call.header("content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["grant_type"], "refresh_token");
    assert_eq!(body["refresh_token"], "rt0");
    upstream.list_models(&chatgpt()).await.unwrap();
    assert_eq!(origin.last().header("authorization"), Some("Bearer at1"));
    upstream.query_usage(&chatgpt()).await.unwrap();
    assert_eq!(origin.count(), 3);
    let hosts = proxy.asked();
    assert_eq!(
        hosts,
        [format!("socks5 auth.{HIDDEN}"), format!("socks5 {HIDDEN}")],
        "one connection per host"
    );
}

#[tokio::test]
async fn a_dead_or_silent_proxy_is_named() {
    let origin = Server::start([]).await;
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    for scheme in ["http", "socks4", "socks5", "socks5h"] {
        let upstream = upstream(through(&format!("{scheme}://alice:hunter2@{nobody}")));
        let error = send(&upstream, &relay(&origin.url("/v1")), chat("{}"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.outcome, error.failure, error.sent),
            (Outcome::Network, Failure::Connect, false)
        );
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let silent = Server::start([Reply::Hang]).await;
    let mut config = through(&format!("socks5h://{}", silent.at));
    config.connect_timeout = Duration::from_millis(50);
    let error = send(&upstream(config), &relay(&origin.url("/v1")), chat("{}"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.outcome, error.failure, error.sent),
        (Outcome::Timeout, Failure::ConnectTimeout, false)
    );
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn f121_an_unusable_authority_file_is_refused_and_nothing_changes() {
    let upstream = upstream(Config::default());
    let empty = tempfile::NamedTempFile::new().unwrap();
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        broken.path(),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    for (path, want) in [
        (
            std::path::PathBuf::from("/nowhere/ca.pem"),
            "cannot be read",
        ),
        (empty.path().to_owned(), "holds no certificate"),
        (broken.path().to_owned(), "unusable certificate"),
    ] {
        let error = upstream
            .set_config(Config {
                extra_ca: Some(path),
                ..Config::default()
            })
            .unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
    assert_eq!(upstream.config(), Config::default());
}
