//! What the chain starts with: nearcore's own `genesis.json`, a validator that owns everything, and the registrar of short
//! names.

use near_chain_configs::GenesisConfig;
use near_crypto::{KeyType, SecretKey};
use near_primitives::account::{AccessKey, Account, AccountContract};
use near_primitives::state_record::StateRecord;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::types::{
    AccountId, AccountInfo, Balance, BlockHeight, EpochHeight, Gas, ProtocolVersion, StateChangeCause,
};
use near_primitives_core::account::id::AccountIdRef;
use serde::{Deserialize, Serialize};

use crate::state::StateUpdate;
use crate::trie::Trie;

/// Stake of the root (near-sandbox's figure).
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
/// Versions whose rules this chain knows.
pub const PROTOCOL_VERSIONS: std::ops::RangeInclusive<i64> = 84..=88;

/// The account that owns the supply if nobody says otherwise.
pub fn default_root_id() -> AccountId {
    AccountIdRef::new_or_panic("test.near").into()
}

/// Everything that decides the genesis block.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// nearcore's settings. This chain reads chain id, version, height, time, gas price, gas limit, validity period, epoch
    /// length and the validators, the root account first. It has no rewards and no kick-outs.
    pub config: GenesisConfig,
    /// The state before the first block. Later records replace earlier ones of the same key.
    pub records: Vec<StateRecord>,
    /// Secret key of the root account, who is the first validator; the others' keys come of it.
    pub root_key: SecretKey,
}

/// `genesis.json`: settings and records side by side, as nearcore writes them.
#[derive(Serialize, Deserialize)]
pub struct GenesisFile {
    #[serde(flatten)]
    pub config: GenesisConfig,
    pub records: Vec<StateRecord>,
}

impl Default for Genesis {
    fn default() -> Self {
        Self::new("localnet")
    }
}

impl Genesis {
    /// A chain of this name, whose root account is `test.near` with a fresh key.
    pub fn new(chain_id: &str) -> Self {
        Self::of_root(chain_id, default_root_id(), SecretKey::from_random(KeyType::ED25519))
    }

    /// A chain of this name that `root_id` owns.
    pub fn of_root(chain_id: &str, root_id: AccountId, root_key: SecretKey) -> Self {
        let key = root_key.public_key();
        let registrar = registrar_id();
        let records = [(&root_id, ROOT_BALANCE, VALIDATOR_STAKE), (&registrar, REGISTRAR_BALANCE, Balance::ZERO)];
        let records = records.into_iter().flat_map(|(account_id, amount, locked)| {
            let account = Account::new(amount, locked, AccountContract::None, 0);
            let account = StateRecord::Account { account_id: account_id.clone(), account };
            [account, StateRecord::access_key(account_id.clone(), &key, AccessKey::full_access())]
        });
        let records = records.collect();
        let validator = AccountInfo { account_id: root_id.clone(), public_key: key.clone(), amount: VALIDATOR_STAKE };
        let config = GenesisConfig {
            protocol_version: PROTOCOL_VERSION,
            chain_id: chain_id.to_owned(),
            num_block_producer_seats: 1,
            epoch_length: 60,
            gas_limit: Gas::from_teragas(1_000),
            min_gas_price: Balance::from_yoctonear(100_000_000),
            validators: vec![validator],
            transaction_validity_period: 86_400,
            num_blocks_per_year: 31_536_000,
            protocol_treasury_account: root_id,
            total_supply: ROOT_BALANCE.saturating_add(VALIDATOR_STAKE).saturating_add(REGISTRAR_BALANCE),
            ..GenesisConfig::default()
        };
        Self { config, records, root_key }
    }

    /// The account that validates and owns the supply.
    pub fn root_id(&self) -> &AccountId {
        &self.config.validators[0].account_id
    }

    /// The root as a validator: where there are no others, it produces every block.
    pub fn validator(&self) -> ValidatorStake {
        ValidatorStake::new(self.root_id().clone(), self.root_key.public_key(), VALIDATOR_STAKE)
    }

    /// Puts `genesis.json` and the first validator's key together.
    pub fn from_file(file: GenesisFile, root_key: SecretKey) -> Result<Self, String> {
        let GenesisFile { config, records } = file;
        let Some(validator) = config.validators.first() else {
            return Err("expected a validator in the genesis, found none".to_owned());
        };
        if validator.public_key != root_key.public_key() {
            return Err(format!("expected the key of {} in validator_key.json", validator.account_id));
        }
        if !PROTOCOL_VERSIONS.contains(&i64::from(config.protocol_version)) {
            return Err(format!(
                "expected a protocol version of 84 to 88 in the genesis, found {}",
                config.protocol_version
            ));
        }
        Ok(Self { config, records, root_key })
    }

    pub fn to_file(&self) -> GenesisFile {
        GenesisFile { config: self.config.clone(), records: self.records.clone() }
    }

    /// The epoch of a height, counted from 1, and its first height, where one validator makes all blocks.
    pub fn epoch(&self, height: BlockHeight) -> (EpochHeight, BlockHeight) {
        let length = self.config.epoch_length.max(1);
        let before = height.saturating_sub(1) / length;
        (before + 1, before * length + 1)
    }

    /// Unix time of the genesis block, nanoseconds.
    pub fn time_ns(&self) -> u64 {
        near_primitives::utils::to_timestamp(self.config.genesis_time)
    }

    /// The state before the first block, and the tokens of its accounts. What gas keys hold is not counted, as nearcore counts.
    pub fn state(&self, config: &near_parameters::RuntimeConfig) -> (Trie, Balance) {
        let mut state = StateUpdate::new(Trie::default());
        for record in self.records.iter().cloned() {
            state.put_record(record);
        }
        let mut supply = Balance::ZERO;
        let accounts = self.records.iter().filter_map(|record| match record {
            StateRecord::Account { account_id, .. } => Some(account_id),
            _ => None,
        });
        for account_id in accounts.collect::<std::collections::BTreeSet<_>>() {
            let Some(mut account) = state.account(account_id) else { continue };
            supply = supply.saturating_add(account.amount()).saturating_add(account.locked());
            // As nearcore does, whatever the record says: the records decide what is stored.
            account.set_storage_usage(state.storage_usage(account_id, &account, config));
            state.set_account(account_id, &account);
        }
        state.commit(&StateChangeCause::InitialState);
        (state.finish().0, supply)
    }
}
