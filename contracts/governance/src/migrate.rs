//! Layouts of the contract's state in earlier releases, and the way from them to this one. Rows have theirs in `records`.

use borsh::BorshDeserialize;
use charter_common::{Core, CoreV0, LayoutVersion, Migrate, Rows};
use charter_types::AccountId;
use charter_types::governance::{LineId, ProposalId, ReleaseId};

use crate::Governance;

/// Release `faa0a5a`: no version, and the storage prefix of each map.
#[derive(BorshDeserialize)]
struct StateV0 {
    core: CoreV0,
    registry: AccountId,
    next_line: LineId,
    next_release: ReleaseId,
    next_proposal: ProposalId,
    _prefixes: [u8; 5],
}

/// Releases 0002 to 0006.
#[derive(BorshDeserialize)]
struct StateV1 {
    _layout: LayoutVersion<1>,
    core: Core,
    registry: AccountId,
    next_line: LineId,
    next_release: ReleaseId,
    next_proposal: ProposalId,
}

impl From<StateV0> for StateV1 {
    fn from(StateV0 { core, registry, next_line, next_release, next_proposal, .. }: StateV0) -> Self {
        Self { _layout: LayoutVersion, core: core.into(), registry, next_line, next_release, next_proposal }
    }
}

impl Migrate for Governance {
    fn held(&self) -> u128 {
        self.staked
    }

    fn from_earlier(state: &[u8]) -> Option<Self> {
        let known = borsh::from_slice::<StateV1>(state).ok();
        let known = known.or_else(|| borsh::from_slice::<StateV0>(state).ok().map(Into::into))?;
        let StateV1 { core, registry, next_line, next_release, next_proposal, .. } = known;
        Some(Self {
            layout: LayoutVersion,
            core,
            registry,
            next_line,
            next_release,
            next_proposal,
            staked: 0,
            lines: Rows::default(),
            releases: Rows::default(),
            proposals: Rows::default(),
            ballots: Rows::default(),
            enrolments: Rows::default(),
            rollouts: Rows::default(),
            reports: Rows::default(),
            holdings: Rows::default(),
            objections: Rows::default(),
            statements: Rows::default(),
            pools: Rows::default(),
            stakes: Rows::default(),
            delegates: Rows::default(),
            stake_ballots: Rows::default(),
            overridden: Rows::default(),
        })
    }
}
