//! The middleware of lab 01's part F, in which some are ours and some are libzmq's: discovery, publishers, subscribers, broker.

use super::{Program, strings};
use serde_json::json;
use tempfile::TempDir;

/// Whose program it is.
#[derive(Clone, Copy)]
enum Whose {
    Ours,
    Theirs,
}
use Whose::{Ours, Theirs};

const ALL: &str = "weather,humidity,airquality,light,pressure,temperature,sound,altitude,location";

/// One discovery, and how samples travel.
struct Scene {
    folder: TempDir,
    dissemination: &'static str,
    desk: Program,
    /// Where the discovery is: `HOST:PORT`.
    at: String,
}

impl Scene {
    /// A discovery of so many publishers and as many subscribers.
    fn new(whose: Whose, each: &str, dissemination: &'static str, noise: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for config.ini");
        let config =
            format!("[Discovery]\nStrategy=Centralized\n[Dissemination]\nStrategy={dissemination}\n");
        std::fs::write(folder.path().join("config.ini"), config).expect("it can be written");
        let typed = format!("middleware discovery -P {each} -S {each} -p 0");
        let desk = match whose {
            Ours => Program::ours_in(folder.path(), &typed),
            Theirs => Program::theirs(&[&["discovery", each, each, dissemination], noise].concat()),
        };
        let at = at(&desk, whose);
        Scene { folder, dissemination, desk, at }
    }

    /// `zmq middleware …` with this discovery, as it is typed.
    fn ours(&self, typed: &str) -> Program {
        Program::ours_in(self.folder.path(), &format!("middleware {typed} -d {}", self.at))
    }

    /// A publisher of libzmq.
    fn theirs_publishing(&self, topics: &str, order: &str, total: &str) -> Program {
        Program::theirs(&["publisher", &self.at, "theirs", self.dissemination, topics, order, total])
    }

    /// What libzmq's REQ is answered to each of these.
    fn asked(&self, texts: &[String]) -> Vec<String> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Program::theirs(&[&["ask", &format!("tcp://{}", self.at)], &texts[..]].concat()).ends()
    }
}

/// Where a program can be reached, by its first line: `HOST:PORT`.
#[track_caller]
fn at(program: &Program, whose: Whose) -> String {
    match whose {
        Ours => program.word("127.0.0.1:").remove(0),
        Theirs => program.endpoint().replace("tcp://", ""),
    }
}

/// One of the lines must be this.
#[track_caller]
fn says(said: &[String], expected: &str) {
    assert!(said.iter().any(|line| line == expected), "`{expected}`: {said:?}");
}

/// Samples, `topic number of publisher: value`: those of one publisher and topic stay in the order in which they came.
fn by_topic(mut samples: Vec<String>) -> Vec<String> {
    samples.sort_by_key(|sample| {
        let head = sample.split(": ").next().unwrap_or_default();
        let words: Vec<String> = head.split(' ').map(ToString::to_string).collect();
        (words.first().cloned(), words.last().cloned())
    });
    samples
}

/// The samples that a subscriber of ours says that it has heard.
fn heard_by(name: &str, said: &[String]) -> Vec<String> {
    let begins = format!("{name} hears ");
    let lines = said.iter().filter_map(|line| line.strip_prefix(&begins));
    // What follows is the latency.
    lines.map(|line| line.rsplit_once(" (").expect("a latency").0.to_string()).collect()
}

/// The samples that a publisher of ours says that it has published.
fn published_by(name: &str, said: &[String]) -> Vec<String> {
    let begins = format!("{name} publishes ");
    let lines = said.iter().filter_map(|line| line.strip_prefix(&begins)?.split_once(": "));
    lines.map(|(sample, value)| format!("{sample} of {name}: {value}")).collect()
}

/// Two publishers and two subscribers of all topics, one of each ours: both hear what both publish, all of it, as it is and in order.
fn all_is_heard(discovery: Whose, broker: Option<Whose>) {
    let dissemination = if broker.is_some() { "Broker" } else { "Direct" };
    let scene = Scene::new(discovery, "2", dissemination, &[]);
    let ours_hears = scene.ours("subscriber -n hears -T 9 -l debug");
    let order: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let theirs_publishes = scene.theirs_publishing("weather,sound", &order.join(","), "30");
    let ours_publishes = scene.ours("publisher -n ours -p 0 -T 4 -f 200 -i 25 -l debug");
    let passes_on = broker.map(|whose| match whose {
        Ours => scene.ours("broker -p 0"),
        Theirs => Program::theirs(&["broker", &scene.at, "broker"]),
    });
    let theirs_hears = Program::theirs(&["subscriber", &scene.at, "listens", dissemination, ALL]);

    let mut heard_at = [at(&ours_publishes, Ours), at(&theirs_publishes, Theirs)];
    if let (Some(program), Some(whose)) = (&passes_on, broker) {
        let broker_at = at(program, whose);
        heard_at = [broker_at.clone(), broker_at];
    }
    let mut found = theirs_hears.ends();
    let by_theirs = found.split_off(2);
    found.sort();
    assert_eq!(found, [format!("ours at {}", heard_at[0]), format!("theirs at {}", heard_at[1])]);

    let ours_said = ours_publishes.ends();
    let mut published = published_by("ours", &ours_said);
    assert_eq!(published.len(), 4 * 25, "{ours_said:?}");
    published.extend(theirs_publishes.ends());
    let published = by_topic(published);
    assert_eq!(by_topic(by_theirs), published);
    let said = ours_hears.ends();
    assert_eq!(by_topic(heard_by("hears", &said)), published);
    says(&said, "hears has heard 160 samples and missed 0");
    if let Some(broker) = passes_on {
        broker.ends();
    }

    let said = scene.desk.ends();
    let topics = ours_said.iter().find_map(|line| line.strip_prefix("ours publishes ")).expect("its topics");
    match discovery {
        Ours => says(&said, "all are done"),
        Theirs => says(&said, &format!("publisher ours: {topics}")),
    }
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn all_is_heard_directly() {
    all_is_heard(Ours, None);
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn all_is_heard_through_either_broker() {
    all_is_heard(Ours, Some(Ours));
    all_is_heard(Ours, Some(Theirs));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn all_is_heard_where_the_discovery_is_a_router_of_libzmq() {
    all_is_heard(Theirs, None);
    all_is_heard(Theirs, Some(Ours));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn what_is_no_answer_to_the_request_is_passed_over() {
    let scene = Scene::new(Theirs, "1", "Direct", &["noise"]);
    let publisher = scene.ours("publisher -n ours -p 0 -T 2 -f 1000 -i 10");
    let subscriber = scene.ours("subscriber -n hears -T 9");
    let said = subscriber.ends();
    says(&said, "hears has heard 20 samples and missed 0");
    publisher.ends();
    scene.desk.ends();
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn copies_gaps_and_samples_out_of_order_are_put_right() {
    let scene = Scene::new(Ours, "1", "Direct", &[]);
    let subscriber = scene.ours("subscriber -n hears -T 9 -l debug");
    let publisher = scene.theirs_publishing("sound", "0,2,1,1,4,0", "6");
    let said = subscriber.ends();
    let samples = [0, 1, 2, 4].map(|number| format!("sound {number} of theirs: sound no. {number}"));
    assert_eq!(heard_by("hears", &said), samples);
    says(&said, "hears has heard 4 samples and missed 2");
    publisher.ends();
    scene.desk.ends();
}

/// A request of somebody, as JSON.
fn request(number: u32, request: &serde_json::Value) -> String {
    json!({ "number": number, "request": request }).to_string()
}

/// The request to register as a publisher of the weather.
fn registration(name: &str, port: u16, dissemination: &str) -> String {
    let endpoint = json!({ "address": "127.0.0.1", "port": port });
    let registrant = json!({
        "role": "publisher", "name": name, "endpoint": endpoint, "topics": ["weather"],
        "dissemination": dissemination, "session": port,
    });
    request(1, &json!({ "register": registrant }))
}

fn refused(number: u32, why: &str) -> String {
    format!(r#"{{"number":{number},"response":{{"refused":"{why}"}}}}"#)
}

const REGISTERED: &str = r#"{"number":1,"response":"registered"}"#;

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn the_discovery_says_what_is_wrong_and_frees_the_place_of_who_goes() {
    let scene = Scene::new(Ours, "1", "Direct", &[]);
    let said = scene.asked(&[
        "nonsense".to_string(),
        request(7, &json!("is_ready")),
        registration("a", 7, "Broker"),
    ]);
    let read = "read `nonsense`, expected a request: ";
    assert!(said[0].starts_with(refused(0, read).trim_end_matches("\"}}")), "{said:?}");
    let unknown = refused(7, "read a request of somebody unknown, expected register first");
    let other = refused(1, "the discovery's config.ini says Direct, that of a Broker: give both the same");
    assert_eq!(said[1..], [unknown, other]);

    // A third answer is waited for, and so it stays.
    let tcp = format!("tcp://{}", scene.at);
    let first = registration("first", 7, "Direct");
    let stays = Program::theirs(&["letters", &tcp, "3", &first, &first]);
    stays.says(REGISTERED);
    stays.says(REGISTERED);
    let said = scene.asked(&[
        registration("first", 8, "Direct"),
        registration("second", 7, "Direct"),
        registration("second", 8, "Direct"),
    ]);
    let name = "the name first is taken by a publisher: choose another with -n";
    let endpoint = "127.0.0.1:7 is the endpoint of first already: choose another with -a and -p";
    let place =
        "1 of 1 publishers have registered: there is no place for second. Start the discovery for more";
    assert_eq!(said, [name, endpoint, place].map(|why| refused(1, why)));
    let (said, status) = scene.ours("publisher -n first -p 0").rest_and_status();
    assert_eq!(status, Some(2));
    says(&said, &format!("error: the discovery refuses: {name}"));

    drop(stays);
    scene.desk.says_after("", "first has hung up");
    assert_eq!(scene.asked(&[registration("second", 8, "Direct")]), strings(&[REGISTERED]));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn ours_are_told_when_one_of_libzmq_is_killed() {
    let scene = Scene::new(Ours, "1", "Direct", &[]);
    let subscriber = scene.ours("subscriber -n hears -T 9 -l debug");
    let publisher = scene.theirs_publishing("sound", "0,1", "none");
    let heard = || subscriber.next().expect("it hears two samples");
    while !heard().starts_with("hears hears sound 1 of theirs: sound no. 1 (") {}
    drop(publisher);
    let why = "theirs has gone before all were done";
    // It may have heard them before the discovery's answer that its subscriptions are noted: then it says its state only now.
    let (said, status) = subscriber.rest_and_status();
    assert_eq!(status, Some(2), "{said:?}");
    says(&said, &format!("error: the discovery refuses: {why}"));
    let (said, status) = scene.desk.rest_and_status();
    assert_eq!(status, Some(2), "{said:?}");
    says(&said, "theirs has hung up");
    says(&said, &format!("error: {why}"));
}

#[test]
#[ignore = "needs Python 3 with venv, and PyPI; run: cargo test -p peers --test zmq_programs -- --include-ignored"]
fn one_of_libzmq_is_told_when_ours_is_killed() {
    let scene = Scene::new(Ours, "1", "Direct", &[]);
    // It welcomes nobody, so ours stays where it is.
    let silent = Program::theirs(&["stay", "XPUB", "tcp://127.0.0.1:*"]);
    let port = at(&silent, Theirs).replace("127.0.0.1:", "").parse().expect("a port");
    let waits = [
        registration("theirs", port, "Direct"),
        request(2, &json!("is_ready")),
        request(3, &json!("lookup_all")),
    ];
    let [register, is_ready, lookup] = &waits;
    let theirs =
        Program::theirs(&["letters", &format!("tcp://{}", scene.at), "3", register, is_ready, lookup]);
    theirs.says(REGISTERED);
    // The request before this one has arrived, and is not answered.
    theirs.says(&format!(
        r#"{{"number":3,"response":{{"found":[{{"publisher":"theirs","endpoint":{{"address":"127.0.0.1","port":{port}}},"topics":["weather"]}}]}}}}"#
    ));
    let ours = scene.ours("subscriber -n ours -T 9");
    ours.says_after("ours ", "ours SUBSCRIBE");
    drop(ours);
    let why = "ours has gone before all were done";
    assert_eq!(theirs.ends(), [refused(2, why)]);
    let (said, status) = scene.desk.rest_and_status();
    assert_eq!(status, Some(2), "{said:?}");
    says(&said, "ours has hung up");
    says(&said, &format!("error: {why}"));
}
