//! One chain that all tests ask about: nine epochs with outcomes and states in them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use near_primitives::hash::CryptoHash;
use near_primitives::types::AccountId;
use near_primitives::views::ExecutionOutcomeWithIdView;
use serde_json::{Value, json};

use crate::chain::{Chain, Content, EPOCH, sha};
use crate::trie::Trie;

/// The block whose header tells of the outcomes.
pub const TOLD: usize = 3 * EPOCH + 2;
/// The block whose only chunk found [`World::whole`].
pub const WHOLE: usize = 4 * EPOCH;
/// The block whose chunks found [`World::others`] and [`World::whole`].
pub const SPLIT: usize = 4 * EPOCH + 1;
/// The last head.
pub const HEAD: usize = 7 * EPOCH + 3;
pub const REGISTRY: &str = "registry.near";
pub const EVE: &str = "eve.near";

pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

pub struct World {
    pub chain: Chain,
    /// The state with the registry in it.
    pub whole: Trie,
    /// The state of the shard that the registry is not in.
    pub others: Trie,
}

pub fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

/// The receipt with this number.
pub fn receipt(number: u64) -> CryptoHash {
    CryptoHash::hash_borsh(number)
}

/// A key of a contract's in the trie.
pub fn data_key(account: &str, key: &[u8]) -> Vec<u8> {
    [[9_u8].as_slice(), account.as_bytes(), b",", key].concat()
}

/// What the registry has in its state. Some keys begin with others.
pub fn entries() -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries =
        [("STATE", "state"), ("a", ""), ("a\u{1}", "one"), ("a\u{1}\u{2}", "two"), ("a\u{3}", "three"), ("b", "x")];
    entries.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn told(number: u64, executor: &str, logs: &[&str], status: &Value) -> ExecutionOutcomeWithIdView {
    let outcome = json!({
        "proof": [], "block_hash": CryptoHash::default(), "id": receipt(number),
        "outcome": {
            "logs": logs, "receipt_ids": [sha(b"one"), sha(b"two")], "gas_burnt": 1_000_000_000 + number,
            "tokens_burnt": "1000000000", "executor_id": executor, "status": status,
            "metadata": { "version": 3, "gas_profile": [
                { "cost_category": "WASM_HOST_COST", "cost": "BASE", "gas_used": "7" },
            ] },
        },
    });
    serde_json::from_value(outcome).unwrap()
}

fn outcomes() -> Vec<Vec<ExecutionOutcomeWithIdView>> {
    let logs = ["EVENT_JSON:{}", "more"];
    let failed = json!({ "Failure": { "ActionError": { "index": 0, "kind": {
        "AccountDoesNotExist": { "account_id": "nobody.near" },
    } } } });
    let first = vec![
        told(1, REGISTRY, &logs, &json!({ "SuccessValue": "MQ==" })),
        told(2, EVE, &logs, &json!({ "SuccessValue": "MQ==" })),
        told(3, REGISTRY, &logs, &failed),
    ];
    let second = vec![
        told(4, REGISTRY, &[], &json!({ "SuccessReceiptId": receipt(1) })),
        told(5, EVE, &["log"], &json!({ "SuccessValue": "" })),
    ];
    vec![first, second, vec![told(6, EVE, &[], &json!({ "SuccessValue": "" }))]]
}

impl World {
    fn new() -> Self {
        let own = entries().into_iter().map(|(key, value)| (data_key(REGISTRY, &key), value));
        let eves =
            [(data_key(EVE, b"STATE"), b"hers".to_vec()), ([[0_u8].as_slice(), EVE.as_bytes()].concat(), vec![1])];
        let whole = Trie::of(&own.chain(eves.clone()).collect());
        let others = Trie::of(&eves.into_iter().collect());
        let mut chain = Chain::new("one");
        chain.grow(TOLD - 1);
        chain.next(Content { outcomes: outcomes(), ..Content::default() });
        chain.grow(WHOLE - TOLD - 1);
        chain.next(Content { states: vec![whole.root], ..Content::default() });
        chain.next(Content { states: vec![others.root, whole.root], ..Content::default() });
        chain.grow(2);
        // None of this epoch's last blocks, from two before on, is followed by two more at the next heights.
        chain.skip();
        chain.grow(9 * EPOCH - SPLIT - 4);
        Self { chain, whole, others }
    }
}
