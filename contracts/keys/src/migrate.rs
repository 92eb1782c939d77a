//! Layouts of the contract's state in earlier releases, and the way from them to this one. Rows have theirs in `records`.

use borsh::BorshDeserialize;
use charter_common::{CoreV0, LayoutVersion, Migrate, Rows};
use charter_types::AccountId;
use charter_types::keys::{GrantId, HostId, LeaseId, SecretId};

use crate::Keys;

/// Release `faa0a5a`: no version, and the storage prefix of each map.
#[derive(BorshDeserialize)]
struct StateV0 {
    core: CoreV0,
    registry: AccountId,
    mpc: Option<AccountId>,
    next_host: HostId,
    next_secret: SecretId,
    next_grant: GrantId,
    next_lease: LeaseId,
    _prefixes: [u8; 10],
}

impl Migrate for Keys {
    fn from_earlier(state: &[u8]) -> Option<Self> {
        let StateV0 { core, registry, mpc, next_host, next_secret, next_grant, next_lease, .. } =
            borsh::from_slice(state).ok()?;
        Some(Self {
            layout: LayoutVersion,
            core: core.into(),
            registry,
            mpc,
            next_host,
            next_secret,
            next_grant,
            next_lease,
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
