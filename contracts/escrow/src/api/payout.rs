//! Paying a payee what is due to it: one transfer for each asset.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, methods};
use charter_types::asset::Asset;
use charter_types::escrow::args::Channels;
use charter_types::escrow::methods::on_paid;
use charter_types::escrow::{ChannelId, EscrowError, Fact, PAID_AGENTS_MAX, PAID_ASSETS_MAX, PaidTo, WITHDRAW_MAX};
use charter_types::registry::AgentId;
use charter_types::{AccountId, U128};
use near_sdk::{Gas, env, near};

use super::reputation::Earned;
use crate::gas::{ON_PAID_BASE, ON_PAID_PER_AGENT, ON_PAID_PER_CHANNEL, ON_PAID_PER_SHARE};
use crate::model::{Channel, Landed};
use crate::storage::{EarningsKey, Known};
use crate::{Escrow, EscrowExt};

/// One channel's part of a transfer.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Part {
    channel: ChannelId,
    amount: u128,
    /// Whether the channel's agent has a row for what the payee earns: the callback has gas for those, and for no other.
    earns: bool,
}

impl Part {
    /// Releases up to 0006 sent channels and amounts alone.
    pub fn read_all(input: &[u8]) -> Vec<Self> {
        borsh::from_slice(input).unwrap_or_else(|_| {
            let parts: Vec<(ChannelId, u128)> = borsh::from_slice(input).unwrap_or_default();
            parts.into_iter().map(|(channel, amount)| Self { channel, amount, earns: false }).collect()
        })
    }
}

/// All that one asset's transfer consists of.
struct Transfer {
    asset: Asset,
    sum: u128,
    parts: Vec<Part>,
    /// Agents that channels name, and whether they have a row.
    agents: Vec<(AgentId, bool)>,
    shares: usize,
}

impl Transfer {
    fn agents_with_rows(&self) -> usize {
        self.agents.iter().filter(|(_, has_row)| *has_row).count()
    }

    fn gas(&self) -> Gas {
        let per = |gas: Gas, count: usize| gas.as_gas().saturating_mul(u64::try_from(count).unwrap_or(u64::MAX));
        let parts = [
            ON_PAID_BASE.as_gas(),
            per(ON_PAID_PER_CHANNEL, self.parts.len()),
            per(ON_PAID_PER_SHARE, self.shares),
            per(ON_PAID_PER_AGENT, self.agents_with_rows()),
        ];
        Gas::from_gas(parts.into_iter().fold(0, u64::saturating_add))
    }
}

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn withdraw(&mut self, Channels { channels }: Channels) -> Answer<U128> {
        let caller = env::predecessor_account_id();
        let own = self.own_channels(channels, &caller)?;
        let (sum, paid) = self.pay_out(&caller, own)?;
        if sum == 0 {
            return Err(EscrowError::NothingDue {}.into());
        }
        self.emit("withdrawn", Fact::Paid(paid));
        Ok(U128(sum))
    }
}

impl Escrow {
    /// A channel that somebody closed meanwhile is gone, and what was due in it is paid: the others don't wait for it.
    pub(super) fn own_channels(&self, mut channels: Vec<ChannelId>, payee: &AccountId) -> Answer<Vec<Known>> {
        channels.sort();
        channels.dedup();
        if channels.is_empty() || channels.len() > WITHDRAW_MAX {
            return Err(EscrowError::WithdrawSize { channels: channels.len() }.into());
        }
        let (mut own, mut gone) = (Vec::new(), None);
        for id in channels {
            let Some(known) = self.known(id) else {
                gone = Some(id);
                continue;
            };
            known.channel.check_payee(payee)?;
            own.push(known);
        }
        match gone {
            Some(id) if own.is_empty() => Err(EscrowError::UnknownChannel { id }.into()),
            _ => Ok(own),
        }
    }

    /// Books first, then one transfer for each asset, whose callback restores the books if it fails. Channels that were read
    /// are written back. The caller tells what was paid.
    pub(super) fn pay_out(&mut self, payee: &AccountId, channels: Vec<Known>) -> Answer<(u128, Vec<PaidTo>)> {
        let (mut transfers, mut paid) = (Vec::new(), Vec::new());
        for mut known in channels {
            // What can't be sent now stays due: the others don't wait for it.
            if self.add_part(&mut transfers, payee, known.id, &mut known.channel).is_some() {
                paid.push(PaidTo(known.id, U128(known.channel.paid)));
            }
            self.save_known(&known)?;
        }
        let mut sum = 0_u128;
        for transfer in transfers.iter().filter(|transfer| transfer.sum > 0) {
            sum = sum.saturating_add(transfer.sum);
            let then = (on_paid, transfer.gas());
            self.send(&transfer.asset, (payee, transfer.sum), then, &transfer.parts)?.detach();
        }
        Ok((sum, paid))
    }

    /// Takes what is due on a channel into the transfer of its asset. `None`, if nothing is, or if it does not fit in.
    fn add_part(
        &self,
        transfers: &mut Vec<Transfer>,
        payee: &AccountId,
        id: ChannelId,
        channel: &mut Channel,
    ) -> Option<()> {
        let due = channel.due().ok().filter(|due| *due > 0)?;
        let place = match transfers.iter().position(|transfer| transfer.asset == channel.asset) {
            Some(place) => place,
            None if transfers.len() < PAID_ASSETS_MAX => {
                let asset = channel.asset.clone();
                transfers.push(Transfer { asset, sum: 0, parts: Vec::new(), agents: Vec::new(), shares: 0 });
                transfers.len() - 1
            }
            None => return None,
        };
        let transfer = transfers.get_mut(place)?;
        let sum = transfer.sum.checked_add(due)?;
        let earns = self.earns(transfer, payee, channel.agent)?;
        channel.take_due().ok()?;
        transfer.sum = sum;
        transfer.shares = transfer.shares.saturating_add(channel.shares.len());
        transfer.parts.push(Part { channel: id, amount: due, earns });
        Some(())
    }

    /// Whether an agent has a row for what the payee earns. `None`, if that is one too many for a transfer.
    fn earns(&self, transfer: &mut Transfer, payee: &AccountId, agent: Option<AgentId>) -> Option<bool> {
        let Some(agent) = agent else { return Some(false) };
        if let Some((_, has_row)) = transfer.agents.iter().find(|(known, _)| *known == agent) {
            return Some(*has_row);
        }
        let key = EarningsKey { agent, account: payee.clone(), asset: transfer.asset.clone() };
        let has_row = self.earnings.contains(&key);
        if has_row && transfer.agents_with_rows() >= PAID_AGENTS_MAX {
            return None;
        }
        transfer.agents.push((agent, has_row));
        Some(has_row)
    }

    /// A transfer to a payee is over. Its channels are all its own, and in one asset.
    pub(super) fn settle_parts(&mut self, parts: &[Part], arrived: bool) {
        let (mut returned, mut closed) = (Vec::new(), Vec::new());
        let (mut of, mut sum) = (None, 0_u128);
        let mut earned = Earned::default();
        for Part { channel: id, amount, earns } in parts {
            let Some(mut known) = self.known(*id) else { continue };
            let channel = &mut known.channel;
            if channel.settle_due(*amount, arrived).is_err() {
                continue;
            }
            sum = sum.saturating_add(*amount);
            if let (Some(agent), true, true) = (channel.agent, *earns, arrived) {
                earned.add(agent, *amount);
            }
            if !arrived {
                returned.push(PaidTo(*id, U128(channel.paid)));
            }
            if arrived && channel.is_done() && self.channels.remove(id, &mut self.core.storage) {
                closed.push(*id);
            } else {
                let _ = self.save_known(&known);
            }
            of.get_or_insert((known.channel.asset, known.channel.payee));
        }
        let Some((asset, payee)) = of else { return };
        self.land(&asset, sum, if arrived { Landed::Paid } else { Landed::Back });
        self.release_uses(&asset, u64::try_from(closed.len()).unwrap_or(u64::MAX));
        self.credit(&payee, &asset, &earned);
        // One event for all: a receipt has a hundred logs at most, and then it would fail with the books as they were.
        if !returned.is_empty() {
            self.emit("payout_returned", Fact::Paid(returned));
        }
        if !closed.is_empty() {
            self.emit("channels_closed", Fact::ChannelsClosed(closed));
        }
    }
}
