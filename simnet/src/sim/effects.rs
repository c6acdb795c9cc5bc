//! Carrying out what a process asked for: messages, alarms, writes, syncs.

use super::node::{Alarm, Deferred, Held, Status};
use super::{Event, OLD_MESSAGES, Sim, Told, event_word};
use crate::context::Effect;
use crate::hub::Letter;
use crate::monitor::Happening;
use crate::network::{Kept, Place, Verdict, judge};
use crate::node::NodeId;
use crate::process::{Message, Process};
use crate::random::RandomSource;
use crate::record::{Detail, body_of};
use crate::scenario::Syncs;
use crate::shrink::Item;
use crate::storage::{DiskFate, SyncPoint};
use crate::time::Time;
use crate::trace::Kind;
use std::hash::Hash;

impl<P: Process> Sim<P> {
    /// Carries out the recorded effects of `id`, in order.
    #[inline]
    pub(super) fn perform(&mut self, id: NodeId) {
        if self.effects.is_empty() {
            return;
        }
        // The buffer goes back afterwards: no event allocates one.
        let mut effects = std::mem::take(&mut self.effects);
        self.performed = 0;
        for effect in effects.drain(..) {
            if self.violation.is_some() || !self.may_go_on(id) {
                break;
            }
            match effect {
                Effect::Send { to, message } => self.send(id, to, message),
                Effect::SetTimer { timer, after_us } => self.set_alarm(id, timer, after_us),
                Effect::CancelTimer(timer) => {
                    self.nodes.0[id.index()].alarms.retain(|alarm| alarm.timer != timer);
                }
                Effect::Write(write) => self.write(id, *write),
                Effect::Sync => self.sync(id),
                Effect::Output(output) => self.output(id, output),
                Effect::Note(note) => {
                    self.record(Kind::Note, Some(id), Detail { why: Some(note.into()), ..Detail::default() });
                }
            }
            self.performed += 1;
        }
        self.effects = effects;
    }

    /// Whether the next effect is carried out: a node can crash between any two.
    #[inline]
    fn may_go_on(&mut self, id: NodeId) -> bool {
        let node = &mut self.nodes.0[id.index()];
        match node.crash_amid {
            None => node.process.is_some(),
            Some((0, disk, fault)) => {
                node.crash_amid = None;
                if self.crash_by(fault, id, disk) {
                    self.fired(fault);
                }
                false
            }
            Some((effects, disk, fault)) => {
                node.crash_amid = Some((effects - 1, disk, fault));
                node.process.is_some()
            }
        }
    }

    #[inline]
    fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        let node = &mut self.nodes.0[from.index()];
        if node.syncing.is_some() {
            node.held.push_back(Held::Send { to, message });
        } else {
            self.transmit(from, to, message);
        }
    }

    /// A message leaves its sender.
    ///
    /// # Panics
    /// When there is no node `to`.
    #[inline]
    pub(super) fn transmit(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        assert!(
            to.index() < self.nodes.0.len(),
            "sent {message:?} to {to}, but the cluster has {} nodes",
            self.nodes.0.len()
        );
        let id = self.next_message;
        self.next_message += 1;
        if self.hashes {
            self.hash.word(event_word(Kind::Send, from, to));
            message.hash(&mut self.hash);
        }
        let bytes = if self.counts_bytes { encoded_len(&message) } else { 0 };
        self.tally.sent(from, to, message.name(), bytes);
        let left_out = !self.omitted.is_empty() && self.leaves_out(from, to);
        if self.watched {
            self.watch_send(from, to, id, &message, left_out);
        }
        if left_out {
            return;
        }
        if self.playing.is_some() {
            return self.waits_for_its_step(from, to, id, message);
        }
        if from == to {
            return self.queue.push(self.now.0, Event::Deliver { from, to, id, waited: false, message });
        }
        let mut later_us = 0;
        if !self.rules.is_empty() {
            match self.judged(Place::Sender, from, to, &message) {
                Verdict::Passes { later_us: us } => later_us = us,
                Verdict::Lost { rule } => return self.lose_to_rule(rule, from, to, id, message, from),
            }
        }
        self.copies.clear();
        // The hub sees the message when it has passed slow and narrow links: one that keeps an order keeps it through their end.
        let at = Time(self.now.0.saturating_add(later_us));
        let letter = Letter { from, to, at, id, message: &message };
        self.hub.route(&letter, &mut self.network_random, &mut self.copies);
        if let Some(delay_us) = self.copies.only_one() {
            self.queue
                .push(at.0.saturating_add(delay_us), Event::Deliver { from, to, id, waited: false, message });
        } else {
            self.transmit_copies(from, to, id, message, at);
        }
    }

    /// Whether a message is from or to a node that is left out of the run.
    #[cold]
    fn leaves_out(&self, from: NodeId, to: NodeId) -> bool {
        [from, to].into_iter().any(|node| self.omits(|| Item::Node(node)))
    }

    /// The hub lost the message, holds it, or made several of it.
    #[cold]
    fn transmit_copies(&mut self, from: NodeId, to: NodeId, id: u64, message: P::Message, at: Time) {
        let delays_us = std::mem::take(self.copies.delays_us());
        if self.copies.is_held() {
            self.tally.fault("hold");
            self.held.push(Kept { from, to, id, message: message.clone() });
        } else if delays_us.is_empty() {
            self.tally.fault("drop");
            self.lose(from, to, id, &message, from, "lost by the network");
        }
        for (copy, delay_us) in delays_us.into_iter().enumerate() {
            if copy > 0 || self.copies.is_held() {
                self.tally.fault("duplicate");
                let detail =
                    Detail { peer: Some(to), id: Some(id), name: Some(message.name()), ..Detail::default() };
                self.record(Kind::Duplicate, Some(from), detail);
            }
            let at_us = at.0.saturating_add(delay_us);
            self.queue.push(at_us, Event::Deliver { from, to, id, waited: false, message: message.clone() });
        }
    }

    #[cold]
    fn watch_send(&mut self, from: NodeId, to: NodeId, id: u64, message: &P::Message, left_out: bool) {
        // What is left out of a shortened run is left out of its picture.
        if self.recorder.is_some() && !left_out {
            let (name, body) = (message.name(), body_of(message, message.name()));
            let detail = Detail { peer: Some(to), id: Some(id), name: Some(name), body, why: None };
            self.record(Kind::Send, Some(from), detail);
        }
        if let Some(old) = &mut self.old
            && from != to
            && !left_out
        {
            if old.len() == OLD_MESSAGES {
                old.pop_front();
            }
            old.push_back(Kept { from, to, id, message: message.clone() });
        }
        self.happens(Happening::Sent { from, to, message });
    }

    /// What the faults in force say of a message.
    pub(super) fn judged(&mut self, place: Place, from: NodeId, to: NodeId, message: &P::Message) -> Verdict {
        let (faults, tally) = (&mut self.faults, &mut self.tally);
        judge(
            &mut self.rules,
            place,
            (from, to, message.name()),
            self.now.0,
            || encoded_len(message),
            &mut self.fault_random,
            |fault| {
                faults[fault].fired += 1;
                tally.fault(faults[fault].scheduled.fault.kind());
            },
        )
    }

    /// Whether a fault in force loses a message that has arrived.
    pub(super) fn lost_at_reader(&mut self, from: NodeId, to: NodeId, id: u64, message: &P::Message) -> bool {
        match self.judged(Place::Reader, from, to, message) {
            Verdict::Passes { .. } => false,
            Verdict::Lost { rule } => {
                self.lose_to_rule(rule, from, to, id, message.clone(), to);
                true
            }
        }
    }

    fn lose_to_rule(
        &mut self,
        rule: usize,
        from: NodeId,
        to: NodeId,
        id: u64,
        message: P::Message,
        place: NodeId,
    ) {
        let fault = self.rules[rule].fault;
        let why = self.faults[fault].scheduled.fault.kind();
        self.lose(from, to, id, &message, place, why);
        let rule = &mut self.rules[rule];
        if rule.late != crate::fault::Late::Never {
            rule.lost.push(Kept { from, to, id, message });
        }
    }

    /// A message is lost, at the sender's or the reader's end.
    #[cold]
    pub(super) fn lose(
        &mut self,
        from: NodeId,
        to: NodeId,
        id: u64,
        message: &P::Message,
        place: NodeId,
        why: &str,
    ) {
        self.tally.dropped += 1;
        self.mark(Kind::Drop, from, to);
        if self.recorder.is_some() {
            let peer = Some(if place == from { to } else { from });
            let why = Some(why.to_string());
            let detail = Detail { peer, id: Some(id), name: Some(message.name()), why, body: None };
            self.record(Kind::Drop, Some(place), detail);
        }
    }

    fn set_alarm(&mut self, id: NodeId, timer: P::Timer, after_us: u64) {
        let token = self.next_token;
        self.next_token += 1;
        let node = &mut self.nodes.0[id.index()];
        let at = Time(self.now.0.saturating_add(node.clock.true_us(after_us)));
        match node.alarms.iter_mut().find(|alarm| alarm.timer == timer) {
            Some(alarm) => (alarm.token, alarm.at) = (token, at),
            None => node.alarms.push(Alarm { timer, token, at }),
        }
        if self.playing.is_none() {
            self.queue.push(at.0, Event::Alarm { node: id, token });
        }
        if let Some(fault) = self.nodes.0[id.index()].clock.wrong_by {
            self.fired(fault);
        }
    }

    fn write(&mut self, id: NodeId, write: crate::storage::Write) {
        let node = &mut self.nodes.0[id.index()];
        if node.disk.full {
            let fault = node.disk.full_by;
            // The process has read its own write already, but it will react to nothing more.
            self.crash_by(fault, id, DiskFate::LoseUnsynced);
            return self.fired(fault);
        }
        if self.recorder.is_some() {
            let name = write.target().to_string();
            self.record(Kind::Write, Some(id), Detail { name: Some(&name), ..Detail::default() });
        }
        self.mark(Kind::Write, id, id);
        self.nodes.0[id.index()].disk.write(write);
    }

    fn sync(&mut self, id: NodeId) {
        let node = &mut self.nodes.0[id.index()];
        let point = node.disk.sync_point();
        if node.syncing.is_some() {
            node.held.push_back(Held::Sync(point));
        } else {
            self.begin_sync(id, point);
        }
    }

    fn begin_sync(&mut self, id: NodeId, point: SyncPoint) {
        let delay_us = self.sync_delay.draw_us(&mut self.storage_random);
        let by_step = self.playing.as_ref().map(|playing| playing.script.syncs == Syncs::ByHand);
        let node = &mut self.nodes.0[id.index()];
        node.syncing = Some(point);
        if by_step == Some(true) {
            // It ends when a step says so.
        } else if delay_us == 0 || by_step == Some(false) {
            self.end_sync(id);
        } else {
            let incarnation = node.incarnation;
            self.queue.push(self.now.0.saturating_add(delay_us), Event::Synced { node: id, incarnation });
        }
    }

    fn end_sync(&mut self, id: NodeId) {
        let node = &mut self.nodes.0[id.index()];
        if let Some(point) = node.syncing.take() {
            node.disk.synced(point);
            self.mark(Kind::Sync, id, id);
            self.record(Kind::Sync, Some(id), Detail::default());
        }
    }

    /// A sync has finished: what waited for it leaves, up to the next sync.
    pub(super) fn synced(&mut self, id: NodeId) {
        let node = &mut self.nodes.0[id.index()];
        if node.status == Status::Paused {
            return node.inbox.push_back(Deferred::Synced);
        }
        if self.log.is_some() {
            self.log_sync(id);
        }
        self.end_sync(id);
        while self.nodes.0[id.index()].syncing.is_none() && self.violation.is_none() {
            match self.nodes.0[id.index()].held.pop_front() {
                None => break,
                Some(Held::Send { to, message }) => self.transmit(id, to, message),
                Some(Held::Output(output)) => self.tell(id, output),
                Some(Held::Sync(point)) => {
                    let point = self.grouped(id, point);
                    self.begin_sync(id, point);
                }
            }
        }
    }

    /// Now and then the disk carries out all waiting syncs as one, as disks do.
    fn grouped(&mut self, id: NodeId, point: SyncPoint) -> SyncPoint {
        let held = &mut self.nodes.0[id.index()].held;
        let last = held.iter().rev().find_map(|held| match held {
            Held::Sync(point) => Some(*point),
            _ => None,
        });
        match last {
            Some(last) if self.storage_random.below(2) == 0 => {
                held.retain(|held| !matches!(held, Held::Sync(_)));
                last
            }
            _ => point,
        }
    }

    fn output(&mut self, id: NodeId, output: P::Output) {
        let node = &mut self.nodes.0[id.index()];
        if node.syncing.is_some() {
            node.held.push_back(Held::Output(output));
        } else {
            self.tell(id, output);
        }
    }

    fn tell(&mut self, id: NodeId, output: P::Output) {
        self.mark(Kind::Output, id, id);
        if self.recorder.is_some() {
            let body = body_of(&output, "");
            self.record(Kind::Output, Some(id), Detail { body, ..Detail::default() });
        }
        self.happens(Happening::Output { node: id, output: &output });
        self.outputs.push(Told { at: self.now, node: id, output });
    }

    /// Lets go what the hub held, if `which` says so: it arrives after `delay`, in the order in which it was sent.
    pub fn release(
        &mut self,
        delay: std::time::Duration,
        mut which: impl FnMut(&Letter<'_, P::Message>) -> bool,
    ) {
        let at = self.now + delay;
        for kept in std::mem::take(&mut self.held) {
            let Kept { from, to, id, message } = kept;
            if which(&Letter { from, to, at: self.now, id, message: &message }) {
                self.queue.push(at.0, Event::Deliver { from, to, id, waited: false, message });
            } else {
                self.held.push(Kept { from, to, id, message });
            }
        }
    }

    /// The messages that the hub holds.
    pub fn held(&self) -> impl Iterator<Item = Letter<'_, P::Message>> {
        let at = self.now;
        self.held.iter().map(move |kept| Letter {
            from: kept.from,
            to: kept.to,
            at,
            id: kept.id,
            message: &kept.message,
        })
    }
}

/// The bytes of a message, as the live transports encode it.
fn encoded_len<M: Message>(message: &M) -> u64 {
    postcard::experimental::serialized_size(message).map_or(0, |size| size as u64)
}
