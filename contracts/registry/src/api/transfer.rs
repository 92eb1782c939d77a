//! Handing an agent over. Both sides act; the new owner pays for its own storage.

use charter_common::{Answer, Core, arguments};
use charter_types::registry::args::{AgentAccount, AgentRef};
use charter_types::registry::{Epochs, Fact};
use near_sdk::{env, near};

use crate::storage::StoredAgent;
use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Offers an agent to an account. Takes `AgentAccount`. Owner, at least 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn offer_transfer(&mut self) -> Answer {
        let args: AgentAccount = arguments()?;
        self.change(args.agent, "transfer_offered", None, |agent, _| agent.offer(args.account))
    }

    /// Takes `AgentRef`. Owner, 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn cancel_transfer(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        Core::check_one_yocto()?;
        let mut agent = self.load_agent(id)?;
        agent.check_owner(&env::predecessor_account_id())?;
        agent.offered_to = None;
        self.save_agent("transfer_cancelled", id, agent)
    }

    /// Takes an offered agent over: its epoch moves and every role, key and right of before is gone. Takes `AgentRef`.
    /// The account it is offered to; the deposit pays for storage, the rest comes back.
    #[payable]
    #[handle_result(aliased)]
    pub fn accept_transfer(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        let payment = self.core.begin_payment(&caller)?;
        let (from, position) = (agent.owner.clone(), agent.position);
        let owner = self.owner_or_new(&caller, &caller)?;
        let epochs = Epochs { agent: self.next_epoch(), owner: owner.epoch };
        let agent = agent.hand_over(&caller, epochs, owner.agents)?;
        let view = agent.view(id);
        // The list first: moving another agent into the gap must not overwrite this one's record.
        self.remove_owned(&from, position)?;
        self.agents.remove(&id, &mut self.core.storage);
        self.agents.insert(&id, &caller, &StoredAgent::V1(agent), &mut self.core.storage)?;
        self.emit("agent_transferred", Fact::Agent(Box::new(view)));
        self.add_owned(&caller, owner, id, &caller)?;
        Self::log_transfer(&from, &caller, id);
        self.core.finish_payment(payment)
    }
}
