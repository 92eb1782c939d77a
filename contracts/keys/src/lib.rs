#![doc = include_str!("../README.md")]

mod acts;
mod api;
mod gas;
mod migrate;
mod model;
mod records;
mod storage;

use charter_common::{Core, LayoutVersion, Rows, charter_contract};
use charter_types::admin::Setup;
use charter_types::keys::{Fact, GrantId, HostId, LeaseId, SecretId};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Hash32};
use near_sdk::{PanicOnDefault, env, near};

use records::{
    StoredApproval, StoredBudget, StoredEnvelope, StoredGrant, StoredHost, StoredLease, StoredRecipient,
    StoredSealedKey, StoredSecret,
};
use storage::Prefix;

/// Which credentials an agent may use, where, for what.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Keys {
    layout: LayoutVersion<1>,
    core: Core,
    registry: AccountId,
    /// NEAR's MPC contract, once it is named.
    mpc: Option<AccountId>,
    next_host: HostId,
    next_secret: SecretId,
    next_grant: GrantId,
    next_lease: LeaseId,
    hosts: Rows<HostId, StoredHost, { Prefix::HOSTS }>,
    secrets: Rows<SecretId, StoredSecret, { Prefix::SECRETS }>,
    /// Ciphertext of a secret's newest version.
    envelopes: Rows<SecretId, StoredEnvelope, { Prefix::ENVELOPES }>,
    /// Data keys, by secret, version and host.
    wraps: Rows<(SecretId, u32, HostId), StoredSealedKey, { Prefix::WRAPS }>,
    /// Who could ever open a secret, in order.
    recipients: Rows<(SecretId, u64), StoredRecipient, { Prefix::RECIPIENTS }>,
    labels: Rows<(AgentId, Hash32), SecretId, { Prefix::LABELS }>,
    grants: Rows<GrantId, StoredGrant, { Prefix::GRANTS }>,
    budgets: Rows<GrantId, StoredBudget, { Prefix::BUDGETS }>,
    leases: Rows<LeaseId, StoredLease, { Prefix::LEASES }>,
    /// As release `faa0a5a` kept them, for all hosts: they are answered, used and withdrawn, and no more are made.
    early_approvals: Rows<(GrantId, Hash32), StoredApproval, { Prefix::EARLY_APPROVALS }>,
    approvals: Rows<(GrantId, HostId, Hash32), StoredApproval, { Prefix::APPROVALS }>,
}

// Revoking, settling and rejecting can't be paused.
charter_contract!(Keys, keys, features: ["store", "grant", "release"]);

#[charter_common::methods(keys)]
#[near]
impl Keys {
    #[init]
    pub fn new(Setup { account, registry }: Setup) -> charter_common::Answer<Self> {
        Ok(Self {
            layout: LayoutVersion,
            core: Core::new(STANDARD, account),
            registry,
            mpc: None,
            next_host: 1,
            next_secret: 1,
            next_grant: 1,
            next_lease: 1,
            hosts: Rows::default(),
            secrets: Rows::default(),
            envelopes: Rows::default(),
            wraps: Rows::default(),
            recipients: Rows::default(),
            labels: Rows::default(),
            grants: Rows::default(),
            budgets: Rows::default(),
            leases: Rows::default(),
            early_approvals: Rows::default(),
            approvals: Rows::default(),
        })
    }
}

impl Keys {
    fn emit(&mut self, event: &str, by: &AccountId, fact: Fact) {
        self.core.events.emit(STANDARD, event, by, fact);
    }

    fn now_ms() -> u64 {
        env::block_timestamp_ms()
    }
}
