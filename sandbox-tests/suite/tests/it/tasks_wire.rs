//! The contract's methods as tests of many tasks call them, and what its views show, in few words.

use charter_harness::{Call, Harness, Outcome, answer, call};
use charter_types::asset::Asset;
use charter_types::method::Method;
use charter_types::tasks::args::{
    BalanceRef, CommitVerdict, CommitWork, ForgetMarks, OfAsset, PostTaskSet, RevealVerdict, RevealWork, SetRef,
    ShowHoneypot, Slots, Take, TaskRef, Withdraw,
};
use charter_types::tasks::methods as tasks;
use charter_types::tasks::{self as shown, Answer};
use charter_types::{AccountId, Base64Bytes, Hash32, Named, Nothing, Page, U128};

use crate::tasks_bytes::{Chain, Hash};
use crate::tasks_model::{Deadlines, NewSet, Verdict};

pub const NOT_COVERED: &str = "TASKS_NOT_COVERED";
pub const EXCLUDED: &str = "TASKS_EXCLUDED";

pub fn contract(harness: &Harness) -> &AccountId {
    &harness.contracts.tasks
}

pub fn chain(harness: &Harness) -> Chain {
    Chain { id: harness.chain_id.clone(), contract: contract(harness).to_string() }
}

fn deadlines(of: &Deadlines) -> shown::Deadlines {
    let Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms } = *of;
    shown::Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms }
}

pub fn said(verdict: Verdict) -> shown::Verdict {
    match verdict {
        Verdict::Good => shown::Verdict::Good,
        Verdict::Bad => shown::Verdict::Bad,
        Verdict::Unfetchable => shown::Verdict::Unfetchable,
    }
}

pub fn post(new: &NewSet, asset: &Asset) -> Call {
    let args = PostTaskSet {
        spec_uri: "https://a/spec".to_owned(),
        spec_hash: Hash32([1; 32]),
        asset: asset.clone(),
        reward: U128(new.reward),
        reviewer_fee: U128(new.fee),
        count: new.count,
        at_once: new.at_once,
        take_deposit: U128(new.take_deposit),
        deadlines: deadlines(&new.deadlines),
        honeypots: new.honeypots.map(Hash32),
    };
    call(tasks::post_task_set, &args)
}

pub fn posted(outcome: &Outcome) -> u64 {
    answer(tasks::post_task_set, outcome).unwrap()
}

pub fn close(set: u64) -> Call {
    call(tasks::close_set, &SetRef { set })
}

pub fn take(set: u64) -> Call {
    call(tasks::take, &Take { set, agent: None })
}

pub fn commit_work(TaskRef { set, index }: TaskRef, hash: Hash) -> Call {
    call(tasks::commit_work, &CommitWork { set, index, hash: Hash32(hash) })
}

pub fn reveal_work(TaskRef { set, index }: TaskRef, bytes: &[u8], salt: Hash) -> Call {
    let answer = Answer::Inline { bytes: Base64Bytes(bytes.to_vec()) };
    call(tasks::reveal_work, &RevealWork { set, index, answer, salt: Hash32(salt) })
}

pub fn draw(task: TaskRef) -> Call {
    call(tasks::draw, &task)
}

/// A view, as somebody looks at a task in a transaction.
pub fn look(task: TaskRef) -> Call {
    call(tasks::task, &task)
}

pub fn commit_verdict(TaskRef { set, index }: TaskRef, hash: Hash) -> Call {
    call(tasks::commit_verdict, &CommitVerdict { set, index, hash: Hash32(hash) })
}

pub fn reveal_verdict(TaskRef { set, index }: TaskRef, verdict: Verdict, salt: Hash) -> Call {
    call(tasks::reveal_verdict, &RevealVerdict { set, index, verdict: said(verdict), salt: Hash32(salt) })
}

pub fn appeal(task: TaskRef) -> Call {
    call(tasks::appeal, &task)
}

pub fn show(TaskRef { set, index }: TaskRef, (answer, salt): (Hash, Hash), proof: &[Hash]) -> Call {
    let proof = proof.iter().copied().map(Hash32).collect();
    let args = ShowHoneypot { set, index, answer_hash: Hash32(answer), salt: Hash32(salt), proof };
    call(tasks::show_honeypot, &args)
}

pub fn forget_marks(accounts: Vec<AccountId>) -> Call {
    call(tasks::forget_marks, &ForgetMarks { accounts })
}

pub fn settle(task: TaskRef) -> Call {
    call(tasks::settle, &task)
}

fn slots(slots: usize) -> Slots {
    Slots { slots: u8::try_from(slots).unwrap() }
}

pub fn bond(count: usize) -> Call {
    call(tasks::bond, &slots(count))
}

pub fn unbond(count: usize) -> Call {
    call(tasks::unbond, &slots(count))
}

pub fn withdraw_bond() -> Call {
    call(tasks::withdraw_bond, &Nothing {})
}

pub fn open_balance(asset: &Asset) -> Call {
    call(tasks::open_balance, &OfAsset { asset: asset.clone() })
}

pub fn end_balance(asset: &Asset) -> Call {
    call(tasks::end_balance, &OfAsset { asset: asset.clone() })
}

pub fn deposit() -> Call {
    call(tasks::deposit, &Nothing {})
}

pub fn withdraw(asset: &Asset, amount: Option<u128>) -> Call {
    call(tasks::withdraw, &Withdraw { asset: asset.clone(), amount: amount.map(U128) })
}

/// What the contract shows.
#[derive(Clone, Copy)]
pub struct Seen<'a>(pub &'a Harness);

impl Seen<'_> {
    pub async fn look<M: Method>(self, method: M, args: &M::Args) -> M::Answer {
        self.0.look(contract(self.0), method, args).await.unwrap()
    }

    pub async fn task(self, task: TaskRef) -> Option<shown::Task> {
        self.look(tasks::task, &task).await
    }

    pub async fn set(self, set: u64) -> Option<shown::TaskSet> {
        self.look(tasks::task_set, &SetRef { set }).await
    }

    pub async fn balance(self, account: &AccountId, asset: &Asset) -> Option<shown::Balance> {
        self.look(tasks::balance, &BalanceRef { account: account.clone(), asset: asset.clone() }).await
    }

    pub async fn totals(self, asset: &Asset) -> shown::Totals {
        self.look(tasks::totals, &OfAsset { asset: asset.clone() }).await
    }

    pub async fn reviewer(self, account: &AccountId) -> Option<shown::Reviewer> {
        self.look(tasks::reviewer, &Named { account: account.clone() }).await
    }

    /// All of it, page by page.
    pub async fn pool(self) -> shown::Pool {
        let mut pool = self.look(tasks::pool, &Page::default()).await;
        while let Some(left) = u64::from(pool.size).checked_sub(u64::try_from(pool.slots.len()).unwrap())
            && left > 0
        {
            let page = Page { from: u64::from(pool.size) - left, limit: None };
            pool.slots.extend(self.look(tasks::pool, &page).await.slots);
        }
        pool
    }

    pub async fn record(self, account: &AccountId) -> Option<shown::Record> {
        self.look(tasks::record, &Named { account: account.clone() }).await
    }
}

/// All slots of a reviewer, those that leave among them.
pub fn bonded(seen: &shown::Reviewer) -> usize {
    usize::from(seen.slots) + seen.leaving.iter().map(|leaving| usize::from(leaving.slots)).sum::<usize>()
}
