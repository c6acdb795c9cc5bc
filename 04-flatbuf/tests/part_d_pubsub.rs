//! Part D: publisher and subscriber: nothing is copied, nothing is missed silently.

mod golden;
mod stage;
mod stranger;

use bytes::Bytes;
use flatbuf::limits::{Limits, Refusal};
use flatbuf::pubsub::publisher::{Plan, PublishError, Publisher};
use flatbuf::pubsub::stream::{Heard, Stream};
use flatbuf::pubsub::subscriber::{SubscribeError, Subscriber, Told, only_frame};
use flatbuf::sample::{END, Sample};
use flatbuf::stamp::stamp;
use flatbuf::topic::read::to_sample;
use flatbuf::topic::write::Writer;
use simnet::rule::{expect, expect_ok, expect_that};
use stage::{ANYWHERE, BOUND, Tasks, act, play};
use std::cell::Cell;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use zeromq::{PubSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqMessage};

fn plan(samples: u32) -> Plan {
    Plan { samples, length: 5, name: "DATA".to_string(), interval: Duration::ZERO }
}

fn written(sample: &Sample) -> Vec<u8> {
    Writer::default().write(sample).to_vec()
}

/// A buffer of a sample without any code of this lab's.
fn plain(seq_no: u32, name: &str) -> Vec<u8> {
    use flatbuf::generated::topic::my_pub_sub::{Topic, TopicArgs};
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let name = Some(builder.create_string(name));
    let data = Some(builder.create_vector(&[seq_no]));
    let topic = Topic::create(&mut builder, &TopicArgs { seq_no, ts: 1.0, name, data });
    builder.finish(topic, None);
    builder.finished_data().to_vec()
}

/// A subscription is how a message begins. A buffer begins with an offset, so only "everything" is of use.
#[test]
fn part_d_a_subscription_cannot_say_what_is_in_a_buffer() {
    let beginnings: Vec<[u8; 4]> =
        ["DATA", "END"].map(|name| plain(3, name)[..4].try_into().unwrap()).to_vec();
    expect("buffers of different topics begin alike", beginnings[0], beginnings[1]);
    expect("with the offset of the root table", 16_u32.to_le_bytes(), beginnings[0]);
}

#[test]
fn part_d_what_is_missing_is_counted_and_the_end_is_told() {
    let mut stream = Stream::default();
    let heard: Vec<Heard> = [(0, "DATA"), (1, "DATA"), (4, "x"), (4, "x"), (2, "x"), (5, ""), (11, END)]
        .map(|(seq_no, name)| stream.hear(seq_no, name))
        .to_vec();
    let sample = |missed| Heard::Sample { missed };
    let expected = vec![
        sample(0),
        sample(0),
        sample(2),
        Heard::Again,
        Heard::Again,
        sample(0),
        Heard::End { missed: 4 },
    ];
    expect("each sample, what is missing before it, and what comes again", expected, heard);
    let counted = (stream.received, stream.missed, stream.again, stream.ended);
    expect("of ten samples four came, and six are missing", (4, 6, 2, true), counted);
}

#[test]
fn part_d_a_stream_of_nothing_has_an_end() {
    for (seq_no, missed) in [(1, 0), (0, 0), (1001, 1000), (u32::MAX, u64::from(u32::MAX) - 1)] {
        let mut stream = Stream::default();
        let heard = stream.hear(seq_no, END);
        expect(format!("an end with the number {seq_no}, first of all"), Heard::End { missed }, heard);
        expect("is the end", (0, missed, true), (stream.received, stream.missed, stream.ended));
    }
    let mut stream = Stream::default();
    let heard = stream.hear(u32::MAX, "DATA");
    let most = u64::from(u32::MAX);
    expect("the greatest number is a number", Heard::Sample { missed: most }, heard);
    expect("and after it none is expected", Heard::Again, stream.hear(0, "DATA"));
}

#[test]
fn part_d_a_message_is_one_frame_as_it_lies() {
    let buffer = Bytes::from(golden::DATA.to_vec());
    let frame = only_frame(ZmqMessage::from(buffer.clone()));
    let frame = expect_ok("a message of one frame is a frame", "the frame", frame);
    let rule = "nothing is copied: the frame lies where it lay";
    expect(rule, buffer.as_ptr(), frame.as_ptr());
    let mut two = ZmqMessage::from(buffer.clone());
    two.push_back(buffer);
    expect("a message of two frames is none of ours", Err(Refusal::Frames(2)), only_frame(two));
}

/// A subscriber that follows to the end, and what it was told.
async fn follow(endpoint: &str, told: impl FnMut(Told<'_>)) -> Result<Stream, SubscribeError> {
    let mut subscriber = Subscriber::connect(endpoint, Limits::default(), BOUND).await?;
    subscriber.follow(|| 0, told).await
}

#[test]
fn part_d_a_thousand_samples_and_the_end() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        let mut got = Vec::new();
        let listen = follow(&endpoint, |told| {
            if let Told::Sample { topic, .. } = told {
                got.push(to_sample(&topic));
            }
        });
        let plan = plan(1000);
        let publish = async {
            expect_ok("a subscriber comes", "one", publisher.wait_for(1).await);
            publisher.publish(&plan, || 1_500_000_000, |_| {}).await
        };
        let (stream, published) = tokio::join!(listen, publish);
        expect_ok("everything is published", "", published);
        let stream = expect_ok("the stream has an end", "an end", stream);
        let (counted, all) = ((stream.received, stream.missed, stream.again, stream.refused), 1000);
        expect("every sample is heard, once", (all, 0, 0, 0), counted);
        let stamped = |sample: Sample| Sample { ts: 1.5, ..sample };
        let mut expected: Vec<Sample> =
            (0..1000).map(|seq_no| stamped(Sample::numbered(seq_no, "DATA", 5))).collect();
        expected.push(stamped(Sample { seq_no: 1001, name: END.to_string(), ..Sample::default() }));
        expect("as many samples as were published, and the end", expected.len(), got.len());
        for (expected, got) in expected.into_iter().zip(got) {
            expect("in order, as they were published, and then END with 1001 and no data", expected, got);
        }
    });
}

#[test]
fn part_d_what_a_view_shows_lies_in_the_frame() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        let (mut seen, mut addresses) = (0, Vec::new());
        let listen = follow(&endpoint, |told| {
            let Told::Sample { topic, frame, .. } = told else { return };
            let lies = frame.as_ptr_range();
            let within = |bytes: &[u8]| {
                bytes.is_empty() || (lies.contains(&bytes.as_ptr()) && bytes.as_ptr_range().end <= lies.end)
            };
            let name = topic.name().unwrap_or_default();
            let data = topic.data().unwrap_or_default();
            expect_that("the name lies in the received frame", "inside", within(name.as_bytes()), name);
            expect_that("the data lie in the received frame", "inside", within(data.bytes()), data.len());
            addresses.push(frame.as_ptr() as usize % 4);
            seen += 1;
        });
        // Names of different lengths, so that frames begin at different addresses of the library's buffer.
        let publish = async {
            publisher.wait_for(1).await.unwrap();
            for number in 0..40 {
                let name = "x".repeat(number as usize % 7);
                publisher.send(Bytes::from(plain(number, &name))).await.unwrap();
            }
            publisher.send(Bytes::from(plain(41, END))).await.unwrap();
        };
        let (stream, ()) = tokio::join!(listen, publish);
        expect("every frame was looked at", 41, seen);
        expect("and none refused, at whatever address", 0, stream.map(|stream| stream.refused).unwrap_or(99));
        let aligned = addresses.iter().filter(|address| **address == 0).count();
        // What a library's buffer brings is no promise; it is looked at so that nobody builds on it.
        println!("{aligned} of {} frames lay at a multiple of 4", addresses.len());
    });
}

#[test]
fn part_d_a_sample_is_stamped_as_it_leaves() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        // Two clocks that tick with each look. The subscriber's is behind the publisher's for the first three samples.
        let (sent, arrived) = (Cell::new(0_u64), Cell::new(0_u64));
        let ticks = |clock: &Cell<u64>, by: u64| {
            clock.set(clock.get() + by);
            clock.get()
        };
        let mut latencies = Vec::new();
        let listen = async {
            let mut subscriber = Subscriber::connect(&endpoint, Limits::default(), BOUND).await?;
            let told = |told: Told<'_>| {
                if let Told::Sample { latency, topic, .. } = told {
                    latencies.push((topic.ts(), latency));
                }
            };
            subscriber.follow(|| ticks(&arrived, 4_000_000_000).saturating_sub(6_000_000_000), told).await
        };
        let plan = plan(4);
        let publish = async {
            publisher.wait_for(1).await.unwrap();
            publisher.publish(&plan, || ticks(&sent, 1_000_000_000), |_| {}).await.unwrap();
        };
        let (stream, ()) = tokio::join!(listen, publish);
        expect_ok("the stream has an end", "an end", stream);
        let second = 1_000_000_000;
        let expected = vec![
            (1.0, None),
            (2.0, Some(0)),
            (3.0, Some(3 * second)),
            (4.0, Some(6 * second)),
            (5.0, Some(9 * second)),
        ];
        let rule = "each stamp is read from the clock anew, and a latency below zero is none";
        expect(rule, expected, latencies);
    });
}

#[test]
fn part_d_a_frame_that_is_no_sample_is_told_and_passed_over() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        let mut heard = Vec::new();
        let listen = follow(&endpoint, |told| {
            heard.push(match told {
                Told::Sample { topic, .. } => topic.seq_no().to_string(),
                Told::Refused(_) => "refused".to_string(),
            });
        });
        let publish = async {
            publisher.wait_for(1).await.unwrap();
            for bytes in [
                plain(0, "a"),
                b"hello".to_vec(),
                plain(1, "a"),
                golden::DATA[..60].to_vec(),
                Vec::new(),
                plain(2, "a"),
                plain(4, END),
            ] {
                publisher.send(Bytes::from(bytes)).await.unwrap();
            }
        };
        let (stream, ()) = tokio::join!(listen, publish);
        let expected = ["0", "refused", "1", "refused", "refused", "2", "4"].map(str::to_string).to_vec();
        expect("what is no sample is told, and the next one is heard", expected, heard);
        let stream = expect_ok("the stream has an end", "an end", stream);
        expect("and counted", (3, 0, 3), (stream.received, stream.missed, stream.refused));
    });
}

#[test]
fn part_d_nonsense_is_given_up() {
    play(async {
        let mut tasks = Tasks::new();
        let (listener, endpoint) = stranger::listen().await;
        tasks.spawn(async move {
            let mut stream = stranger::accept(&listener).await;
            let nonsense: Vec<u8> = stranger::frame(b"the weather is fine").repeat(100);
            while stream.write_all(&nonsense).await.is_ok() {}
        });
        let mut told = 0;
        let got = act(&mut tasks, follow(&endpoint, |_| told += 1)).await;
        let given_up = matches!(&got, Err(SubscribeError::Nonsense(Refusal::Invalid { .. })));
        expect_that("a thousand frames in a row that are no samples are enough", "Nonsense", given_up, &got);
        expect("all but the last were told", 999, told);
    });
}

#[test]
fn part_d_who_comes_late_knows_what_it_has_missed() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        for number in 0..25 {
            publisher.send(Bytes::from(plain(number, "DATA"))).await.unwrap();
        }
        let publish = async {
            publisher.wait_for(1).await.unwrap();
            for number in 25..40 {
                publisher.send(Bytes::from(plain(number, "DATA"))).await.unwrap();
            }
            publisher.send(Bytes::from(plain(41, END))).await.unwrap();
        };
        let (stream, ()) = tokio::join!(follow(&endpoint, |_| {}), publish);
        let stream = expect_ok("the stream has an end", "an end", stream);
        expect("25 samples were published before it came", (15, 25), (stream.received, stream.missed));
    });
}

#[test]
fn part_d_nobody_waits_for_ever() {
    play(async {
        let short = Duration::from_millis(50);
        let mut publisher = Publisher::bind(ANYWHERE, short).await.unwrap();
        let missing =
            matches!(publisher.wait_for(1).await, Err(PublishError::Missing { here: 0, expected: 1, .. }));
        expect_that("a publisher whose subscribers do not come says so", "Missing", missing, missing);
        let endpoint = publisher.endpoint.clone();
        let mut subscriber =
            Subscriber::connect(&endpoint, Limits::default(), short * 20).await.expect("it is there");
        let silent = subscriber.recv().await.map(|_| "a message");
        expect_that(
            "silence is an error",
            "Silent",
            matches!(silent, Err(SubscribeError::Silent(_))),
            silent,
        );
        let nobody =
            Subscriber::connect("tcp://127.0.0.1:1", Limits::default(), short).await.map(|_| "a subscriber");
        expect_that(
            "so is nobody there",
            "Attach",
            matches!(nobody, Err(SubscribeError::Attach(_))),
            &nobody,
        );
    });
}

#[test]
fn part_d_a_subscriber_that_vanishes_stops_nobody() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let endpoint = publisher.endpoint.clone();
        for round in 1..=5 {
            let gone = Subscriber::connect(&endpoint, Limits::default(), BOUND);
            let (gone, waited) = tokio::join!(gone, publisher.wait_for(round));
            expect_ok("each of them has subscribed", "", waited);
            drop(gone);
        }
        let plan = plan(100);
        let publish = async {
            publisher.wait_for(6).await.unwrap();
            publisher.publish(&plan, || 0, |_| {}).await
        };
        let (stream, published) = tokio::join!(follow(&endpoint, |_| {}), publish);
        expect_ok("those who have gone stop nobody", "", published);
        let stream = expect_ok("the stream has an end", "an end", stream);
        expect("and who is there hears everything", (100, 0), (stream.received, stream.missed));
    });
}

/// Programs of others send one frame, and take one frame: nothing but the buffer.
#[test]
fn part_d_plain_sockets_of_zeromq_understand_both() {
    play(async {
        let mut publisher = Publisher::bind(ANYWHERE, BOUND).await.unwrap();
        let mut plain_subscriber = SubSocket::new();
        plain_subscriber.connect(&publisher.endpoint).await.unwrap();
        plain_subscriber.subscribe("").await.unwrap();
        publisher.wait_for(1).await.unwrap();
        let plan = plan(3);
        let nanoseconds = 2_500_000_000;
        let (published, got) = tokio::join!(publisher.publish(&plan, || nanoseconds, |_| {}), async {
            let mut got = Vec::new();
            for _ in 0..4 {
                got.push(plain_subscriber.recv().await.unwrap().into_vec().concat());
            }
            got
        });
        published.unwrap();
        let ts = stamp(nanoseconds);
        let mut expected: Vec<Vec<u8>> =
            (0..3).map(|number| written(&Sample { ts, ..Sample::numbered(number, "DATA", 5) })).collect();
        expected.push(written(&Sample { ts, ..Sample::end(3) }));
        expect("a plain SUB gets the buffers and nothing else", expected, got);

        let mut plain_publisher = PubSocket::new();
        let endpoint = plain_publisher.bind(ANYWHERE).await.unwrap().to_string();
        let mut heard = 0;
        let listen = follow(&endpoint, |_| heard += 1);
        let publish = async {
            // A PUB cannot tell who is there: it says the end until somebody has heard it.
            loop {
                plain_publisher.send(ZmqMessage::from(plain(1, END))).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let stream = tokio::select! { stream = listen => stream, () = publish => unreachable!("it goes on") };
        expect("a plain PUB is understood", Some(true), stream.ok().map(|stream| stream.ended));
        expect("at its first word", 1, heard);
    });
}
