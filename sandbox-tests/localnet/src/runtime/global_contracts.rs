//! Contracts that many accounts share (NEP-591): deployed once, used by hash or by the deployer's name.

use near_primitives::account::{Account, AccountContract};
use near_primitives::action::{DeployGlobalContractAction, GlobalContractDeployMode, GlobalContractIdentifier};
use near_primitives::errors::ActionErrorKind;
use near_primitives::hash::hash;
use near_primitives::receipt::{GlobalContractDistributionReceipt, Receipt};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, ShardId, StateChangeCause};
use near_vm_runner::{ContractCode, precompile_contract};

use super::Chunk;
use super::outcome::ActionResult;

pub(super) fn code_key(identifier: &GlobalContractIdentifier) -> TrieKey {
    TrieKey::GlobalContractCode { identifier: identifier.clone().into() }
}

impl Chunk<'_> {
    /// Burns the price of the code's bytes and sends the code to every shard, of which there is one.
    pub(super) fn deploy_global_contract(
        &mut self,
        account_id: &AccountId,
        account: &mut Option<Account>,
        deploy: &DeployGlobalContractAction,
        result: &mut ActionResult,
    ) {
        let Some(account) = account.as_mut() else { return };
        let price = self.context.config.fees.storage_usage_config.global_contract_storage_amount_per_byte;
        let bytes = u128::try_from(deploy.code.len()).unwrap_or(u128::MAX);
        let cost = price.saturating_mul(bytes);
        let Some(left) = account.amount().checked_sub(cost) else {
            let account_id = account_id.clone();
            return result.fail(ActionErrorKind::LackBalanceForState { account_id, amount: cost });
        };
        account.set_amount(left);
        result.tokens_burnt = result.tokens_burnt.saturating_add(cost);
        let id = match deploy.deploy_mode {
            GlobalContractDeployMode::CodeHash => GlobalContractIdentifier::CodeHash(hash(&deploy.code)),
            GlobalContractDeployMode::AccountId => GlobalContractIdentifier::AccountId(account_id.clone()),
        };
        let nonce_key = TrieKey::GlobalContractNonce { identifier: id.clone().into() };
        let nonce = self.state.get::<u64>(&nonce_key).map_or(1, |nonce| nonce + 1);
        self.state.set(nonce_key, &nonce);
        let shard = ShardId::new(0);
        let receipt = GlobalContractDistributionReceipt::new(id, shard, Vec::new(), deploy.code.clone(), nonce);
        result.new_receipts.push(Receipt::new_global_contract_distribution(account_id.clone(), receipt));
    }

    pub(super) fn use_global_contract(
        &mut self,
        account_id: &AccountId,
        account: &mut Account,
        identifier: &GlobalContractIdentifier,
        result: &mut ActionResult,
    ) {
        if self.state.get_raw(&code_key(identifier)).is_none() {
            return result.fail(ActionErrorKind::GlobalContractDoesNotExist { identifier: identifier.clone() });
        }
        let without = account.storage_usage().saturating_sub(self.contract_bytes(account_id, account));
        if account.contract().is_local() {
            self.state.remove(TrieKey::ContractCode { account_id: account_id.clone() });
        }
        let contract = match identifier {
            GlobalContractIdentifier::CodeHash(hash) => AccountContract::Global(*hash),
            GlobalContractIdentifier::AccountId(owner) => AccountContract::GlobalByAccount(owner.clone()),
        };
        account.set_storage_usage(without.saturating_add(contract.identifier_storage_usage()));
        // Only an uninitialised universal account refuses a contract, and this chain makes none.
        let _ = account.set_contract(contract);
    }

    /// What an account's contract takes of its storage: its code, or the name of a global one.
    pub(super) fn contract_bytes(&self, account_id: &AccountId, account: &Account) -> u64 {
        let contract = account.contract();
        if !contract.is_local() {
            return contract.identifier_storage_usage();
        }
        let code = self.state.get_raw(&TrieKey::ContractCode { account_id: account_id.clone() });
        code.map_or(0, |code| u64::try_from(code.len()).unwrap_or(u64::MAX))
    }

    /// Stores the code that a distribution receipt brings, unless a later deployment is there already.
    pub(super) fn distribute_global_contract(
        &mut self,
        receipt: &Receipt,
        distribution: &GlobalContractDistributionReceipt,
    ) {
        let id = distribution.id();
        let nonce_key = TrieKey::GlobalContractNonce { identifier: id.clone().into() };
        if self.state.get::<u64>(&nonce_key).is_some_and(|latest| distribution.nonce() < latest) {
            return;
        }
        self.state.set_raw(code_key(id), distribution.code().to_vec());
        self.state.commit(&StateChangeCause::ReceiptProcessing { receipt_hash: *receipt.receipt_id() });
        self.compile(distribution.code(), hash(distribution.code()));
    }

    /// Compiling at once keeps the first call quick. A contract that can't be compiled still deploys: calls fail.
    pub(super) fn compile(&self, code: &[u8], code_hash: near_primitives::hash::CryptoHash) {
        let contract = ContractCode::new(code.to_vec(), Some(code_hash));
        let wasm_config = self.context.config.wasm_config.clone();
        let _ = precompile_contract(&contract, wasm_config, crate::code::cache());
    }
}
