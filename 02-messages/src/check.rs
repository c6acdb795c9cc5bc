//! `messages check`: every schedule of a small cluster, up to stated bounds.

use crate::run::LAB;
use anyhow::Context;
use messages::protocol::{Job, Protocol};
use messages::scene::Scene;
use serde_json::Value;
use simnet::checked::{Duplicates, Order};
use simnet::report::wall_clock;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol.
    #[arg(long, value_enum)]
    protocol: Protocol,
    /// Other roles than the smallest that show the protocol's troubles, as JSON: what is absent stays as it is.
    #[arg(long, value_name = "JSON")]
    roles: Option<String>,
    /// How many crashes there may be in a schedule, of processes that start again with what is on their disks.
    #[arg(long)]
    crashes: Option<u32>,
    /// How many deliveries there may be beyond the first of each message: a number, or `any`.
    #[arg(long)]
    duplicates: Option<Duplicates>,
    /// Let messages come in any order, however late, also where the protocol assumes that links keep it.
    #[arg(long)]
    any_order: bool,
    /// How many threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Give up after so many states.
    #[arg(long)]
    most_states: Option<usize>,
    /// Where to write the trace of a schedule that breaks a rule.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// Explores, and says what was explored.
pub fn check(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.protocol.give(Check { arguments })
}

struct Check<'a> {
    arguments: &'a Arguments,
}

impl Job for Check<'_> {
    type Done = anyhow::Result<ExitCode>;

    fn with<S: Scene>(self) -> Self::Done {
        let arguments = self.arguments;
        let scene: S = with_changes(S::small(), arguments.roles.as_deref())?;
        scene.check().map_err(anyhow::Error::msg)?;
        let mut bounds = scene.bounds();
        if arguments.crashes.is_some_and(|crashes| crashes > 0) && bounds.may_crash.is_empty() {
            anyhow::bail!(
                "read --crashes {}, expected none: processes of `{}` write nothing to a disk, and the checked world starts again who \
                 crashes; leave it out, or ask for --protocol commit",
                arguments.crashes.unwrap_or_default(),
                S::PROTOCOL
            );
        }
        bounds.crashes = arguments.crashes.unwrap_or(bounds.crashes);
        bounds.duplicates = arguments.duplicates.unwrap_or(bounds.duplicates);
        if arguments.any_order {
            bounds.order = Order::Any;
        }
        let description = format!("{scene}; {bounds}");
        println!("every schedule of {description}");
        let mut question = scene.question(&bounds).threads(arguments.threads);
        if let Some(states) = arguments.most_states {
            question = question.at_most_states(states);
        }
        let begun = wall_clock();
        let answer = question.check(LAB, &description);
        let took = wall_clock().saturating_sub(begun);
        Ok(ExitCode::from(answer.print(took, arguments.trace.as_deref())?))
    }
}

/// The roles, with these fields of JSON in the place of theirs.
fn with_changes<S: Scene>(scene: S, changes: Option<&str>) -> anyhow::Result<S> {
    let Some(changes) = changes else { return Ok(scene) };
    let changes: Value = serde_json::from_str(changes)
        .with_context(|| format!("read --roles {changes}, expected JSON such as {{\"window\":2}}"))?;
    let mut roles = serde_json::to_value(&scene)?;
    match (&mut roles, changes) {
        (Value::Object(roles), Value::Object(changes)) => roles.extend(changes),
        (_, other) => anyhow::bail!("read --roles {other}, expected an object"),
    }
    serde_json::from_value(roles).context("these are no roles of the protocol")
}
