//! A queue with an end. Pure.

use std::collections::VecDeque;
use thiserror::Error;

/// There is no room; the item comes back. Nothing is dropped silently.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{limit} wait already; wait until there is room, or do without")]
pub struct Full<T> {
    /// How many may wait.
    pub limit: usize,
    /// What had no room.
    pub item: T,
}

/// First in, first out, and at most so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue<T> {
    items: VecDeque<T>,
    limit: usize,
}

impl<T> Queue<T> {
    /// Room for `limit` items.
    pub fn new(limit: usize) -> Self {
        Queue { items: VecDeque::new(), limit }
    }

    /// Puts an item at the end.
    ///
    /// # Errors
    /// When there is no room.
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        // solution: begin — Part D: refuse what has no room
        if !self.has_room() {
            return Err(Full { limit: self.limit, item });
        }
        self.items.push_back(item);
        Ok(())
        // solution: end
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// Puts back what was taken first; there was room for it.
    pub fn give_back(&mut self, item: T) {
        self.items.push_front(item);
    }

    /// Whether another has room.
    pub fn has_room(&self) -> bool {
        self.items.len() < self.limit
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
