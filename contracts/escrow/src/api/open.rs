//! Setting money aside.

use charter_common::{Answer, methods, sha256};
use charter_types::U128;
use charter_types::escrow::args::{ChannelRef, Open};
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
        let mut channel = Channel::open(args, payer.clone())?;
        let seed = ChannelSeed {
            domain: self.voucher_domain(),
            payer: &payer,
            payee: &channel.payee,
            voucher_key: &channel.voucher_key,
            withdraw_delay_ms: channel.withdraw_delay_ms,
            open_counter: self.open_counter,
        };
        let id = seed.id(sha256);
        self.open_counter += 1;
        // The row has its final size already: what storage leaves of the deposit is the channel's.
        self.channels.insert(&id, &payer, &channel, &mut self.core.storage)?;
        let deposit = self.core.rest_of_payment(payment)?;
        channel.deposit(deposit)?;
        self.book_deposit(deposit)?;
        self.save(&id, &channel)?;
        self.emit("channel_opened", Fact::Channel(channel.view(id)));
        Ok(id)
    }

    pub fn top_up(&mut self, ChannelRef { channel: id }: ChannelRef) -> Answer {
        let mut channel = self.load(&id)?;
        channel.check_payer(&env::predecessor_account_id())?;
        channel.check_open(id)?;
        let amount = env::attached_deposit().as_yoctonear();
        channel.deposit(amount)?;
        self.book_deposit(amount)?;
        self.save_and_tell("channel_topped_up", &id, &channel)
    }
}

impl Escrow {
    fn book_deposit(&mut self, amount: u128) -> Answer {
        let add = |sum: U128| sum.0.checked_add(amount).map(U128).ok_or(EscrowError::Overflow {});
        self.totals.deposited = add(self.totals.deposited)?;
        self.totals.held = add(self.totals.held)?;
        Ok(())
    }
}
