//! Accounts named after their first state (NEP-616): anybody may create them, nobody gains a right by it.

use charter_localnet::{Config, Localnet};
use near_crypto::{KeyType, SecretKey};
use near_primitives::account::AccessKey;
use near_primitives::action::{
    Action, DeployGlobalContractAction, DeterministicStateInitAction, GlobalContractDeployMode,
    GlobalContractIdentifier,
};
use near_primitives::deterministic_account_id::{DeterministicAccountStateInit, DeterministicAccountStateInitV1};
use near_primitives::hash::hash;
use near_primitives::types::{AccountId, Balance};
use near_primitives::utils::derive_near_deterministic_account_id;
use near_primitives::views::FinalExecutionStatus;
use serde_json::json;

use crate::actor::{Actor, add_key, call, latest};

fn init(value: usize, deposit: Balance) -> (AccountId, Action) {
    let code = GlobalContractIdentifier::CodeHash(hash(crate::PROBE));
    let data = [(b"k".to_vec(), vec![7; value])].into();
    let state_init = DeterministicAccountStateInit::V1(DeterministicAccountStateInitV1 { code, data });
    let account_id = derive_near_deterministic_account_id(&state_init);
    (account_id, Action::DeterministicStateInit(Box::new(DeterministicStateInitAction { state_init, deposit })))
}

async fn failure(root: &Actor, to: &AccountId, actions: Vec<Action>) -> String {
    match root.send(to, actions).await.unwrap().status {
        FinalExecutionStatus::Failure(error) => format!("{error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_first_state_makes_its_account_and_gives_no_right_over_it() {
    let localnet = Localnet::start(Config::default()).await.unwrap();
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let root = Actor::new(&rpc.url(), localnet.root_id(), localnet.root_key());
    let (small, make_small) = init(100, Balance::from_near(2));
    let missing = failure(&root, &small, vec![make_small.clone()]).await;
    assert!(missing.contains("GlobalContractDoesNotExist"), "{missing}");
    let deploy_mode = GlobalContractDeployMode::CodeHash;
    let deploy = Action::DeployGlobalContract(DeployGlobalContractAction { code: crate::PROBE.into(), deploy_mode });
    root.send(&root.id, vec![deploy]).await.unwrap();

    // The attack: make the account and plant a key in the same breath.
    let key = SecretKey::from_random(KeyType::ED25519);
    let attack = vec![make_small.clone(), add_key(&key, AccessKey::full_access())];
    let refused = failure(&root, &small, attack).await;
    assert!(refused.contains("ActorNoPermission"), "{refused}");
    assert!(root.account(&small).await.is_err(), "the whole receipt failed");

    // Small enough to need no balance: the deposit goes back.
    let run = call("run", &json!({ "script": [{ "write": { "key": "j", "len": 5 } }] }), Balance::ZERO);
    root.send(&small, vec![make_small.clone(), run]).await.unwrap();
    assert_eq!(root.view(latest(), &small, "peek", &json!({ "key": "k" })).await, 100);
    assert_eq!(root.view(latest(), &small, "peek", &json!({ "key": "j" })).await, 5);
    let account = root.account(&small).await.unwrap();
    assert_eq!((account.amount, account.global_contract_hash), (Balance::ZERO, Some(hash(crate::PROBE))));

    // Large: what storage needs stays, and a second time everything goes back.
    let (large, make_large) = init(2_000, Balance::from_near(2));
    for _ in 0..2 {
        root.send(&large, vec![make_large.clone()]).await.unwrap();
        let account = root.account(&large).await.unwrap();
        let needed = Balance::from_yoctonear(10_u128.pow(19) * u128::from(account.storage_usage));
        assert_eq!(account.amount, needed);
    }
    let (poor, make_poor) = init(2_001, Balance::from_millinear(1));
    let refused = failure(&root, &poor, vec![make_poor]).await;
    assert!(refused.contains("LackBalanceForState"), "{refused}");
    let other = root.send(&small, vec![make_large]).await.unwrap_err();
    assert!(other.contains("InvalidDeterministicStateInitReceiver"), "{other}");
}
