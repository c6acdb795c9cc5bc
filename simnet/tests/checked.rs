//! The checked world on processes so small that their states can be counted by hand.

use serde::{Deserialize, Serialize};
use simnet::checked::{Answer, Duplicates, Question};
use simnet::{
    Cluster, Context, Happening, Marks, Message, Monitor, NodeId, Nodes, Observe, Process, Time, Violation,
    renamed,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// What the toy does: each kind is a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Remembers whom it has heard.
    Listener,
    /// Sends its number to all listeners, at the start.
    Talker,
    /// Breaks a rule when it hears a talker twice.
    CountsTwice,
    /// Writes what it hears, syncs only then or never, and says so.
    Writer { syncs: bool },
    /// Breaks a rule when its alarm goes off between the first and the second message.
    Impatient,
    /// Breaks a rule when a die shows the five.
    Gambler,
    /// Answers the first node of its list only: it does not treat them alike.
    Favours,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Talk {
    Number(u64),
    Kept,
}

impl Message for Talk {
    fn name(&self) -> &'static str {
        match self {
            Talk::Number(_) => "Number",
            Talk::Kept => "Kept",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Toy {
    kind: Kind,
    peers: Vec<NodeId>,
    heard: BTreeSet<NodeId>,
    broken: Option<&'static str>,
}

renamed!(struct Toy { heard } as_it_is { kind, peers, broken });
renamed!(
    enum Talk {
        Number(number),
        Kept,
    }
);

impl Toy {
    fn new(kind: Kind, peers: &[NodeId]) -> Self {
        Toy { kind, peers: peers.to_vec(), heard: BTreeSet::new(), broken: None }
    }
}

impl Process for Toy {
    type Message = Talk;
    type Timer = ();
    type Output = String;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match self.kind {
            Kind::Talker => ctx.broadcast(&self.peers, Talk::Number(7)),
            Kind::Impatient => ctx.set_timer((), Duration::from_secs(1)),
            _ => {}
        }
    }

    fn receive(&mut self, from: NodeId, message: Talk, ctx: &mut Context<'_, Self>) {
        let Talk::Number(number) = message else { return };
        match self.kind {
            Kind::CountsTwice if self.heard.contains(&from) => self.broken = Some("it heard the same twice"),
            Kind::Writer { syncs } if ctx.storage().read::<u64>("kept").is_none() => {
                ctx.storage().write("kept", &number);
                if syncs {
                    ctx.storage().sync();
                }
                ctx.send(from, Talk::Kept);
            }
            Kind::Gambler if ctx.random(6) == 4 => self.broken = Some("the five"),
            Kind::Favours if self.peers.first() == Some(&from) => ctx.send(from, Talk::Kept),
            _ => {}
        }
        self.heard.insert(from);
    }

    fn alarm(&mut self, _timer: (), _ctx: &mut Context<'_, Self>) {
        if self.heard.len() == 1 {
            self.broken = Some("the alarm went off in between");
        }
    }
}

impl Observe for Toy {
    type View = Option<&'static str>;

    fn view(&self) -> Self::View {
        self.broken
    }
}

/// What a toy says it has broken, and that a writer remembers of what it has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Rules {
    kept: BTreeSet<NodeId>,
}

renamed!(struct Rules { kept });

impl Monitor<Toy> for Rules {
    fn check(
        &mut self,
        _at: Time,
        happening: &Happening<'_, Toy>,
        nodes: &dyn Nodes<Toy>,
        _marks: &mut Marks,
    ) -> Result<(), Violation> {
        match *happening {
            Happening::Sent { from, message: Talk::Kept, .. } => {
                self.kept.insert(from);
            }
            Happening::Handled { node } | Happening::Restarted { node } => {
                let process = nodes.process(node).expect("it has just run");
                if let Some(broken) = process.broken {
                    return Err(Violation::new(broken, "nothing of the kind", "it"));
                }
                let forgot = self.kept.contains(&node) && process.kind == Kind::Writer { syncs: false };
                if forgot && process.heard.is_empty() {
                    return Err(Violation::new("it forgot what it had said", "it is durable", "nothing"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// So many talkers `t1`, …, and one listener of this kind, which comes last.
struct Scene {
    cluster: Cluster<Toy>,
    talkers: Vec<NodeId>,
    listener: NodeId,
}

fn scene(talkers: u32, kind: Kind) -> Scene {
    let mut cluster = Cluster::new();
    let listener = NodeId(talkers);
    let names: Vec<NodeId> = (0..talkers).map(NodeId).collect();
    for number in 1..=talkers {
        cluster.node(format!("t{number}"), move || Toy::new(Kind::Talker, &[listener]));
    }
    let peers = names.clone();
    cluster.node("l", move || Toy::new(kind, &peers));
    Scene { cluster, talkers: names, listener }
}

impl Scene {
    fn question(&self) -> Question<Toy, Rules> {
        Question::new(&self.cluster, Rules::default())
    }
}

fn rule(answer: &Answer) -> Option<&str> {
    answer.broken.as_ref().map(|(violation, _)| violation.rule.as_str())
}

#[track_caller]
fn assert_states(question: Question<Toy, Rules>, unique: usize, depth: usize) {
    let answer = question.check("toy", "counted by hand");
    assert_eq!((rule(&answer), answer.complete), (None, true));
    assert_eq!((answer.unique_states, answer.depth), (unique, depth), "{answer:?}");
}

#[test]
fn every_order_is_explored_and_each_set_of_arrivals_is_one_state() {
    // Of three messages any subset has arrived: 2^3 states, the longest schedule delivers all.
    assert_states(scene(3, Kind::Listener).question(), 8, 3);
    // A message that was heard is spent; when it is remembered, it is delivered or not with its sender heard or not: the same.
    assert_states(scene(3, Kind::Listener).question().keeping_spent_messages(), 8, 3);
    // Talkers that may change places: how many have arrived is all there is.
    let four = scene(4, Kind::Listener);
    assert_states(four.question(), 16, 4);
    assert_states(four.question().with_symmetry(&[&four.talkers]), 5, 4);
    // Two groups of two: 0, 1 or 2 of each.
    assert_states(four.question().with_symmetry(&[&four.talkers[..2], &four.talkers[2..]]), 9, 4);
}

#[test]
fn one_duplicate_is_found_by_one_duplicate_and_by_any() {
    let scene = scene(2, Kind::CountsTwice);
    // No duplicate: the four subsets.
    assert_states(scene.question(), 4, 2);
    for duplicates in [Duplicates::AtMost(1), Duplicates::AtMost(2), Duplicates::Any] {
        let answer = scene.question().with_duplicates(duplicates).check("toy", "a duplicate");
        assert_eq!(rule(&answer), Some("it heard the same twice"), "{duplicates}");
        let (_, trace) = answer.broken.expect("it is");
        // The shortest: one message, twice.
        let deliveries = trace.events.iter().filter(|event| event.kind == simnet::trace::Kind::Deliver);
        assert_eq!(deliveries.count(), 2, "{duplicates}");
    }
}

#[test]
fn a_volatile_write_is_lost_by_one_crash() {
    let forgets = scene(1, Kind::Writer { syncs: false });
    // Without a crash: the message has arrived or not, and its answer, which the talker ignores, is spent.
    assert_states(forgets.question(), 2, 1);
    let answer = forgets.question().with_crashes(1, &[forgets.listener]).check("toy", "a crash");
    assert_eq!(rule(&answer), Some("it forgot what it had said"));
    assert_eq!(
        forgets.question().with_crashes(1, &[forgets.talkers[0]]).check("toy", "another's").broken,
        None
    );

    // Synced before it is said: before, and after the message; with the process dead at any place.
    let keeps = scene(1, Kind::Writer { syncs: true });
    let answer = keeps.question().with_crashes(1, &[keeps.listener]).check("toy", "a crash");
    assert_eq!((rule(&answer), answer.complete), (None, true));
    assert!(answer.unique_states > 2, "a crash is told from none: {answer:?}");
}

#[test]
fn an_alarm_goes_off_at_any_time() {
    assert_eq!(
        rule(&scene(2, Kind::Impatient).question().check("toy", "an alarm")),
        Some("the alarm went off in between")
    );
}

#[test]
fn every_outcome_of_a_random_choice_is_tried() {
    let answer = scene(1, Kind::Gambler).question().check("toy", "a die");
    assert_eq!(rule(&answer), Some("the five"));
}

#[test]
fn a_symmetry_that_is_none_is_given_up_and_named() {
    let scene = scene(3, Kind::Favours);
    let answer = scene.question().with_symmetry(&[&scene.talkers]).check("toy", "no symmetry");
    let why = answer.asymmetry.expect("the listener answers the first talker only");
    assert!(why.contains("l reacts differently to Number(7) from t"), "{why}");
    // The search without symmetry: any subset has arrived.
    assert_eq!((answer.unique_states, answer.complete), (8, true));
}

#[test]
fn threads_and_reductions_change_no_verdict() {
    let kinds = [
        Kind::Listener,
        Kind::CountsTwice,
        Kind::Writer { syncs: true },
        Kind::Writer { syncs: false },
        Kind::Impatient,
        Kind::Gambler,
        Kind::Favours,
    ];
    let mut broken = 0;
    for kind in kinds {
        for duplicates in [Duplicates::AtMost(0), Duplicates::AtMost(1), Duplicates::Any] {
            for crashes in [0, 1, 2] {
                let scene = scene(3, kind);
                let ask = || {
                    let all = [&scene.talkers[..], &[scene.listener]].concat();
                    scene.question().with_duplicates(duplicates).with_crashes(crashes, &all)
                };
                let plain = ask().keeping_spent_messages().check("toy", "plain");
                let forgetful = ask().check("toy", "spent messages are forgotten");
                let symmetric =
                    ask().keeping_spent_messages().with_symmetry(&[&scene.talkers]).check("toy", "symmetric");
                let both =
                    ask().with_symmetry(&[&scene.talkers]).threads(2).check("toy", "both, by two threads");
                let alone = ask().with_symmetry(&[&scene.talkers]).check("toy", "both");
                let what = format!("{kind:?}, {duplicates}, {crashes} crashes");
                for reduced in [&forgetful, &symmetric, &both, &alone] {
                    assert_eq!(rule(&plain), rule(reduced), "{what}");
                    assert_eq!(plain.complete, reduced.complete, "{what}");
                    assert!(
                        rule(&plain).is_some() || reduced.unique_states <= plain.unique_states,
                        "{what}: {plain:?} {reduced:?}"
                    );
                }
                if rule(&plain).is_none() {
                    assert_eq!(both.unique_states, alone.unique_states, "{what}");
                }
                broken += u32::from(plain.broken.is_some());
            }
        }
    }
    // CountsTwice in the six with a duplicate and wherever a crash makes a talker talk again …
    assert!((20..63).contains(&broken), "{broken} of 63 questions find a bug");
}

#[test]
fn a_search_that_gives_up_says_so() {
    let answer = scene(4, Kind::Listener).question().at_most_states(3).check("toy", "given up");
    assert!(!answer.complete && answer.broken.is_none());
}
