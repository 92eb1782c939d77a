//! Both ends of a channel: who issues vouchers, and who checks and keeps them.

use charter_types::escrow::{ChannelId, ClaimRow, Kind, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};

/// Why a voucher is no good to its payee.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoucherError {
    #[error("the voucher is for another channel or contract")]
    WrongChannel,
    #[error("the voucher is not signed by the channel's key")]
    Signature,
    #[error("the voucher promises {found}, which is not more than the {known} promised before")]
    NotHigher { known: u128, found: u128 },
    #[error("the voucher promises more than the {deposited} deposited")]
    OverDeposit { deposited: u128 },
    #[error("the amount does not fit into 128 bits")]
    Overflow,
}

/// Issues vouchers on one channel. Its key is no access key: with it nothing but vouchers can be signed.
pub struct Payer {
    key: SigningKey,
    domain: Hash32,
    channel: ChannelId,
    cumulative: u128,
    counter: u64,
}

impl Payer {
    pub fn new(key: SigningKey, domain: Hash32, channel: ChannelId) -> Self {
        Self { key, domain, channel, cumulative: 0, counter: 0 }
    }

    /// Promises `amount` more.
    pub fn pay(&mut self, amount: u128) -> Result<(Voucher, Signature64), VoucherError> {
        self.cumulative = self.cumulative.checked_add(amount).ok_or(VoucherError::Overflow)?;
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
        let signature = Signature64(self.key.sign(&voucher.to_bytes()).to_bytes());
        Ok((voucher, signature))
    }

    pub fn voucher_key(&self) -> Ed25519Key {
        Ed25519Key(self.key.verifying_key().to_bytes())
    }
}

/// Checks vouchers as the contract will and keeps the highest.
pub struct Payee {
    key: VerifyingKey,
    domain: Hash32,
    channel: ChannelId,
    deposited: u128,
    best: Option<ClaimRow>,
    checked: u64,
}

impl Payee {
    /// `None` if the channel's key is no curve point.
    pub fn new(key: &Ed25519Key, domain: Hash32, channel: ChannelId, deposited: u128) -> Option<Self> {
        let key = VerifyingKey::from_bytes(&key.0).ok()?;
        Some(Self { key, domain, channel, deposited, best: None, checked: 0 })
    }

    /// Accepts a voucher that is worth more than any before. Verified one by one and with the chain's own rule: batch
    /// verification accepts signatures that the chain refuses.
    pub fn accept(&mut self, voucher: &Voucher, signature: &Signature64) -> Result<(), VoucherError> {
        if voucher.domain != self.domain || voucher.channel != self.channel {
            return Err(VoucherError::WrongChannel);
        }
        if voucher.cumulative > self.deposited {
            return Err(VoucherError::OverDeposit { deposited: self.deposited });
        }
        let known = self.best.as_ref().map_or(0, |row| row.cumulative);
        if voucher.cumulative <= known {
            return Err(VoucherError::NotHigher { known, found: voucher.cumulative });
        }
        let parsed = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.key.verify(&voucher.to_bytes(), &parsed).map_err(|_| VoucherError::Signature)?;
        self.best = Some(ClaimRow::new(voucher, signature));
        self.checked += 1;
        Ok(())
    }

    /// The row to claim.
    pub fn best(&self) -> Option<&ClaimRow> {
        self.best.as_ref()
    }

    /// Vouchers accepted so far.
    pub fn accepted(&self) -> u64 {
        self.checked
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use ed25519_dalek::SigningKey;

    use super::{Payee, Payer, VoucherError};

    #[test]
    fn flipping_any_bit_of_a_voucher_or_its_signature_is_refused() {
        let (domain, channel) = (Hash32([1; 32]), Hash32([2; 32]));
        let mut payer = Payer::new(SigningKey::from_bytes(&[7; 32]), domain, channel);
        let fresh = || Payee::new(&payer_key(), domain, channel, 1_000).unwrap();
        let (voucher, signature) = payer.pay(10).unwrap();
        assert_eq!(fresh().accept(&voucher, &signature), Ok(()));
        for bit in 0..512 {
            let mut bent = signature;
            bent.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(fresh().accept(&voucher, &bent), Err(VoucherError::Signature));
        }
        for (amount, counter, expires) in [(11, 1, 0), (10, 2, 0), (10, 1, 1)] {
            let mut bent = voucher.clone();
            (bent.cumulative, bent.counter, bent.expires_at_ms) = (amount, counter, expires);
            assert_eq!(fresh().accept(&bent, &signature), Err(VoucherError::Signature));
        }
    }

    fn payer_key() -> charter_types::Ed25519Key {
        Payer::new(SigningKey::from_bytes(&[7; 32]), Hash32::default(), Hash32::default()).voucher_key()
    }
}
