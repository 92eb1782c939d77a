//! The chain on disk: an append-only log of what went into each block, replayed at start.
//!
//! Each entry is `length u32 LE ‖ first four bytes of sha256 ‖ borsh`. A torn tail (a kill in mid-write) is cut off.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::BlockHeight;

/// Inputs of the chain, in order.
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Entry {
    /// The first entry: which genesis block the others stand on.
    Genesis {
        hash: CryptoHash,
    },
    Block(Plan),
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
    pub transactions: Vec<SignedTransaction>,
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
    file: File,
}

const HEADER_BYTES: usize = 8;

impl Store {
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|_| {
            let text = format!("{} is in use by another process", path.display());
            std::io::Error::new(std::io::ErrorKind::ResourceBusy, text)
        })?;
        Ok(Self { file })
    }

    /// All whole entries; leaves the file ready for more.
    pub fn read(&mut self) -> std::io::Result<Vec<Entry>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        let mut entries = Vec::new();
        let mut at = 0;
        while let Some((body, next)) = split(&bytes, at) {
            entries.push(borsh::from_slice(body)?);
            at = next;
        }
        let whole = u64::try_from(at).unwrap_or(u64::MAX);
        self.file.set_len(whole)?;
        self.file.seek(SeekFrom::Start(whole))?;
        Ok(entries)
    }

    /// Adds an entry. It outlives this process from here on, though not a power cut.
    pub fn append(&mut self, entry: &Entry) -> std::io::Result<()> {
        let body = borsh::to_vec(entry)?;
        let length = u32::try_from(body.len())
            .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "an entry of over 4 GiB"))?;
        let mut record = Vec::with_capacity(HEADER_BYTES + body.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&hash(&body).as_bytes()[..4]);
        record.extend_from_slice(&body);
        self.file.write_all(&record)
    }
}

fn split(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let header = bytes.get(at..at + HEADER_BYTES)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?);
    let start = at + HEADER_BYTES;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let body = bytes.get(start..end)?;
    (hash(body).as_bytes()[..4] == header[4..]).then_some((body, end))
}
