//! Delegates, and what is delegated to them.

use charter_common::{Answer, Later, methods};
use charter_types::AccountId;
use charter_types::governance::args::{DelegateStake, LineRef, StandAsAgent};
use charter_types::governance::{Delegate, DelegatedAgent, Fact, GovernanceError, LineId, Part};
use charter_types::registry::Authority;
use near_sdk::{env, near};

use super::enrol::Wish;
use crate::model;
use crate::{Governance, GovernanceExt};

/// A delegate's row with what NEAR adds to it, generously.
const DELEGATE_BYTES: u64 = 700;

#[methods(governance)]
#[near]
impl Governance {
    pub fn delegate(&mut self, DelegateStake { line, to, amount }: DelegateStake) -> Answer {
        let holder = env::predecessor_account_id();
        let payment = self.core.begin_payment(&holder)?;
        let (pool, mut stake) = (self.pool_row(line)?, self.stake_row(line, &holder)?);
        if to == holder {
            return Err(GovernanceError::Oneself {}.into());
        }
        let key = (line, to.clone());
        let mut row = self.delegates.get(&key);
        let owner = row.as_ref().and_then(|row| row.agent.as_ref()).map(|agent| &agent.owner);
        if amount.0 > 0 && owner.is_some_and(|owner| *owner != holder) {
            return Err(GovernanceError::OthersAgent {}.into());
        }
        let stands = |part: &Part| self.stands(line, part);
        model::delegate(&pool, &mut stake, (&to, row.as_mut()), amount.0, stands, Self::now_ms())?;
        self.stakes.update(&(line, holder.clone()), &stake, &mut self.core.storage)?;
        self.emit("delegated", &holder, Fact::Stake(stake));
        if let Some(row) = row {
            self.delegates.update(&key, &row, &mut self.core.storage)?;
            self.emit("delegate_changed", &holder, Fact::Delegate(row));
        }
        self.core.finish_payment(payment)
    }

    pub fn stand(&mut self, LineRef { line }: LineRef) -> Answer {
        let account = env::predecessor_account_id();
        let payment = self.core.begin_payment(&account)?;
        self.new_delegate(&account, line, None)?;
        self.core.finish_payment(payment)
    }

    pub fn stand_as_agent(&mut self, args: StandAsAgent) -> Answer<Later<()>> {
        self.pool_row(args.line)?;
        self.ask(Wish::Stand(args), DELEGATE_BYTES)
    }

    pub fn stand_down(&mut self, LineRef { line }: LineRef) -> Answer {
        let account = env::predecessor_account_id();
        if !self.delegates.remove(&(line, account.clone()), &mut self.core.storage) {
            return Err(GovernanceError::NotDelegate { account }.into());
        }
        self.emit("stood_down", &account, Fact::DelegateEnded { line, account: account.clone() });
        Ok(())
    }
}

impl Governance {
    pub(super) fn stand_for_owner(&mut self, caller: &AccountId, args: StandAsAgent, known: &Authority) -> Answer {
        check_agent(caller, args.agent, known)?;
        let agent = DelegatedAgent { agent: args.agent, owner: known.owner.clone() };
        self.new_delegate(caller, args.line, Some(agent))
    }

    /// Its number is new: what holders gave to one of this name before is not its.
    fn new_delegate(&mut self, account: &AccountId, line: LineId, agent: Option<DelegatedAgent>) -> Answer {
        let mut pool = self.pool_row(line)?;
        let key = (line, account.clone());
        if self.delegates.contains(&key) {
            return Err(GovernanceError::IsDelegate {}.into());
        }
        pool.delegates = pool.delegates.saturating_add(1);
        let row = Delegate { line, account: account.clone(), number: pool.delegates, agent, received: Vec::new() };
        self.delegates.insert(&key, account, &row, &mut self.core.storage)?;
        self.emit("stood", account, Fact::Delegate(row));
        self.save_pool(account, pool)
    }
}

/// Whether it is the agent's account, and nobody has put the agent out of action.
pub(super) fn check_agent(caller: &AccountId, agent: u64, known: &Authority) -> Result<(), GovernanceError> {
    if !known.roles.agent {
        return Err(GovernanceError::NotAgent { caller: caller.clone() });
    }
    if known.armed { Ok(()) } else { Err(GovernanceError::StaleDelegate { agent }) }
}
