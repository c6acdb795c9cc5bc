//! Processes that have money and send it to each other: at every moment, what they have and what is on its way adds up. Given whole.

use super::computation::{Computation, Global};
use serde::{Deserialize, Serialize};
use simnet::NodeId;

/// Money on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer(pub u64);

impl simnet::Message for Transfer {
    fn name(&self) -> &'static str {
        "Transfer"
    }
}

/// A branch of the bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bank {
    money: u64,
    /// How often it will still send some.
    transfers: u32,
    /// The most that it sends at once.
    most: u64,
}

impl Bank {
    /// A branch with `money`, which it sends away in `transfers` transfers of 1 to `most`, as far as there is any.
    pub fn new(money: u64, transfers: u32, most: u64) -> Self {
        Bank { money, transfers, most: most.max(1) }
    }
}

impl Computation for Bank {
    type State = u64;
    type Message = Transfer;

    fn receive(&mut self, Transfer(money): Transfer) {
        self.money += money;
    }

    fn turn(&mut self, others: &[NodeId], below: &mut dyn FnMut(u64) -> u64) -> Vec<(NodeId, Transfer)> {
        self.transfers -= 1;
        let most = self.most.min(self.money);
        if others.is_empty() || most == 0 {
            return Vec::new();
        }
        let to = others[below(others.len() as u64) as usize];
        let money = 1 + below(most);
        self.money -= money;
        vec![(to, Transfer(money))]
    }

    fn is_active(&self) -> bool {
        self.transfers > 0
    }

    fn state(&self) -> u64 {
        self.money
    }

    /// A bank that runs out of transfers has not terminated: it is open for ever.
    fn has_terminated(_: &Global<Self>) -> bool {
        false
    }
}
