//! The tasks on the crate `zeromq`, with and without lab 01's door.

use crate::{BURST, IN_FLIGHT, Task, median_us, rate};
use std::future::Future;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket, SocketRecv,
    SocketSend, SubSocket, ZmqMessage,
};
use zmq::door::Door;

/// How long a task may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which of tokio's runtimes, and what stands before the socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// All tasks of one end on its one thread.
    CurrentThread,
    /// The same, behind a door: as lab 01's programs are.
    Door,
    /// Two workers at either end.
    MultiThread,
}

impl Flavour {
    fn runtime(self) -> Runtime {
        let mut builder = match self {
            Flavour::CurrentThread | Flavour::Door => Builder::new_current_thread(),
            Flavour::MultiThread => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    }

    /// Runs one end in a thread of its own.
    fn spawn<T: Send + 'static, F: Future<Output = T>>(
        self,
        end: impl FnOnce() -> F + Send + 'static,
    ) -> JoinHandle<T> {
        thread::spawn(move || {
            let runtime = self.runtime();
            let done =
                runtime.block_on(async { timeout(PATIENCE, end()).await.expect("done within the bound") });
            drop(runtime);
            done
        })
    }

    /// A socket, where it listens, and its door, which must live as long.
    async fn listening<S: Socket>(self) -> (S, String, Option<Door>) {
        let mut socket = S::new();
        let anywhere = "tcp://127.0.0.1:0";
        if self == Flavour::Door {
            let door = Door::open(anywhere, &mut socket).await.expect("a free port");
            let endpoint = door.address.clone();
            return (socket, endpoint, Some(door));
        }
        let endpoint = socket.bind(anywhere).await.expect("a free port");
        (socket, endpoint.to_string(), None)
    }
}

async fn connected<S: Socket>(endpoint: &str) -> S {
    let mut socket = S::new();
    socket.connect(endpoint).await.expect("the other end listens");
    socket
}

/// Microseconds, or thousands a second.
pub fn measure(task: Task, flavour: Flavour) -> f64 {
    match task {
        Task::RoundTrips(trips) => round_trips(trips, flavour),
        Task::InFlight(requests) => in_flight(requests, flavour),
        Task::Push { messages, bytes, batch } => push(messages, bytes, batch, flavour),
        Task::Publish { messages, bytes } => publish(messages, bytes, flavour),
    }
}

fn round_trips(trips: usize, flavour: Flavour) -> f64 {
    let (say, said) = channel();
    // The client says when it has all its answers: a socket that is dropped takes along what it has not sent.
    let (done, mut over) = unbounded_channel::<()>();
    let serving = flavour.spawn(move || async move {
        let (mut rep, endpoint, _door) = flavour.listening::<RepSocket>().await;
        say.send(endpoint).expect("the client waits");
        for _ in 0..trips {
            let request = rep.recv().await.expect("a request");
            rep.send(request).await.expect("it takes a reply");
        }
        over.recv().await;
    });
    let endpoint = said.recv().expect("it listens");
    let asking = flavour.spawn(move || async move {
        let mut req = connected::<ReqSocket>(&endpoint).await;
        let mut times = Vec::with_capacity(trips);
        for _ in 0..trips {
            let begun = Instant::now();
            req.send(ZmqMessage::from(vec![0; 8])).await.expect("it takes a request");
            req.recv().await.expect("a reply");
            times.push(begun.elapsed());
        }
        drop(done);
        times
    });
    let times = asking.join().expect("the client does not panic");
    serving.join().expect("the server does not panic");
    median_us(times)
}

fn in_flight(requests: usize, flavour: Flavour) -> f64 {
    let (say, said) = channel();
    let (done, mut over) = unbounded_channel::<()>();
    let serving = flavour.spawn(move || async move {
        let (mut router, endpoint, _door) = flavour.listening::<RouterSocket>().await;
        say.send(endpoint).expect("the client waits");
        for _ in 0..requests {
            let request = router.recv().await.expect("a request");
            router.send(request).await.expect("it takes a reply");
        }
        over.recv().await;
    });
    let endpoint = said.recv().expect("it listens");
    let asking = flavour.spawn(move || async move {
        let mut dealer = connected::<DealerSocket>(&endpoint).await;
        let begun = Instant::now();
        let mut sent = 0;
        for received in 0..requests {
            while sent < requests && sent - received < IN_FLIGHT {
                dealer.send(ZmqMessage::from(vec![0; 8])).await.expect("it takes a request");
                sent += 1;
            }
            dealer.recv().await.expect("a reply");
        }
        drop(done);
        begun.elapsed()
    });
    let took = asking.join().expect("the client does not panic");
    serving.join().expect("the server does not panic");
    rate(requests, took)
}

fn push(messages: usize, bytes: usize, batch: usize, flavour: Flavour) -> f64 {
    let (say, said) = channel();
    let (done, mut over) = unbounded_channel::<()>();
    let pulling = flavour.spawn(move || async move {
        let (mut pull, endpoint, _door) = flavour.listening::<PullSocket>().await;
        say.send(endpoint).expect("the other end waits");
        for _ in 0..messages {
            let message = pull.recv().await.expect("a message");
            assert_eq!(message.get(0).map(|frame| frame.len()), Some(bytes * batch));
        }
        drop(done);
        Instant::now()
    });
    let endpoint = said.recv().expect("it listens");
    let pushing = flavour.spawn(move || async move {
        let mut push = connected::<PushSocket>(&endpoint).await;
        let samples = vec![0; bytes * batch];
        let begun = Instant::now();
        for _ in 0..messages {
            push.send(ZmqMessage::from(samples.clone())).await.expect("it takes a message");
        }
        over.recv().await;
        begun
    });
    let begun = pushing.join().expect("the sender does not panic");
    let ended = pulling.join().expect("the reader does not panic");
    rate(messages * batch, ended - begun)
}

fn publish(messages: usize, bytes: usize, flavour: Flavour) -> f64 {
    let (say, said) = channel();
    let (heard, mut hear) = unbounded_channel();
    let publishing = flavour.spawn(move || async move {
        let (mut publisher, endpoint, _door) = flavour.listening::<PubSocket>().await;
        say.send(endpoint).expect("the other end waits");
        while hear.try_recv().is_err() {
            publisher.send(ZmqMessage::from(vec![0])).await.expect("a PUB takes anything");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sample = vec![0; bytes];
        let begun = Instant::now();
        for number in 1..=messages {
            publisher.send(ZmqMessage::from(sample.clone())).await.expect("a PUB takes anything");
            if number % BURST == 0 || number == messages {
                hear.recv().await.expect("the burst is heard");
            }
        }
        begun.elapsed()
    });
    let endpoint = said.recv().expect("it listens");
    let listening = flavour.spawn(move || async move {
        let mut sub = connected::<SubSocket>(&endpoint).await;
        sub.subscribe("").await.expect("a subscription");
        let length = |message: ZmqMessage| message.get(0).map_or(0, |frame| frame.len());
        while length(sub.recv().await.expect("a call")) != 1 {}
        heard.send(()).expect("the publisher waits");
        let mut count = 0;
        while count < messages {
            if length(sub.recv().await.expect("a publication")) == bytes {
                count += 1;
                if count % BURST == 0 || count == messages {
                    heard.send(()).expect("the publisher waits");
                }
            }
        }
    });
    listening.join().expect("the subscriber does not panic");
    rate(messages, publishing.join().expect("the publisher does not panic"))
}
