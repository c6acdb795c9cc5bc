//! `messages standstill`: the schedules in which nobody gets on, found by going through all of them.

use crate::run::LAB;
use clap::ValueEnum;
use messages::ben_or::standstill::Standstill;
use messages::ben_or::{self, BenOr, Coin};
use messages::commit::blocking::Blocking;
use messages::commit::scene::COORDINATOR;
use messages::commit::{self, Decision, Vote};
use messages::scene::Scene;
use simnet::Observe;
use simnet::checked::{Answer, Question};
use simnet::diagram;
use simnet::report::BROKEN;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// Of what.
    #[arg(long, value_enum)]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// Two-phase commit with two participants: all are in doubt, and the coordinator is down, after its commit and after its abort.
    Commit,
    /// Ben-Or's algorithm with a coin that is stuck: a round after which everything is as it was before.
    BenOr,
}

/// Searches, and draws what it finds.
pub fn standstill(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let found = match arguments.of {
        Of::Commit => [Decision::Commit, Decision::Abort].map(blocked_after).to_vec(),
        Of::BenOr => vec![unchanged_round()],
    };
    for (description, answer) in &found {
        println!("every schedule of {description}");
        println!("states={} unique={} depth={}", answer.states, answer.unique_states, answer.depth);
        match &answer.broken {
            Some((violation, trace)) => {
                println!("{violation}\n\n{}", diagram::render(trace, &diagram::Options::default()));
            }
            None => println!("no schedule within these bounds is a standstill\n"),
        }
    }
    let none = found.iter().all(|(_, answer)| answer.broken.is_none());
    Ok(ExitCode::from(if none { 0 } else { BROKEN }))
}

fn blocked_after(decision: Decision) -> (String, Answer) {
    let roles = commit::Roles::voting(&[Vote::Yes; 2]);
    let description = format!("{roles}; the coordinator crashes once, after it has decided {decision}");
    let blocking = Blocking::new(COORDINATOR, &roles.participants()).after(decision);
    let question = Question::new(&roles.cluster(), blocking).with_crashes(1, &[COORDINATOR]);
    let answer = question.check(LAB, &description);
    (description, answer)
}

fn unchanged_round() -> (String, Answer) {
    let roles = ben_or::Roles { coin: Coin::Stuck, ..ben_or::Roles::default() };
    let description = format!("{roles}; up to the second round");
    let question = Question::new(&roles.cluster(), Standstill::new(roles.initial()))
        .within(|process: &BenOr| process.view().round <= 2);
    let answer = question.check(LAB, &description);
    (description, answer)
}
