//! Handing an agent over. Both sides act; the new owner pays for its own storage.

use charter_common::{Answer, methods};
use charter_types::AccountId;
use charter_types::registry::args::{AgentAccount, AgentRef};
use charter_types::registry::{AgentId, Epochs, Fact, Heartbeat};
use near_sdk::{env, near};

use crate::model::Agent;
use crate::{Registry, RegistryExt};

// What rows have beside the record of an agent and the letters of a handle: key, payer where the key names none, the
// smaller records, and 40 bytes of NEAR's.
const AGENT_ROW_BYTES: usize = 9 + 20 + 40;
const HANDLE_ROW_BYTES: usize = 5 + 20 + 8 + 40;
const OWNER_ROW_BYTES: usize = 21 + 17 + 40;
const OWNED_ROW_BYTES: usize = 29 + 8 + 40;

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
        let mut agent = self.load_agent(id)?;
        agent.check_owner(&env::predecessor_account_id())?;
        agent.offer = None;
        self.save_agent("transfer_cancelled", id, agent)
    }

    pub fn accept_transfer(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        agent.check_offered(&caller, env::block_timestamp_ms())?;
        self.hand_over(id, agent, &caller, false, None)?;
        self.core.finish_payment(payment)
    }
}

impl Registry {
    /// Moves an agent to `to`, who pays for it from here on out of prepaid storage. Recoverers stay only if it was they
    /// who moved it.
    pub(crate) fn hand_over(
        &mut self,
        id: AgentId,
        agent: Agent,
        to: &AccountId,
        keep_recoverers: bool,
        memo: Option<&str>,
    ) -> Answer {
        let (from, position) = (agent.owner.clone(), agent.position);
        let mut owner = self.owner_or_new(to)?;
        let epochs = Epochs { agent: self.next_epoch(), owner: owner.epoch };
        let agent = agent.hand_over(to, epochs, owner.agents);
        let view = agent.view(id);
        self.remove_belongings(id, keep_recoverers);
        // The list first: moving another agent into the gap must not overwrite this one's record.
        self.remove_owned(&from, position)?;
        self.agents.hand_over(&id, to, &agent, &mut self.core.storage)?;
        if let Some(handle) = &agent.handle {
            self.handles.hand_over(handle, to, &id, &mut self.core.storage)?;
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

    /// What an agent's rows would cost a new owner, yoctoNEAR.
    pub(crate) fn price_of_hand_over(&self, id: AgentId, agent: &Agent, to: &AccountId) -> u128 {
        let record = self.agents.record_bytes(&id, &agent.clone().hand_over(to, Epochs::default(), 0));
        let handle = agent.handle.as_ref().map_or(0, |handle| handle.len().saturating_add(HANDLE_ROW_BYTES));
        let owner = if self.load_owner(to).is_some() { 0 } else { OWNER_ROW_BYTES };
        let bytes = [AGENT_ROW_BYTES, OWNED_ROW_BYTES, handle, owner].into_iter().fold(record, usize::saturating_add);
        env::storage_byte_cost().as_yoctonear().saturating_mul(u128::try_from(bytes).unwrap_or(u128::MAX))
    }

    /// Removes what an owner keeps beside the agent itself and its handle; what the owner paid for it is free again.
    pub(crate) fn remove_belongings(&mut self, id: AgentId, keep_recoverers: bool) {
        if self.heartbeats.remove(&id, &mut self.core.storage) {
            self.emit("heartbeat_removed", Fact::Heartbeat(Heartbeat { agent: id, last_seen_ms: 0 }));
        }
        if self.attestations.remove(&id, &mut self.core.storage) {
            self.emit("attestation_removed", Fact::AttestationRemoved(id));
        }
        if !keep_recoverers {
            self.remove_recovery(id);
        }
    }
}
