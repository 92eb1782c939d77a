//! What accounts earn for agents, and telling the registry. Who pays itself earns a name, too: nothing may be gated on it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, ask_then, methods, paid_call, pay_then, view_answer};
use charter_types::AccountId;
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::error::CommonError;
use charter_types::escrow::args::OfAgent;
use charter_types::escrow::methods::{on_agent, on_reported};
use charter_types::escrow::{EarningsRow, EscrowError, Fact};
use charter_types::method::Method;
use charter_types::registry::args::{AgentRef, ReportReputation};
use charter_types::registry::{Agent, AgentId, methods as registry};
use near_sdk::{NearToken, Promise, env, near};

use crate::gas::{AGENT, AGENT_BYTES_MAX, ON_AGENT, ON_REPORTED, REPORT};
use crate::model::Earnings;
use crate::storage::EarningsKey;
use crate::{Escrow, EscrowExt};

/// What arrived for which agents, and in how many payments.
#[derive(Default)]
pub(super) struct Earned(Vec<(AgentId, u128, u64)>);

impl Earned {
    pub fn one(agent: AgentId, amount: u128) -> Self {
        Self(vec![(agent, amount, 1)])
    }

    pub fn add(&mut self, agent: AgentId, amount: u128) {
        match self.0.iter_mut().find(|(known, ..)| *known == agent) {
            Some((_, all, payments)) => {
                (*all, *payments) = (all.saturating_add(amount), payments.saturating_add(1));
            }
            None => self.0.push((agent, amount, 1)),
        }
    }
}

/// Who has a report made, with which money.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Syncing {
    caller: AccountId,
    deposit: u128,
    agent: AgentId,
    asset: Asset,
}

#[methods(escrow)]
#[near]
impl Escrow {
    /// Of the caller alone: who pays for a row has to be able to end it, and nobody else may.
    pub fn open_earnings(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer {
        let payer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&payer)?;
        // The registry calls NEAR so, and two assets would share a row there.
        if matches!(&asset, Asset::Nep141(token) if token.as_str() == "near") {
            return Err(EscrowError::WrongAsset {}.into());
        }
        let key = EarningsKey { agent, account: payer.clone(), asset };
        if self.earnings.contains(&key) {
            return Err(EscrowError::EarningsOpen {}.into());
        }
        let row = Earnings::default();
        self.earnings.insert(&key, &payer, &row, &mut self.core.storage)?;
        let EarningsKey { account, asset, .. } = key;
        self.tell_earnings(account, asset, vec![shown(agent, &row)]);
        self.core.finish_payment(payment)
    }

    pub fn end_earnings(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer {
        let account = env::predecessor_account_id();
        let key = EarningsKey { agent, account: account.clone(), asset };
        if !self.earnings.remove(&key, &mut self.core.storage) {
            return Err(EscrowError::NoEarnings {}.into());
        }
        self.emit("earnings_ended", Fact::EarningsEnded { agent, account, asset: key.asset });
        Ok(())
    }

    pub fn sync_reputation(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer<Later<()>> {
        let (caller, deposit) = (env::predecessor_account_id(), env::attached_deposit().as_yoctonear());
        if deposit == 0 {
            return Err(CommonError::OneYocto {}.into());
        }
        let question = registry::agent::write(&AgentRef { agent });
        let pending = Syncing { caller, deposit, agent, asset };
        Ok(ask_then(&self.registry, (registry::agent, AGENT), question, (on_agent, ON_AGENT), &pending))
    }
}

fn shown(agent: AgentId, row: &Earnings) -> EarningsRow {
    EarningsRow(agent, U128(row.earned), row.payments)
}

impl Escrow {
    fn tell_earnings(&mut self, account: AccountId, asset: Asset, rows: Vec<EarningsRow>) {
        self.emit("earnings_changed", Fact::Earnings { account, asset, rows });
    }

    /// Money arrived at an account. For callbacks: rows keep their size, so it never fails. One event for all of them.
    pub(super) fn credit(&mut self, account: &AccountId, asset: &Asset, earned: &Earned) {
        let mut rows = Vec::new();
        for (agent, amount, payments) in &earned.0 {
            let key = EarningsKey { agent: *agent, account: account.clone(), asset: asset.clone() };
            let Some(mut row) = self.earnings.get(&key) else { continue };
            row.credit(*amount, *payments);
            if self.earnings.update(&key, &row, &mut self.core.storage).is_ok() {
                rows.push(shown(*agent, &row));
            }
        }
        if !rows.is_empty() {
            self.tell_earnings(account.clone(), asset.clone(), rows);
        }
    }

    /// Reports what the agent's payout account earned, once the registry has said who that is.
    pub(super) fn report(&self, sync: &Syncing) -> Answer<Later<()>> {
        let Syncing { caller, deposit, agent: id, asset } = sync;
        let known = view_answer(registry::agent, AGENT_BYTES_MAX).flatten();
        let Agent { payout: account, epoch, .. } = known.ok_or(EscrowError::UnknownAgent { agent: *id })?;
        let key = EarningsKey { agent: *id, account, asset: asset.clone() };
        let row = self.earnings.get(&key).ok_or(EscrowError::NoEarnings {})?;
        let name = match asset {
            Asset::Near => "near".to_owned(),
            Asset::Nep141(token) => token.to_string(),
        };
        let report = registry::report_reputation::write(&ReportReputation {
            agent: *id,
            asset: name,
            earned: U128(row.earned),
            payments: row.payments,
            epoch: Some(epoch),
            account: Some(key.account),
            rest_to: Some(caller.clone()),
        });
        let call = Promise::new(self.registry.clone());
        let call = paid_call(call, registry::report_reputation, report, *deposit, REPORT);
        Ok(pay_then(call, (on_reported, ON_REPORTED), sync))
    }
}

impl Syncing {
    /// The deposit was not used: it goes back to whose it is.
    pub fn give_back(&self) {
        let deposit = NearToken::from_yoctonear(self.deposit);
        Promise::new(self.caller.clone()).transfer(deposit).detach();
    }
}
