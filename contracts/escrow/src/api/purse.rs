//! Purses: money that an owner lets its agent spend.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, methods};
use charter_types::asset::Asset;
use charter_types::escrow::args::{OfAgent, SetCaps};
use charter_types::escrow::methods::on_emptied;
use charter_types::escrow::{EscrowError, Fact};
use charter_types::{AccountId, U128};
use near_sdk::{PromiseOrValue, env, near};

use crate::gas::ON_EMPTIED;
use crate::model::{Channel, Landed, Purse};
use crate::storage::PurseKey;
use crate::{Escrow, EscrowExt};

/// What is on its way back to an owner.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Emptied {
    purse: PurseKey,
    pub amount: u128,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn fill_purse(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer {
        let owner = env::predecessor_account_id();
        let payment = self.core.begin_payment(&owner)?;
        let key = PurseKey { agent, owner, asset };
        let mut purse = self.open_purse(&key)?;
        if !key.asset.is_near() {
            // Filled by the token.
            self.save_purse(&key, &purse)?;
            return self.core.finish_payment(payment);
        }
        let amount = self.core.rest_of_payment(payment)?;
        purse.fill(amount)?;
        self.book_in(&Asset::Near, amount)?;
        self.save_purse(&key, &purse)
    }

    pub fn set_caps(&mut self, args: SetCaps) -> Answer {
        let owner = env::predecessor_account_id();
        let payment = self.core.begin_payment(&owner)?;
        let key = PurseKey { agent: args.agent, owner, asset: args.asset.clone() };
        let mut purse = self.open_purse(&key)?;
        purse.set_caps(&args);
        self.save_purse(&key, &purse)?;
        self.core.finish_payment(payment)
    }

    pub fn empty_purse(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer<PromiseOrValue<U128>> {
        let key = PurseKey { agent, owner: env::predecessor_account_id(), asset };
        let mut purse = self.load_purse(&key)?;
        let amount = purse.empty()?;
        if amount == 0 {
            self.end_purse(&key);
            return Ok(PromiseOrValue::Value(U128(0)));
        }
        self.save_purse(&key, &purse)?;
        let pending = Emptied { purse: key.clone(), amount };
        Ok(self.send(&key.asset, (&key.owner, amount), (on_emptied, ON_EMPTIED), &pending)?.into())
    }
}

impl Escrow {
    pub(super) fn load_purse(&self, key: &PurseKey) -> Answer<Purse> {
        Ok(self.purses.get(key).ok_or(EscrowError::NoPurse {})?)
    }

    /// The owner pays for the row.
    fn open_purse(&mut self, key: &PurseKey) -> Answer<Purse> {
        if let Some(purse) = self.purses.get(key) {
            return Ok(purse);
        }
        let purse = Purse::default();
        self.purses.insert(key, &key.owner, &purse, &mut self.core.storage)?;
        self.use_asset(&key.asset, &key.owner)?;
        Ok(purse)
    }

    pub(super) fn save_purse(&mut self, key: &PurseKey, purse: &Purse) -> Answer {
        self.save_purse_by(key, purse, &env::predecessor_account_id())
    }

    pub(super) fn save_purse_by(&mut self, key: &PurseKey, purse: &Purse, by: &AccountId) -> Answer {
        self.purses.update(key, purse, &mut self.core.storage)?;
        self.emit_by("purse_changed", by, Fact::Purse(purse.view(key.shown())));
        Ok(())
    }

    /// Tokens have come, whose contract says from whom.
    pub(super) fn add_to_purse(&mut self, key: &PurseKey, amount: u128) -> Answer {
        let mut purse = self.load_purse(key)?;
        purse.fill(amount)?;
        self.book_in(&key.asset, amount)?;
        self.save_purse(key, &purse)
    }

    /// The purse that a channel came out of, if it is there.
    pub(super) fn purse_of(&self, channel: &Channel) -> Option<(PurseKey, Purse)> {
        let key = PurseKey { agent: channel.purse?, owner: channel.payer.clone(), asset: channel.asset.clone() };
        // One that is being emptied takes nothing more: with it the row, and its caps, would stay.
        let purse = self.purses.get(&key).filter(|purse| purse.in_flight == 0)?;
        Some((key, purse))
    }

    fn end_purse(&mut self, key: &PurseKey) {
        self.purses.remove(key, &mut self.core.storage);
        self.release_asset(&key.asset);
        self.emit("purse_ended", Fact::PurseEnded(key.shown()));
    }

    pub(super) fn settle_emptied(&mut self, Emptied { purse: key, amount }: &Emptied, arrived: bool) {
        let Some(mut purse) = self.purses.get(key) else { return };
        if purse.settle(*amount, arrived).is_err() {
            return;
        }
        self.land(&key.asset, *amount, if arrived { Landed::Refunded } else { Landed::Back });
        if purse.is_done() {
            self.end_purse(key);
        } else {
            let _ = self.save_purse(key, &purse);
        }
    }
}
