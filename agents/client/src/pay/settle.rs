//! What a payee claims, and when.

use std::sync::{Arc, Mutex};

use charter_types::escrow::{CLAIM_BATCH_MAX, ChannelId, ClaimRow};

use super::ledger::Ledger;
use super::payee::Ledgers;
use super::record::Kept;
use super::{PayError, Payee, Seen, lock};

/// All of them, so that none is held while another is asked.
fn all(ledgers: &Ledgers) -> Vec<(ChannelId, Arc<Mutex<Ledger>>)> {
    lock(ledgers).iter().map(|(id, ledger)| (*id, Arc::clone(ledger))).collect()
}

impl Payee {
    /// Channels that have to be claimed now, the most urgent first: they may end, or their highest voucher expires, within
    /// [`super::Margins::settle_ms`]. After a start all are due that were not looked at.
    pub fn due(&self, now_ms: u64) -> Vec<ChannelId> {
        let due_by_ms = self.margins.due_by_ms(now_ms);
        let deadline = |(id, ledger): (ChannelId, Arc<Mutex<Ledger>>)| Some((lock(&ledger).deadline_ms(now_ms)?, id));
        let mut due: Vec<_> = all(&self.ledgers).into_iter().filter_map(deadline).collect();
        due.retain(|(deadline_ms, _)| *deadline_ms <= due_by_ms);
        due.sort_unstable();
        due.into_iter().map(|(_, id)| id).collect()
    }

    /// What a claim would bring now, of each channel on which it would bring something.
    pub fn unclaimed(&self, now_ms: u64) -> Vec<(ChannelId, u128)> {
        let claim_ms = self.margins.claim_ms;
        let amount =
            |(id, ledger): (ChannelId, Arc<Mutex<Ledger>>)| Some((id, lock(&ledger).unclaimed(now_ms, claim_ms)?));
        all(&self.ledgers).into_iter().filter_map(amount).collect()
    }

    /// Rows for `claim_batch`, at most 128 in each: the first channels given are in the first batch, and rows of a batch are
    /// sorted by channel.
    pub fn claim_rows(&self, channels: &[ChannelId], now_ms: u64) -> Vec<Vec<ClaimRow>> {
        let row = |id: &ChannelId| {
            let ledger = lock(&self.ledgers).get(id).cloned()?;
            let ledger = lock(&ledger);
            ledger.best(now_ms, self.margins.claim_ms).map(Kept::row)
        };
        let rows: Vec<ClaimRow> = channels.iter().filter_map(row).collect();
        let batch = |rows: &[ClaimRow]| {
            let mut batch = rows.to_vec();
            batch.sort_unstable_by_key(|row| row.channel);
            batch
        };
        rows.chunks(CLAIM_BATCH_MAX).map(batch).collect()
    }

    /// Takes note of channels as the chain shows them after a claim, and leaves out of the log what is of no more use. Returns
    /// when the shorter log is on disk.
    pub async fn settled(&self, seen: Vec<Seen>) -> Result<(), PayError> {
        for seen in seen {
            self.see(seen)?;
        }
        self.compact().await
    }

    /// Writes the log anew: of each channel the last vouchers that are known when they come again, and those before them that
    /// outlast them.
    pub async fn compact(&self) -> Result<(), PayError> {
        let ledgers = Arc::clone(&self.ledgers);
        let live = move || all(&ledgers).into_iter().flat_map(|(_, ledger)| lock(&ledger).live()).collect::<Vec<_>>();
        self.log.compact(live).done().await
    }
}
