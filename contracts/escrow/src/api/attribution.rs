//! Reserves of payees with many creators, and what creators pull from them.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, methods, sha256};
use charter_types::asset::Asset;
use charter_types::escrow::args::{Channels, ForgetCreators, OfAsset, PostRoot, Pull};
use charter_types::escrow::methods::{on_pulled, on_rest_sent};
use charter_types::escrow::{EscrowError, Fact, PaidTo};
use charter_types::{AccountId, U128};
use near_sdk::{PromiseOrValue, env, near};

use super::draw::check_named;
use crate::gas::{ON_PULLED, ON_REST_SENT};
use crate::model::{Creator, Landed, Reserve};
use crate::storage::ReserveKey;
use crate::{Escrow, EscrowExt};

/// What is on its way to a creator, out of which reserve.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Pulled {
    number: u64,
    account: AccountId,
    pub amount: u128,
}

/// What is left of a reserve, on its way to its payee.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Rest {
    number: u64,
    pub amount: u128,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn reserve(&mut self, Channels { channels }: Channels) -> Answer<U128> {
        let payee = env::predecessor_account_id();
        let payment = self.core.begin_payment(&payee)?;
        let own = self.own_channels(channels, &payee)?;
        let Some(asset) = own.first().map(|known| known.channel.asset.clone()) else {
            return Err(EscrowError::NothingDue {}.into());
        };
        let (number, mut reserve) = self.open_reserve(&payee, &asset)?;
        let (mut sum, mut paid) = (0_u128, Vec::new());
        for mut known in own {
            let channel = &mut known.channel;
            if channel.asset != asset {
                return Err(EscrowError::WrongAsset {}.into());
            }
            // What is due on a closed one was on its way already: it is sent again, not kept.
            let due = if channel.closed { 0 } else { channel.move_due()? };
            if due > 0 {
                sum = sum.checked_add(due).ok_or(EscrowError::Overflow {})?;
                paid.push(PaidTo(known.id, U128(channel.paid)));
                self.save_known(&known)?;
            }
        }
        if sum == 0 {
            return Err(EscrowError::NothingDue {}.into());
        }
        reserve.put(sum)?;
        self.emit("reserved", Fact::Paid(paid));
        self.save_reserve(number, &reserve)?;
        self.core.finish_payment(payment)?;
        Ok(U128(sum))
    }

    pub fn post_root(&mut self, PostRoot { asset, root, total: U128(total) }: PostRoot) -> Answer {
        let (number, mut reserve) = self.find_reserve(&env::predecessor_account_id(), &asset)?;
        reserve.post(root, total, env::block_timestamp_ms())?;
        self.save_reserve(number, &reserve)
    }

    pub fn pull(&mut self, args: Pull) -> Answer<Later<U128>> {
        let Pull { payee, asset, account, amount: U128(amount), proof } = args;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let (number, mut reserve) = self.find_reserve(&payee, &asset)?;
        let key = (number, account);
        let mut creator = self.creators.get(&key).unwrap_or_default();
        let due = reserve.pull(&mut creator, (&key.1, amount), &proof, sha256)?;
        self.creators.put(&key, &caller, &creator, &mut self.core.storage)?;
        self.tell_creator(&key, &creator);
        self.save_reserve(number, &reserve)?;
        self.core.finish_payment(payment)?;
        let (number, account) = key;
        let pending = Pulled { number, account, amount: due };
        self.send(&asset, (&pending.account, due), (on_pulled, ON_PULLED), &pending)
    }

    pub fn end_root(&mut self, OfAsset { asset }: OfAsset) -> Answer<PromiseOrValue<U128>> {
        let payee = env::predecessor_account_id();
        let (number, mut reserve) = self.find_reserve(&payee, &asset)?;
        let amount = reserve.end(env::block_timestamp_ms())?;
        if amount == 0 {
            self.remove_reserve(number, reserve);
            return Ok(PromiseOrValue::Value(U128(0)));
        }
        self.save_reserve(number, &reserve)?;
        let pending = Rest { number, amount };
        Ok(self.send(&asset, (&payee, amount), (on_rest_sent, ON_REST_SENT), &pending)?.into())
    }

    pub fn forget_creators(&mut self, ForgetCreators { reserve: number, mut accounts }: ForgetCreators) -> Answer {
        check_named(&accounts)?;
        // While it lives, who is forgotten would be sent everything again.
        if self.reserves.contains(&number) {
            return Err(EscrowError::ReserveLives {}.into());
        }
        accounts.retain(|account| self.creators.remove(&(number, account.clone()), &mut self.core.storage));
        if !accounts.is_empty() {
            self.emit("creators_forgotten", Fact::CreatorsForgotten { reserve: number, accounts });
        }
        Ok(())
    }
}

impl Escrow {
    pub(super) fn reserve_number(&self, payee: &AccountId, asset: &Asset) -> Option<u64> {
        self.reserve_numbers.get(&ReserveKey { payee: payee.clone(), asset: asset.clone() })
    }

    fn find_reserve(&self, payee: &AccountId, asset: &Asset) -> Answer<(u64, Reserve)> {
        let found = self.reserve_number(payee, asset).and_then(|number| Some((number, self.reserves.get(&number)?)));
        Ok(found.ok_or(EscrowError::NoReserve {})?)
    }

    /// The payee's reserve. One that is new has a number that no other ever had: rows of creators are by number, and those of
    /// an earlier reserve count for nothing.
    fn open_reserve(&mut self, payee: &AccountId, asset: &Asset) -> Answer<(u64, Reserve)> {
        if let Ok(found) = self.find_reserve(payee, asset) {
            return Ok(found);
        }
        self.reserve_counter += 1;
        let number = self.reserve_counter;
        let reserve = Reserve::new(payee.clone(), asset.clone());
        let key = ReserveKey { payee: payee.clone(), asset: asset.clone() };
        self.reserves.insert(&number, payee, &reserve, &mut self.core.storage)?;
        self.reserve_numbers.insert(&key, payee, &number, &mut self.core.storage)?;
        self.use_asset(asset, payee)?;
        Ok((number, reserve))
    }

    fn save_reserve(&mut self, number: u64, reserve: &Reserve) -> Answer {
        reserve.check_invariant()?;
        self.reserves.update(&number, reserve, &mut self.core.storage)?;
        self.emit("reserve_changed", Fact::Reserve(reserve.view(number)));
        Ok(())
    }

    fn remove_reserve(&mut self, number: u64, Reserve { payee, asset, .. }: Reserve) {
        self.reserves.remove(&number, &mut self.core.storage);
        self.release_asset(&asset);
        let key = ReserveKey { payee, asset };
        self.reserve_numbers.remove(&key, &mut self.core.storage);
        let ReserveKey { payee, asset } = key;
        self.emit("reserve_ended", Fact::ReserveEnded { number, payee, asset });
    }

    fn tell_creator(&mut self, (number, account): &(u64, AccountId), creator: &Creator) {
        self.emit("creator_paid", Fact::Creator(creator.view(*number, account.clone())));
    }

    /// While something is on its way, the reserve stays. A creator's row that says nothing any more goes.
    pub(super) fn settle_pulled(&mut self, pulled: Pulled, arrived: bool) {
        let Pulled { number, account, amount } = pulled;
        let Some(mut reserve) = self.reserves.get(&number) else { return };
        let key = (number, account);
        let mut creator = self.creators.get(&key).unwrap_or_default();
        reserve.settle_pull(&mut creator, amount, arrived);
        self.land(&reserve.asset, amount, if arrived { Landed::Paid } else { Landed::Back });
        let _ = self.save_reserve(number, &reserve);
        if arrived {
            return;
        }
        if creator.paid > 0 {
            let _ = self.creators.update(&key, &creator, &mut self.core.storage);
            self.tell_creator(&key, &creator);
        } else if self.creators.remove(&key, &mut self.core.storage) {
            self.emit("creators_forgotten", Fact::CreatorsForgotten { reserve: number, accounts: vec![key.1] });
        }
    }

    pub(super) fn settle_rest(&mut self, Rest { number, amount }: &Rest, arrived: bool) {
        let Some(mut reserve) = self.reserves.get(number) else { return };
        self.land(&reserve.asset, *amount, if arrived { Landed::Paid } else { Landed::Back });
        if arrived {
            self.remove_reserve(*number, reserve);
        } else {
            reserve.end_failed(*amount);
            let _ = self.save_reserve(*number, &reserve);
        }
    }
}
