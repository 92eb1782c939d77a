//! Spending from a purse. The registry knows whose the agent is and who speaks for it, so it is asked.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Reservation, ask_authority_then, methods, sha256};
use charter_types::escrow::args::{Draw, DrawTo, ForgetDraws};
use charter_types::escrow::methods::on_authority;
use charter_types::escrow::{ChannelId, EscrowError, FORGOTTEN_MAX, Fact, SPLITS_MAX};
use charter_types::registry::Authority;
use charter_types::{AccountId, U128};
use near_sdk::{env, near};

use crate::gas::ON_AUTHORITY;
use crate::model::{Channel, day_of};
use crate::storage::{DrawKey, PurseKey};
use crate::{Escrow, EscrowExt};

/// The row of what was drawn for a payee, with what NEAR adds to it, at most.
const DRAWN_BYTES: u64 = 300;
/// A channel's row without shares, with what NEAR adds to it, at most, and more than the yoctos of a token's transfers cost.
const CHANNEL_BYTES: u64 = 480;
/// What each share adds to it.
const SHARE_BYTES: u64 = 26;

/// What to do once the registry has answered.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Drawing {
    pub caller: AccountId,
    pub reserved: Reservation,
    pub draw: Draw,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn draw(&mut self, draw: Draw) -> Answer<Later<ChannelId>> {
        self.check_running("open")?;
        let bytes = match &draw.to {
            DrawTo::Open(open) if open.splits.len() > SPLITS_MAX => return Err(EscrowError::BadSplits {}.into()),
            DrawTo::Open(open) => {
                let shares = u64::try_from(open.splits.len()).unwrap_or_default();
                DRAWN_BYTES + CHANNEL_BYTES + SHARE_BYTES * shares
            }
            DrawTo::TopUp(_) => DRAWN_BYTES,
        };
        let caller = env::predecessor_account_id();
        let reserved = self.core.storage.reserve(&caller, bytes)?;
        let agent = draw.agent;
        let pending = Drawing { caller: caller.clone(), reserved, draw };
        Ok(ask_authority_then(&self.registry, (agent, &caller), (on_authority, ON_AUTHORITY), &pending))
    }

    pub fn forget_draws(&mut self, ForgetDraws { agent, owner, asset, payees }: ForgetDraws) -> Answer {
        check_named(&payees)?;
        let purse = PurseKey { agent, owner, asset };
        let today = day_of(env::block_timestamp_ms());
        let mut forgotten = Vec::new();
        for payee in payees {
            let key = DrawKey { purse: purse.clone(), payee };
            let is_over = self.draws.get(&key).is_some_and(|row| row.day < today);
            if is_over && self.draws.remove(&key, &mut self.core.storage) {
                forgotten.push(key.payee);
            }
        }
        if !forgotten.is_empty() {
            let PurseKey { agent, owner, asset } = purse;
            self.emit("draws_forgotten", Fact::DrawsForgotten { agent, owner, asset, payees: forgotten });
        }
        Ok(())
    }
}

pub(super) fn check_named(accounts: &[AccountId]) -> Answer {
    let named = accounts.len();
    if (1..=FORGOTTEN_MAX).contains(&named) { Ok(()) } else { Err(EscrowError::NamedSize { named }.into()) }
}

impl Escrow {
    /// Everything is looked at anew: between the call and the answer anything may have changed. Refused, it has done nothing.
    pub(super) fn draw_for(
        &mut self,
        caller: &AccountId,
        draw: Draw,
        authority: Option<Authority>,
    ) -> Answer<ChannelId> {
        self.check_running("open")?;
        let Draw { agent, asset, amount: U128(amount), to } = draw;
        let authority = authority.ok_or(EscrowError::UnknownAgent { agent })?;
        let now_ms = env::block_timestamp_ms();
        if !authority.roles.agent || !authority.armed || !authority.status.is_active(now_ms) {
            return Err(EscrowError::NotAgent { caller: caller.clone() }.into());
        }
        // Whoever owns the agent now: another owner's purse is not there for it.
        let purse_key = PurseKey { agent, owner: authority.owner, asset };
        let mut purse = self.load_purse(&purse_key)?;
        let (known, mut channel) = self.channel_to_fill(to, &purse_key, caller)?;
        if channel.payee == *caller {
            return Err(EscrowError::DrawnForAgent {}.into());
        }
        // Nor longer than the purse gives: an agent that is not its owner's any more would lock it for a year.
        if channel.locked_until_ms > purse.until_ms {
            return Err(EscrowError::BadLock {}.into());
        }
        let drawn_key = DrawKey { purse: purse_key.clone(), payee: channel.payee.clone() };
        let mut drawn = self.draws.get(&drawn_key).unwrap_or_default();
        channel.deposit(amount)?;
        purse.draw(&mut drawn, amount, now_ms)?;
        channel.check_invariant()?;
        // Nothing fails from here on: what rows take was set aside, and what changes in others keeps its size. The money is
        // held as before, so the sums don't change. This is a callback, whose refusal undoes nothing: should one of these fail
        // all the same, the purse has given before anything has got.
        self.save_purse_by(&purse_key, &purse, caller)?;
        self.draws.put(&drawn_key, caller, &drawn, &mut self.core.storage)?;
        let (id, event) = match known {
            Some(id) => {
                self.save(&id, &channel)?;
                (id, "channel_topped_up")
            }
            None => (self.add_channel(&channel, caller)?, "channel_opened"),
        };
        self.emit_by(event, caller, Fact::Channel(Box::new(channel.view(id))));
        self.emit_by("drawn", caller, Fact::Drawn(drawn.view(purse_key.shown(), drawn_key.payee)));
        Ok(id)
    }

    /// A new channel, or one that came out of the same purse.
    fn channel_to_fill(
        &self,
        to: DrawTo,
        purse: &PurseKey,
        caller: &AccountId,
    ) -> Answer<(Option<ChannelId>, Channel)> {
        match to {
            DrawTo::Open(open) => {
                if open.splits.iter().any(|split| split.account == *caller) {
                    return Err(EscrowError::DrawnForAgent {}.into());
                }
                let open = open.of(purse.asset.clone());
                let mut channel = Channel::open(open, purse.owner.clone(), env::block_timestamp_ms(), sha256)?;
                channel.purse = Some(purse.agent);
                Ok((None, channel))
            }
            DrawTo::TopUp(id) => {
                let channel = self.load(&id)?;
                channel.check_open(id)?;
                let same =
                    channel.purse == Some(purse.agent) && channel.payer == purse.owner && channel.asset == purse.asset;
                if same { Ok((Some(id), channel)) } else { Err(EscrowError::NotDrawn {}.into()) }
            }
        }
    }
}
