//! What a storage file lies on: the few things that a file system is asked for, and one in memory that a test can crash at any byte.

use std::io;

/// A folder with one journal in it, and sometimes the journal's successor.
///
/// Nothing is durable before a sync: bytes before [`sync`](Medium::sync) or [`sync_next`](Medium::sync_next), and the successor's taking
/// over before [`sync_folder`](Medium::sync_folder).
pub trait Medium {
    /// The whole journal, or `None` when there is none yet.
    ///
    /// # Errors
    /// What the file system answers, here and below.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>>;
    /// Adds bytes at the end of the journal.
    ///
    /// # Errors
    /// As above. Some of the bytes may have been added.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the journal off after `length` bytes.
    ///
    /// # Errors
    /// As above.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Makes the journal's bytes durable.
    ///
    /// # Errors
    /// As above. Nobody knows then what is durable, and asking again does not help (Rebello et al., *Can Applications Recover from fsync
    /// Failures?*, 2020).
    fn sync(&mut self) -> io::Result<()>;
    /// Writes the successor: a new file with these bytes. A successor that an earlier crash left is overwritten.
    ///
    /// # Errors
    /// As above.
    fn write_next(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the successor's bytes durable.
    ///
    /// # Errors
    /// As above.
    fn sync_next(&mut self) -> io::Result<()>;
    /// The successor takes the journal's place and name.
    ///
    /// # Errors
    /// As above.
    fn replace(&mut self) -> io::Result<()>;
    /// Makes the replacement durable.
    ///
    /// # Errors
    /// As above.
    fn sync_folder(&mut self) -> io::Result<()>;
    /// The journal's name, for messages.
    fn name(&self) -> String;
}

/// A medium in memory, which knows what each crash could leave.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: Vec<File>,
    /// The file that has the journal's name; first what is durable, then each change since the folder was synced.
    journal: Vec<Option<usize>>,
    next: Option<usize>,
    /// How many more operations succeed; the next one fails.
    pub operations_left: Option<u32>,
}

/// A file: what is durable, and each change since it was synced.
#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Append(Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Append(more) => bytes.extend_from_slice(more),
            Change::Truncate(length) => bytes.truncate(*length),
        }
    }
}

/// The smallest piece that a torn write of [`Memory`] may lose within a write while a later one is there.
const SECTOR: usize = 8;

impl File {
    fn current(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        self.changes.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    }

    /// All that a crash now could leave of this file: changes up to any point, the last one cut at any byte, or whole but for a hole.
    fn after_crash(&self) -> Vec<Vec<u8>> {
        let mut bytes = self.durable.clone();
        let mut left = vec![bytes.clone()];
        for change in &self.changes {
            if let Change::Append(more) = change {
                for cut in 1..more.len() {
                    left.push([&bytes[..], &more[..cut]].concat());
                }
                left.extend(holed(&bytes, more));
            }
            change.apply(&mut bytes);
            left.push(bytes.clone());
        }
        left
    }
}

/// A disk writes sectors in any order: the file may have grown, and a run of its new sectors may still be zeros.
fn holed(bytes: &[u8], more: &[u8]) -> Vec<Vec<u8>> {
    let mut left = Vec::new();
    for begin in (0..more.len()).step_by(SECTOR) {
        for end in (begin..more.len()).step_by(SECTOR).map(|last| more.len().min(last + SECTOR)) {
            let mut holed = more.to_vec();
            holed[begin..end].fill(0);
            left.push([bytes, &holed].concat());
        }
    }
    left
}

impl Memory {
    /// A medium on which these bytes are durable.
    pub fn holding(journal: Option<Vec<u8>>) -> Self {
        let Some(durable) = journal else { return Memory { journal: vec![None], ..Memory::default() } };
        Memory {
            files: vec![File { durable, changes: Vec::new() }],
            journal: vec![Some(0)],
            ..Memory::default()
        }
    }

    /// All that a crash now could leave of the journal, each once.
    pub fn after_crash(&self) -> Vec<Option<Vec<u8>>> {
        let mut left: Vec<Option<Vec<u8>>> = Vec::new();
        for named in &self.journal {
            match named {
                None => left.push(None),
                Some(file) => left.extend(self.files[*file].after_crash().into_iter().map(Some)),
            }
        }
        left.sort();
        left.dedup();
        left
    }

    fn operate(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on the device")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&mut self) -> &mut File {
        let file = self.journal.last().copied().flatten().expect("there is a journal");
        &mut self.files[file]
    }
}

impl Medium for Memory {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.journal.is_empty() {
            self.journal.push(None);
        }
        Ok(self.journal.last().copied().flatten().map(|file| self.files[file].current()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(full) = self.operate() {
            // A disk that fills up takes what still fits.
            self.file().changes.push(Change::Append(bytes[..bytes.len() / 2].to_vec()));
            return Err(full);
        }
        self.file().changes.push(Change::Append(bytes.to_vec()));
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.operate()?;
        self.file().changes.push(Change::Truncate(length as usize));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operate()?;
        let file = self.file();
        file.durable = file.current();
        file.changes.clear();
        Ok(())
    }

    fn write_next(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.operate()?;
        self.files.push(File { durable: Vec::new(), changes: vec![Change::Append(bytes.to_vec())] });
        self.next = Some(self.files.len() - 1);
        Ok(())
    }

    fn sync_next(&mut self) -> io::Result<()> {
        self.operate()?;
        let next = &mut self.files[self.next.expect("the successor was written")];
        next.durable = next.current();
        next.changes.clear();
        Ok(())
    }

    fn replace(&mut self) -> io::Result<()> {
        self.operate()?;
        self.journal.push(self.next.take());
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.operate()?;
        self.journal.drain(..self.journal.len() - 1);
        Ok(())
    }

    fn name(&self) -> String {
        "journal in memory".to_string()
    }
}
