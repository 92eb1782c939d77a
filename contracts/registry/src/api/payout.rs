//! Who is paid for an agent's work. Escrow asks for it; nobody but the owner and the new account together change it.

use charter_common::{Answer, Core, arguments};
use charter_types::registry::args::{AgentAccount, AgentRef};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Asks an account to be paid for the agent; the owner itself needs no asking. Takes `AgentAccount`. Owner, at least 1
    /// yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn set_payout(&mut self) -> Answer {
        let AgentAccount { agent: id, account } = arguments()?;
        self.change(id, "payout_offered", None, |agent, _| {
            agent.set_payout(account);
            Ok(())
        })
    }

    /// Accepts to be paid for the agent. Takes `AgentRef`. The account that was asked, 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn accept_payout(&mut self) -> Answer {
        let AgentRef { agent: id } = arguments()?;
        Core::check_one_yocto()?;
        let mut agent = self.load_agent(id)?;
        agent.accept_payout(&env::predecessor_account_id())?;
        self.save_agent("payout_set", id, agent)
    }
}
