//! The sender: keeps what is not acknowledged, and sends it again.

use super::fragment::cut;
use super::message::{Message, Settings, Timer};
use super::node::Ctx;
use super::number::{after, distance};
use simnet::NodeId;
use std::collections::VecDeque;
use std::time::Duration;

/// A segment under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outstanding {
    /// Whether it is its message's last.
    pub last: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// It is there already, out of order.
    pub arrived: bool,
}

/// The sending end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    settings: Settings,
    receiver: NodeId,
    /// Messages of which nothing has been sent.
    pub(crate) waiting: VecDeque<Vec<u8>>,
    /// What has not been sent of the message that is under way: each with whether it is the last.
    pub(crate) fragments: VecDeque<(bool, Vec<u8>)>,
    /// The number of the oldest segment that is not acknowledged.
    pub(crate) oldest: u32,
    /// What has been sent and is not acknowledged, from `oldest` on without a gap.
    pub(crate) outstanding: VecDeque<Outstanding>,
    /// How long it waits now before it sends again.
    pub(crate) pause: Duration,
}

impl Sender {
    /// A sender of these messages.
    pub fn new(settings: Settings, receiver: NodeId, messages: Vec<Vec<u8>>) -> Self {
        Sender {
            settings,
            receiver,
            waiting: messages.into(),
            fragments: VecDeque::new(),
            oldest: settings.first,
            outstanding: VecDeque::new(),
            pause: settings.resend,
        }
    }

    /// The node starts.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.fill_window(ctx);
    }

    /// One more message to send.
    pub fn offer(&mut self, message: Vec<u8>, ctx: &mut Ctx<'_>) {
        self.waiting.push_back(message);
        self.fill_window(ctx);
    }

    /// Whether everything has been acknowledged.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.fragments.is_empty() && self.outstanding.is_empty()
    }

    /// Sends new segments, as many as the window has room for.
    fn fill_window(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: send new segments while the window has room
        while (self.outstanding.len() as u32) < self.settings.window {
            let Some((last, bytes)) = self.next_fragment() else { break };
            self.outstanding.push_back(Outstanding { last, bytes, arrived: false });
            self.send(self.outstanding.len() - 1, ctx);
            if self.outstanding.len() == 1 {
                ctx.set_timer(Timer::Resend, self.pause);
            }
        }
        // solution: end
    }

    /// The next fragment that was never sent.
    fn next_fragment(&mut self) -> Option<(bool, Vec<u8>)> {
        if self.fragments.is_empty() {
            let fragments = cut(&self.waiting.pop_front()?, self.settings.fragment);
            let count = fragments.len();
            self.fragments =
                fragments.into_iter().enumerate().map(|(index, bytes)| (index + 1 == count, bytes)).collect();
        }
        self.fragments.pop_front()
    }

    /// Sends the segment at this place of what is outstanding.
    fn send(&self, place: usize, ctx: &mut Ctx<'_>) {
        let number = after(self.oldest, place as u32, self.settings.numbers);
        let segment = &self.outstanding[place];
        let message = Message::Segment { number, last: segment.last, bytes: segment.bytes.clone() };
        ctx.send(self.receiver, message);
    }

    /// The receiver has segment `of`, and waits for `next`.
    pub fn acknowledged(&mut self, of: u32, next: u32, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: take an acknowledgement
        let numbers = self.settings.numbers;
        let place = distance(self.oldest, of, numbers) as usize;
        if let Some(segment) = self.outstanding.get_mut(place) {
            segment.arrived = true;
        }
        let acknowledged = distance(self.oldest, next, numbers) as usize;
        if acknowledged == 0 || acknowledged > self.outstanding.len() {
            // Nothing new, or an acknowledgement that has been overtaken by a later one.
            return;
        }
        self.outstanding.drain(..acknowledged);
        self.oldest = next;
        self.pause = self.settings.resend;
        if self.outstanding.is_empty() {
            ctx.cancel_timer(Timer::Resend);
        } else {
            ctx.set_timer(Timer::Resend, self.pause);
        }
        self.fill_window(ctx);
        // solution: end
    }

    /// No acknowledgement came in time.
    pub fn resend(&mut self, ctx: &mut Ctx<'_>) {
        // solution: begin — Part B: send again, and wait longer
        for place in 0..self.outstanding.len() {
            if !self.outstanding[place].arrived {
                self.send(place, ctx);
            }
        }
        self.pause = (self.pause * 2).min(self.settings.longest);
        ctx.set_timer(Timer::Resend, self.pause);
        // solution: end
    }
}
