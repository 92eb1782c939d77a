//! What a log holds: frames of one length, so that those behind a damaged one can still be told apart.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::Hash32;
use charter_types::escrow::{ClaimRow, Kind, Voucher};
use charter_types::hash::borsh_bytes;

use super::PayError;
use crate::sha256;

/// Checksum 8 · frames that were on disk before u64 LE · record in borsh · zeroes. It divides the sectors of every disk, so
/// that a write which stopped half-way leaves whole frames before it.
pub(super) const FRAME_BYTES: usize = 256;
const SUM_BYTES: usize = 8;
const HEAD_BYTES: usize = 16;

/// Layouts of their own: what is on disk does not change when a contract's types do. Variants are only added.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Record {
    /// The first of every log.
    Head(Head),
    /// A payee took a voucher.
    Accepted(Kept),
    /// A payer is about to sign.
    Promised(Promise),
    /// A payer goes on from another amount than it promised last.
    Resumed(Resumed),
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Head {
    pub is_payer: bool,
    pub domain: [u8; 32],
    /// The payer's voucher key.
    pub key: [u8; 32],
}

/// A voucher that a payee accepted, and for what price.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Kept {
    pub channel: [u8; 32],
    pub cumulative: u128,
    pub expires_at_ms: u64,
    pub counter: u64,
    pub context_root: [u8; 32],
    pub signature: [u8; 64],
    pub price: u128,
}

impl Kept {
    pub fn new(row: &ClaimRow, price: u128) -> Self {
        let ClaimRow { channel, cumulative, expires_at_ms, counter, context_root, signature } = *row;
        Self { channel, cumulative, expires_at_ms, counter, context_root, signature, price }
    }

    pub fn row(&self) -> ClaimRow {
        let Self { channel, cumulative, expires_at_ms, counter, context_root, signature, .. } = *self;
        ClaimRow { channel, cumulative, expires_at_ms, counter, context_root, signature }
    }

    /// Whether it is the same voucher; signatures may differ, a key can make many.
    pub fn is_of(&self, row: &ClaimRow) -> bool {
        self.row() == ClaimRow { signature: self.signature, ..row.clone() }
    }

    /// The last moment at which it can be claimed.
    pub fn good_until_ms(&self) -> u64 {
        if self.expires_at_ms == 0 { u64::MAX } else { self.expires_at_ms }
    }

    pub fn lives(&self, now_ms: u64) -> bool {
        now_ms <= self.good_until_ms()
    }

    pub fn outlasts(&self, other: &Self) -> bool {
        self.good_until_ms() > other.good_until_ms()
    }
}

/// All of a voucher that its payer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Promise {
    pub channel: [u8; 32],
    pub cumulative: u128,
    pub expires_at_ms: u64,
    pub counter: u64,
    pub context_root: [u8; 32],
}

impl Promise {
    pub fn voucher(&self, domain: Hash32) -> Voucher {
        Voucher {
            kind: Kind::Voucher,
            domain,
            channel: Hash32(self.channel),
            cumulative: self.cumulative,
            expires_at_ms: self.expires_at_ms,
            counter: self.counter,
            context_root: Hash32(self.context_root),
        }
    }
}

/// Where a payer goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Resumed {
    pub channel: [u8; 32],
    pub cumulative: u128,
    /// The highest one used.
    pub counter: u64,
    /// The highest amount ever promised.
    pub promised: u128,
}

fn sum(frame: &[u8]) -> [u8; SUM_BYTES] {
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&sha256(&frame[SUM_BYTES..])[..SUM_BYTES]);
    sum
}

/// A record as it stands in a log of which `durable` frames are on disk.
pub(super) fn frame(record: &Record, durable: usize) -> [u8; FRAME_BYTES] {
    let mut frame = [0; FRAME_BYTES];
    let durable = u64::try_from(durable).unwrap_or(u64::MAX);
    frame[SUM_BYTES..HEAD_BYTES].copy_from_slice(&durable.to_le_bytes());
    let body = borsh_bytes(record);
    frame[HEAD_BYTES..HEAD_BYTES + body.len()].copy_from_slice(&body);
    let sum = sum(&frame);
    frame[..SUM_BYTES].copy_from_slice(&sum);
    frame
}

/// How many frames were on disk before this one. `None` if it is not whole.
fn durable(frame: &[u8]) -> Option<usize> {
    let mut durable = [0; HEAD_BYTES - SUM_BYTES];
    durable.copy_from_slice(&frame[SUM_BYTES..HEAD_BYTES]);
    let durable = usize::try_from(u64::from_le_bytes(durable)).unwrap_or(usize::MAX);
    (frame[..SUM_BYTES] == sum(frame)).then_some(durable)
}

/// The records of a log. A tail that was being written when everything stopped is left out: nobody was answered for it. Fails
/// if a frame behind the first bad one says that this one had been on disk: then somebody was.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Record>, PayError> {
    let frames: Vec<&[u8]> = bytes.chunks_exact(FRAME_BYTES).collect();
    let good = frames.iter().take_while(|frame| durable(frame).is_some()).count();
    let after = frames.iter().skip(good).filter_map(|frame| durable(frame));
    if after.max().is_some_and(|durable| durable > good) {
        return Err(PayError::Damaged { frame: good });
    }
    let record = |(index, frame): (usize, &&[u8])| {
        // Whole, but of a kind that only a later version knows: to cut it off would lose it.
        Record::deserialize(&mut &frame[HEAD_BYTES..]).map_err(|_| PayError::Damaged { frame: index })
    };
    frames.iter().take(good).enumerate().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::{FRAME_BYTES, HEAD_BYTES, Head, Kept, Promise, Record, Resumed, frame, read};
    use crate::pay::PayError;

    fn kept(counter: u64) -> Record {
        let (channel, context_root, signature) = ([1; 32], [2; 32], [3; 64]);
        let (cumulative, expires_at_ms, price) = (u128::MAX, u64::MAX, u128::MAX);
        Record::Accepted(Kept { channel, cumulative, expires_at_ms, counter, context_root, signature, price })
    }

    fn log(records: &[Record]) -> Vec<u8> {
        records.iter().enumerate().flat_map(|(index, record)| frame(record, index)).collect()
    }

    #[test]
    fn every_record_fits_and_comes_back() {
        let (channel, context_root) = ([1; 32], [2; 32]);
        let records = [
            Record::Head(Head { is_payer: true, domain: [1; 32], key: [2; 32] }),
            kept(7),
            Record::Promised(Promise { channel, cumulative: 1, expires_at_ms: 2, counter: 3, context_root }),
            Record::Resumed(Resumed { channel, cumulative: 1, counter: 2, promised: 3 }),
        ];
        let longest = records.iter().map(|record| borsh::to_vec(record).unwrap().len()).max().unwrap();
        assert!(longest <= FRAME_BYTES - HEAD_BYTES, "{longest}");
        assert_eq!(read(&log(&records)), Ok(records.to_vec()));
    }

    #[test]
    fn a_torn_tail_is_cut_wherever_it_tore() {
        let records = [kept(1), kept(2), kept(3)];
        // Of one group: what says how much was on disk before is the same for the last two.
        let mut whole = log(&records[..1]);
        whole.extend(records[1..].iter().flat_map(|record| frame(record, 1)));
        for bytes in 0..whole.len() {
            assert_eq!(read(&whole[..bytes]), Ok(records[..bytes / FRAME_BYTES].to_vec()), "{bytes}");
        }
        // The disk wrote the last one first.
        for byte in [FRAME_BYTES, FRAME_BYTES + 8, 2 * FRAME_BYTES - 1] {
            let mut torn = whole.clone();
            torn[byte] ^= 1;
            assert_eq!(read(&torn), Ok(records[..1].to_vec()), "{byte}");
        }
    }

    /// Take `durable > good` out of `read`, and this fails.
    #[test]
    fn what_was_on_disk_and_is_damaged_is_not_cut() {
        let records = [kept(1), kept(2), kept(3)];
        for byte in [0, FRAME_BYTES + 20, 2 * FRAME_BYTES - 1] {
            let mut damaged = log(&records);
            damaged[byte] ^= 1;
            assert_eq!(read(&damaged), Err(PayError::Damaged { frame: byte / FRAME_BYTES }));
        }
    }
}
