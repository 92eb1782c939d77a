//! An owner of agents.

use charter_types::AccountId;
use charter_types::registry;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub epoch: u64,
    pub agents: u64,
}

impl Owner {
    pub fn view(&self, account: &AccountId) -> registry::Owner {
        registry::Owner { account: account.clone(), epoch: self.epoch, agents: self.agents }
    }
}
