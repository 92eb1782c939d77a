//! What a payer may promise on one channel: no files, no clock.

use charter_rules::voucher;
use charter_types::Hash32;
use charter_types::escrow::{ChannelId, EscrowError};

use super::answer::check_price;
use super::record::{Promise, Record, Resumed};
use super::{PayError, Refusal, Seen};
use crate::offer::Agreed;

/// What a voucher says besides the amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// After this it is worth nothing; 0 never. Milliseconds.
    pub expires_at_ms: u64,
    /// Merkle root of what is paid for; zeroes if unused.
    pub context_root: Hash32,
}

pub(super) struct Promises {
    channel: ChannelId,
    pub seen: Option<Seen>,
    pub agreed: Option<Agreed>,
    pub last: Option<Promise>,
    resumed: Resumed,
}

impl Promises {
    pub fn new(channel: ChannelId) -> Self {
        let resumed = Resumed { channel: channel.0, cumulative: 0, counter: 0, promised: 0 };
        Self { channel, seen: None, agreed: None, last: None, resumed }
    }

    /// What comes next, if its payee can take it.
    pub fn next(&self, domain: Hash32, price: u128, conditions: Conditions, now_ms: u64) -> Result<Promise, PayError> {
        let seen = self.seen.as_ref().ok_or(PayError::Unseen { channel: self.channel })?;
        check_price(self.agreed.as_ref(), price, now_ms)?;
        let overflow = || Refusal::Chain(EscrowError::Overflow {});
        let Conditions { expires_at_ms, context_root } = conditions;
        let promise = Promise {
            channel: self.channel.0,
            cumulative: self.resumed.cumulative.max(seen.claimed).checked_add(price).ok_or_else(overflow)?,
            expires_at_ms,
            counter: self.resumed.counter.checked_add(1).ok_or_else(overflow)?,
            context_root: context_root.0,
        };
        voucher::check(&seen.rule(seen.asked_ms()), &promise.voucher(domain), now_ms).map_err(Refusal::Chain)?;
        Ok(promise)
    }

    pub fn note(&mut self, promise: Promise) {
        let Promise { channel, cumulative, counter, .. } = promise;
        let promised = self.resumed.promised.max(cumulative);
        self.resumed = Resumed { channel, cumulative, counter: self.resumed.counter.max(counter), promised };
        self.last = Some(promise);
    }

    /// From where the next one goes on. A counter that was used once stays used.
    pub fn resume(&mut self, resumed: Resumed) {
        let (counter, promised) =
            (self.resumed.counter.max(resumed.counter), self.resumed.promised.max(resumed.promised));
        self.resumed = Resumed { counter, promised, ..resumed };
    }

    pub fn resumed(&self) -> Resumed {
        self.resumed
    }

    /// What of the log is still of use.
    pub fn live(&self) -> Vec<Record> {
        let last = self.last.map(Record::Promised);
        last.into_iter().chain([Record::Resumed(self.resumed)]).collect()
    }
}
