//! Handing an agent over: by offer and acceptance, as a token, or by its recoverers.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::registry::args::{AcceptTransfer, AgentAccount, AgentRef};
use charter_types::registry::{AgentId, Epochs, Fact, Heartbeat, RegistryError};
use near_sdk::{env, near};

use crate::model::{Agent, HandleState};
use crate::{Registry, RegistryExt};

/// What an owner's row takes: key, record, and 40 bytes of NEAR's.
pub(crate) const OWNER_ROW_BYTES: usize = 21 + 25 + 40;

/// How an agent comes to its new owner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It took an offer, and pays for what it gets.
    Accepted,
    /// By NEP-171, with its storage; it stays a token that can be sent on.
    Token,
    /// By its recoverers, who stay.
    Recovery,
}

#[methods(registry)]
#[near]
impl Registry {
    pub fn offer_transfer(&mut self, args: AgentAccount) -> Answer {
        let wait_ms = self.hand_over_wait_ms(args.agent);
        self.change(args.agent, "transfer_offered", None, |agent, now_ms| {
            agent.offer(args.account, now_ms.saturating_add(wait_ms))
        })
    }

    pub fn cancel_transfer(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut agent = self.own_agent(id)?;
        agent.offer = None;
        self.save_agent("transfer_cancelled", id, agent)
    }

    pub fn accept_transfer(&mut self, args: AcceptTransfer) -> Answer {
        let AcceptTransfer { agent: id, expected_revision, expected_handle } = args;
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        agent.check_offered(&caller, env::block_timestamp_ms())?;
        // The seller may have changed what it sells after it was paid.
        if (agent.card_revision, &agent.handle) != (expected_revision, &expected_handle) {
            return Err(RegistryError::Changed {}.into());
        }
        self.hand_over(id, agent, &caller, Reason::Accepted, None)?;
        self.core.finish_payment(payment)
    }
}

impl Registry {
    /// Moves an agent to `to`, who is charged for it from here on.
    pub(crate) fn hand_over(
        &mut self,
        id: AgentId,
        agent: Agent,
        to: &AccountId,
        reason: Reason,
        memo: Option<&str>,
    ) -> Answer {
        agent.check_other(to)?;
        let (from, position) = (agent.owner.clone(), agent.position);
        let mut owner = self.owner_or_new(to);
        let epochs = Epochs { agent: self.next_epoch(), owner: owner.epoch };
        let transferable = agent.transferable && reason == Reason::Token;
        let mut agent = agent.hand_over(to, epochs, owner.agents);
        agent.transferable = transferable;
        let view = agent.view(id);
        let keep_recoverers = reason == Reason::Recovery;
        self.remove_belongings(id, keep_recoverers);
        // The list first: moving another agent into the gap must not overwrite this one's record.
        self.remove_owned(&from, position)?;
        self.agents.hand_over(&id, to, &agent, &mut self.core.storage)?;
        if let Some(handle) = &agent.handle {
            self.handles.hand_over(handle, to, &HandleState::Held(id), &mut self.core.storage)?;
        }
        if keep_recoverers && let Some(recovery) = self.load_recovery(id) {
            self.recoveries.hand_over(&id, to, &recovery, &mut self.core.storage)?;
        }
        self.emit("agent_transferred", Fact::Agent(Box::new(view)));
        self.add_owned(to, &mut owner, id)?;
        self.save_owner("owner_changed", to, owner)?;
        Self::log_transfer(&from, to, id, memo);
        Ok(())
    }

    /// The same, where the new owner does nothing and pays nothing: what the old one paid for the agent's rows comes along,
    /// and `payer` adds what is short.
    pub(crate) fn send_with_its_storage(
        &mut self,
        id: AgentId,
        agent: Agent,
        (to, payer): (&AccountId, &AccountId),
        reason: Reason,
        memo: Option<&str>,
    ) -> Answer {
        agent.check_other(to)?;
        self.check_registered(to)?;
        if reason == Reason::Token {
            // Before the books are looked at: what a proposal of the receiver's own frees is not the agent's money.
            self.remove_recovery(id);
        }
        let journey = self.core.storage.depart(&agent.owner, to);
        self.hand_over(id, agent, to, reason, memo)?;
        self.core.storage.arrive(journey, payer)
    }

    /// What an agent that goes back to `to` needs beyond what comes along, at most, yoctoNEAR: a longer name of its owner, and
    /// an owner's row, unless its owner's row of now is free with it.
    pub(crate) fn short_of_return(&self, agent: &Agent, to: &AccountId) -> u128 {
        let name = to.len().saturating_sub(agent.owner.len());
        let row = if self.load_owner(to).is_some() { 0 } else { OWNER_ROW_BYTES };
        let is_last = self.load_owner(&agent.owner).is_some_and(|owner| owner.agents == 1);
        let bytes = name.saturating_add(row).saturating_sub(if is_last { OWNER_ROW_BYTES } else { 0 });
        env::storage_byte_cost().as_yoctonear().saturating_mul(u128::try_from(bytes).unwrap_or(u128::MAX))
    }

    /// Removes what an owner keeps beside the agent itself and its handle; what the owner paid for it is free again.
    pub(crate) fn remove_belongings(&mut self, id: AgentId, keep_recoverers: bool) {
        if self.heartbeats.remove(&id, &mut self.core.storage) {
            self.emit("heartbeat_removed", Fact::Heartbeat(Heartbeat { agent: id, last_seen_ms: 0 }));
        }
        self.remove_attestation(id);
        if !keep_recoverers {
            self.remove_recovery(id);
        }
    }
}
