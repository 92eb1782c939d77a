//! Faults that are asked for happen, the same ones for the same seed, and nothing else breaks.

use std::time::Duration;

use charter_localnet::chain::{Block, Chain, ChainOptions};
use charter_localnet::{Config, Faults, Localnet};
use near_primitives::action::{Action, TransferAction};
use near_primitives::types::Balance;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::actor::Actor;
use crate::traffic::{play, prepared, settle, steps};

fn faulty(seed: u64) -> Chain {
    let mut chain = prepared(88);
    let faults = Faults {
        seed,
        skipped_height: 0.3,
        missing_chunk: 0.3,
        delayed_receipts: 0.3,
        lost_head: 0.3,
        ..Faults::default()
    };
    chain.options = ChainOptions { finality_lag: 2, faults, ..ChainOptions::default() };
    chain
}

/// The same traffic for every call.
fn run(seed: u64) -> Chain {
    let mut chain = faulty(seed);
    let mut random = TestRunner::deterministic();
    for _ in 0..40 {
        let steps = steps().new_tree(&mut random).unwrap().current();
        play(&mut chain, &steps);
    }
    settle(&mut chain);
    chain
}

fn blocks(chain: &Chain) -> Vec<&Block> {
    (0..=chain.head().header.height()).filter_map(|height| chain.block_by_height(height).map(AsRef::as_ref)).collect()
}

#[test]
fn a_chain_with_faults_keeps_its_promises() {
    let before = faulty(1).supply().total();
    let (chain, again, other) = (run(1), run(1), run(2));
    let heights = |chain: &Chain| {
        blocks(chain).iter().map(|block| (block.header.height(), block.has_chunk())).collect::<Vec<_>>()
    };
    assert_eq!(heights(&chain), heights(&again));
    assert_ne!(heights(&chain), heights(&other));
    let missing = blocks(&chain).iter().filter(|block| !block.has_chunk()).count();
    let delayed = blocks(&chain).iter().filter(|block| block.receipts_delayed && block.has_chunk()).count();
    assert!(missing > 10 && delayed > 10, "{missing} chunks missing, {delayed} chunks that delayed receipts");

    assert_eq!(chain.supply().total(), before);
    let roots = |chain: &Chain| blocks(chain).iter().map(|block| block.state.root_hash()).collect::<Vec<_>>();
    assert_eq!(roots(&chain), roots(&chain.replay_from_genesis().unwrap()));
    let head = *chain.head().header.hash();
    for outcome in blocks(&chain).iter().flat_map(|block| &block.outcomes) {
        let proof = chain.outcome_proof(&outcome.id, &head).unwrap();
        assert!(crate::invariants::verifies(&proof, chain.head().header.block_merkle_root()));
    }
}

#[tokio::test]
async fn a_lost_head_is_forgotten_and_its_transactions_come_again() {
    let faults = Faults { lost_head: 0.5, seed: 3, ..Faults::default() };
    let localnet = Localnet::start(Config { faults, finality_lag: 2, ..Config::default() }).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let alice = root.create("alice", Balance::from_near(5)).await;
    for _ in 0..20 {
        let transfer = Action::Transfer(TransferAction { deposit: Balance::from_near(1) });
        root.send(&alice.id, vec![transfer]).await.unwrap();
    }
    assert_eq!(root.account(&alice.id).await.unwrap().amount, Balance::from_near(25), "each transfer counts once");
    let gaps = localnet.with(|chain| chain.head().header.height() + 1 - u64::try_from(chain.block_count()).unwrap());
    assert!(gaps.await.unwrap() > 5, "no head was lost");
}

#[tokio::test]
async fn rpc_fails_as_asked() {
    let faults = Faults { rpc_error: 0.5, cut_answer: 0.5, slow_answer: 0.2, slow_ms: 30, ..Faults::default() };
    let localnet = Localnet::start(Config { faults, ..Config::default() }).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let client = reqwest::Client::new();
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..200 {
        let asked = std::time::Instant::now();
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"status","params":[]}"#;
        // A connection may be cut before or after the head of the answer got through.
        let kind = match client.post(rpc.url()).body(body).send().await {
            Err(_) => "cut".to_owned(),
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.text().await.map_or("cut".to_owned(), |_| status.to_string())
            }
        };
        *seen.entry(kind).or_default() += 1;
        if asked.elapsed() >= Duration::from_millis(30) {
            *seen.entry("slow".to_owned()).or_default() += 1;
        }
    }
    for kind in ["200", "408", "429", "500", "cut", "slow"] {
        assert!(seen.get(kind).is_some_and(|count| *count > 10), "{kind}: {seen:?}");
    }
}

#[tokio::test]
async fn a_replica_stays_behind() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let replica = localnet.replica(5).await.unwrap();
    localnet.cheats().advance_blocks(3).await.unwrap();
    for _ in 0..20 {
        localnet.with(Chain::produce).await.unwrap().unwrap();
    }
    let head = async |localnet: &Localnet| {
        localnet.with(|chain| (chain.head().header.height(), chain.block_count())).await.unwrap()
    };
    let ahead = head(&localnet).await;
    let mut behind = head(&replica).await;
    while behind.1 + 5 < ahead.1 {
        tokio::task::yield_now().await;
        behind = head(&replica).await;
    }
    assert_eq!((behind.0 + 5, behind.1 + 5), ahead);
    let hash = move |chain: &mut Chain| chain.block_by_height(behind.0).map(|block| *block.header.hash());
    assert_eq!(replica.with(hash).await.unwrap(), localnet.with(hash).await.unwrap());
}
