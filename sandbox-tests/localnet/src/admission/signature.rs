//! Signatures of transactions.

use std::collections::HashMap;

use ed25519_dalek::{Verifier, VerifyingKey};
use near_crypto::{PublicKey, Signature};
use near_primitives::transaction::SignedTransaction;

/// With the map's overhead 3 MB.
const KEYS_MAX: usize = 10_000;

/// The ed25519 keys of those who signed before, as points of the curve: finding the point takes a fifth of the time of a check.
#[derive(Clone, Default)]
pub struct KnownKeys(HashMap<[u8; 32], VerifyingKey>);

impl KnownKeys {
    /// Whether the transaction's key signed it; the rules are near-crypto's.
    pub fn verify(&mut self, signed: &SignedTransaction) -> bool {
        let (hash, key) = (signed.get_hash(), signed.transaction.public_key());
        let (PublicKey::ED25519(key), Signature::ED25519(signature)) = (key, &signed.signature) else {
            return signed.signature.verify(hash.as_ref(), key);
        };
        if let Some(point) = self.0.get(&key.0) {
            return point.verify(hash.as_ref(), signature).is_ok();
        }
        let Ok(point) = VerifyingKey::from_bytes(&key.0) else { return false };
        let is_valid = point.verify(hash.as_ref(), signature).is_ok();
        if is_valid {
            if self.0.len() >= KEYS_MAX {
                self.0.clear();
            }
            self.0.insert(key.0, point);
        }
        is_valid
    }
}

#[cfg(test)]
mod tests {
    use near_crypto::{InMemorySigner, KeyType, SecretKey, Signature};
    use near_primitives::hash::CryptoHash;
    use near_primitives::transaction::SignedTransaction;
    use near_primitives::types::{AccountId, Balance};

    use super::KnownKeys;

    /// Keep another key's point under this one, or take a known key's word for it, and one of the lines fails.
    #[test]
    fn a_known_key_is_checked_like_a_new_one() {
        let mut keys = KnownKeys::default();
        for kind in [KeyType::ED25519, KeyType::SECP256K1] {
            let id: AccountId = "alice.near".parse().unwrap();
            let signer = |seed: &str| InMemorySigner::from_secret_key(id.clone(), SecretKey::from_seed(kind, seed));
            let send = |nonce, seed: &str| {
                let deposit = Balance::from_yoctonear(1);
                SignedTransaction::send_money(
                    nonce,
                    id.clone(),
                    id.clone(),
                    &signer(seed),
                    deposit,
                    CryptoHash::default(),
                )
            };
            let forged = |nonce, seed: &str| {
                let right = send(nonce, seed);
                let signature: Signature = signer("another").sign(right.get_hash().as_ref());
                SignedTransaction::new(signature, right.transaction)
            };
            assert!(!keys.verify(&forged(1, "a")), "{kind}");
            for nonce in 2..4 {
                assert!(keys.verify(&send(nonce, "a")) && keys.verify(&send(nonce, "b")), "{kind}");
                assert!(!keys.verify(&forged(nonce, "a")) && !keys.verify(&forged(nonce, "b")), "{kind}");
            }
        }
    }
}
