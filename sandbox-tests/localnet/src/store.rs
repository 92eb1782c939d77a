//! The chain on disk: an append-only log of what went into each block, replayed at start.
//!
//! The file is [`MAGIC`], then entries: `length u32 LE ‖ check of the length ‖ check of the borsh ‖ borsh`, a check being the
//! first four bytes of sha256. The length has a check of its own, so that a damaged one is not taken for an entry that ends
//! behind the file: what a kill in mid-write leaves is cut off, and everything else that can't be read is an error.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::BlockHeight;

/// Inputs of the chain, in order.
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Entry {
    /// The first entry: which genesis block the others stand on.
    Genesis { hash: CryptoHash },
    /// A block, and the hash that making it gave: another hash at a replay means that this program makes another chain.
    Block { plan: Plan, hash: CryptoHash },
    /// The block before this entry lost and is gone.
    Undo,
}

/// What goes into a block, decided before it is made: enough to make it again.
#[derive(Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Plan {
    pub height: BlockHeight,
    pub timestamp_ns: u64,
    /// How far the chain's clock is ahead of the wall clock.
    pub clock_ahead_ns: u64,
    #[borsh(serialize_with = "write_records", deserialize_with = "read_records")]
    pub patches: Vec<StateRecord>,
    pub transactions: Vec<Arc<SignedTransaction>>,
    pub chunk_missing: bool,
    pub receipts_delayed: bool,
}

/// State records have no borsh layout: they are kept as JSON.
fn write_records(records: &[StateRecord], writer: &mut impl Write) -> std::io::Result<()> {
    BorshSerialize::serialize(&serde_json::to_vec(records)?, writer)
}

fn read_records(reader: &mut impl Read) -> std::io::Result<Vec<StateRecord>> {
    let json = Vec::<u8>::deserialize_reader(reader)?;
    Ok(serde_json::from_slice(&json)?)
}

/// An open log.
pub struct Store {
    path: PathBuf,
    file: File,
    /// Where the next entry goes.
    end: u64,
    /// Whether each entry is on the medium before its block is seen.
    fsync: bool,
    /// A write failed, and what it left behind could not be cut off.
    torn: bool,
}

/// What a log starts with. Another layout gets another number.
const MAGIC: &[u8; 8] = b"NEARLOG2";
const HEADER_BYTES: usize = 12;

/// An entry, or why there is none.
enum Next<'a> {
    Entry(&'a [u8], usize),
    /// The file ends here, or in the middle of what was being written.
    End,
    Broken(&'static str),
}

impl Store {
    /// Opens the log to go on with it; nobody else may meanwhile.
    pub fn open(path: &Path, fsync: bool) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|_| {
            let text = format!("{} is in use by another process", path.display());
            std::io::Error::new(std::io::ErrorKind::ResourceBusy, text)
        })?;
        Ok(Self { path: path.to_owned(), file, end: 0, fsync, torn: false })
    }

    /// All entries of the log at `path`, which may belong to a running chain.
    pub fn peek(path: &Path) -> std::io::Result<Vec<Entry>> {
        Ok(entries(path, &std::fs::read(path)?)?.0)
    }

    /// All entries; leaves the file ready for more.
    pub fn read(&mut self) -> std::io::Result<Vec<Entry>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        let (entries, whole) = entries(&self.path, &bytes)?;
        self.end = u64::try_from(whole).unwrap_or(u64::MAX);
        self.cut()?;
        if whole == 0 {
            self.write(MAGIC)?;
        }
        Ok(entries)
    }

    /// Adds an entry. It outlives this process from here on, and with `fsync` a power cut, too.
    pub fn append(&mut self, entry: &Entry) -> std::io::Result<()> {
        let body = borsh::to_vec(entry)?;
        let length = u32::try_from(body.len())
            .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "an entry of over 4 GiB"))?;
        let length = length.to_le_bytes();
        let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
        record.extend_from_slice(&length);
        record.extend_from_slice(&check(&length));
        record.extend_from_slice(&check(&body));
        record.extend_from_slice(&body);
        self.write(&record)
    }

    /// Writes all of it or, on a full disk, nothing.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        let written = self.file.write_all(bytes).and_then(|()| if self.fsync { self.file.sync_data() } else { Ok(()) });
        if written.is_ok() {
            self.end += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        } else {
            self.torn = true;
            self.cut()?;
        }
        written
    }

    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.torn = false;
        Ok(())
    }
}

/// The entries, and how many bytes of the file they are.
fn entries(path: &Path, bytes: &[u8]) -> std::io::Result<(Vec<Entry>, usize)> {
    let broken = |at: usize, what: &str| {
        let text = format!(
            "{} is damaged at byte {at}: {what}. Put back a copy of it, or cut it to {at} bytes to go on with the chain up to \
             there, or delete it to start over",
            path.display()
        );
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text))
    };
    if bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
        return Ok((Vec::new(), 0));
    }
    if !bytes.starts_with(MAGIC) {
        return broken(0, "it is not a log of this version of charter-localnet");
    }
    let mut entries = Vec::new();
    let mut at = MAGIC.len();
    loop {
        match next(bytes, at) {
            Next::Entry(body, end) => match borsh::from_slice(body) {
                Ok(entry) => {
                    entries.push(entry);
                    at = end;
                }
                Err(_) => return broken(at, "the entry is whole but means nothing"),
            },
            Next::End => return Ok((entries, at)),
            Next::Broken(what) => return broken(at, what),
        }
    }
}

fn next(bytes: &[u8], at: usize) -> Next<'_> {
    let rest = &bytes[at..];
    // Where the power fails the file may have grown before its bytes came: they read as zeros.
    if rest.len() < HEADER_BYTES || rest.iter().all(|byte| *byte == 0) {
        return Next::End;
    }
    let (length, checks) = rest[..HEADER_BYTES].split_at(4);
    if check(length) != checks[..4] {
        return Next::Broken("the length of an entry does not match its check");
    }
    let length = length.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    match rest[HEADER_BYTES..].get(..length) {
        None => Next::End,
        Some(body) if check(body) == checks[4..] => Next::Entry(body, at + HEADER_BYTES + length),
        Some(_) => Next::Broken("an entry does not match its check"),
    }
}

fn check(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = hash(bytes).0;
    [a, b, c, d]
}
