//! Random traffic on a chain: transfers, calls whose scripts write, fail, promise, yield and resume, accounts and keys
//! that come and go, contracts for one and for all, and skipped blocks.

use charter_localnet::Genesis;
use charter_localnet::chain::{Chain, ChainOptions};
use near_crypto::{InMemorySigner, KeyType, SecretKey, Signer};
use near_primitives::account::AccessKey;
use near_primitives::action::{
    Action, CreateAccountAction, DeleteAccountAction, DeleteKeyAction, DeployContractAction,
    DeployGlobalContractAction, DeterministicStateInitAction, GlobalContractDeployMode, GlobalContractIdentifier,
    StakeAction, TransferAction, UseGlobalContractAction,
};
use near_primitives::deterministic_account_id::{DeterministicAccountStateInit, DeterministicAccountStateInitV1};
use near_primitives::transaction::{SignedTransaction, Transaction, TransactionV0};
use near_primitives::types::{AccountId, Balance, ProtocolVersion};
use near_primitives::utils::derive_near_deterministic_account_id;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::{Value, json};

use crate::actor::{add_key, call};

pub const NAMES: [&str; 4] = ["one.test.near", "two.test.near", "three.test.near", "poor.test.near"];

pub fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn key(seed: &str) -> SecretKey {
    SecretKey::from_seed(KeyType::ED25519, seed)
}

#[derive(Clone, Debug)]
pub enum Step {
    Transaction { from: usize, to: AccountId, actions: Vec<Action> },
    Block,
    Skip(u64),
}

/// A chain with four funded accounts, the first two of which run the probe contract.
pub fn prepared(version: ProtocolVersion) -> Chain {
    let mut genesis = Genesis::of_root("traffic", id("test.near"), key("root"));
    genesis.config.protocol_version = version;
    let mut chain = Chain::new(genesis, ChainOptions::default()).unwrap();
    for (index, name) in NAMES.iter().enumerate() {
        let deposit = if index == 3 { Balance::from_millinear(60) } else { Balance::from_near(500) };
        let mut actions = vec![
            Action::CreateAccount(CreateAccountAction {}),
            Action::Transfer(TransferAction { deposit }),
            add_key(&key(name), AccessKey::full_access()),
        ];
        if index < 2 {
            actions.push(Action::DeployContract(DeployContractAction { code: crate::PROBE.to_vec() }));
        }
        send(&mut chain, "test.near", &key("root"), &id(name), actions);
        settle(&mut chain);
    }
    chain
}

pub fn settle(chain: &mut Chain) {
    while chain.has_work() {
        chain.produce().unwrap();
    }
}

/// Signs with the next nonce and lets the pool decide.
fn send(chain: &mut Chain, from: &str, key: &SecretKey, to: &AccountId, actions: Vec<Action>) {
    let signer: Signer = InMemorySigner::from_secret_key(id(from), key.clone());
    let nonce = chain.head().header.height() * 1_000_000 + 1 + u64::try_from(chain.pool_size()).unwrap();
    let transaction = Transaction::V0(TransactionV0 {
        signer_id: id(from),
        public_key: key.public_key(),
        nonce,
        receiver_id: to.clone(),
        block_hash: *chain.head().header.hash(),
        actions,
    });
    let signature = signer.sign(transaction.get_hash_and_size().0.as_ref());
    let _ = chain.submit(SignedTransaction::new(signature, transaction));
}

pub fn play(chain: &mut Chain, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Transaction { from, to, actions } => {
                send(chain, NAMES[*from], &key(NAMES[*from]), to, actions.clone());
            }
            Step::Block => chain.produce().unwrap(),
            Step::Skip(blocks) => chain.fast_forward(*blocks).unwrap(),
        }
    }
}

fn account() -> impl Strategy<Value = AccountId> {
    prop_oneof![
        6 => (0..NAMES.len()).prop_map(|index| id(NAMES[index])),
        1 => Just(id("nobody.test.near")),
        1 => Just(id("child.one.test.near")),
        1 => Just(id("0x52908400098527886e0f7030069857d2e4169ee7")),
        1 => any::<u8>().prop_map(|byte| id(&format!("{byte:02x}").repeat(32))),
    ]
}

fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![Just(0), Just(1), 1..10_u128.pow(24), Just(10_u128.pow(28))].prop_map(Balance::from_yoctonear)
}

/// Operations of the probe contract, promises nested a few deep.
fn script() -> impl Strategy<Value = Value> {
    let flat = prop_oneof![
        4 => ("[a-d]{1,3}", 0_u32..5_000).prop_map(|(key, len)| json!({ "write": { "key": key, "len": len } })),
        2 => "[a-d]{1,3}".prop_map(|key| json!({ "remove": { "key": key } })),
        2 => "[a-d]{1,3}".prop_map(|key| json!({ "read": { "key": key } })),
        1 => Just(json!({ "log": "a line" })),
        1 => Just(json!({ "panic": "on purpose" })),
        1 => Just(json!("results")),
        1 => Just(json!({ "resume": { "payload": "AQID" } })),
        1 => Just(json!({ "return": "7" })),
    ];
    let ops = flat.prop_recursive(3, 12, 3, |inner| {
        let script = vec(inner, 0..3);
        let act = prop_oneof![
            4 => (script.clone(), 0_u128..10_u128.pow(24), 1_u64..15, 0_u64..3).prop_map(|(script, deposit, gas, weight)| {
                let deposit = deposit.to_string();
                json!({ "run": { "script": script, "deposit": deposit, "gas_tgas": gas, "weight": weight } })
            }),
            1 => amount().prop_map(|amount| json!({ "transfer": amount.as_yoctonear().to_string() })),
            1 => Just(json!("create")),
            1 => Just(json!({ "delete": { "beneficiary": "two.test.near" } })),
        ];
        let promise = (account(), vec(act, 1..3), any::<bool>());
        let promise = promise.prop_map(|(to, actions, returned)| json!({ "to": to, "actions": actions, "returned": returned })).boxed();
        let chained = (promise.clone(), promise.clone()).prop_map(|(mut first, then)| {
            first["then"] = then;
            json!({ "promise": first })
        });
        prop_oneof![
            promise.clone().prop_map(|promise| json!({ "promise": promise })),
            chained,
            (vec(promise.clone(), 1..3), promise).prop_map(|(calls, then)| json!({ "all": { "calls": calls, "then": then } })),
            (1_u64..10, script).prop_map(|(gas, script)| json!({ "yield": { "gas_tgas": gas, "script": script } })),
        ]
    });
    vec(ops, 1..4).prop_map(|script| json!({ "script": script }))
}

fn action() -> impl Strategy<Value = Action> {
    let hash = near_primitives::hash::hash(crate::PROBE);
    prop_oneof![
        8 => (script(), amount()).prop_map(|(script, deposit)| call("run", &script, deposit)),
        4 => amount().prop_map(|deposit| Action::Transfer(TransferAction { deposit })),
        1 => Just(call("no_such_method", &json!({}), Balance::from_yoctonear(1))),
        1 => Just(Action::CreateAccount(CreateAccountAction {})),
        1 => any::<u8>().prop_map(|seed| add_key(&key(&seed.to_string()), AccessKey::full_access())),
        1 => any::<u8>().prop_map(|seed| {
            Action::DeleteKey(Box::new(DeleteKeyAction { public_key: key(&seed.to_string()).public_key() }))
        }),
        1 => amount().prop_map(|stake| {
            Action::Stake(Box::new(StakeAction { stake, public_key: key("validator").public_key() }))
        }),
        1 => account().prop_map(|beneficiary_id| Action::DeleteAccount(DeleteAccountAction { beneficiary_id })),
        1 => any::<bool>().prop_map(|by_hash| {
            let deploy_mode =
                if by_hash { GlobalContractDeployMode::CodeHash } else { GlobalContractDeployMode::AccountId };
            Action::DeployGlobalContract(DeployGlobalContractAction { code: crate::PROBE.into(), deploy_mode })
        }),
        1 => any::<bool>().prop_map(move |by_hash| {
            let contract_identifier = if by_hash {
                GlobalContractIdentifier::CodeHash(hash)
            } else {
                GlobalContractIdentifier::AccountId(id("one.test.near"))
            };
            Action::UseGlobalContract(Box::new(UseGlobalContractAction { contract_identifier }))
        }),
    ]
}

/// An account named after its first state, whose contract is the global probe.
fn state_init(data: Vec<(u8, Vec<u8>)>, deposit: Balance) -> (AccountId, Action) {
    let code = GlobalContractIdentifier::CodeHash(near_primitives::hash::hash(crate::PROBE));
    let data = data.into_iter().map(|(key, value)| (vec![key], value)).collect();
    let state_init = DeterministicAccountStateInit::V1(DeterministicAccountStateInitV1 { code, data });
    let account_id = derive_near_deterministic_account_id(&state_init);
    (account_id, Action::DeterministicStateInit(Box::new(DeterministicStateInitAction { state_init, deposit })))
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let transaction = (0..NAMES.len(), account(), any::<bool>(), vec(action(), 1..3));
    let transaction = transaction.prop_map(|(from, to, own, actions)| {
        let to = if own { id(NAMES[from]) } else { to };
        Step::Transaction { from, to, actions }
    });
    let named = (0..NAMES.len(), vec((any::<u8>(), vec(any::<u8>(), 0..40)), 0..3), amount(), vec(action(), 0..2));
    let named = named.prop_map(|(from, data, deposit, mut actions)| {
        let (to, init) = state_init(data, deposit);
        actions.insert(0, init);
        Step::Transaction { from, to, actions }
    });
    vec(
        prop_oneof![12 => transaction, 1 => named, 4 => Just(Step::Block), 2 => (1_u64..250).prop_map(Step::Skip)],
        1..10,
    )
}
