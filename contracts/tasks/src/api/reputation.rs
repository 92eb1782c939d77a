//! What accounts earn for agents, and telling the registry. Who pays itself earns a name, too: nothing may be gated on it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, ask_then, methods, paid_call, pay_then, view_answer};
use charter_types::asset::Asset;
use charter_types::error::CommonError;
use charter_types::method::Method;
use charter_types::registry::args::{AgentRef, ReportReputation};
use charter_types::registry::{Agent, AgentId, methods as registry};
use charter_types::tasks::args::{EarningsRef, OfAgent};
use charter_types::tasks::methods::{on_agent, on_reported};
use charter_types::tasks::{Fact, TasksError};
use charter_types::{AccountId, U128};
use near_sdk::{NearToken, Promise, env, near};

use crate::gas::{AGENT, AGENT_BYTES_MAX, ON_AGENT, ON_REPORTED, REPORT};
use crate::model::Earnings;
use crate::storage::EarningsKey;
use crate::{Tasks, TasksExt};

/// Who has a report made, with which money.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Syncing {
    caller: AccountId,
    deposit: u128,
    agent: AgentId,
    asset: Asset,
}

#[methods(tasks)]
#[near]
impl Tasks {
    /// Of the caller alone: who pays for a row has to be able to end it, and nobody else may.
    pub fn open_earnings(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer {
        let payer = env::predecessor_account_id();
        let payment = self.core.begin_payment(&payer)?;
        // The registry calls NEAR so, and two assets would share a row there.
        if matches!(&asset, Asset::Nep141(token) if token.as_str() == "near") {
            return Err(TasksError::WrongAsset {}.into());
        }
        let key = EarningsKey { agent, account: payer.clone(), asset };
        if self.earnings.contains(&key) {
            return Err(TasksError::EarningsOpen {}.into());
        }
        let row = Earnings::default();
        self.earnings.insert(&key, &payer, &row, &mut self.core.storage)?;
        self.tell_earnings(key, &row);
        self.core.finish_payment(payment)
    }

    pub fn end_earnings(&mut self, OfAgent { agent, asset }: OfAgent) -> Answer {
        let account = env::predecessor_account_id();
        let key = EarningsKey { agent, account: account.clone(), asset };
        if !self.earnings.remove(&key, &mut self.core.storage) {
            return Err(TasksError::NoEarnings {}.into());
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

impl Tasks {
    fn tell_earnings(&mut self, EarningsKey { agent, account, asset }: EarningsKey, row: &Earnings) {
        self.emit("earnings_changed", Fact::Earnings(row.view(EarningsRef { agent, account, asset })));
    }

    /// A reward is an account's. Rows keep their size, so it never fails; who has opened none is not counted.
    pub(super) fn credit_earnings(&mut self, agent: AgentId, account: &AccountId, asset: &Asset, amount: u128) {
        let key = EarningsKey { agent, account: account.clone(), asset: asset.clone() };
        let Some(mut row) = self.earnings.get(&key).filter(|_| amount > 0) else { return };
        row.credit(amount);
        if self.earnings.update(&key, &row, &mut self.core.storage).is_ok() {
            self.tell_earnings(key, &row);
        }
    }

    /// Reports what the agent's payout account earned for it, once the registry has said who that is.
    pub(super) fn report(&self, sync: &Syncing) -> Answer<Later<()>> {
        let Syncing { caller, deposit, agent: id, asset } = sync;
        let known = view_answer(registry::agent, AGENT_BYTES_MAX).flatten();
        let Agent { payout: account, epoch, .. } = known.ok_or(TasksError::UnknownAgent { agent: *id })?;
        let key = EarningsKey { agent: *id, account, asset: asset.clone() };
        let row = self.earnings.get(&key).ok_or(TasksError::NoEarnings {})?;
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
