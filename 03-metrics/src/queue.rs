//! A queue between the measured path and the background: to put something in never waits, and what has no room is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// What came of everything that was offered. `offered = accepted + dropped`, once nobody offers any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// What was put in.
    pub accepted: u64,
    /// What had no room, or came after the end.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    dropped: AtomicU64,
}

/// The end that puts in. Cheap to clone.
#[derive(Debug)]
pub struct Offer<T> {
    sender: SyncSender<T>,
    tally: Arc<Tally>,
}

impl<T> Clone for Offer<T> {
    fn clone(&self) -> Self {
        Offer { sender: self.sender.clone(), tally: self.tally.clone() }
    }
}

/// The end that takes out.
#[derive(Debug)]
pub struct Take<T> {
    receiver: Receiver<T>,
}

/// A queue for at most `capacity` things; at least one.
pub fn bounded<T>(capacity: usize) -> (Offer<T>, Take<T>) {
    let (sender, receiver) = sync_channel(capacity.max(1));
    (Offer { sender, tally: Arc::default() }, Take { receiver })
}

impl<T> Offer<T> {
    /// Puts it in if there is room, and never waits. Whether it is in.
    pub fn offer(&self, thing: T) -> bool {
        // solution: begin — Part B: put it in, or count it
        match self.sender.try_send(thing) {
            Ok(()) => {
                self.tally.accepted.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.tally.dropped.fetch_add(1, Ordering::Relaxed);
                false
            }
        }
        // solution: end
    }

    /// Wakes the other end, if it waits. With a full queue it does not.
    pub(crate) fn wake(&self, thing: T) {
        let _ = self.sender.try_send(thing);
    }

    /// What came of what was offered so far.
    pub fn counts(&self) -> Counts {
        Counts {
            accepted: self.tally.accepted.load(Ordering::Relaxed),
            dropped: self.tally.dropped.load(Ordering::Relaxed),
        }
    }

    /// Something was lost before it was offered.
    pub(crate) fn count_dropped(&self) {
        self.tally.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl<T> Take<T> {
    /// Waits for the first, at most so long, then takes what else is there: at most `most` in all, in the order of offering.
    pub fn take(&self, most: usize, wait: Duration) -> Vec<T> {
        // solution: begin — Part B: take what is there
        let first = match self.receiver.recv_timeout(wait) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Vec::new(),
        };
        let rest = std::iter::from_fn(|| self.receiver.try_recv().ok());
        std::iter::once(first).chain(rest).take(most).collect()
        // solution: end
    }
}
