//! A channel: money that a payer set aside for one payee, handed out against vouchers.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_rules::voucher;
use charter_types::asset::Asset;
use charter_types::escrow::args::Open;
use charter_types::escrow::{
    self, ChannelId, DEPOSIT_MIN, EscrowError, LOCK_MS_MAX, Voucher, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN,
    terms_hash,
};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Ed25519Key, Hash32, Sha256, U128};

use super::shares::{Share, payees, shares_of};
use super::{Outcome, add, subtract};

mod closing;
#[cfg(test)]
mod tests;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub payer: AccountId,
    pub payee: AccountId,
    /// The payee's agent that earns this money.
    pub agent: Option<AgentId>,
    pub voucher_key: Ed25519Key,
    pub deposited: u128,
    pub claimed: u128,
    /// Sent to the payee, arrived or on its way; a transfer that fails takes it back.
    pub paid: u128,
    /// Sent to the payer, likewise.
    pub refunded: u128,
    pub withdraw_delay_ms: u64,
    /// 0: nobody asked to close. Of fixed size, so that closing never needs storage that was not prepaid.
    pub closes_ms: u64,
    pub closed: bool,
    /// Transfers whose outcome is not known yet.
    pub transfers_open: u8,
    pub asset: Asset,
    /// 0: no lock. Of fixed size, as all that changes: the payer pays for the row when it opens the channel.
    pub locked_until_ms: u64,
    pub terms_hash: Option<Hash32>,
    pub shares: Vec<Share>,
    /// Out of its payer's purse for this agent.
    pub purse: Option<AgentId>,
}

/// What a closed channel still owes to either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payout {
    pub to_payee: u128,
    pub to_payer: u128,
}

impl Channel {
    /// A channel before its deposit is known.
    pub fn open(args: Open, payer: AccountId, now_ms: u64, sha256: Sha256) -> Outcome<Self> {
        if args.payee == payer {
            return Err(EscrowError::SamePayee {});
        }
        if args.voucher_key.is_small_order() {
            return Err(EscrowError::WeakKey {});
        }
        if !(WITHDRAW_DELAY_MS_MIN..=WITHDRAW_DELAY_MS_MAX).contains(&args.withdraw_delay_ms) {
            return Err(EscrowError::WithdrawDelay {});
        }
        check_lock(args.locked_until_ms, now_ms)?;
        Ok(Self {
            shares: shares_of(&args.splits, &args.payee)?,
            terms_hash: terms_hash(&args.splits, args.offer, sha256),
            payer,
            payee: args.payee,
            agent: args.agent,
            voucher_key: args.voucher_key,
            deposited: 0,
            claimed: 0,
            paid: 0,
            refunded: 0,
            withdraw_delay_ms: args.withdraw_delay_ms,
            closes_ms: 0,
            closed: false,
            transfers_open: 0,
            asset: args.asset,
            locked_until_ms: args.locked_until_ms,
            purse: None,
        })
    }

    /// INV-ESC-2.
    pub fn check_invariant(&self) -> Outcome {
        let sent = self.shares.iter().try_fold(self.paid, |sum, share| add(sum, share.paid))?;
        let spent = add(self.claimed, self.refunded)?;
        if sent <= self.claimed && spent <= self.deposited { Ok(()) } else { Err(EscrowError::Overflow {}) }
    }

    pub fn view(&self, id: ChannelId) -> escrow::Channel {
        escrow::Channel {
            id,
            payer: self.payer.clone(),
            payee: self.payee.clone(),
            agent: self.agent,
            voucher_key: self.voucher_key,
            deposited: U128(self.deposited),
            claimed: U128(self.claimed),
            paid: U128(self.paid),
            refunded: U128(self.refunded),
            withdraw_delay_ms: self.withdraw_delay_ms,
            closes_ms: self.closes_ms(),
            closed: self.closed,
            asset: self.asset.clone(),
            locked_until_ms: self.locked_until_ms,
            terms_hash: self.terms_hash,
            shares: self.shares.iter().map(Share::view).collect(),
            purse: self.purse,
        }
    }

    fn closes_ms(&self) -> Option<u64> {
        (self.closes_ms != 0).then_some(self.closes_ms)
    }

    pub fn check_payer(&self, caller: &AccountId) -> Outcome {
        if self.payer == *caller { Ok(()) } else { Err(EscrowError::NotPayer { caller: caller.clone() }) }
    }

    pub fn check_payee(&self, caller: &AccountId) -> Outcome {
        if self.payee == *caller { Ok(()) } else { Err(EscrowError::NotPayee { caller: caller.clone() }) }
    }

    pub fn check_open(&self, id: ChannelId) -> Outcome {
        if self.closed { Err(EscrowError::UnknownChannel { id }) } else { Ok(()) }
    }

    /// Adds to the deposit; not while the channel is closing, or the payee could not tell what it is promised.
    pub fn deposit(&mut self, amount: u128) -> Outcome {
        if amount < DEPOSIT_MIN {
            return Err(EscrowError::Deposit { attached: amount });
        }
        if let Some(closes_ms) = self.closes_ms() {
            return Err(EscrowError::Closing { closes_ms });
        }
        self.deposited = add(self.deposited, amount)?;
        Ok(())
    }

    /// Raises `claimed` to what a voucher says. `is_signed` is asked last, because it costs most.
    pub fn claim(&mut self, voucher: &Voucher, now_ms: u64, is_signed: impl FnOnce(&Self) -> bool) -> Outcome {
        let id = voucher.channel;
        let Self { deposited, claimed, closed, .. } = *self;
        voucher::check(&voucher::Channel { id, deposited, claimed, ends_ms: None, closed }, voucher, now_ms)?;
        if !is_signed(self) {
            return Err(EscrowError::Signature {});
        }
        self.claimed = voucher.cumulative;
        Ok(())
    }

    /// The payee's part of what is claimed that it was not sent.
    pub fn due(&self) -> Outcome<u128> {
        subtract(payees(self.claimed, &self.shares, self.closed), self.paid)
    }

    /// Takes what is due to the payee off the books; the caller sends it. If there is no room for another transfer, nothing has
    /// changed: a batch goes on without this channel.
    pub fn take_due(&mut self) -> Outcome<u128> {
        if self.due()? > 0 {
            self.begin_transfer()?;
        }
        self.move_due()
    }

    /// The same for a reserve, which stays here.
    pub fn move_due(&mut self) -> Outcome<u128> {
        let due = self.due()?;
        self.paid = add(self.paid, due)?;
        Ok(due)
    }

    /// Takes what is due to a share off the books. The caller sends it, and begins a transfer for each receiver.
    pub fn take_share(&mut self, index: u8) -> Outcome<u128> {
        let claimed = self.claimed;
        let share = self.shares.get_mut(usize::from(index)).ok_or(EscrowError::BadShares {})?;
        let due = share.due(claimed);
        share.paid = add(share.paid, due)?;
        Ok(due)
    }

    pub fn begin_transfer(&mut self) -> Outcome {
        self.transfers_open = self.transfers_open.checked_add(1).ok_or(EscrowError::Overflow {})?;
        Ok(())
    }

    /// A transfer to the receiver of shares has arrived, or come back; of each share, by index, what was in it. Returns
    /// whether there is something to tell.
    pub fn settle_shares(&mut self, parts: &[(u8, u128)], to_payee: bool, arrived: bool, now_ms: u64) -> bool {
        self.transfers_open = self.transfers_open.saturating_sub(1);
        let mut changed = false;
        for (index, amount) in parts {
            if let Some(share) = self.shares.get_mut(usize::from(*index)) {
                changed |= share.settle(*amount, to_payee, arrived, now_ms);
            }
        }
        changed
    }

    /// A transfer to the payee has arrived, or come back.
    pub fn settle_due(&mut self, amount: u128, arrived: bool) -> Outcome {
        self.transfers_open = self.transfers_open.saturating_sub(1);
        if !arrived {
            self.paid = subtract(self.paid, amount)?;
        }
        Ok(())
    }
}

fn check_lock(locked_until_ms: u64, now_ms: u64) -> Outcome {
    if locked_until_ms <= now_ms.saturating_add(LOCK_MS_MAX) { Ok(()) } else { Err(EscrowError::BadLock {}) }
}
