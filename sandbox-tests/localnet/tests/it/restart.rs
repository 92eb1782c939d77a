//! A chain with a home folder survives its process.

use charter_localnet::{Config, Faults, Genesis, Localnet};
use near_crypto::{InMemorySigner, Signer};
use near_primitives::hash::CryptoHash;
use near_primitives::transaction::SignedTransaction;
use near_primitives::types::Balance;

async fn head(localnet: &Localnet) -> (u64, CryptoHash, CryptoHash) {
    let found = localnet.with(|chain| {
        let block = chain.head();
        (block.header.height(), *block.header.hash(), block.state.root_hash())
    });
    found.await.unwrap()
}

async fn transfer(localnet: &Localnet, nonce: u64) {
    let signer: Signer = InMemorySigner::from_secret_key(localnet.root_id().clone(), localnet.root_key().clone());
    let block_hash = head(localnet).await.1;
    let to = "registrar".parse().unwrap();
    let deposit = Balance::from_near(1);
    let signed = SignedTransaction::send_money(nonce, localnet.root_id().clone(), to, &signer, deposit, block_hash);
    localnet.submit(signed).await.unwrap();
}

#[tokio::test]
async fn a_second_start_resumes_the_same_chain_even_after_a_torn_write() {
    let home = tempfile::tempdir().unwrap();
    let config = || Config { genesis: Genesis::default(), home: Some(home.path().to_owned()), ..Config::default() };
    let first = Localnet::start(config()).await.unwrap();
    for nonce in 1..=5 {
        transfer(&first, nonce).await;
    }
    first.cheats().advance_blocks(10).await.unwrap();
    while first.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let expected = head(&first).await;
    assert!(Localnet::start(config()).await.is_err(), "two processes on one home");
    drop(first);

    // What a kill in the middle of a write leaves behind.
    let log = home.path().join("data/blocks.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend_from_slice(&[200, 0, 0, 0, 1, 2, 3]);
    std::fs::write(&log, bytes).unwrap();

    let second = reopen(config).await;
    assert_eq!(head(&second).await, expected);
    transfer(&second, 6).await;
    assert!(head(&second).await.0 > expected.0);
}

/// What a lost head gave back went into a later block: it must not come a third time.
#[tokio::test]
async fn a_chain_that_lost_heads_resumes_with_an_empty_pool() {
    let home = tempfile::tempdir().unwrap();
    let faults = Faults { lost_head: 0.5, seed: 3, ..Faults::default() };
    let config = || Config { home: Some(home.path().to_owned()), faults, finality_lag: 2, ..Config::default() };
    let first = Localnet::start(config()).await.unwrap();
    for nonce in 1..=10 {
        transfer(&first, nonce).await;
    }
    while first.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let expected = head(&first).await;
    let lost = first.with(|chain| chain.head().header.height() + 1 - u64::try_from(chain.block_count()).unwrap());
    assert!(lost.await.unwrap() > 0, "no head was lost");
    drop(first);
    let second = reopen(config).await;
    assert_eq!(second.with(|chain| chain.pool_size()).await.unwrap(), 0);
    assert_eq!(head(&second).await, expected);
}

/// The lock goes with the first chain's thread, which ends soon after its last handle.
async fn reopen(config: impl Fn() -> Config) -> Localnet {
    for _ in 0..1_000 {
        if let Ok(localnet) = Localnet::start(config()).await {
            return localnet;
        }
        tokio::task::yield_now().await;
    }
    Localnet::start(config()).await.unwrap()
}
