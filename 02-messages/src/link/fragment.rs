//! Cutting a message into fragments that fit a packet, and joining them again.

/// The fragments of a message, in order, each of at most `most` bytes. An empty message has one, which is empty.
pub fn cut(message: &[u8], most: usize) -> Vec<Vec<u8>> {
    // solution: begin — Part B: cut a message into fragments
    if message.is_empty() {
        return vec![Vec::new()];
    }
    message.chunks(most).map(<[u8]>::to_vec).collect()
    // solution: end
}

/// Joins fragments that come in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Joiner {
    /// What there is of a message that is not whole yet.
    pub(crate) begun: Vec<u8>,
}

impl Joiner {
    /// The next fragment. Returns the message when this was its last.
    pub fn join(&mut self, fragment: &[u8], last: bool) -> Option<Vec<u8>> {
        // solution: begin — Part B: join a fragment to those before it
        self.begun.extend_from_slice(fragment);
        last.then(|| std::mem::take(&mut self.begun))
        // solution: end
    }
}
