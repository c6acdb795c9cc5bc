//! Part D: a server that dies, one that is late, one that is silent.

mod stage;

use simnet::random::{Purpose, Random};
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, Tasks, act, play};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use zeromq::{DealerSocket, ReqSocket, RouterSocket, Socket, SocketRecv, SocketSend};
use zmq::attach::{frames, message};
use zmq::endpoint;
use zmq::envelope::Frames;
use zmq::heartbeat::heart::{Act, Heart, Pace};
use zmq::heartbeat::watch::{self, End};
use zmq::pirate::attempts::{Attempts, Verdict};
use zmq::pirate::client::{Client, Event, GaveUp};
use zmq::pirate::server::{self, Settings};

const SHORT: Duration = Duration::from_millis(100);

fn of(words: &[&str]) -> Frames {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// A server by hand.
async fn router() -> (RouterSocket, String) {
    let mut socket = RouterSocket::new();
    let endpoint = endpoint::bind(&mut socket, ANYWHERE).await.unwrap();
    (socket, endpoint)
}

#[test]
fn part_d_a_request_is_tried_so_often_and_no_more() {
    let mut attempts = Attempts::new(7, "hello", 3);
    for _ in 0..3 {
        let rule = "each try is the same request, its number before its text";
        expect(rule, Some(of(&["7", "hello"])), attempts.again());
    }
    expect("after 3 tries there is none left", None, attempts.again());
    expect("and none later", None, attempts.again());
}

#[test]
fn part_d_only_its_own_reply_answers_a_request() {
    let attempts = Attempts::new(7, "hello", 3);
    for (reply, verdict) in [
        (of(&["7", "world"]), Verdict::Answer("world".to_string())),
        (of(&["6", "world"]), Verdict::Stale(6)),
        (of(&["8", "world"]), Verdict::Stale(8)),
        (of(&["world"]), Verdict::NoReply),
        (of(&["7", "world", "7"]), Verdict::NoReply),
        (of(&["seven", "world"]), Verdict::NoReply),
        (of(&["", "world"]), Verdict::NoReply),
    ] {
        let rule = "a reply answers the request of its number, and no other";
        expect(rule, verdict, attempts.judge(&reply));
    }
}

/// The mistake: requests without numbers, and the same socket after a timeout. The late reply to the first is taken for that to the second.
#[test]
fn part_d_without_numbers_every_later_reply_is_the_wrong_one() {
    play(async {
        let (mut server, endpoint) = router().await;
        let mut client = DealerSocket::new();
        endpoint::connect(&mut client, &endpoint, BOUND).await.unwrap();
        let mut held = Vec::new();
        for text in ["first", "second"] {
            client.send(message(of(&["", text]))).await.unwrap();
            held.push(server.recv().await.unwrap());
            // Nobody answers in time; the client asks the next.
        }
        for late in held {
            server.send(late).await.unwrap();
        }
        let taken = frames(client.recv().await.unwrap());
        expect(
            "the mistake: what comes first is taken for the answer to `second`",
            of(&["", "first"]),
            taken,
        );

        // A REQ does not even get so far: after a timeout it cannot send, though the late reply can still be read.
        let mut client = ReqSocket::new();
        endpoint::connect(&mut client, &endpoint, BOUND).await.unwrap();
        client.send("first".into()).await.unwrap();
        let request = server.recv().await.unwrap();
        let silence = tokio::time::timeout(SHORT, client.recv()).await.is_err();
        expect("nobody has answered", true, silence);
        let second = client.send("second".into()).await;
        let rule = "a REQ that has sent must receive before it sends again";
        expect_that(rule, "an error", second.is_err(), second.map_err(|error| error.to_string()));
        server.send(request).await.unwrap();
        let late = frames(client.recv().await.unwrap());
        expect("the late reply is still read", of(&["first"]), late);
    });
}

#[test]
fn part_d_a_late_reply_is_never_taken_for_another() {
    play(async {
        let (mut server, endpoint) = router().await;
        let mut tasks = Tasks::new();
        let (tell, mut identities) = unbounded_channel();
        tasks.spawn(async move {
            let reply = |request: &Frames, words: [&str; 2]| message([&request[..2], &of(&words)].concat());
            // The first try of request 1 is not answered; the second is.
            for answered in [false, true] {
                let request = frames(server.recv().await.unwrap());
                tell.send(request[0].clone()).unwrap();
                if answered {
                    server.send(reply(&request, ["1", "one"])).await.unwrap();
                }
            }
            // Request 2 gets the answer of request 1 once more, and on another try its own.
            for words in [["1", "one, late"], ["2", "two"]] {
                let request = frames(server.recv().await.unwrap());
                server.send(reply(&request, words)).await.unwrap();
            }
            std::future::pending().await
        });
        let mut client = Client::new(&endpoint, Duration::from_secs(1), 10).unwrap();
        let mut events = Vec::new();
        let answer = act(&mut tasks, client.ask("a", |event| events.push(event))).await;
        expect("the second try is answered", Ok("one".to_string()), answer);
        let tried = vec![Event::Asked(1, 1), Event::Silent(1, 1), Event::Asked(1, 2)];
        expect("there were two tries", tried, events);
        let (first, second) = (identities.recv().await, identities.recv().await);
        expect_that("each try has a socket of its own", "two identities", first != second, (first, second));
        let mut events = Vec::new();
        let answer = act(&mut tasks, client.ask("b", |event| events.push(event))).await;
        expect("a late reply is not taken for the answer to another request", Ok("two".to_string()), answer);
        let ignored = events.contains(&Event::Ignored(Verdict::Stale(1)));
        expect_that("the late reply was seen", "Ignored(Stale(1))", ignored, events);
    });
}

#[test]
fn part_d_a_server_that_dies_and_returns_is_asked_until_it_answers() {
    play(async {
        let mut tasks = Tasks::new();
        let (tell, mut told) = unbounded_channel();
        tasks.spawn(async move {
            let (work, returns_after) = (Duration::ZERO, Some(SHORT / 2));
            let settings = Settings { listen: ANYWHERE.into(), work, dies_after: Some(2), returns_after };
            let served = server::serve(&settings, |event| _ = tell.send(event)).await;
            expect_ok("a server gets its port again", "a life without end", served);
        });
        let Some(server::Event::Listens(endpoint)) = act(&mut tasks, told.recv()).await else {
            panic!("a server says where it listens");
        };
        let mut client = Client::new(&endpoint, 2 * SHORT, 50).unwrap();
        let mut silent = 0;
        for number in 1..=6 {
            let text = format!("request {number}");
            let tell = |event| silent += u32::from(matches!(event, Event::Silent(..)));
            let answer = act(&mut tasks, client.ask(&text, tell)).await;
            expect("each request gets its own answer", Ok(format!("done: {text}")), answer);
        }
        expect_that("the server died meanwhile, twice at least", "2 tries", silent >= 2, silent);
    });
}

#[test]
fn part_d_a_client_gives_up_and_says_so_in_one_line() {
    play(async {
        let (mut server, endpoint) = router().await;
        let mut client = Client::new(&endpoint, SHORT, 3).unwrap();
        let (asked, tries) = (client.ask("a", |_| {}), async {
            let mut identities = BTreeSet::new();
            for _ in 0..3 {
                identities.insert(frames(server.recv().await.unwrap())[0].clone());
            }
            identities.len()
        });
        let (answer, tries) = tokio::join!(asked, tries);
        expect("three tries, three sockets", 3, tries);
        let gave_up = GaveUp::Tries { number: 1, tries: 3, patience: SHORT, endpoint: endpoint.clone() };
        expect("after its tries the client gives up", Err(gave_up.clone()), answer);
        let line =
            format!("gave up request 1 after 3 tries of 100ms each at {endpoint}; is the server down?");
        expect("in one line that says what it did", line, gave_up.to_string());
        let more = tokio::time::timeout(SHORT, server.recv()).await.is_ok();
        expect("and asks no more", false, more);

        drop(server);
        let mut client = Client::new("127.0.0.1:1", SHORT, 2).unwrap();
        let answer = client.ask("a", |_| {}).await;
        let holds = matches!(&answer, Err(GaveUp::Tries { tries: 2, .. }));
        expect_that("where nobody listens, too", "after 2 tries", holds, answer);
        let none = Client::new("nonsense", SHORT, 2).err().map(|error| error.to_string());
        let holds =
            none.as_ref().is_some_and(|line| line.starts_with("read the address `nonsense`, expected"));
        expect_that("what is no endpoint is told before anything is tried", "read the address", holds, none);
    });
}

const PACE: Pace = Pace { interval: Duration::from_millis(100), liveness: 3 };

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Wakes whenever it should, from `from` to `to`, and says what it did when.
fn awake(heart: &mut Heart, to: Duration) -> Vec<(Duration, Act)> {
    let mut done = Vec::new();
    while heart.next_wake() <= to {
        let now = heart.next_wake();
        done.extend(heart.wake(now).into_iter().map(|act| (now, act)));
    }
    done
}

#[test]
fn part_d_who_is_silent_is_found_after_interval_times_liveness() {
    let mut heart = Heart::new(PACE, Duration::ZERO);
    expect("the other was there", false, heart.heard(ms(40)));
    let lost = |done: Vec<(Duration, Act)>| -> Vec<Duration> {
        done.into_iter().filter(|(_, act)| *act == Act::Lost).map(|(at, _)| at).collect()
    };
    let rule = "3 intervals of 100ms after the last word at 40ms, and once";
    expect(rule, vec![ms(340)], lost(awake(&mut heart, ms(2000))));
    expect("who was taken for gone and is heard again has returned", true, heart.heard(ms(2010)));
    expect("and is there", true, heart.is_there());
    expect("the count begins anew", vec![ms(2310)], lost(awake(&mut heart, ms(4000))));
}

#[test]
fn part_d_a_beat_goes_out_every_interval_unless_something_else_did() {
    let mut heart = Heart::new(PACE, Duration::ZERO);
    let beats = |done: Vec<(Duration, Act)>| -> Vec<Duration> {
        done.into_iter().filter(|(_, act)| *act == Act::Beat).map(|(at, _)| at).collect()
    };
    let rule = "a beat at the start, and every interval, to a silent peer too";
    let expected: Vec<_> = (0..=6).map(|count| ms(100 * count)).collect();
    expect(rule, expected, beats(awake(&mut heart, ms(650))));
    heart.sent(ms(650));
    let rule = "what was sent at 650ms is as good as a beat";
    expect(rule, vec![ms(750)], beats(awake(&mut heart, ms(800))));
    let mut heart = Heart::new(PACE, Duration::ZERO);
    for at in (0..=30).map(|count| ms(10 * count)) {
        heart.sent(at);
        heart.wake(at);
    }
    expect("to send is no sign of life of the other side", false, heart.is_there());
}

#[test]
fn part_d_who_was_asleep_does_not_blame_the_other() {
    let mut heart = Heart::new(PACE, Duration::ZERO);
    heart.wake(Duration::ZERO);
    let acts = heart.wake(ms(5000));
    let rule = "after a pause of 50 intervals one is counted: what came meanwhile must be heard first";
    expect(rule, vec![Act::Beat], acts);
    expect("the other is there", true, heart.is_there());
    expect("and it is heard", false, heart.heard(ms(5000)));
}

/// Two hearts and a network between them, in virtual time: both directions, jitter, then a cut.
#[test]
fn part_d_jitter_is_no_alarm_and_a_cut_is_found_in_time() {
    let longest = PACE.interval * (PACE.liveness - 1);
    let bound = PACE.interval * PACE.liveness;
    let cut = ms(20_000);
    for seed in 0..200 {
        let mut random = Random::new(seed, Purpose::Network);
        let mut hearts = [Heart::new(PACE, Duration::ZERO), Heart::new(PACE, Duration::ZERO)];
        // What is under way: when it arrives, and at whom. A connection keeps the order, so nothing overtakes.
        let mut network: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
        let mut last_heard = [Duration::ZERO; 2];
        let mut lost = [None; 2];
        while lost.contains(&None) {
            let arrives = |side: usize| network[side].first().copied().unwrap_or(Duration::MAX);
            let wakes = [hearts[0].next_wake(), hearts[1].next_wake()];
            let now = arrives(0).min(arrives(1)).min(wakes[0]).min(wakes[1]);
            for side in 0..2 {
                while network[side].first().is_some_and(|at| *at <= now) {
                    network[side].remove(0);
                    let rule = format!("seed {seed}: a delay of less than {longest:?} is no alarm");
                    expect(rule, false, hearts[side].heard(now));
                    last_heard[side] = now;
                }
                for act in hearts[side].wake(now) {
                    match act {
                        Act::Beat if now < cut => {
                            let delay = Duration::from_micros(random.between(0..longest.as_micros() as u64));
                            let before = network[1 - side].last().copied().unwrap_or_default();
                            network[1 - side].push((now + delay).max(before));
                        }
                        Act::Beat => {}
                        Act::Lost => lost[side] = Some(now),
                    }
                }
            }
        }
        for side in 0..2 {
            let found = lost[side].unwrap_or_default();
            let rule = format!("seed {seed}: the cut is found {bound:?} after the last word, by both");
            expect(rule, last_heard[side] + bound, found);
            expect_that("not before the cut", "after 20s", found > cut, found);
        }
    }
}

/// The connection stands, and nobody speaks: what the system does not tell, the count does.
#[test]
fn part_d_a_peer_that_hangs_is_found_and_found_again() {
    play(async {
        let mut tasks = Tasks::new();
        let (end, endpoint) = End::bind(ANYWHERE).await.unwrap();
        let (tell, mut told) = unbounded_channel();
        let pace = Pace { interval: Duration::from_millis(20), liveness: 3 };
        tasks.spawn(watch::watch(end, pace, move |event| _ = tell.send(event)));
        let mut peer = DealerSocket::new();
        endpoint::connect(&mut peer, &endpoint, BOUND).await.unwrap();
        for _ in 0..2 {
            let lost = async { while told.recv().await != Some(watch::Event::Lost) {} };
            act(&mut tasks, lost).await;
            peer.send("".into()).await.unwrap();
            let event = act(&mut tasks, told.recv()).await;
            expect("who speaks again is there again", Some(watch::Event::There), event);
        }
        let beat = frames(act(&mut tasks, peer.recv()).await.unwrap());
        expect("and hears the beats of the other side", of(&[""]), beat);
        let (end, endpoint) = End::bind(ANYWHERE).await.unwrap();
        let other = End::connect(&endpoint, BOUND).await.unwrap();
        let (tell, mut told) = unbounded_channel();
        for (name, end) in [("bound", end), ("connected", other)] {
            let tell = tell.clone();
            let pace = Pace { interval: SHORT, liveness: 100 };
            tasks.spawn(watch::watch(end, pace, move |event| _ = tell.send((name, event))));
        }
        let first = (act(&mut tasks, told.recv()).await, act(&mut tasks, told.recv()).await);
        let both: BTreeSet<_> = [first.0, first.1].into_iter().flatten().map(|(name, _)| name).collect();
        expect("two that watch each other both hear", BTreeSet::from(["bound", "connected"]), both);
    });
}
