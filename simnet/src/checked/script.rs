//! Random choices as branches: a handler is run once for every outcome.

use crate::random::RandomSource;
use std::ops::Range;
use std::time::Duration;

/// Answers random choices from a list, and notes where the list was too short.
#[derive(Debug, Default)]
pub(super) struct Script {
    choices: Vec<u64>,
    /// How many outcomes each choice has that was asked for.
    bounds: Vec<u64>,
}

impl Script {
    pub fn new(choices: Vec<u64>) -> Self {
        Script { choices, bounds: Vec::new() }
    }
}

impl Script {
    /// The choices that were made, whole. The outcomes of those that were not on the list, beyond the first, are left in `open`.
    pub fn whole(self, open: &mut Vec<Vec<u64>>) -> Vec<u64> {
        let Script { mut choices, bounds } = self;
        let known = choices.len();
        choices.resize(bounds.len(), 0);
        for place in known..bounds.len() {
            for other in 1..bounds[place] {
                let mut branch = choices[..place].to_vec();
                branch.push(other);
                open.push(branch);
            }
        }
        choices
    }
}

impl RandomSource for Script {
    fn below(&mut self, bound: u64) -> u64 {
        let choice = self.choices.get(self.bounds.len()).copied().unwrap_or(0);
        self.bounds.push(bound.max(1));
        choice
    }

    fn duration(&mut self, range: Range<Duration>) -> Duration {
        range.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_a_branch_once() {
        // Two dice, and after a double a coin.
        let mut seen = Vec::new();
        let mut open = vec![Vec::new()];
        let mut branches = Vec::new();
        while let Some(choices) = open.pop() {
            let mut script = Script::new(choices);
            let (first, second) = (script.below(3), script.below(3));
            let coin = if first == second { Some(script.below(2)) } else { None };
            seen.push((first, second, coin));
            branches.push(script.whole(&mut open));
        }
        assert_eq!(branches.len(), 6 + 3 * 2);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 12);
        branches.sort_unstable();
        branches.dedup();
        assert_eq!(branches.len(), 12);
    }
}
