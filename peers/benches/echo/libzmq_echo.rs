//! The same service on libzmq.

use crate::{REPLY, REQUEST, median_us, rate};
use libzmq::{Context, DEALER, REP, REQ, Socket, SocketType};
use std::thread;
use std::time::Instant;

/// How long libzmq may wait for a message, in milliseconds.
const PATIENCE_MS: i32 = 20_000;

fn socket(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).expect("a socket");
    socket.set_rcvtimeo(PATIENCE_MS).expect("an option");
    socket.set_sndtimeo(PATIENCE_MS).expect("an option");
    socket.set_sndhwm(0).expect("an option");
    socket.set_rcvhwm(0).expect("an option");
    socket
}

/// A server that answers so many requests, and a client that is connected to it. Each has a context of its own, as two programs would.
fn pair(server: SocketType, client: SocketType, requests: usize) -> (thread::JoinHandle<()>, Socket) {
    let listening = socket(&Context::new(), server);
    listening.bind("tcp://127.0.0.1:*").expect("a free port");
    let endpoint = listening.get_last_endpoint().expect("it is bound").expect("it is text");
    let serving = thread::spawn(move || {
        let reply = [0; REPLY];
        for _ in 0..requests {
            let request = listening.recv_bytes(0).expect("a request");
            assert_eq!(request.len(), REQUEST.len());
            listening.send(&reply[..], 0).expect("it takes a reply");
        }
    });
    let client = socket(&Context::new(), client);
    client.connect(&endpoint).expect("an endpoint");
    (serving, client)
}

/// The median round trip, in microseconds.
pub fn trip_us(trips: usize) -> f64 {
    let (serving, client) = pair(REP, REQ, trips);
    let mut times = Vec::with_capacity(trips);
    for _ in 0..trips {
        let begun = Instant::now();
        client.send(&REQUEST[..], 0).expect("it takes a request");
        assert_eq!(client.recv_bytes(0).expect("a reply").len(), REPLY);
        times.push(begun.elapsed());
    }
    serving.join().expect("the server does not panic");
    median_us(times)
}

/// Thousands of replies a second to requests that wait for nothing. libzmq gathers what is written by itself.
pub fn stream_rate(requests: usize) -> f64 {
    let (serving, client) = pair(DEALER, DEALER, requests);
    let begun = Instant::now();
    let mut replies = 0;
    for _ in 0..requests {
        client.send(&REQUEST[..], 0).expect("it takes a request");
        while client.recv_bytes(libzmq::DONTWAIT).is_ok() {
            replies += 1;
        }
    }
    while replies < requests {
        client.recv_bytes(0).expect("a reply");
        replies += 1;
    }
    let took = begun.elapsed();
    serving.join().expect("the server does not panic");
    rate(requests, took)
}
