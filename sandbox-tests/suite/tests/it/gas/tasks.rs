//! Calls of tasks, with as many reviewers as an appeal takes.

use std::time::Duration;

use charter_client::sha256;
use charter_harness::arguments::{DEPOSIT, card};
use charter_harness::{call, ok, view};
use charter_rules::attribution::root_of;
use charter_rules::honeypot::leaf;
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::contract::Tasks;
use charter_types::method::Method;
use charter_types::registry::args::{RegisterAgent, SetReporters};
use charter_types::registry::methods as registry;
use charter_types::tasks::args::{
    BalanceRef, CommitVerdict, CommitWork, ForgetMarks, OfAgent, OfAsset, PostTaskSet, RevealVerdict, RevealWork,
    SetRef, ShowHoneypot, Slots, Take, TaskRef, Withdraw,
};
use charter_types::tasks::methods as tasks;
use charter_types::tasks::{
    ANSWER_BYTES_MAX, Answer, DEADLINE_MS_MIN, Deadlines, Domains, PROOF_MAX, SLOT_BOND, TAKE_DEPOSIT_MIN,
    UNBOND_DELAY_MS, Verdict, VerdictCommitment, WorkCommitment,
};
use charter_types::{AccountId, Base64Bytes, Hash32, Nothing, U128};
use near_workspaces::Account;

use super::Table;
use crate::staked::together;

const SALT: Hash32 = Hash32([4; 32]);
/// The index of the honeypot.
const HONEYPOT: u32 = 1;
const REVIEWERS: [&str; 11] = ["c", "d", "e", "i", "j", "k", "l", "n", "p", "q", "u"];

struct Crowd<'a> {
    table: &'a mut Table,
    requester: &'a Account,
    worker: &'a Account,
    reviewers: Vec<Account>,
    domains: Domains,
}

/// It takes days: on a chain apart.
pub async fn rows(table: &mut Table, requester: &Account, worker: &Account) {
    let domains = view(&table.harness.worker, &table.contracts.tasks, tasks::domains, &Nothing {}).await.unwrap();
    let mut crowd = Crowd { table, requester, worker, reviewers: Vec::new(), domains };
    crowd.begin().await;
    crowd.judged().await;
    crowd.appealed().await;
    crowd.silent().await;
    crowd.asked_again().await;
    crowd.balances().await;
    crowd.ends().await;
}

fn at(index: u32) -> TaskRef {
    TaskRef { set: 1, index }
}

/// As long as it can be in an event.
fn answer() -> Answer {
    Answer::Inline { bytes: Base64Bytes(vec![b'a'; ANSWER_BYTES_MAX]) }
}

fn proof() -> Vec<Hash32> {
    vec![SALT; PROOF_MAX]
}

fn root() -> Hash32 {
    root_of(leaf(HONEYPOT, answer().hash(sha256), SALT, sha256), &proof(), sha256)
}

fn of_agent() -> OfAgent {
    OfAgent { agent: 1, asset: Asset::Near }
}

fn set() -> PostTaskSet {
    let step_ms = DEADLINE_MS_MIN;
    PostTaskSet {
        spec_uri: "https://spec.example/labels".to_owned(),
        spec_hash: Hash32([1; 32]),
        asset: Asset::Near,
        reward: U128(1_000),
        reviewer_fee: U128(10),
        count: 20,
        at_once: 10,
        take_deposit: U128(TAKE_DEPOSIT_MIN),
        deadlines: Deadlines {
            work_ms: 60 * step_ms,
            reveal_ms: 60 * step_ms,
            verdict_ms: 60 * step_ms,
            verdict_reveal_ms: 60 * step_ms,
            appeal_ms: 60 * step_ms,
            show_ms: 60 * step_ms,
        },
        honeypots: Some(root()),
    }
}

/// Longer than any of the set's steps.
const STEP: Duration = Duration::from_millis(61 * DEADLINE_MS_MIN);

impl Crowd<'_> {
    async fn begin(&mut self) {
        for (place, letter) in REVIEWERS.into_iter().enumerate() {
            let reviewer = self.table.person(letter).await;
            let (slots, deposit) = (Slots { slots: 1 }, SLOT_BOND + DEPOSIT);
            if place == 0 {
                self.table.note(&reviewer, (Tasks, tasks::bond), "one slot", &slots, deposit).await;
            } else {
                ok(&reviewer, &self.table.contracts.tasks, tasks::bond, &slots, deposit).await;
            }
            self.reviewers.push(reviewer);
        }
        let (requester, worker) = (self.requester, self.worker);
        self.table.note(requester, (Tasks, tasks::post_task_set), "10 at once", &set(), 20 * DEPOSIT).await;
        self.table.note(worker, (Tasks, tasks::open_earnings), "", &of_agent(), DEPOSIT).await;
    }

    fn commitment(&self, index: u32) -> CommitWork {
        let worker: &AccountId = self.worker.id();
        let (domain, answer) = (self.domains.work, answer().hash(sha256));
        let commitment = WorkCommitment { domain, set: 1, index, attempt: 1, worker, answer, salt: SALT };
        CommitWork { set: 1, index, hash: commitment.hash(sha256) }
    }

    fn reveal(index: u32) -> RevealWork {
        RevealWork { set: 1, index, answer: answer(), salt: SALT }
    }

    async fn take(&self, index: u32) {
        let take = Take { set: 1, agent: Some(1) };
        let taken = ok(self.worker, &self.table.contracts.tasks, tasks::take, &take, TAKE_DEPOSIT_MIN).await;
        assert_eq!(taken.index, index);
    }

    /// Those on the panel of a round.
    async fn panel(&self, index: u32, round: u8) -> Vec<Account> {
        let contract = &self.table.contracts.tasks;
        let task = view(&self.table.harness.worker, contract, tasks::task, &at(index)).await.unwrap().unwrap();
        let panel = if round == 1 { task.panel } else { task.appeal.and_then(|appeal| appeal.panel) };
        let seats = panel.unwrap().seats;
        let of = |reviewer: &AccountId| self.reviewers.iter().find(|known| known.id() == reviewer).cloned();
        seats.iter().map(|seat| of(&seat.reviewer).unwrap()).collect()
    }

    /// All commit and reveal; the last ones are noted.
    async fn verdicts(&mut self, index: u32, round: u8, verdict: Verdict, case: &str) {
        let panel = self.panel(index, round).await;
        let (last, others) = panel.split_last().unwrap();
        let contract = self.table.contracts.tasks.clone();
        let domain = self.domains.verdict;
        let commit = |reviewer: &AccountId| {
            let commitment =
                VerdictCommitment { domain, set: 1, index, attempt: 1, round, reviewer, verdict, salt: SALT };
            CommitVerdict { set: 1, index, hash: commitment.hash(sha256) }
        };
        for reviewer in others {
            ok(reviewer, &contract, tasks::commit_verdict, &commit(reviewer.id()), 0).await;
        }
        self.table.note(last, (Tasks, tasks::commit_verdict), case, &commit(last.id()), 0).await;
        let said = RevealVerdict { set: 1, index, verdict, salt: SALT };
        for reviewer in others {
            ok(reviewer, &contract, tasks::reveal_verdict, &said, 0).await;
        }
        self.table.note(last, (Tasks, tasks::reveal_verdict), case, &said, 0).await;
    }

    async fn wait(&self) {
        self.table.harness.wait(STEP).await.unwrap();
    }

    async fn judged(&mut self) {
        let (worker, take) = (self.worker, Take { set: 1, agent: Some(1) });
        self.table.note(worker, (Tasks, tasks::take), "", &take, TAKE_DEPOSIT_MIN).await;
        let commitment = self.commitment(0);
        self.table.note(worker, (Tasks, tasks::commit_work), "", &commitment, 0).await;
        let case = "1,024 bytes, the worker's first, and the draw";
        self.table.note(worker, (Tasks, tasks::reveal_work), case, &Self::reveal(0), 0).await;
        self.verdicts(0, 1, Verdict::Good, "the last of three").await;
        self.wait().await;
        self.wait().await;
        self.table.note(self.requester, (Tasks, tasks::settle), "three agree", &at(0), 0).await;
    }

    /// Three are wrong about a honeypot, and seven say so.
    async fn appealed(&mut self) {
        let contract = self.table.contracts.tasks.clone();
        let (requester, worker) = (self.requester, self.worker);
        self.take(HONEYPOT).await;
        ok(worker, &contract, tasks::commit_work, &self.commitment(HONEYPOT), 0).await;
        ok(worker, &contract, tasks::reveal_work, &Self::reveal(HONEYPOT), 0).await;
        let panel = self.panel(HONEYPOT, 1).await;
        self.verdicts(HONEYPOT, 1, Verdict::Bad, "the last of three, who are wrong").await;
        self.table.note(worker, (Tasks, tasks::appeal), "and the draw of seven", &at(HONEYPOT), 5 * DEPOSIT).await;
        self.verdicts(HONEYPOT, 2, Verdict::Good, "the last of seven").await;
        let shown =
            ShowHoneypot { set: 1, index: HONEYPOT, answer_hash: answer().hash(sha256), salt: SALT, proof: proof() };
        let case = "a worker and ten reviewers, 32 nodes";
        self.table.note(requester, (Tasks, tasks::show_honeypot), case, &shown, 5 * DEPOSIT).await;
        self.wait().await;
        self.table.note(requester, (Tasks, tasks::settle), "three who were wrong", &at(HONEYPOT), 0).await;
        self.table.note(requester, (Tasks, tasks::settle), "the seven of an appeal", &at(HONEYPOT), 0).await;
        let accounts = vec![worker.id().clone(), panel[0].id().clone()];
        let forgotten = ForgetMarks { accounts };
        self.table.note(requester, (Tasks, tasks::forget_marks), "two accounts", &forgotten, 1).await;
    }

    async fn silent(&mut self) {
        self.take(2).await;
        self.wait().await;
        self.table.note(self.requester, (Tasks, tasks::settle), "a silent worker", &at(2), 0).await;
    }

    /// While a panel is due, which is until the next receipt: in the same transaction.
    async fn asked_again(&mut self) {
        let contract = self.table.contracts.tasks.clone();
        // One that came back is taken first.
        self.take(2).await;
        self.take(3).await;
        ok(self.worker, &contract, tasks::commit_work, &self.commitment(3), 0).await;
        let before = self.table.usage(&contract).await;
        let calls = vec![(call(tasks::reveal_work, &Self::reveal(3)), 0), (call(tasks::draw, &at(3)), 0)];
        let outcome = together(self.worker, &contract, calls).await;
        assert!(outcome.is_success(), "{outcome:?}");
        assert_eq!(self.panel(3, 1).await.len(), 3);
        let bytes = self.table.usage(&contract).await - before;
        self.table.add(("tasks", tasks::draw::NAME), "with the reveal, and both draws", &outcome, bytes);
    }

    async fn balances(&mut self) {
        let (requester, worker) = (self.requester, self.worker);
        let token = self.table.person("v").await;
        let of = OfAsset { asset: Asset::Nep141(token.id().clone()) };
        self.table.note(requester, (Tasks, tasks::open_balance), "the first in a token", &of, DEPOSIT).await;
        let msg = r#"{"deposit":{}}"#.to_owned();
        let told = FtOnTransfer { sender_id: requester.id().clone(), amount: U128(1_000), msg };
        self.table.note(&token, (Tasks, tasks::ft_on_transfer), "", &told, 0).await;
        self.table.note(requester, (Tasks, tasks::deposit), "", &Nothing {}, DEPOSIT).await;
        ok(worker, &self.table.contracts.tasks, tasks::open_balance, &of, DEPOSIT).await;
        self.table.note(worker, (Tasks, tasks::end_balance), "in a token", &of, 1).await;
        let pushed = BalanceRef { account: worker.id().clone(), asset: Asset::Near };
        self.table.note(requester, (Tasks, tasks::push_balance), "", &pushed, 1).await;
        let all = Withdraw { asset: Asset::Near, amount: None };
        self.table.note(requester, (Tasks, tasks::withdraw), "", &all, 1).await;
    }

    async fn ends(&mut self) {
        let contract = self.table.contracts.tasks.clone();
        self.table.note(self.requester, (Tasks, tasks::close_set), "", &SetRef { set: 1 }, 1).await;
        self.table.note(self.worker, (Tasks, tasks::end_earnings), "", &of_agent(), 1).await;
        let pool = charter_types::Page { from: 0, limit: Some(1) };
        let pool = view(&self.table.harness.worker, &contract, tasks::pool, &pool).await.unwrap();
        let free = pool.slots[0].reviewer.clone();
        let free = self.reviewers.iter().find(|known| *known.id() == free).cloned().unwrap();
        self.table.note(&free, (Tasks, tasks::unbond), "one slot", &Slots { slots: 1 }, 1).await;
        self.table.harness.wait(Duration::from_millis(UNBOND_DELAY_MS + 1_000)).await.unwrap();
        self.table.note(&free, (Tasks, tasks::withdraw_bond), "", &Nothing {}, DEPOSIT).await;
    }
}

/// Where there is an admin who lists who reports.
pub async fn reputation(table: &mut Table, admin: &Account, owner: &Account) {
    let contract = table.contracts.tasks.clone();
    let asked = table.contracts.registry.clone();
    let reporters = SetReporters { reporters: vec![contract.clone()] };
    ok(admin, &asked, registry::set_reporters, &reporters, 0).await;
    let agent = RegisterAgent::new(card("https://t"));
    let agent = ok(owner, &asked, registry::register_agent, &agent, DEPOSIT).await;
    let earned = OfAgent { agent, asset: Asset::Nep141(admin.id().clone()) };
    ok(owner, &contract, tasks::open_earnings, &earned, DEPOSIT).await;
    table.note(owner, (Tasks, tasks::sync_reputation), "first, of a token", &earned, DEPOSIT).await;
}
