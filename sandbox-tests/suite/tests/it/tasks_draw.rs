//! INV-TSK-5: nobody steers a draw, on the real wasm. A reviewer that controls order, timing and gas of its transactions
//! sits on as many panels as its slots make it due, over 10,000 draws (`cargo xtask properties`; the tests play a tenth); a
//! worker that undoes its reveal when it dislikes the panel never has a second one, while a naive contract gives it any.

mod odds;
mod steering;

use near_workspaces::Account;

use crate::invariants::asked_for;
use crate::staked::together;
use crate::tasks_bench::{Bench, SALT, TAKE_DEPOSIT, deadlines};
use crate::tasks_model::{NEAR, NewSet, SLOT, SLOTS_MAX};
use crate::tasks_wire::{self as wire, Seen};
use odds::{Score, chance};
use steering::Target;

/// Reveals that are steered.
const STEERED: u32 = 100;
const SEATS: usize = 3;
const ANSWER: &[u8] = b"cat";
/// The one who steers comes first. Small pools are looked through as a whole, in large ones places are tried.
const SMALL: [(&str, usize); 9] =
    [("x", 3), ("a", 2), ("b", 2), ("c", 2), ("d", 2), ("e", 2), ("f", 3), ("g", 3), ("h", 3)];
const LARGE: [(&str, usize); 9] =
    [("x", 9), ("a", 6), ("b", 6), ("c", 6), ("d", 6), ("e", 6), ("f", 12), ("g", 12), ("h", 12)];

fn set() -> NewSet {
    let (count, at_once) = (1_000, 20);
    let (reward, fee, take_deposit) = (1_000, 10, TAKE_DEPOSIT);
    NewSet { asset: NEAR, reward, fee, count, at_once, take_deposit, deadlines: deadlines(0), honeypots: None }
}

/// What somebody does to be on a panel, or to keep others off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    Nothing,
    /// Bonds as many slots as it may once the task is taken.
    BondsLate,
    /// Takes a slot of its own out of the pool before the reveal, so that the others stand elsewhere.
    Unbonds,
    /// Both, in one transaction: slots change places.
    Shuffles,
    /// Asks for a draw again and again.
    DrawsAgain,
    /// Sends all that in the same moment as the reveal.
    Races,
}

const TRICKS: [Trick; 6] =
    [Trick::Nothing, Trick::BondsLate, Trick::Unbonds, Trick::Shuffles, Trick::DrawsAgain, Trick::Races];

/// A chain on which some draws are made.
struct Round {
    bench: Bench,
    /// Free slots of all reviewers that were there before the task was taken.
    slots: Vec<u32>,
}

impl Round {
    fn one(&self) -> &Account {
        &self.bench.reviewers[0]
    }

    /// Slots that the first one may still bond.
    async fn spare(&self) -> usize {
        let seen = Seen(&self.bench.harness).reviewer(self.one().id()).await;
        SLOTS_MAX - seen.map_or(0, |seen| wire::bonded(&seen))
    }

    /// Before the reveal.
    async fn before(&mut self, trick: Trick) {
        let (one, spare) = (self.one(), self.spare().await);
        match trick {
            Trick::BondsLate if spare > 0 => self.bench.bond(one, spare.min(4)).await,
            Trick::Unbonds if self.slots[0] > 1 => {
                self.bench.ok(one, wire::unbond(1), 1).await;
                self.slots[0] -= 1;
            }
            Trick::Shuffles if self.slots[0] > 1 && spare > 0 => {
                let calls = vec![(wire::unbond(1), 1), (wire::bond(1), SLOT)];
                let outcome = together(one, self.bench.contract(), calls).await;
                assert!(outcome.is_success(), "{outcome:?}");
                self.slots[0] -= 1;
            }
            _ => {}
        }
    }

    /// One draw, and whether the first reviewer sits.
    async fn draw(&mut self, index: u32, trick: Trick) -> (bool, f64) {
        let worker = &self.bench.workers[0];
        let calls = vec![self.bench.take(), (self.bench.commit(worker, index, ANSWER, SALT), 0)];
        let taken = together(worker, self.bench.contract(), calls).await;
        assert!(taken.is_success(), "{taken:?}");
        // Blocks of a network are never within a millisecond of each other.
        self.bench.wait(1_000).await;
        self.before(trick).await;
        let (worker, reveal) = (&self.bench.workers[0], self.bench.reveal(index, ANSWER, SALT));
        if trick == Trick::Races {
            let task = self.bench.id(index);
            tokio::join!(
                self.bench.ok(worker, reveal, 0),
                self.bench.send(self.one(), wire::draw(task), 0),
                self.bench.send(&self.bench.reviewers[1], wire::draw(task), 0),
            );
        } else {
            self.bench.ok(worker, reveal, 0).await;
        }
        let panel = self.bench.panel(index, 0).await;
        assert_eq!(panel.len(), SEATS, "INV-TSK-5: no panel of {:?}", self.slots);
        if trick == Trick::DrawsAgain {
            for by in &self.bench.reviewers {
                let code = self.bench.told(by, wire::draw(self.bench.id(index)), 0).await;
                assert!(code.is_some(), "INV-TSK-5: a second draw");
            }
            assert_eq!(self.bench.panel(index, 0).await, panel, "INV-TSK-5: another panel");
        }
        let chance = chance(&self.slots, SEATS);
        for (place, reviewer) in self.bench.reviewers.iter().enumerate() {
            let sits = panel.iter().filter(|seat| *seat == reviewer.id()).count();
            assert!(sits <= 1, "INV-TSK-4: two seats of one reviewer: {panel:?}");
            self.slots[place] -= u32::try_from(sits).unwrap();
        }
        (panel.contains(self.one().id()), chance)
    }

    /// Slots that it bonded late count from the next task on, those that leave never again.
    async fn next(&mut self) {
        let pool = Seen(&self.bench.harness).pool().await;
        for (place, reviewer) in self.bench.reviewers.iter().enumerate() {
            let free = pool.slots.iter().filter(|slot| slot.reviewer == *reviewer.id()).count();
            self.slots[place] = u32::try_from(free).unwrap();
        }
    }
}

/// On one chain `each` draws are made: nobody judges there, and whoever sits stays out of the pool.
async fn scores(reviewers: &[(&str, usize)], draws: u32, each: u32) -> [Score; TRICKS.len()] {
    let mut scores = [Score::default(); TRICKS.len()];
    let base = Bench::new(&["worker"], reviewers, &set()).await;
    for fork in 0..draws.div_ceil(each) {
        let bench = base.fork().await;
        let slots = reviewers.iter().map(|reviewer| u32::try_from(reviewer.1).unwrap()).collect();
        let mut round = Round { bench, slots };
        for index in 0..each {
            let place = usize::try_from(fork * each + index).unwrap() % TRICKS.len();
            round.next().await;
            let (hit, chance) = round.draw(index, TRICKS[place]).await;
            scores[place].add(hit, chance);
        }
    }
    scores
}

async fn check_fair(reviewers: &[(&str, usize)], draws: u32, each: u32) {
    let scores = scores(reviewers, draws, each).await;
    for (trick, score) in TRICKS.iter().zip(&scores) {
        println!("{trick:?}: {score}");
    }
    let all = scores.into_iter().fold(Score::default(), Score::and);
    println!("all of them: {all}");
    for (trick, score) in TRICKS.iter().zip(&scores) {
        assert!(score.is_fair(), "INV-TSK-5: {trick:?} steers draws: {score}");
    }
    assert!(all.is_fair(), "INV-TSK-5: draws are steered: {all}");
}

/// Half of 10,000, or of as many as tests play.
fn draws() -> u32 {
    asked_for().map_or(500, |sequences| sequences.saturating_mul(5) / 2)
}

/// Take out `since` and whoever bonds late sits more often; draw in place of the slots' own random order, and so does
/// whoever shuffles.
#[tokio::test]
async fn inv_tsk_5_a_reviewers_share_of_panels_is_that_of_its_slots_in_a_small_pool() {
    check_fair(&SMALL, draws(), 2).await;
}

#[tokio::test]
async fn inv_tsk_5_a_reviewers_share_of_panels_is_that_of_its_slots_in_a_large_pool() {
    check_fair(&LARGE, draws(), 5).await;
}

/// Whoever has a short name is cheaper to show.
const NAMES: [&str; 9] = ["x", "anna", "bert", "carl", "dora", "emil", "frida", "gustav", "hanna"];

#[tokio::test]
async fn inv_tsk_5_no_reveal_that_is_undone_gets_a_second_draw() {
    let long: Vec<String> = NAMES[1..].iter().map(|name| format!("{name}{}", "o".repeat(40))).collect();
    let mut reviewers = vec![(NAMES[0], 6)];
    reviewers.extend(long.iter().map(|name| (name.as_str(), 3)));
    let base = Bench::new(&["worker"], &reviewers, &set()).await;
    let mut gas = None;
    let mut score = Score::default();
    let slots: Vec<u32> = reviewers.iter().map(|reviewer| u32::try_from(reviewer.1).unwrap()).collect();
    let chance = chance(&slots, SEATS);
    while score.draws < STEERED {
        let bench = base.fork().await;
        let (worker, friend) = (&bench.workers[0], bench.reviewers[0].id());
        let (contract, reveal) = (bench.contract(), bench.reveal(0, ANSWER, SALT));
        let target = Target { contract, reveal, look: wire::look(bench.id(0)) };
        let Some(gas) = gas else {
            // On some chain there is a panel without the friend, of which it is known then what a look takes.
            assert!(bench.work(worker, 0, ANSWER, SALT).await.is_success());
            if !bench.panel(0, 0).await.contains(friend) {
                gas = Some(target.just_too_little(worker).await);
            }
            continue;
        };
        let calls = vec![bench.take(), (bench.commit(worker, 0, ANSWER, SALT), 0)];
        let taken = together(worker, contract, calls).await;
        assert!(taken.is_success(), "{taken:?}");
        target.steer(worker, gas).await;
        let panel = bench.panel(0, 0).await;
        score.add(panel.contains(friend), chance);
        // What is drawn stays.
        let again = bench.told(worker, bench.reveal(0, ANSWER, SALT), 0).await;
        assert!(again.is_some(), "INV-TSK-5: a second reveal");
        assert_eq!(bench.panel(0, 0).await, panel, "INV-TSK-5: another panel");
    }
    println!("undone reveals: {score}");
    assert!(score.is_fair(), "INV-TSK-5: reveals that are undone steer draws: {score}");
}
