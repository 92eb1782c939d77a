//! Keys that speak for an agent.

use charter_common::{Answer, is_signed, methods};
use charter_types::registry::args::{AddKey, FirstKey, FirstKeys, RemoveKey, RotateKey};
use charter_types::registry::{
    AgentId, AgentKey, FIRST_KEY_PURPOSE, FirstKeyProof, KEY_PROOF_PURPOSE, KeyProof, Permission, RegistryError,
};
use charter_types::{AnyKey, Ed25519Key, Signature64};
use near_sdk::near;

use crate::model::{Agent, Outcome, Owner};
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
    &AgentKey { key, purpose, expires_ms }: &AgentKey,
    (proof, endorsed_by): (Signature64, Option<Ed25519Key>),
    now_ms: u64,
) -> Outcome {
    let signer = signer(agent, key, endorsed_by, now_ms)?;
    let statement = KeyProof { agent: id, epoch: agent.epoch, key, purpose, expires_ms };
    if is_signed(KEY_PROOF_PURPOSE, &statement, &proof, &signer) { Ok(()) } else { Err(RegistryError::KeyProof {}) }
}

/// Who has to sign for a new key of the agent.
fn signer(
    agent: &Agent,
    key: AnyKey,
    endorsed_by: Option<Ed25519Key>,
    now_ms: u64,
) -> Result<Ed25519Key, RegistryError> {
    match (key, endorsed_by) {
        (AnyKey::Ed25519(own), None) => Ok(own),
        (AnyKey::X25519(_), Some(other)) if agent.signs_with(AnyKey::Ed25519(other), now_ms) => Ok(other),
        _ => Err(RegistryError::KeyProof {}),
    }
}

/// The keys that an agent is registered with.
pub(super) fn add_first_keys(agent: &mut Agent, owner: &mut Owner, first: FirstKeys, now_ms: u64) -> Outcome {
    let FirstKeys { nonce, keys } = first;
    owner.use_key_nonce(nonce, now_ms)?;
    keys.into_iter().try_for_each(|FirstKey { key, purpose, expires_ms, proof, endorsed_by }| {
        let signer = signer(agent, key, endorsed_by, now_ms)?;
        let statement = FirstKeyProof { owner: agent.owner.clone(), nonce, key, purpose, expires_ms };
        if !is_signed(FIRST_KEY_PURPOSE, &statement, &proof, &signer) {
            return Err(RegistryError::KeyProof {});
        }
        agent.add_key(AgentKey { key, purpose, expires_ms }, now_ms)
    })
}
