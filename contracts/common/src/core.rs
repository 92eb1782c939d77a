//! What every Charter contract holds besides its own state.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;
use charter_types::admin::SharedFact;
use charter_types::error::CommonError;
use near_sdk::{NearToken, Promise, env};

use crate::access::AccessV0;
use crate::{Access, Answer, EventLog, Standard, StorageLedger};

#[derive(BorshSerialize, BorshDeserialize)]
pub struct Core {
    pub access: Access,
    pub events: EventLog,
    pub storage: StorageLedger,
    /// How often code was deployed after the first.
    pub(crate) deployments: u64,
}

/// As release `faa0a5a` stored it.
#[derive(BorshDeserialize)]
pub struct CoreV0 {
    access: AccessV0,
    events: EventLog,
    storage: StorageLedger,
}

impl From<CoreV0> for Core {
    fn from(CoreV0 { access, events, storage }: CoreV0) -> Self {
        Self { access: access.into(), events, storage, deployments: 0 }
    }
}

/// A deposit being spent on storage.
#[must_use = "finish_payment returns what is left"]
pub struct Payment {
    /// Who is charged.
    account: AccountId,
    /// Who attached the deposit, and gets the rest of it.
    from: AccountId,
    attached: u128,
    /// Nothing, if there was no storage account before.
    free_before: Option<u128>,
}

impl Payment {
    /// What is left is another account's, if one is named: the caller passes its money on.
    pub fn with_rest_to(self, account: Option<AccountId>) -> Self {
        Self { from: account.unwrap_or_else(|| self.from.clone()), ..self }
    }
}

impl Core {
    /// Tells that the contract was set up.
    pub fn new(standard: Standard, admin: AccountId) -> Self {
        let mut core = Self {
            access: Access::new(admin.clone()),
            events: EventLog::default(),
            storage: StorageLedger::default(),
            deployments: 0,
        };
        core.tell(standard, "started", SharedFact::Started(admin));
        core
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
        self.begin_payment_for(payer, payer, attached)
    }

    /// The same by somebody else than is charged: `from` attached it and gets back what is left.
    pub fn begin_payment_for(&mut self, account: &AccountId, from: &AccountId, attached: u128) -> Payment {
        let free_before = self.storage.credit(account, attached);
        Payment { account: account.clone(), from: from.clone(), attached, free_before }
    }

    /// What the call's storage did not take, taken out of the storage account: the caller keeps it as money of its own.
    /// Whoever had no storage account and needed none has none afterwards.
    pub fn rest_of_payment(&mut self, payment: Payment) -> Answer<u128> {
        let Payment { account, attached, free_before, .. } = payment;
        if free_before.is_none() && self.storage.pays_for_itself_only(&account) {
            return Ok(self.storage.close(&account)?.unwrap_or_default());
        }
        let rest = self.storage.available(&account).saturating_sub(free_before.unwrap_or_default()).min(attached);
        self.storage.debit(&account, rest)?;
        Ok(rest)
    }

    /// Returns what the call's storage did not take, and leaves what was prepaid before.
    pub fn finish_payment(&mut self, payment: Payment) -> Answer {
        let from = payment.from.clone();
        let excess = self.rest_of_payment(payment)?;
        if excess > 0 {
            Promise::new(from).transfer(NearToken::from_yoctonear(excess)).detach();
        }
        Ok(())
    }

    /// The same, where the deposit has to pay for everything: nothing that was prepaid before is touched, because it is not
    /// the payer who decides that something is stored.
    pub fn finish_whole_payment(&mut self, payment: Payment) -> Answer {
        let missing = payment.free_before.unwrap_or_default().saturating_sub(self.storage.available(&payment.account));
        if missing > 0 {
            return Err(CommonError::StorageShort { needed: missing, available: payment.attached }.into());
        }
        self.finish_payment(payment)
    }
}
