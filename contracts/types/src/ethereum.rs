//! What Ethereum signs and by which name it knows who signed. NEAR AI Cloud signs its responses so.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

/// Keccak-256 as the caller computes it: the host function on chain, a library elsewhere.
pub type Keccak256 = fn(&[u8]) -> [u8; 32];

/// The last 20 bytes of a secp256k1 key's keccak-256: `0x` and 40 lower-case hex digits in JSON.
#[wire(text)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct EthAddress(pub [u8; 20]);

impl EthAddress {
    /// Of a key as it is recovered from a signature: both coordinates, without a prefix.
    pub fn of_key(key: &[u8; 64], keccak256: Keccak256) -> Self {
        let mut address = [0; 20];
        address.copy_from_slice(&keccak256(key)[12..]);
        Self(address)
    }
}

impl std::fmt::Display for EthAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "0x{}", hex::encode(self.0))
    }
}

impl std::fmt::Debug for EthAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

impl std::str::FromStr for EthAddress {
    type Err = String;

    /// One address has one spelling: capitals, which are a check sum elsewhere (EIP-55), are refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 20];
        let digits = text.strip_prefix("0x").filter(|digits| !digits.bytes().any(|byte| byte.is_ascii_uppercase()));
        match digits.map(|digits| hex::decode_to_slice(digits, &mut bytes)) {
            Some(Ok(())) => Ok(Self(bytes)),
            _ => Err(format!("expected 0x and 40 lower-case hex digits, found \"{text}\"")),
        }
    }
}

/// What is hashed with keccak-256 and signed for a text (EIP-191, version `E`): it can be no transaction.
pub fn personal_message(text: &str) -> Vec<u8> {
    format!("\u{19}Ethereum Signed Message:\n{}{text}", text.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::EthAddress;

    #[test]
    fn one_address_has_one_spelling() {
        let address = EthAddress([0xab; 20]);
        assert_eq!(address.to_string().parse(), Ok(address));
        let digits = "ab".repeat(20);
        for wrong in [digits.clone(), format!("0X{digits}"), format!("0x{}", "AB".repeat(20)), "0xab".to_owned()] {
            assert!(wrong.parse::<EthAddress>().is_err(), "{wrong}");
        }
    }
}
