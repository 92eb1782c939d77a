//! What accounts have here: what they spend, what they are paid, and the way out.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Payer, methods, pay};
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::tasks::args::{BalanceRef, OfAsset, TransferMsg, Withdraw};
use charter_types::tasks::methods::on_paid;
use charter_types::tasks::{Fact, TasksError};
use charter_types::{AccountId, U128, json};
use near_sdk::{env, near};

use crate::books::Changed;
use crate::gas::ON_PAID;
use crate::storage::BalanceKey;
use crate::{Tasks, TasksExt};

/// What is on its way out of a balance.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Paying {
    account: AccountId,
    asset: Asset,
    pub amount: u128,
}

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn open_balance(&mut self, OfAsset { asset }: OfAsset) -> Answer {
        let account = env::predecessor_account_id();
        let payment = self.core.begin_payment(&account)?;
        let key = BalanceKey { account: account.clone(), asset };
        let known = self.balances.get(&key);
        if known.is_some() && self.balances.payer(&key) == Some(Payer::from(&account)) {
            return Err(TasksError::BalanceOpen {}.into());
        }
        let balance = match known {
            Some(balance) => {
                // Who paid for it so far gets that back.
                self.balances.hand_over(&key, &account, &balance, &mut self.core.storage)?;
                balance
            }
            None => self.open(&key, &account)?,
        };
        let shown = balance.view(key.account, key.asset);
        self.emit("balances_changed", Fact::Balances(vec![shown]));
        self.core.finish_payment(payment)
    }

    pub fn deposit(&mut self) -> Answer<U128> {
        let account = env::predecessor_account_id();
        let payment = self.core.begin_payment(&account)?;
        let key = BalanceKey { account: account.clone(), asset: Asset::Near };
        self.open(&key, &account)?;
        let amount = self.core.rest_of_payment(payment)?;
        if amount == 0 {
            return Err(TasksError::NothingDue {}.into());
        }
        self.book_in(&Asset::Near, amount)?;
        let mut changed = Changed::default();
        self.credit((&account, &Asset::Near, amount), &account, &mut changed)?;
        self.tell_balances(changed);
        Ok(U128(amount))
    }

    pub fn end_balance(&mut self, OfAsset { asset }: OfAsset) -> Answer {
        let key = BalanceKey { account: env::predecessor_account_id(), asset };
        let balance = self.balances.get(&key).ok_or(TasksError::NoBalance {})?;
        if !balance.is_empty() {
            return Err(TasksError::BalanceInUse {}.into());
        }
        self.remove_balance(key);
        Ok(())
    }

    pub fn withdraw(&mut self, Withdraw { asset, amount }: Withdraw) -> Answer<Later<U128>> {
        let key = BalanceKey { account: env::predecessor_account_id(), asset };
        self.pay_out(key, amount.map(|amount| amount.0))
    }

    pub fn push_balance(&mut self, BalanceRef { account, asset }: BalanceRef) -> Answer<Later<U128>> {
        let caller = env::predecessor_account_id();
        let key = BalanceKey { account, asset };
        let payer = self.balances.payer(&key).ok_or(TasksError::NoBalance {})?;
        if payer != Payer::from(&caller) || key.account == caller {
            return Err(TasksError::NotPayer {}.into());
        }
        self.pay_out(key, None)
    }

    /// Whoever calls is a token, by its own word: nothing that is in another asset believes it. What fails here goes back.
    pub fn ft_on_transfer(&mut self, FtOnTransfer { sender_id, amount, msg }: FtOnTransfer) -> Answer<U128> {
        let asset = Asset::Nep141(env::predecessor_account_id());
        let TransferMsg::Deposit {} = json::read(msg.as_bytes()).map_err(|_| TasksError::BadMessage {})?;
        let key = BalanceKey { account: sender_id, asset: asset.clone() };
        let mut balance = self.balances.get(&key).ok_or(TasksError::NoBalance {})?;
        self.book_in(&asset, amount.0)?;
        balance.put(amount.0)?;
        let mut changed = Changed::default();
        self.keep(key, &balance, &mut changed)?;
        self.tell_balances(changed);
        Ok(U128(0))
    }
}

impl Tasks {
    /// Books first, then the transfer, whose callback puts back what does not arrive. The call has brought the yocto that a
    /// token's takes.
    fn pay_out(&mut self, key: BalanceKey, amount: Option<u128>) -> Answer<Later<U128>> {
        let mut balance = self.balances.get(&key).ok_or(TasksError::NoBalance {})?;
        let amount = balance.send(amount)?;
        self.balances.update(&key, &balance, &mut self.core.storage)?;
        let BalanceKey { account, asset } = key;
        self.book_out(&asset, amount)?;
        let shown = balance.view(account.clone(), asset.clone());
        self.emit("sent", Fact::Sent { balance: shown, amount: U128(amount) });
        let pending = Paying { account, asset, amount };
        Ok(pay(&pending.asset, (&pending.account, amount), (on_paid, ON_PAID), &pending))
    }

    fn remove_balance(&mut self, key: BalanceKey) {
        self.balances.remove(&key, &mut self.core.storage);
        self.release_asset(&key.asset);
        let BalanceKey { account, asset } = key;
        self.emit("balance_ended", Fact::BalanceEnded { account, asset });
    }

    /// A transfer is over. The row is there as long as something is on its way, and keeps its size.
    pub(super) fn settle_paid(&mut self, Paying { account, asset, amount }: Paying, arrived: bool) {
        let key = BalanceKey { account, asset };
        let Some(mut balance) = self.balances.get(&key) else { return };
        balance.settle(amount, arrived);
        self.land(&key.asset, amount, arrived);
        if balance.is_empty() {
            self.remove_balance(key);
            return;
        }
        let mut changed = Changed::default();
        if self.keep(key, &balance, &mut changed).is_ok() {
            self.tell_balances(changed);
        }
    }
}
