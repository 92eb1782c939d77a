//! Layouts of the contract's state in earlier releases, and the way from them to this one. Rows have theirs in `records`.

use borsh::BorshDeserialize;
use charter_common::{CoreV0, LayoutVersion, Migrate, Rows};

use crate::Escrow;
use crate::model::Totals;

/// Release `faa0a5a`: no version, and the storage prefix of each map.
#[derive(BorshDeserialize)]
struct StateV0 {
    core: CoreV0,
    open_counter: u64,
    _prefixes: [u8; 1],
    totals: Totals,
}

impl Migrate for Escrow {
    fn from_earlier(state: &[u8]) -> Option<Self> {
        let StateV0 { core, open_counter, totals, .. } = borsh::from_slice(state).ok()?;
        Some(Self { layout: LayoutVersion, core: core.into(), open_counter, channels: Rows::default(), totals })
    }

    fn held(&self) -> u128 {
        self.totals.held.0
    }
}
