//! Keys that speak for an agent.

use charter_common::{Answer, is_signed, methods};
use charter_types::registry::args::{AddKey, RemoveKey, RotateKey};
use charter_types::registry::{AgentId, AgentKey, KEY_PROOF_PURPOSE, KeyProof, Permission, RegistryError};
use charter_types::{AnyKey, Ed25519Key, Signature64};
use near_sdk::near;

use crate::model::Agent;
use crate::{Registry, RegistryExt};

#[methods(registry)]
#[near]
impl Registry {
    pub fn add_key(&mut self, AddKey { agent: id, key, purpose, expires_ms, proof, endorsed_by }: AddKey) -> Answer {
        self.change(id, "key_added", Some(Permission::Keys), |agent, now_ms| {
            let key = AgentKey { key, purpose, expires_ms };
            check_proof(id, agent, &key, (proof, endorsed_by), now_ms)?;
            agent.add_key(key, now_ms)
        })
    }

    pub fn rotate_key(
        &mut self,
        RotateKey { agent: id, old, key, expires_ms, proof, endorsed_by }: RotateKey,
    ) -> Answer {
        self.change(id, "key_rotated", Some(Permission::Keys), |agent, now_ms| {
            let key = AgentKey { key, purpose: agent.remove_key(&old)?.purpose, expires_ms };
            check_proof(id, agent, &key, (proof, endorsed_by), now_ms)?;
            agent.add_key(key, now_ms)
        })
    }

    pub fn remove_key(&mut self, args: RemoveKey) -> Answer {
        self.change(args.agent, "key_removed", Some(Permission::Keys), |agent, _| {
            agent.remove_key(&args.key).map(|_| ())
        })
    }
}

/// Whether the key, or one that may vouch for it, signed that it shall be the agent's.
fn check_proof(
    id: AgentId,
    agent: &Agent,
    key: &AgentKey,
    (proof, endorsed_by): (Signature64, Option<Ed25519Key>),
    now_ms: u64,
) -> Result<(), RegistryError> {
    let signer = match (key.key, endorsed_by) {
        (AnyKey::Ed25519(own), None) => own,
        (AnyKey::X25519(_), Some(other)) if agent.signs_with(AnyKey::Ed25519(other), now_ms) => other,
        _ => return Err(RegistryError::KeyProof {}),
    };
    let statement =
        KeyProof { agent: id, epoch: agent.epoch, key: key.key, purpose: key.purpose, expires_ms: key.expires_ms };
    if is_signed(KEY_PROOF_PURPOSE, &statement, &proof, &signer) { Ok(()) } else { Err(RegistryError::KeyProof {}) }
}
