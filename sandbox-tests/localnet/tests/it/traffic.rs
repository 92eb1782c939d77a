//! Random traffic on a chain: transfers, calls whose scripts write, fail, promise, yield and resume, accounts and keys
//! that come and go, contracts for one and for all, and skipped blocks.

use charter_localnet::Genesis;
use charter_localnet::chain::{Chain, ChainOptions};
use near_crypto::{KeyType, SecretKey};
use near_primitives::account::AccessKey;
use near_primitives::action::{
    Action, CreateAccountAction, DeleteAccountAction, DeleteKeyAction, DeployContractAction,
    DeployGlobalContractAction, DeterministicStateInitAction, GlobalContractDeployMode, GlobalContractIdentifier,
    StakeAction, TransferAction, UseGlobalContractAction, WithdrawFromGasKeyAction,
};
use near_primitives::deterministic_account_id::{DeterministicAccountStateInit, DeterministicAccountStateInitV1};
use near_primitives::transaction::{NonceMode, Transaction, TransactionNonce, TransactionV0, TransactionV1};
use near_primitives::types::{AccountId, Balance, ProtocolVersion};
use near_primitives::utils::derive_near_deterministic_account_id;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::{Value, json};

use crate::actor::{add_key, call};
use crate::desk::{fund, key, secret, signed_with};

pub const NAMES: [&str; 4] = ["one.test.near", "two.test.near", "three.test.near", "poor.test.near"];

pub fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

#[derive(Clone, Debug)]
pub enum Step {
    Transaction {
        from: usize,
        to: AccountId,
        actions: Vec<Action>,
    },
    /// The same, signed with one of a gas key's nonces.
    ByGasKey {
        from: usize,
        key: SecretKey,
        index: u16,
        to: AccountId,
        actions: Vec<Action>,
    },
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
        // Gas keys that every play finds funded.
        for kind in [KeyType::ED25519, KeyType::MLDSA65] {
            let gas_key = secret(kind, "gas 0");
            actions.push(add_key(&gas_key, AccessKey::gas_key_full_access(3)));
            actions.push(fund(&gas_key, Balance::from_millinear(300)));
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
    send_by(chain, from, key, None, to, actions);
}

fn send_by(chain: &mut Chain, from: &str, key: &SecretKey, index: Option<u16>, to: &AccountId, actions: Vec<Action>) {
    let (signer_id, public_key, receiver_id) = (id(from), key.public_key(), to.clone());
    let block_hash = *chain.head().header.hash();
    let nonce = chain.head().header.height() * 1_000_000 + 1 + u64::try_from(chain.pool_size()).unwrap();
    let transaction = match index {
        None => Transaction::V0(TransactionV0 { signer_id, public_key, nonce, receiver_id, block_hash, actions }),
        Some(index) => {
            let (nonce, nonce_mode) = (TransactionNonce::from_nonce_and_index(nonce, index), NonceMode::Monotonic);
            let tx = TransactionV1 { signer_id, public_key, nonce, receiver_id, block_hash, actions, nonce_mode };
            Transaction::V1(tx)
        }
    };
    let _ = chain.submit(signed_with(&id(from), key, transaction));
}

pub fn play(chain: &mut Chain, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Transaction { from, to, actions } => {
                send(chain, NAMES[*from], &key(NAMES[*from]), to, actions.clone());
            }
            Step::ByGasKey { from, key, index, to, actions } => {
                send_by(chain, NAMES[*from], key, Some(*index), to, actions.clone());
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

/// One of a few, so that they meet again: ordinary ones and such as hold against quantum computers.
fn gas_key() -> impl Strategy<Value = SecretKey> {
    let kind = prop_oneof![2 => Just(KeyType::ED25519), 1 => Just(KeyType::MLDSA65)];
    (kind, 0..2).prop_map(|(kind, seed)| secret(kind, &format!("gas {seed}")))
}

fn action() -> impl Strategy<Value = Action> {
    let hash = near_primitives::hash::hash(crate::PROBE);
    prop_oneof![
        8 => (script(), amount()).prop_map(|(script, deposit)| call("run", &script, deposit)),
        4 => amount().prop_map(|deposit| Action::Transfer(TransferAction { deposit })),
        1 => Just(call("no_such_method", &json!({}), Balance::from_yoctonear(1))),
        1 => Just(Action::CreateAccount(CreateAccountAction {})),
        1 => any::<u8>().prop_map(|seed| add_key(&key(&seed.to_string()), AccessKey::full_access())),
        2 => (gas_key(), 0_u16..4).prop_map(|(key, nonces)| add_key(&key, AccessKey::gas_key_full_access(nonces))),
        2 => (gas_key(), amount()).prop_map(|(key, deposit)| fund(&key, deposit)),
        1 => (gas_key(), amount()).prop_map(|(key, amount)| {
            let public_key = key.public_key();
            Action::WithdrawFromGasKey(Box::new(WithdrawFromGasKeyAction { public_key, amount }))
        }),
        1 => gas_key().prop_map(|key| {
            Action::DeleteKey(Box::new(DeleteKeyAction { public_key: key.public_key() }))
        }),
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
    let by_gas_key = (0..NAMES.len(), gas_key(), 0_u16..4, account(), vec(action(), 1..3));
    let by_gas_key =
        by_gas_key.prop_map(|(from, key, index, to, actions)| Step::ByGasKey { from, key, index, to, actions });
    let named = (0..NAMES.len(), vec((any::<u8>(), vec(any::<u8>(), 0..40)), 0..3), amount(), vec(action(), 0..2));
    let named = named.prop_map(|(from, data, deposit, mut actions)| {
        let (to, init) = state_init(data, deposit);
        actions.insert(0, init);
        Step::Transaction { from, to, actions }
    });
    vec(
        prop_oneof![12 => transaction, 3 => by_gas_key, 1 => named, 4 => Just(Step::Block), 2 => (1_u64..250).prop_map(Step::Skip)],
        1..10,
    )
}
