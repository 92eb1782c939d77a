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
/// How many vouchers of a channel may wait for a claim of which each is good for longer than all after it. Every one of them
/// is kept: whatever expires, the rest can be claimed.
pub const EXPIRIES_MAX: usize = 16;

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
    /// Older than the last ones, and each good for longer than all after it. Oldest first.
    lasting: Vec<Kept>,
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

    /// Takes note of a voucher that was accepted. One that is known already is passed over: a log may hold it twice. What
    /// goes is claimed, or is worth less than a later one for as long as it is good.
    pub fn keep(&mut self, kept: Kept) {
        if self.kept.back().is_some_and(|last| last.cumulative >= kept.cumulative) {
            return;
        }
        let claimed = self.claimed();
        self.lasting.retain(|lasting| lasting.outlasts(&kept) && lasting.cumulative > claimed);
        self.kept.push_back(kept);
        if self.kept.len() > REPEATS_MAX
            && let Some(oldest) = self.kept.pop_front()
            && self.kept.iter().all(|later| oldest.outlasts(later))
        {
            self.lasting.push(oldest);
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
        let check = voucher::check(&seen.rule(Some(seen.ends_ms())), &voucher, asked.claim_by_ms);
        check.map_err(|error| match error {
            // The chain would take it now.
            EscrowError::Expired {} if row.expires_at_ms >= asked.now_ms => {
                Refusal::ExpiresSoon { claim_by_ms: asked.claim_by_ms }
            }
            error => error.into(),
        })?;
        check_price(self.agreed.as_ref(), asked.price, asked.now_ms)?;
        if !is_signed() {
            return Err(EscrowError::Signature {}.into());
        }
        let next = self.standing(seen).cumulative().checked_add(asked.price);
        if next != Some(row.cumulative) {
            return Err(self.not_next(seen));
        }
        let kept = Kept::new(row, asked.price);
        if self.lasting_longer(&kept, asked.now_ms) >= EXPIRIES_MAX {
            return Err(Refusal::Expiries);
        }
        Ok(accepted(&kept, false))
    }

    /// How many of those that wait for a claim are each good for longer than all after it, up to this new one.
    fn lasting_longer(&self, new: &Kept, now_ms: u64) -> usize {
        let (mut count, mut longest) = (0, new);
        for kept in self.claimable(now_ms) {
            if kept.outlasts(longest) {
                (count, longest) = (count + 1, kept);
            }
        }
        count
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

    fn claimed(&self) -> u128 {
        self.looked.as_ref().map_or(0, |(seen, _)| seen.claimed)
    }

    /// All that would claim something at `now_ms`, the highest first.
    fn claimable(&self, now_ms: u64) -> impl Iterator<Item = &Kept> {
        let closed = self.looked.as_ref().is_some_and(|(seen, _)| seen.closed);
        let claimed = self.claimed();
        let all = self.lasting.iter().chain(&self.kept).rev();
        all.filter(move |kept| !closed && kept.cumulative > claimed && kept.lives(now_ms))
    }

    /// The voucher to claim at `now_ms`: the highest that is good for as long as a claim takes. If there is none, the highest
    /// that is still good: it may come too late, and nothing is lost by that.
    pub fn best(&self, now_ms: u64, claim_ms: u64) -> Option<&Kept> {
        let in_time = self.claimable(now_ms.saturating_add(claim_ms)).next();
        in_time.or_else(|| self.claimable(now_ms).next())
    }

    /// How much [`Self::best`] would bring.
    pub fn unclaimed(&self, now_ms: u64, claim_ms: u64) -> Option<u128> {
        self.best(now_ms, claim_ms)?.cumulative.checked_sub(self.claimed())
    }

    /// When the highest that is still good may be worth nothing any more. A channel that nobody has looked at since the start
    /// may end at any time.
    pub fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        let highest = self.claimable(now_ms).next()?;
        let ends_ms = self.looked.as_ref().map_or(0, |(seen, _)| seen.ends_ms());
        Some(ends_ms.min(highest.good_until_ms()))
    }

    /// What of the log is still of use: nothing of a channel that is closed.
    pub fn live(&self) -> Vec<Record> {
        let closed = self.looked.as_ref().is_some_and(|(seen, _)| seen.closed);
        let kept = self.lasting.iter().chain(&self.kept).filter(|_| !closed);
        kept.cloned().map(Record::Accepted).collect()
    }
}

fn accepted(kept: &Kept, repeat: bool) -> Accepted {
    let Kept { channel, cumulative, counter, price, .. } = *kept;
    let channel: ChannelId = Hash32(channel);
    Accepted { channel, cumulative, counter, price, repeat }
}
