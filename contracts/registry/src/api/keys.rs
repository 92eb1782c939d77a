//! Keys that speak for an agent.

use charter_common::{Answer, arguments, sha256};
use charter_types::Domain;
use charter_types::registry::args::{AddKey, RemoveKey};
use charter_types::registry::{KEY_PROOF_PURPOSE, KeyProof, Permission, RegistryError};
use near_sdk::{env, near};

use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// Registers a key that proved it wants to be: `proof` is its signature over [`KeyProof`] under the domain of this
    /// contract. Takes `AddKey`. Owner (at least 1 yocto) or operator with `keys`.
    #[payable]
    #[handle_result(aliased)]
    pub fn add_key(&mut self) -> Answer {
        let args: AddKey = arguments()?;
        self.change(args.agent, "key_added", Some(Permission::Keys), |agent, now_ms| {
            let proof = KeyProof {
                agent: args.agent,
                epoch: agent.epoch,
                key: args.key,
                purpose: args.purpose,
                expires_ms: args.expires_ms,
            };
            agent.add_key(&args, now_ms)?;
            if Self::is_signed(&proof, &args) { Ok(()) } else { Err(RegistryError::KeyProof {}) }
        })
    }

    /// Takes `RemoveKey`. Owner (at least 1 yocto) or operator with `keys`.
    #[payable]
    #[handle_result(aliased)]
    pub fn remove_key(&mut self) -> Answer {
        let args: RemoveKey = arguments()?;
        self.change(args.agent, "key_removed", Some(Permission::Keys), |agent, _| agent.remove_key(&args.key))
    }
}

impl Registry {
    fn is_signed(proof: &KeyProof, args: &AddKey) -> bool {
        let chain_id = env::chain_id();
        let contract = env::current_account_id();
        let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id: &chain_id, contract: &contract };
        env::ed25519_verify(&args.proof.0, domain.message(proof, sha256), &args.key.0)
    }
}
