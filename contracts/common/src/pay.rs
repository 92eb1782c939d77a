//! Sending money that a contract holds for others. Books change before ([`charter_types::asset::Books`]), and the callback
//! keeps them or puts them back.

use borsh::BorshSerialize;
use charter_types::asset::Asset;
use charter_types::method::Method;
use charter_types::{AccountId, U128};
use near_sdk::{Gas, GasWeight, NearToken, Promise, env};
use serde::Serialize;

use crate::{Later, encoded, json_encoded, then_call};

/// A token's transfer: two rows and a log; well-known tokens take 3 TGas.
const FT_TRANSFER: Gas = Gas::from_tgas(12);

/// NEP-141's arguments.
#[derive(Serialize)]
struct FtTransfer<'a> {
    receiver_id: &'a AccountId,
    amount: U128,
}

/// Sends `amount` to an account, then calls our own `callback` with `pending` (as borsh), which asks
/// [`succeeded(0)`](crate::succeeded). For a token our call needs a yoctoNEAR, attached to it or of the contract's own: the
/// standard wants it.
pub fn pay<C: Method>(
    asset: &Asset,
    (to, amount): (&AccountId, u128),
    then: (C, Gas),
    pending: &impl BorshSerialize,
) -> Later<C::Answer> {
    pay_then(sending(asset, to, amount), then, pending)
}

/// The same after a transfer, or several of them, that [`sending`] made.
pub fn pay_then<C: Method>(
    sent: Promise,
    (callback, gas): (C, Gas),
    pending: &impl BorshSerialize,
) -> Later<C::Answer> {
    let us = Promise::new(env::current_account_id());
    Later::to(callback, sent.then(then_call(us, callback, encoded(pending), gas, 0)))
}

/// A transfer alone.
pub fn sending(asset: &Asset, to: &AccountId, amount: u128) -> Promise {
    match asset {
        Asset::Near => Promise::new(to.clone()).transfer(NearToken::from_yoctonear(amount)),
        Asset::Nep141(token) => {
            let args = json_encoded(&FtTransfer { receiver_id: to, amount: U128(amount) });
            // No gas that is left over: with it a token could answer so much that our callback can't read past it.
            let yocto = NearToken::from_yoctonear(1);
            Promise::new(token.clone()).function_call_weight("ft_transfer", args, yocto, FT_TRANSFER, GasWeight(0))
        }
    }
}
