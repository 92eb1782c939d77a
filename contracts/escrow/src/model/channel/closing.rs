//! How a channel ends: at once if its payee wants, after grace and lock if its payer does.

use charter_types::escrow::{ChannelId, EscrowError};

use super::{Channel, Outcome, Payout, add, check_lock, subtract};

impl Channel {
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

    pub fn extend_lock(&mut self, id: ChannelId, locked_until_ms: u64, now_ms: u64) -> Outcome {
        self.check_open(id)?;
        check_lock(locked_until_ms, now_ms)?;
        if locked_until_ms <= self.locked_until_ms {
            return Err(EscrowError::BadLock {});
        }
        self.locked_until_ms = locked_until_ms;
        Ok(())
    }

    /// INV-ESC-7: the payer gets nothing back before grace and lock end.
    pub fn check_may_end(&self, now_ms: u64) -> Outcome {
        let closes_ms = self.closes_ms().ok_or(EscrowError::NotClosing {})?.max(self.locked_until_ms);
        if now_ms < closes_ms { Err(EscrowError::TooEarly { closes_ms }) } else { Ok(()) }
    }

    /// Closes for good and takes all that is left to payee and payer off the books; the caller sends it, and puts into the
    /// purse, if that is there, what is returned beside. Called again after a failed transfer, it takes what came back.
    pub fn close(&mut self, purse_is_there: bool) -> Outcome<(Payout, u128)> {
        self.closed = true;
        let to_payee = self.due()?;
        let rest = subtract(subtract(self.deposited, self.claimed)?, self.refunded)?;
        self.paid = add(self.paid, to_payee)?;
        self.refunded = add(self.refunded, rest)?;
        let (to_payer, to_purse) = if purse_is_there { (0, rest) } else { (rest, 0) };
        if to_payee > 0 || to_payer > 0 {
            self.begin_transfer()?;
        }
        Ok((Payout { to_payee, to_payer }, to_purse))
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
        if !self.closed || self.transfers_open > 0 {
            return false;
        }
        let all_sent = self.due() == Ok(0) && self.shares.iter().all(|share| share.due(self.claimed) == 0);
        all_sent && self.claimed.checked_add(self.refunded) == Some(self.deposited)
    }
}
