//! `paxos check`: every schedule of a small cluster, up to stated bounds.

use anyhow::bail;
use paxos::ballot::Value;
use paxos::invariants::Invariants;
use paxos::{Message, Node, Pace, Roles, View};
use simnet::checked::{Duplicates, Question};
use simnet::report::wall_clock;
use simnet::{NodeId, Observe};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// Acceptors.
    #[arg(long, default_value_t = 3)]
    acceptors: u32,
    /// Proposers; no two are asked for the same value.
    #[arg(long, default_value_t = 2)]
    proposers: u32,
    /// Learners.
    #[arg(long, default_value_t = 0)]
    learners: u32,
    /// How many ballots each proposer may begin.
    #[arg(long, default_value_t = 2)]
    ballots: u64,
    /// How many crashes there may be in a schedule.
    #[arg(long, default_value_t = 0)]
    crashes: u32,
    /// How many values each proposer is asked for, by one client each.
    #[arg(long, default_value_t = 1)]
    requests: u32,
    /// How many deliveries there may be beyond the first of each message: a number, or `any`, which is faster.
    #[arg(long, default_value = "any")]
    duplicates: Duplicates,
    /// How many threads; one when absent.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Take states for different that differ in the acceptors' names only.
    #[arg(long)]
    no_symmetry: bool,
    /// Remember messages also when they can no longer change anything.
    #[arg(long)]
    keep_spent: bool,
    /// Give up after so many states.
    #[arg(long)]
    most_states: Option<usize>,
    /// Where to write the trace of a schedule that breaks a rule.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// States of so many acceptors may be named in 720 ways.
const MOST_ACCEPTORS: u64 = 6;

impl Arguments {
    fn describe(&self) -> String {
        let crashes = match self.crashes {
            0 => "no crash".to_string(),
            1 => "at most 1 crash, between any two effects".to_string(),
            many => format!("at most {many} crashes, between any two effects"),
        };
        format!(
            "{} acceptors, {} proposers with {} each, {} learners; at most {} ballots a proposer, {crashes}, {}; messages late or lost at will",
            self.acceptors,
            self.proposers,
            if self.requests == 1 { "1 request".to_string() } else { format!("{} requests", self.requests) },
            self.learners,
            self.ballots,
            self.duplicates
        )
    }
}

/// Explores, and says what was explored.
pub fn check(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for (what, count, least, most) in [
        ("acceptors", arguments.acceptors.into(), 1, MOST_ACCEPTORS),
        ("proposers", arguments.proposers.into(), 1, 10),
        ("requests", arguments.requests.into(), 1, 10),
        ("learners", arguments.learners.into(), 0, 10),
        ("ballots", arguments.ballots, 1, 100),
        ("threads", arguments.threads as u64, 1, 256),
    ] {
        if !(least..=most).contains(&count) {
            bail!(
                "read {what} = {count}, expected {least} to {most}; schedules soon are too many for any machine"
            );
        }
    }
    let description = arguments.describe();
    println!("every schedule of {description}");
    let begun = wall_clock();
    let answer = question(arguments).check("07-paxos", &description);
    let took = wall_clock().saturating_sub(begun);
    Ok(ExitCode::from(answer.print(took, arguments.trace.as_deref())?))
}

fn question(arguments: &Arguments) -> Question<Node, Invariants> {
    let values: Vec<Value> = (1..=arguments.proposers * arguments.requests)
        .map(|number| Value::from(format!("v{number}").as_str()))
        .collect();
    let roles =
        Roles::new(arguments.proposers, arguments.acceptors, arguments.learners, &[], Pace::default());
    let mut cluster = roles.cluster();
    let clients: Vec<NodeId> =
        (1..=arguments.requests).map(|number| cluster.outsider(format!("c{number}"))).collect();
    let ballots = arguments.ballots;
    let may_crash: Vec<NodeId> = [roles.proposers(), roles.acceptors()].concat();
    let mut question = Question::new(&cluster, Invariants::new(&roles.acceptors(), &values))
        .with_crashes(arguments.crashes, &may_crash)
        .with_duplicates(arguments.duplicates)
        .within(move |node: &Node| !matches!(node.view(), View::Proposer { round, ballot: Some(_), .. } if round > ballots))
        .threads(arguments.threads)
        .on_progress(|visited| eprintln!("{} million states visited", visited / 1_000_000));
    if !arguments.no_symmetry {
        question = question.with_symmetry(&[&roles.acceptors()]);
    }
    if arguments.keep_spent {
        question = question.keeping_spent_messages();
    }
    let who =
        clients.iter().flat_map(|client| roles.proposers().into_iter().map(|proposer| (*client, proposer)));
    for ((client, proposer), value) in who.zip(values) {
        question = question.with_request(client, proposer, Message::Request { value });
    }
    if let Some(states) = arguments.most_states {
        question = question.at_most_states(states);
    }
    question
}
