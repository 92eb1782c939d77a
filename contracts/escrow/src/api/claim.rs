//! Vouchers.

use charter_common::{Answer, methods, sha256};
use charter_types::escrow::{
    CLAIM_BATCH_MAX, ChannelId, ClaimBatch, ClaimResult, ClaimRow, EscrowError, Fact, Voucher,
};
use charter_types::{ErrorCode, Hash32};
use near_sdk::{env, near};

use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn claim_batch(&mut self, ClaimBatch { rows, withdraw }: ClaimBatch) -> Answer<Vec<ClaimResult>> {
        if rows.is_empty() || rows.len() > CLAIM_BATCH_MAX {
            return Err(EscrowError::BatchSize { rows: rows.len() }.into());
        }
        let domain = self.voucher_domain();
        let now_ms = env::block_timestamp_ms();
        let results: Vec<ClaimResult> = rows.iter().map(|row| self.claim_row(row, domain, now_ms)).collect();
        self.emit("claimed", Fact::Claims(results.clone()));
        if withdraw {
            let caller = env::predecessor_account_id();
            let mut own: Vec<ChannelId> = results.iter().map(|result| result.0).collect();
            own.sort();
            own.dedup();
            own.retain(|id| self.find(id).is_some_and(|channel| channel.payee == caller && !channel.closed));
            self.pay_out(&caller, &own)?;
        }
        Ok(results)
    }
}

impl Escrow {
    /// What vouchers for this contract on this chain are signed under.
    pub(crate) fn voucher_domain(&self) -> Hash32 {
        Voucher::domain(&env::chain_id(), &env::current_account_id(), sha256)
    }

    fn claim_row(&mut self, row: &ClaimRow, domain: Hash32, now_ms: u64) -> ClaimResult {
        let voucher = row.voucher(domain);
        match self.claim(row, &voucher, now_ms) {
            Ok(claimed) => ClaimResult(voucher.channel, claimed.to_string()),
            Err(code) => ClaimResult(voucher.channel, code.to_owned()),
        }
    }

    fn claim(&mut self, row: &ClaimRow, voucher: &Voucher, now_ms: u64) -> Result<u128, &'static str> {
        let id = voucher.channel;
        let unknown = || EscrowError::UnknownChannel { id }.code();
        let mut channel = self.find(&id).ok_or_else(unknown)?;
        let message = voucher.to_bytes();
        channel
            .claim(voucher, now_ms, |channel| env::ed25519_verify(&row.signature, message, &channel.voucher_key.0))
            .map_err(|error| error.code())?;
        self.save(&id, &channel).map_err(|failure| failure.code)?;
        Ok(channel.claimed)
    }
}
