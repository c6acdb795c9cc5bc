//! Storage on real files, and on a medium that crashes at every point at which a disk can.
#![cfg(feature = "local")]

use simnet::local::folder::Folder;
use simnet::local::medium::{Medium, Memory};
use simnet::local::storage::{FileStorage, StorageError};
use simnet::storage::{Contents, Write};
use std::io;

fn record(name: &'static str, value: &[u8]) -> Write {
    Write::Record { name: name.into(), value: value.to_vec() }
}

fn append(entry: &[u8]) -> Write {
    Write::Append { entry: entry.to_vec() }
}

/// What each sync writes: small and large ones, one and several, records and log.
fn syncs() -> Vec<Vec<Write>> {
    let mut syncs = vec![
        vec![record("promised", b"1.0")],
        vec![record("promised", b"2.0"), record("accepted", b"red"), append(b"first")],
        vec![append(b"")],
    ];
    for round in 3..24_u8 {
        syncs.push(vec![record("promised", &[round; 20]), append(&[round])]);
    }
    syncs
}

/// From so few bytes on, the journal is compacted several times in a short test.
const COMPACT_FROM: usize = 150;

/// The contents after each sync, first with none.
fn legal() -> Vec<Contents> {
    let mut contents = Contents::default();
    let mut legal = vec![contents.clone()];
    for sync in syncs() {
        sync.into_iter().for_each(|write| contents.apply(write));
        legal.push(contents.clone());
    }
    legal
}

/// A medium that remembers how it was before and after each operation.
struct Watched {
    memory: Memory,
    states: Vec<Memory>,
}

impl Watched {
    fn new(memory: Memory) -> Self {
        Watched { states: vec![memory.clone()], memory }
    }

    fn watch<T>(&mut self, operate: impl FnOnce(&mut Memory) -> io::Result<T>) -> io::Result<T> {
        let done = operate(&mut self.memory);
        self.states.push(self.memory.clone());
        done
    }
}

impl Medium for Watched {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.watch(Memory::read)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.watch(|memory| memory.append(bytes))
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.watch(|memory| memory.truncate(length))
    }
    fn sync(&mut self) -> io::Result<()> {
        self.watch(Memory::sync)
    }
    fn write_next(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.watch(|memory| memory.write_next(bytes))
    }
    fn sync_next(&mut self) -> io::Result<()> {
        self.watch(Memory::sync_next)
    }
    fn replace(&mut self) -> io::Result<()> {
        self.watch(Memory::replace)
    }
    fn sync_folder(&mut self) -> io::Result<()> {
        self.watch(Memory::sync_folder)
    }
    fn name(&self) -> String {
        self.memory.name()
    }
}

fn open<M: Medium>(medium: M) -> Result<(FileStorage<M>, Contents), StorageError> {
    FileStorage::open_compacting(medium, COMPACT_FROM).map(|(storage, opened)| (storage, opened.contents))
}

/// Opens what a crash left; it must be one of these contents.
fn recovers_one_of(left: Option<Vec<u8>>, legal: &[Contents], when: &str) -> FileStorage<Watched> {
    let (storage, contents) = open(Watched::new(Memory::holding(left.clone())))
        .unwrap_or_else(|error| panic!("{when}: {error}; the crash left {left:02x?}"));
    assert!(legal.contains(&contents), "{when}: recovered {contents:?}, expected one of {legal:?}");
    storage
}

#[test]
fn every_crash_at_every_byte_of_every_operation_leaves_what_was_synced() {
    let legal = legal();
    let (mut storage, _) = open(Watched::new(Memory::default())).unwrap();
    let (mut crashes, mut second, mut compactions, mut seen) = (0, 0, 0, 0);
    for (done, sync) in syncs().into_iter().enumerate() {
        let length = storage.medium().memory.after_crash().into_iter().flatten().map(|left| left.len()).max();
        storage.commit(sync).unwrap();
        let after = storage.medium().memory.after_crash().into_iter().flatten().map(|left| left.len()).max();
        compactions += usize::from(after < length);
        for state in &storage.medium().states[seen..] {
            for left in state.after_crash() {
                crashes += 1;
                // During a sync its writes may be there or not; all those before it must be.
                let recovered = recovers_one_of(left, &legal[done..=done + 1], &format!("sync {done}"));
                // And a second crash, during the recovery: what was there once stays.
                for state in &recovered.medium().states {
                    for left in state.after_crash() {
                        second += 1;
                        recovers_one_of(left, &legal[done..=done + 1], &format!("sync {done}, again"));
                    }
                }
            }
        }
        seen = storage.medium().states.len();
        // The sync is over: nothing but its end is legal now.
        for left in storage.medium().memory.after_crash() {
            recovers_one_of(left, &legal[done + 1..=done + 1], &format!("after sync {done}"));
        }
    }
    assert!(compactions >= 2, "only {compactions} compactions: lower the threshold");
    assert!(crashes > 1_000 && second > 10_000, "only {crashes} crashes, {second} second ones");
    println!("{crashes} crashes, {second} crashes in the recovery, {compactions} compactions");
}

#[test]
fn what_was_recovered_once_is_recovered_for_ever() {
    // A killed process leaves an entry that it had not synced. The next one reads it, acts on it, and the power fails.
    let legal = legal();
    let (mut storage, _) = open(Watched::new(Memory::default())).unwrap();
    storage.commit(syncs().remove(0)).unwrap();
    let states = storage.medium().states.clone();
    let unsynced = states.iter().rev().find(|state| state.after_crash().len() > 20).unwrap();
    let (reopened, contents) = open(Watched::new(unsynced.clone())).unwrap();
    assert_eq!(contents, legal[1]);
    for left in reopened.medium().memory.after_crash() {
        recovers_one_of(left, &legal[1..2], "the power failed after the recovery");
    }
}

#[test]
fn every_flipped_bit_of_what_was_synced_is_refused() {
    let (mut storage, _) = open(Memory::default()).unwrap();
    for sync in syncs().into_iter().take(3) {
        storage.commit(sync).unwrap();
    }
    let expected = &legal()[3];
    let bytes = storage.medium().clone().read().unwrap().unwrap();
    // The last mark only says that the rest is synced.
    let last_mark = bytes.len() - 9;
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match open(Memory::holding(Some(damaged))) {
            Err(StorageError::Damaged { .. }) => assert!(bit / 8 < last_mark, "bit {bit}"),
            Ok((_, contents)) => assert!(bit / 8 >= last_mark && contents == *expected, "bit {bit}"),
            Err(error) => panic!("bit {bit}: {error}"),
        }
    }
}

#[test]
fn a_full_disk_fails_the_sync_stops_the_storage_and_loses_nothing() {
    let legal = legal();
    for operations in 0..60 {
        let (mut storage, _) = open(Memory::default()).unwrap();
        let mut memory = storage.medium().clone();
        memory.operations_left = Some(operations);
        (storage, _) = match open(memory) {
            Ok(opened) => opened,
            Err(StorageError::Io { .. }) => continue,
            Err(error) => panic!("{operations} operations: {error}"),
        };
        let mut committed = 0;
        for sync in syncs() {
            match storage.commit(sync) {
                Ok(()) => committed += 1,
                Err(error) => {
                    assert!(error.to_string().contains("no space left"), "{error}");
                    let again = storage.commit(vec![append(b"more")]);
                    assert!(matches!(again, Err(StorageError::Failed { .. })));
                    break;
                }
            }
        }
        for left in storage.medium().after_crash() {
            let last = (committed + 1).min(legal.len() - 1);
            recovers_one_of(left, &legal[committed..=last], &format!("full after {operations} operations"));
        }
    }
}

#[test]
fn a_journal_that_is_rewritten_a_thousand_times_stays_small() {
    let (mut storage, _) = FileStorage::open(Memory::default()).unwrap();
    for round in 0..5_000_u32 {
        storage.commit(vec![record("round", &round.to_le_bytes()), record("filler", &[7; 100])]).unwrap();
    }
    let bytes = storage.medium().clone().read().unwrap().unwrap();
    assert!(bytes.len() < 70_000, "{} bytes for two records", bytes.len());
    let (_, opened) = FileStorage::open(Memory::holding(Some(bytes))).unwrap();
    assert_eq!(opened.written, 10_000, "compaction forgets no count");
}

#[test]
fn a_folder_keeps_what_was_committed_and_throws_a_torn_end_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a1");
    {
        let (mut storage, contents) = open(Folder::take(&path).unwrap()).unwrap();
        assert!(contents.is_empty());
        for sync in syncs() {
            storage.commit(sync).unwrap();
        }
    }
    let journal = path.join("journal");
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, [&whole[..], b"W\xFF\0\0\0half an entry"].concat()).unwrap();
    let (mut storage, opened) = FileStorage::open(Folder::take(&path).unwrap()).unwrap();
    assert_eq!((&opened.contents, opened.torn), (legal().last().unwrap(), 18));
    storage.commit(vec![append(b"after the tear")]).unwrap();
    drop(storage);
    let (_, opened) = FileStorage::open(Folder::take(&path).unwrap()).unwrap();
    assert_eq!(
        (opened.contents.as_writes().count(), opened.torn),
        (legal().last().unwrap().as_writes().count() + 1, 0)
    );
}

#[test]
fn a_damaged_folder_is_refused_by_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = open(Folder::take(folder.path()).unwrap()).unwrap();
    storage.commit(vec![record("promised", b"3.1")]).unwrap();
    drop(storage);
    let journal = folder.path().join("journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[45] ^= 0x10;
    std::fs::write(&journal, bytes).unwrap();
    let refused = open(Folder::take(folder.path()).unwrap()).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("{} is damaged at offset 33: ", journal.display())), "{refused}");
}

#[test]
fn a_folder_belongs_to_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Folder::take(folder.path()).unwrap();
    let refused = Folder::take(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("belongs to a process that is running"), "{refused}");
    drop(first);
    Folder::take(folder.path()).unwrap();
}
