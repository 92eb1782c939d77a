//! A channel: money that a payer set aside for one payee, handed out against vouchers.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_rules::voucher;
use charter_types::escrow::args::Open;
use charter_types::escrow::{
    self, ChannelId, DEPOSIT_MIN, EscrowError, Voucher, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN,
};
use charter_types::{AccountId, Ed25519Key, U128};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub payer: AccountId,
    pub payee: AccountId,
    pub agent: Option<u64>,
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
}

/// What a closed channel still owes to either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payout {
    pub to_payee: u128,
    pub to_payer: u128,
}

type Outcome<T = ()> = Result<T, EscrowError>;

fn add(left: u128, right: u128) -> Outcome<u128> {
    left.checked_add(right).ok_or(EscrowError::Overflow {})
}

fn subtract(left: u128, right: u128) -> Outcome<u128> {
    left.checked_sub(right).ok_or(EscrowError::Overflow {})
}

impl Channel {
    /// A channel before its deposit is known.
    pub fn open(args: Open, payer: AccountId) -> Outcome<Self> {
        if args.payee == payer {
            return Err(EscrowError::SamePayee {});
        }
        if args.voucher_key.is_small_order() {
            return Err(EscrowError::WeakKey {});
        }
        if !(WITHDRAW_DELAY_MS_MIN..=WITHDRAW_DELAY_MS_MAX).contains(&args.withdraw_delay_ms) {
            return Err(EscrowError::WithdrawDelay {});
        }
        Ok(Self {
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
        })
    }

    /// INV-ESC-2.
    pub fn check_invariant(&self) -> Outcome {
        let spent = add(self.claimed, self.refunded)?;
        if self.paid <= self.claimed && spent <= self.deposited { Ok(()) } else { Err(EscrowError::Overflow {}) }
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

    /// Takes what is due to the payee off the books; the caller sends it.
    pub fn take_due(&mut self) -> Outcome<u128> {
        let due = subtract(self.claimed, self.paid)?;
        if due > 0 {
            self.transfers_open = self.transfers_open.checked_add(1).ok_or(EscrowError::Overflow {})?;
            self.paid = self.claimed;
        }
        Ok(due)
    }

    /// A transfer to the payee has arrived, or come back.
    pub fn settle_due(&mut self, amount: u128, arrived: bool) -> Outcome {
        self.transfers_open = self.transfers_open.saturating_sub(1);
        if !arrived {
            self.paid = subtract(self.paid, amount)?;
        }
        Ok(())
    }

    pub fn request_close(&mut self, id: ChannelId, now_ms: u64) -> Outcome {
        self.check_open(id)?;
        if let Some(closes_ms) = self.closes_ms() {
            return Err(EscrowError::Closing { closes_ms });
        }
        self.closes_ms = now_ms.saturating_add(self.withdraw_delay_ms);
        Ok(())
    }

    pub fn cancel_close(&mut self, id: ChannelId) -> Outcome {
        self.check_open(id)?;
        self.closes_ms().ok_or(EscrowError::NotClosing {})?;
        self.closes_ms = 0;
        Ok(())
    }

    /// INV-ESC-7: the payer gets nothing back before the grace ends.
    pub fn check_grace_over(&self, now_ms: u64) -> Outcome {
        let closes_ms = self.closes_ms().ok_or(EscrowError::NotClosing {})?;
        if now_ms < closes_ms { Err(EscrowError::TooEarly { closes_ms }) } else { Ok(()) }
    }

    /// Closes for good and takes all that is left off the books; the caller sends it. Called again after a failed
    /// transfer, it takes what came back.
    pub fn close(&mut self) -> Outcome<Payout> {
        self.closed = true;
        let to_payee = subtract(self.claimed, self.paid)?;
        let to_payer = subtract(subtract(self.deposited, self.claimed)?, self.refunded)?;
        self.paid = self.claimed;
        self.refunded = add(self.refunded, to_payer)?;
        if to_payee > 0 || to_payer > 0 {
            self.transfers_open = self.transfers_open.checked_add(1).ok_or(EscrowError::Overflow {})?;
        }
        Ok(Payout { to_payee, to_payer })
    }

    /// A closing payout is done; what came back is owed again.
    pub fn settle_close(&mut self, came_back: Payout) -> Outcome {
        self.transfers_open = self.transfers_open.saturating_sub(1);
        self.paid = subtract(self.paid, came_back.to_payee)?;
        self.refunded = subtract(self.refunded, came_back.to_payer)?;
        Ok(())
    }

    /// Whether nothing is owed and nothing on its way: the row can go.
    pub fn is_done(&self) -> bool {
        self.closed && self.transfers_open == 0 && self.paid == self.claimed && {
            self.claimed.checked_add(self.refunded) == Some(self.deposited)
        }
    }
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::args::Open;
    use charter_types::escrow::{EscrowError, Kind, Voucher, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN};
    use charter_types::{Ed25519Key, Hash32};

    use super::{Channel, Payout};

    fn open(key: u8, delay: u64) -> Result<Channel, EscrowError> {
        let voucher_key = Ed25519Key([key; 32]);
        let payee = "bob.near".parse().unwrap();
        let args = Open { payee, agent: None, voucher_key, withdraw_delay_ms: delay };
        Channel::open(args, "alice.near".parse().unwrap())
    }

    fn channel() -> Channel {
        let mut channel = open(7, WITHDRAW_DELAY_MS_MIN).unwrap();
        channel.deposit(10_000).unwrap();
        channel
    }

    fn voucher(cumulative: u128, expires_at_ms: u64) -> Voucher {
        let (domain, channel, context_root) = (Hash32::default(), Hash32([1; 32]), Hash32::default());
        Voucher { kind: Kind::Voucher, domain, channel, cumulative, expires_at_ms, counter: 0, context_root }
    }

    #[test]
    fn bounds_of_opening() {
        assert_eq!(open(7, WITHDRAW_DELAY_MS_MIN - 1), Err(EscrowError::WithdrawDelay {}));
        assert_eq!(open(7, WITHDRAW_DELAY_MS_MAX + 1), Err(EscrowError::WithdrawDelay {}));
        assert!(open(7, WITHDRAW_DELAY_MS_MAX).is_ok());
        assert_eq!(open(0, WITHDRAW_DELAY_MS_MIN), Err(EscrowError::WeakKey {}));
        assert_eq!(channel().deposit(999), Err(EscrowError::Deposit { attached: 999 }));
        assert_eq!(channel().deposit(u128::MAX), Err(EscrowError::Overflow {}));
    }

    #[test]
    fn a_claim_only_rises_and_never_beyond_the_deposit() {
        let mut channel = channel();
        let mut claim = |cumulative, expires, signed| channel.claim(&voucher(cumulative, expires), 100, |_| signed);
        assert_eq!(claim(10_001, 0, true), Err(EscrowError::OverDeposit { deposited: 10_000 }));
        assert_eq!(claim(u128::MAX, 0, true), Err(EscrowError::OverDeposit { deposited: 10_000 }));
        assert_eq!(claim(500, 99, true), Err(EscrowError::Expired {}));
        assert_eq!(claim(500, 100, false), Err(EscrowError::Signature {}));
        assert_eq!(claim(500, 100, true), Ok(()));
        assert_eq!(claim(500, 0, true), Err(EscrowError::NotHigher { claimed: 500 }));
        assert_eq!(claim(10_000, 0, true), Ok(()));
    }

    #[test]
    fn the_payer_waits_and_the_payee_may_claim_until_the_end() {
        let mut channel = channel();
        let id = Hash32([1; 32]);
        assert_eq!(channel.check_grace_over(0), Err(EscrowError::NotClosing {}));
        channel.request_close(id, 1_000).unwrap();
        let closes_ms = 1_000 + WITHDRAW_DELAY_MS_MIN;
        assert_eq!(channel.request_close(id, 2_000), Err(EscrowError::Closing { closes_ms }));
        assert_eq!(channel.deposit(5_000), Err(EscrowError::Closing { closes_ms }));
        assert_eq!(channel.check_grace_over(closes_ms - 1), Err(EscrowError::TooEarly { closes_ms }));
        channel.claim(&voucher(4_000, 0), closes_ms, |_| true).unwrap();
        assert_eq!(channel.check_grace_over(closes_ms), Ok(()));
        assert_eq!(channel.close(), Ok(Payout { to_payee: 4_000, to_payer: 6_000 }));
        assert_eq!(channel.claim(&voucher(5_000, 0), 0, |_| true), Err(EscrowError::UnknownChannel { id }));
    }

    #[test]
    fn a_failed_payout_restores_the_books_exactly() {
        let mut channel = channel();
        channel.claim(&voucher(4_000, 0), 0, |_| true).unwrap();
        let before = channel.clone();
        assert_eq!(channel.take_due(), Ok(4_000));
        assert_eq!(channel.take_due(), Ok(0));
        channel.settle_due(4_000, false).unwrap();
        assert_eq!(channel, before);
        let payout = channel.close().unwrap();
        assert!(!channel.is_done());
        channel.settle_close(Payout { to_payee: 0, to_payer: payout.to_payer }).unwrap();
        assert!(!channel.is_done());
        assert_eq!(channel.close(), Ok(Payout { to_payee: 0, to_payer: 6_000 }));
        channel.settle_close(Payout::default()).unwrap();
        assert!(channel.is_done());
    }
}
