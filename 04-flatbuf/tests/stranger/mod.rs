//! A publisher that speaks ZMTP 3.0 by hand (<https://rfc.zeromq.org/spec/23/>), and says what no library would.

#![allow(dead_code, reason = "each test file uses its own part")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The greeting: signature, version 3.0, mechanism NULL.
pub fn greeting() -> Vec<u8> {
    let mut greeting = vec![0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// READY of a socket of this kind.
pub fn ready(kind: &str) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend((kind.len() as u32).to_be_bytes());
    body.extend(kind.as_bytes());
    [&[4, body.len() as u8], &body[..]].concat()
}

/// A message of one frame.
pub fn frame(body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[0, length], body].concat(),
        Err(_) => [&[2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

/// A listener by hand.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// A connection of a subscriber: greeted, READY, and subscribed to everything.
pub async fn accept(listener: &TcpListener) -> TcpStream {
    let mut stream = listener.accept().await.unwrap().0;
    stream.write_all(&greeting()).await.unwrap();
    stream.read_exact(&mut [0; 64]).await.unwrap();
    stream.write_all(&ready("XPUB")).await.unwrap();
    // Its READY, and then its subscription: a byte, 1.
    for _ in 0..2 {
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.unwrap();
        stream.read_exact(&mut vec![0; head[1].into()]).await.unwrap();
    }
    stream
}
