//! A requester with one set, workers and reviewers on the real wasm, for tests that play many tasks: each does its part in as
//! few transactions as can be.

use std::time::Duration;

use charter_harness::arguments::prepay;
use charter_harness::{Call, Caller, Harness, Outcome, failed_with};
use charter_types::asset::Asset;
use charter_types::tasks::args::TaskRef;
use near_workspaces::types::NearToken;
use near_workspaces::{Account, AccountId};

use crate::staked::together;
use crate::tasks_bytes::{About, Chain, Hash, answer_hash, verdict_hash, work_hash};
use crate::tasks_model::{Deadlines, NewSet, SLOT, Verdict};
use crate::tasks_wire::{self as wire, Seen};

pub const MINUTE_MS: u64 = 60_000;
pub const TAKE_DEPOSIT: u128 = 50_000_000_000_000_000_000_000;
/// More than anybody's rows take here.
const PREPAID: u128 = 4 * SLOT;
/// What the requester has beyond what its set is paid from, for appeals.
const BEYOND: u128 = 20 * SLOT;
pub const SALT: Hash = [7; 32];

pub struct Bench {
    pub harness: Harness,
    pub requester: Account,
    pub workers: Vec<Account>,
    pub reviewers: Vec<Account>,
    /// What the contract calls the set.
    pub set: u64,
}

/// Everything as short as it may be: nobody is ever late here.
pub fn deadlines(show_ms: u64) -> Deadlines {
    Deadlines {
        work_ms: 60 * MINUTE_MS,
        reveal_ms: 60 * MINUTE_MS,
        verdict_ms: 60 * MINUTE_MS,
        verdict_reveal_ms: 60 * MINUTE_MS,
        appeal_ms: MINUTE_MS,
        show_ms,
    }
}

impl Bench {
    /// Reviewers by name, with their slots.
    pub async fn new(workers: &[&str], reviewers: &[(&str, usize)], new: &NewSet) -> Self {
        let harness = Harness::start().await.unwrap();
        let requester = harness.account("requester").await.unwrap();
        let mut bench = Self { harness, requester, workers: Vec::new(), reviewers: Vec::new(), set: 0 };
        for name in workers {
            let worker = bench.join(name).await;
            bench.workers.push(worker);
        }
        for (name, slots) in reviewers {
            let reviewer = bench.join(name).await;
            bench.bond(&reviewer, *slots).await;
            bench.reviewers.push(reviewer);
        }
        prepay(&bench.requester, bench.contract(), PREPAID).await;
        bench.ok(&bench.requester, wire::open_balance(&Asset::Near), SLOT).await;
        let funds = u128::from(new.count) * (new.reward + 3 * new.fee) + BEYOND;
        let given = bench.harness.root().transfer_near(bench.requester.id(), NearToken::from_yoctonear(funds)).await;
        given.unwrap().into_result().unwrap();
        bench.ok(&bench.requester, wire::deposit(), funds).await;
        let posted = bench.ok(&bench.requester, wire::post(new, &Asset::Near), SLOT).await;
        bench.set = wire::posted(&posted);
        bench
    }

    async fn join(&self, name: &str) -> Account {
        let account = self.harness.account(name).await.unwrap();
        prepay(&account, self.contract(), PREPAID).await;
        self.ok(&account, wire::open_balance(&Asset::Near), SLOT).await;
        account
    }

    /// The same again, to go another way on.
    pub async fn fork(&self) -> Self {
        let harness = self.harness.fork().await.unwrap();
        let rebind = |accounts: &[Account]| accounts.iter().map(|account| harness.rebind(account)).collect::<Vec<_>>();
        let (workers, reviewers) = (rebind(&self.workers), rebind(&self.reviewers));
        let requester = harness.rebind(&self.requester);
        Self { harness, requester, workers, reviewers, set: self.set }
    }

    pub fn contract(&self) -> &AccountId {
        wire::contract(&self.harness)
    }

    pub fn id(&self, index: u32) -> TaskRef {
        TaskRef { set: self.set, index }
    }

    fn chain(&self) -> Chain {
        wire::chain(&self.harness)
    }

    /// Of a task that nobody took before.
    fn about(&self, index: u32) -> About {
        About { set: self.set, index, attempt: 1 }
    }

    pub async fn send(&self, by: &Account, call: Call, deposit: u128) -> Outcome {
        by.send(self.contract(), call, deposit).await.unwrap()
    }

    /// The code of a call, if it fails.
    pub async fn told(&self, by: &Account, call: Call, deposit: u128) -> Option<String> {
        failed_with(&self.send(by, call, deposit).await)
    }

    pub async fn ok(&self, by: &Account, call: Call, deposit: u128) -> Outcome {
        let what = call.to_string();
        let outcome = self.send(by, call, deposit).await;
        assert!(outcome.is_success(), "{what}: {outcome:?}");
        outcome
    }

    pub async fn bond(&self, by: &Account, slots: usize) {
        self.ok(by, wire::bond(slots), SLOT * u128::try_from(slots).unwrap()).await;
    }

    pub fn take(&self) -> (Call, u128) {
        (wire::take(self.set), TAKE_DEPOSIT)
    }

    /// Of a task that nobody took before.
    pub fn commit(&self, by: &Account, index: u32, answer: &[u8], salt: Hash) -> Call {
        let hash = work_hash(&self.chain(), self.about(index), by.id().as_str(), (answer_hash(answer), salt));
        wire::commit_work(self.id(index), hash)
    }

    pub fn reveal(&self, index: u32, answer: &[u8], salt: Hash) -> Call {
        wire::reveal_work(self.id(index), answer, salt)
    }

    /// Takes a task, which is that one, and does it.
    pub async fn work(&self, by: &Account, index: u32, answer: &[u8], salt: Hash) -> Outcome {
        let calls = vec![self.take(), (self.commit(by, index, answer, salt), 0), (self.reveal(index, answer, salt), 0)];
        together(by, self.contract(), calls).await
    }

    /// Who sits in a round, from 0.
    pub async fn panel(&self, index: u32, round: usize) -> Vec<AccountId> {
        let seen = Seen(&self.harness).task(self.id(index)).await.expect("the task is there");
        let panel = if round == 0 { seen.panel } else { seen.appeal.and_then(|appeal| appeal.panel) };
        panel.map_or(Vec::new(), |panel| panel.seats.into_iter().map(|seat| seat.reviewer).collect())
    }

    /// All seats of a round commit, and then reveal.
    pub async fn judge(&self, index: u32, round: usize, said: &[(&Account, Verdict)]) {
        let round = u8::try_from(round).unwrap() + 1;
        for (by, verdict) in said {
            let about = (self.about(index), round);
            let hash = verdict_hash(&self.chain(), about, by.id().as_str(), (*verdict, SALT));
            self.ok(by, wire::commit_verdict(self.id(index), hash), 0).await;
        }
        for (by, verdict) in said {
            self.ok(by, wire::reveal_verdict(self.id(index), *verdict, SALT), 0).await;
        }
    }

    pub async fn wait(&self, ms: u64) {
        self.harness.wait(Duration::from_millis(ms)).await.unwrap();
    }

    /// By the requester, in as many calls as it takes.
    pub async fn settle(&self, index: u32) {
        while Seen(&self.harness).task(self.id(index)).await.is_some() {
            self.ok(&self.requester, wire::settle(self.id(index)), 0).await;
        }
    }
}
