//! The rule on a chain, with the contracts themselves.

use std::time::Duration;

use charter_client::{Rpc, VoucherSigner, sha256};
use charter_harness::arguments::DEPOSIT;
use charter_harness::{Harness, ok};
use charter_indexer::ranking::{OLD_MS, Question, Ranked, read};
use charter_indexer::{Indexer, verify};
use charter_types::escrow::args::{ChannelRef, Open};
use charter_types::escrow::{ClaimBatch, ClaimRow, Voucher, WITHDRAW_DELAY_MS_MIN, methods as escrow};
use charter_types::{Ed25519Key, U128};
use ed25519_dalek::SigningKey;
use near_workspaces::Account;
use sqlx::Row;

use crate::database;
use crate::mirror::register;

/// Pays for an agent's work by a channel, which is closed then or not.
async fn pay(harness: &Harness, payer: &Account, payee: &Account, agent: u64, closes: bool) {
    let contract = &harness.contracts.escrow;
    let key = SigningKey::from_bytes(&[7; 32]);
    let voucher_key = Ed25519Key(key.verifying_key().to_bytes());
    let args = Open { agent: Some(agent), ..Open::new(payee.id().clone(), voucher_key, WITHDRAW_DELAY_MS_MIN) };
    let channel = ok(payer, contract, escrow::open, &args, DEPOSIT).await;
    let domain = Voucher::domain(&harness.chain_id, contract, sha256);
    let (voucher, signature) = VoucherSigner::new(key, domain, channel).pay(5_000).unwrap();
    let claim = ClaimBatch { rows: vec![ClaimRow::new(&voucher, &signature)], withdraw: !closes };
    ok(payee, contract, escrow::claim_batch, &claim, 0).await;
    if closes {
        ok(payee, contract, escrow::close, &ChannelRef { channel }, 0).await;
    }
}

#[tokio::test]
async fn payers_count_thirty_days_after_they_registered_whether_or_not_their_channels_are_there() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob, carol) = (
        harness.account("alice").await.unwrap(),
        harness.account("bob").await.unwrap(),
        harness.account("carol").await.unwrap(),
    );
    for (owner, uri) in [(&alice, "https://a/1"), (&bob, "https://b/1"), (&carol, "https://c/1")] {
        register(&harness, owner, uri).await;
    }
    // carol pays bob's agent, bob alice's, once by a channel that is over and once by one that is not.
    for closes in [true, false] {
        pay(&harness, &carol, &bob, 2, closes).await;
        pay(&harness, &bob, &alice, 1, closes).await;
    }
    let test = database::open().await;
    let (pool, rpc) = (test.database.pool().clone(), Rpc::new(harness.rpc_url()));
    let mut indexer = Indexer::open(rpc.clone(), &harness.contracts, pool.clone()).await.unwrap();
    let question = Question { limit: 100, ..Question::default() };
    for (wait_ms, voices, amount) in [(0, 0, 0), (OLD_MS, 1, 10_000)] {
        if wait_ms > 0 {
            harness.wait(Duration::from_millis(wait_ms)).await.unwrap();
        }
        indexer.catch_up().await.unwrap();
        let report = verify(&pool, &rpc, &harness.contracts).await.unwrap().unwrap();
        assert_eq!(report.mismatches, 0, "{:?}", report.detail);
        let page = read(&pool, &question).await.unwrap().unwrap();
        let first = Ranked { rank: 1, agent: 1, voices, payers: 1, amount: U128(amount) };
        assert_eq!(page.items[0], first, "{page:?}");
        // Nobody paid carol, so what she paid counts for nobody.
        assert_eq!((page.items[1].agent, page.items[1].voices, page.items[1].payers), (2, 0, 1), "{page:?}");
    }
    let rows = sqlx::query("select (select count(*) from channel) as there, (select count(*) from payment) as told");
    let rows = rows.fetch_one(&pool).await.unwrap();
    assert_eq!((rows.get::<i64, _>("there"), rows.get::<i64, _>("told")), (2, 4));
    drop(indexer);
    test.close().await;
}
