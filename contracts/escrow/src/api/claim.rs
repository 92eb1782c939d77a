//! Vouchers.

use charter_common::{Answer, HandedOn, json_encoded, methods, sha256};
use charter_types::escrow::{
    CLAIM_BATCH_MAX, ChannelId, ClaimBatch, ClaimResult, ClaimRow, EscrowError, PaidRow, PaidTo, Voucher,
};
use charter_types::{ErrorCode, Hash32};
use near_sdk::{env, near};

use crate::storage::Known;
use crate::{Escrow, EscrowExt, STANDARD};

/// What 128 rows of a payee's own channels, with amounts of 39 digits, leave of a receipt's 16,384 bytes of logs.
const ROOM_TO_TELL: usize = 1_320;
/// More than a row takes that is paid what it raised: one that raised nothing, and one of a shared channel, whose payee is sent
/// something else. What there is no room for stays due.
const NOT_RAISED_BYTES: usize = 5;
const SHARED_BYTES: usize = 44;

/// The channels of a batch, each read and written once. A list: with 128 of them a search costs less than a map's code.
type Touched = Vec<TouchedChannel>;

struct TouchedChannel {
    known: Known,
    /// Indexes of its last row, and of the last that raised it.
    row: u8,
    raised: Option<u8>,
}

#[methods(escrow)]
#[near]
impl Escrow {
    #[result_serializer(borsh)]
    pub fn claim_batch(&mut self, ClaimBatch { rows, withdraw }: ClaimBatch) -> Answer<HandedOn<Vec<ClaimResult>>> {
        if rows.is_empty() || rows.len() > CLAIM_BATCH_MAX {
            return Err(EscrowError::BatchSize { rows: rows.len() }.into());
        }
        let domain = self.voucher_domain();
        let now_ms = env::block_timestamp_ms();
        let mut touched = Touched::with_capacity(rows.len());
        let claims = (0_u8..).zip(&rows).map(|(index, row)| self.claim_row(&mut touched, (index, row), domain, now_ms));
        let results: Vec<ClaimResult> = claims.collect();
        let own = if withdraw { Self::split_own(&mut touched) } else { Touched::new() };
        for TouchedChannel { known, raised, .. } in &touched {
            if raised.is_some() {
                self.save_known(known)?;
            }
        }
        let json = ClaimResult::json(&results);
        let fact = self.pay_own(own, results, &json)?;
        self.core.events.emit_json(STANDARD, "claimed", &env::predecessor_account_id(), &fact);
        Ok(HandedOn::new(json))
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
        let place = touched.iter().position(|touched| same(&touched.known.id, &id));
        let place = if let Some(place) = place {
            place
        } else {
            let known = self.known(id).ok_or(EscrowError::UnknownChannel { id })?;
            touched.push(TouchedChannel { known, row, raised: None });
            touched.len() - 1
        };
        let touched = touched.get_mut(place).ok_or(EscrowError::UnknownChannel { id })?;
        touched.row = row;
        Ok(touched)
    }

    /// The caller's own channels among them that are not closed.
    fn split_own(touched: &mut Touched) -> Touched {
        let caller = env::predecessor_account_id();
        let is_own = |touched: &TouchedChannel| touched.known.channel.payee == caller && !touched.known.channel.closed;
        let (own, others) = std::mem::take(touched).into_iter().partition(is_own);
        *touched = others;
        own
    }

    /// Pays the caller's own channels out, and says what there is to tell of the batch.
    fn pay_own(&mut self, own: Touched, mut results: Vec<ClaimResult>, json: &[u8]) -> Answer<Vec<u8>> {
        let rows: Vec<(ChannelId, u8, Option<u8>)> =
            own.iter().map(|touched| (touched.known.id, touched.row, touched.raised)).collect();
        let (mut known, mut room) = (Vec::new(), ROOM_TO_TELL);
        for touched in own {
            if let Some(left) = room.checked_sub(touched.extra_bytes()) {
                room = left;
                known.push(touched.known);
            } else if touched.raised.is_some() {
                self.save_known(&touched.known)?;
            }
        }
        let (_, paid) = self.pay_out(&env::predecessor_account_id(), known)?;
        if paid.is_empty() {
            return Ok(claims(json));
        }
        let (mut raised, mut due) = (Vec::new(), Vec::new());
        // In the order of the rows.
        let mut rows = rows.into_iter();
        for PaidTo(id, sum) in paid {
            match rows.find(|(own, ..)| *own == id) {
                Some((.., Some(row))) => {
                    let all = results.get(usize::from(row)).and_then(ClaimResult::claimed);
                    if all == Some(sum.0) { raised.push(row) } else { due.push(PaidRow(row, sum)) }
                }
                Some((_, row, None)) => {
                    // Why it raised nothing stands in the answer: with it 128 large amounts would not fit.
                    if let Some(told) = results.get_mut(usize::from(row)) {
                        told.1.clear();
                    }
                    due.push(PaidRow(row, sum));
                }
                None => {}
            }
        }
        Ok(claims_paid(&ClaimResult::json(&results), &raised, &due))
    }
}

/// Ids differ in their first 8 bytes, as hashes do: whole ones are compared by a call, and a batch compares 8,000.
fn same(a: &ChannelId, b: &ChannelId) -> bool {
    let start = |id: &ChannelId| id.0.first_chunk().map_or(0, |start| u64::from_le_bytes(*start));
    start(a) == start(b) && a == b
}

/// [`Fact::Claims`](charter_types::escrow::Fact) in JSON, around rows that are: they are written once, for answer and event.
fn claims(rows: &[u8]) -> Vec<u8> {
    [br#"{"claims":"#, rows, b"}"].concat()
}

/// [`Fact::ClaimsPaid`](charter_types::escrow::Fact), likewise.
fn claims_paid(rows: &[u8], raised: &[u8], due: &[PaidRow]) -> Vec<u8> {
    let (raised, due) = (json_encoded(&raised), json_encoded(&due));
    [br#"{"claims_paid":{"rows":"#, rows, br#","raised":"#, &raised, br#","due":"#, &due, b"}}"].concat()
}

impl TouchedChannel {
    /// What telling of its payout takes beyond its row.
    fn extra_bytes(&self) -> usize {
        let channel = &self.known.channel;
        match self.raised {
            Some(_) if channel.shares.is_empty() => 0,
            _ if !channel.due().is_ok_and(|due| due > 0) => 0,
            Some(_) => SHARED_BYTES,
            None => NOT_RAISED_BYTES,
        }
    }

    fn claim(&mut self, (index, row): (u8, &ClaimRow), voucher: &Voucher, now_ms: u64) -> Result<u128, EscrowError> {
        let message = voucher.to_bytes();
        self.known
            .channel
            .claim(voucher, now_ms, |channel| env::ed25519_verify(&row.signature, message, &channel.voucher_key.0))?;
        self.raised = Some(index);
        Ok(self.known.channel.claimed)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::{ClaimResult, Fact, PaidRow};
    use charter_types::{Hash32, U128};

    use super::{claims, claims_paid};

    #[test]
    fn facts_are_put_together_as_serde_writes_them() {
        let rows = vec![ClaimResult(Hash32([1; 32]), "5".to_owned()), ClaimResult(Hash32([2; 32]), String::new())];
        let json = ClaimResult::json(&rows);
        let written = |fact: &Fact| serde_json::to_vec(fact).unwrap();
        assert_eq!(claims(&json), written(&Fact::Claims(rows.clone())));
        let most = vec![PaidRow(1, U128(7)), PaidRow(2, U128(u128::MAX))];
        for (raised, due) in [(vec![0, 127], Vec::new()), (Vec::new(), most)] {
            let paid = claims_paid(&json, &raised, &due);
            assert_eq!(paid, written(&Fact::ClaimsPaid { rows: rows.clone(), raised, due }));
        }
    }
}
