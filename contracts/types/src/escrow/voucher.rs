//! The voucher: 134 bytes that promise a payee a cumulative amount.

use crate::{AccountId, Domain, Hash32, Sha256};

/// Length of a voucher.
pub const VOUCHER_BYTES: usize = 134;
/// Purpose of the voucher's [`Domain`].
pub const VOUCHER_PURPOSE: &str = "charter/voucher";
/// `2^31 + 0x434854`: no NEAR transaction, delegate action or NEP-413 message starts so (NEP-461).
const PREFIX: u32 = (1 << 31) + 0x0043_4854;
const VERSION: u8 = 1;

/// What a signed message of this layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Voucher,
    /// The three of [`super::Exchange`].
    Request,
    Ack,
    Response,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Voucher => 0,
            Self::Request => 4,
            Self::Ack => 5,
            Self::Response => 6,
        }
    }
}

/// Cumulative, never a difference: losing, repeating or reordering vouchers is harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    pub kind: Kind,
    /// [`Voucher::domain`] of the escrow it is for.
    pub domain: Hash32,
    pub channel: Hash32,
    /// All that was ever promised on the channel, yoctoNEAR.
    pub cumulative: u128,
    /// After this the voucher counts for nothing; 0 never.
    pub expires_at_ms: u64,
    /// The payer's own count of vouchers; the contract ignores it.
    pub counter: u64,
    /// Merkle root of what is paid for; zeroes if unused.
    pub context_root: Hash32,
}

impl Voucher {
    /// The separator of one escrow contract on one chain.
    pub fn domain(chain_id: &str, contract: &AccountId, sha256: Sha256) -> Hash32 {
        Domain { purpose: VOUCHER_PURPOSE, version: VERSION, chain_id, contract }.separator(sha256)
    }

    /// The bytes that are signed: prefix u32 LE · version · kind · domain · channel · cumulative u128 LE ·
    /// expires_at_ms u64 LE · counter u64 LE · context root.
    pub fn to_bytes(&self) -> [u8; VOUCHER_BYTES] {
        let mut bytes = [0; VOUCHER_BYTES];
        bytes[0..4].copy_from_slice(&PREFIX.to_le_bytes());
        bytes[4] = VERSION;
        bytes[5] = self.kind.byte();
        bytes[6..38].copy_from_slice(&self.domain.0);
        bytes[38..70].copy_from_slice(&self.channel.0);
        bytes[70..86].copy_from_slice(&self.cumulative.to_le_bytes());
        bytes[86..94].copy_from_slice(&self.expires_at_ms.to_le_bytes());
        bytes[94..102].copy_from_slice(&self.counter.to_le_bytes());
        bytes[102..134].copy_from_slice(&self.context_root.0);
        bytes
    }
}
