//! Sets of tasks in NEAR and in a token: work that was judged and paid for, a honeypot that was shown, and work that is judged now.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::arguments::DEPOSIT;
use charter_harness::{Caller, ok, raw, view};
use charter_types::asset::Asset;
use charter_types::hash::borsh_bytes;
use charter_types::tasks::args::{
    CommitVerdict, CommitWork, OfAgent, OfAsset, PostTaskSet, RevealVerdict, RevealWork, ShowHoneypot, Slots, Take,
    TaskRef, TransferMsg,
};
use charter_types::tasks::{
    Answer, DEADLINE_MS_MIN, Deadlines, Domains, Panel, SLOT_BOND, SetId, TAKE_DEPOSIT_MIN, Verdict, VerdictCommitment,
    WorkCommitment, methods as tasks,
};
use charter_types::{AccountId, Base64Bytes, Hash32, U128};
use near_workspaces::Account;
use serde_json::json;

use super::{NEAR, World};

const REWARD: u128 = 1_000;
const FEE: u128 = 100;
const SALT: Hash32 = Hash32([7; 32]);
/// What is enough for a set, and for its rows.
const PAID: u128 = NEAR;

fn answer() -> Answer {
    Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) }
}

fn terms(asset: Asset, count: u32, honeypots: Option<Hash32>) -> PostTaskSet {
    let show_ms = if honeypots.is_some() { DEADLINE_MS_MIN } else { 0 };
    let (work_ms, verdict_ms) = (DEADLINE_MS_MIN, DEADLINE_MS_MIN);
    let deadlines = Deadlines {
        work_ms,
        reveal_ms: work_ms,
        verdict_ms,
        verdict_reveal_ms: verdict_ms,
        appeal_ms: DEADLINE_MS_MIN,
        show_ms,
    };
    PostTaskSet {
        spec_uri: "https://a.example/spec".to_owned(),
        spec_hash: Hash32([1; 32]),
        asset,
        reward: U128(REWARD),
        reviewer_fee: U128(FEE),
        count,
        at_once: count,
        take_deposit: U128(TAKE_DEPOSIT_MIN),
        deadlines,
        honeypots,
    }
}

impl World {
    /// The token is one that alice has some of.
    pub(super) async fn fill_tasks(&self, token: &AccountId) {
        let (contract, alice, bob) = (&self.contracts().tasks, &self.alice, &self.bob);
        let mut reviewers = Vec::new();
        for number in 0..6 {
            let reviewer = self.harness.account(&format!("reviewer-{number}")).await.unwrap();
            ok(&reviewer, contract, tasks::bond, &Slots { slots: 2 }, 2 * SLOT_BOND + DEPOSIT).await;
            reviewers.push(reviewer);
        }
        let asset = Asset::Nep141(token.clone());
        for asset in [Asset::Near, asset.clone()] {
            ok(bob, contract, tasks::open_earnings, &OfAgent { agent: 1, asset }, DEPOSIT).await;
        }
        // One whose answer alice knew, and one that is judged when all is looked at.
        let leaf = [vec![0], borsh_bytes(&(0_u32, answer().hash(sha256), SALT))].concat();
        let args = terms(Asset::Near, 3, Some(Hash32(sha256(&leaf))));
        let set = ok(alice, contract, tasks::post_task_set, &args, PAID).await;
        let known = self.work(set).await;
        self.judge(known, &reviewers).await;
        self.harness.wait(Duration::from_millis(DEADLINE_MS_MIN)).await.unwrap();
        let TaskRef { set, index } = known;
        let shown = ShowHoneypot { set, index, answer_hash: answer().hash(sha256), salt: SALT, proof: Vec::new() };
        ok(alice, contract, tasks::show_honeypot, &shown, DEPOSIT).await;
        self.harness.wait(Duration::from_millis(DEADLINE_MS_MIN)).await.unwrap();
        assert!(ok(bob, contract, tasks::settle, &known, 0).await);
        self.fill_token_set(asset, &reviewers).await;
        let judged = self.work(set).await;
        self.judge(judged, &reviewers).await;
    }

    async fn fill_token_set(&self, asset: Asset, reviewers: &[Account]) {
        let (contract, alice, bob) = (&self.contracts().tasks, &self.alice, &self.bob);
        ok(alice, contract, tasks::open_balance, &OfAsset { asset: asset.clone() }, DEPOSIT).await;
        let Asset::Nep141(token) = &asset else { panic!("{asset:?}") };
        let msg = serde_json::to_string(&TransferMsg::Deposit {}).unwrap();
        let args = json!({ "receiver_id": contract, "amount": U128(10_000), "msg": msg });
        let paid = alice.send(token, raw("ft_transfer_call", args).tgas(100), 1).await.unwrap();
        assert!(paid.is_success() && paid.receipt_failures().is_empty(), "{paid:?}");
        let set = ok(alice, contract, tasks::post_task_set, &terms(asset, 2, None), PAID).await;
        let task = self.work(set).await;
        self.judge(task, reviewers).await;
        self.harness.wait(Duration::from_millis(DEADLINE_MS_MIN)).await.unwrap();
        assert!(ok(bob, contract, tasks::settle, &task, 0).await);
    }

    fn domains(&self) -> Domains {
        Domains::of(&self.harness.chain_id, &self.contracts().tasks, sha256)
    }

    /// Bob takes a task for his agent, and reveals an answer.
    async fn work(&self, set: SetId) -> TaskRef {
        let (contract, bob) = (&self.contracts().tasks, &self.bob);
        let task = ok(bob, contract, tasks::take, &Take { set, agent: Some(1) }, TAKE_DEPOSIT_MIN).await;
        let TaskRef { set, index } = task;
        let (domain, answer_hash) = (self.domains().work, answer().hash(sha256));
        let commitment =
            WorkCommitment { domain, set, index, attempt: 1, worker: bob.id(), answer: answer_hash, salt: SALT };
        let args = CommitWork { set, index, hash: commitment.hash(sha256) };
        ok(bob, contract, tasks::commit_work, &args, 0).await;
        ok(bob, contract, tasks::reveal_work, &RevealWork { set, index, answer: answer(), salt: SALT }, 0).await;
        task
    }

    /// All three who were drawn find it good.
    async fn judge(&self, task: TaskRef, reviewers: &[Account]) {
        let contract = &self.contracts().tasks;
        let shown = view(&self.harness.worker, contract, tasks::task, &task).await.unwrap().unwrap();
        let Panel { seats, .. } = shown.panel.unwrap();
        assert_eq!(seats.len(), 3);
        let TaskRef { set, index } = task;
        let (domain, attempt, round, verdict, salt) = (self.domains().verdict, 1, 1, Verdict::Good, SALT);
        let drawn = |account: &AccountId| reviewers.iter().find(|reviewer| reviewer.id() == account).unwrap();
        for seat in &seats {
            let reviewer = &seat.reviewer;
            let commitment = VerdictCommitment { domain, set, index, attempt, round, reviewer, verdict, salt };
            let args = CommitVerdict { set, index, hash: commitment.hash(sha256) };
            ok(drawn(reviewer), contract, tasks::commit_verdict, &args, 0).await;
        }
        for seat in &seats {
            let args = RevealVerdict { set, index, verdict, salt };
            ok(drawn(&seat.reviewer), contract, tasks::reveal_verdict, &args, 0).await;
        }
    }
}
