//! What is held of each asset, and for whom. NEAR's sums are in the state; a token's are in a row, which the first that opens
//! something in the token pays for.

use charter_common::Answer;
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::tasks::{self, Fact, TasksError};

use crate::Tasks;
use crate::model::{Balance, Token, Totals};
use crate::storage::{BalanceKey, TokenKey};

/// Balances that a call has changed, as they are now: told in one event.
#[derive(Default)]
pub struct Changed(Vec<tasks::Balance>);

impl Changed {
    fn note(&mut self, balance: tasks::Balance) {
        self.0.retain(|known| known.account != balance.account || known.asset != balance.asset);
        self.0.push(balance);
    }
}

impl Tasks {
    /// Nothing, for a token that nothing here is in.
    pub(crate) fn totals_of(&self, asset: &Asset) -> Totals {
        match asset {
            Asset::Near => self.totals,
            Asset::Nep141(token) => self.tokens.get(&TokenKey(token.clone())).unwrap_or_default().totals,
        }
    }

    fn change(&mut self, asset: &Asset, act: impl FnOnce(&mut Totals) -> Option<()>) -> Answer {
        let overflow = || TasksError::Overflow {};
        let Asset::Nep141(token) = asset else { return Ok(act(&mut self.totals).ok_or_else(overflow)?) };
        let key = TokenKey(token.clone());
        let (mut row, seen) = self.tokens.get_seen(&key).ok_or(TasksError::WrongAsset {})?;
        act(&mut row.totals).ok_or_else(overflow)?;
        self.tokens.update_seen(&key, seen, &row, &mut self.core.storage)
    }

    /// INV-TSK-1: money came in and is held for somebody.
    pub(crate) fn book_in(&mut self, asset: &Asset, amount: u128) -> Answer {
        self.change(asset, |totals| totals.receive(amount))
    }

    /// INV-TSK-1: money that was held is on its way out.
    pub(crate) fn book_out(&mut self, asset: &Asset, amount: u128) -> Answer {
        self.change(asset, |totals| totals.send(amount))
    }

    /// A transfer is over. For callbacks: it never fails.
    pub(crate) fn land(&mut self, asset: &Asset, amount: u128, arrived: bool) {
        let _ = self.change(asset, |totals| totals.land(amount, arrived));
    }

    /// Something in the asset is opened. Out of the storage account of `payer`: a token's sums, if there are none.
    pub(crate) fn use_asset(&mut self, asset: &Asset, payer: &AccountId) -> Answer {
        let Asset::Nep141(token) = asset else { return Ok(()) };
        let key = TokenKey(token.clone());
        let Token { totals, uses } = self.tokens.get(&key).unwrap_or_default();
        let row = Token { totals, uses: uses.saturating_add(1) };
        self.tokens.put(&key, payer, &row, &mut self.core.storage)
    }

    /// Something in the asset is gone, and nothing of it is on its way.
    pub(crate) fn release_asset(&mut self, asset: &Asset) {
        let Asset::Nep141(token) = asset else { return };
        let key = TokenKey(token.clone());
        let Some(Token { totals, uses }) = self.tokens.get(&key) else { return };
        let row = Token { totals, uses: uses.saturating_sub(1) };
        let storage = &mut self.core.storage;
        if row.uses == 0 {
            self.tokens.remove(&key, storage);
        } else {
            let _ = self.tokens.update(&key, &row, storage);
        }
    }

    /// An account's balance; one that is not there yet is made, out of the storage account of `payer`.
    pub(crate) fn open(&mut self, key: &BalanceKey, payer: &AccountId) -> Answer<Balance> {
        if let Some(balance) = self.balances.get(key) {
            return Ok(balance);
        }
        let balance = Balance::default();
        self.balances.insert(key, payer, &balance, &mut self.core.storage)?;
        self.use_asset(&key.asset, payer)?;
        Ok(balance)
    }

    /// Writes a balance back.
    pub(crate) fn keep(&mut self, key: BalanceKey, balance: &Balance, changed: &mut Changed) -> Answer {
        self.balances.update(&key, balance, &mut self.core.storage)?;
        changed.note(balance.view(key.account, key.asset));
        Ok(())
    }

    /// Money that is held here is an account's from now on. If it has no row, `payer` pays for one.
    pub(crate) fn credit(
        &mut self,
        (account, asset, amount): (&AccountId, &Asset, u128),
        payer: &AccountId,
        changed: &mut Changed,
    ) -> Answer {
        if amount == 0 {
            return Ok(());
        }
        let key = BalanceKey { account: account.clone(), asset: asset.clone() };
        let mut balance = self.open(&key, payer)?;
        balance.put(amount)?;
        self.keep(key, &balance, changed)
    }

    /// Takes out of an account's balance what is held for something else from now on.
    pub(crate) fn spend(
        &mut self,
        (account, asset, amount): (&AccountId, &Asset, u128),
        changed: &mut Changed,
    ) -> Answer {
        let key = BalanceKey { account: account.clone(), asset: asset.clone() };
        let none = TasksError::NotCovered { needed: amount, available: 0 };
        let mut balance = self.balances.get(&key).ok_or(none)?;
        balance.spend(amount)?;
        self.keep(key, &balance, changed)
    }

    pub(crate) fn tell_balances(&mut self, Changed(balances): Changed) {
        if !balances.is_empty() {
            self.emit("balances_changed", Fact::Balances(balances));
        }
    }
}
