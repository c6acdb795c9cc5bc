//! What survives a crash: an append-only log and named records, volatile until synced.

use crate::context::{Effect, EffectOf};
use crate::process::Process;
use crate::random::{Random, RandomSource};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// One write, as it goes to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Write {
    /// The record of this name gets a new value.
    Record {
        /// The record's name.
        name: Cow<'static, str>,
        /// Its new value, encoded.
        value: Vec<u8>,
    },
    /// One more entry at the end of the log.
    Append {
        /// The entry, encoded.
        entry: Vec<u8>,
    },
}

impl Write {
    /// What is written, for traces: the record's name, or `log`.
    pub fn target(&self) -> &str {
        match self {
            Write::Record { name, .. } => name,
            Write::Append { .. } => "log",
        }
    }
}

/// What stands in a node's storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Contents {
    records: BTreeMap<Cow<'static, str>, Vec<u8>>,
    log: Vec<Vec<u8>>,
}

impl Contents {
    /// Carries out one write.
    pub fn apply(&mut self, write: Write) {
        match write {
            Write::Record { name, value } => {
                self.records.insert(name, value);
            }
            Write::Append { entry } => self.log.push(entry),
        }
    }

    /// The fewest writes that lead here: each record's last one, then the log. What storage is compacted to.
    pub fn as_writes(&self) -> impl Iterator<Item = Write> {
        let records = self.records.iter();
        let records = records.map(|(name, value)| Write::Record { name: name.clone(), value: value.clone() });
        records.chain(self.log.iter().map(|entry| Write::Append { entry: entry.clone() }))
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.log.is_empty()
    }
}

/// A process' handle on its storage, from [`Context::storage`](crate::Context::storage).
///
/// A process reads its own writes at once. Others may rely on a write only when it is durable: write, [`sync`](Storage::sync), then send.
pub struct Storage<'a, P: Process> {
    contents: &'a mut Contents,
    effects: &'a mut Vec<EffectOf<P>>,
}

impl<'a, P: Process> Storage<'a, P> {
    pub(crate) fn new(contents: &'a mut Contents, effects: &'a mut Vec<EffectOf<P>>) -> Self {
        Storage { contents, effects }
    }

    /// The value of the record `name`, or `None` when it was never written (or the write did not survive).
    ///
    /// # Panics
    /// When the record was written as another type.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = self.contents.records.get(name)?;
        Some(decode(bytes, || format!("record `{name}`")))
    }

    /// Gives the record `name` a new value. It is volatile until [`sync`](Storage::sync); a crash leaves the old value or the new one, no mixture.
    ///
    /// # Panics
    /// When `value` cannot be encoded.
    pub fn write<T: Serialize>(&mut self, name: &'static str, value: &T) {
        self.record(Write::Record { name: Cow::Borrowed(name), value: encode(value) });
    }

    /// Adds an entry at the end of the log. It is volatile until [`sync`](Storage::sync); a crash keeps a prefix of the entries appended.
    ///
    /// # Panics
    /// When `entry` cannot be encoded.
    pub fn append<T: Serialize>(&mut self, entry: &T) {
        self.record(Write::Append { entry: encode(entry) });
    }

    /// The log's entries, oldest first.
    ///
    /// # Panics
    /// When an entry was written as another type.
    pub fn log<T: DeserializeOwned>(&self) -> Vec<T> {
        let entries = self.contents.log.iter().enumerate();
        entries.map(|(index, bytes)| decode(bytes, || format!("log entry {index}"))).collect()
    }

    /// Makes everything written so far durable. Nothing recorded after it leaves the node until it has finished.
    pub fn sync(&mut self) {
        self.effects.push(Effect::Sync);
    }

    fn record(&mut self, write: Write) {
        self.contents.apply(write.clone());
        self.effects.push(Effect::Write(Box::new(write)));
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value)
        .unwrap_or_else(|error| panic!("could not encode a write to storage: {error}"))
}

fn decode<T: DeserializeOwned>(bytes: &[u8], what: impl Fn() -> String) -> T {
    postcard::from_bytes(bytes).unwrap_or_else(|error| {
        panic!(
            "{} in storage is not a {}: {error}; read it as the type it was written as",
            what(),
            std::any::type_name::<T>()
        )
    })
}

/// What a crash does to a node's storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFate {
    /// Everything written is there again, synced or not: only the process died.
    Keep,
    /// What was not synced is gone: the power failed.
    #[default]
    LoseUnsynced,
    /// Some of the writes not yet synced are there, oldest first; the next one was cut in the middle, and recovery throws it away.
    TearLastWrite,
    /// A bit of what was synced has flipped. Recovery sees it by the checksum, and the node does not start again.
    FlipBit,
    /// The disk is empty: amnesia.
    Wipe,
}

impl fmt::Display for DiskFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskFate::Keep => "all writes kept",
            DiskFate::LoseUnsynced => "unsynced writes lost",
            DiskFate::TearLastWrite => "last write torn",
            DiskFate::FlipBit => "a synced bit flipped",
            DiskFate::Wipe => "disk wiped",
        })
    }
}

/// The disk of a simulated node: what its process reads, and how much of that would survive a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Disk {
    /// What the process reads: all writes.
    pub contents: Contents,
    durable: Contents,
    /// Writes in `contents` that are not in `durable`, oldest first.
    unsynced: VecDeque<Write>,
    /// How many writes were ever made.
    written: u64,
    /// The next write fails.
    pub full: bool,
    /// The fault through which it does.
    pub full_by: usize,
    /// Synced bytes are no longer what was synced.
    pub damaged: bool,
}

/// How far a sync reaches: all writes up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncPoint(u64);

impl Disk {
    /// Takes note of a write that the process has made.
    pub fn write(&mut self, write: Write) {
        self.unsynced.push_back(write);
        self.written += 1;
    }

    /// Where a sync that begins now reaches.
    pub fn sync_point(&self) -> SyncPoint {
        SyncPoint(self.written)
    }

    /// A sync has finished.
    pub fn synced(&mut self, point: SyncPoint) {
        let first = self.written - self.unsynced.len() as u64;
        for _ in first..point.0 {
            let write = self.unsynced.pop_front().expect("a sync reaches no further than the writes made");
            self.durable.apply(write);
        }
    }

    /// Whether a crash now could lose a write.
    pub fn has_unsynced(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// How many writes a crash now could lose.
    pub fn unsynced_writes(&self) -> usize {
        self.unsynced.len()
    }

    /// Makes the oldest writes that are not synced durable: a crash may keep them.
    pub fn keep_unsynced(&mut self, writes: usize) {
        self.synced(SyncPoint(self.written - self.unsynced.len() as u64 + writes as u64));
    }

    /// Forgets how many writes there ever were. Two disks that hold the same are the same to whoever compares states.
    pub fn forget_counts(&mut self) {
        self.written = self.unsynced.len() as u64;
    }

    /// The process died. Returns whether the fate changed anything that [`DiskFate::LoseUnsynced`] on a synced disk would not.
    pub fn crash(&mut self, fate: DiskFate, random: &mut Random) -> bool {
        let unsynced = std::mem::take(&mut self.unsynced);
        let had_unsynced = !unsynced.is_empty();
        let bites = match fate {
            DiskFate::Keep => {
                unsynced.into_iter().for_each(|write| self.durable.apply(write));
                had_unsynced
            }
            DiskFate::LoseUnsynced => had_unsynced,
            DiskFate::TearLastWrite => {
                // At least one write is lost: the torn one.
                let whole = random.below(unsynced.len() as u64) as usize;
                unsynced.into_iter().take(whole).for_each(|write| self.durable.apply(write));
                had_unsynced
            }
            DiskFate::FlipBit => {
                self.damaged |= !self.durable.is_empty();
                self.damaged
            }
            DiskFate::Wipe => {
                let had_any = had_unsynced || !self.durable.is_empty();
                self.durable = Contents::default();
                had_any
            }
        };
        self.contents = self.durable.clone();
        bites
    }
}
