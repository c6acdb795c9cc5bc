//! Quorums: any two have an acceptor in common.

/// How many of `acceptors` make a majority. Two majorities always share an acceptor: that one remembers.
pub fn majority(acceptors: usize) -> usize {
    // solution: begin — Part B: the smallest number of which any two sets overlap
    acceptors / 2 + 1
    // solution: end
}
