//! An owner of agents.

use charter_types::AccountId;
use charter_types::registry::{self, FIRST_KEYS_MS, RegistryError};

use super::Outcome;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub epoch: u64,
    pub agents: u64,
    /// The last nonce of first keys.
    pub key_nonce: u64,
}

impl Owner {
    /// Each nonce once: what a key signed for one agent registers it with no other.
    pub fn use_key_nonce(&mut self, nonce: u64, now_ms: u64) -> Outcome {
        let after_ms = self.key_nonce.max(now_ms.saturating_sub(FIRST_KEYS_MS));
        if nonce <= after_ms || nonce > now_ms {
            return Err(RegistryError::KeyNonce { after_ms, now_ms });
        }
        self.key_nonce = nonce;
        Ok(())
    }

    pub fn view(&self, account: &AccountId) -> registry::Owner {
        registry::Owner { account: account.clone(), epoch: self.epoch, agents: self.agents }
    }
}
