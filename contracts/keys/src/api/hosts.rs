//! Hosts.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, is_signed, methods, sha256};
use charter_types::keys::args::{AnchorReceipts, AttestHost, HostRef, RegisterHost, SetHostStatus};
use charter_types::keys::methods::on_attestation;
use charter_types::keys::{
    Anchor, Assurance, Fact, HOST_PROOF_PURPOSE, Host, HostId, HostProof, HostStatus, KeysError, STALENESS_MS_MAX,
};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, AgentId};
use charter_types::{AccountId, Hash32};
use near_sdk::{env, near};

use crate::{Keys, KeysExt};

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingAttestation {
    pub caller: AccountId,
    pub host: HostId,
    pub agent: AgentId,
    pub reserved_bytes: u64,
}

/// What an attestation adds to a host's row.
const ASSURANCE_BYTES: u64 = 48;

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
        if args.sign_key.is_small_order() || args.encrypt_key.is_small_order() {
            return Err(KeysError::WeakKey {}.into());
        }
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
        host.status = status;
        self.save_host("host_status_set", &caller, host)
    }

    pub fn revoke_host(&mut self, HostRef { host }: HostRef) -> Answer {
        let caller = env::predecessor_account_id();
        let mut host = self.own_host(host, &caller)?;
        host.generation += 1;
        // Whoever has the host's keys has those that were attested.
        host.assurance = Assurance::Declared;
        self.save_host("host_revoked", &caller, host)
    }

    pub fn attest_host(&mut self, AttestHost { host, agent }: AttestHost) -> Answer<Later<()>> {
        let caller = env::predecessor_account_id();
        self.own_host(host, &caller)?;
        self.core.storage.charge(&caller, ASSURANCE_BYTES)?;
        let pending = PendingAttestation { caller, host, agent, reserved_bytes: ASSURANCE_BYTES };
        Ok(self.ask_registry(registry::methods::attestation, &AgentRef { agent }, on_attestation, &pending))
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
