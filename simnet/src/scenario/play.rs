//! How a scenario ended.

use crate::diagram;
use crate::monitor::Violation;
use crate::process::Process;
use crate::sim::Sim;
use std::fmt;

/// The first step that could not be taken: the process has done something else than the schedule expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The line, from 1; 0 for the list of nodes.
    pub line: usize,
    /// The step, as a line.
    pub step: String,
    /// Why it could not be taken, and what is in flight instead.
    pub why: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NO_LONGER}\n  expected: {}", self.step)?;
        if self.line > 0 {
            write!(f, " (line {})", self.line)?;
        }
        write!(f, "\n  got: {}", self.why)
    }
}

/// How the text of a deviation begins.
pub const NO_LONGER: &str = "the schedule does not apply: the processes do something else";

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every step was taken, every claim held, no rule was broken.
    Held,
    /// A rule was broken.
    Broken(Violation),
    /// A step could not be taken, or a claim did not hold.
    Deviated(Deviation),
}

/// A scenario that was run.
pub struct Played<P: Process> {
    pub(super) sim: Sim<P>,
    pub(super) end: End,
}

impl<P: Process> Played<P> {
    /// How it ended.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// The run.
    pub fn sim(&self) -> &Sim<P> {
        &self.sim
    }

    /// The run, for a test that looks on: what it does from now on is no longer of the scenario.
    pub fn into_sim(self) -> Sim<P> {
        self.sim
    }

    /// The run as a picture.
    pub fn picture(&self) -> String {
        self.sim
            .trace("scenario")
            .map_or_else(String::new, |trace| diagram::render(&trace, &diagram::Options::default()))
    }

    /// Asks that every step could be taken and that no rule was broken.
    ///
    /// # Panics
    /// Otherwise, with the reason and a picture of the run.
    pub fn must_hold(self) -> Sim<P> {
        match &self.end {
            End::Held => self.sim,
            End::Broken(violation) => panic!("{violation}\n\n{}", self.picture()),
            End::Deviated(deviation) => panic!("{deviation}\n\n{}", self.picture()),
        }
    }
}
