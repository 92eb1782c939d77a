//! What is held of each asset and what became of it, and sending it. NEAR's sums are in the state; a token's are in a row,
//! which the first that opens something in the token pays for.

use borsh::BorshSerialize;
use charter_common::{Answer, Later, pay};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::error::CommonError;
use charter_types::escrow::{EscrowError, TRANSFER_YOCTO};
use charter_types::method::Method;
use near_sdk::Gas;

use crate::Escrow;
use crate::model::{Landed, Token, Totals};
use crate::storage::TokenKey;

impl Escrow {
    /// Nothing, for a token that nothing here is in.
    pub(crate) fn totals_of(&self, asset: &Asset) -> Totals {
        match asset {
            Asset::Near => self.totals,
            Asset::Nep141(token) => self.tokens.get(&TokenKey(token.clone())).unwrap_or_default().totals,
        }
    }

    fn change(&mut self, asset: &Asset, act: impl FnOnce(&mut Totals) -> Option<()>) -> Answer {
        let overflow = || EscrowError::Overflow {};
        let Asset::Nep141(token) = asset else { return Ok(act(&mut self.totals).ok_or_else(overflow)?) };
        let key = TokenKey(token.clone());
        let (mut row, seen) = self.tokens.get_seen(&key).ok_or(EscrowError::WrongAsset {})?;
        act(&mut row.totals).ok_or_else(overflow)?;
        self.tokens.update_seen(&key, seen, &row, &mut self.core.storage)
    }

    /// Money came in and is held for somebody.
    pub(crate) fn book_in(&mut self, asset: &Asset, amount: u128) -> Answer {
        self.change(asset, |totals| totals.receive(amount))
    }

    /// Money that was held is on its way out.
    pub(crate) fn book_out(&mut self, asset: &Asset, amount: u128) -> Answer {
        self.change(asset, |totals| totals.send(amount))
    }

    /// A transfer is over. For callbacks: it never fails.
    pub(crate) fn land(&mut self, asset: &Asset, amount: u128, landed: Landed) {
        if amount > 0 {
            let _ = self.change(asset, |totals| totals.land(amount, landed));
        }
    }

    /// Something in the asset is opened. Out of the storage account of `payer`: a token's sums if there are none, and the
    /// yoctos that NEP-141 wants with each transfer.
    pub(crate) fn use_asset(&mut self, asset: &Asset, payer: &AccountId) -> Answer {
        let Asset::Nep141(token) = asset else { return Ok(()) };
        let key = TokenKey(token.clone());
        let Token { totals, uses } = self.tokens.get(&key).unwrap_or_default();
        let row = Token { totals, uses: uses.saturating_add(1) };
        let storage = &mut self.core.storage;
        self.tokens.put(&key, payer, &row, storage)?;
        let available = storage.available(payer);
        let needed = TRANSFER_YOCTO.saturating_sub(available);
        if needed > 0 {
            return Err(CommonError::StorageShort { needed, available }.into());
        }
        storage.debit(payer, TRANSFER_YOCTO)
    }

    /// Something in the asset is gone, and nothing of it is on its way.
    pub(crate) fn release_asset(&mut self, asset: &Asset) {
        self.release_uses(asset, 1);
    }

    /// The same for many at once: the row is written once.
    pub(crate) fn release_uses(&mut self, asset: &Asset, count: u64) {
        let Asset::Nep141(token) = asset else { return };
        if count == 0 {
            return;
        }
        let key = TokenKey(token.clone());
        let Some(Token { totals, uses }) = self.tokens.get(&key) else { return };
        let row = Token { totals, uses: uses.saturating_sub(count) };
        let storage = &mut self.core.storage;
        if row.uses == 0 {
            self.tokens.remove(&key, storage);
        } else {
            let _ = self.tokens.update(&key, &row, storage);
        }
    }

    /// Books first, then one transfer to one receiver; `then` settles it and asks `succeeded(0)`. Whoever does not hand the
    /// answer on detaches it. The escrow has the yocto that a token's transfer takes.
    pub(crate) fn send<C: Method>(
        &mut self,
        asset: &Asset,
        to: (&AccountId, u128),
        then: (C, Gas),
        pending: &impl BorshSerialize,
    ) -> Answer<Later<C::Answer>> {
        self.book_out(asset, to.1)?;
        Ok(pay(asset, to, then, pending))
    }
}
