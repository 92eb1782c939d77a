//! Layouts of the contract's state in earlier releases, and the way from them to this one. Rows have theirs in `records`.

use borsh::BorshDeserialize;
use charter_common::{CoreV0, LayoutVersion, Migrate, Rows};
use charter_types::AccountId;
use charter_types::registry::AgentId;

use crate::Registry;

/// Release `faa0a5a`: no version, and the storage prefix of each map.
#[derive(BorshDeserialize)]
struct StateV0 {
    core: CoreV0,
    verifier: AccountId,
    reporters: Vec<AccountId>,
    next_agent: AgentId,
    last_epoch: u64,
    _prefixes: [u8; 9],
    agent_count: u64,
}

impl Migrate for Registry {
    fn from_earlier(state: &[u8]) -> Option<Self> {
        let StateV0 { core, verifier, reporters, next_agent, last_epoch, agent_count, .. } =
            borsh::from_slice(state).ok()?;
        Some(Self {
            layout: LayoutVersion,
            core: core.into(),
            verifier,
            reporters,
            next_agent,
            last_epoch,
            agents: Rows::default(),
            owners: Rows::default(),
            owned: Rows::default(),
            handles: Rows::default(),
            heartbeats: Rows::default(),
            recoveries: Rows::default(),
            proposals: Rows::default(),
            attestations: Rows::default(),
            reputations: Rows::default(),
            agent_count,
            by: None,
        })
    }
}
