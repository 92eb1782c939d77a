//! Two wasm engines in one process: the VM that runs contracts and the one that PostgreSQL runs in. Both catch signals;
//! neither may disturb the other while contracts trap.

use charter_harness::{Caller, Harness, raw};
use charter_indexer::Database;
use serde_json::json;
use sqlx::Row;

/// A contract that traps in the way its method says, written out as text.
const TRAPS: &str = r#"
(module
  (memory 1)
  (func (export "trap") unreachable)
  (func (export "out_of_bounds") (drop (i32.load (i32.const 2147483647))))
  (func $deep (export "deep") (call $deep))
  (func (export "spin") (loop (br 0)))
  (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0)))))
"#;

async fn storm(harness: &Harness, rounds: u32) {
    let wasm = wat::parse_str(TRAPS).unwrap();
    let account = harness.account("traps").await.unwrap();
    let contract = account.deploy(&wasm).await.unwrap().into_result().unwrap();
    for _ in 0..rounds {
        for method in ["trap", "out_of_bounds", "deep", "spin", "divide"] {
            let outcome = account.send(contract.id(), raw(method, json!({})), 0).await.unwrap();
            assert!(outcome.is_failure(), "{method}");
        }
    }
}

async fn work(database: &Database, rounds: i64) {
    for round in 0..rounds {
        let row = sqlx::query("select sum(x)::bigint from generate_series(1, $1) as x").bind(round + 1_000);
        let sum: i64 = row.fetch_one(database.pool()).await.unwrap().get(0);
        assert_eq!(sum, (round + 1_000) * (round + 1_001) / 2);
        assert!(sqlx::query("select 1 / 0").execute(database.pool()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_trap_while_the_database_works() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::embedded(folder.path()).await.unwrap();
    let harness = Harness::start().await.unwrap();
    tokio::join!(storm(&harness, 5), work(&database, 200));
    work(&database, 10).await;
    database.close().await;
}
