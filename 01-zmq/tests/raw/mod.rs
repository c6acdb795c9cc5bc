//! A peer that speaks ZMTP 3.0 by hand (<https://rfc.zeromq.org/spec/23/>), as slowly as a test likes, and holds back what it likes.

#![allow(dead_code, reason = "each test file uses its own part")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Flags of a frame: more frames of this message follow; the length has 8 bytes; a command.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// A listener by hand.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// One connection.
pub struct Raw(pub TcpStream);

impl Raw {
    /// Connects, and says nothing yet.
    pub async fn connect(endpoint: &str) -> Self {
        let address = endpoint.strip_prefix("tcp://").expect("a TCP endpoint");
        Raw(TcpStream::connect(address).await.unwrap())
    }

    /// Accepts, and says nothing yet.
    pub async fn accept(listener: &TcpListener) -> Self {
        Raw(listener.accept().await.unwrap().0)
    }

    /// Greeting and READY, both ways, as a socket of this kind.
    pub async fn handshake(&mut self, kind: &str) {
        self.greet().await;
        self.ready(kind).await;
    }

    /// The greeting, both ways: signature, version 3.0, mechanism NULL.
    pub async fn greet(&mut self) {
        let mut greeting = [0; 64];
        greeting[0] = 0xff;
        greeting[9] = 0x7f;
        greeting[10] = 3;
        greeting[12..16].copy_from_slice(b"NULL");
        self.0.write_all(&greeting).await.unwrap();
        self.0.read_exact(&mut [0; 64]).await.unwrap();
    }

    /// READY, both ways.
    pub async fn ready(&mut self, kind: &str) {
        let mut property = vec![b"Socket-Type".len() as u8];
        property.extend(b"Socket-Type");
        property.extend((kind.len() as u32).to_be_bytes());
        property.extend(kind.as_bytes());
        self.command("READY", &property).await;
        self.frame().await.expect("the other side is READY, too");
    }

    /// A command: its name, and what follows it.
    pub async fn command(&mut self, name: &str, data: &[u8]) {
        let body = [&[name.len() as u8], name.as_bytes(), data].concat();
        self.0.write_all(&[COMMAND, body.len() as u8]).await.unwrap();
        self.0.write_all(&body).await.unwrap();
    }

    /// A libzmq peer's heartbeat: PING with a time to live of 1 s, and no context.
    pub async fn ping(&mut self) {
        self.command("PING", &10_u16.to_be_bytes()).await;
    }

    /// A message of short frames.
    pub async fn send(&mut self, frames: &[&[u8]]) {
        for (at, frame) in frames.iter().enumerate() {
            let more = if at + 1 < frames.len() { MORE } else { 0 };
            self.0.write_all(&[more, frame.len() as u8]).await.unwrap();
            self.0.write_all(frame).await.unwrap();
        }
    }

    /// The next frame, and whether more of the message follow; `None` at the end of the connection.
    async fn frame(&mut self) -> Option<(Vec<u8>, bool)> {
        let flags = self.0.read_u8().await.ok()?;
        let length = if flags & LONG == 0 {
            u64::from(self.0.read_u8().await.ok()?)
        } else {
            self.0.read_u64().await.ok()?
        };
        let mut frame = vec![0; length as usize];
        self.0.read_exact(&mut frame).await.ok()?;
        Some((frame, flags & MORE != 0))
    }

    /// The next message; `None` at the end of the connection.
    pub async fn recv(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        loop {
            let (frame, more) = self.frame().await?;
            frames.push(frame);
            if !more {
                return Some(frames);
            }
        }
    }

    /// So many messages of one short frame, read in large pieces: their payloads, and fewer at the end of the connection.
    pub async fn recv_many(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut reader = tokio::io::BufReader::with_capacity(1 << 16, &mut self.0);
        let mut got = Vec::new();
        while got.len() < count {
            let Ok(flags) = reader.read_u8().await else { break };
            let length = if flags & LONG == 0 {
                u64::from(reader.read_u8().await.unwrap())
            } else {
                reader.read_u64().await.unwrap()
            };
            let mut frame = vec![0; length as usize];
            if reader.read_exact(&mut frame).await.is_err() {
                break;
            }
            got.push(frame);
        }
        got
    }
}
