//! Part B: many publishers and many subscribers, and what can be seen between them.

mod beside;

use beside::{BOUND, beside, soon};
use simnet::rule::{expect, expect_ok, expect_that};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use zeromq::{Socket, SocketRecv, SocketSend, SubSocket, XPubSocket, XSubSocket, ZmqMessage};
use zmq::door::Door;
use zmq::endpoint::{bind, connect};
use zmq::proxy::gate::{Gate, GateError, LONGEST_SUBSCRIPTION, MOST_SUBSCRIPTIONS, frame};
use zmq::proxy::inspector::{Inspector, MOST_TOPICS, OTHERS, Rule, Seen as Counted, Verdict};
use zmq::proxy::poller::{Seen, proxy};
use zmq::proxy::subscriptions::Subscriptions;
use zmq::weather::subscription::Subscription;

fn begin(topic: impl AsRef<[u8]>) -> Subscription {
    Subscription::Begin(topic.as_ref().to_vec())
}

fn end(topic: impl AsRef<[u8]>) -> Subscription {
    Subscription::End(topic.as_ref().to_vec())
}

fn rewrite(from: &str, to: &str) -> Rule {
    Rule::Rewrite { from: from.into(), to: to.into() }
}

#[test]
fn part_b_a_topic_goes_up_with_the_first_and_is_taken_back_with_the_last() {
    let mut subscriptions = Subscriptions::default();
    for (subscription, news) in [
        (begin("a"), true),
        (begin("a"), false),
        (begin("ab"), true),
        (begin("a"), false),
        (end("a"), false),
        (end("a"), false),
        (end("ab"), true),
        (end("a"), true),
        (begin("a"), true),
        (end("a"), true),
        (begin(""), true),
        (end(""), true),
    ] {
        let rule = "a topic goes upstream when the first wants it, and is taken back when the last has gone";
        let expected = news.then(|| subscription.clone());
        expect(format!("{rule} ({subscription})"), expected, subscriptions.change(&subscription));
    }
    expect("a topic that nobody wants is forgotten", 0, subscriptions.wanted().count());
}

#[test]
fn part_b_the_end_of_what_nobody_wants_changes_nothing() {
    let mut subscriptions = Subscriptions::default();
    let rule = "the end of what nobody wants changes nothing";
    expect(rule, None, subscriptions.change(&end("a")));
    expect("the first goes upstream", Some(begin("a")), subscriptions.change(&begin("a")));
    expect(rule, None, subscriptions.change(&end("b")));
    expect(rule, None, subscriptions.change(&begin("a")));
    expect("how many want what is counted", vec![(&b"a"[..], 2)], subscriptions.wanted().collect::<Vec<_>>());
}

#[test]
fn part_b_what_goes_by_is_counted_by_topic() {
    let mut inspector = Inspector::new(vec![Rule::Drop(b"noise:9".to_vec())]);
    for (message, bytes) in [("temp:70 x", 9), ("temp:71", 7), ("temp", 20), ("noise:90", 8), ("noise:8", 7)]
    {
        inspector.inspect(&mut message.into(), bytes);
    }
    let seen: BTreeMap<&[u8], Counted> = inspector.seen().collect();
    let expected = BTreeMap::from([
        (&b"noise"[..], Counted { messages: 2, bytes: 15, dropped: 1 }),
        (&b"temp"[..], Counted { messages: 3, bytes: 36, dropped: 0 }),
    ]);
    expect("messages, bytes and what was dropped are counted by topic", expected, seen);
    for number in 0..2 * MOST_TOPICS {
        inspector.inspect(&mut format!("{number} 1 1").into(), 1);
    }
    let topics = inspector.seen().count();
    expect("whoever invents topics fills no table", MOST_TOPICS + 1, topics);
    let rest: u64 =
        inspector.seen().filter(|(topic, _)| *topic == OTHERS).map(|(_, seen)| seen.messages).sum();
    expect("what has no place of its own is counted together", MOST_TOPICS as u64 + 2, rest);
}

#[test]
fn part_b_the_first_rule_that_fits_decides() {
    let rules = vec![rewrite("temp:", "t:"), Rule::Drop(b"temp".to_vec()), rewrite("", "all:")];
    for (came, verdict, goes) in [
        ("temp:70", Verdict::Rewritten, "t:70"),
        ("temp", Verdict::Dropped, "temp"),
        ("tem", Verdict::Rewritten, "all:tem"),
        ("", Verdict::Rewritten, "all:"),
    ] {
        let mut first = came.as_bytes().to_vec();
        let got = Inspector::new(rules.clone()).inspect(&mut first, 1);
        let rule = format!("the first rule that fits decides what becomes of `{came}`");
        expect(rule, (verdict, goes.to_string()), (got, String::from_utf8(first).unwrap()));
    }
    let mut first = b"x".to_vec();
    expect("what no rule fits passes", Verdict::Passed, Inspector::new(vec![]).inspect(&mut first, 1));
}

/// All messages and subscriptions of up to three letters, under rules of every shape.
#[test]
fn part_b_whoever_gets_a_rewritten_message_has_it_subscribed_upstream() {
    let words: Vec<String> = (0..=3_u32)
        .flat_map(|length| (0..1 << length).map(move |bits: u32| (length, bits)))
        .map(|(length, bits)| {
            (0..length).map(|place| if bits >> place & 1 == 1 { 'b' } else { 'a' }).collect::<String>()
        })
        .collect();
    let mut needed = 0;
    for (from, to) in [("a", "b"), ("a", "bb"), ("aa", "b"), ("ab", "ba"), ("b", ""), ("a", "ab")] {
        let mut inspector = Inspector::new(vec![rewrite(from, to)]);
        for (message, wanted) in words.iter().flat_map(|m| words.iter().map(move |w| (m, w))) {
            let mut goes = message.clone().into_bytes();
            inspector.inspect(&mut goes, 1);
            let upstream = inspector.upstream(&begin(wanted));
            let comes = upstream.iter().any(|up| message.as_bytes().starts_with(up.topic()));
            let is_meant = goes.starts_with(wanted.as_bytes());
            needed += u32::from(is_meant && !message.starts_with(&**wanted));
            let rule = format!("with {from}={to} whoever wants `{wanted}` gets what was `{message}`");
            expect_that(rule, "that it is subscribed to upstream", !is_meant || comes, upstream);
        }
    }
    assert!(needed == 65, "the words reach the case: {needed}");
    let inspector = Inspector::new(vec![rewrite("a", "b"), rewrite("a", "b")]);
    let rule = "each topic goes upstream once, and ends as it has begun";
    expect(rule, vec![begin("b1"), begin("a1")], inspector.upstream(&begin("b1")));
    expect(rule, vec![end("b1"), end("a1")], inspector.upstream(&end("b1")));
    let rule = "what is not rewritten is subscribed to as it is";
    expect(rule, vec![begin("c")], inspector.upstream(&begin("c")));
}

fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    (bytes[0], bytes[9], bytes[10]) = (0xff, 0x7f, 3);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

/// READY of a SUB.
fn ready() -> Vec<u8> {
    let body = [&b"\x05READY\x0bSocket-Type"[..], &3_u32.to_be_bytes(), b"SUB"].concat();
    [&[4, body.len() as u8], &body[..]].concat()
}

fn subscriber(subscriptions: &[Subscription]) -> Vec<u8> {
    let frames = subscriptions.iter().flat_map(|subscription| frame(&subscription.to_bytes()));
    greeting().into_iter().chain(ready()).chain(frames).collect()
}

#[test]
fn part_b_who_has_gone_leaves_no_subscription_behind() {
    let long = [b'x'; 300];
    let said = subscriber(&[begin("a"), begin("b"), begin("a"), begin(long), end("b"), end("c"), begin("")]);
    let mut stray = said.clone();
    // The end of what it had not begun is somebody else's, perhaps: it does not pass.
    let at = said.windows(2).rposition(|bytes| bytes == b"\0c").unwrap();
    stray.drain(at - 2..at + 2);
    for cut in 1..said.len() {
        let mut gate = Gate::default();
        let mut passed = Vec::new();
        for bytes in said.chunks(cut) {
            passed.extend(expect_ok("a subscriber passes", "its bytes", gate.pass(bytes)));
        }
        expect(format!("bytes pass wherever they are cut ({cut})"), &stray, &passed);
        let farewell: Vec<u8> =
            [end(""), end("a"), end("a"), end(long)].iter().flat_map(|end| frame(&end.to_bytes())).collect();
        let rule = "who has gone leaves no subscription behind: each is ended as often as it was begun";
        expect(rule, farewell, gate.goodbye());
        expect("goodbye is said once", Vec::<u8>::new(), gate.goodbye());
    }
    let mut gate = Gate::default();
    gate.pass(&said[..said.len() - 1]).unwrap();
    let farewell: Vec<u8> =
        [end("a"), end("a"), end(long)].iter().flat_map(|end| frame(&end.to_bytes())).collect();
    expect("half a subscription is none", farewell, gate.goodbye());
}

#[test]
fn part_b_hostile_bytes_do_not_pass() {
    let after = |bytes: &[u8]| {
        let mut gate = Gate::default();
        gate.pass(&subscriber(&[])).unwrap();
        gate.pass(bytes).err()
    };
    let huge = [&[2][..], &u64::MAX.to_be_bytes()].concat();
    let refused = GateError::TooLong { bytes: u64::MAX, most: LONGEST_SUBSCRIPTION };
    expect("a length is believed only up to the limit", Some(refused), after(&huge));
    let most = [&[2][..], &(LONGEST_SUBSCRIPTION as u64).to_be_bytes()].concat();
    expect("a length is believed up to the limit", None, after(&most));
    expect("reserved flags are refused", Some(GateError::Flags(8)), after(&[8, 0]));
    expect("a subscription has one part", Some(GateError::Flags(1)), after(&[1, 1, 1]));
    let heartbeat = b"\x04\x07\x04PING\0\0";
    expect("a heartbeat is no error", None, after(heartbeat));
    let early = Gate::default().pass(&[greeting(), frame(b"\x01a")].concat()).err();
    expect("nothing passes before the handshake", Some(GateError::NotReady), early);
    let other = Gate::default().pass(b"GET / HTTP/1.1\r\n").err();
    expect_that("what is no ZeroMQ is named", "NotZmtp", matches!(other, Some(GateError::NotZmtp(_))), other);
    let many: Vec<Subscription> = (0..=MOST_SUBSCRIPTIONS).map(|number| begin(number.to_string())).collect();
    let got = Gate::default().pass(&subscriber(&many)).err();
    expect("memory for one subscriber is bounded", Some(GateError::TooMany), got);
}

/// A proxy of this process, which ends with the test.
struct Middle {
    up: String,
    down: String,
    seen: UnboundedReceiver<Seen>,
    task: AbortHandle,
    /// What the door says of those that it sends away.
    away: UnboundedReceiver<String>,
    _door: Door,
}

impl Middle {
    async fn start(rules: Vec<Rule>) -> Self {
        Self::start_at("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", rules).await
    }

    async fn start_at(xsub: &str, xpub: &str, rules: Vec<Rule>) -> Self {
        let (mut publishers, mut subscribers) = (XSubSocket::new(), XPubSocket::new());
        let up = bind(&mut publishers, xsub).await.expect("a free address");
        let (send_away, away) = unbounded_channel();
        let sent_away = Arc::new(move |why| _ = send_away.send(why));
        let door = Door::for_subscribers(xpub, &mut subscribers, sent_away).await.expect("a free address");
        let down = door.address.clone();
        let (tell, seen) = unbounded_channel();
        let passing = async move {
            let mut inspector = Inspector::new(rules);
            proxy(&mut publishers, &mut subscribers, &mut inspector, |seen, _| _ = tell.send(seen)).await;
        };
        let task = beside(passing);
        Middle { up, down, seen, task, away, _door: door }
    }

    async fn subscriber(&self, topics: &[&str]) -> SubSocket {
        let mut socket = SubSocket::new();
        connect(&mut socket, &self.down, BOUND).await.expect("a proxy");
        for topic in topics {
            socket.subscribe(topic).await.expect("a connection");
        }
        socket
    }

    /// A publisher that shows what it is asked for.
    async fn publisher(&self) -> XPubSocket {
        let mut socket = XPubSocket::new();
        connect(&mut socket, &self.up, BOUND).await.expect("a proxy");
        socket
    }

    /// The next thing that the proxy sees, but for connections that broke.
    async fn sees(&mut self) -> Seen {
        loop {
            match soon(self.seen.recv()).await.ok().flatten() {
                Some(Seen::Broken(_)) => {}
                Some(seen) => return seen,
                None => panic!("rule broken: a proxy sees both sides\n  expected: something\n  got: nothing"),
            }
        }
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next subscription that reaches a publisher.
async fn hears(publisher: &mut XPubSocket, expected: Subscription) {
    let got = soon(publisher.recv()).await;
    let got = expect_ok("a publisher hears what is wanted", &format!("{expected}"), got).expect("a message");
    let got = Vec::try_from(got).expect("one part");
    expect("publishers hear of each topic once", expected, Subscription::from_frames(&[&got]).unwrap());
}

async fn gets(subscriber: &mut SubSocket, expected: &str) {
    let got = soon(subscriber.recv()).await;
    let got = expect_ok("a subscriber gets what it wants", expected, got).expect("a message");
    expect("a subscriber gets what it wants", expected, String::try_from(got).expect("text").as_str());
}

#[tokio::test]
async fn part_b_publishers_hear_of_a_topic_once_and_of_its_end() {
    let mut middle = Middle::start(vec![]).await;
    let mut publisher = middle.publisher().await;
    let mut first = middle.subscriber(&["a"]).await;
    hears(&mut publisher, begin("a")).await;
    let mut second = middle.subscriber(&["a"]).await;
    // Nothing may come up for it: what comes next is the other topic.
    middle.sees().await;
    middle.sees().await;
    second.subscribe("marker").await.unwrap();
    hears(&mut publisher, begin("marker")).await;
    first.unsubscribe("a").await.unwrap();
    middle.sees().await;
    expect("one still wants it", Seen::Subscription(end("a"), vec![]), middle.sees().await);
    publisher.send("a1".into()).await.unwrap();
    gets(&mut second, "a1").await;
    second.unsubscribe("a").await.unwrap();
    hears(&mut publisher, end("a")).await;
}

/// Three ways to go: with a word, without one, and amid a frame. In each the last one's topic is taken back.
#[tokio::test]
async fn part_b_a_subscriber_that_vanishes_is_unsubscribed() {
    let middle = Middle::start(vec![]).await;
    let mut publisher = middle.publisher().await;
    for round in 0..3 {
        let topic = format!("topic {round}");
        let vanishing = middle.subscriber(&[&topic, &topic]).await;
        hears(&mut publisher, begin(&topic)).await;
        drop(vanishing);
        hears(&mut publisher, end(&topic)).await;
    }
    let mut raw = TcpStream::connect(middle.down.strip_prefix("tcp://").unwrap()).unwrap();
    let said = subscriber(&[begin("raw"), begin("half")]);
    raw.write_all(&said[..said.len() - 2]).unwrap();
    hears(&mut publisher, begin("raw")).await;
    drop(raw);
    hears(&mut publisher, end("raw")).await;
}

#[tokio::test]
async fn part_b_a_publisher_that_comes_late_hears_what_is_wanted() {
    let mut middle = Middle::start(vec![]).await;
    let mut wants = middle.subscriber(&["a", "b"]).await;
    middle.sees().await;
    middle.sees().await;
    wants.unsubscribe("b").await.unwrap();
    middle.sees().await;
    for round in 0..2 {
        let mut publisher = middle.publisher().await;
        hears(&mut publisher, begin("a")).await;
        publisher.send("b not wanted".into()).await.unwrap();
        publisher.send(format!("a{round}").as_str().into()).await.unwrap();
        gets(&mut wants, &format!("a{round}")).await;
    }
}

/// Three publishers and three subscribers, over paths.
#[tokio::test]
async fn part_b_each_gets_what_it_wants_of_what_everybody_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("ipc://{}", folder.path().join(name).display());
    let mut middle = Middle::start_at(&path("up"), &path("down"), vec![]).await;
    let mut subscribers = Vec::new();
    for topic in ["a", "ab", ""] {
        subscribers.push((topic, middle.subscriber(&[topic]).await));
        middle.sees().await;
    }
    let mut publishers = Vec::new();
    for number in 0..3 {
        let mut publisher = middle.publisher().await;
        for _ in 0..3 {
            soon(publisher.recv()).await.expect("three subscriptions").expect("a message");
        }
        publishers.push((number, publisher));
    }
    for (number, publisher) in &mut publishers {
        for topic in ["a", "ab", "b"] {
            publisher.send(format!("{topic} {number}").as_str().into()).await.unwrap();
        }
    }
    for (topic, subscriber) in &mut subscribers {
        let mut got = Vec::new();
        let wanted: Vec<String> = ["a", "ab", "b"]
            .iter()
            .flat_map(|sent| (0..3).map(move |number| format!("{sent} {number}")))
            .filter(|sent| sent.starts_with(*topic))
            .collect();
        while got.len() < wanted.len() {
            let message = soon(subscriber.recv()).await;
            let message = expect_ok("each gets what it wants", "a message", message).expect("a message");
            got.push(String::try_from(message).expect("text"));
        }
        got.sort();
        expect(format!("who wants `{topic}` gets that from all publishers"), wanted, got);
    }
}

#[tokio::test]
async fn part_b_what_is_rewritten_reaches_whoever_wants_it_then() {
    let middle = Middle::start(vec![rewrite("temp:", "t/"), Rule::Drop(b"noise".to_vec())]).await;
    let mut publisher = middle.publisher().await;
    let mut wants = middle.subscriber(&["t/7"]).await;
    hears(&mut publisher, begin("t/7")).await;
    hears(&mut publisher, begin("temp:7")).await;
    let mut all = middle.subscriber(&[""]).await;
    hears(&mut publisher, begin("")).await;
    hears(&mut publisher, begin("temp:")).await;
    for message in ["temp:80", "noise:1", "temp:70", "rest"] {
        publisher.send(message.into()).await.unwrap();
    }
    gets(&mut wants, "t/70").await;
    for message in ["t/80", "t/70", "rest"] {
        gets(&mut all, message).await;
    }
}

/// Strangers at both ends, and peers that break off. Nobody else notices.
#[tokio::test]
async fn part_b_strangers_stop_nobody() {
    let mut middle = Middle::start(vec![]).await;
    let mut publisher = middle.publisher().await;
    let mut wants = middle.subscriber(&["a"]).await;
    hears(&mut publisher, begin("a")).await;
    for at in [&middle.up, &middle.down] {
        let mut stranger = TcpStream::connect(at.strip_prefix("tcp://").unwrap()).unwrap();
        stranger.write_all(&[b'G'; 100]).unwrap();
    }
    let why = soon(middle.away.recv()).await.ok().flatten();
    let holds = why.as_ref().is_some_and(|why| why.starts_with("read `GGG"));
    expect_that("who is sent away is told of, with a reason", "read `GGG…`, expected …", holds, why);
    let mut hostile = TcpStream::connect(middle.down.strip_prefix("tcp://").unwrap()).unwrap();
    hostile.set_read_timeout(Some(BOUND)).unwrap();
    let huge = [&subscriber(&[begin("hostile")])[..], &[2], &u64::MAX.to_be_bytes()].concat();
    hostile.write_all(&huge).unwrap();
    let ended = tokio::task::spawn_blocking(move || hostile.read_to_end(&mut Vec::new()));
    let ended = soon(ended).await.expect("it ends").unwrap();
    let holds = ended.is_ok()
        || ended.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    expect_that("who announces what nobody can keep is hung up on", "the end", holds, ended);
    middle.publisher().await;
    publisher.send("a1".into()).await.unwrap();
    gets(&mut wants, "a1").await;
    let mut two = ZmqMessage::from("a2");
    two.push_back("part".into());
    publisher.send(two).await.unwrap();
    let got = soon(wants.recv()).await.expect("a message").unwrap();
    expect("a message of several parts goes by whole", 2, got.len());
}
