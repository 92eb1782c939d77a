//! What the chain starts with: one validator that owns everything, and the registrar of short names.

use near_crypto::{PublicKey, SecretKey};
use near_primitives::account::{AccessKey, Account, AccountContract};
use near_primitives::types::{AccountId, Balance, ProtocolVersion, StateChangeCause};
use near_primitives_core::account::id::AccountIdRef;
use serde::{Deserialize, Serialize};

use crate::state::StateUpdate;
use crate::trie::Trie;

/// Stake of the only validator (near-sandbox's figure).
pub const VALIDATOR_STAKE: Balance = Balance::from_near(50_000_000);
/// Its liquid balance.
pub const ROOT_BALANCE: Balance = Balance::from_near(1_000_000_000);
const REGISTRAR_BALANCE: Balance = Balance::from_near(1_000_000);

/// The account that may create short top-level names.
pub fn registrar_id() -> AccountId {
    AccountIdRef::new_or_panic("registrar").into()
}

/// The protocol version contracts of near-sdk 5.30 need.
pub const PROTOCOL_VERSION: ProtocolVersion = 88;

/// Everything that decides the genesis block. Stored in `--home`, so that the same chain can be resumed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Genesis {
    pub chain_id: String,
    pub protocol_version: ProtocolVersion,
    /// Account that validates and owns the supply.
    pub root_id: AccountId,
    pub root_key: SecretKey,
    /// Unix time of the genesis block, nanoseconds.
    pub time_ns: u64,
    /// Gas price, yoctoNEAR per gas. It does not move.
    pub gas_price: Balance,
    /// Gas one block may burn before receipts wait, in TGas.
    pub gas_limit_tgas: u64,
}

impl Default for Genesis {
    fn default() -> Self {
        let root_id: AccountId = AccountIdRef::new_or_panic("test.near").into();
        Self {
            chain_id: "localnet".to_owned(),
            protocol_version: PROTOCOL_VERSION,
            root_key: SecretKey::from_random(near_crypto::KeyType::ED25519),
            root_id,
            time_ns: crate::clock::now_ns(),
            gas_price: Balance::from_yoctonear(100_000_000),
            gas_limit_tgas: 1_000,
        }
    }
}

impl Genesis {
    /// The state before the first block.
    pub fn state(&self, config: &near_parameters::RuntimeConfig) -> Trie {
        let mut state = StateUpdate::new(Trie::default());
        let key = self.root_key.public_key();
        put(&mut state, config, &self.root_id, &key, ROOT_BALANCE, VALIDATOR_STAKE);
        put(&mut state, config, &registrar_id(), &key, REGISTRAR_BALANCE, Balance::ZERO);
        state.commit(&StateChangeCause::InitialState);
        state.finish().0
    }

    pub fn total_supply() -> Balance {
        ROOT_BALANCE.saturating_add(VALIDATOR_STAKE).saturating_add(REGISTRAR_BALANCE)
    }
}

fn put(
    state: &mut StateUpdate,
    config: &near_parameters::RuntimeConfig,
    account_id: &AccountId,
    key: &PublicKey,
    amount: Balance,
    locked: Balance,
) {
    let access_key = AccessKey::full_access();
    let storage = &config.fees.storage_usage_config;
    let key_bytes = key.len() + borsh::object_length(&access_key).unwrap_or(0);
    let usage = storage.num_bytes_account + u64::try_from(key_bytes).unwrap_or(0) + storage.num_extra_bytes_record;
    state.set_account(account_id, &Account::new(amount, locked, AccountContract::None, usage));
    state.set_access_key(account_id, key, &access_key);
}
