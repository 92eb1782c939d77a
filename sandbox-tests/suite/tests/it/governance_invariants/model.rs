//! What governance should do, written from its documentation and from nothing of its code. Tallies are counted from the
//! ballots when somebody asks. Storage is not in it; everybody has prepaid more than they need.

use std::collections::BTreeMap;

/// Somebody, by number.
pub type Person = usize;

const HOUR_MS: u64 = 3_600_000;
/// How long what is approved may be carried out.
const OPEN_MS: u64 = 14 * 24 * HOUR_MS;
/// The line for contracts' code, and the people's.
pub const CODE: u64 = 1;
pub const PEOPLES: u64 = 2;
/// What the last of these does to a contract that gets it.
pub const CODES: usize = 3;
pub const BROKEN: usize = CODES - 1;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constitution {
    pub council: BTreeMap<Person, u64>,
    /// Parts of all weight, and of the votes, that have to be yes.
    pub quorum_bps: u64,
    pub threshold_bps: u64,
    pub guardian: Option<Person>,
}

/// A call. What it is about is the proposal of its step.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// For the line as it is, or as it was before.
    ProposeRelease {
        stale: bool,
    },
    ProposeAmendment {
        next: Constitution,
        stale: bool,
    },
    /// One of the codes, for what runs now or for what ran before that.
    ProposeUpgrade {
        code: usize,
        stale: bool,
    },
    Vote {
        yes: bool,
        of_another: bool,
    },
    Queue,
    Publish,
    Amend,
    /// With the bytes that were voted on, or others.
    Execute {
        swapped: bool,
    },
    Cancel,
    Forget,
    Wait(u64),
}

/// Who calls what about which proposal.
#[derive(Clone, Debug)]
pub struct Step {
    pub by: Person,
    pub proposal: u64,
    /// Whether the deposit is what the call takes.
    pub paid: bool,
    pub what: Move,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Voting,
    Rejected,
    Approved,
    Done,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A release by its number.
    Release(u64),
    Amendment(Constitution),
    /// A code, in place of a deployment by its number.
    Code(usize, u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub line: u64,
    pub about: About,
    pub proposer: Person,
    /// As it was when the proposal was made.
    pub by: Constitution,
    /// How often the head or the constitution had moved by then.
    pub base: u64,
    pub end_ms: u64,
    pub eta_ms: u64,
    pub ballots: BTreeMap<Person, bool>,
    pub state: State,
    /// Whether an attempt failed; whether for good.
    pub failed: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub now: Constitution,
    pub head: u64,
    pub seq: u64,
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Refused,
    /// It was tried, and the contract did not take it.
    Failed,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub lines: BTreeMap<u64, Line>,
    pub proposals: BTreeMap<u64, Proposal>,
    /// The last proposal that was there before, and how many were made since.
    pub before: u64,
    pub made: u64,
    pub releases: u64,
    /// Of the contract that is upgraded.
    pub deployment: u64,
}

impl Proposal {
    pub fn weight(&self, yes: bool) -> u64 {
        self.ballots.iter().filter(|(_, choice)| **choice == yes).map(|(person, _)| self.by.council[person]).sum()
    }

    fn passes(&self) -> bool {
        let all: u64 = self.by.council.values().sum();
        let (yes, no) = (self.weight(true), self.weight(false));
        // Who decides, and the code of the contracts, change by a majority at least.
        let is_release = matches!(self.about, About::Release(_));
        let quorum = if is_release { self.by.quorum_bps } else { self.by.quorum_bps.max(5_001) };
        yes > 0 && yes * 10_000 >= quorum * all && yes * 10_000 >= self.by.threshold_bps * (yes + no)
    }

    pub fn is_due(&self, now_ms: u64) -> bool {
        self.state == State::Approved && (self.eta_ms..=self.eta_ms + OPEN_MS).contains(&now_ms)
    }
}

impl Model {
    pub fn play(&mut self, step: &Step, now_ms: u64) -> End {
        if !step.paid {
            return End::Refused;
        }
        let done = match &step.what {
            Move::ProposeRelease { stale } => {
                let about = About::Release(self.releases + 1);
                let made = (!stale).then(|| self.propose(step.by, PEOPLES, about, now_ms)).flatten();
                self.releases += u64::from(made.is_some());
                made
            }
            Move::ProposeAmendment { next, stale } => {
                let sound = !next.council.is_empty() && !stale;
                sound.then(|| self.propose(step.by, PEOPLES, About::Amendment(next.clone()), now_ms)).flatten()
            }
            Move::ProposeUpgrade { code, stale } => {
                let replaces = self.deployment + u64::from(*stale);
                self.propose(step.by, CODE, About::Code(*code, replaces), now_ms)
            }
            Move::Execute { swapped } => return self.execute(step.proposal, *swapped, now_ms),
            Move::Wait(_) => Some(()),
            Move::Forget => self.forget(step.proposal, now_ms),
            Move::Vote { .. } | Move::Queue | Move::Publish | Move::Amend | Move::Cancel => self.settle(step, now_ms),
        };
        if done.is_some() { End::Done } else { End::Refused }
    }

    fn propose(&mut self, by: Person, line: u64, about: About, now_ms: u64) -> Option<()> {
        let of = self.lines.get(&line)?;
        of.now.council.get(&by)?;
        let base = match about {
            About::Release(_) => of.seq,
            About::Amendment(_) => of.version,
            About::Code(..) => 0,
        };
        let end_ms = now_ms + HOUR_MS;
        let proposal = Proposal {
            line,
            about,
            proposer: by,
            by: of.now.clone(),
            base,
            end_ms,
            eta_ms: end_ms + HOUR_MS,
            ballots: BTreeMap::new(),
            state: State::Voting,
            failed: None,
        };
        self.made += 1;
        self.proposals.insert(self.newest(), proposal);
        Some(())
    }

    pub fn newest(&self) -> u64 {
        self.before + self.made
    }

    /// A day after nothing can come of it any more, whoever asks, whatever became of it.
    fn forget(&mut self, id: u64, now_ms: u64) -> Option<()> {
        let proposal = self.proposals.get(&id)?;
        (now_ms > proposal.eta_ms + OPEN_MS + 24 * HOUR_MS).then_some(())?;
        self.proposals.remove(&id).map(|_| ())
    }

    fn settle(&mut self, Step { by, proposal, what, .. }: &Step, now_ms: u64) -> Option<()> {
        let proposal = self.proposals.get_mut(proposal)?;
        let line = self.lines.get_mut(&proposal.line)?;
        let open = proposal.state == State::Voting && now_ms < proposal.end_ms;
        match what {
            Move::Vote { yes, of_another } => {
                proposal.by.council.get(by)?;
                (open && !of_another).then_some(())?;
                proposal.ballots.insert(*by, *yes);
            }
            Move::Queue => {
                (proposal.state == State::Voting && !open).then_some(())?;
                proposal.state = if proposal.passes() { State::Approved } else { State::Rejected };
            }
            Move::Publish => {
                let About::Release(release) = proposal.about else { return None };
                (proposal.is_due(now_ms) && proposal.base == line.seq).then_some(())?;
                (line.head, line.seq, proposal.state) = (release, line.seq + 1, State::Done);
            }
            Move::Amend => {
                let About::Amendment(next) = &proposal.about else { return None };
                (proposal.is_due(now_ms) && proposal.base == line.version).then_some(())?;
                (line.now, line.version, proposal.state) = (next.clone(), line.version + 1, State::Done);
            }
            Move::Cancel => {
                let stopped = matches!(proposal.state, State::Voting | State::Approved);
                if !(open && proposal.proposer == *by) {
                    (stopped && line.now.guardian == Some(*by)).then_some(())?;
                    line.now.guardian = None;
                    line.version += 1;
                }
                proposal.state = State::Cancelled;
            }
            _ => return None,
        }
        Some(())
    }

    fn execute(&mut self, proposal: u64, swapped: bool, now_ms: u64) -> End {
        let Some(proposal) = self.proposals.get_mut(&proposal) else { return End::Refused };
        let About::Code(code, replaces) = proposal.about else { return End::Refused };
        if swapped || !proposal.is_due(now_ms) {
            return End::Refused;
        }
        let stale = replaces != self.deployment;
        if stale || code == BROKEN {
            proposal.failed = Some(stale);
            return End::Failed;
        }
        self.deployment += 1;
        (proposal.state, proposal.failed) = (State::Done, None);
        End::Done
    }
}
