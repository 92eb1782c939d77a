//! What a payee decides about one channel: no files, no clock.

use std::collections::VecDeque;

use charter_rules::voucher;
use charter_types::escrow::{ChannelId, ClaimRow, EscrowError};
use charter_types::{Hash32, Signature64};
use ed25519_dalek::VerifyingKey;

use super::answer::check_price;
use super::record::{Kept, Record};
use super::{Accepted, PayError, Refusal, Seen, Standing};
use crate::offer::Agreed;
use crate::{ed25519, voucher as signed};

/// How many of a channel's last vouchers are known when they come again. Payers that send ahead keep within it.
pub const REPEATS_MAX: usize = 16;

/// What a voucher is judged by besides the channel.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub domain: Hash32,
    pub row: &'a ClaimRow,
    pub price: u128,
    pub now_ms: u64,
    /// When the payee will have claimed it at the latest.
    pub claim_by_ms: u64,
}

#[derive(Default)]
pub(super) struct Ledger {
    looked: Option<(Seen, VerifyingKey)>,
    pub agreed: Option<Agreed>,
    /// The last ones accepted, oldest first, each for more than the one before.
    kept: VecDeque<Kept>,
}

impl Ledger {
    pub fn see(&mut self, seen: Seen) -> Result<(), PayError> {
        if let Some((before, _)) = &mut self.looked {
            // The key is part of what the id is a hash of.
            before.look_again(seen);
        } else {
            let key = ed25519::unpack(&seen.voucher_key).ok_or(PayError::Key { channel: seen.id })?;
            self.looked = Some((seen, key));
        }
        Ok(())
    }

    /// Takes note of a voucher that was accepted. One that is known already is passed over: a log may hold it twice.
    pub fn keep(&mut self, kept: Kept) {
        if self.kept.back().is_none_or(|last| last.cumulative < kept.cumulative) {
            self.kept.push_back(kept);
        }
        if self.kept.len() > REPEATS_MAX {
            self.kept.pop_front();
        }
    }

    /// Whether a voucher pays for something. The signature comes last of what the chain asks, because it costs most; where the
    /// channel stands is told to nobody without one.
    pub fn judge(&self, asked: &Asked<'_>) -> Result<Accepted, Refusal> {
        let row = asked.row;
        let unknown = EscrowError::UnknownChannel { id: Hash32(row.channel) };
        let open = self.looked.as_ref().filter(|(seen, _)| !seen.closed);
        let (seen, key) = open.ok_or(unknown)?;
        let voucher = row.voucher(asked.domain);
        let is_signed = || signed::is_signed(key, &voucher, &Signature64(row.signature));
        if let Some(kept) = self.kept.iter().find(|kept| kept.is_of(row)) {
            if kept.signature != row.signature && !is_signed() {
                return Err(EscrowError::Signature {}.into());
            }
            let same = kept.price == asked.price;
            return if same { Ok(accepted(kept, true)) } else { Err(self.not_next(seen)) };
        }
        voucher::check(&seen.rule(Some(seen.ends_ms())), &voucher, asked.claim_by_ms)?;
        check_price(self.agreed.as_ref(), asked.price, asked.now_ms)?;
        if !is_signed() {
            return Err(EscrowError::Signature {}.into());
        }
        let next = self.standing(seen).cumulative().checked_add(asked.price);
        if next != Some(row.cumulative) {
            return Err(self.not_next(seen));
        }
        Ok(accepted(&Kept::new(row, asked.price), false))
    }

    fn not_next(&self, seen: &Seen) -> Refusal {
        Refusal::NotNext(Box::new(self.standing(seen)))
    }

    fn standing(&self, seen: &Seen) -> Standing {
        Standing { channel: seen.id, claimed: seen.claimed, last: self.last() }
    }

    pub fn last(&self) -> Option<ClaimRow> {
        self.kept.back().map(Kept::row)
    }

    /// The voucher that claims most at `now_ms`, if that is more than was claimed. The last one may have expired.
    pub fn best(&self, now_ms: u64) -> Option<&Kept> {
        let (claimed, closed) = self.looked.as_ref().map_or((0, false), |(seen, _)| (seen.claimed, seen.closed));
        let best = self.kept.iter().rev().find(|kept| kept.lives(now_ms))?;
        (!closed && best.cumulative > claimed).then_some(best)
    }

    /// How much [`Self::best`] would bring.
    pub fn unclaimed(&self, now_ms: u64) -> Option<u128> {
        let claimed = self.looked.as_ref().map_or(0, |(seen, _)| seen.claimed);
        self.best(now_ms)?.cumulative.checked_sub(claimed)
    }

    /// When [`Self::best`] may be worth nothing any more. A channel that nobody has looked at since the start may end at any
    /// time.
    pub fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        let best = self.best(now_ms)?;
        let ends_ms = self.looked.as_ref().map_or(0, |(seen, _)| seen.ends_ms());
        Some(if best.expires_at_ms == 0 { ends_ms } else { ends_ms.min(best.expires_at_ms) })
    }

    /// What of the log is still of use: nothing of a channel that is closed.
    pub fn live(&self) -> Vec<Record> {
        let closed = self.looked.as_ref().is_some_and(|(seen, _)| seen.closed);
        let kept = self.kept.iter().filter(|_| !closed);
        kept.cloned().map(Record::Accepted).collect()
    }
}

fn accepted(kept: &Kept, repeat: bool) -> Accepted {
    let Kept { channel, cumulative, counter, price, .. } = *kept;
    let channel: ChannelId = Hash32(channel);
    Accepted { channel, cumulative, counter, price, repeat }
}
