//! Asks a database what is wrong with it. A shell.

use super::address::Target;
use super::connection::Connection;
use super::diagnosis::{Finding, Observed, Ping, diagnose, http_date};
use super::request;
use crate::clock::wall;
use std::time::Duration;

/// A line that is none. A server that checks lines refuses it, after it has looked at token and bucket; and nothing is written.
const MALFORMED: &[u8] = b"metrics_check value=\n";
/// How much of a server's words is said.
const WORDS: usize = 200;

/// Looks at address, clock, token, bucket and lines, without writing anything. No question takes longer than `patience`.
pub fn check(target: &Target, patience: Duration) -> Vec<Finding> {
    let mut observed = Observed {
        address: target.address.to_string(),
        has_token: !target.token.is_empty(),
        bucket: target.bucket.clone(),
        org: target.org.clone(),
        ..Observed::default()
    };
    // Each question on a connection of its own: that a server closes one in between is not wrong.
    let ask = |request: &[u8]| Connection::new(target.address.clone()).ask(request, patience);
    let before_ns = wall::now_ns();
    let ping = ask(&request::get(target, "/ping"));
    let after_ns = wall::now_ns();
    let hide = |text: String| target.token.hide_in(&text);
    observed.ping = Some(match ping {
        Ok(answer) => {
            let date_s = answer.head.date.as_deref().and_then(http_date);
            Ok(Ping { version: answer.head.version.map(hide), date_s, before_ns, after_ns })
        }
        Err(error) => Err(hide(error.to_string())),
    });
    if let Some(Ok(_)) = observed.ping {
        let answer = ask(&request::write(target, MALFORMED, false));
        observed.write = Some(match answer {
            // First hidden, then cut: a token that is cut in two is not found any more.
            Ok(answer) => Ok((answer.head.status, hide(answer.body).trim().chars().take(WORDS).collect())),
            Err(error) => Err(hide(error.to_string())),
        });
    }
    diagnose(&observed)
}
