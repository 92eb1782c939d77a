//! Sealing: a random data key encrypts the secret, HPKE (RFC 9180) seals the data key to each host.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use charter_client::sha256;
use charter_types::keys::{ENVELOPE_PURPOSE, EnvelopeContext, Host, HostId, Secret, Wrap};
use charter_types::registry::{AgentId, Epochs};
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
    place: Place,
}

/// What a secret is, as far as its ciphertexts are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub agent: AgentId,
    /// The agent's epochs when the secret was added.
    pub epochs: Epochs,
    pub label_hash: Hash32,
    pub ceiling_hash: Hash32,
    pub version: u32,
}

impl Place {
    /// Of a secret on chain, in one of its versions.
    pub fn of(secret: &Secret, version: u32) -> Self {
        let Secret { agent, epochs, label_hash, ceiling_hash, .. } = *secret;
        Self { agent, epochs, label_hash, ceiling_hash, version }
    }
}

/// Ciphertexts of before were not bound to a ceiling, and open no more.
const ENVELOPE_VERSION: u8 = 2;

impl SealContext {
    pub fn new(chain_id: &str, keys: &AccountId, place: Place) -> Self {
        let domain = Domain { purpose: ENVELOPE_PURPOSE, version: ENVELOPE_VERSION, chain_id, contract: keys };
        Self { domain: domain.separator(sha256), place }
    }

    fn bytes(&self, host: Option<HostId>) -> Vec<u8> {
        let Place { agent, epochs, label_hash, ceiling_hash, version } = self.place;
        let context = EnvelopeContext { domain: self.domain, agent, epochs, label_hash, ceiling_hash, version, host };
        borsh::to_vec(&context).expect("writing to memory does not fail")
    }
}

/// A secret ready for the chain.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub envelope: Base64Bytes,
    pub wraps: Vec<Wrap>,
}

/// A host that a secret is sealed to, with its key as it was read.
#[derive(Clone, Copy, Debug)]
pub struct SealTo {
    pub host: HostId,
    pub generation: u64,
    pub key: X25519Key,
}

impl From<&Host> for SealTo {
    fn from(host: &Host) -> Self {
        Self { host: host.id, generation: host.generation, key: host.encrypt_key }
    }
}

/// Seals `secret` to `hosts`.
pub fn seal(secret: &[u8], context: &SealContext, hosts: &[SealTo]) -> Result<Sealed, HostError> {
    let mut data_key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::rngs::OsRng.fill_bytes(data_key.as_mut());
    let cipher = ChaCha20Poly1305::new(data_key.as_ref().into());
    let aad = context.bytes(None);
    // The data key is used once, so a fixed nonce is never repeated under a key.
    let payload = Payload { msg: secret, aad: &aad };
    let envelope = cipher.encrypt(&Nonce::default(), payload).map_err(|_| HostError::Sealed)?;
    let wraps = hosts.iter().map(|SealTo { host, generation, key }| {
        let sealed = seal_data_key(data_key.as_ref(), key, &context.bytes(Some(*host)))?;
        Ok(Wrap { host: *host, host_generation: *generation, sealed: Base64Bytes(sealed) })
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

    use charter_types::registry::Epochs;

    use super::{Place, SealContext, SealTo, open, seal};
    use crate::HostKeys;

    fn place() -> Place {
        Place {
            agent: 1,
            epochs: Epochs { agent: 4, owner: 5 },
            label_hash: Hash32([3; 32]),
            ceiling_hash: Hash32([4; 32]),
            version: 1,
        }
    }

    fn context(place: Place) -> SealContext {
        SealContext::new("localnet", &"keys.near".parse().unwrap(), place)
    }

    /// Leave any field out of `EnvelopeContext` and a swapped row opens.
    #[test]
    fn only_the_host_it_is_sealed_to_opens_it_and_only_in_its_own_row() {
        let (own, other) = (HostKeys::generate(), HostKeys::generate());
        let to = |host, keys: &HostKeys| SealTo { host, generation: 0, key: keys.encrypt_public() };
        let sealed = seal(b"sk-123", &context(place()), &[to(5, &own), to(6, &other)]).unwrap();
        let wrap = &sealed.wraps[0].sealed;
        let secret = open(&sealed.envelope, wrap, own.encrypt_private(), 5, &context(place())).unwrap();
        assert_eq!(secret.as_slice(), b"sk-123");
        assert!(open(&sealed.envelope, wrap, other.encrypt_private(), 5, &context(place())).is_err());
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 6, &context(place())).is_err());
        for other in [
            Place { agent: 2, ..place() },
            Place { epochs: Epochs { agent: 6, owner: 5 }, ..place() },
            Place { epochs: Epochs { agent: 4, owner: 6 }, ..place() },
            Place { label_hash: Hash32([9; 32]), ..place() },
            Place { ceiling_hash: Hash32([9; 32]), ..place() },
            Place { version: 2, ..place() },
        ] {
            let opened = open(&sealed.envelope, wrap, own.encrypt_private(), 5, &context(other));
            assert!(opened.is_err(), "opens as {other:?}");
        }
        let elsewhere = SealContext::new("mainnet", &"keys.near".parse().unwrap(), place());
        assert!(open(&sealed.envelope, wrap, own.encrypt_private(), 5, &elsewhere).is_err());
    }
}
