//! Both ends of a channel: who issues vouchers, and who checks and keeps them.

use charter_rules::voucher;
use charter_types::escrow::{Channel, ChannelId, ClaimRow, EscrowError, Kind, Voucher};
use charter_types::{Ed25519Key, Hash32, Signature64};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};

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
    channel: voucher::Channel,
    best: Option<ClaimRow>,
    checked: u64,
}

impl Payee {
    /// The payee of a channel as the chain showed it at `seen_ms`. `None` if the channel's key is no curve point.
    pub fn new(domain: Hash32, channel: &Channel, seen_ms: u64) -> Option<Self> {
        let key = VerifyingKey::from_bytes(&channel.voucher_key.0).ok()?;
        Some(Self { key, domain, channel: seen(channel, seen_ms), best: None, checked: 0 })
    }

    /// Takes note of the channel as it stood at `seen_ms`: payers add to it, and ask to close it.
    pub fn update(&mut self, channel: &Channel, seen_ms: u64) {
        self.channel = seen(channel, seen_ms);
    }

    /// Accepts a voucher that is worth more than any before, and that the contract will still take at `claim_by_ms`, when
    /// the payee will have claimed at the latest. Verified one by one and with the chain's own rule: batch verification
    /// accepts signatures that the chain refuses.
    pub fn accept(&mut self, voucher: &Voucher, signature: &Signature64, claim_by_ms: u64) -> Result<(), EscrowError> {
        let best = self.best.as_ref().map_or(0, |row| row.cumulative);
        let channel = voucher::Channel { claimed: self.channel.claimed.max(best), ..self.channel };
        voucher::check(&channel, voucher, claim_by_ms)?;
        let signed = voucher.domain == self.domain && {
            let parsed = ed25519_dalek::Signature::from_bytes(&signature.0);
            self.key.verify(&voucher.to_bytes(), &parsed).is_ok()
        };
        if !signed {
            return Err(EscrowError::Signature {});
        }
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

/// A payer can ask to close the channel right after somebody looked, so it may end one delay later.
fn seen(channel: &Channel, seen_ms: u64) -> voucher::Channel {
    let soonest_ms = seen_ms.saturating_add(channel.withdraw_delay_ms);
    voucher::Channel { ends_ms: channel.closes_ms.or(Some(soonest_ms)), ..channel.into() }
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::{Channel, EscrowError, Voucher};
    use charter_types::{Ed25519Key, Hash32, Signature64, U128};
    use ed25519_dalek::{Signer, SigningKey};

    use super::{Payee, Payer};

    const DOMAIN: Hash32 = Hash32([1; 32]);

    /// When the chain showed the channel.
    const SEEN_MS: u64 = 100;

    fn signing() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn channel() -> Channel {
        Channel {
            id: Hash32([2; 32]),
            payer: "alice.near".parse().unwrap(),
            payee: "bob.near".parse().unwrap(),
            agent: None,
            voucher_key: Ed25519Key(signing().verifying_key().to_bytes()),
            deposited: U128(1_000),
            claimed: U128(0),
            paid: U128(0),
            refunded: U128(0),
            withdraw_delay_ms: 900_000,
            closes_ms: None,
            closed: false,
        }
    }

    fn payer() -> Payer {
        Payer::new(signing(), DOMAIN, channel().id)
    }

    fn payee() -> Payee {
        Payee::new(DOMAIN, &channel(), SEEN_MS).unwrap()
    }

    /// A voucher of 10 with a change that is signed along.
    fn changed(change: impl FnOnce(&mut Voucher)) -> (Voucher, Signature64) {
        let (mut voucher, _) = payer().pay(10).unwrap();
        change(&mut voucher);
        let signature = Signature64(signing().sign(&voucher.to_bytes()).to_bytes());
        (voucher, signature)
    }

    #[test]
    fn flipping_any_bit_of_a_voucher_or_its_signature_is_refused() {
        let (voucher, signature) = payer().pay(10).unwrap();
        assert_eq!(payee().accept(&voucher, &signature, 0), Ok(()));
        for bit in 0..512 {
            let mut bent = signature;
            bent.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(payee().accept(&voucher, &bent, 0), Err(EscrowError::Signature {}));
        }
        for (amount, counter, expires) in [(11, 1, 0), (10, 2, 0), (10, 1, 1)] {
            let mut bent = voucher.clone();
            (bent.cumulative, bent.counter, bent.expires_at_ms) = (amount, counter, expires);
            assert_eq!(payee().accept(&bent, &signature, 0), Err(EscrowError::Signature {}));
        }
    }

    #[test]
    fn a_voucher_that_expires_before_it_is_claimed_does_not_replace_the_best() {
        let mut payee = payee();
        let (lasting, signature) = payer().pay(10).unwrap();
        payee.accept(&lasting, &signature, 500).unwrap();
        let short_lived =
            |expires_at_ms| changed(|voucher| (voucher.cumulative, voucher.expires_at_ms) = (20, expires_at_ms));
        let (voucher, signature) = short_lived(499);
        assert_eq!(payee.accept(&voucher, &signature, 500), Err(EscrowError::Expired {}));
        assert_eq!(payee.best().map(|row| row.cumulative), Some(10));
        let (voucher, signature) = short_lived(500);
        assert_eq!(payee.accept(&voucher, &signature, 500), Ok(()));
        assert_eq!((payee.best().map(|row| row.cumulative), payee.accepted()), (Some(20), 2));
    }

    #[test]
    fn a_channel_that_may_be_closed_by_then_takes_no_voucher() {
        let mut payee = payee();
        let (voucher, signature) = payer().pay(10).unwrap();
        payee.update(&Channel { closes_ms: Some(500), ..channel() }, SEEN_MS);
        assert_eq!(payee.accept(&voucher, &signature, 500), Err(EscrowError::Closing { closes_ms: 500 }));
        assert_eq!(payee.accept(&voucher, &signature, 499), Ok(()));
        payee.update(&Channel { closed: true, ..channel() }, SEEN_MS);
        let (more, signature) = changed(|voucher| voucher.cumulative = 20);
        let unknown = EscrowError::UnknownChannel { id: channel().id };
        assert_eq!(payee.accept(&more, &signature, 499), Err(unknown));
    }

    /// The payer asks right after the payee looked: one delay later it has everything back.
    #[test]
    fn a_claim_that_would_come_after_a_close_is_not_waited_for() {
        let mut payee = payee();
        let (voucher, signature) = payer().pay(10).unwrap();
        let closes_ms = SEEN_MS + channel().withdraw_delay_ms;
        assert_eq!(payee.accept(&voucher, &signature, closes_ms), Err(EscrowError::Closing { closes_ms }));
        payee.update(&channel(), SEEN_MS + 1);
        assert_eq!(payee.accept(&voucher, &signature, closes_ms), Ok(()));
    }

    #[test]
    fn the_deposit_and_the_claims_are_those_of_now() {
        let mut payee = payee();
        let (voucher, signature) = changed(|voucher| voucher.cumulative = 1_001);
        assert_eq!(payee.accept(&voucher, &signature, 0), Err(EscrowError::OverDeposit { deposited: 1_000 }));
        payee.update(&Channel { deposited: U128(2_000), claimed: U128(1_001), ..channel() }, SEEN_MS);
        assert_eq!(payee.accept(&voucher, &signature, 0), Err(EscrowError::NotHigher { claimed: 1_001 }));
        let (voucher, signature) = changed(|voucher| voucher.cumulative = 1_002);
        assert_eq!(payee.accept(&voucher, &signature, 0), Ok(()));
        assert_eq!(payee.accept(&voucher, &signature, 0), Err(EscrowError::NotHigher { claimed: 1_002 }));
    }

    #[test]
    fn another_channel_or_contract_is_refused() {
        let other = Hash32([3; 32]);
        let (voucher, signature) = changed(|voucher| voucher.channel = other);
        assert_eq!(payee().accept(&voucher, &signature, 0), Err(EscrowError::UnknownChannel { id: other }));
        let (voucher, signature) = changed(|voucher| voucher.domain = other);
        assert_eq!(payee().accept(&voucher, &signature, 0), Err(EscrowError::Signature {}));
    }
}
