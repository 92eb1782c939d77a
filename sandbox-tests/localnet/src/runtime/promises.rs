//! Receipts that a running contract makes, before they are sent.

use near_primitives::action::Action;
use near_primitives::hash::CryptoHash;
use near_primitives::receipt::{
    ActionReceipt, ActionReceiptV2, DataReceipt, DataReceiver, Receipt, ReceiptEnum, ReceiptV0, VersionedActionReceipt,
};
use near_primitives::types::{AccountId, BlockHeight, Gas, GasWeight};
use near_primitives::utils::create_receipt_id_from_action_hash;

struct Draft {
    receiver_id: AccountId,
    refund_to: Option<AccountId>,
    output_data_receivers: Vec<DataReceiver>,
    input_data_ids: Vec<CryptoHash>,
    actions: Vec<Action>,
    is_yield: bool,
}

/// The drafts of one function call.
pub(super) struct Promises {
    action_hash: CryptoHash,
    height: BlockHeight,
    data_count: u64,
    drafts: Vec<Draft>,
    /// Calls that want a share of the gas left at the end: (receipt, action, weight).
    weights: Vec<(usize, usize, GasWeight)>,
    resumed: Vec<DataReceipt>,
}

fn position(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Promises {
    pub fn new(action_hash: CryptoHash, height: BlockHeight) -> Self {
        Self { action_hash, height, data_count: 0, drafts: Vec::new(), weights: Vec::new(), resumed: Vec::new() }
    }

    pub fn next_data_id(&mut self) -> CryptoHash {
        let id = create_receipt_id_from_action_hash(&self.action_hash, self.height, self.data_count);
        self.data_count += 1;
        id
    }

    fn push(&mut self, receiver_id: AccountId, input_data_ids: Vec<CryptoHash>, is_yield: bool) -> u64 {
        self.drafts.push(Draft {
            receiver_id,
            refund_to: None,
            output_data_receivers: Vec::new(),
            input_data_ids,
            actions: Vec::new(),
            is_yield,
        });
        u64::try_from(self.drafts.len() - 1).unwrap_or(u64::MAX)
    }

    /// A receipt that waits for the results of the others.
    pub fn after(&mut self, others: Vec<u64>, receiver_id: AccountId) -> u64 {
        let mut inputs = Vec::with_capacity(others.len());
        for other in others {
            let data_id = self.next_data_id();
            let receiver = DataReceiver { data_id, receiver_id: receiver_id.clone() };
            if let Some(draft) = self.drafts.get_mut(position(other)) {
                draft.output_data_receivers.push(receiver);
                inputs.push(data_id);
            }
        }
        self.push(receiver_id, inputs, false)
    }

    /// A receipt that waits for data which somebody delivers later (NEP-519).
    pub fn yielded(&mut self, receiver_id: AccountId) -> (u64, CryptoHash) {
        let data_id = self.next_data_id();
        (self.push(receiver_id, vec![data_id], true), data_id)
    }

    pub fn resume(&mut self, data_id: CryptoHash, data: Vec<u8>) {
        self.resumed.push(DataReceipt { data_id, data: Some(data) });
    }

    /// Appends an action and says where it went.
    pub fn append(&mut self, receipt: u64, action: Action) -> usize {
        let Some(draft) = self.drafts.get_mut(position(receipt)) else { return 0 };
        draft.actions.push(action);
        draft.actions.len() - 1
    }

    /// Adds an entry to the state that a deterministic account starts with.
    pub fn set_state_init_entry(&mut self, receipt: u64, action: u64, key: Vec<u8>, value: Vec<u8>) {
        let draft = self.drafts.get_mut(position(receipt));
        let action = draft.and_then(|draft| draft.actions.get_mut(position(action)));
        if let Some(Action::DeterministicStateInit(init)) = action {
            init.state_init.data_mut().insert(key, value);
        }
    }

    pub fn weigh(&mut self, receipt: u64, action: usize, weight: GasWeight) {
        if weight.0 > 0 {
            self.weights.push((position(receipt), action, weight));
        }
    }

    pub fn receiver(&self, receipt: u64) -> &AccountId {
        &self.drafts[position(receipt)].receiver_id
    }

    pub fn set_refund_to(&mut self, receipt: u64, refund_to: AccountId) {
        if let Some(draft) = self.drafts.get_mut(position(receipt)) {
            draft.refund_to = Some(refund_to);
        }
    }

    /// Shares unused gas out by weight; the last call gets what rounding leaves. Returns what was given.
    pub fn distribute(&mut self, unused: Gas) -> Gas {
        let sum: u128 = self.weights.iter().map(|(_, _, weight)| u128::from(weight.0)).sum();
        let weights = std::mem::take(&mut self.weights);
        let Some(last) = weights.len().checked_sub(1) else { return Gas::ZERO };
        let mut left = unused.as_gas();
        for (index, (receipt, action, weight)) in weights.into_iter().enumerate() {
            let fair = u128::from(unused.as_gas()) * u128::from(weight.0) / sum.max(1);
            let share = if index == last { left } else { u64::try_from(fair).unwrap_or(left).min(left) };
            let target = self.drafts.get_mut(receipt).and_then(|draft| draft.actions.get_mut(action));
            if let Some(Action::FunctionCall(call)) = target {
                call.gas = call.gas.saturating_add(Gas::from_gas(share));
                left -= share;
            }
        }
        unused.saturating_sub(Gas::from_gas(left))
    }

    /// The receipts as they are sent, in the order they were made; resumed data comes last.
    pub fn into_receipts(self, from: &AccountId, parent: &VersionedActionReceipt<'_>) -> Vec<Receipt> {
        let wrap = |receiver_id, receipt| {
            let (predecessor_id, receipt_id) = (from.clone(), CryptoHash::default());
            Receipt::V0(ReceiptV0 { predecessor_id, receiver_id, receipt_id, receipt })
        };
        let resumed = self.resumed.into_iter().map(|data| wrap(from.clone(), ReceiptEnum::PromiseResume(data)));
        let resumed: Vec<Receipt> = resumed.collect();
        let drafts = self.drafts.into_iter().map(|draft| wrap(draft.receiver_id.clone(), draft.seal(parent)));
        drafts.chain(resumed).collect()
    }
}

impl Draft {
    fn seal(self, parent: &VersionedActionReceipt<'_>) -> ReceiptEnum {
        let signer_id = parent.signer_id().clone();
        let signer_public_key = parent.signer_public_key().clone();
        let gas_price = parent.gas_price();
        let Self { refund_to, output_data_receivers, input_data_ids, actions, is_yield, .. } = self;
        if refund_to.is_some() {
            let receipt = ActionReceiptV2 {
                signer_id,
                refund_to,
                signer_public_key,
                gas_price,
                output_data_receivers,
                input_data_ids,
                actions,
            };
            return if is_yield { ReceiptEnum::PromiseYieldV2(receipt) } else { ReceiptEnum::ActionV2(receipt) };
        }
        let receipt =
            ActionReceipt { signer_id, signer_public_key, gas_price, output_data_receivers, input_data_ids, actions };
        if is_yield { ReceiptEnum::PromiseYield(receipt) } else { ReceiptEnum::Action(receipt) }
    }
}
