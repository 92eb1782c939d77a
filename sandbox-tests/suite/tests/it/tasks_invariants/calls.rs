//! What a step is on the chain.

use charter_harness::{Call, raw};
use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::tasks::args::TaskRef;
use serde_json::json;

use super::World;
use crate::tasks_model::{self as model, NEAR, Step, TaskKey};
use crate::tasks_wire as wire;

impl World {
    pub(super) fn asset(&self, asset: model::Asset) -> Asset {
        if asset == NEAR { Asset::Near } else { Asset::Nep141(self.token.clone()) }
    }

    /// What the contract calls a set; one that nobody posted has a number, too.
    fn id(&self, set: usize) -> u64 {
        self.model.ids.get(set).copied().unwrap_or(u64::MAX)
    }

    pub(super) fn task_ref(&self, (set, index): TaskKey) -> TaskRef {
        TaskRef { set: self.id(set), index }
    }

    pub(super) fn call(&self, step: &Step) -> Call {
        match step {
            Step::Post(new) => wire::post(new, &self.asset(new.asset)),
            Step::Close(set) => wire::close(self.id(*set)),
            Step::Take(set) => wire::take(self.id(*set)),
            Step::CommitWork { key, hash } => wire::commit_work(self.task_ref(*key), *hash),
            Step::RevealWork { key, answer, salt } => wire::reveal_work(self.task_ref(*key), answer, *salt),
            Step::Draw(key) => wire::draw(self.task_ref(*key)),
            Step::CommitVerdict { key, hash } => wire::commit_verdict(self.task_ref(*key), *hash),
            Step::RevealVerdict { key, verdict, salt } => wire::reveal_verdict(self.task_ref(*key), *verdict, *salt),
            Step::Appeal(key) => wire::appeal(self.task_ref(*key)),
            Step::Show { key, shown } => wire::show(self.task_ref(*key), (shown.answer, shown.salt), &shown.proof),
            Step::ForgetMarks { of } => {
                wire::forget_marks(of.iter().map(|person| self.people[*person].id().clone()).collect())
            }
            Step::Settle(key) => wire::settle(self.task_ref(*key)),
            Step::Bond(slots) => wire::bond(*slots),
            Step::Unbond(slots) => wire::unbond(*slots),
            Step::WithdrawBond => wire::withdraw_bond(),
            Step::OpenBalance(asset) => wire::open_balance(&self.asset(*asset)),
            Step::Deposit => wire::deposit(),
            Step::EndBalance(asset) => wire::end_balance(&self.asset(*asset)),
            Step::Withdraw { asset, amount } => wire::withdraw(&self.asset(*asset), *amount),
            Step::Send { amount, known } => {
                let msg = if *known { json!({ "deposit": {} }) } else { json!({ "purse": {} }) };
                let args = json!({ "receiver_id": self.contract(), "amount": U128(*amount), "msg": msg.to_string() });
                raw("ft_transfer_call", args)
            }
        }
    }
}
