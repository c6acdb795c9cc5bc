//! Part D: requests through a chain of tiers, each reply back to who asked.

mod stage;

use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, Tasks, act, play};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use zeromq::{DealerSocket, ReqSocket, RouterSocket, Socket, SocketRecv, SocketSend};
use zmq::attach::{frames, message};
use zmq::endpoint;
use zmq::envelope::{Envelope, Frames, NoEnvelope};
use zmq::tiers::client::{Client, ClientError};
use zmq::tiers::round::RoundRobin;
use zmq::tiers::serve::{Event, Server, Settings};
use zmq::tiers::tier::{Refused, Step, Tier};

fn of(words: &[&str]) -> Frames {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn settings(name: &str, next: &[String]) -> Settings {
    let next = next.to_vec();
    Settings { name: name.into(), listen: ANYWHERE.into(), next, work: Duration::ZERO, patience: BOUND }
}

/// A tier that serves, where it listens, and what happens at it.
async fn tier(tasks: &mut Tasks, settings: Settings) -> (String, UnboundedReceiver<Event>) {
    let server = expect_ok("a tier listens", "an endpoint", Server::bind(settings).await);
    let endpoint = server.endpoint().to_string();
    let (tell, told) = unbounded_channel();
    tasks.spawn(server.serve(move |event| _ = tell.send(event)));
    (endpoint, told)
}

async fn start(tasks: &mut Tasks, name: &str, next: &[String]) -> String {
    tier(tasks, settings(name, next)).await.0
}

/// Asks so often, and counts the replies by the tiers they went through.
async fn routes(tasks: &mut Tasks, first: &[String], count: u64) -> BTreeMap<String, u64> {
    let mut client = expect_ok("a client finds its tiers", "", Client::connect("C1", first, BOUND).await);
    let mut routes = BTreeMap::new();
    for number in 1..=count {
        let reply = act(tasks, client.ask(number)).await;
        let reply = expect_ok("each request is answered", "a reply", reply);
        let asked = format!("C1 request# {number}");
        let route = reply.strip_suffix(&asked).map(str::to_string);
        expect_that("a reply is that to the request", &asked, route.is_some(), &reply);
        *routes.entry(route.unwrap_or_default()).or_default() += 1;
    }
    routes
}

fn counts(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(route, count)| (route.to_string(), *count)).collect()
}

#[test]
fn part_d_an_envelope_is_opened_at_its_first_empty_frame() {
    for (message, path, body) in [
        (&["", "hello"][..], &[][..], &["hello"][..]),
        (&["tier", "client", "", "a", "", "b"], &["tier", "client"], &["a", "", "b"]),
        (&["client", ""], &["client"], &[]),
    ] {
        let rule = "return addresses stand before the first empty frame, the body behind it";
        let opened = Envelope::open(of(message));
        expect(rule, Ok(Envelope { path: of(path), body: of(body) }), opened.clone());
        expect("a sealed envelope is what was opened", of(message), opened.unwrap().seal());
    }
    let rule = "a message without an empty frame has no way back, and is refused";
    expect(rule, Err(NoEnvelope { frames: 2 }), Envelope::open(of(&["client", "hello"])));
    expect(rule, Err(NoEnvelope { frames: 0 }), Envelope::open(Vec::new()));
}

#[test]
fn part_d_turns_are_exactly_even() {
    for count in 1..6 {
        let mut round = RoundRobin::new(count);
        let mut turns = vec![0; count];
        for _ in 0..60 {
            turns[round.turn().expect("all are here")] += 1;
        }
        expect("60 turns are shared evenly", vec![60 / count; count], turns);
    }
    let mut round = RoundRobin::new(3);
    round.lost(1);
    let turns: Vec<_> = (0..4).map(|_| round.turn()).collect();
    expect("who is away is passed over", vec![Some(0), Some(2), Some(0), Some(2)], turns);
    round.back(1);
    let turns: Vec<_> = (0..4).map(|_| round.turn()).collect();
    expect("who comes back has its turn again", vec![Some(0), Some(1), Some(2), Some(0)], turns);
    (0..3).for_each(|server| round.lost(server));
    expect("when all are away it is nobody's turn", None, round.turn());
}

#[test]
fn part_d_a_tier_puts_its_name_before_the_text_and_keeps_the_way_back() {
    let asked = of(&["id2", "id1", "", "tier1.1->C1 request# 7"]);
    let told = of(&["id2", "id1", "", "tier2.1->tier1.1->C1 request# 7"]);
    let rule = "the last tier answers, with the addresses it was given";
    expect(rule, Ok(Step::Reply(told.clone())), Tier::new("tier2.1", 0).request(asked.clone()));
    let rule = "any other asks the next, with the addresses it was given";
    expect(rule, Ok(Step::Forward(0, told)), Tier::new("tier2.1", 1).request(asked));

    let mut tier = Tier::new("tier1", 2);
    let rule = "what is no request is refused with a reason";
    expect(rule, Err(NoEnvelope { frames: 2 }), tier.request(of(&["id1", "hello"])));
    for (frames, request) in [(0, &["id1", ""][..]), (2, &["id1", "", "a", "b"])] {
        let text =
            format!("error: read a request of {frames} frames after the empty one, expected 1: the text");
        let refused = Step::Refuse(Refused::NotOneText { frames }, of(&["id1", "", &text]));
        expect("who asked is told why it is refused", Ok(refused), tier.request(of(request)));
    }
    let rule = "what is refused takes nobody's turn";
    let step = tier.request(of(&["id1", "", "hello"]));
    expect(rule, Ok(Step::Forward(0, of(&["id1", "", "tier1->hello"]))), step);
}

/// Case 1 of the course that this one follows: two chains that share the last tier.
#[test]
fn part_d_two_chains_share_their_last_tier() {
    play(async {
        let mut tasks = Tasks::new();
        let last = start(&mut tasks, "tier3.1", &[]).await;
        let mut chain = Vec::new();
        for number in 1..=2 {
            let middle = start(&mut tasks, &format!("tier2.{number}"), std::slice::from_ref(&last)).await;
            chain.push(start(&mut tasks, &format!("tier1.{number}"), &[middle]).await);
        }
        let rule = "each chain's requests go through its own tiers, and names accumulate";
        let got = routes(&mut tasks, &chain[..1], 7).await;
        expect(rule, counts(&[("tier3.1->tier2.1->tier1.1->", 7)]), got);
        let got = routes(&mut tasks, &chain[1..], 7).await;
        expect(rule, counts(&[("tier3.1->tier2.2->tier1.2->", 7)]), got);
    });
}

/// Case 2: two chains share a tier in the middle, which takes turns among the last ones.
#[test]
fn part_d_a_shared_tier_takes_turns_among_the_next() {
    play(async {
        let mut tasks = Tasks::new();
        let mut last = Vec::new();
        for number in 1..=3 {
            last.push(start(&mut tasks, &format!("tier3.{number}"), &[]).await);
        }
        let middle = start(&mut tasks, "tier2", &last).await;
        let first = start(&mut tasks, "tier1", &[middle]).await;
        let got = routes(&mut tasks, &[first], 30).await;
        let evenly = [1, 2, 3].map(|number| format!("tier3.{number}->tier2->tier1->"));
        let evenly: Vec<_> = evenly.iter().map(|route| (route.as_str(), 10)).collect();
        expect("the last tiers are asked exactly as often", counts(&evenly), got);
    });
}

/// Case 3: a client that takes turns among first tiers.
#[test]
fn part_d_a_client_takes_turns_among_first_tiers() {
    play(async {
        let mut tasks = Tasks::new();
        let last = start(&mut tasks, "tier2", &[]).await;
        let mut first = Vec::new();
        for number in 1..=2 {
            let name = format!("tier1.{number}");
            first.push(start(&mut tasks, &name, std::slice::from_ref(&last)).await);
        }
        let got = routes(&mut tasks, &first, 20).await;
        let even = counts(&[("tier2->tier1.1->", 10), ("tier2->tier1.2->", 10)]);
        expect("the first tiers are asked exactly as often", even, got);
    });
}

/// The tier behind holds both requests, and answers the second first. A tier of REP and REQ stands still after the first.
#[test]
fn part_d_a_second_request_does_not_wait_for_the_first_reply() {
    play(async {
        let mut tasks = Tasks::new();
        let mut behind = RouterSocket::new();
        let next = endpoint::bind(&mut behind, ANYWHERE).await.unwrap();
        let endpoint = start(&mut tasks, "tier", &[next]).await;
        let mut clients = Vec::new();
        let mut held = Vec::new();
        for name in ["first", "second"] {
            let mut client = DealerSocket::new();
            endpoint::connect(&mut client, &endpoint, BOUND).await.unwrap();
            client.send(message(of(&["", name]))).await.unwrap();
            clients.push(client);
            held.push(frames(act(&mut tasks, behind.recv()).await.unwrap()));
        }
        for request in held.into_iter().rev() {
            behind.send(message(request)).await.unwrap();
        }
        for (client, name) in clients.iter_mut().zip(["first", "second"]) {
            let reply = frames(act(&mut tasks, client.recv()).await.unwrap());
            let rule = "each reply finds who asked, in whatever order replies come";
            expect(rule, of(&["", &format!("tier->{name}")]), reply);
        }
    });
}

#[test]
fn part_d_a_request_that_is_none_costs_nobody_else_anything() {
    play(async {
        let mut tasks = Tasks::new();
        let (endpoint, mut told) = tier(&mut tasks, settings("tier", &[])).await;
        let mut stranger = DealerSocket::new();
        endpoint::connect(&mut stranger, &endpoint, BOUND).await.unwrap();
        stranger.send("no envelope".into()).await.unwrap();
        let event = act(&mut tasks, told.recv()).await;
        let refused = matches!(&event, Some(Event::Refused(Refused::NoEnvelope(NoEnvelope { frames: 2 }))));
        expect_that("a request without a way back is refused", "Refused", refused, event);
        let told_at = endpoint.clone();
        let got = routes(&mut tasks, &[endpoint], 3).await;
        expect("and the tier goes on", counts(&[("tier->", 3)]), got);

        // Two texts, with a way back: a REQ that got no reply would wait for ever, and could not ask again.
        let mut hasty = ReqSocket::new();
        endpoint::connect(&mut hasty, &told_at, BOUND).await.unwrap();
        for rule in ["who asks in vain is told why", "and may ask again"] {
            hasty.send(message(of(&["one", "two"]))).await.unwrap();
            let reply = frames(act(&mut tasks, hasty.recv()).await.unwrap());
            let why = "error: read a request of 2 frames after the empty one, expected 1: the text";
            expect(rule, of(&[why]), reply);
        }
    });
}

#[test]
fn part_d_a_tier_that_is_lost_is_passed_over_until_it_returns() {
    play(async {
        let mut tasks = Tasks::new();
        let mut first_life = Tasks::new();
        let kept = start(&mut tasks, "kept", &[]).await;
        let lost = start(&mut first_life, "lost", &[]).await;
        let (endpoint, mut told) = tier(&mut tasks, settings("tier", &[kept, lost.clone()])).await;
        let even = counts(&[("kept->tier->", 2), ("lost->tier->", 2)]);
        let first = std::slice::from_ref(&endpoint);
        expect("both are asked", even.clone(), routes(&mut tasks, first, 4).await);

        first_life.shutdown().await;
        while !matches!(act(&mut tasks, told.recv()).await, Some(Event::Lost(1))) {}
        let got = routes(&mut tasks, first, 4).await;
        expect("a tier that is away is not asked", counts(&[("kept->tier->", 4)]), got);

        let again = Settings { listen: lost, ..settings("lost", &[]) };
        tier(&mut tasks, again).await;
        while !matches!(act(&mut tasks, told.recv()).await, Some(Event::Back(1))) {}
        expect("a tier that is back is asked again", even, routes(&mut tasks, first, 4).await);
    });
}

/// A client has any number of requests in flight, and the tier behind answers none: what a tier took in without end would fill its memory, or
/// its queues, until all of them wait for each other.
#[test]
fn part_d_a_tier_takes_in_no_more_than_it_can_hold() {
    const HELD: usize = 1000;
    play(async {
        let mut tasks = Tasks::new();
        let mut behind = RouterSocket::new();
        let next = endpoint::bind(&mut behind, ANYWHERE).await.unwrap();
        let first = start(&mut tasks, "tier", &[next]).await;
        let mut client = DealerSocket::new();
        endpoint::connect(&mut client, &first, BOUND).await.unwrap();
        for _ in 0..10 * HELD {
            client.send(message(of(&["", "x"]))).await.expect("a tier");
        }
        let mut held = Vec::new();
        while held.len() < HELD {
            held.push(frames(act(&mut tasks, behind.recv()).await.expect("a request")));
        }
        let more = timeout(Duration::from_millis(200), act(&mut tasks, behind.recv())).await;
        expect_that(format!("{HELD} requests are on their way, and no more"), "none", more.is_err(), &more);
        for reply in held {
            behind.send(message(reply)).await.expect("a tier");
        }
        for number in 1..=HELD {
            let rule = format!("replies make room for as many requests ({number})");
            let got = timeout(BOUND, act(&mut tasks, behind.recv())).await;
            expect_that(rule, "a request", matches!(got, Ok(Ok(_))), &got);
        }
    });
}

#[test]
fn part_d_a_reply_that_does_not_come_is_not_waited_for_for_ever() {
    play(async {
        let mut behind = RouterSocket::new();
        let endpoint = endpoint::bind(&mut behind, ANYWHERE).await.unwrap();
        let patience = Duration::from_millis(200);
        let mut client = Client::connect("C1", std::slice::from_ref(&endpoint), BOUND).await.unwrap();
        client.patience = patience;
        let got = client.ask(7).await;
        let holds =
            matches!(&got, Err(ClientError::Silent { number: 7, endpoint: at, .. }) if *at == endpoint);
        expect_that("a client waits for its patience, and says for what", "Silent, request# 7", holds, got);
        let rule = "where nobody listens, the client says where it asked";
        drop(behind);
        let nobody = Client::connect("C1", &["127.0.0.1:1".to_string()], patience).await;
        let said = nobody.err().map(|error| error.to_string()).unwrap_or_default();
        expect_that(
            rule,
            "nobody answers at tcp://127.0.0.1:1",
            said.starts_with("nobody answers at tcp://127.0.0.1:1 "),
            said,
        );
    });
}
