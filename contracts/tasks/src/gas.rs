//! Gas constants and where their numbers come from (docs/reference/gas.md is measured on localnet).

use charter_types::tasks::{APPEAL_PROBES, PANEL, PROBES};
use near_sdk::Gas;

/// `on_draw` reads the set, the task, who the requester's honeypots exclude, and writes the task with its appeal.
const ON_DRAW: Gas = Gas::from_tgas(5);
/// Each slot that it looks at: the entry, and what honeypots say of the account.
const ON_DRAW_PER_PROBE: Gas = Gas::from_ggas(400);
/// Each seat: an entry that moves, the one that goes, and where both slots are now.
const ON_DRAW_PER_SEAT: Gas = Gas::from_ggas(1_500);

/// For a panel of so many seats. A fifth above the worst: a pool in which every slot is looked at, and each has marks.
pub fn on_draw(seats: u8) -> Gas {
    let times = |gas: Gas, count: u32| gas.as_gas().saturating_mul(u64::from(count));
    let probes = times(ON_DRAW_PER_PROBE, probes(seats));
    let seats = times(ON_DRAW_PER_SEAT, u32::from(seats));
    Gas::from_gas(ON_DRAW.as_gas().saturating_add(probes).saturating_add(seats))
}

/// How many slots a draw of so many seats looks at, at most.
pub fn probes(seats: u8) -> u32 {
    if seats == PANEL { PROBES } else { APPEAL_PROBES }
}

/// `on_paid` writes or removes a balance and a token's sums, logs one event, and has a failure told, for 3 TGas.
pub const ON_PAID: Gas = Gas::from_tgas(12);
/// A view of one agent with all the operators, guardians and keys there can be.
pub const AGENT: Gas = Gas::from_tgas(8);
/// And how long its answer can be: 16 keys, 8 operators, 8 guardians and their names once more take 7 kB.
pub const AGENT_BYTES_MAX: usize = 16_384;
/// `on_agent` reads that answer, for up to 10 TGas, and sends the next two on their way.
pub const ON_AGENT: Gas = Gas::from_tgas(40);
/// The registry writes a row of up to 510 bytes, logs one event and sends back what is left.
pub const REPORT: Gas = Gas::from_tgas(15);
/// `on_reported` sends a deposit back and has the failure told.
pub const ON_REPORTED: Gas = Gas::from_tgas(6);
