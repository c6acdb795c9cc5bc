//! Part F: the middleware without a socket: its pieces one by one, then whole runs in the simulated world.

use simnet::random::Purpose;
use simnet::rule::{expect, expect_that};
use simnet::{Campaign, NodeId, Random, Sim, Trial, this_test};
use std::time::Duration;
use zmq::middleware::application::{Application, Order, Publisher, State, Subscriber};
use zmq::middleware::config::{Config, Dissemination};
use zmq::middleware::discovery::{Client, Discovery, Expected};
use zmq::middleware::frequency::Frequency;
use zmq::middleware::incoming::Incoming;
use zmq::middleware::invariants::situation;
use zmq::middleware::message::{
    Answered, Asked, Content, Endpoint, LONGEST, Provider, Publication, Registrant, Request, Response, Role,
    UNASKED, from_bytes, to_bytes,
};
use zmq::middleware::node::Node;
use zmq::middleware::outgoing::Outgoing;
use zmq::middleware::participant::{AnyApplication, Identity, Participant};
use zmq::middleware::scene::{Roles, Scene, all_over};
use zmq::middleware::stub::Stub;
use zmq::middleware::topic::Topic;
use zmq::middleware::turn::{Effect, Event, Output, Timer, Turn};

fn random() -> Random {
    Random::new(7, Purpose::Node(1))
}

/// What a piece asks for in one turn.
fn effects(react: impl FnOnce(&mut Turn<'_>)) -> Vec<Effect> {
    let (mut random, mut effects) = (random(), Vec::new());
    react(&mut Turn { now_us: 1_000, random: &mut random, effects: &mut effects });
    effects
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint { address: "h".to_string(), port }
}

#[test]
fn part_f_nine_topics_measure_the_same_under_the_same_seed() {
    let measure = |seed| {
        let mut random = Random::new(seed, Purpose::Node(1));
        Topic::ALL.map(|topic| topic.measure(&mut random)).to_vec()
    };
    expect("one seed measures one thing", measure(3), measure(3));
    expect_that("other seeds measure other things", "another list", measure(3) != measure(4), measure(4));
    for one in Topic::ALL {
        expect("a topic is its name", Ok(one), one.name().parse::<Topic>());
        let within =
            Topic::ALL.into_iter().find(|other| *other != one && other.name().starts_with(one.name()));
        expect("no topic's name begins with another's: a subscription is a prefix", None, within);
    }
    let wrong = "wether".parse::<Topic>();
    let holds = wrong.as_ref().is_err_and(|why| why.contains("`wether`") && why.contains("airquality"));
    expect_that("an unknown topic is refused", "what was read, and all nine", holds, &wrong);
}

#[test]
fn part_f_a_frequency_need_not_be_whole() {
    for (text, us) in [
        ("1", 1_000_000),
        ("0.25", 4_000_000),
        (".5", 2_000_000),
        ("4", 250_000),
        ("3", 333_333),
        ("0.001", 1_000_000_000),
        ("1000000", 1),
        ("2.", 500_000),
        ("0.000999999", 0),
    ] {
        let period = text.parse::<Frequency>().map(|frequency| frequency.period());
        match us {
            0 => expect_that(format!("-f {text} is too rarely"), "an error", period.is_err(), &period),
            us => expect(
                format!("-f {text} is a measurement every {us} µs"),
                Ok(Duration::from_micros(us)),
                period,
            ),
        }
    }
    let shown = "0.25".parse::<Frequency>().map(|frequency| frequency.to_string());
    expect("a frequency is shown as it was given", Ok("0.25".to_string()), shown);
}

#[test]
fn part_f_a_frequency_that_is_none_is_refused() {
    for text in [
        "0",
        "0.0",
        "",
        ".",
        "-1",
        "+1",
        "1e3",
        "one",
        "1,5",
        "NaN",
        "1000001",
        "99999999999999999999",
        "0.0000001",
    ] {
        let read = text.parse::<Frequency>();
        let holds =
            read.as_ref().is_err_and(|why| why.contains(&format!("`{text}`")) && why.contains("expected"));
        expect_that(format!("-f {text} is refused"), "what was read, and what was expected", holds, &read);
    }
}

#[test]
fn part_f_config_says_direct_or_broker() {
    let text = |strategy: &str| {
        format!(
            "# one\n\n[Discovery]\n; two\nStrategy = Centralized\n [Dissemination] \nSTRATEGY={strategy}\n"
        )
    };
    for (word, dissemination) in [("Direct", Dissemination::Direct), ("Broker", Dissemination::Broker)] {
        expect(format!("Strategy={word}"), Ok(Config { dissemination }), Config::read(&text(word)));
    }
    let own = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.ini")).unwrap();
    expect("the lab's own config.ini is understood", Ok(Config::default()), Config::read(&own));
}

#[test]
fn part_f_config_says_in_which_line_it_is_not_understood() {
    let good = "[Discovery]\nStrategy=Centralized\n[Dissemination]\nStrategy=Direct\n";
    for (from, to, says) in [
        ("[Discovery]", "[Discovry]", ["line 1", "[Discovry]"]),
        ("[Discovery]", "Strategy=Direct", ["line 1", "[Discovery] or [Dissemination]"]),
        ("Strategy=Centralized", "Stategy=Centralized", ["line 2", "Stategy"]),
        ("Strategy=Centralized", "Strategy=Chord", ["line 2", "Chord"]),
        ("Strategy=Centralized", "Strategy", ["line 2", "Strategy=…"]),
        ("Strategy=Centralized", "Strategy=Centralized\nStrategy=Centralized", ["line 3", "once"]),
        ("[Dissemination]", "[Discovery]", ["line 3", "once"]),
        ("[Dissemination]", "[Dissemination", ["line 3", "[Dissemination"]),
        ("Strategy=Direct", "Strategy=direct", ["line 4", "Direct or Broker"]),
        ("Strategy=Direct", "", ["no Strategy of [Dissemination]", "expected"]),
        ("Strategy=Centralized", "", ["no Strategy of [Discovery]", "expected"]),
    ] {
        let read = Config::read(&good.replacen(from, to, 1));
        let holds =
            read.as_ref().is_err_and(|why| says.iter().all(|word| why.contains(word)) && !why.contains('\n'));
        let rule = format!("config.ini with `{to}` for `{from}` is refused in one line");
        expect_that(rule, &says.join(" … "), holds, &read);
    }
}

#[test]
fn part_f_what_is_no_message_is_refused_in_one_line() {
    let asked = Asked { number: 3, request: Request::LookupByTopic(vec![Topic::AirQuality]) };
    expect(
        "a request is the same after the wire",
        Ok(asked.clone()),
        from_bytes("a request", &to_bytes(&asked)),
    );
    let long = vec![b'x'; LONGEST + 1];
    let malformed: [&[u8]; 8] = [
        b"",
        b"hello",
        b"{\"number\":1}",
        b"{\"number\":-1,\"request\":\"is_ready\"}",
        b"{\"number\":1,\"request\":\"is_redy\"}",
        b"{\"number\":1,\"request\":\"is_ready\",\"more\":1}",
        b"\x01\x02\nweather",
        &long,
    ];
    for bytes in malformed {
        let read = from_bytes::<Asked>("a request", bytes);
        let holds = read.as_ref().is_err_and(|why| {
            why.contains("read ")
                && why.contains("expected a request")
                && !why.contains('\n')
                && why.len() < 300
        });
        expect_that("what is no request is refused", "one line: read …, expected a request", holds, &read);
    }
    let sample = Content::Sample { number: 0, value: "1".to_string(), sent_us: 5 };
    let publication = Publication { topic: Topic::Light, publisher: "p".to_string(), content: sample };
    let frames = publication.to_frames();
    expect("the first frame is the topic alone", &b"light"[..], &frames[0][..]);
    expect("a publication is the same after the wire", Ok(publication), Publication::from_frames(&frames));
    for frames in [vec![], vec![b"light".to_vec()], vec![b"lightning".to_vec(), frames[1].clone()]] {
        let read = Publication::from_frames(&frames);
        expect_that("other frames are no publication", "an error", read.is_err(), &read);
    }
}

/// Somebody of a role, as it registers.
fn registrant(role: Role, name: &str, port: u16) -> Registrant {
    Registrant {
        role,
        name: name.to_string(),
        endpoint: (role != Role::Subscriber).then(|| endpoint(port)),
        topics: if role == Role::Broker { Vec::new() } else { vec![Topic::Light, Topic::Sound] },
        dissemination: Dissemination::Direct,
        session: u64::from(port),
    }
}

fn ask(discovery: &mut Discovery, client: u32, number: u32, request: Request) -> Vec<(u32, u32, Response)> {
    let answers = discovery.asked(Client(client), Asked { number, request });
    answers.into_iter().map(|(client, Answered { number, response })| (client.0, number, response)).collect()
}

fn discovery(publishers: u32, subscribers: u32, dissemination: Dissemination) -> Discovery {
    Discovery::new(Expected { publishers, subscribers, dissemination })
}

fn is_refused(answers: &[(u32, u32, Response)], word: &str) -> bool {
    matches!(answers, [(_, _, Response::Refused(why))] if why.contains(word) && !why.contains('\n'))
}

#[test]
fn part_f_a_name_is_given_once() {
    let mut desk = discovery(2, 1, Dissemination::Direct);
    let first = registrant(Role::Publisher, "ann", 1);
    let registered = vec![(1, 1, Response::Registered)];
    expect("a publisher registers", &registered, &ask(&mut desk, 1, 1, Request::Register(first.clone())));
    expect(
        "a copy of a registration is answered like it",
        &registered,
        &ask(&mut desk, 1, 1, Request::Register(first)),
    );
    for (what, wrong, word) in [
        ("the same name from somewhere else", registrant(Role::Publisher, "ann", 2), "ann"),
        ("the same name in another role", registrant(Role::Subscriber, "ann", 0), "ann"),
        ("the same endpoint under another name", registrant(Role::Publisher, "bob", 1), "h:1"),
        ("a name with a blank", registrant(Role::Publisher, "a b", 3), "name"),
        ("no name", registrant(Role::Publisher, "", 3), "name"),
        ("a broker where samples go directly", registrant(Role::Broker, "bob", 3), "0 of 0"),
        (
            "another config.ini",
            Registrant { dissemination: Dissemination::Broker, ..registrant(Role::Publisher, "bob", 3) },
            "config.ini",
        ),
    ] {
        let answers = ask(&mut desk, 2, 1, Request::Register(wrong));
        expect_that(format!("{what} is refused"), word, is_refused(&answers, word), &answers);
    }
    let bob = Request::Register(registrant(Role::Publisher, "bob", 2));
    expect("who was refused may try again", vec![(2, 2, Response::Registered)], ask(&mut desk, 2, 2, bob));
    let third = ask(&mut desk, 3, 1, Request::Register(registrant(Role::Publisher, "cas", 4)));
    expect_that("more than were waited for are refused", "2 of 2", is_refused(&third, "2 of 2"), &third);
    let stranger = ask(&mut desk, 9, 1, Request::IsReady);
    expect_that(
        "who has not registered is refused",
        "register",
        is_refused(&stranger, "register"),
        &stranger,
    );
}

#[test]
fn part_f_readiness_is_told_when_it_is_so() {
    let mut desk = discovery(1, 2, Dissemination::Direct);
    let none: Vec<(u32, u32, Response)> = Vec::new();
    ask(&mut desk, 1, 1, Request::Register(registrant(Role::Publisher, "p", 1)));
    ask(&mut desk, 2, 1, Request::Register(registrant(Role::Subscriber, "s", 0)));
    expect(
        "nobody is told to go on before all have registered",
        &none,
        &ask(&mut desk, 1, 2, Request::IsReady),
    );
    expect(
        "nobody is told to go on before all have registered",
        &none,
        &ask(&mut desk, 2, 2, Request::IsReady),
    );
    let last = ask(&mut desk, 3, 1, Request::Register(registrant(Role::Subscriber, "t", 0)));
    let expected = vec![(3, 1, Response::Registered), (2, 2, Response::Ready)];
    expect("the last registration lets waiting subscribers go on, without being asked again", expected, last);
    expect(
        "a subscriber goes on at once when all are there",
        vec![(3, 2, Response::Ready)],
        ask(&mut desk, 3, 2, Request::IsReady),
    );
    expect(
        "one subscription is not all",
        vec![(2, 3, Response::Noted)],
        ask(&mut desk, 2, 3, Request::Subscribed),
    );
    let last = ask(&mut desk, 3, 3, Request::Subscribed);
    let expected = vec![(3, 3, Response::Noted), (1, 2, Response::Ready)];
    expect("publishers go on once all subscriptions are in force", expected, last);
    expect("nobody is released before all are done", &none, &ask(&mut desk, 1, 3, Request::Done));
    expect("nobody is released before all are done", &none, &ask(&mut desk, 2, 4, Request::Done));
    // A copy under the same number: the answer goes out once.
    expect("a copy changes nothing", &none, &ask(&mut desk, 2, 4, Request::Done));
    let released = ask(&mut desk, 3, 4, Request::Done);
    let expected: Vec<_> =
        [(1, 3), (2, 4), (3, 4)].map(|(client, number)| (client, number, Response::Completed)).to_vec();
    expect("the last one that is done releases all", expected, released);
    expect(
        "whose answer was lost asks again",
        vec![(1, 3, Response::Completed)],
        ask(&mut desk, 1, 3, Request::Done),
    );
}

#[test]
fn part_f_who_goes_too_early_is_noticed() {
    let mut desk = discovery(1, 1, Dissemination::Direct);
    ask(&mut desk, 1, 1, Request::Register(registrant(Role::Publisher, "p", 1)));
    expect("a place is free again before all are there", Vec::new(), desk.gone(Client(1)));
    ask(&mut desk, 3, 1, Request::Register(registrant(Role::Publisher, "p", 1)));
    ask(&mut desk, 2, 1, Request::Register(registrant(Role::Subscriber, "s", 0)));
    ask(&mut desk, 2, 2, Request::Subscribed);
    expect("who waits, waits", Vec::new(), ask(&mut desk, 2, 3, Request::Done));
    let told = desk.gone(Client(3));
    let holds = matches!(
        &told[..],
        [(Client(2), Answered { number: 3, response: Response::Refused(why) })] if why.starts_with("p has gone")
    );
    expect_that(
        "who waits is told who has gone",
        "Refused: p has gone …, under the request's number",
        holds,
        &told,
    );
    let mut desk = discovery(1, 1, Dissemination::Direct);
    ask(&mut desk, 1, 1, Request::Register(registrant(Role::Publisher, "p", 1)));
    ask(&mut desk, 2, 1, Request::Register(registrant(Role::Subscriber, "s", 0)));
    let told = desk.gone(Client(2));
    let holds =
        matches!(&told[..], [(Client(1), Answered { number: UNASKED, response: Response::Refused(_) })]);
    expect_that("who does not wait is told as well", "Refused, unasked", holds, &told);
}

#[test]
fn part_f_where_to_subscribe_is_the_discoverys_business() {
    for dissemination in [Dissemination::Direct, Dissemination::Broker] {
        let mut desk = discovery(2, 1, dissemination);
        let with = |mut one: Registrant, topics: &[Topic]| {
            one.dissemination = dissemination;
            if one.role != Role::Broker {
                one.topics = topics.to_vec();
            }
            Request::Register(one)
        };
        ask(&mut desk, 1, 1, with(registrant(Role::Publisher, "p", 1), &[Topic::Light, Topic::Sound]));
        ask(&mut desk, 2, 1, with(registrant(Role::Publisher, "q", 2), &[Topic::Altitude]));
        ask(&mut desk, 3, 1, with(registrant(Role::Subscriber, "s", 0), &[Topic::Sound]));
        let found = |publisher: &str, port, topics: &[Topic]| Provider {
            publisher: publisher.to_string(),
            endpoint: endpoint(port),
            topics: topics.to_vec(),
        };
        let all = vec![found("p", 1, &[Topic::Light, Topic::Sound]), found("q", 2, &[Topic::Altitude])];
        let at = match dissemination {
            Dissemination::Direct => 1,
            Dissemination::Broker => {
                ask(&mut desk, 4, 1, with(registrant(Role::Broker, "b", 9), &[]));
                expect(
                    "a broker hears publishers themselves",
                    vec![(4, 2, Response::Found(all))],
                    ask(&mut desk, 4, 2, Request::LookupAll),
                );
                9
            }
        };
        let rule =
            format!("{dissemination}: a subscriber is sent where its topics can be heard, and nowhere else");
        let sound = vec![(3, 2, Response::Found(vec![found("p", at, &[Topic::Sound])]))];
        expect(rule, sound, ask(&mut desk, 3, 2, Request::LookupByTopic(vec![Topic::Sound])));
        let rule = "a topic that nobody publishes is found nowhere";
        expect(
            rule,
            vec![(3, 3, Response::Found(Vec::new()))],
            ask(&mut desk, 3, 3, Request::LookupByTopic(vec![Topic::Weather])),
        );
    }
}

#[test]
fn part_f_a_publisher_goes_through_its_states() {
    let mut random = random();
    let mut publisher = Publisher::new(2, "4".parse().expect("a frequency"), 2);
    let mut orders = Vec::new();
    let mut states = vec![publisher.state()];
    for up_call in [
        None,
        None,
        Some(Application::registered as fn(&mut Publisher)),
        Some(Application::ready),
        None,
        None,
        None,
    ] {
        if let Some(up_call) = up_call {
            up_call(&mut publisher);
        }
        orders.push(publisher.invoke(&mut random));
        states.push(publisher.state());
    }
    use State::{Completed, Configure, Disseminate, Initialize, IsReady, Register};
    let expected =
        vec![Initialize, Configure, Register, IsReady, Disseminate, Disseminate, Completed, Completed];
    expect("a publisher goes from INITIALIZE to COMPLETED, moved by up-calls", expected, states);
    let [Order::Again, Order::Register(topics), Order::AskReady, first, second, Order::Finish, Order::Wait] =
        &orders[..]
    else {
        panic!(
            "rule broken: a publisher registers, asks, publishes twice and finishes\n  expected: Again, Register, AskReady, Publish, Publish, Finish, Wait\n  got: {orders:?}"
        );
    };
    for order in [first, second] {
        let Order::Publish { samples, again } = order else {
            panic!("rule broken: it publishes\n  got: {order:?}")
        };
        expect(
            "it measures each of its topics",
            topics.clone(),
            samples.iter().map(|(topic, _)| *topic).collect(),
        );
        expect("it measures at its frequency", Duration::from_millis(250), *again);
    }
    // What nobody expects moves nothing.
    publisher.ready();
    expect("an up-call out of turn moves nothing", Completed, publisher.state());
}

#[test]
fn part_f_a_subscriber_goes_through_its_states() {
    let mut random = random();
    let mut subscriber = Subscriber::new(3);
    let provider = Provider { publisher: "p".to_string(), endpoint: endpoint(1), topics: vec![Topic::Light] };
    let mut seen = Vec::new();
    let mut invoke = |subscriber: &mut Subscriber| {
        let order = subscriber.invoke(&mut random);
        seen.push(subscriber.state());
        order
    };
    expect("at first it goes on by itself", Order::Again, invoke(&mut subscriber));
    let Order::Register(topics) = invoke(&mut subscriber) else {
        panic!("rule broken: a subscriber registers")
    };
    expect("it draws so many topics", 3, topics.len());
    subscriber.registered();
    expect("then it asks whether it may go on", Order::AskReady, invoke(&mut subscriber));
    subscriber.ready();
    expect("then it looks up its topics", Order::Lookup(topics), invoke(&mut subscriber));
    subscriber.found(vec![provider.clone()]);
    expect("then it subscribes where it was sent", Order::Subscribe(vec![provider]), invoke(&mut subscriber));
    subscriber.subscribed();
    expect("then it hears", Order::Wait, invoke(&mut subscriber));
    subscriber.heard_all();
    expect("then it is done", Order::Finish, invoke(&mut subscriber));
    use State::{Completed, Configure, Disseminate, IsReady, Lookup, Register, Subscribe};
    expect("its states", vec![Configure, Register, IsReady, Lookup, Subscribe, Disseminate, Completed], seen);
    let mut broker = Subscriber::broker();
    broker.invoke(&mut Random::new(1, Purpose::Workload));
    let order = broker.invoke(&mut Random::new(1, Purpose::Workload));
    expect("a broker registers without topics of its own", Order::Register(Vec::new()), order);
}

#[test]
fn part_f_a_request_is_made_until_it_is_answered() {
    let resend = Duration::from_millis(60);
    let mut stub = Stub::new(Some(resend));
    let asked = Asked { number: 1, request: Request::IsReady };
    let expected = vec![Effect::Ask(asked.clone()), Effect::SetTimer(Timer::Ask, resend)];
    expect(
        "a request leaves, and a time is set",
        &expected,
        &effects(|turn| stub.ask(Request::IsReady, turn)),
    );
    expect(
        "without an answer it leaves again, under its number",
        &expected,
        &effects(|turn| stub.ask_again(turn)),
    );
    let answer = |number| Answered { number, response: Response::Ready };
    let mut got = None;
    effects(|turn| got = stub.answered(answer(0), turn));
    expect("an answer of another number is not the one", None, got.take());
    effects(|turn| got = stub.answered(answer(1), turn));
    expect("the answer is taken", Some(Response::Ready), got.take());
    effects(|turn| got = stub.answered(answer(1), turn));
    expect("a copy of the answer is not taken", None, got.take());
    expect("what is answered is not asked again", Vec::new(), effects(|turn| stub.ask_again(turn)));
    let mut calm = Stub::new(None);
    let rule = "where nothing is lost no time is set";
    expect(rule, vec![Effect::Ask(asked)], effects(|turn| calm.ask(Request::IsReady, turn)));
}

fn publication(topic: Topic, publisher: &str, content: Content) -> Publication {
    Publication { topic, publisher: publisher.to_string(), content }
}

#[test]
fn part_f_a_subscription_is_welcomed_on_its_topic() {
    let mut outgoing = Outgoing::new("p".to_string());
    outgoing.announce(&[Topic::Light]);
    let welcome = |topic, publisher| vec![Effect::Publish(publication(topic, publisher, Content::Welcome))];
    let rule = "a subscription that a publisher sees is welcomed on its topic";
    expect(rule, welcome(Topic::Light, "p"), effects(|turn| outgoing.subscription(Topic::Light, turn)));
    let rule = "there is no welcome to what is not published";
    expect(rule, Vec::new(), effects(|turn| outgoing.subscription(Topic::Sound, turn)));

    let mut broker = Outgoing::new("b".to_string());
    let rule = "a broker does not welcome to what it cannot hear itself";
    expect(rule, Vec::new(), effects(|turn| broker.subscription(Topic::Light, turn)));
    let above = publication(Topic::Light, "p", Content::Welcome);
    let rule = "a broker passes on the publisher's welcome";
    expect(rule, welcome(Topic::Light, "p"), effects(|turn| broker.pass_on(above, turn)));
    let rule = "from then on it welcomes in the publisher's name";
    expect(rule, welcome(Topic::Light, "p"), effects(|turn| broker.subscription(Topic::Light, turn)));
    expect("but on no other topic", Vec::new(), effects(|turn| broker.subscription(Topic::Sound, turn)));
    let sample = publication(Topic::Light, "p", Content::Sample { number: 4, value: "x".into(), sent_us: 2 });
    let expected = vec![Effect::Publish(sample.clone())];
    expect("a broker passes on samples as they are", expected, effects(|turn| broker.pass_on(sample, turn)));
}

fn listener() -> Incoming {
    let mut incoming = Incoming::default();
    incoming.expect(vec![Provider {
        publisher: "p".to_string(),
        endpoint: endpoint(1),
        topics: vec![Topic::Light],
    }]);
    incoming
}

/// The numbers that are handed over when these samples arrive.
fn numbers(incoming: &mut Incoming, arriving: &[u64]) -> Vec<u64> {
    let told = effects(|turn| {
        for number in arriving {
            let content = Content::Sample { number: *number, value: number.to_string(), sent_us: 400 };
            incoming.heard(&publication(Topic::Light, "p", content), turn);
        }
    });
    handed_over(&told)
}

fn handed_over(told: &[Effect]) -> Vec<u64> {
    let number = |effect: &Effect| match effect {
        Effect::Tell(Output::Received { number, value, latency_us, .. }) => {
            expect("a sample keeps its value", &number.to_string(), value);
            expect("latency is from the publisher's clock to this one", 600, *latency_us);
            Some(*number)
        }
        _ => None,
    };
    told.iter().filter_map(number).collect()
}

#[test]
fn part_f_each_sample_once_in_its_publishers_order() {
    let mut incoming = listener();
    let rule = "each sample is handed over once, in the order of publishing";
    expect(rule, vec![0], numbers(&mut incoming, &[0, 0]));
    expect(rule, Vec::new(), numbers(&mut incoming, &[2, 3, 2]));
    expect(rule, vec![1, 2, 3], numbers(&mut incoming, &[1, 1, 0, 3]));
    let foreign = publication(Topic::Sound, "p", Content::Welcome);
    let mut asked = true;
    effects(|turn| asked = incoming.heard(&foreign, turn));
    expect("what was not asked for is not heard", false, asked);
    effects(|turn| {
        assert!(incoming.heard(&publication(Topic::Light, "p", Content::End { samples: 6 }), turn))
    });
    expect(
        "an end that overtakes the last samples ends nothing",
        (false, true),
        (incoming.is_over(), incoming.lacks()),
    );
    expect(rule, Vec::new(), numbers(&mut incoming, &[5]));
    let told = effects(|turn| incoming.give_up(turn));
    let rule = "nothing is given up before its time has begun";
    expect(rule, (0, false), (told.len(), incoming.is_over()));
    incoming.begin_to_wait();
    let told = effects(|turn| incoming.give_up(turn));
    expect("what is after a loss is handed over once the loss is given up", vec![5], handed_over(&told));
    expect("what was lost is counted", (5, 1), incoming.counts());
    expect("then all is over", true, incoming.is_over());
    expect("what comes too late is not handed over", Vec::new(), numbers(&mut incoming, &[4]));
}

/// A liar may number his samples as he likes: nobody keeps them all.
#[test]
fn part_f_samples_that_came_early_are_bounded() {
    let mut incoming = listener();
    let many: Vec<u64> = (1..=1025).collect();
    let told = numbers(&mut incoming, &many);
    let rule = "after 1024 samples that wait for an earlier one, the earlier one is given up";
    expect(rule, (Some(1), 1025, (1025, 1)), (told.first().copied(), told.len(), incoming.counts()));

    let mut incoming = listener();
    let rule = "the last number there is has no successor, and is refused";
    expect(rule, Vec::new(), numbers(&mut incoming, &[u64::MAX]));
    let end = publication(Topic::Light, "p", Content::End { samples: u64::MAX });
    effects(|turn| _ = incoming.heard(&end, turn));
    incoming.begin_to_wait();
    effects(|turn| incoming.give_up(turn));
    expect("a liar's samples are missed, all of them", (0, u64::MAX), incoming.counts());
}

#[test]
fn part_f_a_participant_subscribes_until_it_is_welcome() {
    let resend = Duration::from_millis(60);
    let identity =
        Identity { name: "s".to_string(), endpoint: None, dissemination: Dissemination::Direct, session: 1 };
    let application = AnyApplication::Subscriber(Subscriber::new(9));
    let mut participant = Participant::new(identity, application, Some(resend));
    effects(|turn| participant.on(Event::Start, turn));
    let providers = vec![
        Provider { publisher: "p".to_string(), endpoint: endpoint(1), topics: vec![Topic::Light] },
        Provider { publisher: "q".to_string(), endpoint: endpoint(2), topics: vec![Topic::Light] },
    ];
    let mut last = Vec::new();
    for (number, response) in
        [(1, Response::Registered), (2, Response::Ready), (3, Response::Found(providers))]
    {
        last = effects(|turn| participant.on(Event::Answered(Answered { number, response }), turn));
    }
    let to = |port| Effect::Subscribe(endpoint(port), Topic::Light);
    let wanted = |effects: &[Effect]| -> Vec<Effect> {
        effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Subscribe(..) | Effect::Ask(_)))
            .cloned()
            .collect()
    };
    expect("it subscribes wherever its topics are published", vec![to(1), to(2)], wanted(&last));
    let welcome = |publisher| Event::Heard(publication(Topic::Light, publisher, Content::Welcome));
    let one = effects(|turn| participant.on(welcome("p"), turn));
    let nothing = wanted(&one).iter().all(|effect| !matches!(effect, Effect::Ask(_)));
    expect_that("one welcome of two is not all", "no word to the discovery", nothing, &one);
    let again = effects(|turn| participant.on(Event::Alarm(Timer::Subscribe), turn));
    expect("what has no welcome is subscribed to again", vec![to(2)], wanted(&again));
    let all = effects(|turn| participant.on(welcome("q"), turn));
    let subscribed = Effect::Ask(Asked { number: 4, request: Request::Subscribed });
    expect("with all welcomes it tells the discovery", vec![subscribed], wanted(&all));
}

/// A whole run in which nothing is lost.
fn calm_run(trial: &Trial, dissemination: Dissemination) -> Sim<Node> {
    let publisher_topics = if trial.seed.is_multiple_of(2) { 9 } else { 3 };
    let frequency = "500".parse().expect("a frequency");
    let roles = Roles { dissemination, publisher_topics, publishers: 3, frequency, ..Roles::default() };
    let scene = Scene::calm(roles);
    let mut sim = scene.begin(trial);
    let ended = "(F8) once faults have ended, everybody is released";
    sim.must_reach(ended, Duration::from_secs(5), |sim| all_over(sim, &scene.roles));
    scene.judge(&mut sim);
    sim
}

#[test]
fn part_f_where_nothing_is_lost_everything_is_heard() {
    Campaign::new(this_test!())
        .seeds(200)
        .reaching(&[situation::OVERTAKEN])
        .run(|trial| calm_run(trial, Dissemination::Direct));
}

#[test]
fn part_f_through_a_broker_nothing_is_lost_either() {
    Campaign::new(this_test!())
        .seeds(200)
        .reaching(&[situation::OVERTAKEN, situation::PASSED_ON])
        .run(|trial| calm_run(trial, Dissemination::Broker));
}

#[test]
fn part_f_the_middleware_survives_any_weather() {
    let reached = [
        situation::OVERTAKEN,
        situation::COPY,
        situation::MISSED,
        situation::REGISTERED_AGAIN,
        situation::PASSED_ON,
    ];
    Campaign::new(this_test!())
        .seeds(1_000)
        .reaching(&reached)
        .firing(&["drop", "duplicate", "partition", "replay"])
        .run(|trial| Scene::draw(trial.seed).survive_and_end(trial));
}

/// One publisher alone has nobody to wait for but its subscriber; and a subscriber to what nobody publishes is done at once.
#[test]
fn part_f_a_subscriber_to_nothing_is_released_too() {
    Campaign::new(this_test!()).seeds(50).run(|trial| {
        let roles = Roles {
            publishers: 1,
            subscribers: 1,
            publisher_topics: 1,
            subscriber_topics: 1,
            ..Roles::default()
        };
        let scene = Scene::calm(roles);
        let mut sim = scene.begin(trial);
        sim.must_reach("(F8) once faults have ended, everybody is released", Duration::from_secs(5), |sim| {
            all_over(sim, &scene.roles)
        });
        let told = sim.outputs().iter().filter(|told| told.node == NodeId(2));
        let heard = told.filter(|told| matches!(told.output, Output::Heard { missed: 0, .. })).count();
        expect("a subscriber says once what it has heard", 1, heard);
        sim
    });
}
