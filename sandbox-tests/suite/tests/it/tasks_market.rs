//! A market on the real wasm: honest, lazy, random and colluding workers and reviewers, what each of them earned, and how
//! many wrong answers were accepted. The whole of it has 1,000 tasks with a third of the reviewers in one ring, and a
//! quarter as many for each other share; tests play a tenth. `docs/tasks-market.md` shows what came of it.
//!
//! Who works and what it answers is the same in every run. The chain's randomness is not: it comes of its blocks, and those of
//! the contract's bytes, so each change of the contract would be another table. The page's means are compared with a run's as
//! `table` says.

mod kinds;
mod share;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write;

use charter_harness::arguments::DEPOSIT;
use charter_harness::failed_with;
use charter_types::asset::Asset;
use charter_types::tasks as shown;
use near_workspaces::{Account, AccountId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::escrow_bytes::Tree;
use crate::invariants::asked_for;
use crate::tasks_bench::{Bench, MINUTE_MS, TAKE_DEPOSIT, deadlines};
use crate::tasks_bytes::{Hash, answer_hash, honeypot_leaf};
use crate::tasks_model::{MINORITY_LOSS, NEAR, NewSet, SLOT, Verdict};
use crate::tasks_wire::{self as wire, Seen};
use kinds::{JUDGING_COSTS, LABELS, MILLI, Reviewer, WORK_COSTS, Worker};
use share::Prices;
use table::{Gains, Row};

const SEED: u64 = 20_170_606;
const TASKS: u32 = 1_000;
const REWARD: u128 = 200 * MILLI;
const FEE: u128 = 20 * MILLI;
/// One task in so many is a honeypot.
const HONEYPOTS: u32 = 10;
/// Between the least and the most that one act brings, in thousandths of a NEAR: seven seats' losses, and a slot's.
const SPAN: f64 = 1_000.0;
const WORKERS: [(Worker, usize); 4] = [(Worker::Honest, 5), (Worker::Lazy, 2), (Worker::Random, 2), (Worker::Ring, 3)];
const REVIEWERS: usize = 12;
const SLOTS: usize = 4;

/// Who reviews, if so many of twelve are a ring. Without the ring two are lazy or random.
fn reviewers(ring: usize) -> Vec<Reviewer> {
    let mut all: Vec<Reviewer> =
        (0..ring).map(|place| if place % 2 == 0 { Reviewer::CarefulRing } else { Reviewer::IdleRing }).collect();
    all.extend([Reviewer::Lazy, Reviewer::Random]);
    all.resize(REVIEWERS, Reviewer::Honest);
    all
}

fn workers() -> Vec<Worker> {
    WORKERS.iter().flat_map(|(kind, count)| vec![*kind; *count]).collect()
}

/// A task that somebody did.
struct Done {
    worker: usize,
    is_right: bool,
    salt: Hash,
    costs: u128,
}

struct Market {
    bench: Bench,
    workers: Vec<Worker>,
    reviewers: Vec<Reviewer>,
    chance: StdRng,
    rights: Vec<u8>,
    /// What everybody put in and took out.
    put_in: BTreeMap<AccountId, i128>,
    by_worker: BTreeMap<Worker, Gains>,
    by_reviewer: BTreeMap<Reviewer, Gains>,
    accepted: u32,
    accepted_wrong: u32,
    appeals: u32,
}

fn milli(yocto: i128) -> f64 {
    // A thousandth of a thousandth is enough.
    let micro = yocto / i128::try_from(MILLI / 1_000).unwrap();
    f64::from(i32::try_from(micro).unwrap()) / 1_000.0
}

fn signed(yocto: u128) -> i128 {
    i128::try_from(yocto).unwrap()
}

fn bonds(seen: &shown::Reviewer) -> u128 {
    SLOT * u128::try_from(wire::bonded(seen)).unwrap() + seen.returned.0
}

fn is_honeypot(index: u32) -> bool {
    index % HONEYPOTS == 3
}

fn leaf_salt(index: u32) -> [u8; 32] {
    let mut salt = [9; 32];
    salt[..4].copy_from_slice(&index.to_le_bytes());
    salt
}

/// Over what the requester knows: all tasks, of which it shows some.
fn tree(known: &[Vec<u8>]) -> Tree {
    let leaf = |(index, answer): (u32, &Vec<u8>)| honeypot_leaf(index, answer_hash(answer), leaf_salt(index));
    Tree::new((0..).zip(known).map(leaf).collect())
}

impl Market {
    async fn new(tasks: u32, ring: usize) -> Self {
        let mut chance = StdRng::seed_from_u64(SEED);
        let rights: Vec<u8> = (0..tasks).map(|_| chance.gen_range(0..LABELS)).collect();
        let names: Vec<String> = (0..REVIEWERS).map(|place| format!("reviewer{place}")).collect();
        let named: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), SLOTS)).collect();
        let workers = workers();
        let at_work: Vec<String> = (0..workers.len()).map(|place| format!("worker{place}")).collect();
        let at_work: Vec<&str> = at_work.iter().map(String::as_str).collect();
        let known: Vec<Vec<u8>> = rights.iter().map(|right| vec![*right]).collect();
        let new = NewSet {
            asset: NEAR,
            reward: REWARD,
            fee: FEE,
            count: tasks,
            at_once: 4,
            take_deposit: TAKE_DEPOSIT,
            deadlines: deadlines(MINUTE_MS),
            honeypots: Some(tree(&known).root()),
        };
        let bench = Bench::new(&at_work, &named, &new).await;
        Self {
            bench,
            workers,
            reviewers: reviewers(ring),
            chance,
            rights,
            put_in: BTreeMap::new(),
            by_worker: BTreeMap::new(),
            by_reviewer: BTreeMap::new(),
            accepted: 0,
            accepted_wrong: 0,
            appeals: 0,
        }
    }

    /// What somebody has here, in its balance and in slots, less what it put in since.
    async fn has(&self, account: &Account) -> i128 {
        let seen = Seen(&self.bench.harness);
        let balance = seen.balance(account.id(), &Asset::Near).await.map_or(0, |row| row.amount.0);
        let bonds = seen.reviewer(account.id()).await.map_or(0, |seen| bonds(&seen));
        signed(balance + bonds) - self.put_in.get(account.id()).copied().unwrap_or_default()
    }

    async fn all_have(&self) -> Vec<i128> {
        let mut all = Vec::new();
        for account in self.bench.workers.iter().chain(&self.bench.reviewers) {
            all.push(self.has(account).await);
        }
        all
    }

    /// The next worker that its honeypots do not keep out does this task.
    async fn work(&mut self, index: u32) -> Done {
        let right = self.rights[usize::try_from(index).unwrap()];
        let first = self.chance.gen_range(0..self.workers.len());
        for place in (0..self.workers.len()).map(|more| (first + more) % self.workers.len()) {
            let kind = self.workers[place];
            let (label, costs) = kind.label(right, &mut self.chance);
            let salt = kind.salt(index, &mut self.chance);
            let by = &self.bench.workers[place];
            let outcome = self.bench.work(by, index, &[label], salt).await;
            if outcome.is_success() {
                *self.put_in.entry(by.id().clone()).or_default() += signed(TAKE_DEPOSIT);
                return Done { worker: place, is_right: label == right, salt, costs };
            }
            let code = failed_with(&outcome);
            assert_eq!(code.as_deref(), Some(wire::EXCLUDED), "{outcome:?}");
        }
        panic!("every worker is kept out");
    }

    /// All seats of a round say what their kinds say, and pay for it. Whether it is good.
    async fn judge(&mut self, index: u32, round: usize, done: &Done, effort: &mut BTreeMap<usize, u128>) -> bool {
        let mut said = Vec::new();
        for seat in self.bench.panel(index, round).await {
            let place = self.bench.reviewers.iter().position(|reviewer| *reviewer.id() == seat).unwrap();
            let (verdict, costs) = self.reviewers[place].judge(done.is_right, done.salt, index, &mut self.chance);
            effort.insert(place, costs);
            said.push((place, verdict));
        }
        let by: Vec<(&Account, Verdict)> =
            said.iter().map(|(place, verdict)| (&self.bench.reviewers[*place], *verdict)).collect();
        self.bench.judge(index, round, &by).await;
        2 * said.iter().filter(|one| one.1 == Verdict::Good).count() > said.len()
    }

    /// Who appeals, if anybody does: a requester that knows better, or an honest worker that does.
    fn appellant(&self, index: u32, done: &Done, good: bool) -> Option<&Account> {
        if good && !done.is_right && is_honeypot(index) {
            return Some(&self.bench.requester);
        }
        let knows = self.workers[done.worker] == Worker::Honest && done.is_right;
        (!good && knows).then(|| &self.bench.workers[done.worker])
    }

    async fn play_one(&mut self, index: u32) {
        let before = self.all_have().await;
        let done = self.work(index).await;
        let mut effort = BTreeMap::new();
        let good = self.judge(index, 0, &done, &mut effort).await;
        let mut appealed = false;
        if let Some(by) = self.appellant(index, &done, good).cloned() {
            let code = self.bench.told(&by, wire::appeal(self.bench.id(index)), DEPOSIT).await;
            // Who has just come may have too little.
            assert!(code.is_none() || code.as_deref() == Some(wire::NOT_COVERED), "{code:?}");
            appealed = code.is_none();
        }
        if appealed {
            self.appeals += 1;
            self.judge(index, 1, &done, &mut effort).await;
        } else {
            self.bench.wait(MINUTE_MS).await;
        }
        if is_honeypot(index) {
            self.show(index).await;
        }
        self.bench.wait(MINUTE_MS).await;
        let seen = Seen(&self.bench.harness).task(self.bench.id(index)).await.expect("nobody settled it");
        let good = seen.outcome == Some(shown::Outcome::Good);
        self.bench.settle(index).await;
        self.accepted += u32::from(good);
        self.accepted_wrong += u32::from(good && !done.is_right);
        self.count(&before, &done, &effort).await;
        self.refill().await;
    }

    /// What the task brought its worker and its reviewers, effort paid.
    async fn count(&mut self, before: &[i128], done: &Done, effort: &BTreeMap<usize, u128>) {
        let after = self.all_have().await;
        let gained = |place: usize, costs: u128| milli(after[place] - before[place] - signed(costs));
        let gains = self.by_worker.entry(self.workers[done.worker]).or_default();
        gains.add(done.worker, gained(done.worker, done.costs));
        for (place, costs) in effort {
            let gains = self.by_reviewer.entry(self.reviewers[*place]).or_default();
            gains.add(*place, gained(self.workers.len() + place, *costs));
        }
    }

    async fn show(&self, index: u32) {
        let known: Vec<Vec<u8>> = self.rights.iter().map(|right| vec![*right]).collect();
        let place = usize::try_from(index).unwrap();
        let (answer, proof) = (answer_hash(&known[place]), tree(&known).proof(place));
        let shown = wire::show(self.bench.id(index), (answer, leaf_salt(index)), &proof);
        self.bench.ok(&self.bench.requester, shown, DEPOSIT).await;
    }

    /// Whoever lost a slot bonds another one, and takes out what it has here but for a little.
    async fn refill(&mut self) {
        for reviewer in &self.bench.reviewers {
            let seen = Seen(&self.bench.harness).reviewer(reviewer.id()).await.expect("it has bonded");
            let missing = SLOTS - wire::bonded(&seen);
            if missing == 0 {
                continue;
            }
            self.bench.ok(reviewer, wire::withdraw_bond(), DEPOSIT).await;
            let balance = Seen(&self.bench.harness).balance(reviewer.id(), &Asset::Near).await;
            let out = balance.map_or(0, |row| row.amount.0).saturating_sub(MILLI);
            let bonds = SLOT * u128::try_from(missing).unwrap();
            self.bench.bond(reviewer, missing).await;
            self.bench.ok(reviewer, wire::withdraw(&Asset::Near, Some(out)), 1).await;
            *self.put_in.entry(reviewer.id().clone()).or_default() += signed(bonds) - signed(out);
        }
    }

    /// INV-TSK-1: what everybody has is what the contract holds.
    async fn check_pool(&self) {
        let seen = Seen(&self.bench.harness);
        let totals = seen.totals(&Asset::Near).await;
        let left = seen.set(self.bench.set).await.map_or(0, |set| set.escrowed.0);
        let mut all = left;
        let everybody = self.bench.workers.iter().chain(&self.bench.reviewers).chain([&self.bench.requester]);
        for account in everybody {
            all += seen.balance(account.id(), &Asset::Near).await.map_or(0, |row| row.amount.0);
            all += seen.reviewer(account.id()).await.map_or(0, |seen| bonds(&seen));
        }
        assert_eq!(totals.held.0, all, "INV-TSK-1: held, and what everybody has");
        assert_eq!(totals.received.0, totals.held.0 + totals.paid.0, "INV-TSK-1: {totals:?}");
        assert_eq!(totals.sending.0, 0, "INV-TSK-1: nothing is on its way");
    }
}

/// A market of so many tasks, with a ring of so many of twelve reviewers.
async fn play(tasks: u32, ring: usize) -> Market {
    let mut market = Market::new(tasks, ring).await;
    for index in 0..tasks {
        market.play_one(index).await;
    }
    market.check_pool().await;
    market
}

impl Market {
    fn rows(&self) -> Vec<Row> {
        let workers = self.by_worker.iter().map(|(kind, gains)| gains.row(kind.name()));
        workers.chain(self.by_reviewer.iter().map(|(kind, gains)| gains.row(kind.name()))).collect()
    }

    /// Kinds whose account in the middle does at least as well as that of those who are honest.
    fn unbeaten(&self) -> Vec<&'static str> {
        let (at_work, judging) =
            (self.by_worker[&Worker::Honest].median(), self.by_reviewer[&Reviewer::Honest].median());
        let workers = self.by_worker.iter().filter(|one| *one.0 != Worker::Honest && one.1.median() >= at_work);
        let reviewers = self.by_reviewer.iter().filter(|one| *one.0 != Reviewer::Honest && one.1.median() >= judging);
        workers.map(|one| one.0.name()).chain(reviewers.map(|one| one.0.name())).collect()
    }

    fn wrong(&self) -> String {
        let Self { accepted, accepted_wrong, appeals, .. } = self;
        format!("{accepted_wrong} of {accepted} accepted answers are wrong; {appeals} appeals.")
    }

    fn share_line(&self, ring: usize) -> String {
        let at_work = |kind| self.by_worker.get(&kind).map_or(0.0, Gains::mean);
        let judging = |kind| self.by_reviewer.get(&kind).map_or(0.0, Gains::mean);
        let means = [
            at_work(Worker::Honest),
            at_work(Worker::Ring),
            judging(Reviewer::Honest),
            judging(Reviewer::CarefulRing),
            judging(Reviewer::IdleRing),
        ];
        let means: Vec<String> = means.iter().map(|mean| format!("{mean:.1}")).collect();
        let wrong = f64::from(self.accepted_wrong) * 100.0 / f64::from(self.accepted.max(1));
        format!("| {ring} of {REVIEWERS} | {} | {wrong:.0} % |", means.join(" | "))
    }
}

const SHARES: &str = "| ring | honest worker | colluding one | honest reviewer | careful ring | idle ring | accepted wrongly |\n\
                      |--:|--:|--:|--:|--:|--:|--:|";

/// From which share on, by the odds alone.
fn odds() -> String {
    let prices = Prices {
        reward: milli(signed(REWARD)),
        fee: milli(signed(FEE)),
        loss: milli(signed(MINORITY_LOSS)),
        work: milli(signed(WORK_COSTS)),
        judging: milli(signed(JUDGING_COSTS)),
        watched: 1.0 / f64::from(HONEYPOTS),
    };
    let (idle, honest) = (prices.pays_from(|_| 0.0), prices.pays_from(|share| prices.of_honesty(share)));
    let (idle, honest) = (idle.expect("all of the slots are enough"), honest.expect("all of the slots are enough"));
    format!(
        "By the odds alone, at these prices, a ring that does no work gains something from {idle} % of all slots on, and more \
         than it would by honest work from {honest} % on.\n"
    )
}

#[tokio::test]
async fn honesty_earns_what_the_page_says_and_the_pool_is_conserved() {
    let tasks = asked_for().map_or(TASKS / 10, |sequences| (sequences / 2).clamp(TASKS / 10, TASKS));
    let third = play(tasks, REVIEWERS / 3).await;
    let mut shares = format!("{SHARES}\n");
    for ring in [2, 4, 6, 8] {
        let line =
            if ring == REVIEWERS / 3 { third.share_line(ring) } else { play(tasks / 4, ring).await.share_line(ring) };
        writeln!(shares, "{line}").unwrap();
    }
    let unbeaten = third.unbeaten();
    let unbeaten = if unbeaten.is_empty() { "none".to_owned() } else { unbeaten.join(", ") };
    let found = format!(
        "{tasks} tasks, a third of the reviewers in one ring. {} Kinds whose median account does as well as that of the \
         honest: {unbeaten}.\n\n{}\nOther shares of twelve reviewers, means in mNEAR:\n\n{shares}\n{}",
        third.wrong(),
        table::lines(&third.rows()),
        odds(),
    );
    println!("{found}");
    table::write_or_compare(&found, &third.rows(), SPAN);
}
