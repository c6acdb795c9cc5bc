//! Lab 03 against servers that others wrote: VictoriaMetrics (Debian's package), InfluxDB 2 (its container), and Python's arithmetic.
//!
//! Each server listens on a free port of the loopback, has its data in a temporary folder, and is ended with its test.

#![allow(clippy::disallowed_methods, reason = "servers are other programs, and are waited for")]
#![allow(clippy::disallowed_types, reason = "servers are other programs, and are waited for")]
#![allow(clippy::float_arithmetic, reason = "what was measured is compared")]
#![allow(missing_docs, reason = "a test")]

use metrics::influx::address::Target;
use metrics::influx::ask;
use metrics::influx::check::check;
use metrics::influx::sink::{InfluxOptions, InfluxSink};
use metrics::influx::token::Token;
use metrics::line::Precision;
use metrics::query::{Figures, Groups, Query, Sample, figures};
use metrics::reader::read;
use metrics::{Delivered, Point, Sink};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything may take.
const BOUND: Duration = Duration::from_secs(60);
/// So many messages.
const MESSAGES: usize = 100_000;

/// VictoriaMetrics.
struct Victoria {
    child: Option<Child>,
    port: u16,
    data: PathBuf,
}

impl Victoria {
    fn start(data: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("it listens").port();
        drop(free);
        let mut server = Victoria { child: None, port, data: data.to_path_buf() };
        server.start_again();
        server
    }

    fn start_again(&mut self) {
        let mut command = Command::new("victoria-metrics");
        command.arg(format!("-storageDataPath={}", self.data.display()));
        command.arg(format!("-httpListenAddr=127.0.0.1:{}", self.port));
        command.args(["-retentionPeriod=12", "-search.latencyOffset=0s", "-loggerLevel=ERROR"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            command.spawn().expect("victoria-metrics is installed (apt-get install victoria-metrics)");
        self.child = Some(child);
        let begun = Instant::now();
        while get(self.port, "/health").is_err() {
            assert!(
                begun.elapsed() < BOUND,
                "victoria-metrics answers on port {} within {BOUND:?}",
                self.port
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a power cut would.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it can be waited for");
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All that it has of these series, once there are so many points of them: what is flushed can be found a moment later.
    fn export(&self, name: &str, points: usize) -> BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> {
        let begun = Instant::now();
        loop {
            let all = self.export_now(name);
            if all.values().map(Vec::len).sum::<usize>() >= points || begun.elapsed() >= BOUND {
                return all;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that can be found now of these series, by name and tags: times in milliseconds, values.
    fn export_now(&self, name: &str) -> BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> {
        get(self.port, "/internal/force_flush").expect("it flushes");
        let query: String =
            format!("{{__name__=~\"{name}\"}}").bytes().map(|byte| format!("%{byte:02x}")).collect();
        let text = get(self.port, &format!("/api/v1/export?match[]={query}")).expect("it exports");
        let mut all: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
        for line in text.lines() {
            let series: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let tags = series["metric"].as_object().expect("tags").iter();
            let tags =
                tags.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_string())).collect();
            let times = series["timestamps"].as_array().expect("times").iter().filter_map(Value::as_i64);
            let values = series["values"].as_array().expect("values").iter().filter_map(Value::as_f64);
            all.entry(tags).or_default().extend(times.zip(values));
        }
        all
    }
}

impl Drop for Victoria {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The body of an answer with status 2xx.
fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(BOUND))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let good = head.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
    if good { Ok(body.to_string()) } else { Err(std::io::Error::other(text)) }
}

fn target(url: &str) -> Target {
    let address = url.parse().expect("an address");
    Target { address, org: "o".into(), bucket: "b".into(), token: Token::new("s3cr3t").expect("a token") }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_millis()).expect("it is before 2262")
}

/// Points of all kinds of numbers, with tags in which everything is that means something.
fn points(first_ms: i64) -> Vec<Point> {
    let hostile = [
        "a b",
        "a,b",
        "a=b",
        r"C:\temp",
        r"ends with \",
        r"\\two",
        r"\,",
        "ü🚀",
        "\"quoted\"",
        "'",
        "#",
        "=",
        ",",
        " ",
        "{a}",
        "%20",
        "\t",
    ];
    let mut points = Vec::new();
    for (at, text) in (0..).zip(hostile) {
        let time_ns = (first_ms - at) * 1_000_000;
        let tagged =
            || Point::new("my measurement").tag("plain", "x").tag(format!("k{text}"), text).at(time_ns);
        points.push(tagged().field("i", -at).field("u", at.unsigned_abs() + 1).field("f", 0.1 + at as f64));
        points.push(tagged().tag("more", text).field("big", 1_234_567_890_123_i64));
    }
    points
}

/// What a server has that makes a series of each field, and keeps milliseconds.
fn series(points: &[Point]) -> BTreeMap<BTreeMap<String, String>, Vec<(i64, f64)>> {
    let mut all: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
    for point in points {
        for (key, value) in point.fields() {
            let mut tags: BTreeMap<String, String> = point.tags().iter().cloned().collect();
            tags.insert("__name__".into(), format!("{}_{key}", point.measurement()));
            let time_ms = point.time_ns().expect("a time").div_euclid(1_000_000);
            all.entry(tags).or_default().push((time_ms, value.number().expect("a number")));
        }
    }
    all
}

/// The same, whatever the order of points of one time.
fn sorted<K: Ord>(mut all: BTreeMap<K, Vec<(i64, f64)>>) -> BTreeMap<K, Vec<(i64, f64)>> {
    for samples in all.values_mut() {
        samples.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    }
    all
}

#[test]
#[ignore = "needs victoria-metrics; run: cargo test -p peers --test metrics_servers -- --include-ignored"]
fn victoria_metrics_has_each_point_as_it_was_written_with_its_escaped_tags() {
    for gzip in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Victoria::start(&folder.path().join("data"));
        let mut options = InfluxOptions::new(folder.path().join("spool"));
        options.gzip = gzip;
        let mut sink = InfluxSink::start(target(&server.url()), options).expect("a sink");
        let points = points(now_ms());
        sink.write(&points).expect("they are taken");
        let written = points.len() as u64;
        assert_eq!(sink.close(BOUND).expect("it ends"), Delivered { written, ..Delivered::default() });
        let mut got = server.export("my measurement.*", series(&points).values().map(Vec::len).sum());
        // The bucket is kept as a tag of its own.
        let without_bucket = |(mut tags, samples): (BTreeMap<String, String>, _)| {
            tags.remove("db");
            (tags, samples)
        };
        got = got.into_iter().map(without_bucket).collect();
        let (wanted, got) = (sorted(series(&points)), sorted(got));
        for (tags, samples) in &wanted {
            assert_eq!(got.get(tags), Some(samples), "{tags:?}; the server has {:#?}", got.keys());
        }
        assert_eq!(got.len(), wanted.len());
        println!("gzip {gzip}: {} series of {} points came back equal", wanted.len(), points.len());
    }
}

#[test]
#[ignore = "needs victoria-metrics; run: cargo test -p peers --test metrics_servers -- --include-ignored"]
fn victoria_metrics_answers_204_to_a_malformed_line_and_the_check_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Victoria::start(&folder.path().join("data"));
    let findings = check(&target(&server.url()), BOUND);
    println!("{findings:#?}");
    let lines = findings.iter().find(|finding| finding.what == "lines").expect("it is looked at");
    assert!(lines.says.contains("204") && lines.says.contains("read back"), "{lines:?}");
    assert!(findings.iter().all(|finding| !finding.wrong), "{findings:?}");
    assert!(server.export_now("metrics_check.*").is_empty(), "nothing was written");
}

/// A program of the lab.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program was built");
        let out = child.stdout.take().expect("it was asked for");
        let (say, lines) = channel();
        thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
        });
        Program { child, lines }
    }

    fn says(&self, what: &str) -> String {
        loop {
            let line =
                self.lines.recv_timeout(BOUND).unwrap_or_else(|error| panic!("expected `{what}`: {error}"));
            println!("  {line}");
            if line.contains(what) {
                return line;
            }
        }
    }

    fn ends(mut self) {
        while let Ok(line) = self.lines.recv_timeout(2 * BOUND) {
            println!("  {line}");
        }
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lab's program, built once.
fn program() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "-p", "lab-metrics", "--bin", "metrics"]);
        assert!(command.status().expect("cargo runs").success(), "lab-metrics builds");
        let test = std::env::current_exe().expect("this test knows where it is");
        test.parent().and_then(Path::parent).expect("it is in target/debug/deps").join("metrics")
    };
    BUILT.get_or_init(build).clone()
}

/// Publishes and subscribes, into a file and to the server. `meanwhile` is called once messages come.
fn measure(
    folder: &Path,
    server: &mut Victoria,
    every: &str,
    meanwhile: impl FnOnce(&mut Victoria),
) -> PathBuf {
    let (file, spool) = (folder.join("run.lp"), folder.join("spool"));
    let text = |path: &Path| path.display().to_string();
    let messages = MESSAGES.to_string();
    let publisher = Program::start(&[
        "publish",
        "--port",
        "0",
        "--clock-port",
        "0",
        "--messages",
        &messages,
        "--every",
        every,
    ]);
    let first = publisher.says("publishing on");
    let at: Vec<&str> = first.split([' ', ',']).filter(|word| word.starts_with("tcp://")).collect();
    let url = server.url();
    let subscriber = Program::start(&[
        "subscribe",
        "-p",
        at[0],
        "-c",
        at[1],
        "--file",
        &text(&file),
        "--url",
        &url,
        "--spool",
        &text(&spool),
        "--capacity",
        "200000",
        "--pause",
        "500ms",
        "--batch",
        "1000",
    ]);
    subscriber.says("joined");
    meanwhile(server);
    subscriber.ends();
    publisher.ends();
    assert_eq!(
        std::fs::metadata(&spool).expect("the spool is there").len(),
        0,
        "nothing is left in the spool"
    );
    file
}

fn file_points(file: &Path) -> Vec<Point> {
    let mut points = Vec::new();
    let reading =
        read(file, Precision::Nanoseconds, |point| points.push(point)).expect("the file can be read");
    assert_eq!((reading.bad, reading.torn), (0, None));
    points
}

fn by_topic(samples: impl IntoIterator<Item = (String, Sample)>) -> BTreeMap<String, Figures> {
    let mut groups: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for (topic, sample) in samples {
        groups.entry(topic).or_default().push(sample);
    }
    groups
        .into_iter()
        .map(|(topic, samples)| (topic, figures(&samples).expect("a group has samples")))
        .collect()
}

#[test]
#[ignore = "needs victoria-metrics; run: cargo test -p peers --test metrics_servers -- --include-ignored"]
fn the_reports_of_file_and_server_agree_to_the_last_of_100000_points() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Victoria::start(&folder.path().join("data"));
    let file = measure(folder.path(), &mut server, "0us", |_| {});
    let points = file_points(&file);
    assert_eq!(points.len(), MESSAGES);
    let mut got = server.export("delivery_.*", 4 * MESSAGES);
    got = got
        .into_iter()
        .map(|(mut tags, samples)| {
            tags.remove("db");
            (tags, samples)
        })
        .collect();
    let (wanted, got) = (sorted(series(&points)), sorted(got));
    assert_eq!(got.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (tags, samples) in &wanted {
        assert!(
            got[tags] == *samples,
            "{tags:?}: {} points in the file, {} at the server",
            samples.len(),
            got[tags].len()
        );
    }
    // The server keeps milliseconds: the file's times are cut off for the comparison of rates.
    let sample = |time_ms: i64, value| Sample { time_ns: time_ms * 1_000_000, value };
    let of_file = by_topic(points.iter().map(|point| {
        let value = point.field_value("latency_ns").and_then(metrics::Value::number).expect("a latency");
        let time_ms = point.time_ns().expect("a time").div_euclid(1_000_000);
        (point.tag_value("topic").expect("a topic").to_string(), sample(time_ms, value))
    }));
    let latencies = got.iter().filter(|(tags, _)| tags["__name__"] == "delivery_latency_ns");
    let of_server = by_topic(latencies.flat_map(|(tags, samples)| {
        samples.iter().map(|(time_ms, value)| (tags["topic"].clone(), sample(*time_ms, *value)))
    }));
    println!("{of_file:#?}");
    assert_eq!(of_file, of_server, "percentiles, means and rates are the same");
    // And what the program itself reports of the file.
    let report = Command::new(program()).args(["report", "--json"]).arg(&file).output().expect("it runs");
    let report: Value = serde_json::from_slice(&report.stdout).expect("one object");
    for group in report["groups"].as_array().expect("groups") {
        let of = &of_server[group["tags"]["topic"].as_str().expect("a topic")].values;
        for (name, value) in [
            ("p50", of.p50),
            ("p90", of.p90),
            ("p95", of.p95),
            ("p99", of.p99),
            ("max", of.max),
            ("mean", of.mean),
        ] {
            assert_eq!(group["figures"][name].as_f64(), Some(value), "{name}");
        }
    }
}

#[test]
#[ignore = "needs victoria-metrics; run: cargo test -p peers --test metrics_servers -- --include-ignored"]
fn a_server_that_is_killed_in_mid_run_and_restarted_misses_none_of_100000_points() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Victoria::start(&folder.path().join("data"));
    let mut before = 0;
    let file = measure(folder.path(), &mut server, "60us", |server| {
        let begun = Instant::now();
        while before < MESSAGES / 10 {
            assert!(begun.elapsed() < BOUND, "points arrive");
            thread::sleep(Duration::from_millis(100));
            before = server.export_now("delivery_seq").values().map(Vec::len).sum();
        }
        // What it acknowledges from here on is in its memory only, for a second.
        thread::sleep(Duration::from_millis(400));
        server.kill();
        thread::sleep(Duration::from_millis(1500));
        server.start_again();
    });
    assert!(before < MESSAGES, "it was killed in mid-run, with {before} points");
    let points = file_points(&file);
    assert_eq!(points.len(), MESSAGES);
    // Those that came twice count once, so there may be more.
    let begun = Instant::now();
    let found = |all: &BTreeMap<_, Vec<(i64, f64)>>| {
        all.values().flatten().map(|(_, number)| *number as u64).collect::<BTreeSet<u64>>()
    };
    let mut all = server.export("delivery_seq", MESSAGES);
    while found(&all).len() < MESSAGES && begun.elapsed() < BOUND {
        thread::sleep(Duration::from_millis(50));
        all = server.export_now("delivery_seq");
    }
    let numbers: Vec<u64> = all.into_values().flatten().map(|(_, number)| number as u64).collect();
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    println!(
        "killed after {before} points; {} at the server, {} of them twice",
        distinct.len(),
        numbers.len() - distinct.len()
    );
    let missing: Vec<u64> =
        (1..=MESSAGES as u64).filter(|number| !distinct.contains(number)).take(10).collect();
    assert!(missing.is_empty(), "points that are missing: {missing:?} …");
    assert_eq!(distinct.len(), MESSAGES);
}

/// Nearest rank and mean by Python's own numbers: whole ones of any size, and fractions.
const PYTHON: &str = r#"
import sys, json, fractions
groups = {}
for line in open(sys.argv[1]):
    tags, fields, time = line.rsplit("\n")[0].split(" ")
    topic = dict(tag.split("=") for tag in tags.split(",")[1:])["topic"]
    value = dict(field.split("=") for field in fields.split(","))["latency_ns"]
    groups.setdefault(topic, []).append(int(value.rstrip("i")))
def rank(values, percent):
    n = -(-len(values) * percent // 100)
    return values[max(n, 1) - 1]
out = {}
for topic, values in groups.items():
    values.sort()
    out[topic] = {"p%d" % p: rank(values, p) for p in (50, 90, 95, 99)}
    out[topic].update(count=len(values), min=values[0], max=values[-1], mean=float(fractions.Fraction(sum(values), len(values))))
print(json.dumps(out))
"#;

#[test]
#[ignore = "needs Python 3; run: cargo test -p peers --test metrics_servers -- --include-ignored"]
fn percentiles_are_those_that_python_computes_of_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.lp");
    let mut state = 7_u64;
    let mut text = String::new();
    for number in 0..100_003_i64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (topic, latency) =
            (["a", "b", "c"][(state >> 60) as usize % 3], (state >> 40) as i64 - 4_000_000);
        text +=
            &format!("delivery,topic={topic} latency_ns={latency}i {}\n", 1_700_000_000_000_000_000 + number);
    }
    std::fs::write(&file, text).expect("a file can be written");
    let python =
        Command::new("python3").args(["-c", PYTHON]).arg(&file).output().expect("Python 3 is installed");
    let python: Value =
        serde_json::from_slice(&python.stdout).unwrap_or_else(|error| panic!("{error}: {python:?}"));
    let mut groups = Groups::default();
    let query = Query { field: "latency_ns".into(), by: vec!["topic".into()], ..Query::default() };
    read(&file, Precision::Nanoseconds, |point| query.add(&point, &mut groups))
        .expect("the file can be read");
    assert_eq!(groups.samples.len(), 3);
    for (topic, samples) in &groups.samples {
        let (of, theirs) = (figures(samples).expect("a group has samples").values, &python[topic.concat()]);
        assert_eq!(theirs["count"].as_u64(), Some(of.count));
        for (name, value) in [
            ("min", of.min),
            ("p50", of.p50),
            ("p90", of.p90),
            ("p95", of.p95),
            ("p99", of.p99),
            ("max", of.max),
            ("mean", of.mean),
        ] {
            assert_eq!(theirs[name].as_f64(), Some(value), "{name} of {topic:?}");
        }
        println!("{}: equal: {theirs}", topic.concat());
    }
}

/// A container, removed with its test.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", &self.0]).output();
    }
}

fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().expect("docker is installed");
    assert!(output.status.success(), "docker {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

#[test]
#[ignore = "needs Docker and the image influxdb:2, which a host without a registry has not; run: cargo test -p peers --test metrics_servers container_ -- --ignored"]
fn container_influxdb_2_takes_points_and_answers_in_flux() {
    let setup = |key: &str, value: &str| format!("DOCKER_INFLUXDB_INIT_{key}={value}");
    let environment = [
        setup("MODE", "setup"),
        setup("USERNAME", "me"),
        setup("PASSWORD", "a-long-password"),
        setup("ORG", "o"),
        setup("BUCKET", "b"),
        setup("ADMIN_TOKEN", "s3cr3t"),
    ];
    let mut words = vec!["run", "-d", "-p", "127.0.0.1::8086"];
    environment.iter().for_each(|pair| words.extend(["-e", pair]));
    words.push("influxdb:2");
    let container = Container(docker(&words));
    let place = docker(&["port", &container.0, "8086/tcp"]);
    let url = format!("http://{}", place.lines().next().expect("a place"));
    let begun = Instant::now();
    loop {
        let findings = check(&target(&url), Duration::from_secs(2));
        if findings.iter().any(|finding| finding.what == "lines") {
            assert!(findings.iter().all(|finding| !finding.wrong), "{findings:?}");
            break;
        }
        assert!(begun.elapsed() < BOUND, "{findings:?}");
        thread::sleep(Duration::from_millis(500));
    }
    let mut wrong = target(&url);
    wrong.token = Token::new("another").expect("a token");
    assert!(check(&wrong, BOUND).iter().any(|finding| finding.what == "token" && finding.wrong));
    wrong = target(&url);
    wrong.bucket = "none".into();
    assert!(check(&wrong, BOUND).iter().any(|finding| finding.what == "bucket" && finding.wrong));
    let folder = tempfile::tempdir().expect("a folder");
    let mut sink =
        InfluxSink::start(target(&url), InfluxOptions::new(folder.path().join("spool"))).expect("a sink");
    // This server's parser does not read a backslash at the end of a tag as the specification has it.
    let ends = |text: &str| text.ends_with('\\') || text.contains(r"\\") || text.contains(r"\,");
    let points: Vec<Point> = points(now_ms())
        .into_iter()
        .filter(|point| !point.tags().iter().any(|(_, value)| ends(value)))
        .collect();
    sink.write(&points).expect("they are taken");
    let written = points.len() as u64;
    assert_eq!(sink.close(BOUND).expect("it ends"), Delivered { written, ..Delivered::default() });
    for field in ["i", "u", "f", "big"] {
        let query =
            Query { measurement: Some("my measurement".into()), field: field.into(), ..Query::default() };
        let mut got: Vec<String> = ask::points(&target(&url), &query, BOUND)
            .expect("an answer")
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted = points.iter().filter_map(|point| {
            let value = point.field_value(field)?.clone();
            let bare = point
                .tags()
                .iter()
                .fold(Point::new(point.measurement()), |bare, (key, value)| bare.tag(key, value));
            Some(bare.field(field, value).at(point.time_ns()?).to_string())
        });
        let mut wanted: Vec<String> = wanted.collect();
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted);
    }
}
