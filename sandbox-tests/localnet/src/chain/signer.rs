//! The validators' signatures on headers.

use std::collections::HashMap;

use ed25519_dalek::Signer as _;
use near_crypto::{InMemorySigner, SecretKey, Signature, Signer};
use near_primitives::block_header::{Approval, ApprovalInner, BlockHeader};
use near_primitives::hash::CryptoHash;
use near_primitives::sharding::ShardChunkHeaderV3;
use near_primitives::types::{AccountId, BlockHeight};
use near_primitives::validator_signer::{EmptyValidatorSigner, ValidatorSigner};

use crate::genesis::Genesis;
use crate::validators::validator_key;

/// All validators' keys.
pub(super) struct Signers {
    root: BlockSigner,
    others: HashMap<AccountId, BlockSigner>,
}

impl Signers {
    pub fn new(genesis: &Genesis) -> Self {
        let others = (0_u16..).zip(&genesis.config.validators).skip(1).map(|(place, validator)| {
            let key = validator_key(&genesis.root_key, place);
            (validator.account_id.clone(), BlockSigner::new(&validator.account_id, &key))
        });
        Self { root: BlockSigner::new(genesis.root_id(), &genesis.root_key), others: others.collect() }
    }

    /// The key of a validator: who is none of the others is the root.
    pub fn of(&self, id: &AccountId) -> &BlockSigner {
        self.others.get(id).unwrap_or(&self.root)
    }
}

/// A validator's key, ready to sign. near-crypto computes an ed25519 key's public half anew for each signature, which takes
/// as long as the signature does, and a block has three of them.
pub(super) struct BlockSigner {
    key: Key,
    /// What headers are made with before they are signed: their hashes do not cover the signature.
    unsigned: ValidatorSigner,
}

enum Key {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Other(Signer),
}

impl BlockSigner {
    pub fn new(id: &AccountId, key: &SecretKey) -> Self {
        let ready = match key {
            SecretKey::ED25519(pair) => ed25519_dalek::SigningKey::from_keypair_bytes(&pair.0).ok(),
            // nearcore's validators can't have the first, which signs nothing longer than a hash.
            SecretKey::SECP256K1(_) | SecretKey::MLDSA65(_) => None,
        };
        let key = ready.map_or_else(
            || Key::Other(InMemorySigner::from_secret_key(id.clone(), key.clone())),
            |ready| Key::Ed25519(Box::new(ready)),
        );
        Self { key, unsigned: EmptyValidatorSigner::new(id.clone()) }
    }

    /// What headers are made with, to be signed afterwards.
    pub fn unsigned(&self) -> &ValidatorSigner {
        &self.unsigned
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        match &self.key {
            Key::Ed25519(key) => Signature::ED25519(key.sign(bytes)),
            Key::Other(signer) => signer.sign(bytes),
        }
    }

    pub fn sign_chunk(&self, chunk: &mut ShardChunkHeaderV3) {
        chunk.signature = self.sign(chunk.hash.as_ref());
    }

    pub fn sign_header(&self, header: &mut BlockHeader) {
        let signed = self.sign(header.hash().as_ref());
        let signature = match header {
            BlockHeader::BlockHeaderV1(header) => &mut header.signature,
            BlockHeader::BlockHeaderV2(header) => &mut header.signature,
            BlockHeader::BlockHeaderV3(header) => &mut header.signature,
            BlockHeader::BlockHeaderV4(header) => &mut header.signature,
            BlockHeader::BlockHeaderV5(header) => &mut header.signature,
            BlockHeader::BlockHeaderV6(header) => &mut header.signature,
            BlockHeader::BlockHeaderV7(header) => &mut header.signature,
            BlockHeader::BlockHeaderV8(header) => &mut header.signature,
        };
        *signature = signed;
    }

    /// The validator's approval of a block on top of `parent`.
    pub fn approve(&self, parent: &CryptoHash, parent_height: BlockHeight, height: BlockHeight) -> Signature {
        let inner = ApprovalInner::new(parent, parent_height, height);
        self.sign(&Approval::get_data_for_sig(&inner, height))
    }
}
