//! The head of an HTTP/1.1 exchange: the request's as bytes, the answer's from bytes. No IO.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use httparse::Status;

use super::framing::Framing;

/// More than any provider sends, and little enough that a broken one cannot fill the memory.
pub(super) const LONGEST: usize = 64 << 10;
const FEW: usize = 48;
const MANY: usize = 256;

/// The answer is not HTTP/1.1 as we can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct BrokenHead(pub &'static str);

const NOT_HTTP: BrokenHead = BrokenHead("the answer is not HTTP/1.1");

/// What a complete head says.
#[derive(Debug)]
pub(super) struct Head {
    pub response: Response<()>,
    pub framing: Framing,
    /// Whether another request may follow on the same connection.
    pub keeps_open: bool,
    /// Its length in the bytes read.
    pub length: usize,
}

/// The bytes of a request's head. `length` is that of the body; `None` sends no body.
pub(super) fn request(
    method: &Method,
    path: &str,
    host: &str,
    headers: &HeaderMap,
    length: Option<u64>,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(512 + 32 * headers.len());
    for part in [
        method.as_str(),
        " ",
        path,
        " HTTP/1.1\r\nhost: ",
        host,
        "\r\n",
    ] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if let Some(length) = length {
        head.extend_from_slice(b"content-length: ");
        head.extend_from_slice(length.to_string().as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Reads an answer's head; `None` while it is not complete.
pub(super) fn answer(read: &[u8]) -> Result<Option<Head>, BrokenHead> {
    let parsed = match parse(read, &mut [httparse::EMPTY_HEADER; FEW]) {
        Err(httparse::Error::TooManyHeaders) => {
            parse(read, &mut vec![httparse::EMPTY_HEADER; MANY])
        }
        parsed => parsed,
    };
    match parsed.map_err(|_| NOT_HTTP)? {
        None if read.len() > LONGEST => {
            Err(BrokenHead("the answer's headers are longer than 64 KiB"))
        }
        None => Ok(None),
        Some((response, minor, length)) => {
            let framing = framing(response.status(), response.headers())?;
            let keeps_open = framing != Framing::UntilClose
                && match minor {
                    0 => says(response.headers(), &header::CONNECTION, "keep-alive"),
                    _ => !says(response.headers(), &header::CONNECTION, "close"),
                };
            Ok(Some(Head {
                response,
                framing,
                keeps_open,
                length,
            }))
        }
    }
}

/// Status and headers, the minor version, and the head's length.
fn parse<'b>(
    read: &'b [u8],
    room: &mut [httparse::Header<'b>],
) -> Result<Option<(Response<()>, u8, usize)>, httparse::Error> {
    let mut parsed = httparse::Response::new(room);
    let Status::Complete(length) = parsed.parse(read)? else {
        return Ok(None);
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let (Some(status), Some(minor)) = (status, parsed.version) else {
        return Err(httparse::Error::Status);
    };
    // One copy of the head; every value is a slice of it.
    let kept = Bytes::copy_from_slice(&read[..length]);
    let mut headers = HeaderMap::with_capacity(parsed.headers.len());
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| httparse::Error::HeaderName)?;
        // An empty value may be no part of what was read.
        let value = match field.value {
            [] => Bytes::new(),
            value => {
                let at = value.as_ptr() as usize - read.as_ptr() as usize;
                kept.slice(at..at + value.len())
            }
        };
        let value =
            HeaderValue::from_maybe_shared(value).map_err(|_| httparse::Error::HeaderValue)?;
        headers.append(name, value);
    }
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(Some((response, minor, length)))
}

/// RFC 9112 §6.3.
fn framing(status: StatusCode, headers: &HeaderMap) -> Result<Framing, BrokenHead> {
    if status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return Ok(Framing::Length(0));
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        let last = headers
            .get_all(header::TRANSFER_ENCODING)
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next())
            .unwrap_or_default();
        return Ok(if last.trim().eq_ignore_ascii_case("chunked") {
            Framing::CHUNKED
        } else {
            Framing::UntilClose
        });
    }
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for part in value.as_bytes().split(|byte| *byte == b',') {
            let part = part.trim_ascii();
            let digits = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
            let told = std::str::from_utf8(part)
                .ok()
                .filter(|_| digits)
                .and_then(|part| part.parse::<u64>().ok());
            if told.is_none() || length.is_some_and(|before| told != Some(before)) {
                return Err(BrokenHead("the answer's length cannot be read"));
            }
            length = told;
        }
    }
    Ok(length.map_or(Framing::UntilClose, Framing::Length))
}

fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let chunked = Framing::CHUNKED;
        for (fields, status, framing, keeps_open) in [
            ("content-length: 5\r\n", 200, Framing::Length(5), true),
            ("content-length: 5, 5\r\n", 200, Framing::Length(5), true),
            (
                "Content-Length: 5\r\nConnection: Close\r\n",
                200,
                Framing::Length(5),
                false,
            ),
            ("transfer-encoding: chunked\r\n", 200, chunked, true),
            // The transfer coding wins over a length.
            (
                "content-length: 5\r\ntransfer-encoding: gzip, Chunked\r\n",
                200,
                chunked,
                true,
            ),
            (
                "transfer-encoding: chunked, gzip\r\n",
                200,
                Framing::UntilClose,
                false,
            ),
            ("", 200, Framing::UntilClose, false),
            ("content-length: 5\r\n", 204, Framing::Length(0), true),
            ("content-length: 5\r\n", 304, Framing::Length(0), true),
            ("x-empty:\r\n", 103, Framing::Length(0), true),
        ] {
            let text = format!("HTTP/1.1 {status} words here\r\n{fields}\r\nbody");
            let head = answer(text.as_bytes()).unwrap().unwrap();
            assert_eq!(
                (head.framing, head.keeps_open, head.length),
                (framing, keeps_open, text.len() - 4),
                "{text}"
            );
            assert_eq!(head.response.status().as_u16(), status);
            for end in 0..head.length {
                assert!(answer(&text.as_bytes()[..end]).unwrap().is_none());
            }
        }
        let old = answer(b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n")
            .unwrap()
            .unwrap();
        assert!(!old.keeps_open);
    }

    #[test]
    fn values_are_kept_as_they_came() {
        let head = answer(b"HTTP/1.1 200\r\nx-a: 1\r\nX-Empty:\r\nx-a:  two words \r\n\r\n")
            .unwrap()
            .unwrap();
        let all: Vec<_> = head.response.headers().get_all("x-a").iter().collect();
        assert_eq!(all, ["1", "two words"]);
        assert_eq!(head.response.headers()["x-empty"], "");
    }

    #[test]
    fn what_is_not_an_answer() {
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(LONGEST));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MANY + 1));
        for text in [
            "SSH-2.0-x\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
            &long,
            &many,
        ] {
            assert!(answer(text.as_bytes()).is_err(), "{text:.60}");
        }
        let fits = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FEW + 1));
        assert!(answer(fits.as_bytes()).unwrap().is_some());
    }

    #[test]
    fn requests() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        let head = request(
            &Method::POST,
            "/v1/x?q=1",
            "example.com:81",
            &headers,
            Some(7),
        );
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "POST /v1/x?q=1 HTTP/1.1\r\nhost: example.com:81\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 7\r\n\r\n"
        );
    }
}
