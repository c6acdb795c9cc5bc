//! What the broker does with what comes. Pure.

use crate::bounded::queue::{Full, Queue};
use crate::envelope::{Envelope, Frames, NoEnvelope};
use thiserror::Error;

/// Why a request is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Its reply would find nobody.
    #[error(transparent)]
    NoEnvelope(#[from] NoEnvelope),
    /// There was no room: whoever reads has not asked [`Flow::has_room`].
    #[error("{limit} requests wait already; read no more until there is room")]
    Full {
        /// How many may wait.
        limit: usize,
    },
}

/// The requests that wait for a server, and how many servers there are.
#[derive(Debug, Clone)]
pub struct Flow {
    waiting: Queue<Frames>,
    servers: usize,
}

impl Flow {
    /// A broker that lets `limit` requests wait.
    pub fn new(limit: usize) -> Self {
        Flow { waiting: Queue::new(limit), servers: 0 }
    }

    /// Whether another request may be read.
    pub fn has_room(&self) -> bool {
        self.waiting.has_room()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many servers there are.
    pub fn servers(&self) -> usize {
        self.servers
    }

    /// A request has come, as ROUTER received it.
    ///
    /// # Errors
    /// When it has no way back, or too many wait.
    pub fn request(&mut self, frames: Frames) -> Result<(), Refused> {
        // solution: begin — Part D: take a request
        let request = Envelope::open(frames)?.seal();
        self.waiting.push(request).map_err(|Full { limit, .. }| Refused::Full { limit })
        // solution: end
    }

    /// What to send to a server now: nothing while none is there.
    pub fn to_send(&mut self) -> Option<Frames> {
        // solution: begin — Part D: nobody there, nothing sent
        if self.servers == 0 { None } else { self.waiting.pop() }
        // solution: end
    }

    /// It could not be sent; it is the next again.
    pub fn give_back(&mut self, request: Frames) {
        self.waiting.give_back(request);
    }

    /// A server has connected.
    pub fn joined(&mut self) {
        self.servers += 1;
    }

    /// A server has gone.
    pub fn left(&mut self) {
        self.servers = self.servers.saturating_sub(1);
    }
}
