//! A registry full of data, in an earlier release, which governance takes over and upgrades by votes: to code that can't
//! migrate, and to today's.

use charter_client::sha256;
use charter_harness::{Harness, code_of, failed_with, ok, view};
use charter_types::governance::{ProposalState, UpgradeFailure};
use charter_types::shared::methods as shared;
use charter_types::{Hash32, Named, Nothing};
use charter_wasm::Contract;

use super::{history, registry};
use crate::governance::{HOUR, approved, execute, proposal};

/// The next release of somebody who did not try: its migration writes into the contract's record, and then finds that it
/// can't go on.
const CANT_MIGRATE: &str = r#"(module
    (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
    (import "env" "panic_utf8" (func $panic (param i64 i64)))
    (memory (export "memory") 1)
    (data (i32.const 0) "STATE")
    (data (i32.const 8) "a row is not as it was")
    (func (export "migrate")
        (drop (call $write (i64.const 5) (i64.const 0) (i64.const 22) (i64.const 8) (i64.const 0)))
        (call $panic (i64.const 22) (i64.const 8))))"#;

/// From the oldest release that knows which code it runs, and from the newest.
fn releases() -> [String; 2] {
    let releases = history::releases();
    [releases[1].clone(), releases[releases.len() - 1].clone()]
}

/// Deploy in one receipt and migrate in another, and what can't migrate stays, with a record that nobody can read; end a
/// proposal whose code was refused, and it is refused for good.
#[tokio::test]
async fn a_vote_upgrades_a_registry_full_of_data_and_code_that_cant_migrate_leaves_it_as_it_was() {
    for release in releases() {
        let of_release = |contract| match contract {
            Contract::Governance => code_of(contract),
            _ => history::wasm(&release, contract),
        };
        let filled = registry::fill(Harness::start_with(of_release).await.unwrap()).await;
        let harness = &filled.harness;
        let old = harness.worker.view_code(filled.id()).await.unwrap();
        let council = Named { account: harness.contracts.governance.clone() };
        ok(harness.root(), filled.id(), shared::set_governance, &council, 0).await;
        // Governance takes over with the code that is there.
        let taken = approved(harness, &old).await;
        harness.wait(HOUR).await.unwrap();
        let done = execute(harness, taken, &old).await;
        assert!(done.is_success(), "{release}: {done:?}");
        let (broken, new) = (wat::parse_str(CANT_MIGRATE).unwrap(), Contract::Registry.code());
        let (bad, good) = (approved(harness, &broken).await, approved(harness, new).await);
        harness.wait(HOUR).await.unwrap();

        let before = filled.whole().await;
        // As often as somebody tries.
        for _ in 0..2 {
            let failed = format!("{:?}", execute(harness, bad, &broken).await);
            // It was tried, and it was not taken.
            for told in ["a row is not as it was", "GOVERNANCE_UPGRADE_FAILED"] {
                assert!(failed.contains(told), "{release}: {failed}");
            }
            assert!(filled.whole().await == before, "{release}: it is not as it was");
            let waiting = proposal(harness, bad).await;
            assert_eq!((waiting.state, waiting.failure), (ProposalState::Queued, Some(UpgradeFailure::Failed)));
        }
        filled.upgrade_by(async || execute(harness, good, new).await).await;
        assert_eq!(proposal(harness, good).await.state, ProposalState::Executed);
        let running = view(&harness.worker, filled.id(), shared::deployment, &Nothing {}).await.unwrap();
        assert_eq!(running.sha256, Hash32(sha256(new)));
        // The other one was to replace what is there no more.
        let stale = execute(harness, bad, &broken).await;
        assert_eq!(failed_with(&stale).as_deref(), Some("CHARTER_CODE_REPLACED"), "{release}");
    }
}
