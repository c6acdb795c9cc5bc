//! The receiver: puts in order, drops what it has had, acknowledges.

use super::fragment::Joiner;
use super::message::{Message, Output, Settings};
use super::node::Ctx;
use super::number::{after, distance};
use simnet::NodeId;
use std::collections::VecDeque;

/// The receiving end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    settings: Settings,
    /// The number that it waits for.
    pub(crate) next: u32,
    /// What has come too early: the place is the distance from `next`. As long as the window.
    pub(crate) early: VecDeque<Option<(bool, Vec<u8>)>>,
    pub(crate) joiner: Joiner,
    /// How many messages it has handed on.
    pub(crate) delivered: u64,
}

impl Receiver {
    /// A receiver to which nothing has come.
    pub fn new(settings: Settings) -> Self {
        Receiver {
            settings,
            next: settings.first,
            early: vec![None; settings.window as usize].into(),
            joiner: Joiner::default(),
            delivered: 0,
        }
    }

    /// A segment has come.
    pub fn segment(&mut self, from: NodeId, number: u32, last: bool, bytes: Vec<u8>, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: take a segment of the window, once
        let place = distance(self.next, number, self.settings.numbers) as usize;
        if let Some(empty) = self.early.get_mut(place) {
            *empty = Some((last, bytes));
            self.hand_on(ctx);
        }
        ctx.send(from, Message::Ack { of: number, next: self.next });
        // solution: end
    }

    /// Hands on what is in order now.
    fn hand_on(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: hand on what is in order
        while let Some(Some(_)) = self.early.front() {
            let Some((last, bytes)) = self.early.pop_front().flatten() else { break };
            self.early.push_back(None);
            self.next = after(self.next, 1, self.settings.numbers);
            if let Some(message) = self.joiner.join(&bytes, last) {
                self.delivered += 1;
                ctx.output(Output(message));
            }
        }
        // solution: end
    }
}
