//! What nearcore's own node answered, recorded for localnet's tests: headers, proofs, a block for light clients with
//! its producer's signature, and a state with its nodes.

use charter_client::proof::{
    AccountRoot, Checkpoint, OutcomeProof, Status, Tip, header_hash, lite, outcome, state, state_prefix,
};
use near_primitives::hash::CryptoHash;
use near_primitives::types::Balance;
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{BlockView, LightClientBlockView, ValidatorStakeViewV1, ViewStateResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refused;
use crate::world::account;

const RECORDED: &str = include_str!("../../../../sandbox-tests/localnet/tests/data/rpc.json");
/// What the only validator had at stake in the epoch of the recorded light block. The recording of requests leaves it
/// out, that of transactions beside it has it as an account's locked balance; the header before names it by its hash.
const STAKE: u128 = 50_000_047_084_915_922_953_319_838_397_449;

#[derive(Deserialize)]
struct Recording {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    params: Value,
    response: Value,
}

fn case(name: &str) -> Case {
    let recording: Recording = serde_json::from_str(RECORDED).unwrap();
    recording.cases.into_iter().find(|case| case.name == name).unwrap()
}

fn answer<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(case(name).response["result"].clone()).unwrap()
}

fn hash(value: &Value) -> CryptoHash {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn recorded_headers_have_the_hashes_that_they_name() {
    for name in ["block genesis sync", "block final", "block by height", "block by hash", "block optimistic"] {
        let block: BlockView = answer(name);
        assert_eq!(header_hash(&block.header), Ok(block.header.hash), "{name}");
    }
}

#[test]
fn recorded_outcomes_are_proven_under_the_recorded_final_block() {
    let block: BlockView = answer("block final");
    let tip = Tip { hash: header_hash(&block.header).unwrap(), block_merkle_root: block.header.block_merkle_root };
    for (name, id, executor) in [
        ("light_client_proof receipt", "receipt_id", "receiver_id"),
        ("light_client_proof tx", "transaction_hash", "sender_id"),
    ] {
        let (params, mut proof) = (case(name).params, answer::<OutcomeProof>(name));
        assert_eq!(hash(&params["light_client_head"]), tip.hash, "{name}");
        let (id, executor) = (hash(&params[id]), account(params[executor].as_str().unwrap()));
        let proven = outcome(tip, id, &executor, &proof).unwrap();
        assert_eq!(proven.logs, proof.outcome_proof.outcome.logs, "{name}");
        assert!(matches!(proven.status, Status::Value(_) | Status::Receipt(_)), "{name}");
        assert_eq!(refused(outcome(tip, id, &account("nobody.near"), &proof)), "PROOF_OTHER_EXECUTOR", "{name}");
        proof.outcome_proof.outcome.logs.push("more".to_owned());
        assert_eq!(refused(outcome(tip, id, &executor, &proof)), "PROOF_OUTCOME_PATH", "{name}");
    }
}

#[test]
fn the_recorded_light_block_is_the_next_head() {
    let trusted = hash(&case("next_light_client_block").params["last_block_hash"]);
    let next: LightClientBlockView = answer("next_light_client_block");
    // The block that was asked from is in another proof: the transaction's outcome hangs at it.
    let header = answer::<OutcomeProof>("light_client_proof tx").block_header_lite;
    let ValidatorStakeView::V1(later) = next.next_bps.clone().unwrap().remove(0);
    let producer = ValidatorStakeViewV1 { stake: Balance::from_yoctonear(STAKE), ..later };
    let checkpoint = Checkpoint::new(trusted, &header, &[ValidatorStakeView::V1(producer)]).unwrap();
    let head = checkpoint.into_head();
    let advanced = head.advance(&next).unwrap();
    assert_eq!((advanced.header().height, advanced.header().epoch_id), (238, head.header().next_epoch_id));
    let mut unsigned = next.clone();
    unsigned.approvals_after_next = vec![None];
    assert_eq!(refused(head.advance(&unsigned)), "PROOF_LITTLE_STAKE");
    let mut bent = next;
    bent.inner_lite.timestamp_nanosec += 1;
    assert_eq!(refused(head.advance(&bent)), "PROOF_BAD_SIGNATURE");
}

#[test]
fn the_recorded_state_is_proven_under_the_block_after_it() {
    let block: BlockView = answer("block optimistic");
    let asked = case("view_state with proof");
    // The state that block 937 left is the one that block 938 found.
    assert_eq!(hash(&asked.response["result"]["block_hash"]), block.header.prev_hash);
    let header = lite(&block.header).unwrap();
    let root = AccountRoot::of_only(
        header.inner_lite.prev_state_root,
        block.chunks[0].prev_state_root,
        &account(asked.params["account_id"].as_str().unwrap()),
    );
    let root = root.unwrap();
    let ViewStateResult { values, proof, .. } = answer("view_state with proof");
    assert_eq!(values.len(), 2);
    state_prefix(&root, b"", &values, &proof).unwrap();
    for item in &values {
        state(&root, &item.key, Some(item.value.as_slice()), &proof).unwrap();
        assert_eq!(refused(state(&root, &item.key, None, &proof)), "PROOF_OTHER_VALUE");
    }
    state(&root, b"none", None, &proof).unwrap();
    assert_eq!(refused(state_prefix(&root, b"", &values[1..], &proof)), "PROOF_OTHER_VALUE");
    assert_eq!(refused(state_prefix(&root, b"", &values, &proof[1..])), "PROOF_MISSING_NODE");
}
