//! Whether the contract shows what the model says, of everything, after every step; and what a disagreement is about.

use std::collections::BTreeMap;

use charter_harness::{Outcome, raw};
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::tasks as shown;
use charter_types::tasks::args::{MarksOf, OfAsset};
use charter_types::tasks::methods as tasks;
use charter_types::{AccountId, U128};
use near_workspaces::CryptoHash;
use serde_json::json;

use super::{Came, NAMES, PEOPLE, World};
use crate::escrow_scene::times;
use crate::invariants::failure_of;
use crate::tasks_model::{
    self as model, ASSETS, Act, Deadlines, Judged, NEAR, Person, Record, Reviewer, Round, Step, TOKEN, TaskKey,
    Verdict, Work,
};
use crate::tasks_wire::{self as wire, Seen};

const BYTE_COST: u128 = 10_000_000_000_000_000_000;
/// What a slot pays for at most, wherever it is.
const SLOT_BYTES: u64 = 200;

/// What somebody has in its account and in its storage account, and bytes that the latter pays for.
#[derive(Clone, Copy, Debug)]
pub struct Has {
    pub yocto: u128,
    pub prepaid: u128,
    pub bytes: u64,
}

pub type Purses = BTreeMap<Person, Has>;

/// What storage did not take is what it was about, where that is credited.
pub fn note_rest(came: &Came, acts: &mut [Act], (before, after): (&Has, &Has)) {
    if let (Ok(()), [act @ Act { step: Step::Post(_) | Step::Deposit, .. }]) = (came, acts) {
        act.rest = act.attached.saturating_sub(after.prepaid.saturating_sub(before.prepaid));
    }
}

/// Nobody has a yocto more or less than what arrived, what it spent, and gas. What was prepaid for storage is somebody's
/// still. Who was not looked at in the last steps had nothing to do with them.
pub fn check_money(
    (costs, arrived): (&[(Person, u128)], &BTreeMap<Person, u128>),
    (before, after): (&Purses, &Purses),
    what: &str,
) {
    let all = |has: &Has| has.yocto + has.prepaid;
    for (person, has) in after {
        let cost: u128 = costs.iter().filter(|cost| cost.0 == *person).map(|cost| cost.1).sum();
        let expected = all(&before[person]) + arrived.get(person).copied().unwrap_or_default() - cost;
        assert_eq!(all(has), expected, "INV-TSK-1: what {} has: {what}", NAMES[*person]);
    }
}

/// What stands where two reckonings differ.
type Expected = Judged<Option<&'static str>>;

fn verdict_of(seen: shown::Verdict) -> Verdict {
    match seen {
        shown::Verdict::Good => Verdict::Good,
        shown::Verdict::Bad => Verdict::Bad,
        shown::Verdict::Unfetchable => Verdict::Unfetchable,
    }
}

fn outcome_of(seen: shown::Outcome) -> model::Outcome {
    match seen {
        shown::Outcome::Good => Some(Verdict::Good),
        shown::Outcome::Bad => Some(Verdict::Bad),
        shown::Outcome::Unfetchable => Some(Verdict::Unfetchable),
        shown::Outcome::NoMajority => None,
    }
}

impl World {
    pub(super) async fn look_at_purses(&self, people: &[Person]) -> Purses {
        let mut purses = Purses::new();
        for number in people {
            let person = &self.people[*number];
            let question = StorageOf { account_id: person.id().clone() };
            let storage = self.view(shared::storage_balance_of, &question).await;
            let (prepaid, free) = storage.map_or((0, 0), |storage| (storage.total.0, storage.available.0));
            let yocto = person.view_account().await.unwrap().balance.as_yoctonear();
            let bytes = u64::try_from((prepaid - free) / BYTE_COST).unwrap();
            purses.insert(*number, Has { yocto, prepaid, bytes });
        }
        purses
    }

    pub(super) fn person(&self, account: &AccountId) -> Person {
        self.people.iter().position(|person| person.id() == account).expect("it is one of the people")
    }

    fn panel_of(&self, panel: &shown::Panel) -> Vec<Person> {
        panel.seats.iter().map(|seat| self.person(&seat.reviewer)).collect()
    }

    /// INV-TSK-4 and 5: a draw that was due is made once, in a receipt of the same transaction, and of those who may sit.
    pub(super) async fn adopt_draws(&mut self, acts: &[Act], outcome: &Outcome, what: &str) {
        for act in acts {
            let (Step::RevealWork { key, .. } | Step::Appeal(key)) = &act.step else { continue };
            let task = Seen(&self.harness).task(self.task_ref(*key)).await.expect("nobody ended it");
            let round = self.model.tasks[key].rounds.len();
            let panel = if round == 0 { task.panel } else { task.appeal.and_then(|appeal| appeal.panel) };
            let Some(panel) = panel else { panic!("INV-TSK-5: INV-TSK-3: nothing was drawn: {what}") };
            let at_ms = times(&self.harness, outcome, self.contract()).await;
            assert!(at_ms[1..].contains(&panel.drawn_ms), "INV-TSK-5: not in a receipt of its own: {what}");
            let seats: Vec<(Person, u8)> =
                panel.seats.iter().map(|seat| (self.person(&seat.reviewer), seat.slot)).collect();
            if let Err(text) = self.model.drawn(*key, &seats, panel.drawn_ms) {
                panic!("{text}: {seats:?}: {what}");
            }
        }
    }

    /// One of the codes that the model has, if it has any.
    pub(super) fn check_code(&self, acts: &[Act], came: &Came, judged: &Expected, what: &str) {
        let known = |code: &str, faults: &[&str]| {
            faults.iter().any(|fault| code == *fault || (*fault == "TOKEN" && code.starts_with("TOKEN_")))
        };
        let agree = match (came, judged) {
            (Ok(()), Ok(None)) => true,
            (Err(code), Ok(Some(told))) => code == told,
            (Err(code), Err(faults)) => known(code, faults),
            _ => false,
        };
        let name = broken_by(acts, came, judged);
        assert!(agree, "{name}INV-TSK-MODEL: the contract and the model disagree: {judged:?} expected of: {what}");
    }

    /// What is not as the model says. All checks are made, whichever fail.
    pub(super) async fn failures(&self, people: &[Person], what: &str) -> Vec<Option<String>> {
        let all = people.len() == PEOPLE;
        let mut failures = vec![
            failure_of(self.check_sets(all, what)).await,
            failure_of(self.check_tasks(all, what)).await,
            failure_of(self.check_reviewers(people, what)).await,
            failure_of(self.check_records(people, what)).await,
            failure_of(self.check_tokens(people, what)).await,
        ];
        if all {
            failures.push(failure_of(self.check_marks(what)).await);
            failures.push(failure_of(self.check_bytes(what)).await);
        }
        for asset in 0..ASSETS {
            failures.push(failure_of(self.check_balances(people, asset, what)).await);
            failures.push(failure_of(self.check_totals(asset, what)).await);
        }
        failures
    }

    /// Those that are gone, too, if `all` are looked at.
    async fn check_sets(&self, all: bool, what: &str) {
        for (place, id) in self.model.ids.iter().enumerate() {
            let mine = self.model.sets.get(&place);
            if mine.is_none() && !all {
                continue;
            }
            let seen = Seen(&self.harness).set(*id).await;
            assert_eq!(seen.is_some(), mine.is_some(), "INV-TSK-MODEL: whether there is set {place}: {what}");
            let (Some(seen), Some(mine)) = (seen, mine) else { continue };
            assert_eq!(seen.escrowed.0, mine.escrowed(), "INV-TSK-6: INV-TSK-1: escrow of set {place}: {what}");
            let counts = (seen.next, usize::try_from(seen.returned).unwrap(), seen.in_work, seen.closed);
            let expected = (mine.fresh, mine.returned.len(), mine.flying, mine.closed);
            assert_eq!(counts, expected, "INV-TSK-MODEL: set {place}: {what}");
            let Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms } = mine.deadlines;
            let same = shown::Deadlines { work_ms, reveal_ms, verdict_ms, verdict_reveal_ms, appeal_ms, show_ms };
            assert_eq!(seen.deadlines, same, "INV-TSK-3: set {place}: {what}");
        }
    }

    async fn check_tasks(&self, all: bool, what: &str) {
        for key in &self.keys_ever {
            let is_there = self.model.tasks.contains_key(key);
            if !is_there && !all {
                continue;
            }
            let seen = Seen(&self.harness).task(self.task_ref(*key)).await;
            assert_eq!(seen.is_some(), is_there, "INV-TSK-MODEL: whether there is task {key:?}: {what}");
            if let Some(seen) = seen {
                self.check_task(*key, &seen, what);
            }
        }
    }

    fn check_task(&self, key: TaskKey, seen: &shown::Task, what: &str) {
        let mine = &self.model.tasks[&key];
        let work = match mine.work {
            Work::Revealed { answer } => (None, Some(answer)),
            Work::Committed { hash, .. } => (Some(hash), None),
            Work::Taken => (None, None),
        };
        assert_eq!(self.person(&seen.worker), mine.worker, "INV-TSK-MODEL: worker of {key:?}: {what}");
        assert_eq!((seen.attempt, seen.taken_ms), (mine.attempt, mine.taken_ms), "INV-TSK-MODEL: {key:?}: {what}");
        assert_eq!(seen.answer_hash.map(|hash| hash.0), work.1, "INV-TSK-MODEL: answer of {key:?}: {what}");
        if work.1.is_none() {
            assert_eq!(seen.work_hash.map(|hash| hash.0), work.0, "INV-TSK-MODEL: work of {key:?}: {what}");
        }
        assert_eq!(seen.shown, mine.shown, "INV-TSK-MODEL: whether {key:?} was shown: {what}");
        let second = seen.appeal.as_ref().and_then(|appeal| appeal.panel.as_ref());
        let panels: Vec<&shown::Panel> = seen.panel.iter().chain(second).collect();
        assert_eq!(panels.len(), mine.rounds.len(), "INV-TSK-5: rounds of {key:?}: {what}");
        for (panel, round) in panels.iter().zip(&mine.rounds) {
            self.check_round(panel, round, &format!("{key:?}: {what}"));
        }
        if !mine.rounds.is_empty() {
            assert_eq!(seen.outcome.map(outcome_of), Some(mine.end()), "INV-TSK-7: outcome of {key:?}: {what}");
        }
        let by = seen.appeal.as_ref().map(|appeal| self.person(&appeal.by));
        assert_eq!(by, mine.appellant, "INV-TSK-MODEL: who appealed {key:?}: {what}");
    }

    fn check_round(&self, panel: &shown::Panel, round: &Round, what: &str) {
        let seats: Vec<Person> = round.seats.iter().map(|seat| seat.by).collect();
        assert_eq!(self.panel_of(panel), seats, "INV-TSK-5: another panel: {what}");
        assert_eq!(panel.drawn_ms, round.drawn_ms, "INV-TSK-5: drawn again: {what}");
        for (seen, mine) in panel.seats.iter().zip(&round.seats) {
            let verdict = seen.verdict.map(verdict_of);
            assert_eq!(verdict, mine.verdict, "INV-TSK-7: what {} said: {what}", NAMES[mine.by]);
            if mine.verdict.is_none() {
                let hash = seen.commitment.map(|hash| hash.0);
                assert_eq!(hash, mine.commit, "INV-TSK-MODEL: what {} committed: {what}", NAMES[mine.by]);
            }
        }
        assert_eq!(outcome_of(panel.outcome), round.outcome(), "INV-TSK-7: {what}");
        if !round.seats.is_empty() {
            assert_eq!(panel.reveal_until_ms, round.ends_ms(), "INV-TSK-3: when it ends: {what}");
        }
    }

    async fn check_reviewers(&self, people: &[Person], what: &str) {
        let seen = Seen(&self.harness);
        let pool = seen.pool().await;
        assert_eq!(usize::try_from(pool.size).unwrap(), self.model.pool(), "INV-TSK-2: slots in the pool: {what}");
        let active = self.model.active_reviewers();
        assert_eq!(usize::try_from(pool.reviewers).unwrap(), active, "INV-TSK-MODEL: reviewers: {what}");
        for person in people.iter().copied() {
            let account = &self.people[person];
            let mine = self.model.reviewers.get(&person).cloned().unwrap_or_default();
            let free = pool.slots.iter().filter(|slot| slot.reviewer == *account.id()).count();
            assert_eq!(free, mine.free.len(), "INV-TSK-2: free slots of {}: {what}", NAMES[person]);
            let Some(shown) = seen.reviewer(account.id()).await else {
                assert_eq!(mine.slots(), 0, "INV-TSK-2: {} has none: {what}", NAMES[person]);
                continue;
            };
            let counts = (usize::from(shown.slots), wire::bonded(&shown) - usize::from(shown.slots), shown.returned.0);
            let expected = (mine.active(), mine.leaving.len(), mine.returned);
            assert_eq!(counts, expected, "INV-TSK-2: slots, leaving, returned of {}: {what}", NAMES[person]);
        }
    }

    async fn check_records(&self, people: &[Person], what: &str) {
        for person in people.iter().copied() {
            let account = &self.people[person];
            let seen = Seen(&self.harness).record(account.id()).await;
            let mine = self.model.records.get(&person).copied().unwrap_or_default();
            let reviewer = Seen(&self.harness).reviewer(account.id()).await;
            let of_work = seen.map_or([0; 3], |seen| [seen.done_good, seen.done_bad, seen.silent_work]);
            let of_verdicts = reviewer.map_or([0; 3], |seen| [seen.majority, seen.minority, seen.silent]);
            let ([done_good, done_bad, silent_work], [majority, minority, silent_verdicts]) = (of_work, of_verdicts);
            let shown = Record { done_good, done_bad, silent_work, majority, minority, silent_verdicts };
            assert_eq!(shown, mine, "INV-TSK-MODEL: record of {}: {what}", NAMES[person]);
        }
    }

    async fn check_marks(&self, what: &str) {
        let accounts: Vec<AccountId> = self.people.iter().map(|person| person.id().clone()).collect();
        let requesters: Vec<Person> = self.model.sets.values().map(|set| set.requester).collect();
        for requester in requesters {
            let question = MarksOf { requester: accounts[requester].clone(), accounts: accounts.clone() };
            for seen in self.view(tasks::marks, &question).await {
                let mine = self.model.marks.get(&(requester, self.person(&seen.account)));
                let shown = ([seen.work_right, seen.work_missed], [seen.review_right, seen.review_missed]);
                let mine = mine.map(|mine| (mine.worker, mine.reviewer));
                assert_eq!(Some(shown), mine, "INV-TSK-MODEL: marks of {}: {what}", seen.account);
            }
        }
    }

    async fn check_balances(&self, people: &[Person], asset: model::Asset, what: &str) {
        for person in people.iter().copied() {
            let account = &self.people[person];
            let seen = Seen(&self.harness).balance(account.id(), &self.asset(asset)).await;
            let mine = self.model.balances.get(&(person, asset)).copied();
            let shown = seen.map(|row| (row.amount.0, row.in_flight.0));
            assert_eq!(shown, mine.map(|amount| (amount, 0)), "INV-TSK-1: balance of {}: {what}", NAMES[person]);
        }
    }

    async fn check_totals(&self, asset: model::Asset, what: &str) {
        let sums = Seen(&self.harness).totals(&self.asset(asset)).await;
        let accounted = sums.held.0 + sums.sending.0 + sums.paid.0;
        assert_eq!(sums.received.0, accounted, "INV-TSK-1: {sums:?}: {what}");
        let known = self.model.sums[asset];
        let mine = (known.received, self.model.held(asset), 0, known.paid);
        let chains = (sums.received.0, sums.held.0, sums.sending.0, sums.paid.0);
        assert_eq!(chains, mine, "INV-TSK-1: received, held, sending, paid of asset {asset}: {what}");
        if asset == NEAR {
            let account = self.harness.worker.view_account(self.contract()).await.unwrap();
            let storage = u128::from(account.storage_usage) * BYTE_COST;
            let balance = account.balance.as_yoctonear();
            assert!(balance >= sums.held.0 + storage, "INV-TSK-1: {balance} for {sums:?}: {what}");
        }
    }

    /// INV-TSK-1 while money is on its way: after every block in which the contract did something for a transaction.
    pub(super) async fn check_on_the_way(&self, outcome: &Outcome, what: &str) {
        let own = outcome.receipt_outcomes().iter().filter(|one| one.executor_id == *self.contract());
        let mut blocks: Vec<CryptoHash> = own.map(|one| one.block_hash).collect();
        blocks.dedup();
        for block in blocks.iter().filter(|_| blocks.len() > 1) {
            for asset in 0..ASSETS {
                let question = OfAsset { asset: self.asset(asset) };
                let sums = self.harness.look_at(*block, self.contract(), tasks::totals, &question).await.unwrap();
                let accounted = sums.held.0 + sums.sending.0 + sums.paid.0;
                assert_eq!(sums.received.0, accounted, "INV-TSK-1: on the way: {sums:?}: {what}");
            }
        }
    }

    /// To the unit, of everybody; and the contract has exactly what it holds.
    async fn check_tokens(&self, people: &[Person], what: &str) {
        for person in people.iter().copied() {
            let has = self.tokens_of(self.people[person].id()).await;
            assert_eq!(has, self.model.tokens[person], "INV-TSK-1: tokens of {}: {what}", NAMES[person]);
        }
        let held = self.tokens_of(self.contract()).await;
        assert_eq!(held, self.model.held(TOKEN), "INV-TSK-1: tokens that the contract has: {what}");
    }

    async fn tokens_of(&self, holder: &AccountId) -> u128 {
        let question = raw("ft_balance_of", json!({ "account_id": holder }));
        let answer = self.harness.raw_view(&self.token, question).await.unwrap();
        serde_json::from_slice::<U128>(&answer).unwrap().0
    }

    /// What is set aside for tasks in work is charged before it is stored, and what a slot takes wherever it is.
    async fn check_bytes(&self, what: &str) {
        let account = self.harness.worker.view_account(self.contract()).await.unwrap();
        let charged: u64 = self.purses.values().map(|has| has.bytes).sum();
        let stored = account.storage_usage - self.empty_bytes;
        assert!(charged >= stored, "INV-TSK-1: {stored} bytes stored, {charged} charged: {what}");
        if self.model.sets.is_empty() {
            let slots: usize = self.model.reviewers.values().map(Reviewer::active).sum();
            let spare = u64::try_from(slots).unwrap() * SLOT_BYTES;
            assert!(charged <= stored + spare, "INV-TSK-1: {stored} bytes stored, {charged} charged: {what}");
        }
    }
}

/// Which invariant a disagreement is about, beside that there is one.
fn broken_by(acts: &[Act], came: &Came, judged: &Expected) -> &'static str {
    let [Act { step, .. }] = acts else { return "" };
    let faults = judged.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    match (step, came) {
        // Somebody waits for nothing any more, and still can't end it.
        (Step::Settle(_), Err(_)) if judged.is_ok() => "INV-TSK-3: ",
        (Step::RevealVerdict { .. } | Step::CommitVerdict { .. }, Ok(())) => "INV-TSK-7: ",
        (Step::Draw(_) | Step::RevealWork { .. }, Ok(())) => "INV-TSK-5: ",
        (Step::Close(_) | Step::Withdraw { .. }, Ok(())) => "INV-TSK-6: ",
        (Step::WithdrawBond | Step::Unbond(_), _) => "INV-TSK-2: ",
        (Step::Take(_), Ok(())) if faults.contains(&"TASKS_OWN_SET") => "INV-TSK-4: ",
        (Step::Appeal(_), Ok(())) => "INV-TSK-3: ",
        _ => "",
    }
}
