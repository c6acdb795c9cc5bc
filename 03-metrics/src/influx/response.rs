//! The head of a response, read from bytes that a stranger sends. Pure.

use thiserror::Error;

/// The longest head that is read.
pub const LONGEST_HEAD: usize = 16 * 1024;

/// What answers does not speak HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotHttp {
    /// A record of TLS, or a server that says that it expects one.
    #[error("it speaks TLS, which is not spoken here")]
    Tls,
    /// Something else.
    #[error("it does not speak HTTP: read `{0}`, expected `HTTP/1.1 …`")]
    Other(String),
    /// No end in sight.
    #[error("it sends a head of more than {LONGEST_HEAD} bytes")]
    TooLong,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// After so many bytes.
    Length(u64),
    /// In pieces, each with its length.
    Chunked,
    /// With the connection.
    ToTheEnd,
}

/// Status and what matters of the headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Such as 204.
    pub status: u16,
    /// How long to wait, in seconds. A date is not understood, and passed over.
    pub retry_after_s: Option<u64>,
    /// The server's clock, as it stands there.
    pub date: Option<String>,
    /// What the server calls itself.
    pub version: Option<String>,
    /// How the body ends.
    pub body: Body,
    /// Whether the connection may be used again.
    pub keep: bool,
    /// How many bytes the head takes.
    pub length: usize,
}

/// Reads the head at the beginning of what has come so far. `None` when more must come.
///
/// # Errors
/// When it is none, as soon as that is certain.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, NotHttp> {
    // solution: begin — Part E: the head of a response
    // A TLS record: alert or handshake, version 3.x.
    if let [0x15 | 0x16, 0x03, ..] = bytes {
        return Err(NotHttp::Tls);
    }
    let begins = bytes.len().min(5);
    if bytes[..begins] != b"HTTP/"[..begins] {
        return Err(NotHttp::Other(shown(bytes)));
    }
    let Some(end) = bytes.windows(4).take(LONGEST_HEAD).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > LONGEST_HEAD { Err(NotHttp::TooLong) } else { Ok(None) };
    };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ');
    let (protocol, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = ["HTTP/1.0", "HTTP/1.1"].contains(&protocol) && status.len() == 3;
    let status = status.parse().ok().filter(|status| known && (100..600).contains(status));
    let status: u16 = status.ok_or_else(|| NotHttp::Other(shown(first.as_bytes())))?;
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    let no_body = status < 200 || status == 204 || status == 304;
    let body =
        match (find("transfer-encoding"), find("content-length").and_then(|length| length.parse().ok())) {
            _ if no_body => Body::Length(0),
            (Some(_), _) => Body::Chunked,
            (None, Some(length)) => Body::Length(length),
            (None, None) => Body::ToTheEnd,
        };
    let close = find("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some(Head {
        status,
        retry_after_s: find("retry-after").and_then(|value| value.parse().ok()),
        date: find("date").map(str::to_string),
        version: find("x-influxdb-version").map(str::to_string),
        body,
        keep: protocol == "HTTP/1.1" && !close && body != Body::ToTheEnd,
        length: end + 4,
    }))
    // solution: end
}

/// How something begins that should have been something else.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
    text.chars().take(20).collect::<String>().escape_debug().to_string()
}
