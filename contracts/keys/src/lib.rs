#![doc = include_str!("../README.md")]

mod acts;
mod api;
mod gas;
mod migrate;
mod model;
mod storage;

use charter_common::{Core, Rows, charter_contract};
use charter_types::admin::Setup;
use charter_types::keys::{
    Envelope, Fact, GrantId, HostId, LeaseId, Recipient, STANDARD, SealedKey, SecretId, VERSION,
};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Hash32};
use near_sdk::{PanicOnDefault, env, near};

use storage::{Prefix, StoredApproval, StoredBudget, StoredGrant, StoredHost, StoredLease, StoredSecret};

/// Which credentials an agent may use, where, for what.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Keys {
    core: Core,
    registry: AccountId,
    /// NEAR's MPC contract, once it is named.
    mpc: Option<AccountId>,
    next_host: HostId,
    next_secret: SecretId,
    next_grant: GrantId,
    next_lease: LeaseId,
    hosts: Rows<HostId, StoredHost>,
    secrets: Rows<SecretId, StoredSecret>,
    /// Ciphertext of a secret's newest version.
    envelopes: Rows<SecretId, Envelope>,
    /// Data keys, by secret, version and host.
    wraps: Rows<(SecretId, u32, HostId), SealedKey>,
    /// Who could ever open a secret, in order.
    recipients: Rows<(SecretId, u64), Recipient>,
    labels: Rows<(AgentId, Hash32), SecretId>,
    grants: Rows<GrantId, StoredGrant>,
    budgets: Rows<GrantId, StoredBudget>,
    leases: Rows<LeaseId, StoredLease>,
    approvals: Rows<(GrantId, Hash32), StoredApproval>,
}

// Revoking, settling and rejecting can't be paused.
charter_contract!(Keys, keys, features: ["store", "grant", "release"]);

#[charter_common::methods(keys)]
#[near]
impl Keys {
    #[init]
    pub fn new(Setup { account, registry }: Setup) -> charter_common::Answer<Self> {
        Ok(Self {
            core: Core::new(account),
            registry,
            mpc: None,
            next_host: 1,
            next_secret: 1,
            next_grant: 1,
            next_lease: 1,
            hosts: Rows::new(Prefix::HOSTS),
            secrets: Rows::new(Prefix::SECRETS),
            envelopes: Rows::new(Prefix::ENVELOPES),
            wraps: Rows::new(Prefix::WRAPS),
            recipients: Rows::new(Prefix::RECIPIENTS),
            labels: Rows::new(Prefix::LABELS),
            grants: Rows::new(Prefix::GRANTS),
            budgets: Rows::new(Prefix::BUDGETS),
            leases: Rows::new(Prefix::LEASES),
            approvals: Rows::new(Prefix::APPROVALS),
        })
    }
}

impl Keys {
    fn emit(&mut self, event: &str, by: &AccountId, fact: Fact) {
        self.core.events.emit((STANDARD, VERSION), event, by, fact);
    }

    fn now_ms() -> u64 {
        env::block_timestamp_ms()
    }
}
