//! What a log asks of a file system.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::PayError;

/// Files by name in one folder. [`Disk`] has them; tests put something in its place that counts, loses and fails.
pub trait Files: Send + 'static {
    /// All of a file. `None` if there is none.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Adds to the end of a file, which is made if there is none.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to a length, or makes an empty one.
    fn cut(&mut self, name: &str, bytes: u64) -> io::Result<()>;
    /// Returns when all of a file is on disk.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Puts one file in the place of another, at once or not at all.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Returns when it is on disk which files there are.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A folder on disk that no other process has open this way, unless all of them opened it beside others.
pub struct Disk {
    folder: PathBuf,
    open: BTreeMap<String, File>,
    /// The system gives it up when the process ends, however that ends.
    _lock: Option<File>,
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Makes a folder that only its owner can read, and returns when it is on disk that there is one.
fn make(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

impl Disk {
    /// Makes the folder if there is none.
    pub fn open(folder: &Path) -> Result<Self, PayError> {
        make(folder)?;
        let lock = open(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), open: BTreeMap::new(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(PayError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The same without a lock: for who writes each file once, under a name that nobody else takes.
    pub fn beside_others(folder: &Path) -> io::Result<Self> {
        make(folder)?;
        Ok(Self { folder: folder.to_owned(), open: BTreeMap::new(), _lock: None })
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        match self.open.entry(name.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(open(&self.folder.join(name))?)),
        }
    }
}

impl Files for Disk {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(bytes)
    }

    fn cut(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.file(name)?.set_len(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.folder.join(from), self.folder.join(to))?;
        // An open file keeps what it was opened as.
        self.open.remove(to);
        if let Some(file) = self.open.remove(from) {
            self.open.insert(to.to_owned(), file);
        }
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}
