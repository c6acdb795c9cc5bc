//! The bytes of a request. Pure.

use super::address::Target;

/// Text as it may stand in a query: letters, digits and `-._~` as they are, all else as `%` and two digits for each byte (RFC 3986).
pub fn percent_encode(text: &str) -> String {
    // solution: begin — Part E: text in a query
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
    // solution: end
}

/// A write of lines with times in nanoseconds: `POST /api/v2/write?org=…&bucket=…&precision=ns`. `gzipped` says that the body is.
pub fn write(target: &Target, body: &[u8], gzipped: bool) -> Vec<u8> {
    let path = format!(
        "/api/v2/write?org={}&bucket={}&precision=ns",
        percent_encode(&target.org),
        percent_encode(&target.bucket)
    );
    let encoding = if gzipped { "Content-Encoding: gzip\r\n" } else { "" };
    let more =
        format!("Content-Type: text/plain; charset=utf-8\r\n{encoding}Content-Length: {}\r\n", body.len());
    let mut bytes = head(target, "POST", &path, &more);
    bytes.extend_from_slice(body);
    bytes
}

/// A question without a body.
pub fn get(target: &Target, path: &str) -> Vec<u8> {
    head(target, "GET", path, "")
}

fn head(target: &Target, method: &str, path: &str, more: &str) -> Vec<u8> {
    let (prefix, host) = (&target.address.prefix, target.address.authority());
    let token = match target.token.is_empty() {
        true => String::new(),
        false => format!("Authorization: Token {}\r\n", target.token.reveal()),
    };
    let name = concat!("metrics/", env!("CARGO_PKG_VERSION"));
    format!("{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {name}\r\nAccept: */*\r\n{token}{more}\r\n").into_bytes()
}
