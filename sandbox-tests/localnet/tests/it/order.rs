//! Transactions that overtake each other on the way are executed in the order of their nonces.

use std::time::Duration;

use charter_localnet::chain::TxStatus;
use charter_localnet::{Config, Error, Genesis, Localnet, Producer};
use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, TransferAction};
use near_primitives::errors::InvalidTxError;
use near_primitives::hash::CryptoHash;
use near_primitives::serialize::to_base64;
use near_primitives::state_record::StateRecord;
use near_primitives::transaction::{
    NonceMode, SignedTransaction, Transaction, TransactionNonce, TransactionV0, TransactionV1,
};
use near_primitives::types::{AccountId, Balance};
use near_primitives::views::TxExecutionStatus;
use serde_json::{Value, json};

const CONNECTIONS: usize = 16;

fn registrar() -> AccountId {
    "registrar".parse().unwrap()
}

fn yocto() -> Vec<Action> {
    vec![Action::Transfer(TransferAction { deposit: Balance::from_yoctonear(1) })]
}

fn sign(id: &AccountId, key: &SecretKey, transaction: Transaction) -> SignedTransaction {
    let signer: Signer = InMemorySigner::from_secret_key(id.clone(), key.clone());
    let signature = signer.sign(transaction.get_hash_and_size().0.as_ref());
    SignedTransaction::new(signature, transaction)
}

fn transfer(id: &AccountId, key: &SecretKey, nonce: u64, block_hash: CryptoHash) -> SignedTransaction {
    let transaction = Transaction::V0(TransactionV0 {
        signer_id: id.clone(),
        public_key: key.public_key(),
        nonce,
        receiver_id: registrar(),
        block_hash,
        actions: yocto(),
    });
    sign(id, key, transaction)
}

async fn head(localnet: &Localnet) -> CryptoHash {
    localnet.with(|chain| *chain.head().header.hash()).await.unwrap()
}

/// Sends all transactions at once over some connections, each connection its share in the order given.
async fn send_over_connections(url: &str, transactions: &[SignedTransaction]) {
    let share = transactions.len().div_ceil(CONNECTIONS);
    let connections = transactions.chunks(share).map(|share| {
        let (url, bodies) = (url.to_owned(), share.iter().map(broadcast).collect::<Vec<_>>());
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            for body in bodies {
                let answer = client.post(&url).json(&body).send().await.unwrap();
                assert!(answer.status().is_success());
            }
        })
    });
    for connection in connections.collect::<Vec<_>>() {
        connection.await.unwrap();
    }
}

fn broadcast(signed: &SignedTransaction) -> Value {
    let text = to_base64(&borsh::to_vec(signed).unwrap());
    json!({ "jsonrpc": "2.0", "id": "x", "method": "broadcast_tx_async", "params": [text] })
}

/// All of `keys`' transactions, far from their order.
fn shuffled(id: &AccountId, keys: &[SecretKey], of_each: u64, block_hash: CryptoHash) -> Vec<SignedTransaction> {
    let of_key = |key| (1..=of_each).map(move |nonce| transfer(id, key, nonce, block_hash));
    let in_order: Vec<_> = keys.iter().flat_map(of_key).collect();
    // 617 has no factor in common with 1,000.
    (0..in_order.len()).map(|at| in_order[at * 617 % in_order.len()].clone()).collect()
}

async fn all_are_included(keys: usize, of_each: u64) {
    let mut genesis = Genesis::default();
    let more = (1..keys).map(|_| SecretKey::from_random(KeyType::ED25519));
    let keys: Vec<_> = std::iter::once(genesis.root_key.clone()).chain(more).collect();
    let id = genesis.root_id().clone();
    for key in &keys[1..] {
        genesis.records.push(StateRecord::access_key(id.clone(), key.public_key(), AccessKey::full_access()));
    }
    let localnet = Localnet::start(Config { genesis, ..Config::default() }).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let transactions = shuffled(&id, &keys, of_each, head(&localnet).await);
    send_over_connections(&rpc.url(), &transactions).await;
    for signed in &transactions {
        let status = localnet.wait(signed.get_hash(), TxExecutionStatus::Final, Duration::MAX).await.unwrap();
        let nonce = signed.transaction.nonce().nonce();
        if let TxStatus::Refused(error) = &status {
            panic!("nonce {nonce} is refused: {error}");
        }
        assert!(matches!(status, TxStatus::Executed { .. }), "nonce {nonce} was left out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_transactions_of_one_key_in_any_order_are_all_included() {
    all_are_included(1, 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_are_those_of_ten_keys_at_once() {
    all_are_included(10, 100).await;
}

#[tokio::test]
async fn a_block_has_each_keys_transactions_by_nonce() {
    let localnet = Localnet::start(Config { producer: Producer::Follow, ..Config::default() }).await.unwrap();
    let block_hash = head(&localnet).await;
    let signed = |nonce| transfer(localnet.root_id(), localnet.root_key(), nonce, block_hash);
    for nonce in [4, 9, 1, 2, 3] {
        localnet.broadcast(signed(nonce)).await.unwrap();
    }
    let nonces = localnet.with(|chain| {
        chain.produce().unwrap();
        let transactions = chain.head().transactions.iter();
        transactions.map(|signed| signed.transaction.nonce().nonce()).collect::<Vec<_>>()
    });
    assert_eq!(nonces.await.unwrap(), [1, 2, 3, 4, 9]);
}

/// nearcore lets a nonce leave others out, but for strict ones.
#[tokio::test]
async fn a_gap_that_never_fills_is_answered() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let block_hash = head(&localnet).await;
    localnet.submit(transfer(localnet.root_id(), localnet.root_key(), 5, block_hash)).await.unwrap();
    let strict = Transaction::V1(TransactionV1 {
        signer_id: localnet.root_id().clone(),
        public_key: localnet.root_key().public_key(),
        nonce: TransactionNonce::from_nonce(8),
        receiver_id: registrar(),
        block_hash,
        actions: yocto(),
        nonce_mode: NonceMode::Strict,
    });
    let refused = localnet.submit(sign(localnet.root_id(), localnet.root_key(), strict)).await;
    let Err(Error::Refused(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error, InvalidTxError::InvalidNonce { tx_nonce: 8, ak_nonce: 5 });
}

/// Questions must not put off the next idle block. Without an end to the wait this goes on until the test is stopped.
#[tokio::test]
async fn idle_blocks_come_while_the_chain_is_asked() {
    let producer = Producer::InstantAndIdle(Duration::from_millis(20));
    let localnet = Localnet::start(Config { producer, ..Config::default() }).await.unwrap();
    let asked = async { while localnet.with(|chain| chain.head().header.height()).await.unwrap() < 5 {} };
    tokio::time::timeout(Duration::from_mins(1), asked).await.unwrap();
}
