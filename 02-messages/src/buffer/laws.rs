//! The laws of a buffer, and a test of any buffer against them. Given whole.

use simnet::buffer::Buffer;
use simnet::random::Purpose;
use simnet::{NodeId, Random, RandomSource, Violation};
use std::collections::BTreeMap;

/// (1) Nothing is made up or misdirected.
pub const SENT: &str = "(A1) recv(p) returns only what was sent to p";
/// (2) Exactly once.
pub const ONCE: &str = "(A2) each message is returned exactly once";
/// (3) The null message, only finitely often.
pub const FINITE: &str = "(A3) while a message waits for p, only so many recv(p) in a row return null";
/// (4) Overtaking, only finitely often.
pub const OVERTAKEN: &str = "(A4) a message is overtaken by at most so many later ones";

/// What a buffer promises.
#[derive(Clone, Copy, Debug, Default)]
pub struct Promise {
    /// How many nulls there may be in a row while something waits.
    pub most_nulls: u64,
    /// How many later messages to the same reader may overtake a message.
    pub most_overtaken: u64,
}

/// What a test of a buffer has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The most nulls in a row while something waited.
    pub nulls: u64,
    /// The most often that one message was overtaken.
    pub overtaken: u64,
}

/// What was sent to one reader and has not been returned, oldest first: number, and how often it was overtaken.
type Waiting = Vec<(u64, u64)>;

/// Sends `messages` numbered messages to three readers and lets them ask, in an order that `seed` draws; then asks until all have come.
///
/// # Errors
/// The law that was broken.
pub fn check(
    buffer: &mut impl Buffer<u64>,
    promise: Promise,
    messages: u64,
    seed: u64,
) -> Result<Seen, Violation> {
    let mut random = Random::new(seed, Purpose::Workload);
    let mut book = Book { promise, seen: Seen::default(), ..Book::default() };
    run(buffer, &mut book, &mut random, messages).map_err(|violation| book.lost(buffer, violation))?;
    Ok(book.seen)
}

fn run(
    buffer: &mut impl Buffer<u64>,
    book: &mut Book,
    random: &mut Random,
    messages: u64,
) -> Result<(), Violation> {
    let mut sent = 0;
    while sent < messages {
        let reader = *random.pick(&READERS);
        // More is sent than read for a while: only then is there a choice of what to return.
        if random.below(3) > 0 {
            buffer.send(reader, sent);
            book.waiting.entry(reader).or_default().push((sent, 0));
            sent += 1;
        } else {
            book.returned(reader, buffer.recv(reader))?;
        }
    }
    for reader in READERS {
        while book.waits(reader) {
            book.returned(reader, buffer.recv(reader))?;
        }
    }
    // Nothing is left, so nothing comes.
    for reader in READERS {
        for _ in 0..book.promise.most_nulls + 2 {
            book.returned(reader, buffer.recv(reader))?;
        }
    }
    Ok(())
}

const READERS: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

/// What must still come, and what has been seen.
#[derive(Default)]
struct Book {
    promise: Promise,
    seen: Seen,
    waiting: BTreeMap<NodeId, Waiting>,
    /// Nulls in a row.
    nulls: BTreeMap<NodeId, u64>,
    /// The message that was overtaken too often, and its reader.
    overtaken: Option<(NodeId, u64)>,
}

impl Book {
    fn waits(&self, reader: NodeId) -> bool {
        self.waiting.get(&reader).is_some_and(|waiting| !waiting.is_empty())
    }

    fn returned(&mut self, reader: NodeId, returned: Option<u64>) -> Result<(), Violation> {
        match returned {
            None if !self.waits(reader) => Ok(()),
            None => self.null(reader),
            Some(message) => self.message(reader, message),
        }
    }

    fn null(&mut self, reader: NodeId) -> Result<(), Violation> {
        let nulls = self.nulls.entry(reader).or_default();
        *nulls += 1;
        self.seen.nulls = self.seen.nulls.max(*nulls);
        if *nulls <= self.promise.most_nulls {
            return Ok(());
        }
        let waiting: Vec<u64> = self.waiting[&reader].iter().map(|(message, _)| *message).collect();
        let expected = format!("at most {} nulls in a row for {reader}", self.promise.most_nulls);
        Err(Violation::new(FINITE, expected, format!("{nulls} in a row, while {waiting:?} waits")))
    }

    fn message(&mut self, reader: NodeId, message: u64) -> Result<(), Violation> {
        self.nulls.insert(reader, 0);
        let waiting = self.waiting.entry(reader).or_default();
        let Some(place) = waiting.iter().position(|(other, _)| *other == message) else {
            return Err(self.unexpected(reader, message));
        };
        let most = self.promise.most_overtaken;
        for (older, overtaken) in &mut waiting[..place] {
            *overtaken += 1;
            self.seen.overtaken = self.seen.overtaken.max(*overtaken);
            if *overtaken > most {
                let expected = format!("message {older} to {reader} is overtaken at most {most} times");
                let got =
                    format!("message {message} is returned before it, number {overtaken} of those that are");
                self.overtaken = Some((reader, *older));
                return Err(Violation::new(OVERTAKEN, expected, got));
            }
        }
        waiting.remove(place);
        Ok(())
    }

    /// Too often overtaken, or lost? What does not come when its reader asks for everything that was sent is lost.
    fn lost(&self, buffer: &mut impl Buffer<u64>, violation: Violation) -> Violation {
        let Some((reader, older)) = self.overtaken else { return violation };
        let recvs = (self.promise.most_nulls + 1) * (self.waiting[&reader].len() as u64 + 1);
        if (0..recvs).any(|_| buffer.recv(reader) == Some(older)) {
            return violation;
        }
        let got = format!("{reader} was given later ones, and never message {older}");
        Violation::new(ONCE, format!("message {older} is returned to {reader}"), got)
    }

    fn unexpected(&self, reader: NodeId, message: u64) -> Violation {
        let other = self.waiting.iter().find(|(_, waiting)| waiting.iter().any(|(sent, _)| *sent == message));
        match other {
            Some((other, _)) => {
                let expected = format!("message {message} is returned to {other}, to which it was sent");
                Violation::new(SENT, expected, format!("it is returned to {reader}"))
            }
            None => {
                let expected = "a message that waits, or null".to_string();
                Violation::new(ONCE, expected, format!("message {message} is returned to {reader} once more"))
            }
        }
    }
}
