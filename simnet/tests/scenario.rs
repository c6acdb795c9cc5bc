//! Scenarios: what a line may say, what it does, and what is said when the processes do something else.

mod toy;

use simnet::campaign::{Campaign, TestId, failures_dir};
use simnet::monitor::{Happening, Marks, Monitor, Nodes};
use simnet::scenario::{End, Scenario};
use simnet::trace::Kind;
use simnet::{Delay, Fault, Plan, Sim, Time, Trial, Violation};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use toy::{Heard, Puppet, Step, Toy, heard, heard_at, puppets};

const NODES: &str = "nodes a b c x\n";

/// Finds fault with plain messages of one number that arrive at `c`.
struct Forbidden(u64);

impl Monitor<Puppet> for Forbidden {
    fn check(
        &mut self,
        _: Time,
        happening: &Happening<'_, Puppet>,
        nodes: &dyn Nodes<Puppet>,
        _: &mut Marks,
    ) -> Result<(), Violation> {
        match happening {
            Happening::Delivered { to, message: Toy::Plain(number), .. }
                if *number == self.0 && nodes.name(*to) == "c" =>
            {
                Err(Violation::new("no forbidden number", "another number", format!("{number}")))
            }
            _ => Ok(()),
        }
    }
}

fn scenario(text: &str) -> Scenario {
    Scenario::read(&format!("{NODES}{text}")).unwrap_or_else(|error| panic!("{error}"))
}

fn run(text: &str) -> (Sim<Puppet>, End) {
    let played = scenario(text).run(&puppets().0, Forbidden(13));
    let end = played.end().clone();
    (played.into_sim(), end)
}

fn held(text: &str) -> Sim<Puppet> {
    let (sim, end) = run(text);
    assert_eq!(end, End::Held);
    sim
}

/// The line and the reason of a deviation.
fn deviation(text: &str) -> (usize, String) {
    match run(text).1 {
        End::Deviated(deviation) => (deviation.line, deviation.why),
        end => panic!("expected a deviation, got {end:?}"),
    }
}

/// The steps of a handler, as an outsider sends them to `node`.
fn tell(node: &str, steps: &[Step]) -> String {
    let json = serde_json::to_string(&Toy::Do(steps.to_vec())).unwrap();
    format!("send x→{node} {json}\ndeliver x→{node} Do\n")
}

#[test]
fn nothing_arrives_but_what_a_line_delivers() {
    let (_, [_, b, c], _) = puppets();
    let sent = tell("a", &[Step::Send(b, 1), Step::Send(b, 2), Step::Send(c, 3), Step::Alarm(1, 5)]);
    let sim = held(&sent);
    assert_eq!((heard(&sim, b), heard(&sim, c)), (vec![], vec![]));
    // Out of order, one of them twice, one lost.
    let sim = held(&format!(
        "{sent}deliver a→b Plain 2\nrepeat a->b Plain 2\nlose a→c Plain\nalarm a 1\nabsent a→c Plain\n"
    ));
    assert_eq!(heard(&sim, b), [Heard::Plain(2), Heard::Plain(2)]);
    assert_eq!(heard(&sim, c), []);
    assert_eq!((sim.tally().delivered, sim.tally().dropped), (3, 1));
    // Several readers on a line are served one after the other.
    let sim = held(&format!("{}deliver a→b,c Plain\n", tell("a", &[Step::Send(b, 7), Step::Send(c, 7)])));
    assert_eq!((heard(&sim, b), heard(&sim, c)), (vec![Heard::Plain(7)], vec![Heard::Plain(7)]));
}

#[test]
fn a_scenario_is_one_run() {
    let (_, [_, b, _], _) = puppets();
    let text = tell("a", &[Step::Random(1_000_000), Step::Send(b, 1)]);
    let (one, other) = (held(&text), held(&text));
    assert_eq!((one.hash(), one.outputs()), (other.hash(), other.outputs()));
    let seeded = held(&format!("seed 0x2a\n{text}"));
    assert_ne!(one.outputs(), seeded.outputs(), "processes draw from the scenario's seed");
}

#[test]
fn clocks_show_what_wait_says() {
    let (_, [a, ..], _) = puppets();
    let text = format!("{}wait 30 ms\n{}", tell("a", &[Step::Clock]), tell("a", &[Step::Clock]));
    let told: Vec<_> = heard_at(&held(&text), a);
    // A step takes a millisecond; the third one, which sends, comes 30 ms after the second.
    assert_eq!(told, [(2_000, Heard::Said(2_000)), (33_000, Heard::Said(33_000))]);
}

#[test]
fn crashes_lose_what_the_line_says() {
    let (_, [a, ..], _) = puppets();
    let write = tell("a", &[Step::Write(5), Step::Sync, Step::Write(6)]);
    let read = tell("a", &[Step::Read]);
    let after = |crash: &str| heard(&held(&format!("{write}{crash}\nrestart a\n{read}")), a);
    assert_eq!(after("crash a"), [Heard::Said(5)]);
    assert_eq!(after("crash a losing unsynced writes"), [Heard::Said(5)]);
    assert_eq!(after("crash a keeping all writes"), [Heard::Said(6)]);
    assert_eq!(after("crash a wiping the disk"), [Heard::Said(0)]);
    // In the midst of a handler: the write and the sync are done, the second write is not.
    let amid = tell("a", &[Step::Write(5), Step::Sync, Step::Output(1), Step::Output(2)]);
    let sim = held(&format!("crash a after 3 effects\n{amid}restart a\n{read}"));
    assert_eq!(heard(&sim, a), [Heard::Said(1), Heard::Said(5)]);
    // A sync that no line ends is none.
    let sim = held(&format!("syncs by hand\n{write}crash a\nrestart a\n{read}"));
    assert_eq!(heard(&sim, a), [Heard::Said(0)]);
    let sim = held(&format!("syncs by hand\n{write}sync a\ncrash a\nrestart a\n{read}"));
    assert_eq!(heard(&sim, a), [Heard::Said(5)]);
}

#[test]
fn nodes_that_are_left_out_never_start() {
    let sim = held("without b c\n");
    let started: Vec<_> = sim.outputs().iter().map(|told| sim.name(told.node)).collect();
    assert_eq!(started, ["a"]);
    assert_eq!(deviation(&format!("without b\n{}", tell("b", &[]))).0, 4);
}

#[test]
fn a_step_that_cannot_be_taken_says_where_and_what_is_there_instead() {
    let (_, [_, b, c], _) = puppets();
    let sent = tell("a", &[Step::Send(b, 1), Step::Send(b, 2), Step::Send(c, 3)]);
    for (step, why) in [
        ("deliver a→c Plain 4", "it is not there; what is in flight: a→c Plain 3, a→b Plain 1, a→b Plain 2"),
        ("deliver a→b Plain", "two such messages are in flight: `Plain 1` and `Plain 2`; say which"),
        ("repeat a→b Plain 1", "it is not there; what has arrived before: x→a Do"),
        ("absent a→b Plain 1", "it is in flight: Plain 1"),
        ("sent b→a Plain", "it is not there; what is in flight: a→b Plain 1"),
        ("alarm a 3", "a has set no such alarm; it has set: none"),
        ("restart a", "a is not down, or cannot start"),
        ("sync a", "no sync of a is under way"),
        ("send x→a {\"Nonsense\":1}", "is no message of this protocol: unknown variant"),
    ] {
        let (line, got) = deviation(&format!("{sent}\n# A remark is a line too.\n{step}\n"));
        assert_eq!(line, 6, "{step}");
        assert!(got.contains(why), "{step}: expected `{why}` in `{got}`");
    }
    let (line, why) = deviation(&format!("{sent}deliver a→b Plain 1\ndeliver a→b Plain 1\n"));
    assert_eq!((line, why.starts_with("it is not there any more")), (5, true), "{why}");
    let (line, why) = deviation(&format!("{sent}crash b\ndeliver a→b Plain 1\n"));
    assert_eq!((line, why.as_str()), (5, "b is down"));
    // Another cluster is told before anything runs.
    let other = Scenario::read("nodes a b\n").unwrap().run(&puppets().0, Forbidden(13));
    let End::Deviated(other) = other.end() else { panic!("{:?}", other.end()) };
    assert!(other.why.contains("the cluster has other nodes: a b c x"), "{other}");
}

#[test]
fn must_hold_panics_with_the_reason_and_a_picture() {
    let (cluster, [_, b, c], _) = puppets();
    let said = |text: &str| {
        let played = scenario(text).run(&cluster, Forbidden(13));
        let panic = catch_unwind(AssertUnwindSafe(|| _ = played.must_hold())).expect_err("it must fail");
        panic.downcast_ref::<String>().cloned().expect("a text")
    };
    let broken =
        said(&format!("{}deliver a→c Plain 13\n", tell("a", &[Step::Send(b, 1), Step::Send(c, 13)])));
    for text in ["rule broken: no forbidden number", "RULE BROKEN", "Plain 1 → b (left out)"] {
        assert!(broken.contains(text), "`{text}` in\n{broken}");
    }
    let deviated = said("deliver a→c Plain 13\n");
    for text in
        ["the schedule does not apply", "expected: deliver a→c Plain 13 (line 2)", "nothing is in flight"]
    {
        assert!(deviated.contains(text), "`{text}` in\n{deviated}");
    }
}

#[test]
fn what_is_not_of_the_format_is_told_with_its_line() {
    for (text, line, read, expected) in [
        ("deliver a→b M", 1, "the node `a`", "a line `nodes …` before it"),
        ("", 1, "the end of the file", "a line like `nodes p1 a1 a2`"),
        ("nodes a a", 1, "the node `a` twice", "each node once"),
        ("nodes a b\nnodes c", 2, "`nodes c`", "one line with the names of all nodes"),
        ("nodes a b\n\ndelivr a→b M", 3, "`delivr`", "did you mean `deliver`?"),
        ("nodes a1 b1\ndeliver a1→b2 M", 2, "the node `b2`", "one of a1 b1; did you mean `b1`?"),
        ("nodes a b\ndeliver a b M", 2, "`deliver a b M`", "a link, as in `deliver p1→a1 …`"),
        ("nodes a b\ndeliver a→b", 2, "`deliver a→b`", "the message's name after the link"),
        ("nodes a b\ndeliver →b M", 2, "`deliver →b M`", "a node on each side of the arrow"),
        (
            "nodes a b\ncrash a loosing unsynced writes",
            2,
            "`loosing unsynced writes`",
            "did you mean `losing unsynced writes`?",
        ),
        ("nodes a b\ncrash a after some effects", 2, "`after some effects`", "a number of effects"),
        ("nodes a b\nrestart a now", 2, "`now` after a", "the end of the line"),
        ("nodes a b\nalarm a", 2, "`alarm a`", "a timer after the node"),
        ("nodes a b\nwait long", 2, "`wait long`", "whole us, ms or s"),
        ("nodes a b\nwait 99999999999999999999 s", 2, "`wait 9999", "whole us, ms or s"),
        ("nodes a b\nsyncs sometimes", 2, "`syncs sometimes`", "`syncs by hand`"),
        ("seed -1\nnodes a", 1, "the seed `-1`", "a number of 64 bits"),
        ("lab\nnodes a", 1, "`lab `", "one word after `lab`"),
        ("nodes a b\nsend a→a,b {}", 2, "2 readers", "one: an outsider sends to one node"),
    ] {
        let error = Scenario::read(text).expect_err(text);
        assert_eq!(error.line, line, "{error}");
        assert!(error.read.contains(read), "`{read}` in {error}");
        assert!(error.expected.contains(expected), "`{expected}` in {error}");
    }
    let many = format!("nodes a b\n{}", "deliver a→b M\n".repeat(100_002));
    assert!(Scenario::read(&many).expect_err("too many").expected.contains("at most 100000"));
}

#[test]
fn what_is_written_is_read_again() {
    let text = "\
lab 07-paxos
test part_c
seed 9
nodes p1 a1 a2 x
without x
syncs by hand

deliver p1→a1,a2 Prepare ballot=1.0
repeat p1→a1 Prepare ballot=1.0
wait 30 ms
lose a1→p1 Promise ballot=1.0 accepted={ballot=1.0 value=red}
wait 7 us
alarm p1 Resend
crash a1 after 2 effects losing unsynced writes
crash a2 wiping the disk
restart a1
sync a1
send x→p1 {\"Request\":{\"value\":\"red\"}}
sent p1→a2 Accept
absent p1→a1 Accept
";
    let read = Scenario::read(text).unwrap();
    assert_eq!(read.to_string(), text);
    assert_eq!((read.len(), read.lab(), read.test()), (10, Some("07-paxos"), Some("part_c")));
    // Remarks at the end of a line, blanks and the other arrow change nothing.
    let loose = text
        .replace("→", " -> ")
        .replace("a1,a2", "a1, a2")
        .replace("restart a1", "  restart a1   # up again");
    assert_eq!(Scenario::read(&loose).unwrap().to_string(), text);
}

/// `a` sends ten numbers to `c`, and waits for an alarm before the last one, which is forbidden. All the while `b` babbles, the network
/// loses and doubles, and `b` crashes twice.
fn noisy(trial: &Trial) -> Sim<Puppet> {
    let (cluster, [a, b, c], x) = puppets();
    let ms = Duration::from_millis;
    let crash = || Fault::Crash { node: "b".into(), disk: Default::default() };
    let mut sim = trial
        .sim(&cluster)
        .with_hub(simnet::hub::Reorder::new(Delay::uniform(ms(1), ms(9))))
        .with_plan(&Plan::new().during(ms(20), ms(5), crash()).during(ms(40), ms(5), crash()))
        .with_monitor(Forbidden(13));
    for round in 0..40 {
        sim.inject(x, b, Toy::Do(vec![Step::Send(a, round), Step::Send(c, round + 100)]));
        sim.inject(x, a, Toy::Do(vec![Step::Send(c, round % 14), Step::Alarm(1, 3)]));
        sim.run_for(ms(2));
    }
    sim.run_for(ms(50));
    sim
}

#[test]
fn a_failing_campaign_writes_the_shortest_schedule_and_it_breaks_the_same_rule() {
    let id = TestId { lab: "00-scenario".into(), test: "a_failing_campaign".into() };
    let folder = failures_dir(&id.lab);
    let _ = std::fs::remove_dir_all(&folder);
    let panic = catch_unwind(AssertUnwindSafe(|| _ = Campaign::new(id.clone()).seeds(3).run(noisy)));
    let text = panic.expect_err("it must fail").downcast_ref::<String>().cloned().expect("a text");
    assert!(text.contains("  scenario: ") && text.contains("0 of 1 faults are enough"), "{text}");
    let written = std::fs::read_to_string(folder.join("a_failing_campaign-0.txt")).unwrap();
    assert!(
        written.starts_with("# rule broken: no forbidden number\n#   expected: another number\n"),
        "{written}"
    );
    // One request to `a`, and its answer at `c`: nothing else has to do with it.
    let scenario = Scenario::read(&written).unwrap();
    assert_eq!(
        scenario.to_string(),
        written.split_once("\nlab ").map(|(_, rest)| format!("lab {rest}")).unwrap()
    );
    assert_eq!(scenario.len(), 3, "{written}");
    assert!(written.contains("without b"), "{written}");
    let played = scenario.run(&puppets().0, Forbidden(13));
    assert_eq!(*played.end(), End::Broken(Violation::new("no forbidden number", "another number", "13")));
    // Mended, the same schedule holds.
    assert_eq!(*scenario.run(&puppets().0, Forbidden(14)).end(), End::Held);
    let trace = played.sim().trace("x").unwrap();
    assert_eq!(trace.events.last().map(|event| event.kind), Some(Kind::Violation));
    let _ = std::fs::remove_dir_all(&folder);
}
