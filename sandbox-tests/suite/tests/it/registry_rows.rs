//! Every kind of row in the registry has a payer, and an exit by which the payer gets its storage back to the byte.
//!
//! | row | payer | exit |
//! |---|---|---|
//! | storage account | its owner | `storage_unregister` |
//! | agent, owner, place among an owner's agents | the owner | `retire`; hand-over, by which the new owner pays |
//! | heartbeat, attestation | the agent's owner | `retire`, hand-over; `set_attestation_policy` with none |
//! | recoverers | who set them | `retire`, hand-over |
//! | proposal | the recoverer who made it | `withdraw_proposal`; veto, execution, other recoverers |
//! | handle | the agent's owner; while it rests, who had it | another handle or none, then `release_handle` by anybody |
//! | reputation | the reporter | `remove_reputation` |
//! | retired ids | the contract, 81 bytes for 256 agents | none |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charter_harness::{Harness, code_of, ok, refused};
use charter_types::registry::args::{
    AcceptPayout, AgentAccount, AgentRef, Handle, ReportReputation, ReputationRef, SetAgentAccount,
    SetAttestationPolicy, SetHandle, SetRecoverers, SetReporters,
};
use charter_types::registry::methods as registry;
use charter_types::registry::{
    AttestationPolicy, HAND_OVER_MARGIN_MS, HANDLE_REST_MS, Measurement, RECOVERY_MS_MIN, Recoverers,
};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageUnregister;
use charter_types::verifier::TcbStatus;
use charter_types::{AccountId, Hash32, U128};
use near_workspaces::Account;

use charter_harness::arguments::{DEPOSIT, charged_bytes, prepay, register};

/// First bytes of storage keys: storage accounts, then the tables in the order of `contracts/registry/src/storage.rs`.
const TABLES: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/// The eleventh, of retired ids.
const RETIRED: u8 = 10;
const RETIRED_ROW_BYTES: u64 = 9 + 32 + 40;

struct Stage {
    harness: Harness,
    /// Alice owns, bob recovers and is the agent, rex reports.
    people: [Account; 3],
}

impl Stage {
    fn registry(&self) -> &AccountId {
        &self.harness.contracts.registry
    }

    async fn tables(&self) -> BTreeSet<u8> {
        let rows = self.harness.rows(self.registry()).await.unwrap();
        rows.into_keys().filter(|key| key != b"STATE").map(|key| key[0]).collect()
    }

    async fn usage(&self) -> u64 {
        self.harness.worker.view_account(self.registry()).await.unwrap().storage_usage
    }

    async fn charged(&self) -> BTreeMap<String, u64> {
        let mut charged = BTreeMap::new();
        for person in &self.people {
            let bytes = charged_bytes(&self.harness, self.registry(), std::slice::from_ref(person)).await;
            charged.insert(person.id().to_string(), bytes);
        }
        charged
    }
}

async fn stage() -> Stage {
    let harness = Harness::start_with(code_of).await.unwrap();
    let mut people = Vec::new();
    for name in ["alice", "bob", "rex"] {
        let person = harness.account(name).await.unwrap();
        prepay(&person, &harness.contracts.registry, 5 * DEPOSIT).await;
        people.push(person);
    }
    let reporters = SetReporters { reporters: vec![people[2].id().clone()] };
    ok(harness.root(), &harness.contracts.registry, registry::set_reporters, &reporters, 0).await;
    Stage { harness, people: people.try_into().unwrap() }
}

#[tokio::test]
async fn every_kind_of_row_has_a_payer_and_an_exit() {
    let stage = stage().await;
    let contract = stage.registry();
    let [alice, bob, rex] = &stage.people;
    let (before, own) = (stage.usage().await, stage.charged().await);

    let agent = register(&stage.harness, alice, Vec::new()).await;
    let reference = AgentRef { agent };
    let handle = "scout".to_owned();
    ok(alice, contract, registry::set_handle, &SetHandle { agent, handle: Some(handle.clone()) }, DEPOSIT).await;
    let account = SetAgentAccount { agent, agent_account: Some(bob.id().clone()) };
    ok(alice, contract, registry::set_agent_account, &account, DEPOSIT).await;
    ok(bob, contract, registry::heartbeat, &reference, 0).await;
    let measurement = Measurement { sha256: Hash32([1; 32]), from_ms: 0, until_ms: u64::MAX, revoked: false };
    let policy =
        AttestationPolicy { measurements: vec![measurement], tcb: vec![TcbStatus::UpToDate], max_age_ms: 1_000 };
    let policy = SetAttestationPolicy { agent, policy: Some(policy) };
    ok(alice, contract, registry::set_attestation_policy, &policy, DEPOSIT).await;
    let group = Recoverers { accounts: vec![bob.id().clone()], threshold: 1, delay_ms: RECOVERY_MS_MIN };
    ok(alice, contract, registry::set_recoverers, &SetRecoverers { agent, recoverers: group }, DEPOSIT).await;
    let proposal = AgentAccount { agent, account: rex.id().clone() };
    ok(bob, contract, registry::propose_recovery, &proposal, DEPOSIT).await;
    let report = ReportReputation {
        agent,
        asset: "near".to_owned(),
        earned: U128(7),
        payments: 1,
        epoch: None,
        account: None,
        rest_to: None,
    };
    // What was seen in another epoch is somebody else's name.
    let moved = ReportReputation { epoch: Some(u64::MAX), ..report.clone() };
    assert_eq!(refused(rex, contract, registry::report_reputation, &moved, DEPOSIT).await, "REGISTRY_EPOCH_MOVED");
    ok(rex, contract, registry::report_reputation, &report, DEPOSIT).await;
    assert_eq!(stage.tables().await, TABLES.into_iter().collect(), "a kind of row is not walked");
    let charged = stage.charged().await;
    assert!(own.iter().all(|(person, bytes)| charged[person] > *bytes), "{own:?} {charged:?}");
    let sum = |charged: &BTreeMap<String, u64>| charged.values().sum::<u64>();
    assert_eq!(sum(&charged) - sum(&own), stage.usage().await - before, "somebody pays for every byte");

    // Each by its payer, while the agent is there.
    ok(bob, contract, registry::withdraw_proposal, &reference, 0).await;
    assert_eq!(stage.charged().await[bob.id().as_str()], own[bob.id().as_str()]);
    let epoch = stage.harness.look(contract, registry::agent, &reference).await.unwrap().unwrap().epoch;
    let known = ReputationRef { agent, epoch, reporter: rex.id().clone(), asset: "near".to_owned() };
    ok(rex, contract, registry::remove_reputation, &known, 0).await;
    assert_eq!(stage.charged().await[rex.id().as_str()], own[rex.id().as_str()]);
    ok(alice, contract, registry::set_attestation_policy, &SetAttestationPolicy { agent, policy: None }, DEPOSIT).await;
    let left: BTreeSet<u8> = TABLES.into_iter().filter(|table| ![7, 8, 9].contains(table)).collect();
    assert_eq!(stage.tables().await, left);
    // The rest goes with the agent, once its recoverers cannot be in the way of a buyer any more.
    let none = Recoverers { accounts: Vec::new(), threshold: 0, delay_ms: 0 };
    ok(alice, contract, registry::set_recoverers, &SetRecoverers { agent, recoverers: none }, DEPOSIT).await;
    stage.harness.wait(Duration::from_millis(RECOVERY_MS_MIN + HAND_OVER_MARGIN_MS + 60_000)).await.unwrap();
    ok(alice, contract, registry::retire, &reference, 1).await;
    assert_eq!(stage.tables().await, BTreeSet::from([0, 4, RETIRED]), "the handle rests");
    stage.harness.wait(Duration::from_millis(HANDLE_REST_MS + 60_000)).await.unwrap();
    ok(rex, contract, registry::release_handle, &Handle { handle }, 0).await;
    assert_eq!(stage.charged().await, own);
    assert_eq!(stage.usage().await, before + RETIRED_ROW_BYTES);
    for person in &stage.people {
        assert!(ok(person, contract, shared::storage_unregister, &StorageUnregister::default(), 1).await);
    }
    assert_eq!(stage.tables().await, BTreeSet::from([RETIRED]));
}

/// INV-REG-9, and what a reporter pays: the row has its size from the first report on, whosever totals it goes on from. A
/// deposit that does not pay for it is refused, and what the reporter prepaid is not touched.
#[tokio::test]
async fn reports_of_another_account_take_no_more_storage() {
    let stage = stage().await;
    let contract = stage.registry();
    let [alice, bob, rex] = &stage.people;
    let agent = register(&stage.harness, alice, Vec::new()).await;
    let epoch = stage.harness.look(contract, registry::agent, &AgentRef { agent }).await.unwrap().unwrap().epoch;
    let known = ReputationRef { agent, epoch, reporter: rex.id().clone(), asset: "near".to_owned() };
    let shown = async || {
        let row = stage.harness.look(contract, registry::reputation, &known).await.unwrap();
        row.map(|row| (row.earned.0, row.payments))
    };
    let report = |account: Option<&Account>, earned, payments| ReportReputation {
        agent,
        asset: "near".to_owned(),
        earned: U128(earned),
        payments,
        epoch: Some(epoch),
        account: account.map(|account| account.id().clone()),
        rest_to: None,
    };
    let says = async |account, earned, payments| {
        ok(rex, contract, registry::report_reputation, &report(account, earned, payments), DEPOSIT).await;
        shown().await
    };
    let own = (stage.usage().await, stage.charged().await);
    let first = report(Some(alice), 100, 10);
    assert_eq!(refused(rex, contract, registry::report_reputation, &first, 1).await, "CHARTER_STORAGE_SHORT");
    assert_eq!((shown().await, stage.usage().await, stage.charged().await), (None, own.0, own.1));
    assert_eq!(says(None, 100, 10).await, Some((100, 10)));
    let told = (stage.usage().await, stage.charged().await);
    assert_eq!(says(Some(alice), 1_000, 50).await, Some((100, 10)), "from here on it is the account's");
    assert_eq!(says(Some(alice), 1_001, 51).await, Some((101, 11)));
    assert_eq!(told, (stage.usage().await, stage.charged().await));

    let payout = AgentAccount { agent, account: bob.id().clone() };
    ok(alice, contract, registry::set_payout, &payout, DEPOSIT).await;
    assert_eq!(says(Some(alice), 1_002, 52).await, Some((102, 12)), "an account that is asked is not the agent's yet");
    let accept = AcceptPayout { agent, owner: alice.id().clone() };
    ok(bob, contract, registry::accept_payout, &accept, 1).await;
    let late = report(Some(alice), 1_003, 53);
    assert_eq!(refused(rex, contract, registry::report_reputation, &late, DEPOSIT).await, "REGISTRY_PAYOUT_MOVED");
    let told = (stage.usage().await, stage.charged().await);
    let reports = [
        (5_000, 500, (102, 12)),
        (5_001, 501, (103, 13)),
        // What it had before, and again what it has.
        (4_000, 400, (103, 13)),
        (5_001, 501, (103, 13)),
        // Less of the one and more of the other is kept, and brings back nothing that was counted.
        (4_000, 502, (103, 14)),
        (5_001, 502, (103, 14)),
        (5_002, 400, (104, 14)),
        (5_002, 502, (104, 14)),
    ];
    for (earned, payments, then) in reports {
        // The least deposit is enough: nothing is stored that was not there.
        let args = report(Some(bob), earned, payments);
        ok(rex, contract, registry::report_reputation, &args, 1).await;
        assert_eq!(shown().await, Some(then));
    }
    assert_eq!(told, (stage.usage().await, stage.charged().await));
}
