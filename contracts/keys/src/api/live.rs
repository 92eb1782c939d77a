//! Asking other contracts' views, and answering for contracts that want to know about a grant.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, arguments};
use charter_types::keys::args::CheckLive;
use charter_types::registry::AgentId;
use charter_types::registry::args::AgentRef;
use near_sdk::{GasWeight, NearToken, Promise, env, near};
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
        Ok(self.ask_view("standing", &AgentRef { agent }, "on_standing", &pending))
    }
}

impl Keys {
    /// A view of the registry, and our own `callback` with `pending` (as borsh) once it has answered.
    pub(crate) fn ask_view(
        &self,
        method: &str,
        args: &impl Serialize,
        callback: &str,
        pending: &impl BorshSerialize,
    ) -> Promise {
        let args = serde_json::to_vec(args).unwrap_or_default();
        let pending = borsh::to_vec(pending).unwrap_or_default();
        let (question, answer) = (Promise::new(self.registry.clone()), Promise::new(env::current_account_id()));
        question
            .function_call_weight(method, args, NearToken::ZERO, gas::VIEW, GasWeight(0))
            .then(answer.function_call_weight(callback, pending, NearToken::ZERO, gas::CALLBACK, GasWeight(1)))
    }
}
