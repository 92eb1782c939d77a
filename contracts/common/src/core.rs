//! What every Charter contract holds besides its own state.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;
use charter_types::error::CommonError;
use near_sdk::{NearToken, Promise, env};

use crate::{Access, Answer, EventLog, StorageLedger};

#[derive(BorshSerialize, BorshDeserialize)]
pub struct Core {
    pub access: Access,
    pub events: EventLog,
    pub storage: StorageLedger,
}

/// The storage prefix of [`StorageLedger`] in every contract; others start above it.
const STORAGE_PREFIX: u8 = 0;

/// A deposit being spent on storage.
#[must_use = "finish_payment returns what is left"]
pub struct Payment {
    payer: AccountId,
    attached: u128,
    free_before: u128,
}

impl Core {
    pub fn new(admin: AccountId) -> Self {
        Self { access: Access::new(admin), events: EventLog::default(), storage: StorageLedger::new(STORAGE_PREFIX) }
    }

    /// Exactly 1 yoctoNEAR: a full-access key signed, and storage is prepaid.
    pub fn check_one_yocto() -> Answer {
        if env::attached_deposit().as_yoctonear() == 1 { Ok(()) } else { Err(CommonError::OneYocto {}.into()) }
    }

    /// Nothing attached: a function-call key may sign.
    pub fn check_no_deposit() -> Answer {
        if env::attached_deposit().is_zero() { Ok(()) } else { Err(CommonError::NoDeposit {}.into()) }
    }

    /// Takes the attached deposit (at least 1 yocto: a full-access key signed) as prepayment for what the call stores.
    pub fn begin_payment(&mut self, payer: &AccountId) -> Answer<Payment> {
        let attached = env::attached_deposit().as_yoctonear();
        if attached == 0 {
            return Err(CommonError::OneYocto {}.into());
        }
        Ok(self.begin_payment_of(payer, attached))
    }

    /// The same with a part of the deposit.
    pub fn begin_payment_of(&mut self, payer: &AccountId, attached: u128) -> Payment {
        let free_before = self.storage.available(payer);
        self.storage.credit(payer, attached);
        Payment { payer: payer.clone(), attached, free_before }
    }

    /// What the call's storage did not take, taken out of the storage account: the caller keeps it as money of its own.
    pub fn rest_of_payment(&mut self, payment: Payment) -> Answer<u128> {
        let Payment { payer, attached, free_before } = payment;
        let rest = self.storage.available(&payer).saturating_sub(free_before).min(attached);
        self.storage.debit(&payer, rest)?;
        Ok(rest)
    }

    /// Returns what the call's storage did not take, and leaves what was prepaid before.
    pub fn finish_payment(&mut self, payment: Payment) -> Answer {
        let payer = payment.payer.clone();
        let excess = self.rest_of_payment(payment)?;
        if excess > 0 {
            Promise::new(payer).transfer(NearToken::from_yoctonear(excess)).detach();
        }
        Ok(())
    }
}
