//! The answer to a question, and how a lab's `check` tells it.

use crate::campaign::write_trace;
use crate::diagram;
use crate::monitor::Violation;
use crate::report::{BROKEN, UNDECIDED};
use crate::trace::Trace;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What the search found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Steps taken: states reached, also again.
    pub states: usize,
    /// Different states.
    pub unique_states: usize,
    /// The longest schedule, in steps.
    pub depth: usize,
    /// Whether every schedule within the bounds was explored.
    pub complete: bool,
    /// The shortest schedule that breaks a rule, and the rule.
    pub broken: Option<(Violation, Trace)>,
    /// Why the symmetry that was asked for was not used.
    pub asymmetry: Option<String>,
}

impl Answer {
    /// Prints what was explored in the time it `took`, and what was found; keeps the schedule that breaks a rule in `trace`. Returns the exit status: 0
    /// when no schedule within the bounds breaks a rule, [`BROKEN`] when one does, [`UNDECIDED`] when the search gave up.
    ///
    /// # Errors
    /// When the trace cannot be written.
    pub fn print(&self, took: Duration, trace: Option<&Path>) -> io::Result<u8> {
        let per_second = self.states as u128 * 1_000_000 / took.as_micros().max(1);
        println!(
            "states={} unique={} depth={} time={}.{:02} s ({per_second} states a second)",
            self.states,
            self.unique_states,
            self.depth,
            took.as_secs(),
            took.subsec_millis() / 10
        );
        if let Some(why) = &self.asymmetry {
            println!("the nodes said to be alike are not, so all were told apart: {why}");
        }
        match &self.broken {
            Some((violation, schedule)) => {
                println!("{violation}");
                if let Some(path) = trace {
                    write_trace(schedule, path)?;
                    println!("  trace: {}", path.display());
                }
                print!("\n{}", diagram::render(schedule, &diagram::Options::default()));
                Ok(BROKEN)
            }
            None if self.complete => {
                println!("no schedule within these bounds breaks a rule");
                Ok(0)
            }
            None => {
                println!(
                    "not complete: the search gave up after {} states, and had found nothing",
                    self.states
                );
                Ok(UNDECIDED)
            }
        }
    }
}
