//! The events to come, earliest first; those of one moment in the order in which they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A heap of `(time, seq, slot)` over a slab of events: moving entries about in the heap does not move events.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Entry>,
    slab: Vec<Option<E>>,
    free: Vec<u32>,
    seq: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    at_us: u64,
    seq: u64,
    slot: u32,
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap has its greatest on top: the earliest is the greatest.
        (other.at_us, other.seq).cmp(&(self.at_us, self.seq))
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Queue<E> {
    pub fn new() -> Self {
        Queue { heap: BinaryHeap::new(), slab: Vec::new(), free: Vec::new(), seq: 0 }
    }

    #[inline]
    pub fn push(&mut self, at_us: u64, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = Some(event);
                slot
            }
            None => {
                let slot = u32::try_from(self.slab.len()).expect("at most 2^32 events are pending");
                self.slab.push(Some(event));
                slot
            }
        };
        self.heap.push(Entry { at_us, seq: self.seq, slot });
        self.seq += 1;
    }

    /// When the next event is.
    #[inline]
    pub fn next_us(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at_us)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<(u64, E)> {
        let entry = self.heap.pop()?;
        self.free.push(entry.slot);
        let event = self.slab[entry.slot as usize].take().expect("a slot in the heap holds an event");
        Some((entry.at_us, event))
    }

    /// The events to come, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.slab.iter().flatten()
    }
}
