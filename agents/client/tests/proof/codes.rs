//! Codes never change: these are all there are, and none is used twice.

use charter_client::proof::ProofError;
use near_primitives::hash::CryptoHash;

use crate::world::{EVE, REGISTRY, account};

#[test]
fn codes_are_these() {
    let (hash, other) = (CryptoHash::default(), CryptoHash::hash_borsh(1_u8));
    let (eve, registry) = (account(EVE), account(REGISTRY));
    let errors = [
        ProofError::UnknownProtocol { what: String::new() },
        ProofError::WrongHash { hash },
        ProofError::OtherBlock { expected: hash, found: other },
        ProofError::NotHigher { head: 2, height: 1 },
        ProofError::OtherEpoch { epoch_id: hash },
        ProofError::NoProducers { epoch_id: hash },
        ProofError::NoNextProducers,
        ProofError::OtherProducers { next_bp_hash: hash },
        ProofError::DoubleProducer { account: eve.clone() },
        ProofError::BadSignature { account: eve.clone() },
        ProofError::LittleStake { approved: 2, total: 3 },
        ProofError::OtherReceipt { expected: hash, found: other },
        ProofError::OtherExecutor { expected: registry, found: eve.clone() },
        ProofError::OutcomePath { block: hash },
        ProofError::BlockPath { block: hash },
        ProofError::OtherState,
        ProofError::OtherShard { account: eve },
        ProofError::MissingNode { hash },
        ProofError::BadNode { hash },
        ProofError::OtherValue { key: String::new() },
        ProofError::Unreadable,
    ];
    let codes = errors.each_ref().map(ProofError::code);
    let expected = "UNKNOWN_PROTOCOL WRONG_HASH OTHER_BLOCK NOT_HIGHER OTHER_EPOCH NO_PRODUCERS NO_NEXT_PRODUCERS \
                    OTHER_PRODUCERS DOUBLE_PRODUCER BAD_SIGNATURE LITTLE_STAKE OTHER_RECEIPT OTHER_EXECUTOR \
                    OUTCOME_PATH BLOCK_PATH OTHER_STATE OTHER_SHARD MISSING_NODE BAD_NODE OTHER_VALUE UNREADABLE";
    let expected: Vec<String> = expected.split_whitespace().map(|code| format!("PROOF_{code}")).collect();
    assert_eq!(codes.as_slice(), expected);
    let sentences: std::collections::BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(sentences.len(), errors.len(), "two say the same");
}
