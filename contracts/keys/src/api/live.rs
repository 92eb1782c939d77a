//! Asking the registry's views, and answering for contracts that want to know about a grant.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, arguments, ask_view};
use charter_types::keys::args::CheckLive;
use charter_types::registry::AgentId;
use charter_types::registry::args::AgentRef;
use near_sdk::{Promise, env, near};
use serde::Serialize;

use crate::{Keys, KeysExt, gas};

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingCheck {
    pub agent: AgentId,
    pub input: Vec<u8>,
}

#[near]
impl Keys {
    /// May this grant be used for this action now? For contracts, which can't read two states at once: asks the registry
    /// and resolves to a `Decision`. Takes `CheckLive`. Anyone.
    #[handle_result(aliased)]
    pub fn check_live(&mut self) -> Answer<Promise> {
        let args: CheckLive = arguments()?;
        let agent = self.grant_row(args.grant)?.agent;
        let pending = PendingCheck { agent, input: env::input().unwrap_or_default() };
        Ok(self.ask_registry("standing", &AgentRef { agent }, "on_standing", &pending))
    }
}

impl Keys {
    /// A view of the registry, and our own `callback` with `pending` (as borsh) once it has answered.
    pub(crate) fn ask_registry(
        &self,
        view: &str,
        args: &impl Serialize,
        callback: &str,
        pending: &impl BorshSerialize,
    ) -> Promise {
        ask_view(&self.registry, (view, gas::VIEW), args, callback, pending)
    }
}
