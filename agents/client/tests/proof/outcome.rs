//! Outcomes and blocks under a head.

use charter_client::proof::{OutcomeProof, ProofError, ProvenOutcome, Status, Tip, block, outcome};
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::{Direction, MerklePathItem};
use near_primitives::views::ExecutionStatusView;

use crate::chain::{Chain, EPOCH, sha};
use crate::refused;
use crate::world::{EVE, HEAD, REGISTRY, TOLD, WORLD, account, receipt};

/// Where the receipts are: chunk and place. The first is number one.
const PLACES: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)];
const EXECUTORS: [&str; 6] = [REGISTRY, EVE, REGISTRY, REGISTRY, EVE, EVE];

fn tip() -> Tip {
    let mut head = WORLD.chain.trusted(2 * EPOCH + 1);
    for index in [3 * EPOCH + 3, 4 * EPOCH + 1, 5 * EPOCH + 3, 6 * EPOCH + 3, HEAD] {
        head = head.advance(&WORLD.chain.light(index)).unwrap();
    }
    head.tip()
}

fn proof(number: usize) -> OutcomeProof {
    let (chunk, place) = PLACES[number - 1];
    WORLD.chain.outcome_proof((TOLD, chunk, place), HEAD)
}

/// The first receipt's, asked for as it should be.
fn ask(proof: &OutcomeProof) -> Result<ProvenOutcome, ProofError> {
    outcome(tip(), receipt(1), &account(REGISTRY), proof)
}

#[test]
fn outcomes_are_proven_under_the_final_head() {
    for (number, executor) in (1..).zip(EXECUTORS) {
        let proof = proof(number);
        let id = receipt(u64::try_from(number).unwrap());
        let proven = outcome(tip(), id, &account(executor), &proof).unwrap();
        let told = &proof.outcome_proof.outcome;
        assert_eq!((proven.id, &proven.logs, &proven.receipt_ids), (id, &told.logs, &told.receipt_ids));
        assert_eq!((proven.gas_burnt, proven.tokens_burnt), (told.gas_burnt, told.tokens_burnt));
        assert_eq!((proven.block.hash, proven.executor_id), (*WORLD.chain.headers[TOLD].hash(), account(executor)));
        assert_eq!(proven.block.timestamp_ns, WORLD.chain.headers[TOLD].raw_timestamp());
    }
    let statuses = [1, 3, 4].map(|number| {
        outcome(tip(), receipt(number), &account(REGISTRY), &proof(usize::try_from(number).unwrap())).unwrap().status
    });
    assert_eq!(statuses, [Status::Value(b"1".to_vec()), Status::Failure, Status::Receipt(receipt(1))]);
    assert_eq!(statuses.map(|status| status.is_success()), [true, false, true]);
}

#[test]
fn any_block_is_proven_under_any_later_one() {
    let chain = &WORLD.chain;
    for head in 1..chain.headers.len() {
        let tip =
            Tip { hash: *chain.headers[head].hash(), block_merkle_root: *chain.headers[head].block_merkle_root() };
        for index in 0..head {
            assert_eq!(block(tip, &chain.block_proof(index, head)).unwrap().hash, *chain.headers[index].hash());
        }
    }
}

#[test]
fn the_head_itself_needs_no_path() {
    let mut proof = WORLD.chain.block_proof(HEAD, HEAD + 1);
    proof.block_proof = Vec::new();
    assert_eq!(block(tip(), &proof).unwrap().hash, tip().hash);
    // Nobody else goes without: not the block before it, nor the one after.
    for index in [HEAD - 1, HEAD + 1, TOLD, 0] {
        let mut proof = WORLD.chain.block_proof(index, HEAD + 2);
        proof.block_proof = Vec::new();
        assert_eq!(refused(block(tip(), &proof)), "PROOF_BLOCK_PATH", "{index}");
    }
}

#[test]
fn inv_idx_3_another_receipt_is_refused() {
    for number in 2..=6 {
        assert_eq!(refused(ask(&proof(number))), "PROOF_OTHER_RECEIPT", "{number}");
    }
    // Nor under the asked one's name.
    let mut renamed = proof(4);
    renamed.outcome_proof.id = receipt(1);
    assert_eq!(refused(ask(&renamed)), "PROOF_OUTCOME_PATH");
}

#[test]
fn inv_idx_3_logs_of_another_account_are_refused() {
    let logged = proof(2);
    assert_eq!(refused(outcome(tip(), receipt(2), &account(REGISTRY), &logged)), "PROOF_OTHER_EXECUTOR");
    let mut renamed = logged;
    renamed.outcome_proof.outcome.executor_id = account(REGISTRY);
    assert_eq!(refused(outcome(tip(), receipt(2), &account(REGISTRY), &renamed)), "PROOF_OUTCOME_PATH");
}

#[test]
fn inv_idx_3_an_outcome_that_is_not_the_blocks_is_refused() {
    let bends: [fn(&mut OutcomeProof); 12] = [
        |proof| proof.outcome_proof.outcome.logs[0].push(' '),
        |proof| proof.outcome_proof.outcome.logs.push("EVENT_JSON:{}".to_owned()),
        |proof| proof.outcome_proof.outcome.logs.truncate(1),
        |proof| proof.outcome_proof.outcome.logs.swap(0, 1),
        |proof| proof.outcome_proof.outcome.status = ExecutionStatusView::SuccessValue(b"2".to_vec()),
        |proof| proof.outcome_proof.outcome.status = ExecutionStatusView::Unknown,
        |proof| proof.outcome_proof.outcome.receipt_ids.truncate(1),
        |proof| proof.outcome_proof.proof.truncate(1),
        |proof| proof.outcome_proof.proof.swap(0, 1),
        |proof| proof.outcome_proof.proof[0].direction = Direction::Left,
        |proof| proof.outcome_root_proof.truncate(1),
        |proof| proof.outcome_root_proof.reverse(),
    ];
    for (number, bend) in bends.iter().enumerate() {
        let mut bent = proof(1);
        bend(&mut bent);
        assert_eq!(refused(ask(&bent)), "PROOF_OUTCOME_PATH", "{number}");
    }
    // What failed did not succeed, whatever it logged before.
    let mut bent = proof(3);
    bent.outcome_proof.outcome.status = ExecutionStatusView::SuccessValue(Vec::new());
    assert_eq!(refused(outcome(tip(), receipt(3), &account(REGISTRY), &bent)), "PROOF_OUTCOME_PATH");
    // The path of another outcome, in the same chunk and in another.
    for number in [2, 3, 4] {
        let (mut bent, other) = (proof(1), proof(number));
        bent.outcome_proof.proof = other.outcome_proof.proof;
        bent.outcome_root_proof = other.outcome_root_proof;
        assert_eq!(refused(ask(&bent)), "PROOF_OUTCOME_PATH", "{number}");
    }
    // A block that is the chain's, and does not tell of it.
    let mut bent = proof(1);
    let other = WORLD.chain.block_proof(TOLD + 1, HEAD);
    (bent.block_header_lite, bent.block_proof) = (other.block_header_lite, other.block_proof);
    assert_eq!(refused(ask(&bent)), "PROOF_OUTCOME_PATH");
}

#[test]
fn inv_idx_3_a_block_that_the_head_does_not_stand_on_is_refused() {
    let extra = MerklePathItem { hash: CryptoHash::default(), direction: Direction::Right };
    let length = proof(1).block_proof.len();
    for at in 0..=length {
        let mut longer = proof(1);
        longer.block_proof.insert(at, extra.clone());
        assert_eq!(refused(ask(&longer)), "PROOF_BLOCK_PATH", "longer at {at}");
        let mut shorter = proof(1);
        shorter.block_proof.truncate(at);
        assert_eq!(ask(&shorter).is_ok(), at == length, "cut to {at}");
    }
    for at in 0..length {
        let mut bent = proof(1);
        let item = &mut bent.block_proof[at];
        item.direction = if item.direction == Direction::Left { Direction::Right } else { Direction::Left };
        assert_eq!(refused(ask(&bent)), "PROOF_BLOCK_PATH", "turned at {at}");
        let mut bent = proof(1);
        bent.block_proof[at].hash = sha(b"another");
        assert_eq!(refused(ask(&bent)), "PROOF_BLOCK_PATH", "bent at {at}");
    }
    // A proof for another head.
    for head in [HEAD - 1, HEAD + 1] {
        let other = WORLD.chain.outcome_proof((TOLD, 0, 0), head);
        assert_eq!(refused(ask(&other)), "PROOF_BLOCK_PATH", "{head}");
    }
    // A header made for the outcome, and one of another chain.
    let mut made = proof(1);
    made.block_header_lite.inner_lite.timestamp_nanosec += 1;
    assert_eq!(refused(ask(&made)), "PROOF_BLOCK_PATH");
    let mut other = Chain::new("two");
    other.grow(HEAD);
    assert_eq!(refused(block(tip(), &other.block_proof(TOLD, HEAD))), "PROOF_BLOCK_PATH");
    let mut later = proof(1);
    later.block_header_lite.inner_lite.chunk_execution_root = Some(sha(b"root"));
    assert_eq!(refused(ask(&later)), "PROOF_UNKNOWN_PROTOCOL");
}
