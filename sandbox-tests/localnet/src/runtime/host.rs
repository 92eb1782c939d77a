//! What a running contract sees of the chain (`External` of near-vm-runner).

use std::sync::Arc;

use near_crypto::PublicKey;
use near_primitives::account::{AccessKey, AccessKeyPermission, FunctionCallPermission};
use near_primitives::action::{
    Action, AddKeyAction, CreateAccountAction, DeleteAccountAction, DeleteKeyAction, DeployContractAction,
    DeployGlobalContractAction, DeterministicStateInitAction, FunctionCallAction, GlobalContractDeployMode,
    StakeAction, TransferAction, TransferToGasKeyAction, UniversalStateInitAction, UseGlobalContractAction,
};
use near_primitives::deterministic_account_id::{DeterministicAccountStateInit, DeterministicAccountStateInitV1};
use near_primitives::hash::{CryptoHash, YieldId};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{AccountId, Balance, Gas, GasWeight, Nonce, NonceIndex, PromiseYieldStatus};
use near_primitives::universal_state_init::RawStateInit;
use near_primitives::version::ProtocolFeature;
use near_primitives_core::universal_state_init::{DecodeMode, StateInitError, UniversalStateInitCounts};
use near_vm_runner::logic::types::{
    ActionIndex, GlobalContractDeployMode as VmDeployMode, GlobalContractIdentifier, ReceiptIndex,
};
use near_vm_runner::logic::{External, HostError, StorageAccessTracker, VMLogicError, ValuePtr};

use super::BlockContext;
use super::promises::Promises;
use crate::state::{Found, StateUpdate, TrieTouches};

type HostResult<T> = Result<T, VMLogicError>;

pub(super) struct Host<'a> {
    state: &'a mut StateUpdate,
    block: &'a BlockContext,
    account_id: &'a AccountId,
    promises: Promises,
    /// Size of the storage proof that the limit counts from.
    recorded_before: usize,
}

struct Pointer<'a> {
    state: &'a StateUpdate,
    found: Found,
}

fn pay(tracker: &mut dyn StorageAccessTracker, touches: TrieTouches) -> HostResult<()> {
    tracker.trie_node_touched(touches.new)?;
    tracker.cached_trie_node_access(touches.cached)
}

fn byte_count(bytes: &Arc<[u8]>) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl ValuePtr for Pointer<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.found.bytes.len()).unwrap_or(u32::MAX)
    }

    fn deref(&self, tracker: &mut dyn StorageAccessTracker) -> HostResult<Vec<u8>> {
        pay(tracker, self.state.take_touches(&self.found))?;
        Ok(self.found.bytes.to_vec())
    }
}

fn text(bytes: Vec<u8>) -> HostResult<String> {
    String::from_utf8(bytes).map_err(|_| HostError::BadUTF8.into())
}

impl<'a> Host<'a> {
    pub fn new(
        state: &'a mut StateUpdate,
        block: &'a BlockContext,
        account_id: &'a AccountId,
        promises: Promises,
        recorded_before: usize,
    ) -> Self {
        Self { state, block, account_id, promises, recorded_before }
    }

    pub fn into_promises(self) -> Promises {
        self.promises
    }

    fn data_key(&self, key: &[u8]) -> TrieKey {
        TrieKey::ContractData { account_id: self.account_id.clone(), key: key.to_vec() }
    }

    fn append(&mut self, receipt: ReceiptIndex, action: Action) {
        self.promises.append(receipt, action);
    }

    /// A yield, with the mark that says it waits.
    fn yielded(&mut self, receiver_id: AccountId) -> (ReceiptIndex, CryptoHash) {
        let (index, data_id) = self.promises.yielded(receiver_id);
        let key = TrieKey::PromiseYieldStatus { receiver_id: self.account_id.clone(), data_id };
        self.state.set(key, &PromiseYieldStatus::Yielded);
        (index, data_id)
    }

    fn add_key(&mut self, receipt: ReceiptIndex, public_key: PublicKey, access_key: AccessKey) {
        self.append(receipt, Action::AddKey(Box::new(AddKeyAction { public_key, access_key })));
    }
}

fn call_permission(
    allowance: Option<Balance>,
    receiver_id: &AccountId,
    method_names: Vec<Vec<u8>>,
) -> HostResult<FunctionCallPermission> {
    let method_names = method_names.into_iter().map(text).collect::<HostResult<_>>()?;
    Ok(FunctionCallPermission { allowance, receiver_id: receiver_id.to_string(), method_names })
}

impl External for Host<'_> {
    fn storage_set(
        &mut self,
        tracker: &mut dyn StorageAccessTracker,
        key: &[u8],
        value: &[u8],
    ) -> HostResult<Option<Vec<u8>>> {
        let key = self.data_key(key);
        let (found, mut touches) = self.state.find_for_write(&key);
        let evicted = match found {
            Some(found) => {
                tracker.deref_write_evicted_value_bytes(byte_count(&found.bytes))?;
                let taken = self.state.take_touches(&found);
                touches = TrieTouches { new: touches.new + taken.new, cached: touches.cached + taken.cached };
                Some(found.bytes.to_vec())
            }
            None => None,
        };
        pay(tracker, touches)?;
        self.state.set_raw(key, value.to_vec());
        Ok(evicted)
    }

    fn storage_get<'b>(
        &'b self,
        _tracker: &mut dyn StorageAccessTracker,
        key: &[u8],
    ) -> HostResult<Option<Box<dyn ValuePtr + 'b>>> {
        let found = self.state.find(&self.data_key(key));
        Ok(found.map(|found| -> Box<dyn ValuePtr + 'b> { Box::new(Pointer { state: self.state, found }) }))
    }

    fn storage_remove(&mut self, tracker: &mut dyn StorageAccessTracker, key: &[u8]) -> HostResult<Option<Vec<u8>>> {
        let key = self.data_key(key);
        let (found, mut touches) = self.state.find_for_write(&key);
        let removed = match found {
            Some(found) => {
                tracker.deref_removed_value_bytes(byte_count(&found.bytes))?;
                let taken = self.state.take_touches(&found);
                touches = TrieTouches { new: touches.new + taken.new, cached: touches.cached + taken.cached };
                Some(found.bytes.to_vec())
            }
            None => None,
        };
        pay(tracker, touches)?;
        self.state.remove(key);
        Ok(removed)
    }

    fn storage_has_key(&mut self, _tracker: &mut dyn StorageAccessTracker, key: &[u8]) -> HostResult<bool> {
        Ok(self.state.find(&self.data_key(key)).is_some())
    }

    fn generate_data_id(&mut self) -> CryptoHash {
        self.promises.next_data_id()
    }

    fn get_recorded_storage_size(&self) -> usize {
        self.state.recorded_bytes()
    }

    fn storage_proof_size_before_receipt(&self) -> usize {
        self.recorded_before
    }

    fn validator_stake(&self, account_id: &AccountId) -> HostResult<Option<Balance>> {
        let locked = self.state.account(account_id).map(|account| account.locked());
        Ok(locked.filter(|locked| *locked > Balance::ZERO))
    }

    fn validator_total_stake(&self) -> HostResult<Balance> {
        Ok(crate::genesis::VALIDATOR_STAKE)
    }

    fn chain_id(&self) -> String {
        self.block.chain_id.clone()
    }

    fn create_action_receipt(
        &mut self,
        receipt_indices: Vec<ReceiptIndex>,
        receiver_id: AccountId,
    ) -> HostResult<ReceiptIndex> {
        Ok(self.promises.after(receipt_indices, receiver_id))
    }

    fn create_promise_yield_receipt(&mut self, receiver_id: AccountId) -> HostResult<(ReceiptIndex, CryptoHash)> {
        Ok(self.yielded(receiver_id))
    }

    fn create_promise_yield_receipt_with_id(
        &mut self,
        receiver_id: AccountId,
        user_yield_id: YieldId,
    ) -> HostResult<Option<(ReceiptIndex, CryptoHash)>> {
        let key = TrieKey::YieldIdToDataId { receiver_id: self.account_id.clone(), yield_id: user_yield_id };
        if self.state.get_raw(&key).is_some() {
            return Ok(None);
        }
        let (index, data_id) = self.yielded(receiver_id);
        self.state.set(key, &data_id);
        self.state.set(TrieKey::DataIdToYieldId { receiver_id: self.account_id.clone(), data_id }, &user_yield_id);
        Ok(Some((index, data_id)))
    }

    fn submit_promise_resume_data(&mut self, data_id: CryptoHash, data: Vec<u8>) -> HostResult<bool> {
        let key = TrieKey::PromiseYieldStatus { receiver_id: self.account_id.clone(), data_id };
        // No status: this account never made the yield, or it is over.
        if self.state.get_raw(&key).is_none() {
            return Ok(false);
        }
        self.state.set(key, &PromiseYieldStatus::ResumeInitiated);
        self.promises.resume(data_id, data);
        Ok(true)
    }

    fn submit_promise_resume_data_with_yield_id(&mut self, user_yield_id: YieldId, data: Vec<u8>) -> HostResult<bool> {
        let key = TrieKey::YieldIdToDataId { receiver_id: self.account_id.clone(), yield_id: user_yield_id };
        let Some(data_id) = self.state.get::<CryptoHash>(&key) else { return Ok(false) };
        self.submit_promise_resume_data(data_id, data)
    }

    fn append_action_create_account(&mut self, receipt: ReceiptIndex) {
        self.append(receipt, Action::CreateAccount(CreateAccountAction {}));
    }

    fn append_action_deploy_contract(&mut self, receipt: ReceiptIndex, code: Vec<u8>) {
        self.append(receipt, Action::DeployContract(DeployContractAction { code }));
    }

    fn append_action_deploy_global_contract(&mut self, receipt: ReceiptIndex, code: Vec<u8>, mode: VmDeployMode) {
        let deploy_mode = match mode {
            VmDeployMode::CodeHash => GlobalContractDeployMode::CodeHash,
            VmDeployMode::AccountId => GlobalContractDeployMode::AccountId,
        };
        let action = DeployGlobalContractAction { code: code.into(), deploy_mode };
        self.append(receipt, Action::DeployGlobalContract(action));
    }

    fn append_action_use_global_contract(&mut self, receipt: ReceiptIndex, contract_id: GlobalContractIdentifier) {
        let action = UseGlobalContractAction { contract_identifier: contract_id.into() };
        self.append(receipt, Action::UseGlobalContract(Box::new(action)));
    }

    fn append_action_deterministic_state_init(
        &mut self,
        receipt: ReceiptIndex,
        contract_id: GlobalContractIdentifier,
        amount: Balance,
    ) -> ActionIndex {
        let state_init = DeterministicAccountStateInit::V1(DeterministicAccountStateInitV1 {
            code: contract_id.into(),
            data: std::collections::BTreeMap::new(),
        });
        let action = DeterministicStateInitAction { state_init, deposit: amount };
        let index = self.promises.append(receipt, Action::DeterministicStateInit(Box::new(action)));
        u64::try_from(index).unwrap_or(u64::MAX)
    }

    fn set_deterministic_state_init_data_entry(
        &mut self,
        receipt: ReceiptIndex,
        action: ActionIndex,
        key: Vec<u8>,
        value: Vec<u8>,
    ) -> HostResult<()> {
        self.promises.set_state_init_entry(receipt, action, key, value);
        Ok(())
    }

    fn check_state_init(&self, _state_init: &RawStateInit) -> Result<(), StateInitError> {
        Ok(())
    }

    fn state_init_send_counts(&self, _state_init: &RawStateInit, _mode: DecodeMode) -> UniversalStateInitCounts {
        UniversalStateInitCounts::default()
    }

    fn append_action_universal_state_init(&mut self, receipt: ReceiptIndex, state_init: RawStateInit, amount: Balance) {
        let action = UniversalStateInitAction { state_init, deposit: amount };
        self.append(receipt, Action::UniversalStateInit(Box::new(action)));
    }

    fn append_action_function_call_weight(
        &mut self,
        receipt: ReceiptIndex,
        method_name: Vec<u8>,
        args: Vec<u8>,
        deposit: Balance,
        gas: Gas,
        gas_weight: GasWeight,
    ) -> HostResult<()> {
        let method_name = text(method_name)?;
        let action = FunctionCallAction { method_name, args, gas, deposit };
        let index = self.promises.append(receipt, Action::FunctionCall(Box::new(action)));
        self.promises.weigh(receipt, index, gas_weight);
        Ok(())
    }

    fn append_action_transfer(&mut self, receipt: ReceiptIndex, deposit: Balance) {
        self.append(receipt, Action::Transfer(TransferAction { deposit }));
    }

    fn append_action_transfer_to_gas_key(&mut self, receipt: ReceiptIndex, public_key: PublicKey, deposit: Balance) {
        let action = TransferToGasKeyAction { public_key, deposit };
        self.append(receipt, Action::TransferToGasKey(Box::new(action)));
    }

    fn append_action_add_gas_key_with_full_access(
        &mut self,
        receipt: ReceiptIndex,
        public_key: PublicKey,
        num_nonces: NonceIndex,
    ) {
        self.add_key(receipt, public_key, AccessKey::gas_key_full_access(num_nonces));
    }

    fn append_action_add_gas_key_with_function_call(
        &mut self,
        receipt: ReceiptIndex,
        public_key: PublicKey,
        num_nonces: NonceIndex,
        allowance: Option<Balance>,
        receiver_id: AccountId,
        method_names: Vec<Vec<u8>>,
    ) -> HostResult<()> {
        let permission = call_permission(allowance, &receiver_id, method_names)?;
        self.add_key(receipt, public_key, AccessKey::gas_key_function_call(num_nonces, permission));
        Ok(())
    }

    fn append_action_stake(&mut self, receipt: ReceiptIndex, stake: Balance, public_key: PublicKey) {
        self.append(receipt, Action::Stake(Box::new(StakeAction { stake, public_key })));
    }

    fn append_action_add_key_with_full_access(&mut self, receipt: ReceiptIndex, public_key: PublicKey, nonce: Nonce) {
        let access_key = AccessKey { nonce, permission: AccessKeyPermission::FullAccess };
        self.add_key(receipt, public_key, access_key);
    }

    fn append_action_add_key_with_function_call(
        &mut self,
        receipt: ReceiptIndex,
        public_key: PublicKey,
        nonce: Nonce,
        allowance: Option<Balance>,
        receiver_id: AccountId,
        method_names: Vec<Vec<u8>>,
    ) -> HostResult<()> {
        let permission = call_permission(allowance, &receiver_id, method_names)?;
        let permission = AccessKeyPermission::FunctionCall(permission);
        self.add_key(receipt, public_key, AccessKey { nonce, permission });
        Ok(())
    }

    fn append_action_delete_key(&mut self, receipt: ReceiptIndex, public_key: PublicKey) {
        self.append(receipt, Action::DeleteKey(Box::new(DeleteKeyAction { public_key })));
    }

    fn append_action_delete_account(&mut self, receipt: ReceiptIndex, beneficiary_id: AccountId) {
        self.append(receipt, Action::DeleteAccount(DeleteAccountAction { beneficiary_id }));
    }

    fn get_receipt_receiver(&self, receipt: ReceiptIndex) -> &AccountId {
        self.promises.receiver(receipt)
    }

    fn set_refund_to(&mut self, receipt: ReceiptIndex, refund_to: AccountId) {
        self.promises.set_refund_to(receipt, refund_to);
    }

    fn post_quantum_keys_enabled(&self) -> bool {
        ProtocolFeature::PostQuantumSignatures.enabled(self.block.version)
    }
}
