//! Who is paid for an agent's work. Escrow asks for it; nobody but the owner and the new account together change it.

use charter_common::{Answer, methods};
use charter_types::registry::args::{AcceptPayout, AgentAccount};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn set_payout(&mut self, AgentAccount { agent: id, account }: AgentAccount) -> Answer {
        self.change(id, "payout_offered", None, |agent, _| {
            agent.set_payout(account);
            Ok(())
        })
    }

    pub fn accept_payout(&mut self, AcceptPayout { agent: id, owner }: AcceptPayout) -> Answer {
        let mut agent = self.load_agent(id)?;
        agent.accept_payout(&env::predecessor_account_id(), &owner)?;
        self.save_agent("payout_set", id, agent)
    }
}
