//! Callbacks of tasks, with names of 64 characters: a draw that runs out of gas leaves a task without a panel, and a
//! withdrawal that does money in flight, for ever.

use charter_harness::{Call, Outcome, answer, call};
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::tasks::args::{OfAsset, Withdraw};
use charter_types::tasks::methods as tasks;
use charter_types::{AccountId, U128};
use near_workspaces::Account;
use serde_json::json;

use crate::escrow_bytes::Tree;
use crate::staked::{tell, token};
use crate::tasks_bench::{Bench, MINUTE_MS, SALT, TAKE_DEPOSIT, deadlines};
use crate::tasks_bytes::{Hash, answer_hash, honeypot_leaf};
use crate::tasks_model::{NEAR, NewSet, SLOT, Verdict};
use crate::tasks_wire::{self as wire, Seen};

/// With the root's name they are 64.
const LETTERS: usize = 54;
/// What `gas` of the contract gives, in TGas. `on_draw`: for nothing, each slot that it looks at, and each seat.
const ON_DRAW: [f64; 3] = [5.0, 0.4, 1.5];
const ON_PAID: f64 = 12.0;
/// Slots that a draw looks at, at most, and seats: of a first panel, and of an appeal's.
const FIRST: [f64; 2] = [24.0, 3.0];
const APPEAL: [f64; 2] = [40.0, 7.0];
/// Tasks in which the one who is to be excluded is wrong, and others that it may not be drawn for.
const WRONG: usize = 2;
const TASKS: u32 = 12;
/// Of the one who is excluded: most of what a draw looks at does not fit, and each time it looks at a mark.
const SLOTS: usize = 16;
const OTHERS: usize = 13;
const ANSWER: &[u8] = b"cat";
const EXPECTED: &[u8] = b"dog";
const PLENTY: u128 = 1_000_000_000_000;

fn set_aside([probes, seats]: [f64; 2]) -> f64 {
    let [base, probe, seat] = ON_DRAW;
    base + probe * probes + seat * seats
}

fn name(first: char) -> String {
    format!("{first}{}", "a".repeat(LETTERS - 1))
}

fn honeypots() -> Tree {
    Tree::new((0..TASKS).map(|index| honeypot_leaf(index, answer_hash(EXPECTED), SALT)).collect())
}

/// What somebody did, the gas that a callback took, and what is set aside for it.
type Took = (String, f64, f64);

/// The dearest of the contract's receipts after the first, in TGas.
fn callback_tgas(outcome: &Outcome, contract: &AccountId) -> f64 {
    let receipts = outcome.receipt_outcomes();
    let own: Vec<u64> =
        receipts.iter().filter(|one| one.executor_id == *contract).map(|one| one.gas_burnt.as_gas()).collect();
    assert!(own.len() >= 2, "it called nothing back: {outcome:?}");
    let most = own[1..].iter().max().unwrap();
    f64::from(u32::try_from(most / 1_000_000).unwrap()) / 1_000_000.0
}

struct Worst {
    bench: Bench,
    seen: Vec<Took>,
}

impl Worst {
    async fn new() -> Self {
        let new = NewSet {
            asset: NEAR,
            reward: 1_000,
            fee: 10,
            count: TASKS + 1,
            at_once: TASKS + 1,
            take_deposit: TAKE_DEPOSIT,
            deadlines: deadlines(60 * MINUTE_MS),
            honeypots: Some(honeypots().root()),
        };
        let names: Vec<String> = ('b'..).take(OTHERS + 1).map(name).collect();
        let slots = |place: usize| if place == 0 { SLOTS } else { 2 };
        let reviewers: Vec<(&str, usize)> =
            names.iter().enumerate().map(|(place, name)| (name.as_str(), slots(place))).collect();
        let worker = name('w');
        let bench = Bench::new(&[&worker], &reviewers, &new).await;
        assert_eq!(bench.reviewers[0].id().len(), 64);
        Self { bench, seen: Vec::new() }
    }

    fn contract(&self) -> &AccountId {
        self.bench.contract()
    }

    fn note(&mut self, what: &str, outcome: &Outcome, set_aside: f64) {
        let took = callback_tgas(outcome, self.contract());
        self.seen.push((what.to_owned(), took, set_aside));
    }

    /// Work, and a panel drawn for it.
    async fn work(&mut self, index: u32) -> Vec<Account> {
        let worker = self.bench.workers[0].clone();
        let outcome = self.bench.work(&worker, index, ANSWER, SALT).await;
        assert!(outcome.is_success(), "{outcome:?}");
        self.note(&format!("on_draw of three, task {index}"), &outcome, set_aside(FIRST));
        self.seats(index, 0).await
    }

    async fn seats(&self, index: u32, round: usize) -> Vec<Account> {
        let panel = self.bench.panel(index, round).await;
        let account = |id: &AccountId| self.bench.reviewers.iter().find(|one| one.id() == id).unwrap().clone();
        panel.iter().map(account).collect()
    }

    /// The first reviewer says that it is good, which all others, and the requester's honeypots, do not.
    async fn judge(&self, index: u32, seats: &[Account]) {
        let first = self.bench.reviewers[0].id();
        let verdict = |seat: &Account| if seat.id() == first { Verdict::Good } else { Verdict::Bad };
        let said: Vec<(&Account, Verdict)> = seats.iter().map(|seat| (seat, verdict(seat))).collect();
        self.bench.judge(index, 0, &said).await;
    }

    /// Until the first reviewer is excluded. Returns the next index.
    async fn exclude(&mut self) -> u32 {
        let tree = honeypots();
        let mut wrong = 0;
        for index in 0..TASKS {
            let seats = self.work(index).await;
            let sits = seats.iter().any(|seat| seat.id() == self.bench.reviewers[0].id());
            self.judge(index, &seats).await;
            if !sits {
                continue;
            }
            self.bench.wait(MINUTE_MS).await;
            let proof: Vec<Hash> = tree.proof(usize::try_from(index).unwrap());
            let shown = wire::show(self.bench.id(index), (answer_hash(EXPECTED), SALT), &proof);
            self.bench.ok(&self.bench.requester, shown, SLOT).await;
            wrong += 1;
            if wrong == WRONG {
                return index + 1;
            }
        }
        panic!("whoever has half of all slots was not drawn {WRONG} times of {TASKS}");
    }

    /// A panel that the first reviewer can't sit on, and an appeal.
    async fn draws(&mut self) {
        let index = self.exclude().await;
        let pool = Seen(&self.bench.harness).pool().await;
        assert!(pool.size > 24, "it is looked through as a whole: {}", pool.size);
        let seats = self.work(index).await;
        assert!(seats.iter().all(|seat| seat.id() != self.bench.reviewers[0].id()), "it is not excluded");
        self.judge(index, &seats).await;
        let worker = self.bench.workers[0].clone();
        self.bench.ok(&worker, wire::deposit(), 1_000).await;
        let outcome = self.bench.ok(&worker, wire::appeal(self.bench.id(index)), SLOT).await;
        self.note("on_draw of seven", &outcome, set_aside(APPEAL));
        assert_eq!(self.seats(index, 1).await.len(), 7);
    }

    /// A token whose transfer comes back, and then arrives.
    async fn withdrawals(&mut self) {
        let (contract, worker) = (self.contract().clone(), self.bench.workers[0].clone());
        let token = token(&self.bench.harness, &name('p'), &[(contract, PLENTY)]).await;
        let asset = Asset::Nep141(token.id().clone());
        self.bench.ok(&worker, call(tasks::open_balance, &OfAsset { asset: asset.clone() }), SLOT).await;
        let msg = json!({ "deposit": {} }).to_string();
        let given = FtOnTransfer { sender_id: worker.id().clone(), amount: U128(1_000), msg };
        self.bench.ok(&token, call(tasks::ft_on_transfer, &given), 0).await;
        let withdraw: Call = call(tasks::withdraw, &Withdraw { asset, amount: None });
        for fails in [true, false] {
            tell(&self.bench.harness, token.id(), "fail", json!({ "fails": fails })).await;
            let outcome = self.bench.send(&worker, withdraw.clone(), 1).await;
            assert_eq!(outcome.is_success(), !fails, "{outcome:?}");
            self.note("on_paid", &outcome, ON_PAID);
            if !fails {
                assert_eq!(answer(tasks::withdraw, &outcome).unwrap(), U128(1_000));
            }
        }
    }
}

#[tokio::test]
async fn a_callback_of_tasks_has_a_fifth_more_gas_than_it_takes_at_most() {
    let mut worst = Worst::new().await;
    worst.draws().await;
    worst.withdrawals().await;
    for (method, took, set_aside) in &worst.seen {
        println!("{method}: {took:.2} of {set_aside:.1} TGas");
    }
    for (method, took, set_aside) in worst.seen {
        assert!(took * 1.2 <= set_aside, "{method} takes {took:.2} TGas, {set_aside:.1} are set aside");
    }
}
