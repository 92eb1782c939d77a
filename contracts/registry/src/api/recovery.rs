//! Recovering an agent whose owner's key is lost.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::registry::args::{AgentAccount, AgentRef, SetRecoverers};
use charter_types::registry::{AgentId, Fact, Recoverers, Recovery, RecoveryProposal, RegistryError};
use near_sdk::{env, near};

use crate::model::recovery;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn set_recoverers(&mut self, SetRecoverers { agent: id, recoverers }: SetRecoverers) -> Answer {
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        agent.check_owner(&caller)?;
        recovery::check_recoverers(&recoverers, &agent.owner)?;
        let payment = self.core.begin_payment(&caller)?;
        let none = Recoverers { accounts: Vec::new(), threshold: 0, delay_ms: 0 };
        let new = Recovery { agent: id, recoverers: none, round: 0, next: None, next_from_ms: 0 };
        let mut recovery = self.load_recovery(id).unwrap_or(new);
        recovery::set_recoverers(&mut recovery, recoverers, env::block_timestamp_ms());
        self.save_recovery("recoverers_set", &caller, recovery)?;
        self.core.finish_payment(payment)
    }

    pub fn propose_recovery(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        self.load_agent(id)?.check_other(&account)?;
        let caller = env::predecessor_account_id();
        let recovery = self.load_recovery(id).ok_or_else(|| RegistryError::NotRecoverer { caller: caller.clone() })?;
        let proposal = recovery::propose(&recovery, &caller, account, env::block_timestamp_ms())?;
        let payment = self.core.begin_payment(&caller)?;
        self.save_proposal("recovery_proposed", proposal)?;
        self.core.finish_payment(payment)
    }

    pub fn approve_recovery(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        let (recovery, mut proposal) = self.proposal_of(id, &account)?;
        let caller = env::predecessor_account_id();
        recovery::approve(&recovery, &mut proposal, &caller, env::block_timestamp_ms())?;
        self.save_proposal("recovery_approved", proposal)
    }

    pub fn veto_recovery(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let agent = self.load_agent(id)?;
        agent.check_owner(&env::predecessor_account_id())?;
        let mut recovery = self.load_recovery(id).ok_or(RegistryError::NoRecovery {})?;
        recovery::settle(&mut recovery, env::block_timestamp_ms());
        recovery::next_round(&mut recovery);
        self.save_recovery("recovery_vetoed", &agent.owner, recovery)
    }

    pub fn execute_recovery(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        let agent = self.load_agent(id)?;
        let (mut recovery, proposal) = self.proposal_of(id, &account)?;
        let now_ms = env::block_timestamp_ms();
        recovery::check_ready(&recovery, &proposal, now_ms)?;
        self.check_registered(&proposal.new_owner)?;
        recovery::settle(&mut recovery, now_ms);
        recovery::next_round(&mut recovery);
        self.remove_proposals(id, &recovery.recoverers);
        self.hand_over(id, agent, &proposal.new_owner, true, None)?;
        self.save_recovery("recovery_executed", &proposal.new_owner, recovery)
    }
}

impl Registry {
    fn proposal_of(&self, id: AgentId, proposer: &AccountId) -> Answer<(Recovery, RecoveryProposal)> {
        let recovery = self.load_recovery(id).ok_or(RegistryError::NoRecovery {})?;
        let proposal = self.proposals.get(&(id, proposer.clone())).ok_or(RegistryError::NoRecovery {})?;
        Ok((recovery, proposal))
    }

    fn save_recovery(&mut self, event: &str, payer: &AccountId, recovery: Recovery) -> Answer {
        self.recoveries.put(&recovery.agent, payer, &recovery, &mut self.core.storage)?;
        self.emit(event, Fact::Recovery(recovery));
        Ok(())
    }

    fn save_proposal(&mut self, event: &str, proposal: RecoveryProposal) -> Answer {
        let key = (proposal.agent, proposal.proposer.clone());
        self.proposals.put(&key, &proposal.proposer, &proposal, &mut self.core.storage)?;
        self.emit(event, Fact::RecoveryProposal(proposal));
        Ok(())
    }

    fn remove_proposals(&mut self, agent: AgentId, recoverers: &Recoverers) {
        for proposer in &recoverers.accounts {
            if self.proposals.remove(&(agent, proposer.clone()), &mut self.core.storage) {
                let fact = Fact::RecoveryProposalRemoved { agent, proposer: proposer.clone() };
                self.emit("recovery_proposal_removed", fact);
            }
        }
    }

    /// Whether the agent can go without waiting for its recoverers.
    pub(crate) fn check_unguarded(&self, id: AgentId) -> Answer {
        if self.hand_over_wait_ms(id) > 0 {
            return Err(RegistryError::Guarded { id }.into());
        }
        Ok(())
    }

    /// How long its recoverers could take to get the agent back; 0 without any.
    pub(crate) fn hand_over_wait_ms(&self, id: AgentId) -> u64 {
        self.load_recovery(id).map_or(0, |recovery| recovery.hand_over_wait_ms(env::block_timestamp_ms()))
    }

    /// Recoverers and their proposals go; each proposer gets its storage back.
    pub(crate) fn remove_recovery(&mut self, id: AgentId) {
        let Some(recovery) = self.load_recovery(id) else { return };
        self.recoveries.remove(&id, &mut self.core.storage);
        self.remove_proposals(id, &recovery.recoverers);
        if let Some(next) = &recovery.next {
            self.remove_proposals(id, next);
        }
        self.emit("recovery_removed", Fact::RecoveryRemoved(id));
    }
}
