//! A host's own keys.

use charter_client::{sha256, voucher};
use charter_types::escrow::Voucher;
use charter_types::keys::args::RegisterHost;
use charter_types::keys::{HOST_PROOF_PURPOSE, HostProof};
use charter_types::{AccountId, Domain, Ed25519Key, Signature64, X25519Key};
use ed25519_dalek::{Signer, SigningKey};
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable};
use rand::RngCore;
use zeroize::Zeroizing;

/// The key that signs for a host, and the key that secrets are sealed to.
pub struct HostKeys {
    sign: SigningKey,
    encrypt: Zeroizing<[u8; 32]>,
    encrypt_public: X25519Key,
}

impl HostKeys {
    pub fn generate() -> Self {
        let mut seed = Zeroizing::new([0_u8; 64]);
        rand::rngs::OsRng.fill_bytes(seed.as_mut());
        Self::from_seed(&seed)
    }

    /// From 64 random bytes: the first half signs, the second decrypts.
    pub fn from_seed(seed: &[u8; 64]) -> Self {
        let (sign, encrypt) = seed.split_at(32);
        let mut halves = [[0_u8; 32]; 2];
        halves[0].copy_from_slice(sign);
        halves[1].copy_from_slice(encrypt);
        let [sign, encrypt] = halves;
        let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&encrypt);
        let private = private.expect("any 32 bytes are an X25519 private key");
        let public = X25519HkdfSha256::sk_to_pk(&private).to_bytes();
        Self {
            sign: SigningKey::from_bytes(&sign),
            encrypt: Zeroizing::new(encrypt),
            encrypt_public: X25519Key(public.into()),
        }
    }

    /// From a seed in hex, as files keep it.
    pub fn from_hex(seed: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = Zeroizing::new([0; 64]);
        hex::decode_to_slice(seed, bytes.as_mut())?;
        Ok(Self::from_seed(&bytes))
    }

    pub fn sign_public(&self) -> Ed25519Key {
        Ed25519Key(self.sign.verifying_key().to_bytes())
    }

    pub fn encrypt_public(&self) -> X25519Key {
        self.encrypt_public
    }

    pub fn encrypt_private(&self) -> &[u8; 32] {
        &self.encrypt
    }

    /// A signature over a message of the escrow's.
    pub(crate) fn signed(&self, message: &Voucher) -> Signature64 {
        voucher::sign(&self.sign, message)
    }

    /// Arguments for `register_host`, with the signing key's endorsement of the encryption key.
    pub fn registration(
        &self,
        chain_id: &str,
        keys: &AccountId,
        operator: &AccountId,
        max_staleness_ms: u64,
    ) -> RegisterHost {
        let sign_key = self.sign_public();
        let encrypt_key = self.encrypt_public;
        let proof = HostProof { operator: operator.clone(), sign_key, encrypt_key };
        let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id, contract: keys };
        let signature = self.sign.sign(&domain.message(&proof, sha256));
        RegisterHost { sign_key, encrypt_key, max_staleness_ms, proof: Signature64(signature.to_bytes()) }
    }
}
