//! What holds after any traffic.

use std::collections::BTreeSet;

use charter_localnet::chain::{Block, Chain, OutcomeProof};
use near_primitives::block_header::BlockHeaderInnerLite;
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{combine_hash, compute_root_from_path};
use near_primitives::transaction::{ExecutionOutcomeWithId, ExecutionStatus};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{Balance, Gas, StateChangeCause};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use crate::traffic::{Step, play, prepared, settle, steps};

const CASES: u32 = 1_000;

fn after(start: &Chain, steps: &[Step]) -> Chain {
    let mut chain = start.fork();
    play(&mut chain, steps);
    chain
}

thread_local! {
    static START: Chain = prepared(88);
    /// Contracts get a share of the gas they burn up to 86.
    static START_86: Chain = prepared(86);
}

fn blocks(chain: &Chain) -> impl Iterator<Item = &Block> {
    let heights = 0..=chain.head().header.height();
    heights.filter_map(|height| chain.block_by_height(height).map(AsRef::as_ref))
}

fn succeeded(outcome: &ExecutionOutcomeWithId) -> bool {
    matches!(outcome.outcome.status, ExecutionStatus::SuccessValue(_) | ExecutionStatus::SuccessReceiptId(_))
}

/// Receipts that a block's account changes name as processed.
fn processed(block: &Block) -> BTreeSet<CryptoHash> {
    let accounts = block.changes.iter().filter(|change| matches!(change.trie_key, TrieKey::Account { .. }));
    let causes = accounts.flat_map(|change| change.changes.iter().map(|change| &change.cause));
    causes
        .filter_map(|cause| match cause {
            StateChangeCause::ReceiptProcessing { receipt_hash } => Some(*receipt_hash),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// Leave out the subtraction of `reward` in `reward_contract` (`receipt.rs`), or the deposit's refund in `refund.rs`,
    /// and this fails.
    #[test]
    fn no_token_appears_or_is_lost(steps in steps()) {
        for start in [&START, &START_86] {
            start.with(|start| keeps_supply(start, &steps))?;
        }
    }

    /// Execution depends on nothing but the blocks' contents.
    #[test]
    fn the_same_blocks_give_the_same_state(steps in steps()) {
        START.with(|start| {
            let chain = after(start, &steps);
            let again = chain.replay_from_genesis().unwrap();
            let roots = |chain: &Chain| blocks(chain).map(|block| (block.state.root_hash(), block.outcome_root)).collect::<Vec<_>>();
            prop_assert_eq!(roots(&chain), roots(&again));
            Ok(())
        })?;
    }

    /// Remove `self.state.rollback()` in `receipt.rs`, or `drop_effects` in `outcome.rs`, and this fails.
    #[test]
    fn a_failed_receipt_leaves_its_outcome_and_nothing_else(steps in steps()) {
        START.with(|start| {
            let mut chain = after(start, &steps);
            settle(&mut chain);
            for block in blocks(&chain) {
                let failed = block.outcomes.iter().filter(|outcome| !succeeded(outcome));
                let failed: BTreeSet<_> = failed.map(|outcome| outcome.id).collect();
                for change in block.changes.iter().flat_map(|change| &change.changes) {
                    if let StateChangeCause::ReceiptProcessing { receipt_hash } = change.cause {
                        prop_assert!(!failed.contains(&receipt_hash));
                    }
                }
                let sent = block.outcomes.iter().filter(|outcome| failed.contains(&outcome.id));
                for receipt_id in sent.flat_map(|outcome| &outcome.outcome.receipt_ids) {
                    let receipt = chain.receipt(receipt_id).unwrap();
                    prop_assert!(receipt.predecessor_id().is_system(), "a failed receipt sent {:?}", receipt);
                }
            }
            Ok(())
        })?;
    }

    /// How an indexer reads the chain: changes name exactly the receipts that succeeded, in the block that executed
    /// them, and every outcome can be proven against a header; a changed one can't.
    #[test]
    fn changes_name_the_receipts_that_succeeded_and_outcomes_are_proven(steps in steps(), bit in 0_usize..10_000) {
        START.with(|start| {
            let mut chain = after(start, &steps);
            settle(&mut chain);
            let first_new = start.head().header.height();
            for block in blocks(&chain).filter(|block| block.header.height() > first_new) {
                let receipts = block.outcomes.iter().filter(|outcome| chain.receipt(&outcome.id).is_some());
                let good: BTreeSet<_> = receipts.filter(|outcome| succeeded(outcome)).map(|outcome| outcome.id).collect();
                prop_assert_eq!(processed(block), good);
                for outcome in &block.outcomes {
                    check_proof(&chain, &outcome.id, bit)?;
                }
            }
            Ok(())
        })?;
    }
}

fn keeps_supply(start: &Chain, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut chain = start.fork();
    let before = start.supply();
    for step in steps {
        play(&mut chain, std::slice::from_ref(step));
        let now = chain.supply();
        prop_assert_eq!(now.total(), before.total(), "{:?} to {:?} by {:?}", before, now, step);
    }
    settle(&mut chain);
    prop_assert_eq!(chain.supply().total(), before.total());
    Ok(())
}

/// As a light client does: outcome, chunk root, header, tree of blocks.
pub fn verifies(proof: &OutcomeProof, block_merkle_root: &CryptoHash) -> bool {
    let lite = &proof.block_header_lite;
    let chunk_root = compute_root_from_path(&proof.outcome.proof, CryptoHash::hash_borsh(proof.outcome.to_hashes()));
    let outcome_root = compute_root_from_path(&proof.outcome_root_proof, CryptoHash::hash_borsh(chunk_root));
    let inner_lite = CryptoHash::hash_borsh(BlockHeaderInnerLite::from(lite.inner_lite.clone()));
    let block_hash = combine_hash(&combine_hash(&inner_lite, &lite.inner_rest_hash), &lite.prev_block_hash);
    outcome_root == lite.inner_lite.outcome_root
        && compute_root_from_path(&proof.block_proof, block_hash) == *block_merkle_root
}

/// Flips one bit somewhere in a proof.
fn flip(proof: &mut OutcomeProof, bit: usize) {
    let (lite, outcome) = (&mut proof.block_header_lite, &mut proof.outcome);
    let mut hashes = vec![&mut outcome.id, &mut lite.prev_block_hash, &mut lite.inner_rest_hash];
    hashes.extend([&mut lite.inner_lite.outcome_root, &mut lite.inner_lite.prev_state_root]);
    hashes.extend(outcome.outcome.receipt_ids.iter_mut());
    let paths = [&mut outcome.proof, &mut proof.outcome_root_proof, &mut proof.block_proof];
    hashes.extend(paths.into_iter().flatten().map(|item| &mut item.hash));
    let place = bit % (hashes.len() + 2);
    match place.checked_sub(hashes.len()) {
        None => hashes[place].0[bit % 32] ^= 1 << (bit % 8),
        Some(0) => outcome.outcome.gas_burnt = Gas::from_gas(outcome.outcome.gas_burnt.as_gas() ^ (1 << (bit % 64))),
        Some(_) => {
            let tokens = outcome.outcome.tokens_burnt.as_yoctonear() ^ (1 << (bit % 128));
            outcome.outcome.tokens_burnt = Balance::from_yoctonear(tokens);
        }
    }
}

fn check_proof(chain: &Chain, id: &CryptoHash, bit: usize) -> Result<(), TestCaseError> {
    let head = chain.head();
    let root = head.header.block_merkle_root();
    let mut proof = chain.outcome_proof(id, head.header.hash()).unwrap();
    prop_assert!(verifies(&proof, root));
    flip(&mut proof, bit);
    prop_assert!(!verifies(&proof, root), "bit {} does not matter", bit);
    Ok(())
}
