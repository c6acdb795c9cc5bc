//! Storage that survives its process: a [`journal`] on a [`Medium`].
//!
//! It keeps one rule: what [`FileStorage::commit`] has returned from is there again after any crash. What it was given in vain is there as a
//! whole, or not at all.

use super::journal::{self, Damage, Tag};
use super::medium::Medium;
use crate::storage::{Contents, Write};
use std::io;

/// Why storage cannot be used. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system refuses.
    #[error("could not {what} {file}: {source}")]
    Io {
        /// What was asked of it.
        what: &'static str,
        /// The journal.
        file: String,
        /// What it answered.
        source: io::Error,
    },
    /// Something that was promised is no longer there.
    #[error(
        "{file} is damaged {damage}. A node that forgets what it has promised breaks the promise, so it does not start. \
         Bring the file back from a copy, or give the node an empty folder and a new name"
    )]
    Damaged {
        /// The journal.
        file: String,
        /// Where and how.
        damage: Damage,
    },
    /// A write has failed before.
    #[error(
        "an earlier write to {file} failed: what is on the disk is not known until the node starts again"
    )]
    Failed {
        /// The journal.
        file: String,
    },
}

/// What was found when storage was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// What the process finds.
    pub contents: Contents,
    /// How many writes that is the sum of.
    pub written: u64,
    /// How many bytes of a write that was never synced were thrown away.
    pub torn: usize,
}

/// When a journal is compacted: its bytes are more than this, and more than [`GROWTH`] times what they were after the last compaction.
const COMPACT_FROM: usize = 64 << 10;
const GROWTH: usize = 4;
/// About how many bytes go into one entry of a compacted journal.
const PIECE: usize = 1 << 20;

/// The storage of one node, on a medium.
#[derive(Debug)]
pub struct FileStorage<M> {
    medium: M,
    /// What stands in the journal.
    contents: Contents,
    generation: u64,
    /// The journal's bytes.
    length: usize,
    written: u64,
    compact_from: usize,
    compact_at: usize,
    failed: bool,
}

impl<M: Medium> FileStorage<M> {
    /// Opens the journal on `medium`, or begins one, and returns what stood in it.
    ///
    /// # Errors
    /// When the medium refuses, or what was synced is damaged.
    pub fn open(medium: M) -> Result<(Self, Opened), StorageError> {
        Self::open_compacting(medium, COMPACT_FROM)
    }

    /// Opens the journal, which is compacted from so many bytes on.
    ///
    /// # Errors
    /// As [`FileStorage::open`].
    pub fn open_compacting(medium: M, compact_from: usize) -> Result<(Self, Opened), StorageError> {
        let mut storage = FileStorage {
            medium,
            contents: Contents::default(),
            generation: 0,
            length: 0,
            written: 0,
            compact_from,
            compact_at: compact_from,
            failed: false,
        };
        let found = storage.medium.read();
        let torn = match storage.io("read", found)? {
            Some(bytes) => storage.take_up(&bytes)?,
            None => {
                storage.rewrite()?;
                0
            }
        };
        let opened = Opened { contents: storage.contents.clone(), written: storage.written, torn };
        Ok((storage, opened))
    }

    /// Reads what is there, and makes sure that it stays: an entry that a killed process left unsynced may be read, and must not be
    /// relied on before it is durable.
    fn take_up(&mut self, bytes: &[u8]) -> Result<usize, StorageError> {
        let found = journal::recover(bytes)
            .map_err(|damage| StorageError::Damaged { file: self.medium.name(), damage })?;
        found.writes.into_iter().for_each(|write| self.contents.apply(write));
        (self.generation, self.length, self.written) = (found.generation, found.length, found.written);
        if found.torn > 0 {
            let cut = self.medium.truncate(found.length as u64);
            self.io("cut off the torn end of", cut)?;
        }
        self.sync_and_mark()?;
        Ok(found.torn)
    }

    /// Makes `writes` durable, all of them or, when it fails or the node crashes, all or none. Syncs are grouped by giving it several at once.
    ///
    /// # Errors
    /// When the medium refuses. Nothing can be written from then on: the node has to stop.
    pub fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Failed { file: self.medium.name() });
        }
        if writes.is_empty() {
            return Ok(());
        }
        self.append(Tag::Writes, &writes)?;
        self.sync_and_mark()?;
        self.written += writes.len() as u64;
        writes.into_iter().for_each(|write| self.contents.apply(write));
        if self.length > self.compact_at {
            self.generation += 1;
            self.rewrite()?;
        }
        Ok(())
    }

    /// The mark itself is not synced: it says that what stands before it is.
    fn sync_and_mark(&mut self) -> Result<(), StorageError> {
        let synced = self.medium.sync();
        self.io("sync", synced)?;
        self.append(Tag::Synced, &[])
    }

    fn append(&mut self, tag: Tag, writes: &[Write]) -> Result<(), StorageError> {
        let bytes = journal::entry(self.generation, self.length, tag, writes);
        let appended = self.medium.append(&bytes);
        self.io("append to", appended)?;
        self.length += bytes.len();
        Ok(())
    }

    /// Writes a new journal that holds the contents and nothing else, and lets it take the old one's place. The old one is there and
    /// whole until the new one is: a crash at any point leaves one of the two.
    fn rewrite(&mut self) -> Result<(), StorageError> {
        let bytes = compacted(self.generation, self.written, &self.contents);
        let written = self.medium.write_next(&bytes);
        self.io("write the successor of", written)?;
        let synced = self.medium.sync_next();
        self.io("sync the successor of", synced)?;
        let replaced = self.medium.replace();
        self.io("replace", replaced)?;
        // Before this, a power failure could bring the old journal back, without what is appended to the new one.
        let synced = self.medium.sync_folder();
        self.io("sync the folder of", synced)?;
        self.length = bytes.len();
        self.compact_at = self.compact_from.max(GROWTH * bytes.len());
        Ok(())
    }

    fn io<T>(&mut self, what: &'static str, result: io::Result<T>) -> Result<T, StorageError> {
        result.map_err(|source| {
            self.failed = true;
            StorageError::Io { what, file: self.medium.name(), source }
        })
    }

    /// The medium.
    pub fn medium(&self) -> &M {
        &self.medium
    }
}

fn compacted(generation: u64, written: u64, contents: &Contents) -> Vec<u8> {
    let mut bytes = journal::head(generation, written);
    let (mut piece, mut size) = (Vec::new(), 0);
    for write in contents.as_writes() {
        size += match &write {
            Write::Record { value, .. } => value.len(),
            Write::Append { entry } => entry.len(),
        };
        piece.push(write);
        if size >= PIECE {
            bytes.extend(journal::entry(generation, bytes.len(), Tag::Base, &piece));
            piece.clear();
            size = 0;
        }
    }
    if !piece.is_empty() {
        bytes.extend(journal::entry(generation, bytes.len(), Tag::Base, &piece));
    }
    bytes.extend(journal::entry(generation, bytes.len(), Tag::Synced, &[]));
    bytes
}
