//! Sealing: a random data key encrypts the secret, HPKE (RFC 9180) seals the data key to each host.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use charter_client::sha256;
use charter_types::keys::{ENVELOPE_PURPOSE, EnvelopeContext, HostId, Wrap};
use charter_types::registry::AgentId;
use charter_types::{AccountId, Base64Bytes, Domain, Hash32, X25519Key};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand::RngCore;
use zeroize::Zeroizing;

use crate::HostError;

type Kem = hpke::kem::X25519HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type HpkeAead = hpke::aead::ChaCha20Poly1305;

const KEY_BYTES: usize = 32;
const ENCAPSULATED_BYTES: usize = 32;

/// What the ciphertexts of one secret are bound to: they open in no other place.
#[derive(Clone, Debug)]
pub struct SealContext {
    domain: Hash32,
    agent: AgentId,
    label_hash: Hash32,
    version: u32,
}

impl SealContext {
    pub fn new(chain_id: &str, keys: &AccountId, agent: AgentId, label_hash: Hash32, version: u32) -> Self {
        let domain = Domain { purpose: ENVELOPE_PURPOSE, version: 1, chain_id, contract: keys };
        Self { domain: domain.separator(sha256), agent, label_hash, version }
    }

    fn bytes(&self, host: Option<HostId>) -> Vec<u8> {
        let Self { domain, agent, label_hash, version } = *self;
        let context = EnvelopeContext { domain, agent, label_hash, version, host };
        borsh::to_vec(&context).expect("writing to memory does not fail")
    }
}

/// A secret ready for the chain.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub envelope: Base64Bytes,
    pub wraps: Vec<Wrap>,
}

/// Seals `secret` to `hosts`.
pub fn seal(secret: &[u8], context: &SealContext, hosts: &[(HostId, X25519Key)]) -> Result<Sealed, HostError> {
    let mut data_key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::rngs::OsRng.fill_bytes(data_key.as_mut());
    let cipher = ChaCha20Poly1305::new(data_key.as_ref().into());
    let aad = context.bytes(None);
    // The data key is used once, so a fixed nonce is never repeated under a key.
    let payload = Payload { msg: secret, aad: &aad };
    let envelope = cipher.encrypt(&Nonce::default(), payload).map_err(|_| HostError::Sealed)?;
    let wraps = hosts.iter().map(|(host, key)| {
        let sealed = seal_data_key(data_key.as_ref(), key, &context.bytes(Some(*host)))?;
        Ok(Wrap { host: *host, sealed: Base64Bytes(sealed) })
    });
    Ok(Sealed { envelope: Base64Bytes(envelope), wraps: wraps.collect::<Result<_, HostError>>()? })
}

fn seal_data_key(data_key: &[u8], key: &X25519Key, context: &[u8]) -> Result<Vec<u8>, HostError> {
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(&key.0).map_err(|_| HostError::Sealed)?;
    let (encapsulated, mut sender) =
        hpke::setup_sender::<HpkeAead, Kdf, Kem>(&OpModeS::Base, &public, context).map_err(|_| HostError::Sealed)?;
    let ciphertext = sender.seal(data_key, context).map_err(|_| HostError::Sealed)?;
    Ok([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
}

/// Opens a secret with a host's private key.
pub fn open(
    envelope: &Base64Bytes,
    wrap: &Base64Bytes,
    private_key: &[u8; KEY_BYTES],
    host: HostId,
    context: &SealContext,
) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let info = context.bytes(Some(host));
    let (encapsulated, ciphertext) = wrap.0.split_at_checked(ENCAPSULATED_BYTES).ok_or(HostError::Sealed)?;
    let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(private_key).map_err(|_| HostError::Sealed)?;
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| HostError::Sealed)?;
    let mut receiver = hpke::setup_receiver::<HpkeAead, Kdf, Kem>(&OpModeR::Base, &private, &encapsulated, &info)
        .map_err(|_| HostError::Sealed)?;
    let data_key = Zeroizing::new(receiver.open(ciphertext, &info).map_err(|_| HostError::Sealed)?);
    let cipher = ChaCha20Poly1305::new_from_slice(&data_key).map_err(|_| HostError::Sealed)?;
    let aad = context.bytes(None);
    let payload = Payload { msg: envelope.0.as_slice(), aad: &aad };
    cipher.decrypt(&Nonce::default(), payload).map(Zeroizing::new).map_err(|_| HostError::Sealed)
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;

    use super::{SealContext, open, seal};
    use crate::HostKeys;

    fn context(agent: u64, version: u32) -> SealContext {
        SealContext::new("localnet", &"keys.near".parse().unwrap(), agent, Hash32([3; 32]), version)
    }

    /// Leave any field out of `EnvelopeContext` and a swapped row opens.
    #[test]
    fn only_the_host_it_is_sealed_to_opens_it_and_only_in_its_own_row() {
        let (own, other) = (HostKeys::generate(), HostKeys::generate());
        let sealed =
            seal(b"sk-123", &context(1, 1), &[(5, own.encrypt_public()), (6, other.encrypt_public())]).unwrap();
        let wrap = &sealed.wraps[0].sealed;
        let secret = open(&sealed.envelope, wrap, own.encrypt_private(), 5, &context(1, 1)).unwrap();
        assert_eq!(secret.as_slice(), b"sk-123");
        assert!(open(&sealed.envelope, wrap, other.encrypt_private(), 5, &context(1, 1)).is_err());
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 6, &context(1, 1)).is_err());
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 5, &context(2, 1)).is_err());
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 5, &context(1, 2)).is_err());
        let elsewhere = SealContext::new("mainnet", &"keys.near".parse().unwrap(), 1, Hash32([3; 32]), 1);
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 5, &elsewhere).is_err());
    }
}
