//! Whose turn is it? Pure.

/// Servers in turn. Those that are away are passed over; as long as none is, all get as many turns, but for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRobin {
    here: Vec<bool>,
    next: usize,
}

impl RoundRobin {
    /// `count` servers, all here.
    pub fn new(count: usize) -> Self {
        RoundRobin { here: vec![true; count], next: 0 }
    }

    /// How many there are, here or away.
    pub fn count(&self) -> usize {
        self.here.len()
    }

    /// Whose turn it is now; `None` when all are away.
    pub fn turn(&mut self) -> Option<usize> {
        // solution: begin — Part D: take turns
        let count = self.here.len();
        let turn = (self.next..self.next + count).map(|at| at % count).find(|at| self.here[*at])?;
        self.next = (turn + 1) % count;
        Some(turn)
        // solution: end
    }

    /// A server has gone.
    pub fn lost(&mut self, server: usize) {
        self.here[server] = false;
    }

    /// A server has come back.
    pub fn back(&mut self, server: usize) {
        self.here[server] = true;
    }
}
