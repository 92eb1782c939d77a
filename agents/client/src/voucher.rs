//! Vouchers signed, and checked as the contract checks them.

use charter_types::escrow::{ChannelId, EscrowError, Kind, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::ed25519;

/// Signs the 134 bytes of a voucher.
pub fn sign(key: &SigningKey, voucher: &Voucher) -> Signature64 {
    Signature64(key.sign(&voucher.to_bytes()).to_bytes())
}

/// Whether a voucher is signed by a channel's key, by the chain's rule.
pub fn is_signed(key: &VerifyingKey, voucher: &Voucher, signature: &Signature64) -> bool {
    ed25519::verifies(key, &voucher.to_bytes(), signature)
}

/// Signs one voucher after the other for one channel, and remembers nothing beyond this process: for tests and tools. Who
/// pays with it, [`crate::Payer`] is for.
pub struct VoucherSigner {
    key: SigningKey,
    domain: Hash32,
    channel: ChannelId,
    cumulative: u128,
    counter: u64,
}

impl VoucherSigner {
    pub fn new(key: SigningKey, domain: Hash32, channel: ChannelId) -> Self {
        Self { key, domain, channel, cumulative: 0, counter: 0 }
    }

    /// Promises `amount` more.
    pub fn pay(&mut self, amount: u128) -> Result<(Voucher, Signature64), EscrowError> {
        self.cumulative = self.cumulative.checked_add(amount).ok_or(EscrowError::Overflow {})?;
        self.counter += 1;
        let voucher = Voucher {
            kind: Kind::Voucher,
            domain: self.domain,
            channel: self.channel,
            cumulative: self.cumulative,
            expires_at_ms: 0,
            counter: self.counter,
            context_root: Hash32::default(),
        };
        let signature = sign(&self.key, &voucher);
        Ok((voucher, signature))
    }

    pub fn voucher_key(&self) -> Ed25519Key {
        Ed25519Key(self.key.verifying_key().to_bytes())
    }
}
