//! The format of the storage file: an append-only journal of checksummed entries. Pure: bytes in, writes out.
//!
//! | bytes | the file's head |
//! |---|---|
//! | 4 | `SIJ`, and the version of the format |
//! | 8 | the generation: one more with each compaction |
//! | 8 | how many writes were made before this generation began |
//! | 4 | CRC-32C of the above |
//!
//! | bytes | each entry |
//! |---|---|
//! | 1 | `B` a piece of what stood in storage when the generation began, `W` the writes of one sync, `S` everything before this is synced |
//! | 4 | how many bytes of body follow |
//! | 4 | CRC-32C of generation, offset, tag, length and body |
//! | … | the body of `B` and `W`: a list of [`Write`]s, in postcard |
//!
//! All numbers are little-endian. Offset and generation are in the checksum so that nothing is taken for an entry but an entry in its own
//! place: no value that looks like one, no block of an older file.
//!
//! # Torn, or damaged?
//!
//! A crash may leave any part of what was not synced, so a bad entry at the end is no surprise: nobody was promised that it is
//! there. It is thrown away. A bad entry that had been synced is another matter: a promise has been lost, and a node that goes on
//! without it lies. The two look alike, and what comes after tells them apart (Alagappan et al., *Protocol-Aware Recovery*, FAST 2018). An entry is only
//! appended after the one before was synced, and then an `S` follows it. So where anything valid follows, what is bad was once whole:
//! the file is damaged, and the node does not start.
//!
//! What cannot be told apart: the last entry of a file whose power failed in the moment between its sync and its `S`, and which is damaged besides.

use super::checksum::crc32c;
use crate::storage::Write;

/// The version of the format that this code writes, and the only one it reads.
pub const VERSION: u8 = 1;
const MAGIC: [u8; 3] = *b"SIJ";
/// The bytes of the file's head.
pub const HEAD: usize = 24;
/// The bytes of an entry before its body.
const ENTRY_HEAD: usize = 9;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A piece of what stood in storage when the generation began.
    Base = b'B' as isize,
    /// The writes of one sync.
    Writes = b'W' as isize,
    /// Everything before is synced.
    Synced = b'S' as isize,
}

/// What stands in a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How often the journal has been compacted.
    pub generation: u64,
    /// How many writes of the process the contents are the sum of.
    pub written: u64,
    /// The writes to carry out, oldest first.
    pub writes: Vec<Write>,
    /// How many bytes of the file are good.
    pub length: usize,
    /// How many bytes after them are of an entry that was never synced.
    pub torn: usize,
}

/// Why a journal cannot be trusted. Offsets are in bytes from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin as a journal does.
    #[error("at offset 0: read {found:?}, expected a journal, which begins with \"SIJ\"")]
    NotAJournal {
        /// The first bytes, as text.
        found: String,
    },
    /// Another version wrote it.
    #[error("at offset 3: read format version {found}, expected version {VERSION}")]
    Version {
        /// The version read.
        found: u8,
    },
    /// Its head is not what was written.
    #[error("at offset 0: the head's checksum does not hold")]
    Head,
    /// An entry is not what was synced.
    #[error(
        "at offset {offset}: {reason}, though the entry had been synced (a valid one follows at offset {later})"
    )]
    Entry {
        /// Where the entry begins.
        offset: usize,
        /// What is wrong with it.
        reason: &'static str,
        /// Where the next valid entry begins.
        later: usize,
    },
}

/// The head of a file.
pub fn head(generation: u64, written: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.extend_from_slice(&generation.to_le_bytes());
    bytes.extend_from_slice(&written.to_le_bytes());
    bytes.extend_from_slice(&crc32c(&[&bytes]).to_le_bytes());
    bytes
}

/// An entry, to stand at `offset` of the file of `generation`.
///
/// # Panics
/// When the writes are 4 GiB or more.
pub fn entry(generation: u64, offset: usize, tag: Tag, writes: &[Write]) -> Vec<u8> {
    let body = match tag {
        Tag::Synced => Vec::new(),
        Tag::Base | Tag::Writes => postcard::to_allocvec(writes).expect("writes are plain data"),
    };
    seal(generation, offset, tag, &body)
}

/// These bytes as the body of an entry, behind a head that holds, whatever they are.
///
/// # Panics
/// When they are 4 GiB or more.
pub fn seal(generation: u64, offset: usize, tag: Tag, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("the writes of one sync are below 4 GiB");
    let mut bytes = vec![tag as u8];
    bytes.extend_from_slice(&length.to_le_bytes());
    let checksum = checksum(generation, offset, &bytes, body);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn checksum(generation: u64, offset: usize, head: &[u8], body: &[u8]) -> u32 {
    crc32c(&[&generation.to_le_bytes(), &(offset as u64).to_le_bytes(), head, body])
}

/// Reads a journal.
///
/// # Errors
/// When something that had been synced is not there as it was.
pub fn recover(bytes: &[u8]) -> Result<Recovered, Damage> {
    let mut found = read_head(bytes)?;
    while found.length < bytes.len() {
        match read_entry(bytes, found.generation, found.length) {
            Ok((tag, writes, end)) => {
                if tag == Tag::Writes {
                    found.written += writes.len() as u64;
                }
                found.writes.extend(writes);
                found.length = end;
            }
            Err(reason) => {
                if let Some(later) = next_valid(bytes, found.generation, found.length + 1) {
                    return Err(Damage::Entry { offset: found.length, reason, later });
                }
                found.torn = bytes.len() - found.length;
                break;
            }
        }
    }
    Ok(found)
}

/// A journal's name is given to a file only when its head is durable: there are no torn heads.
fn read_head(bytes: &[u8]) -> Result<Recovered, Damage> {
    if !bytes.starts_with(&MAGIC) {
        let found = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).into_owned();
        return Err(Damage::NotAJournal { found });
    }
    if let Some(&found) = bytes.get(3).filter(|version| **version != VERSION) {
        return Err(Damage::Version { found });
    }
    let head = bytes.first_chunk::<HEAD>().ok_or(Damage::Head)?;
    if head[20..] != crc32c(&[&head[..20]]).to_le_bytes() {
        return Err(Damage::Head);
    }
    let (generation, written) = (long(&head[4..12]), long(&head[12..20]));
    Ok(Recovered { generation, written, length: HEAD, ..Recovered::default() })
}

fn long(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The entry at `offset`, and where it ends.
fn read_entry(
    bytes: &[u8],
    generation: u64,
    offset: usize,
) -> Result<(Tag, Vec<Write>, usize), &'static str> {
    let (tag, body, end) = whole_entry(bytes, generation, offset)?;
    if tag == Tag::Synced {
        return Ok((tag, Vec::new(), end));
    }
    match postcard::take_from_bytes(body) {
        Ok((writes, [])) => Ok((tag, writes, end)),
        _ => Err("the entry holds no list of writes"),
    }
}

/// The tag, the body and the end of the entry at `offset`, when its checksum holds.
fn whole_entry(bytes: &[u8], generation: u64, offset: usize) -> Result<(Tag, &[u8], usize), &'static str> {
    let rest = &bytes[offset..];
    let tag = match rest.first() {
        Some(b'B') => Tag::Base,
        Some(b'W') => Tag::Writes,
        Some(b'S') => Tag::Synced,
        _ => return Err("no entry begins there"),
    };
    let head = rest.get(..ENTRY_HEAD).ok_or("the file ends within the entry")?;
    let length = long(&head[1..5]) as usize;
    // The length is believed only as far as the file goes.
    let body = rest.get(ENTRY_HEAD..ENTRY_HEAD + length).ok_or("the file ends within the entry")?;
    if long(&head[5..9]) != u64::from(checksum(generation, offset, &head[..5], body)) {
        return Err("the entry's checksum does not hold");
    }
    Ok((tag, body, offset + ENTRY_HEAD + length))
}

/// Where the first valid entry from `offset` on begins.
fn next_valid(bytes: &[u8], generation: u64, offset: usize) -> Option<usize> {
    (offset..bytes.len()).find(|place| whole_entry(bytes, generation, *place).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mutation::Mutations;

    fn write(value: u8) -> Write {
        Write::Record { name: "promised".into(), value: vec![value] }
    }

    fn journal() -> Vec<u8> {
        let mut bytes = head(3, 40);
        for (tag, writes) in [
            (Tag::Base, vec![write(1)]),
            (Tag::Synced, vec![]),
            (Tag::Writes, vec![write(2), Write::Append { entry: b"x".to_vec() }]),
            (Tag::Synced, vec![]),
        ] {
            bytes.extend(entry(3, bytes.len(), tag, &writes));
        }
        bytes
    }

    /// Bytes that are already on someone's disk: change them only with the version.
    #[test]
    fn has_its_golden_bytes() {
        assert_eq!(
            head(1, 2),
            [b'S', b'I', b'J', 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x51, 0x94, 0x5C, 0x5E],
            "{:02x?}",
            head(1, 2)
        );
        let bytes = entry(1, 24, Tag::Writes, &[Write::Append { entry: b"x".to_vec() }]);
        assert_eq!(bytes[..5], [b'W', 4, 0, 0, 0]);
        assert_eq!(bytes[9..], [1, 1, 1, b'x']);
    }

    #[test]
    fn writes_come_back_and_are_counted() {
        let found = recover(&journal()).unwrap();
        assert_eq!(found.writes, [write(1), write(2), Write::Append { entry: b"x".to_vec() }]);
        assert_eq!((found.generation, found.written, found.torn), (3, 42, 0));
    }

    #[test]
    fn a_torn_tail_is_thrown_away_and_counted() {
        let bytes = journal();
        let cut = bytes.len() - 12;
        let found = recover(&bytes[..cut]).unwrap();
        assert_eq!((found.writes.len(), found.length + found.torn), (1, cut));
        assert!(found.torn > 0);
    }

    #[test]
    fn a_value_that_looks_like_an_entry_is_none() {
        let mut bytes = head(0, 0);
        let disguised = entry(0, bytes.len(), Tag::Synced, &[]);
        bytes.extend(entry(0, bytes.len(), Tag::Writes, &[Write::Append { entry: disguised }]));
        bytes[HEAD + 5] ^= 1;
        // The only entry is bad, and what its value holds is not taken for a later one: so it is torn, not damaged.
        assert_eq!(recover(&bytes).unwrap().writes, []);
    }

    #[test]
    fn damage_names_its_offset() {
        let mut bytes = journal();
        bytes[HEAD + 10] ^= 4;
        let damage = recover(&bytes).unwrap_err().to_string();
        assert!(damage.starts_with("at offset 24: the entry's checksum does not hold"), "{damage}");
    }

    #[test]
    fn mutated_journals_never_panic() {
        let good = journal();
        let mut mutations = Mutations::new(2);
        let (mut damaged, mut torn) = (0, 0);
        for _ in 0..mutations.bounded(100_000) {
            match recover(mutations.mutate(&good)) {
                Err(_) => damaged += 1,
                Ok(found) => {
                    // What is recovered is a beginning of what was written, and nothing else.
                    let all = recover(&good).unwrap().writes;
                    assert!(all.starts_with(&found.writes), "{:?}", found.writes);
                    torn += u32::from(found.torn > 0);
                }
            }
        }
        assert!(
            damaged > 10_000 && torn > 1_000,
            "damaged {damaged}, torn {torn}: the mutations are too tame"
        );
    }
}
