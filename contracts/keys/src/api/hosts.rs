//! Hosts.

use charter_common::{Answer, Core, arguments, sha256};
use charter_types::Domain;
use charter_types::keys::args::{HostRef, RegisterHost};
use charter_types::keys::{Assurance, Fact, HOST_PROOF_PURPOSE, Host, HostId, HostProof, KeysError, STALENESS_MS_MAX};
use near_sdk::{env, near};

use crate::storage::StoredHost;
use crate::{Keys, KeysExt};

#[near]
impl Keys {
    /// Registers a host under the caller as operator and returns its id. Takes `RegisterHost`; `proof` is the signing
    /// key's signature over `HostProof`. The deposit pays for storage, the rest comes back.
    #[payable]
    #[handle_result(aliased)]
    pub fn register_host(&mut self) -> Answer<HostId> {
        let args: RegisterHost = arguments()?;
        self.check_running("store")?;
        let operator = env::predecessor_account_id();
        let payment = self.core.begin_payment(&operator)?;
        if !(1..=STALENESS_MS_MAX).contains(&args.max_staleness_ms) {
            return Err(KeysError::Staleness {}.into());
        }
        if args.sign_key.is_small_order() || args.encrypt_key.is_small_order() {
            return Err(KeysError::WeakKey {}.into());
        }
        let proof = HostProof { operator: operator.clone(), sign_key: args.sign_key, encrypt_key: args.encrypt_key };
        let (chain_id, contract) = (env::chain_id(), env::current_account_id());
        let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id: &chain_id, contract: &contract };
        if !env::ed25519_verify(&args.proof.0, domain.message(&proof, sha256), &args.sign_key.0) {
            return Err(KeysError::HostProof {}.into());
        }
        let id = self.next_host;
        self.next_host += 1;
        let host = Host {
            id,
            operator: operator.clone(),
            sign_key: args.sign_key,
            encrypt_key: args.encrypt_key,
            assurance: Assurance::Declared,
            generation: 0,
            max_staleness_ms: args.max_staleness_ms,
        };
        let stored = StoredHost::V1(host.clone());
        self.hosts.insert(&id, &operator, &stored, &mut self.core.storage)?;
        self.emit("host_registered", &operator, Fact::Host(host));
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    /// Moves a host's generation: every grant to it is dead. Takes `HostRef`. Its operator, no deposit.
    #[payable]
    #[handle_result(aliased)]
    pub fn revoke_host(&mut self) -> Answer {
        let HostRef { host: id } = arguments()?;
        Core::check_no_deposit()?;
        let mut host = self.host_row(id)?;
        let caller = env::predecessor_account_id();
        if host.operator != caller {
            return Err(KeysError::NotOperator { caller }.into());
        }
        host.generation += 1;
        self.hosts.update(&id, &StoredHost::V1(host.clone()), &mut self.core.storage)?;
        self.emit("host_revoked", &caller, Fact::Host(host));
        Ok(())
    }
}
