//! Calls that need authority: they reserve storage, ask the registry, and act in the callback on its answer.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, ask_authority};
use charter_types::AccountId;
use charter_types::keys::Added;
use charter_types::keys::methods::on_authority;
use charter_types::registry::AgentId;
use near_sdk::env;

use crate::Keys;

/// What to do once the registry has answered. The caller is fixed before the promise, and the arguments travel as they
/// came: reading them again costs less than a second encoding of every type.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Pending {
    pub caller: AccountId,
    pub agent: AgentId,
    /// Bytes of the caller's storage balance set aside for what will be stored.
    pub reserved_bytes: u64,
    pub wish: Wish,
    pub input: Vec<u8>,
}

#[derive(Clone, Copy, BorshSerialize, BorshDeserialize)]
pub(crate) enum Wish {
    AddCredential,
    CreateSecret,
    PutEnvelope,
    AddWraps,
    RotateSecret,
    RetireSecret,
    Grant,
    GrantBatch,
    Delegate,
    Narrow,
    Suspend,
    Resume,
    RevokeGrant,
    RevokeSecret,
    Approve,
    Reject,
}

/// What NEAR and our keys add to a row, and the records' fixed fields, generously.
const ROW_BYTES: u64 = 420;

impl Keys {
    /// Reserves `rows` rows and `payload` bytes from the caller's prepaid storage and asks who the caller is.
    pub(crate) fn ask(&mut self, agent: AgentId, wish: Wish, rows: usize, payload: usize) -> Answer<Later<Added>> {
        let caller = env::predecessor_account_id();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let reserved_bytes = count(rows).saturating_mul(ROW_BYTES).saturating_add(count(payload));
        self.core.storage.charge(&caller, reserved_bytes)?;
        let input = env::input().unwrap_or_default();
        let pending = Pending { caller: caller.clone(), agent, reserved_bytes, wish, input };
        Ok(ask_authority(&self.registry, agent, &caller, on_authority, &pending))
    }
}
