//! INV-TSK over random operations on the real wasm: fourteen people who ask for work, do it, judge it, appeal, or have nothing
//! to do with it, and any of them may be each. They commit other hashes than they reveal, what somebody else committed, too
//! late, twice, or not at all; a token fails, for all or for one, so that withdrawals come back while tasks are settled.
//! `tasks_model` says of every transaction whether it goes through, with which code it is refused, and what everybody has
//! afterwards, to the yocto. In the end of each sequence everybody is silent, and a stranger ends every task.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/tasks.rs`: `cargo xtask mutations INV-TSK`
//! takes each of them out and sees a test here, or in `tasks_draw`, fail.

mod calls;
mod checks;
mod moves;
mod picks;

use std::collections::BTreeMap;

use charter_harness::arguments::prepay;
use charter_harness::{Caller, Harness, Outcome, answer, failed_with, ok, raw};
use charter_types::asset::Asset;
use charter_types::method::Method;
use charter_types::tasks::args::{OfAsset, Slots};
use charter_types::tasks::methods as tasks;
use charter_types::{AccountId, Nothing, U128};
use near_workspaces::Account;
use near_workspaces::operations::Function;
use near_workspaces::types::{Gas, NearToken};
use proptest::collection::vec;
use serde_json::json;

use crate::escrow_scene::{burnt, said, times, until};
use crate::invariants::{Run, fail_if_any, failure_of, invariants};
use crate::lengths::Long;
use crate::staked::{tell, token};
use crate::tasks_model::{Act, Model, NEAR, Person, Reviewer, SLOT, Step, Sums, TOKEN, TaskKey, UNBOND_MS, Verdict};
use crate::tasks_wire as wire;
use checks::{Purses, check_money, note_rest};
use moves::{Move, Op, Until, ops};
use picks::{DEADLINE_MS, MINUTE_MS};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 200;
const NAMES: [&str; PEOPLE] =
    ["ann", "ben", "cid", "dan", "eve", "fay", "gil", "hal", "ivy", "jon", "kim", "leo", "mia", "ned"];
pub const PEOPLE: usize = 14;
/// Those who have slots when a sequence begins, each two.
const REVIEWERS: std::ops::Range<Person> = 3..PEOPLE;
const SLOTS: u8 = 2;
/// What everybody has of the token, and has brought here of it and of NEAR.
const TOKENS: u128 = 1_000_000_000_000;
const BROUGHT: u128 = 100_000_000_000;
/// What everybody prepaid for storage.
const PREPAID: u128 = 8 * SLOT;

struct World {
    harness: Harness,
    people: Vec<Account>,
    token: AccountId,
    model: Model,
    /// Tasks that were ever taken.
    keys_ever: Vec<TaskKey>,
    /// Whether the answer that was committed is another one than the requester knows, and what each seat committed last.
    answers: BTreeMap<TaskKey, bool>,
    said: BTreeMap<(TaskKey, Person), Verdict>,
    /// Bytes of the contract before anybody stored anything.
    empty_bytes: u64,
    /// What everybody had when somebody looked last, and how many steps there were.
    purses: Purses,
    steps: usize,
}

/// After so many steps everybody and everything is looked at, between them who and what a step is about, and all sums.
const ALL_AFTER: usize = 6;

/// What became of a transaction: done, or refused with this code.
type Came = Result<(), String>;

impl World {
    fn contract(&self) -> &AccountId {
        &self.harness.contracts.tasks
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    /// What is no call that is judged: time, and what the token is told. Whether it was one of those.
    async fn prepare(&mut self, op: &Op) -> bool {
        match op.what {
            Move::Wait(how) => self.wait(op, how).await,
            Move::Fail => {
                let fails = op.flag && op.share < 700;
                tell(&self.harness, &self.token, "fail", json!({ "fails": fails })).await;
                self.model.fails = fails;
            }
            Move::Refuse => {
                let args = json!({ "account_id": self.people[op.other].id(), "refuses": op.flag });
                tell(&self.harness, &self.token, "refuse", args).await;
                if op.flag {
                    self.model.refused.insert(op.other);
                } else {
                    self.model.refused.remove(&op.other);
                }
            }
            Move::AtOnce => self.at_once(op).await,
            _ => return false,
        }
        true
    }

    async fn wait(&self, op: &Op, how: Until) {
        let now_ms = self.harness.now_ms().await.unwrap();
        let longest_ms = self.model.tasks.keys().map(|key| self.model.set_of(*key).deadlines.sum_ms()).max();
        let ms = match how {
            Until::Soon => 1_000 * (1 + u64::try_from(op.pick % 90).unwrap()),
            Until::Deadline => DEADLINE_MS,
            Until::AllOver => longest_ms.unwrap_or(MINUTE_MS),
            Until::Unbonded => UNBOND_MS,
        };
        until(&self.harness, now_ms + ms).await;
    }

    async fn step(&mut self, op: &Op) {
        if self.prepare(op).await {
            return;
        }
        let now_ms = self.harness.now_ms().await.unwrap();
        let Some((by, acts)) = self.target(op, now_ms) else { return };
        let outcome = self.send(by, &acts).await;
        self.judge(op, vec![(by, acts, outcome)]).await;
    }

    /// Whom these transactions are about, or everybody.
    fn concerned_by(&self, sent: &[(Person, Vec<Act>, Outcome)]) -> Vec<Person> {
        if self.steps.is_multiple_of(ALL_AFTER) {
            return (0..PEOPLE).collect();
        }
        let mut people: Vec<Person> = sent.iter().map(|one| one.0).collect();
        for act in sent.iter().flat_map(|one| &one.1) {
            let Step::Settle(key) = &act.step else { continue };
            let Some(task) = self.model.tasks.get(key) else { continue };
            people.extend([task.worker, self.model.set_of(*key).requester]);
            people.extend(task.rounds.iter().flat_map(|round| &round.seats).map(|seat| seat.by));
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Transactions that were sent at once, of which the order makes no difference.
    async fn judge(&mut self, op: &Op, sent: Vec<(Person, Vec<Act>, Outcome)>) {
        let people = self.concerned_by(&sent);
        self.steps += 1;
        let before = self.purses.clone();
        let after = self.look_at_purses(&people).await;
        let (mut failures, mut costs, mut all) = (Vec::new(), Vec::new(), String::new());
        for (by, mut acts, outcome) in sent {
            let came = self.came_of(&acts, &outcome);
            let what = format!("{acts:?} by {}: {came:?}", NAMES[by]);
            // Nothing is ever left to draw.
            for act in acts.iter().filter(|act| !matches!(act.step, Step::Draw(_))) {
                TALLY.note(&self.call(&act.step).method, came.is_ok());
            }
            note_rest(&came, &mut acts, (&before[&by], &after[&by]));
            let received = self.model.sums[NEAR].received;
            let at_ms = self.at_ms(&outcome).await;
            let judged = self.model.play(&acts, by, at_ms);
            failures.push(failure_of(async { self.check_code(&acts, &came, &judged, &what) }).await);
            if came.is_ok() {
                self.note_done(op, by, &acts, &outcome);
                failures.push(failure_of(self.adopt_draws(&acts, &outcome, &what)).await);
            }
            failures.push(failure_of(self.check_on_the_way(&outcome, &what)).await);
            let yoctos = if judged.is_ok() { acts.iter().filter(|act| act.step.wants_yocto()).count() } else { 0 };
            let tokens = matches!(&acts[..], [Act { step: Step::Send { .. }, .. }]) && outcome.is_success();
            let kept = u128::try_from(yoctos).unwrap() + u128::from(tokens);
            costs.push((by, self.model.sums[NEAR].received - received + kept + burnt(&outcome)));
            all = [all, what].join("\n");
        }
        let arrived = std::mem::take(&mut self.model.arrived);
        failures.push(failure_of(async { check_money((&costs, &arrived), (&before, &after), &all) }).await);
        self.purses.extend(after);
        failures.extend(self.failures(&people, &all).await);
        fail_if_any(failures);
    }

    async fn send(&self, by: Person, acts: &[Act]) -> Outcome {
        let contract = if matches!(acts[0].step, Step::Send { .. }) { &self.token } else { self.contract() };
        let mut batch = self.people[by].batch(contract);
        for act in acts {
            let call = self.call(&act.step);
            let function = Function::new(&call.method).args(call.args).gas(Gas::from_tgas(90));
            batch = batch.call(function.deposit(NearToken::from_yoctonear(act.attached)));
        }
        batch.transact().await.unwrap()
    }

    /// Of tokens that were sent, all is taken or nothing.
    fn came_of(&self, acts: &[Act], outcome: &Outcome) -> Came {
        let failures = outcome.receipt_failures();
        if let Some(code) = failed_with(outcome) {
            // A token that fails does so first; what counts is what the contract says of it then.
            let own = failures.iter().rev().find(|failure| failure.executor_id == *self.contract());
            return Err(own.map_or(code, said));
        }
        let [Act { step: Step::Send { amount, .. }, .. }] = acts else { return Ok(()) };
        let taken = outcome.clone().json::<U128>().unwrap().0;
        if taken == *amount {
            return Ok(());
        }
        assert_eq!(taken, 0, "INV-TSK-1: a part of {amount}: {outcome:?}");
        let by_it = failures.iter().find(|failure| failure.executor_id == *self.contract());
        Err(by_it.map_or(String::new(), said))
    }

    /// When the contract did it: in its first receipt.
    async fn at_ms(&self, outcome: &Outcome) -> u64 {
        match times(&self.harness, outcome, self.contract()).await.first() {
            Some(first) => *first,
            // A token that refuses asks nobody.
            None => self.harness.now_ms().await.unwrap(),
        }
    }

    /// What is presented later.
    fn note_done(&mut self, op: &Op, by: Person, acts: &[Act], outcome: &Outcome) {
        for act in acts {
            match &act.step {
                Step::Post(_) => {
                    let id = answer(tasks::post_task_set, outcome).unwrap();
                    assert!(!self.model.ids.contains(&id), "INV-TSK-6: a set's id came back: {id}");
                    self.model.ids.push(id);
                }
                Step::CommitWork { key, .. } => {
                    self.answers.insert(*key, op.flag);
                }
                Step::CommitVerdict { key, .. } => {
                    self.said.insert((*key, by), op.verdict);
                }
                _ => {}
            }
        }
        let new = self.model.tasks.keys().filter(|key| !self.keys_ever.contains(key));
        let new: Vec<TaskKey> = new.copied().collect();
        self.keys_ever.extend(new);
    }

    /// Somebody whom a task pays takes money out while a stranger settles it.
    async fn at_once(&mut self, op: &Op) {
        let now_ms = self.harness.now_ms().await.unwrap();
        let settle = |key: &TaskKey| Act { step: Step::Settle(*key), attached: 0, rest: 0 };
        let due = self.model.tasks.keys().find(|key| self.model.clone().play(&[settle(key)], op.by, now_ms).is_ok());
        let Some(key) = due.copied() else { return };
        let payee = self.model.tasks[&key].worker;
        let asset = self.model.set_of(key).asset;
        let has = self.model.balances.get(&(payee, asset)).copied().unwrap_or_default();
        // Never all of it: who came first would decide whether the row is there still.
        let amount = has * op.share.min(999) / 1_000;
        let Some(stranger) = (0..PEOPLE).find(|person| *person != payee).filter(|_| amount > 0) else { return };
        let withdraw = Act { step: Step::Withdraw { asset, amount: Some(amount) }, attached: 1, rest: 1 };
        let (one, two) = ([withdraw], [settle(&key)]);
        let (out, settled) = tokio::join!(self.send(payee, &one), self.send(stranger, &two));
        let sent = vec![(payee, one.to_vec(), out), (stranger, two.to_vec(), settled)];
        self.judge(op, sent).await;
    }

    /// INV-TSK-3: when all deadlines of all tasks have passed, whoever was silent, a stranger's `settle` ends every one.
    async fn end(&mut self) {
        let op = Op::stranger(Move::Settle);
        self.wait(&op, Until::AllOver).await;
        let keys: Vec<TaskKey> = self.model.tasks.keys().copied().collect();
        for key in keys {
            for _ in 0..2 {
                if !self.model.tasks.contains_key(&key) {
                    continue;
                }
                let acts = vec![Act { step: Step::Settle(key), attached: 0, rest: 0 }];
                let outcome = self.send(op.by, &acts).await;
                let code = failed_with(&outcome);
                assert_eq!(code, None, "INV-TSK-3: a stranger can't settle {key:?}: {:?}", self.model.tasks[&key]);
                self.judge(&op, vec![(op.by, acts, outcome)]).await;
            }
        }
        assert!(self.model.tasks.is_empty(), "INV-TSK-3: {:?} are not over", self.model.tasks);
    }
}

invariants!(SEQUENCES, play, {
    inv_tsk_1_what_came_is_held_for_somebody_or_went_out_in_every_asset: "INV-TSK-1",
    inv_tsk_2_a_reviewer_loses_no_more_than_the_duty_s_bond: "INV-TSK-2",
    inv_tsk_3_every_task_ends_within_its_deadlines_whoever_is_silent: "INV-TSK-3",
    inv_tsk_4_a_panel_holds_neither_party_and_nobody_twice: "INV-TSK-4",
    inv_tsk_5_a_panel_is_drawn_once_and_of_who_was_there_before: "INV-TSK-5",
    inv_tsk_6_escrow_of_a_taken_task_is_out_of_the_requester_s_reach: "INV-TSK-6",
    inv_tsk_7_a_verdict_counts_once: "INV-TSK-7",
    the_contract_and_a_model_of_it_agree: "INV-TSK-MODEL",
});

/// The chain on which sequences begin: its people with what they brought here, their slots, and a token.
async fn base() -> (Harness, Vec<Account>, AccountId, u64) {
    let base = Harness::start().await.unwrap();
    let contract = base.contracts.tasks.clone();
    let usage = base.worker.view_account(&contract).await.unwrap().storage_usage;
    let mut people = Vec::new();
    for name in NAMES {
        people.push(base.account(name).await.unwrap());
    }
    let holders: Vec<_> = people.iter().map(|person| (person.id().clone(), TOKENS)).collect();
    let token = token(&base, "token", &holders).await.id().clone();
    for (number, person) in people.iter().enumerate() {
        prepay(person, &contract, PREPAID).await;
        for asset in [Asset::Near, Asset::Nep141(token.clone())] {
            ok(person, &contract, tasks::open_balance, &OfAsset { asset }, SLOT).await;
        }
        ok(person, &contract, tasks::deposit, &Nothing {}, BROUGHT).await;
        let msg = json!({ "deposit": {} }).to_string();
        let sent = raw("ft_transfer_call", json!({ "receiver_id": contract, "amount": U128(BROUGHT), "msg": msg }));
        let taken = person.send(&token, sent, 1).await.unwrap().json::<U128>().unwrap();
        assert_eq!(taken, U128(BROUGHT));
        if REVIEWERS.contains(&number) {
            ok(person, &contract, tasks::bond, &Slots { slots: SLOTS }, SLOT * u128::from(SLOTS) + SLOT).await;
        }
    }
    (base, people, token, usage)
}

/// What [`base`] has made of it.
fn start(harness: &Harness, people: &[Account]) -> Model {
    let everybody = u128::try_from(PEOPLE).unwrap();
    let bonded = SLOT * u128::from(SLOTS) * u128::try_from(REVIEWERS.len()).unwrap();
    let brought = BROUGHT * everybody;
    let rows = (0..PEOPLE).flat_map(|person| [NEAR, TOKEN].map(|asset| ((person, asset), BROUGHT)));
    Model {
        chain: wire::chain(harness),
        names: people.iter().map(|person| person.id().to_string()).collect(),
        balances: rows.collect(),
        reviewers: REVIEWERS
            .map(|person| {
                (person, Reviewer { free: (0..SLOTS).map(|slot| (slot, 0)).collect(), ..Reviewer::default() })
            })
            .collect(),
        sums: [Sums { received: brought + bonded, paid: 0 }, Sums { received: brought, paid: 0 }],
        tokens: vec![TOKENS - BROUGHT; PEOPLE],
        ..Model::default()
    }
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, token, empty_bytes) = runtime.block_on(base());
    let run = Run { whose: "tasks", sequences, shrinks: 300, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, Long(vec(ops(), 12..16)), async |harness, people, ops| {
        // A fork's clock goes on with its first block.
        prepay(&people[0], &harness.contracts.tasks, 1).await;
        let model = start(&harness, &people);
        let (keys_ever, answers, said) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let token = token.clone();
        let (purses, steps) = (Purses::new(), 0);
        let mut world = World { harness, people, token, model, keys_ever, answers, said, empty_bytes, purses, steps };
        world.purses = world.look_at_purses(&(0..PEOPLE).collect::<Vec<_>>()).await;
        // There is work to do, in NEAR with honeypots and in the token without.
        for (by, asset, flag) in [(0, NEAR, true), (1, TOKEN, false)] {
            world.step(&Op { by, asset, flag, share: 5, pick: 3, ..Op::stranger(Move::Post) }).await;
        }
        for op in &ops {
            world.step(op).await;
        }
        world.end().await;
    })
}
