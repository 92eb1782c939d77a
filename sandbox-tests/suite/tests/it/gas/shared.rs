//! What all contracts with state have, and what their admin may: on contracts of their own, which governance has not taken
//! over.

use charter_client::{Contracts, sha256};
use charter_harness::{Caller, call, initial_call, ok, view};
use charter_types::admin::{Deployment, Feature, PauseFeature, SetPauser, Setup, Upgrade};
use charter_types::contract::{Escrow, Governance, Keys, Registry, Tasks};
use charter_types::escrow::args::Setup as EscrowSetup;
use charter_types::escrow::methods as escrow;
use charter_types::keys::methods as keys;
use charter_types::method::Stateful;
use charter_types::registry::args::{AgentRef, RegisterAgent, ReportReputation, ReputationRef, SetReporters};
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::{StorageDeposit, StorageUnregister, StorageWithdraw};
use charter_types::tasks::methods as tasks;
use charter_types::{Ed25519Key, Hash32, Named, U128, X25519Key};
use charter_wasm::Contract;
use ed25519_dalek::SigningKey;
use near_workspaces::{Account, AccountId};

use super::Table;
use crate::attestation::Attester;
use charter_harness::arguments::{DEPOSIT, card, prepay, register};

/// Answers with a derived key that nobody derived.
const STAND_IN_MPC: &str = r#"
(module
  (import "env" "value_return" (func $return (param i64 i64)))
  (memory 1)
  (data (i32.const 0) "{\22big_y\22:\22bls12381g1:y\22,\22big_c\22:\22bls12381g1:c\22}")
  (func (export "request_app_private_key") (call $return (i64.const 47) (i64.const 0))))
"#;

pub async fn rows(table: &mut Table, owner: &Account, host: &Account) {
    let attested = register(&table.harness, owner, Vec::new()).await;
    super::registry::attestation(table, owner, attested).await;

    let admin = table.person("a").await;
    table.contracts = administered(table, &admin).await;
    of_admin(table, &admin, owner).await;
    super::escrow::reputation(table, &admin, owner).await;
    super::tasks::reputation(table, &admin, owner).await;
    let vouched = register(&table.harness, owner, Vec::new()).await;
    let attester = Attester::new(&table.harness, owner, vouched).await;
    attester.attest(Ed25519Key(SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes()), X25519Key([9; 32])).await;
    let mpc = table.person("m").await;
    mpc.deploy(&wat::parse_str(STAND_IN_MPC).unwrap()).await.unwrap().into_result().unwrap();
    table.note(&admin, (Keys, keys::set_mpc), "", &named(&mpc), 0).await;
    super::keys::release(table, owner, host, vouched).await;

    of_all(table, Registry, Contract::Registry, "register", &admin).await;
    of_all(table, Keys, Contract::Keys, "store", &admin).await;
    of_all(table, Governance, Contract::Governance, "propose", &admin).await;
    of_all(table, Escrow, Contract::Escrow, "open", &admin).await;
    of_all(table, Tasks, Contract::Tasks, "take", &admin).await;
}

fn named(account: &Account) -> Named {
    Named { account: account.id().clone() }
}

/// The contracts again, with an admin. Keys and governance ask the registry that all others ask, escrow and tasks this one.
async fn administered(table: &Table, admin: &Account) -> Contracts {
    let mut contracts = table.harness.contracts.clone();
    for code in Contract::ALL {
        let (account, registry) = (admin.id().clone(), contracts.registry.clone());
        let new = match code {
            Contract::Escrow => Some(call(escrow::new, &EscrowSetup { account, registry: Some(registry) })),
            Contract::Tasks => Some(call(tasks::new, &Setup { account, registry })),
            _ => initial_call(code, admin.id(), &table.harness.contracts),
        };
        let Some(new) = new else { continue };
        let account = table.harness.account(&format!("{}-b", code.name())).await.unwrap();
        account.deploy(code.code()).await.unwrap().into_result().unwrap();
        account.send(account.id(), new, 0).await.unwrap().into_result().unwrap();
        *place(&mut contracts, code) = account.id().clone();
    }
    contracts
}

fn place(contracts: &mut Contracts, code: Contract) -> &mut AccountId {
    match code {
        Contract::Registry => &mut contracts.registry,
        Contract::Keys => &mut contracts.keys,
        Contract::Governance => &mut contracts.governance,
        Contract::Escrow => &mut contracts.escrow,
        Contract::Tasks => &mut contracts.tasks,
        Contract::Verifier => &mut contracts.verifier,
    }
}

async fn of_admin(table: &mut Table, admin: &Account, owner: &Account) {
    let contract = table.contracts.registry.clone();
    let verifier = Named { account: table.contracts.verifier.clone() };
    table.note(admin, (Registry, registry::set_verifier), "", &verifier, 0).await;
    let reporters = SetReporters { reporters: vec![owner.id().clone()] };
    table.note(admin, (Registry, registry::set_reporters), "one", &reporters, 0).await;
    let (operators, guardians) = (Vec::new(), Vec::new());
    let args = RegisterAgent { operators, guardians, ..RegisterAgent::new(card("https://u")) };
    let agent = ok(owner, &contract, registry::register_agent, &args, DEPOSIT).await;
    prepay(owner, &contract, DEPOSIT).await;
    let (asset, account) = ("near".to_owned(), Some(owner.id().clone()));
    let report = ReportReputation { agent, asset, earned: U128(1), payments: 1, epoch: None, account, rest_to: None };
    table.note(owner, (Registry, registry::report_reputation), "first", &report, DEPOSIT).await;
    let epochs = view(&table.harness.worker, &contract, registry::epochs, &AgentRef { agent }).await.unwrap();
    let (epoch, reporter) = (epochs.unwrap().agent, owner.id().clone());
    let known = ReputationRef { agent, epoch, reporter, asset: report.asset };
    table.note(owner, (Registry, registry::remove_reputation), "", &known, 0).await;
}

async fn of_all<C: Stateful>(table: &mut Table, contract: C, code: Contract, feature: &str, admin: &Account) {
    let feature = feature.to_owned();
    let deposit = StorageDeposit::default();
    table.note(admin, (contract, shared::storage_deposit), "first", &deposit, DEPOSIT).await;
    table.note(admin, (contract, shared::storage_deposit), "again", &deposit, DEPOSIT).await;
    table.note(admin, (contract, shared::storage_withdraw), "all that is free", &StorageWithdraw::default(), 1).await;
    table.note(admin, (contract, shared::storage_unregister), "", &StorageUnregister::default(), 1).await;
    table.note(admin, (contract, shared::set_pauser), "", &SetPauser { account: Some(admin.id().clone()) }, 0).await;
    let pause = PauseFeature { feature: feature.clone(), for_ms: 1_000 };
    table.note(admin, (contract, shared::pause_feature), "", &pause, 0).await;
    table.note(admin, (contract, shared::unpause_feature), "", &Feature { feature }, 0).await;
    table.note(admin, (contract, shared::set_governance), "", &named(admin), 0).await;
    let replaces = Deployment { number: 0, sha256: Hash32(sha256(code.code())) };
    let upgrade = Upgrade { code: code.code().to_vec(), approved: replaces.sha256, replaces };
    table.note(admin, (contract, shared::upgrade), "the same code, takes over", &upgrade, 0).await;
}
