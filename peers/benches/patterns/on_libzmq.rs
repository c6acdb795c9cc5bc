//! The tasks on libzmq.

use crate::{BURST, IN_FLIGHT, Task, median_us, rate};
use libzmq::{Context, DEALER, PUB, PULL, PUSH, REP, REQ, ROUTER, SUB, Socket, SocketType};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn socket(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).expect("a socket");
    socket.set_rcvtimeo(PATIENCE.as_millis() as i32).expect("an option");
    socket.set_sndtimeo(PATIENCE.as_millis() as i32).expect("an option");
    socket.set_sndhwm(0).expect("an option");
    socket.set_rcvhwm(0).expect("an option");
    socket
}

/// A socket that listens, and one that is connected to it; each in a context of its own, as in two programs.
fn pair(listening: SocketType, connecting: SocketType) -> (Socket, Socket) {
    let one = socket(&Context::new(), listening);
    one.bind("tcp://127.0.0.1:*").expect("a free port");
    let endpoint = one.get_last_endpoint().expect("it is bound").expect("it is text");
    let other = socket(&Context::new(), connecting);
    other.connect(&endpoint).expect("an endpoint");
    (one, other)
}

/// Microseconds, or thousands a second.
pub fn measure(task: Task) -> f64 {
    match task {
        Task::RoundTrips(trips) => round_trips(trips),
        Task::InFlight(requests) => in_flight(requests),
        Task::Push { messages, bytes, batch } => push(messages, bytes, batch),
        Task::Publish { messages, bytes } => publish(messages, bytes),
    }
}

fn round_trips(trips: usize) -> f64 {
    let (rep, req) = pair(REP, REQ);
    let serving = thread::spawn(move || {
        for _ in 0..trips {
            let request = rep.recv_bytes(0).expect("a request");
            rep.send(request, 0).expect("it takes a reply");
        }
    });
    let mut times = Vec::with_capacity(trips);
    for _ in 0..trips {
        let begun = Instant::now();
        req.send(&[0; 8][..], 0).expect("it takes a request");
        req.recv_bytes(0).expect("a reply");
        times.push(begun.elapsed());
    }
    serving.join().expect("the server does not panic");
    median_us(times)
}

fn in_flight(requests: usize) -> f64 {
    let (router, dealer) = pair(ROUTER, DEALER);
    let serving = thread::spawn(move || {
        for _ in 0..requests {
            let frames = router.recv_multipart(0).expect("a request");
            router.send_multipart(frames, 0).expect("it takes a reply");
        }
    });
    let begun = Instant::now();
    let mut sent = 0;
    for received in 0..requests {
        while sent < requests && sent - received < IN_FLIGHT {
            dealer.send(&[0; 8][..], 0).expect("it takes a request");
            sent += 1;
        }
        dealer.recv_bytes(0).expect("a reply");
    }
    let took = begun.elapsed();
    serving.join().expect("the server does not panic");
    rate(requests, took)
}

fn push(messages: usize, bytes: usize, batch: usize) -> f64 {
    let (pull, push) = pair(PULL, PUSH);
    let pulling = thread::spawn(move || {
        for _ in 0..messages {
            assert_eq!(pull.recv_bytes(0).expect("a message").len(), bytes * batch);
        }
    });
    let samples = vec![0; bytes * batch];
    let begun = Instant::now();
    for _ in 0..messages {
        push.send(&samples[..], 0).expect("it takes a message");
    }
    pulling.join().expect("the reader does not panic");
    rate(messages * batch, begun.elapsed())
}

fn publish(messages: usize, bytes: usize) -> f64 {
    let publisher = socket(&Context::new(), PUB);
    publisher.bind("tcp://127.0.0.1:*").expect("a free port");
    let endpoint = publisher.get_last_endpoint().expect("it is bound").expect("it is text");
    let (heard, hear) = sync_channel(messages);
    let listening = thread::spawn(move || {
        let sub = socket(&Context::new(), SUB);
        sub.connect(&endpoint).expect("an endpoint");
        sub.set_subscribe(b"").expect("an option");
        // The first says that the subscription is in force.
        while sub.recv_bytes(0).expect("a call").len() != 1 {}
        heard.send(()).expect("the publisher waits");
        let mut count = 0;
        while count < messages {
            if sub.recv_bytes(0).expect("a publication").len() == bytes {
                count += 1;
                if count % BURST == 0 || count == messages {
                    heard.send(()).expect("the publisher waits");
                }
            }
        }
    });
    while hear.try_recv().is_err() {
        publisher.send(&[0][..], 0).expect("a PUB takes anything");
        thread::sleep(Duration::from_millis(1));
    }
    let sample = vec![0; bytes];
    let begun = Instant::now();
    for number in 1..=messages {
        publisher.send(&sample[..], 0).expect("a PUB takes anything");
        if number % BURST == 0 || number == messages {
            hear.recv_timeout(PATIENCE).expect("the burst is heard");
        }
    }
    let took = begun.elapsed();
    listening.join().expect("the subscriber does not panic");
    rate(messages, took)
}
