//! Asking the registry's views, and answering for contracts that want to know about a grant.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, methods};
use charter_types::contract::{self, Registry};
use charter_types::keys::Decision;
use charter_types::keys::args::CheckLive;
use charter_types::keys::methods::on_standing;
use charter_types::method::{Method, Of};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, AgentId};
use near_sdk::{env, near};

use crate::{Keys, KeysExt, gas};

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingCheck {
    pub agent: AgentId,
    pub input: Vec<u8>,
}

#[methods(keys)]
#[near]
impl Keys {
    pub fn check_live(&mut self, args: CheckLive) -> Answer<Later<Decision>> {
        let agent = self.grant_row(args.grant)?.agent;
        let pending = PendingCheck { agent, input: env::input().unwrap_or_default() };
        Ok(self.ask_registry(registry::methods::standing, &AgentRef { agent }, on_standing, &pending, 4))
    }
}

impl Keys {
    /// A view of the registry, and our own `callback` with `pending` (as borsh) once it has answered.
    pub(crate) fn ask_registry<V: Method + Of<Registry>, C: Method + Of<contract::Keys>>(
        &self,
        view: V,
        args: &V::Args,
        callback: C,
        pending: &impl BorshSerialize,
        rows: u64,
    ) -> Later<C::Answer> {
        self.promise((view, gas::VIEW), V::write(args), callback, pending, rows)
    }
}
