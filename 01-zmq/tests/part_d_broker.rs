//! Part D: many requests through one broker, each reply to its request.

mod stage;

use simnet::delay::Delay;
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, Tasks, act, play};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use zeromq::{DealerSocket, Socket, SocketRecv, SocketSend};
use zmq::attach::{frames, message};
use zmq::bounded::queue::{Full, Queue};
use zmq::broker::client::{Client, ClientError, Reply, Summary};
use zmq::broker::flow::{Flow, Refused};
use zmq::broker::serve::{Broker, Event};
use zmq::broker::server::{Server, Settings};
use zmq::endpoint;
use zmq::envelope::{Frames, NoEnvelope};
use zmq::reconnect::Unanswered;

fn of(words: &[&str]) -> Frames {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Where a broker listens, and what happens at it.
struct Watched {
    clients: String,
    servers: String,
    told: UnboundedReceiver<Event>,
}

async fn broker(tasks: &mut Tasks, clients: &str, servers: &str, limit: usize) -> Watched {
    let broker = Broker::bind(clients, servers, limit).await;
    let broker = expect_ok("a broker listens", "two endpoints", broker);
    let (tell, told) = unbounded_channel();
    let watched = Watched { clients: broker.clients_at.clone(), servers: broker.servers_at.clone(), told };
    tasks.spawn(broker.serve(move |event| _ = tell.send(event)));
    watched
}

async fn server(tasks: &mut Tasks, name: &str, broker: &str, work: Delay) {
    let (name, broker) = (name.to_string(), broker.to_string());
    let server = Server::connect(Settings { name, broker, work, seed: 7, patience: BOUND }).await;
    tasks.spawn(expect_ok("a server finds the broker", "", server).serve(|_| {}));
}

fn requests(client: &str, count: u64) -> Vec<String> {
    (1..=count).map(|number| format!("{client} request# {number}")).collect()
}

/// A server by hand, which decides itself when to answer.
async fn by_hand(broker: &str) -> DealerSocket {
    let mut server = DealerSocket::new();
    endpoint::connect(&mut server, broker, BOUND).await.unwrap();
    server
}

#[test]
fn part_d_a_queue_refuses_what_has_no_room() {
    let mut queue = Queue::new(2);
    expect("there is room", Ok(()), queue.push("a"));
    expect("there is room", Ok(()), queue.push("b"));
    expect("now there is none, and the item comes back", Err(Full { limit: 2, item: "c" }), queue.push("c"));
    expect("the first is the first", Some("a"), queue.pop());
    expect("there is room again", Ok(()), queue.push("c"));
    expect("nothing was dropped", vec!["b", "c"], std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>());
}

#[test]
fn part_d_requests_wait_for_a_server_and_no_more_than_may() {
    let mut flow = Flow::new(2);
    let (first, second) = (of(&["id", "1", "", "a"]), of(&["id", "2", "", "b"]));
    let none = of(&["id", "hello"]);
    let rule = "a request without a way back is refused";
    let refused = Err(Refused::NoEnvelope(NoEnvelope { frames: 2 }));
    expect(rule, refused, flow.request(none));
    expect("a request waits as it came", Ok(()), flow.request(first.clone()));
    expect("while there is room", Ok(()), flow.request(second.clone()));
    expect("at the limit there is none", false, flow.has_room());
    let refused = flow.request(of(&["id", "3", "", "c"]));
    expect("what has no room is refused, not dropped", Err(Refused::Full { limit: 2 }), refused);
    expect("nothing is sent while no server is there", None, flow.to_send());
    flow.joined();
    expect("the first is sent first", Some(first.clone()), flow.to_send());
    flow.give_back(first.clone());
    expect("what could not be sent is the first again", Some(first), flow.to_send());
    flow.left();
    expect("the last server has gone", None, flow.to_send());
    flow.joined();
    expect("the second is sent second", Some(second), flow.to_send());
    expect("each is sent once", None, flow.to_send());
}

#[test]
fn part_d_a_reply_is_matched_by_its_number() {
    let mut unanswered = Unanswered::default();
    let numbers = ["a", "b", "c"].map(|text| unanswered.ask(of(&[text])));
    expect("each request has a number of its own", [1, 2, 3], numbers);
    let take = Client::take;
    let reply = |number, asked: &str, text: &str| {
        Some(Reply { number, asked: asked.to_string(), text: text.to_string() })
    };
    let rule = "a reply belongs to the request of its number, whatever the order";
    expect(rule, reply(3, "c", "C"), take(&mut unanswered, of(&["3", "", "C"])));
    expect(rule, reply(1, "a", "A"), take(&mut unanswered, of(&["1", "", "A"])));
    for (none, why) in [
        (of(&["3", "", "C"]), "a second reply answers nobody"),
        (of(&["9", "", "I"]), "a reply to what was never asked answers nobody"),
        (of(&["2", "B"]), "a message without an empty frame is no reply"),
        (of(&["x", "", "B"]), "a message without a number is no reply"),
        (of(&["", "B"]), "a message without a number is no reply"),
        (of(&["1", "2", "", "B"]), "a message with two addresses is no reply to this client"),
        (Vec::new(), "a message without frames is no reply"),
    ] {
        expect(why, None, take(&mut unanswered, none));
    }
    expect("what was not answered waits", 1, unanswered.len());
    expect(rule, reply(2, "b", "B"), take(&mut unanswered, of(&["2", "", "B"])));
}

#[test]
fn part_d_many_requests_of_two_clients_are_each_answered_once() {
    play(async {
        let mut tasks = Tasks::new();
        let at = broker(&mut tasks, ANYWHERE, ANYWHERE, 1000).await;
        for name in ["S1", "S2", "S3"] {
            let work = Delay::uniform(Duration::ZERO, Duration::from_millis(4));
            server(&mut tasks, name, &at.servers, work).await;
        }
        let client = async |name: &str| {
            let mut client = Client::connect(&at.clients, BOUND).await.unwrap();
            let mut replies = BTreeMap::new();
            let tell = |reply: &Reply| {
                let rule = "the reply to a request speaks of that request";
                let suffix = format!("->{}", reply.asked);
                expect_that(rule, &suffix, reply.text.ends_with(&suffix), &reply.text);
                *replies.entry(reply.asked.clone()).or_insert(0) += 1;
            };
            let summary = client.ask_all(requests(name, 200), 50, tell).await;
            (expect_ok("all requests are answered", "a summary", summary), replies)
        };
        let both = async { tokio::join!(client("C1"), client("C2")) };
        let (first, second) = act(&mut tasks, both).await;
        for ((summary, replies), name) in [(first, "C1"), (second, "C2")] {
            let once: BTreeMap<_, _> = requests(name, 200).into_iter().map(|asked| (asked, 1)).collect();
            expect("each client's requests are answered, each once", once, replies);
            expect("so many are in flight at once", 50, summary.most_in_flight);
            let rule = "the run has replies that overtake others";
            expect_that(rule, "at least 1", summary.overtakings > 0, summary.overtakings);
        }
    });
}

#[test]
fn part_d_replies_in_the_opposite_order_find_their_requests() {
    play(async {
        let mut tasks = Tasks::new();
        let at = broker(&mut tasks, ANYWHERE, ANYWHERE, 1000).await;
        let mut server = by_hand(&at.servers).await;
        tasks.spawn(async move {
            let mut held = Vec::new();
            for _ in 0..20 {
                held.push(frames(server.recv().await.unwrap()));
            }
            for request in held.into_iter().rev() {
                // Twice: what is doubled answers nobody.
                server.send(message(request.clone())).await.unwrap();
                server.send(message(request)).await.unwrap();
            }
            std::future::pending().await
        });
        let mut client = Client::connect(&at.clients, BOUND).await.unwrap();
        let tell = |reply: &Reply| {
            expect("the reply is that to the request", reply.asked.clone(), reply.text.clone());
        };
        let summary = act(&mut tasks, client.ask_all(requests("C1", 20), 20, tell)).await;
        let (answered, most_in_flight, overtakings) = (20, 20, 19);
        let expected = Summary { answered, most_in_flight, overtakings, ignored: 19, again: 0 };
        expect("all are answered once, and copies ignored", Some(expected), summary.ok());
    });
}

/// A DEALER without a peer fails at once. So the broker keeps what it has read, and reads no more than it may keep.
#[test]
fn part_d_without_a_server_requests_wait_at_the_client() {
    play(async {
        let mut tasks = Tasks::new();
        let mut at = broker(&mut tasks, ANYWHERE, ANYWHERE, 5).await;
        let mut client = Client::connect(&at.clients, BOUND).await.unwrap();
        let asking = tokio::spawn(async move { client.ask_all(requests("C1", 20), 20, |_| {}).await });
        let event = act(&mut tasks, at.told.recv()).await;
        let full = matches!(event, Some(Event::Full(5)));
        expect_that("a broker reads no more than it may keep", "Full(5)", full, event);
        server(&mut tasks, "S1", &at.servers, Delay::NONE).await;
        let summary = act(&mut tasks, asking).await.unwrap();
        let answered = summary.map(|summary| summary.answered).ok();
        expect("and none is lost", Some(20), answered);
    });
}

#[test]
fn part_d_a_client_of_a_silent_broker_says_what_it_waits_for() {
    play(async {
        let mut tasks = Tasks::new();
        let at = broker(&mut tasks, ANYWHERE, ANYWHERE, 5).await;
        let mut client = Client::connect(&at.clients, BOUND).await.unwrap();
        client.patience = Duration::from_millis(200);
        let got = act(&mut tasks, client.ask_all(requests("C1", 20), 4, |_| {})).await;
        let holds = matches!(got, Err(ClientError::Silent { count: 4, first: 1, .. }));
        expect_that("a client waits for its patience", "Silent, 4 requests, the first is 1", holds, got);
    });
}

/// The broker dies with all requests in the hands of a server that does not answer. Another takes its place.
#[test]
fn part_d_a_broker_that_comes_back_is_asked_again() {
    play(async {
        let (mut tasks, mut first_life) = (Tasks::new(), Tasks::new());
        let at = broker(&mut first_life, ANYWHERE, ANYWHERE, 100).await;
        let mut silent = by_hand(&at.servers).await;
        let mut client = Client::connect(&at.clients, BOUND).await.unwrap();
        let asking = tokio::spawn(async move { client.ask_all(requests("C1", 8), 8, |_| {}).await });
        for _ in 0..8 {
            act(&mut first_life, silent.recv()).await.unwrap();
        }
        first_life.shutdown().await;
        drop(silent);
        let at = broker(&mut tasks, &at.clients, &at.servers, 100).await;
        server(&mut tasks, "S1", &at.servers, Delay::NONE).await;
        let summary = act(&mut tasks, asking).await.unwrap().map(|summary| (summary.answered, summary.again));
        expect("what was not answered is asked again, and answered", Some((8, 8)), summary.ok());
    });
}
