//! Messages that wallets sign ([NEP-413](https://github.com/near/NEPs/blob/master/neps/nep-0413.md)).

use borsh::BorshSerialize;
use charter_types::hash::borsh_bytes;
use charter_types::{Ed25519Key, Signature64};

use crate::{ed25519, sha256};

/// `2^31 + 413`, before the payload: no transaction starts so (NEP-461).
const TAG: u32 = (1 << 31) + 413;

/// What a wallet is asked to sign, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Payload {
    pub message: String,
    pub nonce: [u8; 32],
    /// Whom the message is for.
    pub recipient: String,
    /// Where a wallet in a web page goes afterwards; it signs this, too.
    pub callback_url: Option<String>,
}

impl Payload {
    /// sha256 of tag u32 LE · payload in borsh: what is signed.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[TAG.to_le_bytes().as_slice(), &borsh_bytes(self)].concat())
    }

    /// Whether a key signed it. Whose key that is, and that it is a full-access key, is for the chain to say.
    pub fn is_signed(&self, key: &Ed25519Key, signature: &Signature64) -> bool {
        let unpacked = (!key.is_small_order()).then(|| ed25519::unpack(key)).flatten();
        unpacked.is_some_and(|key| ed25519::verifies(&key, &self.hash(), signature))
    }
}
