//! Part E: sockets that come back, that linger, and whose queue has an end.

mod raw;
mod stage;

use raw::Raw;
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, play};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::timeout;
use zeromq::{DealerSocket, PushSocket, RouterSocket, Socket, SocketRecv, SocketSend};
use zmq::attach::{frames, message};
use zmq::bounded::credit::Credit;
use zmq::bounded::receiver::Receiver;
use zmq::bounded::sender::{NotSent, Sender};
use zmq::endpoint::{self, EndpointError};
use zmq::envelope::Frames;
use zmq::linger::{self, Lingering};
use zmq::reconnect::Push;

const SHORT: Duration = Duration::from_millis(100);

fn of(words: &[&str]) -> Frames {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn numbered(number: usize) -> Frames {
    vec![number.to_string().into_bytes()]
}

async fn bound<S: Socket>(endpoint: &str) -> (S, String) {
    let mut socket = S::new();
    let bound = endpoint::bind(&mut socket, endpoint).await;
    (socket, expect_ok("a server gets its port, and again", "an endpoint", bound.as_ref()).clone())
}

/// A connection to a receiver by hand, as the receiver sees it. A PULL of the library would not do: dropped, it keeps its connections.
async fn pull(listener: &TcpListener) -> Raw {
    let mut peer = Raw::accept(listener).await;
    peer.handshake("PULL").await;
    peer
}

#[test]
fn part_e_a_push_finds_the_receiver_that_came_back() {
    play(async {
        let (listener, endpoint) = raw::listen().await;
        let (push, mut first) = tokio::join!(Push::connect(&endpoint, BOUND), pull(&listener));
        let mut push = push.unwrap();
        push.send(&numbered(0)).await.unwrap();
        expect("the receiver is there", Some(numbered(0)), first.recv().await);
        drop(first);
        // What goes to the dead one is lost; how much that is, nobody can say. From the first that arrives nothing is missing.
        let sending = async {
            let mut sent = 0;
            while push.returns() == 0 {
                sent += 1;
                push.send(&numbered(sent)).await.unwrap();
                tokio::task::yield_now().await;
            }
            for _ in 0..1000 {
                sent += 1;
                push.send(&numbered(sent)).await.unwrap();
            }
            push.send(&of(&["end"])).await.unwrap();
            (sent, push.returns())
        };
        let receiving = async {
            let mut second = pull(&listener).await;
            let mut got = Vec::new();
            loop {
                match second.recv().await {
                    Some(frames) if frames != of(&["end"]) => {
                        got.push(str::from_utf8(&frames[0]).unwrap().parse::<usize>().unwrap());
                    }
                    // The connection is kept: it ends with the test.
                    _ => return (got, second),
                }
            }
        };
        let ((sent, returns), (got, _second)) = tokio::join!(sending, receiving);
        expect("it has connected again, once", 1, returns);
        let gapless: Vec<_> = (got.first().copied().unwrap_or(sent + 1)..=sent).collect();
        expect("after the return nothing is lost or doubled", gapless, got.clone());
        expect_that("and all sent since came", "1001 at least", got.len() > 1000, got.len());
    });
}

#[test]
fn part_e_a_push_whose_receiver_stays_away_says_so() {
    play(async {
        let (listener, endpoint) = raw::listen().await;
        let (push, receiver) = tokio::join!(Push::connect(&endpoint, BOUND), pull(&listener));
        let mut push = push.unwrap();
        push.patience = SHORT;
        drop((listener, receiver));
        let failed = loop {
            match push.send(&numbered(1)).await {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        let nobody = matches!(failed, EndpointError::Unreachable(..));
        expect_that("a send waits for its patience", "Nobody", nobody, failed);
    });
}

/// 64 MB, more than all buffers between the two hold.
const MESSAGES: usize = 1000;
const LARGE: usize = 64 * 1024;

/// A PUSH that has sent all of them, to a peer that has read none.
async fn all_sent() -> (PushSocket, Raw) {
    let (listener, endpoint) = raw::listen().await;
    let mut push = PushSocket::new();
    let (connected, peer) = tokio::join!(push.connect(&endpoint), pull(&listener));
    connected.unwrap();
    for _ in 0..MESSAGES {
        push.send(vec![7; LARGE].into()).await.unwrap();
    }
    (push, peer)
}

/// A program that ends takes its queues with it.
#[test]
fn part_e_what_is_in_the_queue_is_lost_with_the_program() {
    let program = Builder::new_current_thread().enable_all().build().unwrap();
    let (push, peer) = program.block_on(all_sent());
    drop(push);
    let peer = peer.0.into_std().unwrap();
    drop(program);
    play(async {
        let mut peer = Raw(tokio::net::TcpStream::from_std(peer).unwrap());
        let got = peer.recv_many(MESSAGES).await.len();
        let rule = format!("the mistake: {MESSAGES} messages were sent, it says");
        expect_that(rule, "fewer arrive", got < MESSAGES, got);
    });
}

#[test]
fn part_e_who_lingers_loses_nothing() {
    play(async {
        let (push, mut peer) = all_sent().await;
        let (closed, got) = tokio::join!(linger::close(push, BOUND), peer.recv_many(MESSAGES));
        expect("everything was written", Ok(()), closed);
        expect("and has arrived", MESSAGES, got.len());
        let whole = got.iter().all(|message| message.len() == LARGE);
        expect("whole", true, whole);
        expect("then the connection ends", None, peer.recv().await);
    });
}

#[test]
fn part_e_lingering_is_bounded() {
    play(async {
        let (push, _peer) = all_sent().await;
        let rule = "who lingers for a peer that does not read gives up after its bound";
        expect(rule, Err(Lingering(SHORT)), linger::close(push, SHORT).await);
        let (dealer, _) = bound::<DealerSocket>(ANYWHERE).await;
        expect("with nothing to write it ends at once", Ok(()), linger::close(dealer, BOUND).await);
    });
}

#[test]
fn part_e_credit_is_spent_and_earned() {
    let mut credit = Credit::default();
    expect("without a grant nothing may be sent", false, credit.spend());
    credit.grant(2);
    expect("the first grant is the window", (2, 0), (credit.left(), credit.on_the_way()));
    expect("so much may be sent", [true, true, false], std::array::from_fn(|_| credit.spend()));
    expect("and is on the way", (0, 2), (credit.left(), credit.on_the_way()));
    credit.grant(1);
    expect("what is taken is not on the way", (1, 1), (credit.left(), credit.on_the_way()));
}

/// A DEALER says `Ok` to whatever it is given, long before its peer has read anything.
#[test]
fn part_e_a_send_that_succeeds_says_nothing_of_the_queue() {
    play(async {
        let (listener, endpoint) = raw::listen().await;
        let mut dealer = DealerSocket::new();
        let accepting = async {
            let mut peer = Raw::accept(&listener).await;
            peer.handshake("ROUTER").await;
            peer
        };
        let (connected, _peer) = tokio::join!(dealer.connect(&endpoint), accepting);
        connected.unwrap();
        for _ in 0..50_000 {
            let sent = timeout(BOUND, dealer.send(vec![0; 1024].into())).await;
            let sent = sent.is_ok_and(|sent| sent.is_ok());
            expect("the mistake: 50 MB wait in memory, and every send says Ok", true, sent);
        }
    });
}

/// The receiver is played by hand: it grants what the test says, and no more.
#[test]
fn part_e_without_credit_a_sender_waits_or_is_refused() {
    play(async {
        let (mut receiver, endpoint) = bound::<RouterSocket>(ANYWHERE).await;
        let mut sender = Sender::connect(&endpoint, BOUND).await.unwrap();
        sender.patience = SHORT;
        let hello = frames(receiver.recv().await.unwrap());
        expect("a sender asks for credit", of(&[""]), hello[1..].to_vec());
        let identity = hello[0].clone();
        let none = NotSent::NoCredit { on_the_way: 0 };
        expect("without any it is refused", Err(none.clone()), sender.try_send(&of(&["a"])).await);
        expect("or waits for its patience", Err(none), sender.send(&of(&["a"])).await);
        sender.patience = BOUND;
        let grant = |count: &str| message(vec![identity.clone(), Vec::new(), count.as_bytes().to_vec()]);
        receiver.send(grant("3")).await.unwrap();
        for number in 0..3 {
            expect("with credit it sends", Ok(()), sender.send(&numbered(number)).await);
        }
        let spent = NotSent::NoCredit { on_the_way: 3 };
        sender.patience = SHORT;
        expect("and no more than that", Err(spent), sender.send(&numbered(3)).await);
        sender.patience = BOUND;
        receiver.send(message(vec![identity.clone(), b"nonsense".to_vec()])).await.unwrap();
        receiver.send(grant("nonsense")).await.unwrap();
        receiver.send(grant("1")).await.unwrap();
        expect("credit comes, and nonsense is none", Ok(()), sender.send(&numbered(3)).await);
        for number in 0..4 {
            let got = frames(receiver.recv().await.unwrap());
            expect("nothing is lost, nothing overtakes", numbered(number), got[2..].to_vec());
        }
        receiver.close().await;
        let gone = loop {
            match sender.try_send(&numbered(4)).await {
                Err(NotSent::NoCredit { .. }) => tokio::task::yield_now().await,
                other => break other,
            }
        };
        let rule = "a receiver that has gone is told from one that is slow";
        expect(rule, Err(NotSent::Gone { on_the_way: 3 }), gone);
    });
}

#[test]
fn part_e_whatever_the_window_all_arrives_in_order() {
    play(async {
        for window in [1, 2, 7, 1000] {
            let mut receiver = Receiver::bind(ANYWHERE, window).await.unwrap();
            let mut sender = Sender::connect(&receiver.endpoint, BOUND).await.unwrap();
            let mut sending = tokio::spawn(async move {
                for number in 0..500 {
                    let sent = sender.send(&numbered(number)).await;
                    expect("a sender goes on when the receiver takes", Ok(()), sent);
                    let rule = format!("with a window of {window} no more are on the way");
                    expect_that(
                        rule,
                        "at most the window",
                        sender.on_the_way() <= window,
                        sender.on_the_way(),
                    );
                }
                sender.finish().await
            });
            let mut got = Vec::new();
            let finished = loop {
                tokio::select! {
                    finished = &mut sending => break finished,
                    came = receiver.recv() => got.push(came.unwrap()),
                }
            };
            let finished = finished.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            expect("in the end all is taken", Ok(()), finished);
            expect("all arrives, once, in order", (0..500).map(numbered).collect::<Vec<_>>(), got);
        }
    });
}
