#![doc = include_str!("../README.md")]

mod api;
mod migrate;
mod model;
mod storage;

use charter_common::{Core, Rows, charter_contract};
use charter_types::keys::{Fact, GrantId, HostId, STANDARD, SecretId, VERSION};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Base64Bytes, Hash32};
use near_sdk::{PanicOnDefault, env, near};

use storage::{Prefix, StoredGrant, StoredHost, StoredSecret};

/// Which credentials an agent may use, where, for what.
#[near(contract_state)]
#[derive(PanicOnDefault)]
pub struct Keys {
    core: Core,
    registry: AccountId,
    next_host: HostId,
    next_secret: SecretId,
    next_grant: GrantId,
    hosts: Rows<HostId, StoredHost>,
    secrets: Rows<SecretId, StoredSecret>,
    /// Ciphertext of a secret's newest version.
    envelopes: Rows<SecretId, Base64Bytes>,
    /// Data keys, by secret, version and host.
    wraps: Rows<(SecretId, u32, HostId), Base64Bytes>,
    grants: Rows<GrantId, StoredGrant>,
    labels: Rows<(AgentId, Hash32), SecretId>,
}

// Revoking can't be paused.
charter_contract!(Keys, features: ["store", "grant"]);

#[near]
impl Keys {
    /// Sets the contract up. Takes `Setup`.
    #[init]
    #[handle_result(aliased)]
    pub fn new() -> charter_common::Answer<Self> {
        let charter_types::admin::Setup { account, registry } = charter_common::arguments()?;
        Ok(Self {
            core: Core::new(account),
            registry,
            next_host: 1,
            next_secret: 1,
            next_grant: 1,
            hosts: Rows::new(Prefix::HOSTS),
            secrets: Rows::new(Prefix::SECRETS),
            envelopes: Rows::new(Prefix::ENVELOPES),
            wraps: Rows::new(Prefix::WRAPS),
            grants: Rows::new(Prefix::GRANTS),
            labels: Rows::new(Prefix::LABELS),
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
