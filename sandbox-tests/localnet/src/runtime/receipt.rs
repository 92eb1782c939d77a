//! One receipt: wait for its inputs, run its actions, settle, send what it made.

use std::sync::Arc;

use near_primitives::account::AccountContract;
use near_primitives::errors::{ActionErrorKind, FunctionCallError, TxExecutionError};
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::{
    DataReceipt, DataReceiver, Receipt, ReceiptEnum, ReceiptV0, ReceivedData, VersionedActionReceipt,
    VersionedReceiptEnum,
};
use near_primitives::transaction::{
    ExecutionMetadata, ExecutionMetadataV4, ExecutionOutcome, ExecutionOutcomeWithId, ExecutionStatus,
};
use near_primitives::trie_key::TrieKey;
use near_primitives::types::{Balance, Gas, StateChangeCause};
use near_primitives::utils::create_receipt_id_from_receipt_id;
use near_primitives::version::ProtocolFeature;
use near_vm_runner::logic::ReturnData;
use near_vm_runner::logic::types::PromiseResult;

use super::Chunk;
use super::outcome::ActionResult;
use crate::admission::missing_storage_stake;
use crate::defect::caught;
use crate::fees::{gas_to_balance, total_deposit};

impl Chunk<'_> {
    pub(super) fn process_receipt(&mut self, receipt: &Receipt) {
        match receipt.versioned_receipt() {
            VersionedReceiptEnum::Action(action) => self.process_action_receipt(receipt, &action),
            VersionedReceiptEnum::Data(data) => self.process_data(receipt, &data),
            VersionedReceiptEnum::PromiseYield(action) => self.store_yield(receipt, &action),
            VersionedReceiptEnum::PromiseResume(data) => self.resume_yield(receipt, &data),
            VersionedReceiptEnum::GlobalContractDistribution(distribution) => {
                self.distribute_global_contract(receipt, &distribution);
            }
        }
    }

    /// Runs an action receipt if all its data is there, else postpones it.
    fn process_action_receipt(&mut self, receipt: &Receipt, action: &VersionedActionReceipt<'_>) {
        let receiver_id = receipt.receiver_id();
        let mut pending = 0_u32;
        for data_id in action.input_data_ids() {
            let key = TrieKey::ReceivedData { receiver_id: receiver_id.clone(), data_id: *data_id };
            if self.state.get_raw(&key).is_none() {
                pending += 1;
                let key = TrieKey::PostponedReceiptId { receiver_id: receiver_id.clone(), data_id: *data_id };
                self.state.set(key, receipt.receipt_id());
            }
        }
        if pending == 0 {
            self.execute(receipt, action);
            return;
        }
        let receipt_id = *receipt.receipt_id();
        let key = TrieKey::PendingDataCount { receiver_id: receiver_id.clone(), receipt_id };
        self.state.set(key, &pending);
        let key = TrieKey::PostponedReceipt { receiver_id: receiver_id.clone(), receipt_id };
        self.state.set(key, receipt);
        self.state.commit(&StateChangeCause::PostponedReceipt { receipt_hash: receipt_id });
    }

    /// Stores data that arrived and runs the receipt that waited for the last of it.
    fn process_data(&mut self, receipt: &Receipt, data: &DataReceipt) {
        let receiver_id = receipt.receiver_id().clone();
        let key = TrieKey::ReceivedData { receiver_id: receiver_id.clone(), data_id: data.data_id };
        self.state.set(key, &ReceivedData { data: data.data.clone() });
        let waiting_key = TrieKey::PostponedReceiptId { receiver_id: receiver_id.clone(), data_id: data.data_id };
        let Some(receipt_id) = self.state.get::<CryptoHash>(&waiting_key) else {
            self.state.commit(&StateChangeCause::PostponedReceipt { receipt_hash: *receipt.receipt_id() });
            return;
        };
        self.state.remove(waiting_key);
        let count_key = TrieKey::PendingDataCount { receiver_id: receiver_id.clone(), receipt_id };
        let pending: u32 = self.state.get(&count_key).unwrap_or(1);
        if pending > 1 {
            self.state.set(count_key, &(pending - 1));
            self.state.commit(&StateChangeCause::PostponedReceipt { receipt_hash: *receipt.receipt_id() });
            return;
        }
        self.state.remove(count_key);
        let key = TrieKey::PostponedReceipt { receiver_id, receipt_id };
        let ready: Option<Receipt> = self.state.get(&key);
        self.state.remove(key);
        if let Some(ready) = ready
            && let VersionedReceiptEnum::Action(action) = ready.versioned_receipt()
        {
            self.execute(&ready, &action);
        }
    }

    fn promise_results(&mut self, receipt: &Receipt, action: &VersionedActionReceipt<'_>) -> Vec<PromiseResult> {
        let mut results = Vec::with_capacity(action.input_data_ids().len());
        for data_id in action.input_data_ids() {
            let receiver_id = receipt.receiver_id().clone();
            let key = TrieKey::ReceivedData { receiver_id, data_id: *data_id };
            let data = self.state.get::<ReceivedData>(&key).and_then(|received| received.data);
            self.state.remove(key);
            results.push(data.map_or(PromiseResult::Failed, |bytes| PromiseResult::Successful(bytes.into())));
        }
        results
    }

    /// Runs the actions, then settles: state, refunds, outcome, outgoing receipts.
    pub(super) fn execute(&mut self, receipt: &Receipt, action: &VersionedActionReceipt<'_>) {
        let receipt_hash = *receipt.receipt_id();
        self.recorded_before_receipt = self.state.recorded_bytes();
        let results = self.promise_results(receipt, action);
        self.state.commit(&StateChangeCause::ActionReceiptProcessingStarted { receipt_hash });
        let results = results.into();
        let ran = caught(|| self.run_actions(receipt, action, &results));
        let (mut result, contracts) = ran.unwrap_or_else(|text| (self.defective(&text), Vec::new()));

        let is_refund = receipt.predecessor_id().is_system();
        if is_refund && result.result.is_err() {
            // Nobody is there to take it back: it is burnt, beside what the outcome says.
            let lost = total_deposit(action.actions()).unwrap_or(Balance::ZERO);
            self.balance_burnt = self.balance_burnt.saturating_add(lost);
        }
        if !is_refund {
            let refunds = self.refunds(receipt, action, &result);
            result.new_receipts.extend(refunds);
        }
        let burnt = if is_refund { Balance::ZERO } else { self.gas_paid(&result).saturating_add(result.tokens_burnt) };
        self.balance_burnt = self.balance_burnt.saturating_add(burnt);
        if result.result.is_ok() {
            self.state.commit(&StateChangeCause::ReceiptProcessing { receipt_hash });
        } else {
            self.state.rollback();
        }
        self.reward_contract(receipt, &result);
        self.gas_used = self.gas_used.saturating_add(result.gas_burnt);
        self.answer_receivers(receipt, action, &mut result);
        let receipt_ids = self.send(receipt, std::mem::take(&mut result.new_receipts));
        self.record(receipt, result, receipt_ids, burnt, contracts);
    }

    /// A receipt that met a defect fails like one whose contract panicked, and the chain goes on.
    fn defective(&self, text: &str) -> ActionResult {
        tracing::error!("{text}");
        let fees = &self.context.config.fees;
        let fee = fees.fee(near_parameters::ActionCosts::new_action_receipt).exec_fee().gas;
        let mut result = ActionResult::new(fee);
        let error = FunctionCallError::ExecutionError(text.to_owned());
        result.fail_receipt(ActionErrorKind::FunctionCallError(error));
        result
    }

    fn run_actions(
        &mut self,
        receipt: &Receipt,
        action_receipt: &VersionedActionReceipt<'_>,
        results: &Arc<[PromiseResult]>,
    ) -> (ActionResult, Vec<AccountContract>) {
        let config = self.context.config.clone();
        let fee = config.fees.fee(near_parameters::ActionCosts::new_action_receipt).exec_fee().gas;
        let mut result = ActionResult::new(fee);
        let mut contracts = Vec::new();
        let account_id = receipt.receiver_id();
        let mut account = self.state.account(account_id);
        let mut actor_id = receipt.predecessor_id().clone();
        for index in 0..action_receipt.actions().len() {
            let contract = account.as_ref().map_or(AccountContract::None, |own| own.contract().into_owned());
            contracts.push(contract);
            let mut next = self.apply_action(receipt, action_receipt, index, results, &mut account, &mut actor_id);
            if next.result.is_ok() {
                let limits = &config.wasm_config.limit_config;
                let checked = next
                    .new_receipts
                    .iter()
                    .try_for_each(|new| crate::admission::check_receipt(limits, new, self.context.version));
                if let Err(error) = checked {
                    next.fail(ActionErrorKind::NewReceiptValidationError(error));
                }
            }
            if next.result.is_ok()
                && let Err(kind) = self.check_proof_size()
            {
                next.fail(kind);
            }
            result.merge(next, index);
            if result.result.is_err() {
                break;
            }
        }
        if result.result.is_ok()
            && let Some(account) = &account
        {
            match missing_storage_stake(account, &config) {
                Some(amount) => {
                    result
                        .fail_receipt(ActionErrorKind::LackBalanceForState { account_id: account_id.clone(), amount });
                }
                None => self.state.set_account(account_id, account),
            }
        }
        (result, contracts)
    }

    /// Calls are stopped by the VM; other actions after the fact, from 87 on.
    fn check_proof_size(&self) -> Result<(), ActionErrorKind> {
        let limit = self.context.config.wasm_config.limit_config.per_receipt_storage_proof_size_limit;
        let enforced = ProtocolFeature::EnforceStorageProofLimitForAllActions.enabled(self.context.version);
        let recorded = self.state.recorded_bytes().saturating_sub(self.recorded_before_receipt);
        if enforced && recorded > limit {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(ActionErrorKind::ReceiptStorageProofSizeExceeded { limit });
        }
        Ok(())
    }

    /// What the receipt's gas cost, out of what was paid for it in advance.
    pub(super) fn gas_paid(&self, result: &ActionResult) -> Balance {
        let priced = result.gas_burnt.saturating_sub(result.charged_gas);
        let gas = gas_to_balance(self.context.gas_price, priced).unwrap_or(Balance::MAX);
        gas.saturating_add(result.charge)
    }

    /// The contract's share of the gas its code burnt: 30 % up to protocol 86, nothing from 87 on.
    fn reward_contract(&mut self, receipt: &Receipt, result: &ActionResult) {
        let share = self.context.config.fees.burnt_gas_reward;
        let (Ok(numerator), Ok(denominator)) = (u64::try_from(*share.numer()), u64::try_from(*share.denom())) else {
            return;
        };
        let gas =
            u128::from(result.gas_burnt_for_call.as_gas()) * u128::from(numerator) / u128::from(denominator.max(1));
        let Ok(gas) = u64::try_from(gas) else { return };
        let reward = gas_to_balance(self.context.gas_price, Gas::from_gas(gas)).unwrap_or(Balance::ZERO);
        if reward == Balance::ZERO {
            return;
        }
        if let Some(mut account) = self.state.account(receipt.receiver_id()) {
            self.balance_burnt = self.balance_burnt.saturating_sub(reward);
            account.set_amount(account.amount().saturating_add(reward));
            self.state.set_account(receipt.receiver_id(), &account);
            let receipt_hash = *receipt.receipt_id();
            self.state.commit(&StateChangeCause::ActionReceiptGasReward { receipt_hash });
        }
    }

    /// Sends the result to those who wait for it, or lets a returned promise do so.
    fn answer_receivers(&self, receipt: &Receipt, action: &VersionedActionReceipt<'_>, result: &mut ActionResult) {
        let receivers = action.output_data_receivers();
        if receivers.is_empty() {
            return;
        }
        let data = match &result.result {
            Ok(ReturnData::ReceiptIndex(index)) => {
                let index = usize::try_from(*index).unwrap_or(usize::MAX);
                if let Some(promised) = result.new_receipts.get_mut(index) {
                    pass_on(promised, receivers);
                }
                return;
            }
            Ok(ReturnData::Value(bytes)) => Some(bytes.clone()),
            Ok(ReturnData::None) => Some(Vec::new()),
            Err(_) => None,
        };
        for receiver in receivers {
            result.new_receipts.push(Receipt::V0(ReceiptV0 {
                predecessor_id: receipt.receiver_id().clone(),
                receiver_id: receiver.receiver_id.clone(),
                receipt_id: CryptoHash::default(),
                receipt: ReceiptEnum::Data(DataReceipt { data_id: receiver.data_id, data: data.clone() }),
            }));
        }
    }

    /// Gives new receipts their ids and sends them; returns the ids that the outcome names.
    fn send(&mut self, parent: &Receipt, receipts: Vec<Receipt>) -> Vec<CryptoHash> {
        let mut named = Vec::with_capacity(receipts.len());
        for (index, mut receipt) in receipts.into_iter().enumerate() {
            let id = create_receipt_id_from_receipt_id(parent.receipt_id(), self.context.height, index);
            receipt.set_receipt_id(id);
            let is_action = matches!(
                receipt.versioned_receipt(),
                VersionedReceiptEnum::Action(_) | VersionedReceiptEnum::PromiseYield(_)
            );
            if is_action {
                named.push(id);
            }
            let is_instant = receipt.is_instant_receipt();
            let receipt = Arc::new(receipt);
            if is_instant {
                self.instant.push_back(receipt);
            } else {
                self.outgoing.push(receipt);
            }
        }
        named
    }

    fn record(
        &mut self,
        receipt: &Receipt,
        result: ActionResult,
        receipt_ids: Vec<CryptoHash>,
        tokens_burnt: Balance,
        contracts: Vec<AccountContract>,
    ) {
        let promised = |index: u64| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            create_receipt_id_from_receipt_id(receipt.receipt_id(), self.context.height, index)
        };
        let status = match result.result {
            Ok(ReturnData::ReceiptIndex(index)) => ExecutionStatus::SuccessReceiptId(promised(index)),
            Ok(ReturnData::Value(bytes)) => ExecutionStatus::SuccessValue(bytes),
            Ok(ReturnData::None) => ExecutionStatus::SuccessValue(Vec::new()),
            Err(error) => ExecutionStatus::Failure(TxExecutionError::ActionError(error)),
        };
        let metadata = if self.context.version >= 85 {
            ExecutionMetadata::V4(Box::new(ExecutionMetadataV4 { profile: result.profile, contracts }))
        } else {
            ExecutionMetadata::V3(Box::new(result.profile))
        };
        self.outcomes.push(ExecutionOutcomeWithId {
            id: *receipt.receipt_id(),
            outcome: ExecutionOutcome {
                status,
                logs: result.logs,
                receipt_ids,
                gas_burnt: result.gas_burnt,
                compute_usage: Some(result.gas_burnt.as_gas()),
                tokens_burnt,
                executor_id: receipt.receiver_id().clone(),
                metadata,
            },
        });
    }
}

/// Lets a promised receipt answer in its maker's place.
fn pass_on(receipt: &mut Receipt, receivers: &[DataReceiver]) {
    match receipt.receipt_mut() {
        ReceiptEnum::Action(action) | ReceiptEnum::PromiseYield(action) => {
            action.output_data_receivers.extend(receivers.iter().cloned());
        }
        ReceiptEnum::ActionV2(action) | ReceiptEnum::PromiseYieldV2(action) => {
            action.output_data_receivers.extend(receivers.iter().cloned());
        }
        ReceiptEnum::Data(_) | ReceiptEnum::PromiseResume(_) | ReceiptEnum::GlobalContractDistribution(_) => {}
    }
}
