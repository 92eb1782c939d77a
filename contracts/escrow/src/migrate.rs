//! Layouts of the contract's state in earlier releases, and the way from them to this one. Rows have theirs in `records`.

use borsh::BorshDeserialize;
use charter_common::{Core, CoreV0, LayoutVersion, Migrate};

use crate::model::Totals;
use crate::{Escrow, Kept, registry_beside};

/// Release `faa0a5a`: no version, and the storage prefix of each map.
#[derive(BorshDeserialize)]
struct StateV0 {
    core: CoreV0,
    open_counter: u64,
    _prefixes: [u8; 1],
    totals: Totals,
}

/// Releases 0002 to 0006: NEAR alone, and nobody to ask about agents.
#[derive(BorshDeserialize)]
struct StateV1 {
    _layout: LayoutVersion<1>,
    core: Core,
    open_counter: u64,
    totals: Totals,
}

impl From<StateV0> for StateV1 {
    fn from(StateV0 { core, open_counter, totals, .. }: StateV0) -> Self {
        Self { _layout: LayoutVersion, core: core.into(), open_counter, totals }
    }
}

impl Migrate for Escrow {
    fn from_earlier(state: &[u8]) -> Option<Self> {
        let known = borsh::from_slice::<StateV1>(state).ok();
        let known = known.or_else(|| borsh::from_slice::<StateV0>(state).ok().map(Into::into))?;
        let StateV1 { core, open_counter, totals, .. } = known;
        Some(Self::of(Kept { core, registry: registry_beside(), open_counter, reserve_counter: 0, totals }))
    }

    /// What is in flight has left the account already.
    fn held(&self) -> u128 {
        self.totals.books.held.0
    }
}
