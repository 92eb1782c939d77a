//! Recovering an agent whose owner's key is lost.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::registry::args::{AgentAccount, AgentRef, ApproveRecovery, SetRecoverers};
use charter_types::registry::{AgentId, Fact, ROUNDS_FROM, Recoverers, Recovery, RecoveryProposal, RegistryError};
use near_sdk::{env, near};

use crate::api::transfer::Reason;
use crate::model::recovery;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn set_recoverers(&mut self, SetRecoverers { agent: id, recoverers }: SetRecoverers) -> Answer {
        let mut agent = self.own_agent(id)?;
        let caller = agent.owner.clone();
        recovery::check_recoverers(&recoverers, &caller)?;
        let payment = self.core.begin_payment(&caller)?;
        // An offer of before was good without asking them.
        if agent.offer.take().is_some() {
            self.save_agent("transfer_cancelled", id, agent)?;
        }
        let none = Recoverers { accounts: Vec::new(), threshold: 0, delay_ms: 0 };
        let new = Recovery { agent: id, recoverers: none, round: 0, next: None, next_from_ms: 0 };
        let mut recovery = self.settled_recovery(id)?.unwrap_or(new);
        let round = self.next_round();
        recovery::set_recoverers(&mut recovery, recoverers, round, env::block_timestamp_ms());
        self.save_recovery("recoverers_set", &caller, recovery)?;
        self.core.finish_payment(payment)
    }

    pub fn propose_recovery(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        self.load_agent(id)?.check_other(&account)?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let none = || RegistryError::NotRecoverer { caller: caller.clone() };
        let recovery = self.settled_recovery(id)?.ok_or_else(none)?;
        let proposal = recovery::propose(&recovery, &caller, account, env::block_timestamp_ms())?;
        self.save_proposal("recovery_proposed", proposal)?;
        self.core.finish_payment(payment)
    }

    pub fn approve_recovery(&mut self, args: ApproveRecovery) -> Answer {
        let ApproveRecovery { agent: id, proposer, new_owner, round } = args;
        let (recovery, mut proposal) = self.proposal_of(id, &proposer)?;
        let caller = env::predecessor_account_id();
        recovery::approve(&recovery, &mut proposal, &caller, env::block_timestamp_ms())?;
        // Who made it may have made another since.
        if (proposal.round, &proposal.new_owner) != (round, &new_owner) {
            return Err(RegistryError::ProposalChanged {}.into());
        }
        self.save_proposal("recovery_approved", proposal)
    }

    pub fn withdraw_proposal(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        if self.remove_proposal(id, &env::predecessor_account_id()) {
            return Ok(());
        }
        Err(RegistryError::NoRecovery {}.into())
    }

    pub fn veto_recovery(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let agent = self.own_agent(id)?;
        let mut recovery = self.settled_recovery(id)?.ok_or(RegistryError::NoRecovery {})?;
        self.begin_round(&mut recovery);
        self.save_recovery("recovery_vetoed", &agent.owner, recovery)
    }

    pub fn execute_recovery(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let (mut recovery, proposal) = self.proposal_of(id, &account)?;
        recovery::check_ready(&recovery, &proposal, env::block_timestamp_ms())?;
        self.begin_round(&mut recovery);
        // Whom the old owner's key named to come would be the new owner's recoverers otherwise.
        (recovery.next, recovery.next_from_ms) = (None, 0);
        self.save_recovery("recovery_executed", &agent.owner, recovery)?;
        self.send_with_its_storage(id, agent, (&proposal.new_owner, &caller), Reason::Recovery, None)?;
        self.core.finish_payment(payment)
    }
}

impl Registry {
    /// A round that no proposal is of yet. It is never seen again, whatever row it was written into.
    fn next_round(&mut self) -> u64 {
        ROUNDS_FROM.saturating_add(self.next_epoch())
    }

    /// Makes every proposal void, and gives who made them their storage back.
    fn begin_round(&mut self, recovery: &mut Recovery) {
        recovery.round = self.next_round();
        self.remove_proposals(recovery.agent, &recovery.recoverers);
    }

    /// An agent's recovery, with a change that is due written down.
    fn settled_recovery(&mut self, id: AgentId) -> Answer<Option<Recovery>> {
        let Some(mut recovery) = self.load_recovery(id) else { return Ok(None) };
        if recovery::is_due(&recovery, env::block_timestamp_ms()) {
            let round = self.next_round();
            let gone = recovery::settle(&mut recovery, round);
            if let Some(gone) = gone {
                self.remove_proposals(id, &gone);
            }
            self.recoveries.update(&id, &recovery, &mut self.core.storage)?;
            self.emit("recoverers_replaced", Fact::Recovery(recovery.clone()));
        }
        Ok(Some(recovery))
    }

    fn proposal_of(&mut self, id: AgentId, proposer: &AccountId) -> Answer<(Recovery, RecoveryProposal)> {
        let recovery = self.settled_recovery(id)?.ok_or(RegistryError::NoRecovery {})?;
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

    /// Removes a proposal, if there is one; who made it gets its storage back.
    fn remove_proposal(&mut self, agent: AgentId, proposer: &AccountId) -> bool {
        let removed = self.proposals.remove(&(agent, proposer.clone()), &mut self.core.storage);
        if removed {
            let fact = Fact::RecoveryProposalRemoved { agent, proposer: proposer.clone() };
            self.emit("recovery_proposal_removed", fact);
        }
        removed
    }

    fn remove_proposals(&mut self, agent: AgentId, recoverers: &Recoverers) {
        for proposer in &recoverers.accounts {
            self.remove_proposal(agent, proposer);
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
        self.emit("recovery_removed", Fact::RecoveryRemoved(id));
    }
}
