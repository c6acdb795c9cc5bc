//! A database on the loopback that answers by a script, and remembers what it was asked. Each wait is bounded.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::disallowed_methods, reason = "a server is a thread of its own")]

use flate2::read::GzDecoder;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a test waits before it is sure that nothing comes.
pub const BOUND: Duration = Duration::from_secs(20);

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers so: status, more headers, body.
    Says(u16, &'static str, &'static str),
    /// Reads the request, and hangs up.
    HangsUp,
    /// Reads the request, and answers nothing.
    Silent,
    /// These bytes, whatever they are.
    Raw(&'static [u8]),
}

/// All is well.
pub const TAKEN: Reply = Reply::Says(204, "", "");

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first line.
    pub line: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: String,
    /// What was answered.
    pub reply: Reply,
}

impl Asked {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A server.
pub struct Server {
    /// Where it is.
    pub at: SocketAddr,
    asked: Receiver<Asked>,
    script: Arc<Mutex<VecDeque<Reply>>>,
}

impl Server {
    /// Starts one on a free port. Once the script is over it takes everything.
    pub fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Server::listen(TcpListener::bind("127.0.0.1:0").expect("a port"), script)
    }

    /// Starts one on this listener.
    pub fn listen(listener: TcpListener, script: impl IntoIterator<Item = Reply>) -> Self {
        let at = listener.local_addr().expect("it listens");
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let (tell, asked) = channel();
        let replies = script.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, replies) = (tell.clone(), replies.clone());
                thread::spawn(move || serve(&stream, &tell, &replies));
            }
        });
        Server { at, asked, script }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The next request that it got.
    #[track_caller]
    pub fn asked(&self) -> Asked {
        match self.asked.recv_timeout(BOUND) {
            Ok(asked) => asked,
            Err(_) => panic!(
                "rule broken: what is not yet written is sent\n  expected: a request\n  got: none within {BOUND:?}"
            ),
        }
    }

    /// All requests that it got by now.
    pub fn all_asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

fn serve(stream: &TcpStream, tell: &Sender<Asked>, script: &Mutex<VecDeque<Reply>>) -> Option<()> {
    stream.set_read_timeout(Some(BOUND)).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (line, headers, body) = request(&mut reader)?;
        let reply = script.lock().ok()?.pop_front().unwrap_or(TAKEN);
        let _ = tell.send(Asked { line, headers, body, reply: reply.clone() });
        let mut out = stream;
        match reply {
            Reply::HangsUp => return None,
            Reply::Silent => {}
            Reply::Raw(bytes) => {
                out.write_all(bytes).ok()?;
                return None;
            }
            Reply::Says(status, headers, body) => {
                let length =
                    if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
                write!(out, "HTTP/1.1 {status} Reason\r\n{headers}{length}\r\n{body}").ok()?;
            }
        }
    }
}

/// First line, headers, body.
type Request = (String, Vec<(String, String)>, String);

fn request(reader: &mut impl BufRead) -> Option<Request> {
    let mut next = || -> Option<String> {
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_string())
    };
    let line = next()?;
    let mut headers = Vec::new();
    loop {
        let header = next()?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ")?;
        headers.push((name.to_string(), value.to_string()));
    }
    let find = |name: &str| {
        headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let mut body = vec![0; find("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut text = String::new();
    match find("content-encoding").as_deref() {
        Some("gzip") => GzDecoder::new(&body[..]).read_to_string(&mut text).ok()?,
        _ => body.as_slice().read_to_string(&mut text).ok()?,
    };
    Some((line, headers, text))
}
