//! A chain of five validators whose producers change every few blocks, and a mirror that believes nobody else.

use charter_client::{At, Rpc};
use charter_harness::Harness;
use charter_indexer::{Indexer, IndexerError, Start, Trust, tables};
use near_primitives::hash::CryptoHash;
use near_workspaces::Account;
use sqlx::{AssertSqlSafe, PgPool, Row};

use crate::database::{self, TestDatabase};
use crate::mirror::register;

const VALIDATORS: u16 = 5;
const EPOCH: u64 = 8;
/// A block of the first epoch. None of the contracts is there yet.
pub const FIRST: u64 = 3;
/// Blocks upon whatever happened: then its outcome is below a block that a light client can be shown.
const UPON: usize = 8;

pub struct Scene {
    pub harness: Harness,
    pub alice: Account,
    pub pool: PgPool,
    test: TestDatabase,
}

impl Scene {
    pub async fn start() -> Self {
        let harness = Harness::start_among(VALIDATORS, EPOCH).await.unwrap();
        let alice = harness.account("alice").await.unwrap();
        let test = database::open().await;
        let scene = Self { harness, alice, pool: test.database.pool().clone(), test };
        scene.rest().await;
        scene
    }

    /// Lets time pass until what happened can be proven.
    pub async fn rest(&self) {
        self.harness.make_blocks(UPON).await.unwrap();
    }

    /// So many agents more, and blocks upon them.
    pub async fn grow(&self, agents: usize) {
        for _ in 0..agents {
            register(&self.harness, &self.alice, "https://a/card").await;
        }
        self.rest().await;
    }

    pub fn rpc(&self) -> Rpc {
        Rpc::new(self.harness.rpc_url())
    }

    pub async fn hash(&self, height: u64) -> CryptoHash {
        self.rpc().block(At::Height(height)).await.unwrap().header.hash
    }

    pub async fn head(&self) -> u64 {
        self.rpc().block(At::Final).await.unwrap().header.height
    }

    /// The block that tests vouch for.
    pub async fn checkpoint(&self) -> Trust {
        Trust::Checkpoint(self.hash(FIRST).await)
    }

    /// An indexer that asks this node.
    pub async fn open(&self, rpc: Rpc, trust: Trust) -> Result<Indexer, IndexerError> {
        let begin = Start { from: Some(FIRST), trust };
        Indexer::try_open(rpc, &self.harness.contracts, self.pool.clone(), begin).await
    }

    /// Mirrors all that can be proven.
    pub async fn mirror(&self, trust: Trust) -> Indexer {
        let mut indexer = self.open(self.rpc(), trust).await.unwrap();
        indexer.catch_up().await.unwrap();
        indexer
    }

    pub async fn number(&self, text: &'static str) -> i64 {
        sqlx::query(text).fetch_one(&self.pool).await.unwrap().get(0)
    }

    pub async fn run(&self, text: String) {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&self.pool).await.unwrap();
    }

    async fn lines(&self, text: String) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Every event, a line each.
    pub async fn events(&self) -> Vec<String> {
        let text = "select concat_ws(' ', contract, seq, height, receipt_id, log_index, event, by_account,
                      encode(log, 'hex'), body) from event order by contract, seq, height, receipt_id, log_index";
        self.lines(text.to_owned()).await
    }

    /// All that is in the tables.
    pub async fn snapshot(&self) -> Vec<String> {
        let mut found = self.events().await;
        for text in [
            "select concat_ws(' ', 'cursor', height, encode(hash, 'hex'), time_ms, payments_seq) from cursor",
            "select concat_ws(' ', name, account, seq, encode(head, 'hex')) from contract order by name",
            "select concat_ws(' ', 'letter', height, receipt_id, log_index, reason) from dead_letter order by 1",
            "select concat_ws(' ', 'range', after_height, light) from trust_range order by after_height",
        ] {
            found.extend(self.lines(text.to_owned()).await);
        }
        for table in tables::all() {
            let name = table.name;
            let text = format!("select concat_ws(' ', '{name}', key, body, height) from {name} order by key");
            found.extend(self.lines(text).await);
        }
        found
    }

    pub async fn end(self) {
        self.test.close().await;
    }
}
