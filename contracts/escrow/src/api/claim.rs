//! Vouchers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use charter_common::{Answer, methods, sha256};
use charter_types::escrow::{
    CLAIM_BATCH_MAX, ChannelId, ClaimBatch, ClaimResult, ClaimRow, EscrowError, Fact, PaidRow, PaidTo, Voucher,
};
use charter_types::{ErrorCode, Hash32};
use near_sdk::{env, near};

use crate::model::Channel;
use crate::{Escrow, EscrowExt};

/// The channels of a batch, each read and written once.
type Touched = BTreeMap<ChannelId, TouchedChannel>;

struct TouchedChannel {
    channel: Channel,
    /// Indexes of its last row, and of the last that raised it.
    row: u8,
    raised: Option<u8>,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn claim_batch(&mut self, ClaimBatch { rows, withdraw }: ClaimBatch) -> Answer<Vec<ClaimResult>> {
        if rows.is_empty() || rows.len() > CLAIM_BATCH_MAX {
            return Err(EscrowError::BatchSize { rows: rows.len() }.into());
        }
        let domain = self.voucher_domain();
        let now_ms = env::block_timestamp_ms();
        let mut touched = Touched::new();
        let claims = (0_u8..).zip(&rows).map(|(index, row)| self.claim_row(&mut touched, (index, row), domain, now_ms));
        let results: Vec<ClaimResult> = claims.collect();
        let own = if withdraw { Self::split_own(&mut touched) } else { Touched::new() };
        for (id, TouchedChannel { channel, raised, .. }) in &touched {
            if raised.is_some() {
                self.save(id, channel)?;
            }
        }
        let fact = self.pay_own(own, &results)?;
        self.emit("claimed", fact);
        Ok(results)
    }
}

impl Escrow {
    /// What vouchers for this contract on this chain are signed under.
    pub(crate) fn voucher_domain(&self) -> Hash32 {
        Voucher::domain(&env::chain_id(), &env::current_account_id(), sha256)
    }

    fn claim_row(
        &self,
        touched: &mut Touched,
        (index, row): (u8, &ClaimRow),
        domain: Hash32,
        now_ms: u64,
    ) -> ClaimResult {
        let voucher = row.voucher(domain);
        let id = voucher.channel;
        let text = match self.touch(touched, id, index).and_then(|known| known.claim((index, row), &voucher, now_ms)) {
            Ok(claimed) => claimed.to_string(),
            Err(error) => error.code().to_owned(),
        };
        ClaimResult(id, text)
    }

    fn touch<'a>(
        &self,
        touched: &'a mut Touched,
        id: ChannelId,
        row: u8,
    ) -> Result<&'a mut TouchedChannel, EscrowError> {
        let known = match touched.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let channel = self.find(&id).ok_or(EscrowError::UnknownChannel { id })?;
                free.insert(TouchedChannel { channel, row, raised: None })
            }
        };
        known.row = row;
        Ok(known)
    }

    /// The caller's own channels among them that are not closed.
    fn split_own(touched: &mut Touched) -> Touched {
        let caller = env::predecessor_account_id();
        let (own, others) = std::mem::take(touched)
            .into_iter()
            .partition(|(_, known)| known.channel.payee == caller && !known.channel.closed);
        *touched = others;
        own
    }

    /// Pays the caller's own channels out, and says what there is to tell of the batch.
    fn pay_own(&mut self, own: Touched, results: &[ClaimResult]) -> Answer<Fact> {
        let rows: BTreeMap<ChannelId, (u8, Option<u8>)> =
            own.iter().map(|(id, known)| (*id, (known.row, known.raised))).collect();
        let channels = own.into_iter().map(|(id, known)| (id, known.channel)).collect();
        let (_, paid) = self.pay_out(&env::predecessor_account_id(), channels)?;
        if paid.is_empty() {
            return Ok(Fact::Claims(results.to_vec()));
        }
        let mut rows_told = results.to_vec();
        let (mut raised, mut due) = (Vec::new(), Vec::new());
        for PaidTo(id, sum) in paid {
            match rows.get(&id) {
                Some((_, Some(row))) => raised.push(*row),
                Some((row, None)) => {
                    // Why it raised nothing stands in the answer: with it 128 large amounts would not fit.
                    if let Some(told) = rows_told.get_mut(usize::from(*row)) {
                        told.1.clear();
                    }
                    due.push(PaidRow(*row, sum));
                }
                None => {}
            }
        }
        Ok(Fact::ClaimsPaid { rows: rows_told, raised, due })
    }
}

impl TouchedChannel {
    fn claim(&mut self, (index, row): (u8, &ClaimRow), voucher: &Voucher, now_ms: u64) -> Result<u128, EscrowError> {
        let message = voucher.to_bytes();
        self.channel
            .claim(voucher, now_ms, |channel| env::ed25519_verify(&row.signature, message, &channel.voucher_key.0))?;
        self.raised = Some(index);
        Ok(self.channel.claimed)
    }
}
