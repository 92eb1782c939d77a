//! 32-byte hashes.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

/// SHA-256 as the caller computes it: the host function on chain, a library elsewhere.
pub type Sha256 = fn(&[u8]) -> [u8; 32];

/// 32 bytes, lower-case hex in JSON.
#[wire(text)]
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct Hash32(pub [u8; 32]);

impl Hash32 {
    /// Hash of a value's borsh encoding.
    pub fn of<T: BorshSerialize>(value: &T, sha256: Sha256) -> Self {
        Self(sha256(&borsh_bytes(value)))
    }

    /// Lower-case hex. `hex::encode` collects characters: for a batch of claims that was a third of all computing.
    pub fn hex(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(&self.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
        }
        text
    }
}

/// A value in borsh.
pub fn borsh_bytes<T: BorshSerialize>(value: &T) -> Vec<u8> {
    // Only a writer can fail, and memory does not; an empty answer here would be hashed or signed as if it were the value.
    borsh::to_vec(value).unwrap_or_else(|_| panic!("a value has no borsh encoding"))
}

impl std::fmt::Display for Hash32 {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl std::fmt::Debug for Hash32 {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

impl std::str::FromStr for Hash32 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(format!("expected 64 lower-case hex digits, found \"{text}\"")),
        }
    }
}
