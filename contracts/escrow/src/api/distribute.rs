//! Sending shares of a channel what is due to them.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, methods, pay, sha256};
use charter_types::escrow::args::Distribute;
use charter_types::escrow::methods::on_distributed;
use charter_types::escrow::{ChannelId, DISTRIBUTE_MAX, EscrowError, Fact, terms_hash};
use charter_types::{AccountId, U128, all_different};
use near_sdk::{env, near};

use super::reputation::Earned;
use crate::gas::ON_DISTRIBUTED;
use crate::model::{Channel, Landed, Share, add};
use crate::{Escrow, EscrowExt};

/// A transfer to one receiver: the payee, for shares that it gets in place of theirs, which nobody has a share beside.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Distribution {
    channel: ChannelId,
    to: AccountId,
    /// By index, what of it is for which share.
    parts: Vec<(u8, u128)>,
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn distribute(&mut self, args: Distribute) -> Answer<U128> {
        let id = args.channel;
        let mut channel = self.load(&id)?;
        let mut sum = 0_u128;
        let mut sent = Vec::new();
        for (to, parts) in take_shares(&mut channel, &args)? {
            channel.begin_transfer()?;
            let amount = sum_of(&parts)?;
            sum = add(sum, amount)?;
            sent.push((Distribution { channel: id, to, parts }, amount));
        }
        if sum == 0 {
            return Err(EscrowError::NothingDue {}.into());
        }
        self.save_and_tell("shares_sent", &id, &channel)?;
        self.book_out(&channel.asset, sum)?;
        for (pending, amount) in sent {
            pay(&channel.asset, (&pending.to, amount), (on_distributed, ON_DISTRIBUTED), &pending).detach();
        }
        Ok(U128(sum))
    }
}

fn sum_of(parts: &[(u8, u128)]) -> Result<u128, EscrowError> {
    parts.iter().try_fold(0, |sum, part| add(sum, part.1))
}

/// What goes to whom.
type ByReceiver = Vec<(AccountId, Vec<(u8, u128)>)>;

/// Takes what is due to the named shares off the books.
fn take_shares(channel: &mut Channel, args: &Distribute) -> Answer<ByReceiver> {
    let Distribute { splits, offer, shares, .. } = args;
    if terms_hash(splits, *offer, sha256) != channel.terms_hash {
        return Err(EscrowError::WrongTerms {}.into());
    }
    if !(1..=DISTRIBUTE_MAX).contains(&shares.len()) || !all_different(shares) {
        return Err(EscrowError::BadShares {}.into());
    }
    let mut by_receiver = ByReceiver::new();
    for index in shares {
        let due = channel.take_share(*index)?;
        let place = usize::from(*index);
        let to_payee = channel.shares.get(place).is_some_and(Share::goes_to_payee);
        let split = splits.get(place).ok_or(EscrowError::BadShares {})?;
        let to = if to_payee { &channel.payee } else { &split.account };
        if due > 0 {
            match by_receiver.iter_mut().find(|(known, _)| known == to) {
                Some((_, parts)) => parts.push((*index, due)),
                None => by_receiver.push((to.clone(), vec![(*index, due)])),
            }
        }
    }
    Ok(by_receiver)
}

impl Escrow {
    pub(super) fn settle_distribution(&mut self, pending: &Distribution, arrived: bool) {
        let Distribution { channel: id, to, parts } = pending;
        let Some(mut channel) = self.find(id) else { return };
        let changed = channel.settle_shares(parts, *to == channel.payee, arrived, env::block_timestamp_ms());
        let sum = sum_of(parts).unwrap_or_default();
        self.land(&channel.asset, sum, if arrived { Landed::Paid } else { Landed::Back });
        if let (Some(agent), true) = (channel.agent, arrived) {
            self.credit(to, &channel.asset, &Earned::one(agent, sum));
        }
        if !self.finish_closed(*id, &channel) && self.save(id, &channel).is_ok() && changed {
            // If it arrived, a failure of before is forgotten.
            let event = if arrived { "shares_sent" } else { "shares_returned" };
            self.emit(event, Fact::Channel(Box::new(channel.view(*id))));
        }
    }
}
