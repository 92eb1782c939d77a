//! Public keys and signatures.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

macro_rules! text_bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal, $prefix:literal) => {
        $(#[$doc])*
        #[wire(text)]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; $length]);

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, concat!($prefix, ":{}"), bs58::encode(&self.0).into_string())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, out)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let wrong = || format!(concat!("expected ", $prefix, ": and ", $length, " bytes in base58, found \"{}\""), text);
                let rest = text.strip_prefix(concat!($prefix, ":")).ok_or_else(wrong)?;
                let mut bytes = [0; $length];
                match bs58::decode(rest).onto(&mut bytes) {
                    Ok($length) => Ok(Self(bytes)),
                    _ => Err(wrong()),
                }
            }
        }
    };
}

text_bytes!(
    /// An ed25519 public key (RFC 8032).
    Ed25519Key, 32, "ed25519"
);
text_bytes!(
    /// An X25519 public key (RFC 7748), for sealing secrets to a host.
    X25519Key, 32, "x25519"
);
text_bytes!(
    /// An ed25519 signature.
    Signature64, 64, "ed25519"
);
text_bytes!(
    /// A secp256k1 signature from which its key is recovered: r 32, s 32 and which of the keys it is. Ethereum's tools add
    /// 27 to the last byte; here it is 0 or 1.
    Signature65, 65, "secp256k1"
);

/// A signature of either kind, told apart by its prefix.
#[wire(text)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnySignature {
    Ed25519(Signature64),
    Secp256k1(Signature65),
}

impl std::fmt::Display for AnySignature {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ed25519(signature) => signature.fmt(out),
            Self::Secp256k1(signature) => signature.fmt(out),
        }
    }
}

impl std::str::FromStr for AnySignature {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("secp256k1:") { text.parse().map(Self::Secp256k1) } else { text.parse().map(Self::Ed25519) }
    }
}

/// y-coordinates of the points whose order divides 8, canonical and not, without the sign bit.
///
/// NEAR's `ed25519_verify` is not strict: under such a key, signatures verify that nobody made. The 8 points have 14
/// encodings (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", 2020, table 1): these 7 with either sign.
const SMALL_ORDER_Y: [[u8; 32]; 7] = [
    le([0; 32], 0x00, 0x00),
    le([0; 32], 0x01, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    le([0xff; 32], 0xec, 0x7f),
    le([0xff; 32], 0xed, 0x7f),
    le([0xff; 32], 0xee, 0x7f),
];

const fn le(mut bytes: [u8; 32], first: u8, last: u8) -> [u8; 32] {
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl Ed25519Key {
    /// Whether the key is an encoding of a small-order point, under which anybody can sign.
    pub fn is_small_order(&self) -> bool {
        let mut y = self.0;
        y[31] &= 0x7f;
        SMALL_ORDER_Y.contains(&y)
    }
}

/// Points of small order on the Montgomery curve and its twist, canonical and not (RFC 7748 §6.1; the list of
/// cr.yp.to/ecdh.html#validate), without the top bit, which X25519 ignores. A secret shared with such a key is known to all.
const SMALL_ORDER_U: [[u8; 32]; 7] = [
    le([0; 32], 0x00, 0x00),
    le([0; 32], 0x01, 0x00),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    le([0xff; 32], 0xec, 0x7f),
    le([0xff; 32], 0xed, 0x7f),
    le([0xff; 32], 0xee, 0x7f),
];

impl X25519Key {
    /// Whether Diffie-Hellman with this key gives a value everybody knows.
    pub fn is_small_order(&self) -> bool {
        let mut u = self.0;
        u[31] &= 0x7f;
        SMALL_ORDER_U.contains(&u)
    }
}

/// A key of either kind, told apart by its prefix.
#[wire(text)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum AnyKey {
    Ed25519(Ed25519Key),
    X25519(X25519Key),
}

impl AnyKey {
    /// Whether everybody can use the key.
    pub fn is_small_order(&self) -> bool {
        match self {
            Self::Ed25519(key) => key.is_small_order(),
            Self::X25519(key) => key.is_small_order(),
        }
    }
}

impl std::fmt::Display for AnyKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ed25519(key) => key.fmt(out),
            Self::X25519(key) => key.fmt(out),
        }
    }
}

impl std::str::FromStr for AnyKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("x25519:") { text.parse().map(Self::X25519) } else { text.parse().map(Self::Ed25519) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ed25519Key, SMALL_ORDER_Y};

    /// Remove a row of `SMALL_ORDER_Y`, or the masking of the sign bit, and this fails.
    #[test]
    fn every_weak_key_of_ed25519_dalek_is_small_order_and_no_other() {
        let mut weak = 0;
        for mut bytes in SMALL_ORDER_Y {
            for sign in [0, 0x80] {
                bytes[31] = (bytes[31] & 0x7f) | sign;
                assert!(Ed25519Key(bytes).is_small_order());
                weak += usize::from(ed25519_dalek::VerifyingKey::from_bytes(&bytes).is_ok_and(|key| key.is_weak()));
            }
        }
        assert_eq!(weak, 14);
        for seed in 0..100_u8 {
            let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
            assert!(!Ed25519Key(key.to_bytes()).is_small_order());
        }
    }

    #[test]
    fn one_key_has_one_spelling() {
        let key = Ed25519Key([7; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(key.to_string().to_uppercase().parse::<Ed25519Key>().is_err());
        assert!("ed25519:1".parse::<Ed25519Key>().is_err());
    }
}
