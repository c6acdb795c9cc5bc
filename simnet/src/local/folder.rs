//! A [`Medium`] on the file system: the folder of one node, locked against a second process.

use super::medium::Medium;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The data folder of one node. It holds `journal`, sometimes `journal.next`, and `lock`.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    journal: Option<File>,
    next: Option<File>,
    /// Held as long as this lives; the system lets it go when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Takes the folder at `path`, and makes it when it is not there.
    ///
    /// # Errors
    /// When another process has it, or the file system refuses.
    pub fn take(path: &Path) -> io::Result<Self> {
        let named = |what: &str, error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("could not {what} the data folder {}: {error}", path.display()),
            )
        };
        fs::create_dir_all(path).map_err(|error| named("make", error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(|error| named("lock", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    format!(
                        "the data folder {} belongs to a process that is running: stop that one, or name another folder",
                        path.display()
                    ),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(named("lock", error)),
        }
        Ok(Folder { path: path.to_owned(), journal: None, next: None, _lock: lock })
    }

    fn journal(&mut self) -> io::Result<&mut File> {
        self.journal
            .as_mut()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no journal yet"))
    }
}

impl Medium for Folder {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut file = match OpenOptions::new().read(true).append(true).open(self.path.join("journal")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.journal = Some(file);
        Ok(Some(bytes))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.journal()?.write_all(bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.journal()?.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.journal()?.sync_data()
    }

    fn write_next(&mut self, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join("journal.next");
        // Appending, for the time when it is the journal.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).append(true).open(path)?;
        file.write_all(bytes)?;
        self.next = Some(file);
        Ok(())
    }

    fn sync_next(&mut self) -> io::Result<()> {
        self.next.as_ref().ok_or(io::ErrorKind::NotFound)?.sync_all()
    }

    fn replace(&mut self) -> io::Result<()> {
        fs::rename(self.path.join("journal.next"), self.path.join("journal"))?;
        self.journal = self.next.take();
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn name(&self) -> String {
        self.path.join("journal").display().to_string()
    }
}
