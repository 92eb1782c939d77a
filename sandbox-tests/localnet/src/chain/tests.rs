//! States and histories that no client can bring about on purpose, made by hand.

use std::sync::Arc;

use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_primitives::block_header::{Approval, ApprovalInner};
use near_primitives::errors::InvalidTxError;
use near_primitives::transaction::SignedTransaction;
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::FinalExecutionStatus;

use super::{Chain, ChainOptions, TxStatus};
use crate::genesis::{Genesis, registrar_id};
use crate::store::{Entry, Plan};
use crate::trie::Value;

/// A chain where whatever reads the registrar's account panics.
fn broken() -> (Chain, SecretKey) {
    let genesis = Genesis::default();
    let key = genesis.root_key.clone();
    let mut chain = Chain::new(genesis, ChainOptions::default()).expect("a chain");
    let mut block = chain.head().as_ref().clone();
    let broken: Arc<[u8]> = Arc::from(vec![9_u8; 3]);
    block.state.insert(&TrieKey::Account { account_id: registrar_id() }.to_vec(), Value::new(broken));
    chain.blocks[0] = Arc::new(block);
    (chain, key)
}

fn transfer(chain: &Chain, from: &AccountId, key: &SecretKey, to: &AccountId, nonce: u64) -> SignedTransaction {
    let signer: Signer = InMemorySigner::from_secret_key(from.clone(), key.clone());
    let (deposit, hash) = (Balance::from_near(1), *chain.head().header.hash());
    SignedTransaction::send_money(nonce, from.clone(), to.clone(), &signer, deposit, hash)
}

/// Fails without `caught` around `run_actions`, or around `accept_transaction`.
#[test]
fn a_defect_fails_its_own_receipt_or_transaction_and_no_other() {
    let (mut chain, key) = broken();
    let root = chain.genesis.root_id().clone();
    let to_broken = transfer(&chain, &root, &key, &registrar_id(), 1);
    let to_whole = transfer(&chain, &root, &key, &root, 2);
    let from_broken = transfer(&chain, &registrar_id(), &key, &root, 1);
    for signed in [&to_broken, &to_whole] {
        chain.submit(signed.clone()).expect("admitted");
    }
    chain.pool.push(Arc::new(from_broken.clone()), 0);
    while chain.has_work() {
        chain.produce().expect("a block");
    }
    let status = |signed: &SignedTransaction| match chain.tx_status(&signed.get_hash()) {
        TxStatus::Executed { outcome, .. } => outcome.status,
        _ => FinalExecutionStatus::NotStarted,
    };
    assert!(matches!(status(&to_whole), FinalExecutionStatus::SuccessValue(_)));
    let failed = format!("{:?}", status(&to_broken));
    assert!(failed.contains("a defect in charter-localnet: state holds a broken"), "{failed}");
    let TxStatus::Refused(error) = chain.tx_status(&from_broken.get_hash()) else { panic!("it is not refused") };
    assert!(error.to_string().contains("a defect in charter-localnet"), "{error}");
}

fn transfer_of_root(chain: &Chain, nonce: u64) -> SignedTransaction {
    let (root, key) = (chain.genesis.root_id().clone(), chain.genesis.root_key.clone());
    transfer(chain, &root, &key, &registrar_id(), nonce)
}

fn plan(chain: &Chain, height: u64, transactions: Vec<SignedTransaction>) -> Plan {
    let timestamp_ns = chain.head().header.raw_timestamp() + 1;
    let transactions = transactions.into_iter().map(Arc::new).collect();
    Plan { height, timestamp_ns, transactions, ..Plan::default() }
}

/// Keep it among the transactions, and whoever sends it again waits for ever.
#[test]
fn what_only_a_lost_head_had_executed_is_unknown_after_a_restart() {
    let mut chain = Chain::new(Genesis::default(), ChainOptions::default()).expect("a chain");
    let mut entries = vec![Entry::Genesis { hash: *chain.head().header.hash() }];
    let mut make = |chain: &mut Chain, plan: Plan| {
        chain.make_block(&plan);
        entries.push(Entry::Block { plan, hash: *chain.head().header.hash() });
    };
    let (lost, kept) = (transfer_of_root(&chain, 5), transfer_of_root(&chain, 1));
    let first = plan(&chain, 1, vec![lost.clone()]);
    make(&mut chain, first);
    chain.undo_head();
    let second = plan(&chain, 2, vec![kept.clone()]);
    make(&mut chain, second);
    entries.insert(2, Entry::Undo);
    let genesis = chain.genesis.as_ref().clone();
    let mut again = Chain::replayed(genesis, ChainOptions::default(), entries).expect("the same chain");
    assert!(matches!(again.tx_status(&kept.get_hash()), TxStatus::Executed { .. }));
    assert!(matches!(again.tx_status(&lost.get_hash()), TxStatus::Unknown));
    again.submit(lost.clone()).expect("admitted");
    again.produce().expect("a block");
    assert!(matches!(again.tx_status(&lost.get_hash()), TxStatus::Executed { .. }));
}

#[test]
fn a_transaction_that_names_a_lost_block_is_refused() {
    let mut chain = Chain::new(Genesis::default(), ChainOptions::default()).expect("a chain");
    let first = plan(&chain, 1, Vec::new());
    chain.make_block(&first);
    let signed = transfer_of_root(&chain, 1);
    chain.submit(signed.clone()).expect("admitted");
    chain.undo_head();
    chain.produce().expect("a block");
    let status = chain.tx_status(&signed.get_hash());
    assert!(matches!(status, TxStatus::Refused(InvalidTxError::InvalidChain)));
}

/// As in a dump of a chain that had skipped time.
#[test]
fn time_goes_on_from_a_genesis_in_the_future() {
    let mut genesis = Genesis::default();
    genesis.config.genesis_time = near_primitives::utils::from_timestamp(crate::clock::now_ns() + 3_600_000_000_000);
    let mut chain = Chain::new(genesis, ChainOptions::default()).expect("a chain");
    let begin = chain.head().header.raw_timestamp();
    chain.produce().expect("a block");
    // A clock that stands gives each block the next nanosecond.
    assert!(chain.head().header.raw_timestamp() > begin + 1);
}

/// Sign one of the three with another key, or before its hash is there, and a client that checks it turns the block down.
#[test]
fn the_validator_signs_headers_chunks_and_approvals_whatever_its_kind_of_key() {
    for kind in [KeyType::ED25519, KeyType::MLDSA65] {
        let key = SecretKey::from_random(kind);
        let genesis = Genesis::of_root("signed", crate::genesis::default_root_id(), key.clone());
        let mut chain = Chain::new(genesis, ChainOptions::default()).expect("a chain");
        chain.produce().expect("a block");
        let (public, header, chunk) = (key.public_key(), &chain.head().header, &chain.head().chunk);
        assert!(header.signature().verify(header.hash().as_ref(), &public));
        assert!(chunk.signature().verify(chunk.chunk_hash().as_ref(), &public));
        let parent = ApprovalInner::new(header.prev_hash(), 0, header.height());
        let approved = Approval::get_data_for_sig(&parent, header.height());
        let [Some(approval)] = header.approvals() else { panic!("one approval is expected") };
        assert!(approval.verify(&approved, &public));
    }
}
