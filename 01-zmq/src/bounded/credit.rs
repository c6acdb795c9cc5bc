//! How much may be sent. Pure.

/// What the receiver has granted, and what of it is spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Credit {
    window: u64,
    granted: u64,
    spent: u64,
}

impl Credit {
    /// The receiver grants so much more. The first grant is the window: as much as may be on the way at once.
    pub fn grant(&mut self, count: u64) {
        if self.window == 0 {
            self.window = count;
        }
        self.granted = self.granted.saturating_add(count);
    }

    /// Spends one, when there is one.
    pub fn spend(&mut self) -> bool {
        // solution: begin — Part E: nothing is sent on tick
        let can = self.spent < self.granted;
        self.spent += u64::from(can);
        can
        // solution: end
    }

    /// How many may be sent now.
    pub fn left(&self) -> u64 {
        self.granted - self.spent
    }

    /// How many are sent and not taken by the receiver's application.
    pub fn on_the_way(&self) -> u64 {
        // solution: begin — Part E: what is on the way
        self.window.saturating_sub(self.left())
        // solution: end
    }
}
