//! What must be true of tasks, by a second reckoning that shares no code with the contract and was written from its README:
//! who may do what and when, who gets what, and what is left when a transfer does not arrive. It can't tell who is drawn, so
//! it is told, says whether that may be, and all that follows of it.

mod reviewers;
mod rounds;
mod sets;
mod settling;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

pub use reviewers::{Reviewer, SLACK, SLOTS_MAX, UNBOND_MS};
pub use rounds::{Outcome, Round, Verdict, Windows};
pub use sets::{Deadlines, NewSet, Set, Shown};
pub use settling::MINORITY_LOSS;
pub use steps::{Act, Step};

use crate::tasks_bytes::{About, Chain, Hash};

/// Of the people, by number.
pub type Person = usize;
pub type Asset = usize;
/// A set, in the order in which they were posted, and an index in it.
pub type TaskKey = (usize, u32);

pub const NEAR: Asset = 0;
pub const TOKEN: Asset = 1;
pub const ASSETS: usize = 2;
/// What a slot is: 1 NEAR.
pub const SLOT: u128 = 1_000_000_000_000_000_000_000_000;

/// Why something is refused: all that is wrong with it. Which of these is told first is the contract's business.
pub type Faults = Vec<&'static str>;
pub type Judged<T = ()> = Result<T, Faults>;

/// Refused with the codes of all that holds.
fn refuse_if(faults: &[(bool, &'static str)]) -> Judged {
    let codes: Faults = faults.iter().filter(|fault| fault.0).map(|fault| fault.1).collect();
    if codes.is_empty() { Ok(()) } else { Err(codes) }
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Taken,
    Committed { hash: Hash, at_ms: u64 },
    Revealed { answer: Hash },
}

/// A task that somebody took.
#[derive(Clone, Debug)]
pub struct Task {
    pub worker: Person,
    /// Which time it is that this index is taken, from 1 up.
    pub attempt: u32,
    pub taken_ms: u64,
    pub deposit: u128,
    pub work: Work,
    /// Rounds that were drawn.
    pub rounds: Vec<Round>,
    /// A panel is about to be.
    pub drawing: bool,
    pub appellant: Option<Person>,
    pub shown: bool,
    /// Rounds that were settled.
    pub settled: usize,
    /// Of the set's asset: the reward and all fees that are not paid yet.
    pub pot: u128,
}

impl Task {
    /// Whether somebody is on either panel.
    pub fn sits(&self, by: Person) -> bool {
        self.rounds.iter().any(|round| round.seats.iter().any(|seat| seat.by == by))
    }
}

/// What is known of an account for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub done_good: u64,
    pub done_bad: u64,
    pub silent_work: u64,
    pub majority: u64,
    pub minority: u64,
    pub silent_verdicts: u64,
}

/// What an account's shown honeypots at one requester say, as a worker and as a reviewer: right and missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub worker: [u32; 2],
    pub reviewer: [u32; 2],
}

/// Of one asset: all that ever came, and all that arrived at somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub received: u128,
    pub paid: u128,
}

/// What a withdrawal sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: Person,
    pub asset: Asset,
    pub amount: u128,
}

#[derive(Clone, Default)]
pub struct Model {
    /// Where commitments are made, what people are called, and what the contract calls the sets, in the order in which they
    /// were posted.
    pub chain: Chain,
    pub names: Vec<String>,
    pub ids: Vec<u64>,
    /// By their number; those that are gone are not there.
    pub sets: BTreeMap<usize, Set>,
    pub posted: usize,
    pub tasks: BTreeMap<TaskKey, Task>,
    pub reviewers: BTreeMap<Person, Reviewer>,
    /// Of those that have a row.
    pub balances: BTreeMap<(Person, Asset), u128>,
    /// Rows that somebody else pays for: the requester whose task first paid there.
    pub guests: BTreeMap<(Person, Asset), Person>,
    /// Rows of which something is on its way out.
    pub on_the_way: BTreeSet<(Person, Asset)>,
    pub records: BTreeMap<Person, Record>,
    /// Of a requester about an account.
    pub marks: BTreeMap<(Person, Person), Marks>,
    pub sums: [Sums; ASSETS],
    /// Tokens of the people.
    pub tokens: Vec<u128>,
    /// The token is switched off, or sends nothing to these.
    pub fails: bool,
    pub refused: BTreeSet<Person>,
    /// NEAR that arrived at somebody since somebody looked.
    pub arrived: BTreeMap<Person, u128>,
}

impl Model {
    /// Everything that one transaction does, one step after the other. If one is refused, none of them happened. Transfers
    /// arrive or come back when all steps are done; answers the code of one that came back, where the call waits for it.
    pub fn play(&mut self, acts: &[Act], by: Person, now_ms: u64) -> Judged<Option<&'static str>> {
        let mut next = self.clone();
        let mut transfers = Vec::new();
        for act in acts {
            let deposit = act.deposit_fault();
            match next.step(act, by, now_ms) {
                Ok(sent) => transfers.extend(sent),
                Err(faults) => return Err([deposit.into_iter().collect(), faults].concat()),
            }
            if let Some(code) = deposit {
                return Err(vec![code]);
            }
        }
        let mut came_back = false;
        for sent in transfers {
            came_back = !next.arrive(sent);
        }
        *self = next;
        Ok(came_back.then_some("TASKS_TRANSFER_FAILED"))
    }

    fn reaches(&self, to: Person, asset: Asset) -> bool {
        asset == NEAR || !self.fails && !self.refused.contains(&to)
    }

    fn arrive(&mut self, Sent { to, asset, amount }: Sent) -> bool {
        self.on_the_way.remove(&(to, asset));
        let reaches = self.reaches(to, asset);
        if reaches {
            self.sums[asset].paid += amount;
            if asset == NEAR {
                *self.arrived.entry(to).or_default() += amount;
            } else {
                self.tokens[to] += amount;
            }
            if self.balances.get(&(to, asset)) == Some(&0) {
                self.forget_balance((to, asset));
            }
        } else {
            *self.balances.entry((to, asset)).or_default() += amount;
        }
        reaches
    }

    /// What comes into the books.
    fn receive(&mut self, asset: Asset, amount: u128) {
        self.sums[asset].received += amount;
    }

    /// What somebody is owed. Who has no row gets one, of which `payer` pays the storage.
    fn credit(&mut self, to: Person, asset: Asset, amount: u128, payer: Person) {
        if amount == 0 {
            return;
        }
        if !self.balances.contains_key(&(to, asset)) && payer != to {
            self.guests.insert((to, asset), payer);
        }
        *self.balances.entry((to, asset)).or_default() += amount;
    }

    fn forget_balance(&mut self, row: (Person, Asset)) {
        self.balances.remove(&row);
        self.guests.remove(&row);
    }

    /// What something costs, out of a balance.
    fn debit(&mut self, by: Person, asset: Asset, amount: u128) -> Judged {
        let has = self.balances.get(&(by, asset)).copied().unwrap_or_default();
        refuse_if(&[(has < amount, "TASKS_NOT_COVERED")])?;
        if amount > 0 {
            self.balances.insert((by, asset), has - amount);
        }
        Ok(())
    }

    /// What commitments of a task's parties are about.
    pub fn about(&self, key: TaskKey, attempt: u32) -> About {
        About { set: self.ids.get(key.0).copied().unwrap_or_default(), index: key.1, attempt }
    }

    pub fn set_of(&self, key: TaskKey) -> &Set {
        &self.sets[&key.0]
    }

    fn task(&mut self, key: TaskKey) -> &mut Task {
        self.tasks.get_mut(&key).expect("it is there")
    }

    fn record(&mut self, of: Person) -> &mut Record {
        self.records.entry(of).or_default()
    }

    /// What the contract holds of an asset, by what it is held for.
    pub fn held(&self, asset: Asset) -> u128 {
        let balances = self.balances.iter().filter(|row| row.0.1 == asset).map(|row| *row.1);
        let sets = self.sets.values().filter(|set| set.asset == asset).map(Set::escrowed);
        let tasks = self.tasks.iter().filter(|task| self.set_of(*task.0).asset == asset).map(|task| task.1.pot);
        let sum: u128 = balances.chain(sets).chain(tasks).sum();
        if asset != NEAR {
            return sum;
        }
        let bonds = self.reviewers.values().map(Reviewer::held);
        // The deposit is back from the reveal on.
        let waiting = self.tasks.values().filter(|task| !matches!(task.work, Work::Revealed { .. }));
        sum + bonds.chain(waiting.map(|task| task.deposit)).sum::<u128>()
    }
}
