//! `paxos check`: every schedule of a small cluster, up to stated bounds.

use anyhow::bail;
use paxos::ballot::Value;
use paxos::invariants::Invariants;
use paxos::{Message, Node, Pace, Roles, View};
use simnet::checked::{Answer, Duplicates, Question};
use simnet::diagram;
use simnet::report::{BROKEN, UNDECIDED, wall_clock};
use simnet::{NodeId, Observe};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// Acceptors, at least 1.
    #[arg(long, default_value_t = 3)]
    acceptors: u32,
    /// Proposers, each of which is asked for another value.
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
    /// How many deliveries there may be beyond the first of each message: a number, or `any`.
    #[arg(long, default_value = "0")]
    duplicates: Duplicates,
    /// How many threads; one when absent.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Give up after so many states.
    #[arg(long)]
    most_states: Option<usize>,
    /// Where to write the trace of a schedule that breaks a rule.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

impl Arguments {
    fn describe(&self) -> String {
        let crashes = match self.crashes {
            0 => "no crash".to_string(),
            1 => "at most 1 crash, between any two effects".to_string(),
            many => format!("at most {many} crashes, between any two effects"),
        };
        format!(
            "{} acceptors, {} proposers, {} learners; at most {} ballots a proposer, {crashes}, {}; messages late or lost at will",
            self.acceptors, self.proposers, self.learners, self.ballots, self.duplicates
        )
    }
}

/// Explores, and says what was explored.
pub fn check(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.acceptors == 0 || arguments.proposers == 0 || arguments.ballots == 0 {
        bail!("read no acceptor, no proposer or no ballot, expected at least 1 of each");
    }
    let description = arguments.describe();
    println!("every schedule of {description}");
    let begun = wall_clock();
    let answer = question(arguments).check("07-paxos", &description);
    let took = wall_clock().saturating_sub(begun);
    let per_second = answer.states as u128 * 1_000_000 / took.as_micros().max(1);
    println!(
        "states={} unique={} depth={} time={}.{:02} s ({per_second} states a second)",
        answer.states,
        answer.unique_states,
        answer.depth,
        took.as_secs(),
        took.subsec_millis() / 10
    );
    report(arguments, &answer)
}

fn report(arguments: &Arguments, answer: &Answer) -> anyhow::Result<ExitCode> {
    match &answer.broken {
        Some((violation, trace)) => {
            println!("{violation}");
            if let Some(path) = &arguments.trace {
                simnet::campaign::write_trace(trace, path)?;
                println!("  trace: {}", path.display());
            }
            print!("\n{}", diagram::render(trace, &diagram::Options::default()));
            Ok(ExitCode::from(BROKEN))
        }
        None if answer.complete => {
            println!("no schedule within these bounds breaks a rule");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            println!(
                "not complete: the search gave up after {} states, and had found nothing",
                answer.states
            );
            Ok(ExitCode::from(UNDECIDED))
        }
    }
}

fn question(arguments: &Arguments) -> Question<Node, Invariants> {
    let values: Vec<Value> =
        (1..=arguments.proposers).map(|number| Value::from(format!("v{number}").as_str())).collect();
    let roles =
        Roles::new(arguments.proposers, arguments.acceptors, arguments.learners, &[], Pace::default());
    let mut cluster = roles.cluster();
    let client = cluster.outsider("c");
    let ballots = arguments.ballots;
    let may_crash: Vec<NodeId> = [roles.proposers(), roles.acceptors()].concat();
    let mut question = Question::new(&cluster, Invariants::new(&roles.acceptors(), &values))
        .with_crashes(arguments.crashes, &may_crash)
        .with_duplicates(arguments.duplicates)
        .within(move |node: &Node| !matches!(node.view(), View::Proposer { round, ballot: Some(_), .. } if round > ballots))
        .threads(arguments.threads);
    for (proposer, value) in roles.proposers().into_iter().zip(values) {
        question = question.with_request(client, proposer, Message::Request { value });
    }
    if let Some(states) = arguments.most_states {
        question = question.at_most_states(states);
    }
    question
}
