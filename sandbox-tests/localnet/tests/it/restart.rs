//! A chain with a home folder survives its process.

use charter_localnet::{Config, Error, Faults, Genesis, Localnet};
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

/// The head once there is nothing left to do.
async fn settled(localnet: &Localnet) -> (u64, CryptoHash, CryptoHash) {
    while localnet.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    head(localnet).await
}

async fn transfer(localnet: &Localnet, nonce: u64) {
    let signer: Signer = InMemorySigner::from_secret_key(localnet.root_id().clone(), localnet.root_key().clone());
    let block_hash = localnet.with(|chain| *chain.final_head().header.hash()).await.unwrap();
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
    let expected = settled(&first).await;
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

/// Where each entry of the log starts, the end of the last one included.
fn entries(log: &[u8]) -> Vec<usize> {
    let mut starts = vec![8];
    while let Some(length) = log.get(starts[starts.len() - 1]..).and_then(|rest| rest.first_chunk::<4>()) {
        starts.push(starts[starts.len() - 1] + 12 + usize::try_from(u32::from_le_bytes(*length)).unwrap());
    }
    starts
}

/// Fails without the check of the length in `store::next`: a length that points behind the end looks like a torn write.
#[tokio::test]
async fn damage_before_the_end_is_named_and_nothing_is_cut() {
    let home = tempfile::tempdir().unwrap();
    let config = || Config { home: Some(home.path().to_owned()), fsync: true, ..Config::default() };
    let first = Localnet::start(config()).await.unwrap();
    for nonce in 1..=3 {
        transfer(&first, nonce).await;
    }
    let expected = settled(&first).await;
    drop(first);
    drop(reopen(config).await);
    let log = home.path().join("data/blocks.log");
    let whole = std::fs::read(&log).unwrap();
    let starts = entries(&whole);
    assert_eq!(starts.last(), Some(&whole.len()));
    let entry = starts[2];
    // Its length (which then ends behind the file, or within), both checks, its content, and the last entry's content.
    let last = whole.len() - 1;
    for (place, start) in
        [(entry + 3, entry), (entry, entry), (entry + 4, entry), (entry + 8, entry), (entry + 12, entry)]
            .into_iter()
            .chain([(last, starts[starts.len() - 2]), (3, 0)])
    {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        std::fs::write(&log, &damaged).unwrap();
        let refused = unlocked(|| Localnet::start(config())).await.err().unwrap().to_string();
        assert!(refused.contains("blocks.log") && refused.contains(&format!("byte {start}:")), "{place}: {refused}");
        assert_eq!(std::fs::read(&log).unwrap(), damaged);
    }
    // What a kill or a power cut leaves behind: part of an entry, or room for one.
    for tail in [&whole[entry..entry + 5], &whole[entry..starts[3] - 1], &[0; 40]] {
        std::fs::write(&log, [&whole, tail].concat()).unwrap();
        let second = reopen(config).await;
        assert_eq!(head(&second).await, expected);
        drop(second);
        drop(reopen(config).await);
        assert_eq!(std::fs::read(&log).unwrap(), whole);
    }
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
    let expected = settled(&first).await;
    let lost = first.with(|chain| chain.head().header.height() + 1 - u64::try_from(chain.block_count()).unwrap());
    assert!(lost.await.unwrap() > 0, "no head was lost");
    drop(first);
    let second = reopen(config).await;
    assert_eq!(second.with(|chain| chain.pool_size()).await.unwrap(), 0);
    assert_eq!(head(&second).await, expected);
}

pub async fn reopen(config: impl Fn() -> Config) -> Localnet {
    unlocked(|| Localnet::start(config())).await.unwrap()
}

/// The lock goes with the first chain's thread, which ends soon after its last handle.
async fn unlocked<F: Future<Output = Result<Localnet, Error>>>(start: impl Fn() -> F) -> Result<Localnet, Error> {
    for _ in 0..1_000 {
        match start().await {
            Err(error) if error.to_string().contains("in use") => tokio::task::yield_now().await,
            started => return started,
        }
    }
    start().await
}
