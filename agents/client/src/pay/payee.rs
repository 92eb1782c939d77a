//! The end that is paid.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use charter_types::escrow::{ChannelId, ClaimRow, EscrowError, Voucher};
use charter_types::{Hash32, Signature64};

use super::ledger::{Asked, Ledger};
use super::lock;
use super::log::{Log, Written};
use super::record::{Head, Kept, Record};
use super::{Accepted, Answer, Disk, Files, PayError, Refusal, Seen};
use crate::offer::Agreed;

/// How long before a deadline something has to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// How often the payee looks at its channels and claims what is due, at the least.
    pub look_ms: u64,
    /// The time in which a claim surely gets into a block, and by which the payee's clock is behind the chain's, together.
    pub claim_ms: u64,
    /// A channel is due so long before its vouchers could be worth nothing.
    pub settle_ms: u64,
}

impl Default for Margins {
    /// A minute, a minute, as x402 has it, and five. The shortest grace is fifteen, so that a payee who looks at its channels
    /// every minute settles only those that close.
    fn default() -> Self {
        Self { look_ms: 60_000, claim_ms: 60_000, settle_ms: 300_000 }
    }
}

impl Margins {
    /// When a voucher is surely claimed that comes at `now_ms`, and is due at once: at the next look. It is refused if it
    /// could be worth nothing by then.
    fn claim_by_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add(self.look_ms).saturating_add(self.claim_ms)
    }

    /// What could be worth nothing by then is due now: at the next look it may be too late for a claim.
    pub(super) fn due_by_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add(self.settle_ms).max(self.claim_by_ms(now_ms))
    }
}

pub(super) type Ledgers = Mutex<BTreeMap<ChannelId, Arc<Mutex<Ledger>>>>;

/// Takes vouchers of any number of channels of one escrow contract, and loses none that it has accepted. Vouchers of one
/// channel are judged one after the other, those of different channels side by side.
pub struct Payee {
    domain: Hash32,
    pub(super) margins: Margins,
    pub(super) ledgers: Arc<Ledgers>,
    pub(super) log: Log,
}

/// The ledger of a channel, which is made if there is none.
fn entry(ledgers: &Ledgers, channel: ChannelId) -> Arc<Mutex<Ledger>> {
    Arc::clone(lock(ledgers).entry(channel).or_default())
}

impl Payee {
    /// Reads what was accepted before, or starts a log in a folder. `domain` is [`Voucher::domain`] of the escrow.
    pub fn open(folder: &Path, domain: Hash32, margins: Margins) -> Result<Self, PayError> {
        Self::with_files(Disk::open(folder)?, domain, margins)
    }

    pub fn with_files(files: impl Files, domain: Hash32, margins: Margins) -> Result<Self, PayError> {
        let head = Head { is_payer: false, domain: domain.0, key: [0; 32] };
        let (log, records) = Log::open(files, head)?;
        let ledgers = Arc::new(Ledgers::default());
        for record in records {
            let Record::Accepted(kept) = record else { return Err(PayError::OtherLog) };
            lock(&entry(&ledgers, Hash32(kept.channel))).keep(kept);
        }
        Ok(Self { domain, margins, ledgers, log })
    }

    /// Takes note of a channel as the chain showed it: deposits, claims, a request to close. A channel that nobody has looked
    /// at for its delay, less [`Margins::look_ms`] and [`Margins::claim_ms`], takes no vouchers: it may be closing.
    pub fn see(&self, seen: Seen) -> Result<(), PayError> {
        lock(&entry(&self.ledgers, seen.id)).see(seen)
    }

    /// From now on the channel takes this offer's prices and no others.
    pub fn agree(&self, channel: ChannelId, agreed: Agreed) {
        lock(&entry(&self.ledgers, channel)).agreed = Some(agreed);
    }

    /// Takes note of a channel that the chain does not show any more.
    pub fn forget(&self, channel: ChannelId) {
        lock(&self.ledgers).remove(&channel);
    }

    /// Judges a voucher that is to pay `price` at `now_ms`. It counts from the call on, whether or not somebody waits for the
    /// answer; the answer comes when it is on disk, and not before. So vouchers of one channel can be sent ahead.
    pub fn accept(
        &self,
        voucher: &Voucher,
        signature: &Signature64,
        price: u128,
        now_ms: u64,
    ) -> impl Future<Output = Result<Answer, PayError>> + Send + use<> {
        let (answer, written) = self.judge(&ClaimRow::new(voucher, signature), price, now_ms);
        async move {
            if let Some(written) = written {
                written.done().await?;
            }
            Ok(answer)
        }
    }

    fn judge(&self, row: &ClaimRow, price: u128, now_ms: u64) -> (Answer, Option<Written>) {
        let claim_by_ms = self.margins.claim_by_ms(now_ms);
        let asked = Asked { domain: self.domain, row, price, now_ms, claim_by_ms };
        let channel = Hash32(row.channel);
        let Some(ledger) = lock(&self.ledgers).get(&channel).cloned() else {
            return (Answer::Refused(EscrowError::UnknownChannel { id: channel }.into()), None);
        };
        // Held until the voucher has its place in the log: there they stand in the order in which they were judged.
        let mut ledger = lock(&ledger);
        match ledger.judge(&asked) {
            Ok(accepted @ Accepted { repeat: false, .. }) => {
                let kept = Kept::new(row, price);
                ledger.keep(kept.clone());
                (Answer::Accepted(accepted), Some(self.log.append(Record::Accepted(kept))))
            }
            // These tell of a voucher that another caller may still be waiting for.
            Ok(accepted) => (Answer::Accepted(accepted), Some(self.log.wait())),
            Err(refusal @ Refusal::NotNext(_)) => (Answer::Refused(refusal), Some(self.log.wait())),
            Err(refusal) => (Answer::Refused(refusal), None),
        }
    }

    /// The last voucher accepted on a channel.
    pub fn last(&self, channel: ChannelId) -> Option<ClaimRow> {
        let ledger = lock(&self.ledgers).get(&channel).cloned()?;
        let ledger = lock(&ledger);
        ledger.last()
    }
}
