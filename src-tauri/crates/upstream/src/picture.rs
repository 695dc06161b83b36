//! Fetching a picture that a client only named (F96): the Codex backend fetches none itself (codex-backend 6.1).
//!
//! The address comes from a client and perhaps from a prompt, so it may lead nowhere near this machine or its network: only https, only
//! public addresses, no redirect, no credential, a bounded size (T21). A name that changes its mind between the look and the connection can
//! still get through; what comes back has to be a picture all the same.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use bytes::Bytes;
use url::{Host, Url};

use crate::{Target, Upstream, oauth::read_limited, send::transport_message};

const LIMIT: Duration = Duration::from_secs(30);

/// Why a picture was not fetched. Fit for the client: it repeats no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not an https address without user name and password.
    #[error("it is not an https:// address")]
    Address,
    /// It leads to this machine or its network.
    #[error("it leads into a private network, where nothing is fetched for clients")]
    Private,
    /// No answer, or none that says 200.
    #[error("{0}")]
    NoAnswer(String),
    /// Larger than allowed.
    #[error("it is larger than {} MiB", .0 >> 20)]
    TooLarge(usize),
}

impl Upstream {
    /// The bytes behind an https address, at most `limit` of them, by the way of the account's proxy.
    ///
    /// # Errors
    /// [`PictureError`] says why not.
    pub async fn fetch_picture(
        &self,
        target: &Target,
        address: &str,
        limit: usize,
    ) -> Result<Bytes, PictureError> {
        let url = Url::parse(address).map_err(|_| PictureError::Address)?;
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(PictureError::Address);
        }
        let settings = self.0.settings.load_full();
        let proxied = settings.goes_through_proxy(&target.proxy, &url);
        check_host(&url, proxied).await?;
        let client = settings
            .client(&target.proxy, &url)
            .map_err(|error| PictureError::NoAnswer(error.to_string()))?;
        get(&client, url, limit).await
    }
}

/// Refuses what is not in the public network. Behind a proxy only the proxy knows what a name means.
async fn check_host(url: &Url, proxied: bool) -> Result<(), PictureError> {
    let port = url.port_or_known_default().unwrap_or(443);
    match url.host() {
        None => Err(PictureError::Address),
        Some(Host::Ipv4(ip)) => public(ip.into()),
        Some(Host::Ipv6(ip)) => public(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            if name == "localhost" || name.ends_with(".localhost") || !name.contains('.') {
                return Err(PictureError::Private);
            }
            if proxied {
                return Ok(());
            }
            let mut found = tokio::net::lookup_host((name, port))
                .await
                .map_err(|_| PictureError::NoAnswer("its host was not found".into()))?;
            found.try_for_each(|address| public(address.ip()))
        }
    }
}

fn public(ip: IpAddr) -> Result<(), PictureError> {
    let public = match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4() {
            // Mapped and compatible forms reach the same place.
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    };
    if public {
        Ok(())
    } else {
        Err(PictureError::Private)
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let carrier = a == 100 && (64..128).contains(&b);
    let reserved = a == 0 || a >= 240 || (a == 192 && b == 0 && c == 0);
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || carrier
        || reserved
        || benchmark)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let documentation = first == 0x2001 && second == 0xdb8;
    // The network's own translator: what lies behind it is an IPv4 address of any sort.
    let translated = (first == 0x64 && second == 0xff9b) || first == 0x2002;
    // Global unicast is 2000::/3; all else is local, multicast or reserved.
    first >> 13 == 1 && !documentation && !translated
}

async fn get(client: &reqwest::Client, url: Url, limit: usize) -> Result<Bytes, PictureError> {
    let failed = |error: reqwest::Error| PictureError::NoAnswer(transport_message(&error));
    let mut response = client
        .get(url)
        .timeout(LIMIT)
        .send()
        .await
        .map_err(failed)?;
    if response.status() != http::StatusCode::OK {
        let status = response.status().as_u16();
        let words = format!("its host answered {status}, not with a picture");
        return Err(PictureError::NoAnswer(words));
    }
    let announced = response.content_length();
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(PictureError::TooLarge(limit));
    }
    let body = read_limited(&mut response, limit + 1)
        .await
        .map_err(failed)?;
    if body.len() > limit {
        return Err(PictureError::TooLarge(limit));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn t21_only_public_addresses_are_fetched() {
        for (address, public) in [
            ("https://8.8.8.8/a.png", true),
            ("https://[2606:4700::1111]/a.png", true),
            ("https://127.0.0.1/a.png", false),
            ("https://127.1/a.png", false),
            ("https://2130706433/a.png", false),
            ("https://0x7f000001/a.png", false),
            ("https://10.1.2.3/a.png", false),
            ("https://172.16.0.1/a.png", false),
            ("https://192.168.1.1/a.png", false),
            ("https://169.254.169.254/latest", false),
            ("https://100.64.0.1/", false),
            ("https://0.0.0.0/", false),
            ("https://255.255.255.255/", false),
            ("https://[::1]/a.png", false),
            ("https://[::ffff:127.0.0.1]/a.png", false),
            ("https://[fe80::1]/a.png", false),
            ("https://[fc00::1]/a.png", false),
            ("https://[64:ff9b::7f00:1]/a.png", false),
            ("https://[2002:7f00:1::]/a.png", false),
            ("https://localhost/a.png", false),
            ("https://localhost./a.png", false),
            ("https://a.localhost/a.png", false),
            ("https://router/a.png", false),
        ] {
            for proxied in [false, true] {
                let checked = check_host(&Url::parse(address).unwrap(), proxied).await;
                assert_eq!(checked.is_ok(), public, "{address}: {checked:?}");
            }
        }
    }

    /// A host that answers once.
    async fn host(answer: String) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        Url::parse(&format!("http://127.0.0.1:{port}/a.png")).unwrap()
    }

    #[tokio::test]
    async fn f96_the_size_is_bounded_and_only_an_answer_counts() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer =
            |head: &str, body: &str| format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}");
        let good = host(answer("200 OK", "12345")).await;
        assert_eq!(get(&client, good, 5).await.unwrap(), "12345");
        let large = host(answer("200 OK", "123456")).await;
        assert_eq!(get(&client, large, 5).await, Err(PictureError::TooLarge(5)));
        let told = host(answer("200 OK\r\ncontent-length: 6", "123456")).await;
        assert_eq!(get(&client, told, 5).await, Err(PictureError::TooLarge(5)));
        let gone = host(answer("404 Not Found", "")).await;
        let error = get(&client, gone, 5).await.unwrap_err().to_string();
        assert!(error.contains("404"), "{error}");
    }
}
