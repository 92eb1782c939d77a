//! The registry's methods.

use charter_types::Nothing;
use charter_types::registry::AgentId;
use charter_types::registry::args::{
    AddKey, AgentAccount, AgentRef, Pause, Rearm, RegisterAgent, SetCard, SetRecoverers,
};
use serde::Serialize;

use super::{Contracts, Reply, STORAGE_DEPOSIT, Sent, done};
use crate::{Account, Call};

impl Contracts {
    /// A call that may store: what storage does not take of the deposit comes back.
    async fn registry_pays(&self, caller: &Account, method: &str, args: &impl Serialize) -> Sent {
        caller.call(&self.registry, Call::json(method, args).deposit(STORAGE_DEPOSIT)).await
    }

    /// A call whose 1 yocto shows that a full-access key signed it.
    async fn registry_signs(&self, caller: &Account, method: &str, args: &impl Serialize) -> Sent {
        caller.call(&self.registry, Call::json(method, args).deposit(1)).await
    }

    pub async fn register_agent(&self, owner: &Account, args: &RegisterAgent) -> Reply<AgentId> {
        done(self.registry_pays(owner, "register_agent", args).await?)
    }

    pub async fn set_card(&self, owner: &Account, args: &SetCard) -> Sent {
        self.registry_pays(owner, "set_card", args).await
    }

    pub async fn add_key(&self, owner: &Account, args: &AddKey) -> Sent {
        self.registry_pays(owner, "add_key", args).await
    }

    pub async fn retire(&self, owner: &Account, agent: AgentId) -> Sent {
        self.registry_signs(owner, "retire", &AgentRef { agent }).await
    }

    pub async fn offer_transfer(&self, owner: &Account, args: &AgentAccount) -> Sent {
        self.registry_pays(owner, "offer_transfer", args).await
    }

    pub async fn cancel_transfer(&self, owner: &Account, agent: AgentId) -> Sent {
        self.registry_signs(owner, "cancel_transfer", &AgentRef { agent }).await
    }

    /// By the account that the agent is offered to.
    pub async fn accept_transfer(&self, to: &Account, agent: AgentId) -> Sent {
        self.registry_pays(to, "accept_transfer", &AgentRef { agent }).await
    }

    /// By the owner; a guardian's takes no deposit.
    pub async fn pause(&self, owner: &Account, args: &Pause) -> Sent {
        self.registry_signs(owner, "pause", args).await
    }

    /// For a while, without a deposit.
    pub async fn pause_as_guardian(&self, guardian: &Account, args: &Pause) -> Sent {
        guardian.call(&self.registry, Call::json("pause", args)).await
    }

    pub async fn unpause(&self, owner: &Account, agent: AgentId) -> Sent {
        self.registry_pays(owner, "unpause", &AgentRef { agent }).await
    }

    pub async fn panic_all(&self, owner: &Account) -> Sent {
        self.registry_signs(owner, "panic_all", &Nothing {}).await
    }

    pub async fn rearm(&self, owner: &Account, agents: Vec<AgentId>) -> Sent {
        self.registry_signs(owner, "rearm", &Rearm { agents }).await
    }

    pub async fn set_recoverers(&self, owner: &Account, args: &SetRecoverers) -> Sent {
        self.registry_pays(owner, "set_recoverers", args).await
    }

    /// By a recoverer, with the new owner.
    pub async fn propose_recovery(&self, recoverer: &Account, args: &AgentAccount) -> Sent {
        self.registry_pays(recoverer, "propose_recovery", args).await
    }

    /// By another recoverer, with who proposed.
    pub async fn approve_recovery(&self, recoverer: &Account, args: &AgentAccount) -> Sent {
        self.registry_signs(recoverer, "approve_recovery", args).await
    }

    pub async fn veto_recovery(&self, owner: &Account, agent: AgentId) -> Sent {
        self.registry_signs(owner, "veto_recovery", &AgentRef { agent }).await
    }

    /// By anyone, with who proposed. The new owner has prepaid storage.
    pub async fn execute_recovery(&self, anyone: &Account, args: &AgentAccount) -> Sent {
        anyone.call(&self.registry, Call::json("execute_recovery", args)).await
    }

    /// Prepays storage for one agent, for an account that an agent comes to without a call of its own.
    pub async fn prepay_registry(&self, owner: &Account) -> Sent {
        self.registry_pays(owner, "storage_deposit", &Nothing {}).await
    }
}
