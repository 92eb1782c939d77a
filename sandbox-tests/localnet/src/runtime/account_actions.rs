//! Actions on accounts: create, fund, deploy, keys, stake, delete.

use near_crypto::PublicKey;
use near_primitives::account::id::AccountType;
use near_primitives::account::{
    AccessKey, AccessKeyPermission, Account, AccountContract, FunctionCallPermission, GasKeyInfo,
};
use near_primitives::action::{AddKeyAction, StakeAction, TransferToGasKeyAction, WithdrawFromGasKeyAction};
use near_primitives::errors::ActionErrorKind;
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::receipt::{Receipt, VersionedActionReceipt};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance, NonceIndex};
use near_primitives::version::ProtocolFeature;
use near_primitives_core::chains;

use super::Chunk;
use super::outcome::ActionResult;
use crate::admission::first_nonce;

/// Accounts with more state than this can't be deleted (nearcore's `MAX_ACCOUNT_DELETION_STORAGE_USAGE`).
const DELETION_BYTES_MAX: u64 = 10_000;

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The numbers of a key's nonces, which only gas keys have.
fn nonces(access_key: &AccessKey) -> std::ops::Range<NonceIndex> {
    0..access_key.gas_key_info().map_or(0, |gas_key| gas_key.num_nonces)
}

impl Chunk<'_> {
    pub(super) fn empty_account(&self) -> Account {
        let base = self.context.config.fees.storage_usage_config.num_bytes_account;
        Account::new(Balance::ZERO, Balance::ZERO, AccountContract::None, base)
    }

    pub(super) fn create_account(
        &mut self,
        receipt: &Receipt,
        account: &mut Option<Account>,
        actor_id: &mut AccountId,
        result: &mut ActionResult,
    ) {
        let account_id = receipt.receiver_id();
        let rules = &self.context.config.account_creation_config;
        let predecessor_id = receipt.predecessor_id();
        if account_id.is_top_level() {
            let short = account_id.len() < usize::from(rules.min_allowed_top_level_account_length);
            if short && *predecessor_id != rules.registrar_account_id {
                return result.fail(ActionErrorKind::CreateAccountOnlyByRegistrar {
                    account_id: account_id.clone(),
                    registrar_account_id: rules.registrar_account_id.clone(),
                    predecessor_id: predecessor_id.clone(),
                });
            }
        } else if !account_id.is_sub_account_of(predecessor_id) {
            return result.fail(ActionErrorKind::CreateAccountNotAllowed {
                account_id: account_id.clone(),
                predecessor_id: predecessor_id.clone(),
            });
        }
        *actor_id = account_id.clone();
        *account = Some(self.empty_account());
        result.charge_new_account(&self.context.config);
    }

    pub(super) fn transfer(
        &mut self,
        receipt: &Receipt,
        action_receipt: &VersionedActionReceipt<'_>,
        deposit: Balance,
        account: &mut Option<Account>,
        actor_id: &mut AccountId,
        result: &mut ActionResult,
    ) {
        let account_id = receipt.receiver_id();
        if account.is_none() {
            *account = self.implicit_account(account_id);
            *actor_id = account_id.clone();
            result.charge_new_account(&self.context.config);
        }
        let Some(account) = account.as_mut() else { return };
        let key = action_receipt.signer_public_key();
        let is_gas_refund = receipt.predecessor_id().is_system() && action_receipt.signer_id() == account_id;
        if is_gas_refund && self.refund_key(account_id, key, deposit) {
            return;
        }
        account.set_amount(account.amount().saturating_add(deposit));
    }

    /// Gas comes back to the key that paid for it: to a gas key's balance, and an allowance grows beside the account's balance.
    /// Whether the key has all of it.
    fn refund_key(&mut self, account_id: &AccountId, key: &PublicKey, deposit: Balance) -> bool {
        let Some(mut access_key) = self.state.access_key(account_id, key) else { return false };
        let (part, has_all) = match &mut access_key.permission {
            AccessKeyPermission::GasKeyFunctionCall(gas_key, _) | AccessKeyPermission::GasKeyFullAccess(gas_key) => {
                (&mut gas_key.balance, true)
            }
            AccessKeyPermission::FunctionCall(FunctionCallPermission { allowance: Some(allowance), .. }) => {
                (allowance, false)
            }
            AccessKeyPermission::FunctionCall(_) | AccessKeyPermission::FullAccess => return false,
        };
        *part = part.saturating_add(deposit);
        self.state.set_access_key(account_id, key, &access_key);
        has_all
    }

    /// An account that a transfer makes: its name is its key, or the hash of the state it will start with.
    fn implicit_account(&mut self, account_id: &AccountId) -> Option<Account> {
        let mut account = self.empty_account();
        match account_id.get_account_type() {
            AccountType::NearImplicitAccount => {}
            AccountType::NearDeterministicAccount => return Some(account),
            AccountType::EthImplicitAccount => return Some(self.eth_account()),
            AccountType::UniversalAccount | AccountType::NamedAccount => return None,
        }
        let key: near_crypto::ED25519PublicKey = hex_bytes(account_id.as_str()).map(near_crypto::ED25519PublicKey)?;
        let key = PublicKey::ED25519(key);
        let mut access_key = AccessKey::full_access();
        access_key.nonce = first_nonce(self.context.height);
        self.grow(&mut account, &key, &access_key);
        self.state.set_access_key(account_id, &key, &access_key);
        Some(account)
    }

    /// An account named like an Ethereum address has no key: its wallet contract decides. From protocol 83 on that is a
    /// global contract, which exists where somebody has deployed it.
    fn eth_account(&self) -> Account {
        let contract = AccountContract::Global(eth_wallet(&self.context.chain_id));
        let base = self.context.config.fees.storage_usage_config.num_bytes_account;
        let usage = base.saturating_add(contract.identifier_storage_usage());
        Account::new(Balance::ZERO, Balance::ZERO, contract, usage)
    }

    pub(super) fn deploy(&mut self, account_id: &AccountId, account: &mut Option<Account>, code: &[u8]) {
        let Some(account) = account.as_mut() else { return };
        let key = TrieKey::ContractCode { account_id: account_id.clone() };
        let previous = self.contract_bytes(account_id, account);
        let usage = account.storage_usage().saturating_sub(previous).saturating_add(bytes(code.len()));
        account.set_storage_usage(usage);
        let code_hash = hash(code);
        // Only an account that has not been initialised refuses a contract, and this chain makes none.
        let _ = account.set_contract(AccountContract::from_local_code_hash(code_hash));
        self.state.set_raw(key, code.to_vec());
        self.compile(code, code_hash);
    }

    /// Bytes that a key takes, its nonces included.
    fn key_bytes(&self, key: &PublicKey, access_key: &AccessKey) -> u64 {
        let record = self.context.config.fees.storage_usage_config.num_extra_bytes_record;
        let id = bytes(key.trie_id_len());
        let nonce = id + bytes(size_of::<NonceIndex>() + AccessKey::NONCE_VALUE_LEN) + record;
        id + bytes(borsh::object_length(access_key).unwrap_or(0)) + record + bytes(nonces(access_key).len()) * nonce
    }

    fn grow(&self, account: &mut Account, key: &PublicKey, access_key: &AccessKey) {
        account.set_storage_usage(account.storage_usage() + self.key_bytes(key, access_key));
    }

    pub(super) fn add_key(
        &mut self,
        account_id: &AccountId,
        account: &mut Option<Account>,
        add: &AddKeyAction,
        result: &mut ActionResult,
    ) {
        let Some(account) = account.as_mut() else { return };
        if self.state.access_key(account_id, &add.public_key).is_some() {
            let (account_id, public_key) = (account_id.clone(), Box::new(add.public_key.clone()));
            return result.fail(ActionErrorKind::AddKeyAlreadyExists { account_id, public_key });
        }
        let mut access_key = add.access_key.clone();
        let first = first_nonce(self.context.height);
        // A gas key's own nonce is never used.
        access_key.nonce = if access_key.gas_key_info().is_some() { 0 } else { first };
        self.grow(account, &add.public_key, &access_key);
        for index in nonces(&access_key) {
            self.state.set_gas_key_nonce(account_id, &add.public_key, index, first);
        }
        self.state.set_access_key(account_id, &add.public_key, &access_key);
    }

    pub(super) fn delete_key(
        &mut self,
        account_id: &AccountId,
        account: &mut Option<Account>,
        key: &PublicKey,
        result: &mut ActionResult,
    ) {
        let Some(account) = account.as_mut() else { return };
        let Some(access_key) = self.state.access_key(account_id, key) else {
            let (account_id, public_key) = (account_id.clone(), Box::new(key.clone()));
            return result.fail(ActionErrorKind::DeleteKeyDoesNotExist { account_id, public_key });
        };
        let balance = access_key.gas_key_info().map_or(Balance::ZERO, |gas_key| gas_key.balance);
        if balance > GasKeyInfo::MAX_BALANCE_TO_BURN {
            let (account_id, public_key) = (account_id.clone(), Some(Box::new(key.clone())));
            return result.fail(ActionErrorKind::GasKeyBalanceTooHigh { account_id, public_key, balance });
        }
        result.tokens_burnt = result.tokens_burnt.saturating_add(balance);
        let freed = self.key_bytes(key, &access_key);
        account.set_storage_usage(account.storage_usage().saturating_sub(freed));
        for index in nonces(&access_key) {
            self.state.remove(TrieKey::gas_key_nonce(account_id.clone(), key, index));
        }
        self.state.remove(TrieKey::access_key(account_id.clone(), key));
    }

    /// A gas key to be changed, or the failure that it is none.
    fn gas_key(&self, account_id: &AccountId, key: &PublicKey) -> Result<AccessKey, ActionErrorKind> {
        let found = self.state.access_key(account_id, key).filter(|found| found.gas_key_info().is_some());
        found.ok_or_else(|| ActionErrorKind::GasKeyDoesNotExist {
            account_id: account_id.clone(),
            public_key: Box::new(key.clone()),
        })
    }

    /// Anybody may fund a gas key.
    pub(super) fn transfer_to_gas_key(
        &mut self,
        account_id: &AccountId,
        transfer: &TransferToGasKeyAction,
        result: &mut ActionResult,
    ) {
        match self.gas_key(account_id, &transfer.public_key) {
            Err(kind) => result.fail(kind),
            Ok(mut access_key) => {
                if let Some(gas_key) = access_key.gas_key_info_mut() {
                    gas_key.balance = gas_key.balance.saturating_add(transfer.deposit);
                }
                self.state.set_access_key(account_id, &transfer.public_key, &access_key);
            }
        }
    }

    pub(super) fn withdraw_from_gas_key(
        &mut self,
        account_id: &AccountId,
        account: &mut Option<Account>,
        withdrawal: &WithdrawFromGasKeyAction,
        result: &mut ActionResult,
    ) {
        let Some(account) = account.as_mut() else { return };
        let (key, required) = (&withdrawal.public_key, withdrawal.amount);
        let mut access_key = match self.gas_key(account_id, key) {
            Err(kind) => return result.fail(kind),
            Ok(access_key) => access_key,
        };
        let Some(gas_key) = access_key.gas_key_info_mut() else { return };
        let balance = gas_key.balance;
        let Some(left) = balance.checked_sub(required) else {
            let (account_id, public_key) = (account_id.clone(), Box::new(key.clone()));
            return result.fail(ActionErrorKind::InsufficientGasKeyBalance {
                account_id,
                public_key,
                balance,
                required,
            });
        };
        gas_key.balance = left;
        self.state.set_access_key(account_id, key, &access_key);
        account.set_amount(account.amount().saturating_add(required));
    }

    /// Keeps the stake, which changes nothing else: this chain has one validator for ever.
    pub(super) fn stake(
        account_id: &AccountId,
        account: &mut Option<Account>,
        stake: &StakeAction,
        result: &mut ActionResult,
    ) {
        let Some(account) = account.as_mut() else { return };
        let increment = stake.stake.saturating_sub(account.locked());
        let Some(rest) = account.amount().checked_sub(increment) else {
            return result.fail(ActionErrorKind::TriesToStake {
                account_id: account_id.clone(),
                stake: stake.stake,
                locked: account.locked(),
                balance: account.amount(),
            });
        };
        if account.locked() == Balance::ZERO && stake.stake == Balance::ZERO {
            return result.fail(ActionErrorKind::TriesToUnstake { account_id: account_id.clone() });
        }
        // A smaller stake is given back by the validators' epochs, which this chain does not have.
        if increment > Balance::ZERO {
            account.set_amount(rest);
            let _ = account.set_locked(stake.stake);
        }
    }

    pub(super) fn delete_account(
        &mut self,
        receipt: &Receipt,
        account: &mut Option<Account>,
        actor_id: &mut AccountId,
        beneficiary_id: &AccountId,
        result: &mut ActionResult,
    ) {
        let account_id = receipt.receiver_id();
        let Some(own) = account.as_ref() else { return };
        let mut contract = self.contract_bytes(account_id, own);
        if !own.contract().is_local()
            && !ProtocolFeature::FixDeleteAccountGlobalContractStorageUsage.enabled(self.context.version)
        {
            contract = 0;
        }
        let besides_code = own.storage_usage().saturating_sub(contract);
        if besides_code > DELETION_BYTES_MAX {
            return result.fail(ActionErrorKind::DeleteAccountWithLargeState { account_id: account_id.clone() });
        }
        let balance = self.state.gas_key_balances(account_id);
        if balance > GasKeyInfo::MAX_BALANCE_TO_BURN {
            let account_id = account_id.clone();
            return result.fail(ActionErrorKind::GasKeyBalanceTooHigh { account_id, public_key: None, balance });
        }
        result.tokens_burnt = result.tokens_burnt.saturating_add(balance);
        if own.amount() > Balance::ZERO {
            result.new_receipts.push(Receipt::new_balance_refund(beneficiary_id, own.amount()));
        }
        self.state.remove_account(account_id);
        *actor_id = receipt.predecessor_id().clone();
        *account = None;
    }
}

/// Hash of the wallet contract of a network's ETH-implicit accounts, as nearcore has it compiled in. On a chain of another
/// name it is the wallet that nearcore keeps for local networks (`wallet_contract_localnet.wasm`).
fn eth_wallet(chain_id: &str) -> CryptoHash {
    let wallet = match chain_id {
        chains::MAINNET | chains::MOCKNET => "2zodJZK2e4nnv5AqwCRnenNSmkikXhEd7PPY6BmfTmW4",
        chains::TESTNET => "3PpYvRxBfC5BkZxTw8ZFG3D52w1ZRhvDDWirKoxphMDn",
        _ => "FAq9tQRbwJPTV3PQLn2F7AUD3FW2Fw1V8ZeZuazfeu1v",
    };
    wallet.parse().expect("base58 of 32 bytes")
}

/// 32 bytes from 64 hexadecimal digits, the name of an implicit account.
fn hex_bytes(text: &str) -> Option<[u8; 32]> {
    let mut out = [0_u8; 32];
    if text.len() != 64 {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(out)
}
