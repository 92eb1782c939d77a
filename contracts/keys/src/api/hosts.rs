//! Hosts.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Reservation, is_signed, methods, sha256};
use charter_types::keys::args::{AnchorReceipts, AttestHost, ChangeHostKeys, HostRef, RegisterHost, SetHostStatus};
use charter_types::keys::methods::on_attestation;
use charter_types::keys::{
    Anchor, Assurance, Fact, HOST_CHANGE_PURPOSE, HOST_PROOF_PURPOSE, Host, HostChange, HostId, HostProof, HostStatus,
    KeysError, STALENESS_MS_MAX,
};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, AgentId};
use charter_types::{AccountId, Ed25519Key, Hash32, X25519Key};
use near_sdk::{env, near};

use crate::{Keys, KeysExt};

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingAttestation {
    pub caller: AccountId,
    pub host: HostId,
    /// The host's when the registry was asked: an answer about keys that were revoked meanwhile is about nothing.
    pub host_generation: u64,
    pub agent: AgentId,
    pub reserved: Reservation,
}

/// What an attestation adds to a host's row.
const ASSURANCE_BYTES: u64 = 48;

/// Points of small order pass for anybody's key.
fn check_keys(sign_key: &Ed25519Key, encrypt_key: &X25519Key) -> Answer {
    if sign_key.is_small_order() || encrypt_key.is_small_order() {
        return Err(KeysError::WeakKey {}.into());
    }
    Ok(())
}

#[methods(keys)]
#[near]
impl Keys {
    pub fn register_host(&mut self, args: RegisterHost) -> Answer<HostId> {
        self.check_running("store")?;
        let operator = env::predecessor_account_id();
        let payment = self.core.begin_payment(&operator)?;
        if !(1..=STALENESS_MS_MAX).contains(&args.max_staleness_ms) {
            return Err(KeysError::Staleness {}.into());
        }
        check_keys(&args.sign_key, &args.encrypt_key)?;
        let proof = HostProof { operator: operator.clone(), sign_key: args.sign_key, encrypt_key: args.encrypt_key };
        if !is_signed(HOST_PROOF_PURPOSE, &proof, &args.proof, &args.sign_key) {
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
            status: HostStatus::Active,
            generation: 0,
            max_staleness_ms: args.max_staleness_ms,
            receipts: 0,
            receipt_root: Hash32::default(),
        };
        self.hosts.insert(&id, &operator, &host, &mut self.core.storage)?;
        self.emit("host_registered", &operator, Fact::Host(host));
        self.core.finish_payment(payment)?;
        Ok(id)
    }

    pub fn set_host_status(&mut self, SetHostStatus { host, status }: SetHostStatus) -> Answer {
        let caller = env::predecessor_account_id();
        let mut host = self.own_host(host, &caller)?;
        if [host.status, status].contains(&HostStatus::Revoked) {
            return Err(KeysError::HostRevoked {}.into());
        }
        host.status = status;
        self.save_host("host_status_set", &caller, host)
    }

    pub fn change_host_keys(&mut self, args: ChangeHostKeys) -> Answer {
        let caller = env::predecessor_account_id();
        let mut host = self.own_host(args.host, &caller)?;
        if args.generation != host.generation {
            return Err(KeysError::HostGeneration { found: host.generation }.into());
        }
        check_keys(&args.sign_key, &args.encrypt_key)?;
        // What is revoked may be known to others, and so may the key beside one that changes.
        if args.sign_key == host.sign_key || args.encrypt_key == host.encrypt_key {
            return Err(KeysError::HostRevoked {}.into());
        }
        host.generation += 1;
        let (sign_key, encrypt_key) = (args.sign_key, args.encrypt_key);
        let (id, generation) = (host.id, host.generation);
        let statement = HostChange { host: id, generation, operator: caller.clone(), sign_key, encrypt_key };
        if !is_signed(HOST_CHANGE_PURPOSE, &statement, &args.proof, &sign_key) {
            return Err(KeysError::HostChange {}.into());
        }
        (host.sign_key, host.encrypt_key) = (sign_key, encrypt_key);
        host.assurance = Assurance::Declared;
        if host.status == HostStatus::Revoked {
            host.status = HostStatus::Active;
        }
        self.save_host("host_keys_changed", &caller, host)
    }

    pub fn remove_host(&mut self, HostRef { host }: HostRef) -> Answer {
        let caller = env::predecessor_account_id();
        self.own_host(host, &caller)?;
        self.hosts.remove(&host, &mut self.core.storage);
        self.emit("host_removed", &caller, Fact::HostRemoved(host));
        Ok(())
    }

    pub fn revoke_host(&mut self, HostRef { host }: HostRef) -> Answer {
        let caller = env::predecessor_account_id();
        let mut host = self.own_host(host, &caller)?;
        host.generation += 1;
        host.status = HostStatus::Revoked;
        // Whoever has the host's keys has those that were attested.
        host.assurance = Assurance::Declared;
        self.save_host("host_revoked", &caller, host)
    }

    pub fn attest_host(&mut self, AttestHost { host, agent }: AttestHost) -> Answer<Later<()>> {
        let caller = env::predecessor_account_id();
        let host_generation = self.own_host(host, &caller)?.generation;
        let reserved = self.core.storage.reserve(&caller, ASSURANCE_BYTES)?;
        let pending = PendingAttestation { caller, host, host_generation, agent, reserved };
        Ok(self.ask_registry(registry::methods::attestation, &AgentRef { agent }, on_attestation, &pending, 1))
    }

    pub fn anchor_receipts(&mut self, AnchorReceipts { host, from, to, merkle_root }: AnchorReceipts) -> Answer {
        let caller = env::predecessor_account_id();
        let mut host = self.own_host(host, &caller)?;
        let next = host.receipts.saturating_add(1);
        if from != next || to < from {
            return Err(KeysError::Receipts { next }.into());
        }
        host.receipts = to;
        host.receipt_root = Hash32(sha256(&[host.receipt_root.0, merkle_root.0].concat()));
        let anchor = Anchor { host: host.id, from, to, merkle_root, at_ms: Self::now_ms() };
        self.save_host("receipts_anchored", &caller, host)?;
        self.emit("anchored", &caller, Fact::Anchor(anchor));
        Ok(())
    }
}
