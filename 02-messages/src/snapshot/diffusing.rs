//! A diffusing computation: work spreads from process to process, and gets less. It ends, and no process can see alone that it has.

use super::computation::{Computation, Global};
use serde::{Deserialize, Serialize};
use simnet::NodeId;

/// Work for another process: so much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work(pub u32);

impl simnet::Message for Work {
    fn name(&self) -> &'static str {
        "Work"
    }
}

/// A process that works off what it is given, or gives some of it away. It is active as long as it has work; passive, it becomes
/// active again when it is given some.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diffusing {
    work: u32,
}

impl Diffusing {
    /// A process with so much work to begin with.
    pub fn new(work: u32) -> Self {
        Diffusing { work }
    }
}

impl Computation for Diffusing {
    /// The work that it has.
    type State = u32;
    type Message = Work;

    fn receive(&mut self, Work(work): Work) {
        self.work += work;
    }

    /// One unit is done, and a part of the rest goes to another process.
    fn turn(&mut self, others: &[NodeId], below: &mut dyn FnMut(u64) -> u64) -> Vec<(NodeId, Work)> {
        self.work -= 1;
        let given = below(u64::from(self.work) + 1) as u32;
        if others.is_empty() || given == 0 {
            return Vec::new();
        }
        self.work -= given;
        vec![(others[below(others.len() as u64) as usize], Work(given))]
    }

    fn is_active(&self) -> bool {
        self.work > 0
    }

    fn state(&self) -> u32 {
        self.work
    }

    /// Every process is passive, and nothing is on its way that could wake one.
    fn has_terminated(global: &Global<Self>) -> bool {
        // solution: begin — Part D: has the computation terminated?
        global.states().all(|work| *work == 0) && global.in_channels().next().is_none()
        // solution: end
    }
}
