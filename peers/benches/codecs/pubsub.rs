//! Samples through PUB/SUB: written, sent, received, read; either end is a thread with a runtime of its own, over TCP on loopback.

use crate::sample::{Codec, Encoder};
use bytes::Bytes;
use flatbuf::sample::Sample;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::time::timeout;
use zeromq::{Socket, SocketRecv, SocketSend, SubSocket, XPubSocket, ZmqMessage};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn block_on<T>(end: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { timeout(PATIENCE, end).await.expect("done within the bound") })
}

async fn publish(codec: Codec, sample: Sample, messages: u32, at: SyncSender<String>, done: Receiver<()>) {
    let mut socket = XPubSocket::new();
    let endpoint = socket.bind("tcp://127.0.0.1:0").await.expect("a free port");
    at.send(endpoint.to_string()).expect("the other end waits");
    socket.recv().await.expect("a subscription");
    let (mut encoder, mut sample) = (Encoder::new(codec), sample);
    for number in 0..messages {
        sample.seq_no = number;
        // An XPUB writes before `send` returns: nothing is dropped.
        let bytes = Bytes::copy_from_slice(encoder.encode(&sample));
        socket.send(ZmqMessage::from(bytes)).await.expect("it is connected");
    }
    done.recv().expect("the other end says when it has everything");
}

async fn subscribe(codec: Codec, endpoint: &str, messages: u32) -> Duration {
    let mut socket = SubSocket::new();
    socket.connect(endpoint).await.expect("the other end listens");
    socket.subscribe("").await.expect("it is connected");
    let (mut begun, mut sum) = (None, 0);
    for _ in 0..messages {
        let message = socket.recv().await.expect("the other end publishes");
        begun.get_or_insert_with(Instant::now);
        sum += codec.read_all(message.get(0).expect("one frame"));
    }
    std::hint::black_box(sum);
    begun.map(|begun| begun.elapsed()).unwrap_or_default()
}

/// Thousands of messages a second.
pub fn measure(codec: Codec, sample: &Sample, messages: u32) -> f64 {
    let (at, endpoint) = sync_channel(1);
    let (end, done) = sync_channel(1);
    let sample = sample.clone();
    let publisher = std::thread::spawn(move || block_on(publish(codec, sample, messages, at, done)));
    let endpoint = endpoint.recv().expect("the publisher says where");
    let took = block_on(subscribe(codec, &endpoint, messages));
    end.send(()).expect("the publisher waits");
    publisher.join().expect("the publisher has ended well");
    f64::from(messages) / took.as_secs_f64() / 1000.0
}
