//! Signatures by the chain's own rule.

use charter_types::{Ed25519Key, Signature64};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};

/// A key in the form that checks signatures: one that checks many is unpacked once. `None` if it is no curve point.
pub fn unpack(key: &Ed25519Key) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(&key.0).ok()
}

/// Whether the chain's `ed25519_verify` takes a signature (near-vm-runner 0.38, `logic/host.rs`). Its rule is not strict, and
/// looks at one signature: `verify_strict` refuses some that it takes, and a batch takes some that it refuses. A payee that
/// went by either would hold vouchers that are worth nothing, or refuse good ones.
pub fn verifies(key: &VerifyingKey, message: &[u8], signature: &Signature64) -> bool {
    // What the chain looks at before anything else.
    if signature.0[63] & 0b1110_0000 != 0 {
        return false;
    }
    key.verify(message, &Signature::from_bytes(&signature.0)).is_ok()
}

#[cfg(test)]
mod tests {
    use charter_types::Signature64;
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

    use super::verifies;

    /// Made by hand with the key of seed 7: r is 0, so R is the neutral element, and s is k·a.
    const NEUTRAL: &str = "0100000000000000000000000000000000000000000000000000000000000000f1df49fc736c999a114af5f3736441ffab1d928af548f745c7aa7f573b1fef0f";
    /// The ordinary signature with the order of the curve added to s.
    const UNREDUCED: &str = "0d9e768817bc9eb3950fd7c39e89e7fda1a117afb094ebb9f9a8c83161110b0b33a1d2d1d7753d6009552577de820f2e6269511675a84ce169290bc8c14f6312";

    /// Made by hand: R of the ordinary signature and a point of order 8, and the s that goes with it. Eight times sB − R − kA
    /// is 0, and sB − R − kA is not.
    const COFACTORED: &str = "a6bc60d8234362ab85a58f10bf10070835944a9eb9275d2d8be1e4a1be93435d63acafc99c5f2aa181ed94c034783b2278a8817c57723cd43f02fbc4fb881d0c";

    fn signature(text: &str) -> Signature64 {
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes).unwrap();
        Signature64(bytes)
    }

    #[test]
    fn what_only_strict_rules_refuse_is_taken_and_what_can_be_bent_is_not() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let key = signing.verifying_key();
        let ordinary = Signature64(signing.sign(b"charter").to_bytes());
        assert!(verifies(&key, b"charter", &ordinary));
        assert!(!verifies(&key, b"charter.", &ordinary));
        let neutral = signature(NEUTRAL);
        assert!(verifies(&key, b"charter", &neutral));
        assert!(key.verify_strict(b"charter", &Signature::from_bytes(&neutral.0)).is_err());
        assert_eq!(signature(UNREDUCED).0[..32], ordinary.0[..32]);
        assert!(!verifies(&key, b"charter", &signature(UNREDUCED)));
        for bit in [5, 6, 7] {
            let mut high = ordinary;
            high.0[63] |= 1 << bit;
            assert!(!verifies(&key, b"charter", &high));
        }
    }

    /// A check with cofactor would take it, and whoever served for it would be paid nothing.
    #[test]
    fn what_only_a_check_with_cofactor_takes_is_refused() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let (ordinary, shifted) = (signing.sign(b"charter").to_bytes(), signature(COFACTORED));
        let point = |bytes: &[u8]| VerifyingKey::try_from(&bytes[..32]).unwrap().to_edwards();
        let shift = point(&shifted.0) - point(&ordinary);
        let twice = shift + shift;
        assert!(shift.is_small_order());
        assert_ne!(twice + twice + shift, shift, "its order is 8");
        assert!(!verifies(&signing.verifying_key(), b"charter", &shifted));
    }
}
