//! Gas constants and where their numbers come from (docs/reference/gas.md is measured on localnet).

use near_sdk::Gas;

/// `on_paid` writes or removes each channel, a token's sums once, and logs one or two events: a fifth above the worst, which
/// `many_channels` measures.
pub const ON_PAID_BASE: Gas = Gas::from_tgas(6);
pub const ON_PAID_PER_CHANNEL: Gas = Gas::from_ggas(900);
/// 26 bytes of the row that are read, written and replaced.
pub const ON_PAID_PER_SHARE: Gas = Gas::from_ggas(10);
/// Another row that is read and written, of up to 250 bytes with its key.
pub const ON_PAID_PER_AGENT: Gas = Gas::from_ggas(900);
/// `on_closed` and `on_distributed` write or remove one channel of up to 1.3 kB, a row of earnings and a token's sums, and log
/// two events of up to 5 kB. `distribute` has eight of them, and as many transfers of 12 TGas each.
pub const ON_CLOSED: Gas = Gas::from_tgas(15);
pub const ON_DISTRIBUTED: Gas = Gas::from_tgas(15);
/// `on_emptied` writes or removes a purse and a token's sums, logs one event, and has a failure told, for 3 TGas.
pub const ON_EMPTIED: Gas = Gas::from_tgas(12);
/// `on_pulled` writes a reserve, a creator's row and a token's sums, and logs two events.
pub const ON_PULLED: Gas = Gas::from_tgas(15);
/// `on_rest_sent` writes or removes the two rows of a reserve and a token's sums, and logs one event.
pub const ON_REST_SENT: Gas = Gas::from_tgas(15);
/// `on_authority` adds a channel of up to 1.3 kB and the row of what was drawn, writes a purse and a token's sums, and logs
/// three events of up to 6 kB in all.
pub const ON_AUTHORITY: Gas = Gas::from_tgas(25);
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
/// `on_edge_paid` writes or removes one edge, of up to 700 bytes, and a token's sums, and logs one event of up to 2 kB.
pub const ON_EDGE_PAID: Gas = Gas::from_tgas(12);
