//! Where a database is, and what is asked of it. Pure.

use super::token::Token;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The address of a server, as text cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Nothing that could be an address.
    #[error("read the address `{0}`, expected http://HOST:PORT, such as http://127.0.0.1:8086")]
    Malformed(String),
    /// Encrypted connections are not spoken here.
    #[error(
        "read the address `{0}`, expected one that begins with http://: TLS is not spoken here; put a proxy on this machine before it"
    )]
    Tls(String),
    /// A secret in an address ends up in logs.
    #[error(
        "read an address with a user or password in it, expected none; the token goes into --token-file or INFLUX_TOKEN"
    )]
    Secret,
}

/// `http://HOST:PORT/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or number of the host, without brackets.
    pub host: String,
    /// The port; 80 where none is said.
    pub port: u16,
    /// What stands before the path of each request: empty, or `/something`.
    pub prefix: String,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(text.escape_debug().to_string());
        if text.contains('@') {
            return Err(AddressError::Secret);
        }
        if text.starts_with("https://") {
            return Err(AddressError::Tls(text.to_string()));
        }
        let rest = text.strip_prefix("http://").ok_or_else(malformed)?;
        if rest.bytes().any(|byte| !(0x21..0x7f).contains(&byte) || byte == b'?' || byte == b'#') {
            return Err(malformed());
        }
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("80"))),
            None => place.split_once(':').map_or((place, Some("80")), |(host, port)| (host, Some(port))),
        };
        let port = port.and_then(|port| port.parse().ok()).filter(|port| *port != 0).ok_or_else(malformed)?;
        if host.is_empty() || host.contains(['[', ']']) {
            return Err(malformed());
        }
        Ok(Address { host: host.to_string(), port, prefix: path.trim_end_matches('/').to_string() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.prefix)
    }
}

impl Address {
    /// `HOST:PORT`, as a request names it.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A bucket of a database, and how to get at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub address: Address,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The secret.
    pub token: Token,
}
