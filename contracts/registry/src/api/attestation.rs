//! Attestation: the owner says which code is good, a TEE shows that it runs it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Core, Later, encoded, methods, sha256, then_call};
use charter_types::registry::args::{AgentRef, RevokeMeasurement, SetAttestationPolicy, SubmitAttestation};
use charter_types::registry::methods::on_verdict;
use charter_types::registry::{AgentId, AttestationClaim, Epochs, Fact, Permission, RegistryError};
use charter_types::verifier::methods::verify_quote;
use charter_types::{AccountId, Ed25519Key, Hash32, X25519Key};
use near_sdk::{Promise, env, near};

use crate::model::{Agent, Attested};
use crate::{Registry, RegistryExt, gas};

/// What the callback has to know; the caller is fixed before the promise.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingVerdict {
    pub caller: AccountId,
    pub agent: AgentId,
    pub epochs: Epochs,
    pub nonce: Hash32,
    pub keys: (Ed25519Key, X25519Key),
}

#[methods(registry)]
#[near]
impl Registry {
    pub fn set_attestation_policy(
        &mut self,
        SetAttestationPolicy { agent: id, policy }: SetAttestationPolicy,
    ) -> Answer {
        let caller = self.own_agent(id)?.owner;
        let payment = self.core.begin_payment(&caller)?;
        let known = self.attestations.get(&id);
        let (event, attested) = match (policy, known) {
            (None, None) => return Err(RegistryError::NoPolicy {}.into()),
            (None, Some(mut attested)) => {
                let keeps = attested.clear_policy();
                ("attestation_policy_cleared", keeps.then_some(attested))
            }
            (Some(policy), None) => ("attestation_policy_set", Some(Attested::new(policy)?)),
            (Some(policy), Some(mut attested)) => {
                attested.set_policy(policy)?;
                ("attestation_policy_set", Some(attested))
            }
        };
        match attested {
            Some(attested) => self.save_attested(event, id, attested)?,
            None => self.remove_attestation(id),
        }
        self.core.finish_payment(payment)
    }

    pub fn revoke_measurement(&mut self, RevokeMeasurement { agent: id, sha256 }: RevokeMeasurement) -> Answer {
        let mut attested = self.guarded_attested(id)?;
        attested.revoke_measurement(sha256)?;
        self.save_attested("measurement_revoked", id, attested)
    }

    pub fn revoke_attestation(&mut self, AgentRef { agent: id }: AgentRef) -> Answer {
        let mut attested = self.guarded_attested(id)?;
        attested.revoke()?;
        self.save_attested("attestation_revoked", id, attested)
    }

    pub fn begin_attestation(&mut self, AgentRef { agent: id }: AgentRef) -> Answer<Hash32> {
        self.attester_agent(id)?;
        let mut attested = self.load_attested(id)?;
        let nonce = Hash32::of(&(env::random_seed_array(), id, self.core.events.head().seq), sha256);
        let nonce = attested.begin(nonce, env::block_timestamp_ms())?;
        self.save_attested("attestation_begun", id, attested)?;
        Ok(nonce)
    }

    pub fn submit_attestation(&mut self, args: SubmitAttestation) -> Answer<Later<()>> {
        let agent = self.attester_agent(args.agent)?;
        if args.sign_key.is_small_order() || args.encrypt_key.is_small_order() {
            return Err(RegistryError::WeakKey {}.into());
        }
        if !self.is_armed(&agent) {
            return Err(RegistryError::Disarmed { id: args.agent }.into());
        }
        let now_ms = env::block_timestamp_ms();
        let mut attested = self.load_attested(args.agent)?;
        let nonce = attested.take_nonce(now_ms)?;
        self.save_attested("attestation_submitted", args.agent, attested)?;
        let pending = PendingVerdict {
            caller: env::predecessor_account_id(),
            agent: args.agent,
            epochs: Epochs { agent: agent.epoch, owner: agent.owner_epoch },
            nonce,
            keys: (args.sign_key, args.encrypt_key),
        };
        // As `verify_quote` reads its arguments; the collateral is in borsh already.
        let question = [encoded(&args.quote.0), args.collateral.0, encoded(&(now_ms / 1_000))].concat();
        let asked = then_call(Promise::new(self.verifier.clone()), verify_quote, question, gas::VERIFY, 0);
        let us = Promise::new(env::current_account_id());
        let settle = then_call(us, on_verdict, encoded(&pending), gas::ON_VERDICT, 1);
        Ok(Later::to(on_verdict, asked.then(settle)))
    }
}

impl Registry {
    /// For the owner with 1 yocto; for the agent's account or an operator with `attest` with nothing.
    fn attester_agent(&self, id: AgentId) -> Answer<Agent> {
        let agent = self.load_agent(id)?;
        let caller = env::predecessor_account_id();
        if agent.owner == caller {
            Core::check_one_yocto()?;
            return Ok(agent);
        }
        let roles = agent.roles(&caller, self.is_armed(&agent), env::block_timestamp_ms());
        if !roles.agent {
            agent.check_permitted(&roles, Permission::Attest, &caller)?;
        }
        Core::check_no_deposit()?;
        Ok(agent)
    }

    /// What is kept of an agent whose owner or guardian calls.
    fn guarded_attested(&self, id: AgentId) -> Answer<Attested> {
        self.guarded_agent(id)?;
        self.load_attested(id)
    }

    pub(crate) fn remove_attestation(&mut self, id: AgentId) {
        if self.attestations.remove(&id, &mut self.core.storage) {
            self.emit("attestation_removed", Fact::AttestationRemoved(id));
        }
    }

    pub(crate) fn save_attested(&mut self, event: &str, id: AgentId, attested: Attested) -> Answer {
        let view = attested.view(id);
        let payer = self.agent_payer(id)?;
        self.attestations.put(&id, payer, &attested, &mut self.core.storage)?;
        self.emit(event, Fact::Attestation(Box::new(view)));
        Ok(())
    }

    /// The `report_data` that binds a quote to this chain, contract, agent, nonce and keys.
    pub(crate) fn report_data(pending: &PendingVerdict) -> [u8; 64] {
        let (sign_key, encrypt_key) = pending.keys;
        let claim = AttestationClaim {
            agent: pending.agent,
            epoch: pending.epochs.agent,
            nonce: pending.nonce,
            sign_key,
            encrypt_key,
        };
        claim.report_data(&env::chain_id(), &env::current_account_id(), sha256)
    }
}
