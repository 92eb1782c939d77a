//! Setting money aside.

use charter_common::{Answer, methods, sha256};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, ExtendLock, Open};
use charter_types::escrow::{ChannelId, ChannelSeed, EscrowError, Fact};
use near_sdk::{env, near};

use crate::model::Channel;
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn open(&mut self, args: Open) -> Answer<ChannelId> {
        self.check_running("open")?;
        let payer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&payer)?;
        let mut channel = Channel::open(args, payer.clone(), env::block_timestamp_ms(), sha256)?;
        let id = self.add_channel(&channel, &payer)?;
        if channel.asset.is_near() {
            // The row has its final size already: what storage leaves of the deposit is the channel's.
            let deposit = self.core.rest_of_payment(payment)?;
            channel.deposit(deposit)?;
            self.book_in(&Asset::Near, deposit)?;
            self.save(&id, &channel)?;
        } else {
            self.core.finish_payment(payment)?;
        }
        self.emit("channel_opened", Fact::Channel(Box::new(channel.view(id))));
        Ok(id)
    }

    pub fn top_up(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let amount = env::attached_deposit().as_yoctonear();
        self.top_up_by(&env::predecessor_account_id(), id, &Asset::Near, amount)
    }

    pub fn extend_lock(&mut self, ExtendLock { channel: id, locked_until_ms }: ExtendLock) -> Answer {
        let mut channel = self.payers_channel(&id)?;
        channel.extend_lock(id, locked_until_ms, env::block_timestamp_ms())?;
        self.save_and_tell("lock_extended", &id, &channel)
    }
}

impl Escrow {
    /// Adds the row of a channel that nothing is in yet, with its final size; `row_payer` pays for it.
    pub(super) fn add_channel(&mut self, channel: &Channel, row_payer: &AccountId) -> Answer<ChannelId> {
        let seed = ChannelSeed {
            domain: self.voucher_domain(),
            payer: &channel.payer,
            payee: &channel.payee,
            asset: &channel.asset,
            voucher_key: &channel.voucher_key,
            terms_hash: channel.terms_hash.unwrap_or_default(),
            withdraw_delay_ms: channel.withdraw_delay_ms,
            open_counter: self.open_counter,
        };
        let id = seed.id(sha256);
        self.open_counter += 1;
        self.channels.insert(&id, row_payer, channel, &mut self.core.storage)?;
        self.use_asset(&channel.asset, row_payer)?;
        Ok(id)
    }

    /// Money came in from `caller`, who has to be the payer: what is not claimed goes back there.
    pub(super) fn top_up_by(&mut self, caller: &AccountId, id: ChannelId, asset: &Asset, amount: u128) -> Answer {
        let mut channel = self.load(&id)?;
        channel.check_payer(caller)?;
        channel.check_open(id)?;
        if channel.asset != *asset {
            return Err(EscrowError::WrongAsset {}.into());
        }
        channel.deposit(amount)?;
        self.book_in(asset, amount)?;
        self.save_and_tell("channel_topped_up", &id, &channel)
    }
}
