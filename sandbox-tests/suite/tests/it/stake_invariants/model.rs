//! What stake should do, written from governance's README and its wire types and from nothing of its code. It is naive
//! on purpose: it keeps everything that ever happened, with its time, and whoever asks what counts has all of it
//! replayed. There are no periods' histories and nothing is pruned; a vote's weight is worked out again whenever
//! somebody looks. Storage is not in it; everybody has prepaid more than they need.

mod proposal;

use std::collections::{BTreeMap, BTreeSet};

pub use proposal::{Proposal, State};

/// Somebody, by number.
pub type Person = usize;

/// The first two are the council of both lines; the second owns the agent whose account is `BOT`; the last never has
/// anything.
pub const ANN: Person = 0;
pub const BEN: Person = 1;
pub const CID: Person = 2;
pub const DAN: Person = 3;
pub const BOT: Person = 4;
pub const EVE: Person = 5;
pub const PEOPLE: usize = 6;
/// Delegates from the beginning, who do nothing themselves.
pub const BYSTANDERS: usize = 8;
pub const EVERYBODY: usize = PEOPLE + BYSTANDERS;
pub const COUNCIL: [(Person, u128); 2] = [(ANN, 2), (BEN, 1)];

/// The line for contracts' code, which is not decided by stake; those that are; and one that is not there.
pub const CODE: u64 = 1;
pub const NEAR: u64 = 2;
pub const TOKEN: u64 = 3;
pub const NOWHERE: u64 = 9;
pub const LINES: [u64; 2] = [NEAR, TOKEN];

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
pub const UNLOCK_MS: u64 = 8 * HOUR_MS;
/// An eighth of that.
pub const PERIOD_MS: u64 = HOUR_MS;
/// A vote is in two or three periods.
pub const VOTE_MS: u64 = 90 * MINUTE_MS;
pub const EXTENSION_MS: u64 = 30 * MINUTE_MS;
pub const TIMELOCK_MS: u64 = HOUR_MS;
/// What is approved may be carried out for two weeks, and everything is kept for another day.
const KEPT_MS: u64 = 15 * DAY_MS;
pub const QUORUM_BPS: u128 = 2_000;
pub const THRESHOLD_BPS: u128 = 6_000;
pub const CENT: u128 = 10_000_000_000_000_000_000_000;
/// Most that is locked on a line in all.
pub const STAKE_MAX: u128 = 1 << 112;
/// Delegates of a holder.
const DELEGATES_MAX: usize = 8;
/// Later than anything.
pub const LATEST: u64 = u64::MAX;

pub fn floor(line: u64) -> u128 {
    if line == NEAR { 20 * CENT } else { 2 }
}

pub fn bond(line: u64) -> u128 {
    if line == NEAR { CENT } else { 0 }
}

pub fn period_begin_ms(now_ms: u64) -> u64 {
    now_ms / PERIOD_MS * PERIOD_MS
}

/// Something that somebody did on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Locked(u128),
    Unlocked(u128),
    Withdrawn(u128),
    Delegated {
        to: Person,
        number: u64,
        amount: u128,
    },
    /// An agent's account for its owner.
    Stood {
        number: u64,
        owner: Option<Person>,
    },
    StoodDown,
}

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub at_ms: u64,
    pub line: u64,
    pub by: Person,
    pub fact: Fact,
}

/// A call.
#[derive(Clone, Debug)]
pub enum Act {
    Lock {
        line: u64,
        amount: u128,
        attached: u128,
    },
    /// By `ft_transfer_call` of the line's token or of another one, with a message that names the line or means
    /// nothing.
    Transfer {
        line: u64,
        amount: u128,
        broken: bool,
        other: bool,
    },
    /// The token, or another one, says that the victim has sent some.
    Lie {
        line: u64,
        victim: Person,
        amount: u128,
        other: bool,
    },
    Unlock {
        line: u64,
        amount: u128,
    },
    Withdraw {
        line: u64,
    },
    Delegate {
        line: u64,
        to: Person,
        amount: u128,
    },
    Stand {
        line: u64,
    },
    StandAsAgent {
        line: u64,
    },
    StandDown {
        line: u64,
    },
    Propose {
        line: u64,
        amendment: bool,
    },
    Vote {
        id: u64,
        yes: bool,
        of_another: bool,
    },
    VoteAsAgent {
        id: u64,
        yes: bool,
        of_another: bool,
    },
    Queue {
        id: u64,
    },
    Forget {
        id: u64,
    },
    /// Everybody's.
    ForgetBallots {
        id: u64,
    },
}

#[derive(Clone, Debug)]
pub struct Step {
    pub by: Person,
    /// Whether the deposit is what the call takes.
    pub paid: bool,
    pub act: Act,
}

/// What should become of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// For one of these reasons; whatever the reason, if there is none.
    Refused(Vec<&'static str>),
    /// The README leaves it open, and it makes no difference to anybody.
    Either(Vec<&'static str>),
    /// It was tried, nothing arrived, and everything is as it was.
    Failed,
}

/// All that speaks against a step: which of it is said is no matter of ours.
#[derive(Default)]
struct Against(Vec<&'static str>);

impl Against {
    fn when(mut self, holds: bool, code: &'static str) -> Self {
        if holds {
            self.0.push(code);
        }
        self
    }

    /// What is wrong with any call about stake on this line.
    fn on(line: u64) -> Self {
        let there = LINES.contains(&line);
        let unknown = line == NOWHERE;
        Self::default().when(!there, "GOVERNANCE_NO_POOL").when(unknown, "GOVERNANCE_UNKNOWN_LINE")
    }

    fn end(self) -> End {
        if self.0.is_empty() { End::Done } else { End::Refused(self.0) }
    }

    /// If nothing speaks against it, it may be refused for these all the same.
    fn or_maybe(self, open: bool, codes: &[&'static str]) -> End {
        if self.0.is_empty() && open { End::Either(codes.to_vec()) } else { self.end() }
    }
}

/// What somebody has besides what is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    pub unlocking: u128,
    pub ready_ms: u64,
    pub free: u128,
}

impl Money {
    /// What is ready by now is free, and has no time any more.
    pub fn settle(&mut self, now_ms: u64) {
        if self.ready_ms <= now_ms {
            self.free += std::mem::take(&mut self.unlocking);
        }
        if self.unlocking == 0 {
            self.ready_ms = 0;
        }
    }
}

/// A delegate, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub number: u64,
    pub owner: Option<Person>,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub log: Vec<Event>,
    /// Who has a row on which line.
    pub rows: BTreeSet<(u64, Person)>,
    pub proposals: BTreeMap<u64, Proposal>,
    /// The last proposal that was there before, and how many were made since.
    pub before: u64,
    pub made: u64,
    /// Tokens that people have, and the contract; and those it was told of that never came.
    pub tokens: Vec<u128>,
    pub vault: u128,
    pub lied: u128,
    /// The token is switched off.
    pub fails: bool,
    /// Who owns the agent, and on which line it is.
    pub owner: Person,
    pub enrolled: Option<u64>,
}

/// What counted.
impl Model {
    fn of(&self, line: u64, by: Person, before_ms: u64) -> impl Iterator<Item = &Event> {
        self.log.iter().filter(move |event| event.line == line && event.by == by && event.at_ms < before_ms)
    }

    /// What somebody had locked by changes before a time. What changes in a period counts from the begin of the next:
    /// what counts at a begin is what was changed before it.
    pub fn locked(&self, line: u64, holder: Person, before_ms: u64) -> u128 {
        self.of(line, holder, before_ms).fold(0, |sum, event| match event.fact {
            Fact::Locked(amount) => sum + amount,
            Fact::Unlocked(amount) => sum - amount,
            _ => sum,
        })
    }

    pub fn all_locked(&self, line: u64, before_ms: u64) -> u128 {
        (0..EVERYBODY).map(|holder| self.locked(line, holder, before_ms)).sum()
    }

    /// What somebody had delegated, to whom and to which of its lives as a delegate.
    pub fn parts(&self, line: u64, holder: Person, before_ms: u64) -> BTreeMap<(Person, u64), u128> {
        let mut parts = BTreeMap::new();
        for event in self.of(line, holder, before_ms) {
            if let Fact::Delegated { to, number, amount } = event.fact {
                parts.insert((to, number), amount);
            }
        }
        parts.retain(|_, amount| *amount > 0);
        parts
    }

    /// Those of them that are not dead by now.
    pub fn live_parts(&self, line: u64, holder: Person, before_ms: u64) -> BTreeMap<(Person, u64), u128> {
        let mut parts = self.parts(line, holder, before_ms);
        parts.retain(|(to, number), _| self.standing(line, *to).is_some_and(|standing| standing.number == *number));
        parts
    }

    pub fn received(&self, line: u64, to: Person, number: u64, before_ms: u64) -> u128 {
        let from = |holder| self.parts(line, holder, before_ms).get(&(to, number)).copied().unwrap_or_default();
        (0..EVERYBODY).map(from).sum()
    }

    pub fn standing(&self, line: u64, who: Person) -> Option<Standing> {
        self.of(line, who, LATEST).fold(None, |standing, event| match event.fact {
            Fact::Stood { number, owner } => Some(Standing { number, owner }),
            Fact::StoodDown => None,
            _ => standing,
        })
    }

    /// How many delegates there ever were.
    pub fn stood(&self, line: u64) -> u64 {
        let stood = |event: &&Event| event.line == line && matches!(event.fact, Fact::Stood { .. });
        u64::try_from(self.log.iter().filter(stood).count()).unwrap()
    }

    /// What can be unlocked, or delegated anew.
    pub fn available(&self, line: u64, holder: Person) -> u128 {
        let delegated: u128 = self.live_parts(line, holder, LATEST).values().sum();
        self.locked(line, holder, LATEST) - delegated
    }

    pub fn part(&self, line: u64, holder: Person, to: Person) -> u128 {
        let parts = self.live_parts(line, holder, LATEST);
        parts.iter().find(|((known, _), _)| *known == to).map_or(0, |(_, amount)| *amount)
    }

    /// All that was unlocked waits until `UNLOCK_MS` after the period of the last of it; what was ready stays ready.
    pub fn money(&self, line: u64, holder: Person, now_ms: u64) -> Money {
        let mut money = Money::default();
        for event in self.of(line, holder, LATEST) {
            match event.fact {
                Fact::Unlocked(amount) => {
                    money.settle(event.at_ms);
                    money.unlocking += amount;
                    money.ready_ms = period_begin_ms(event.at_ms) + PERIOD_MS + UNLOCK_MS;
                }
                Fact::Withdrawn(amount) => {
                    money.settle(event.at_ms);
                    money.free -= amount;
                }
                _ => {}
            }
        }
        money.settle(now_ms);
        money
    }

    /// All that the contract holds for the holders of a line.
    pub fn held(&self, line: u64, now_ms: u64) -> u128 {
        let of = |holder| {
            let money = self.money(line, holder, now_ms);
            self.locked(line, holder, LATEST) + money.unlocking + money.free
        };
        (0..EVERYBODY).map(of).sum()
    }
}

/// What may be done.
impl Model {
    pub fn judge(&self, Step { by, paid, act }: &Step, now_ms: u64) -> End {
        if !paid {
            return End::Refused(Vec::new());
        }
        let by = *by;
        match *act {
            Act::Lock { line, amount, attached } => Self::judge_lock(line, amount, attached),
            Act::Transfer { line, amount, broken, other } => {
                let short = !other && self.tokens[by] < amount;
                let told = self.told(by, line, amount, broken, other);
                told.when(!other && self.fails, "TOKEN_FAILS").when(short, "TOKEN_SHORT").end()
            }
            Act::Lie { line, victim, amount, other } => {
                self.told(victim, line, amount, false, other).or_maybe(amount == 0, &["GOVERNANCE_BAD_AMOUNT"])
            }
            Act::Unlock { line, amount } => {
                let short = amount > self.available(line, by);
                let against = self.holders(line, by).when(amount == 0, "GOVERNANCE_BAD_AMOUNT");
                against.when(short, "GOVERNANCE_STAKE_SHORT").end()
            }
            Act::Withdraw { line } => self.judge_withdraw(by, line, now_ms),
            Act::Delegate { line, to, amount } => self.judge_delegate(by, line, to, amount),
            Act::Stand { line } => {
                Against::on(line).when(self.standing(line, by).is_some(), "GOVERNANCE_IS_DELEGATE").end()
            }
            Act::StandAsAgent { line } => {
                let stands = self.standing(line, by).is_some();
                let against = Against::on(line).when(stands, "GOVERNANCE_IS_DELEGATE");
                let open = self.enrolled == Some(line);
                against.when(by != BOT, "GOVERNANCE_NOT_AGENT").or_maybe(open, &["GOVERNANCE_AGENTS_LINE"])
            }
            Act::StandDown { line } => {
                Against::on(line).when(self.standing(line, by).is_none(), "GOVERNANCE_NOT_DELEGATE").end()
            }
            Act::Propose { line, .. } if !LINES.contains(&line) => End::Refused(Vec::new()),
            Act::Propose { line, .. } => {
                Against::default().when(!self.may_propose(by, line, now_ms), "GOVERNANCE_NOT_MEMBER").end()
            }
            _ => self.judge_proposals(by, act, now_ms),
        }
    }

    fn judge_lock(line: u64, amount: u128, attached: u128) -> End {
        let (near, token) = (line == NEAR, line == TOKEN);
        let short = amount > 0 && attached < amount;
        let against = Against::on(line)
            .when(near && amount == 0, "GOVERNANCE_BAD_AMOUNT")
            .when(short, "GOVERNANCE_NOT_ATTACHED")
            .when(token && amount > 0, "GOVERNANCE_WRONG_ASSET");
        against.end()
    }

    /// What speaks against a token's word.
    fn told(&self, sender: Person, line: u64, amount: u128, broken: bool, other: bool) -> Against {
        let no_row = !self.rows.contains(&(line, sender));
        Against::on(line)
            .when(broken, "GOVERNANCE_BAD_MESSAGE")
            .when(line == NEAR || other || no_row, "GOVERNANCE_WRONG_ASSET")
            .when(no_row, "GOVERNANCE_NOT_HOLDER")
            .when(self.all_locked(line, LATEST) + amount > STAKE_MAX, "GOVERNANCE_TOO_MUCH_STAKE")
    }

    fn holders(&self, line: u64, by: Person) -> Against {
        Against::on(line).when(!self.rows.contains(&(line, by)), "GOVERNANCE_NOT_HOLDER")
    }

    fn judge_withdraw(&self, by: Person, line: u64, now_ms: u64) -> End {
        let (money, against) = (self.money(line, by, now_ms), self.holders(line, by));
        if !against.0.is_empty() {
            return against.end();
        }
        if money.free == 0 {
            let empty = money.unlocking == 0 && self.locked(line, by, LATEST) == 0;
            // A row with nothing in it goes.
            return against.when(!empty, "GOVERNANCE_NOTHING_READY").end();
        }
        let stuck = line == TOKEN && (self.fails || self.vault < money.free);
        if stuck { End::Failed } else { End::Done }
    }

    fn judge_delegate(&self, by: Person, line: u64, to: Person, amount: u128) -> End {
        let standing = self.standing(line, to);
        let others = standing.is_some_and(|standing| standing.owner.is_some_and(|owner| owner != by));
        let of_holder = self.holders(line, by);
        if amount == 0 {
            // Nothing is taken from a delegate that has nothing, or is none, with or without a word.
            let open = self.part(line, by, to) == 0;
            return of_holder.or_maybe(open, &[]);
        }
        let had = self.part(line, by, to);
        let of_others = self.live_parts(line, by, LATEST).keys().filter(|(known, _)| *known != to).count();
        of_holder
            .when(to == by, "GOVERNANCE_ONESELF")
            .when(standing.is_none(), "GOVERNANCE_NOT_DELEGATE")
            .when(others, "GOVERNANCE_OTHERS_AGENT")
            .when(amount > self.available(line, by) + had, "GOVERNANCE_STAKE_SHORT")
            .when(had == 0 && of_others >= DELEGATES_MAX, "GOVERNANCE_TOO_MANY_DELEGATES")
            .end()
    }

    /// A hundredth of all that counts now, or a seat on the council.
    fn may_propose(&self, by: Person, line: u64, now_ms: u64) -> bool {
        if COUNCIL.iter().any(|(member, _)| *member == by) {
            return true;
        }
        let then_ms = period_begin_ms(now_ms);
        let (standing, own) = (self.standing(line, by), self.locked(line, by, then_ms));
        let votes_for = standing.map_or(0, |standing| self.received(line, by, standing.number, then_ms));
        let amount = own + votes_for;
        amount > 0 && amount * 100 >= self.all_locked(line, then_ms).max(floor(line))
    }
}

/// What it does.
impl Model {
    pub fn apply(&mut self, Step { by, act, .. }: &Step, now_ms: u64) {
        let by = *by;
        match *act {
            Act::Lock { line, amount, .. } => {
                self.rows.insert((line, by));
                if amount > 0 {
                    self.note(now_ms, line, by, Fact::Locked(amount));
                }
            }
            Act::Transfer { line, amount, .. } => {
                self.tokens[by] -= amount;
                self.vault += amount;
                self.note(now_ms, line, by, Fact::Locked(amount));
            }
            Act::Lie { line, victim, amount, .. } => {
                self.lied += amount;
                self.note(now_ms, line, victim, Fact::Locked(amount));
            }
            Act::Unlock { line, amount } => self.note(now_ms, line, by, Fact::Unlocked(amount)),
            Act::Withdraw { line } => self.withdraw(by, line, now_ms),
            Act::Delegate { line, to, amount } => {
                if let Some(Standing { number, .. }) = self.standing(line, to) {
                    self.note(now_ms, line, by, Fact::Delegated { to, number, amount });
                }
            }
            Act::Stand { line } => {
                let number = self.stood(line) + 1;
                self.note(now_ms, line, by, Fact::Stood { number, owner: None });
            }
            Act::StandAsAgent { line } => {
                let (number, owner) = (self.stood(line) + 1, Some(self.owner));
                self.note(now_ms, line, by, Fact::Stood { number, owner });
            }
            Act::StandDown { line } => self.note(now_ms, line, by, Fact::StoodDown),
            _ => self.apply_proposals(by, act, now_ms),
        }
    }

    pub fn note(&mut self, at_ms: u64, line: u64, by: Person, fact: Fact) {
        self.log.push(Event { at_ms, line, by, fact });
    }

    fn withdraw(&mut self, by: Person, line: u64, now_ms: u64) {
        let ready = self.money(line, by, now_ms).free;
        if line == TOKEN {
            self.vault -= ready;
            self.tokens[by] += ready;
        }
        self.note(now_ms, line, by, Fact::Withdrawn(ready));
        let left = self.money(line, by, now_ms).unlocking + self.locked(line, by, LATEST);
        if left == 0 {
            self.rows.remove(&(line, by));
        }
    }
}
