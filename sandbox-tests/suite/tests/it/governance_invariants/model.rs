//! What governance should do, written from its documentation and from nothing of its code. Tallies are counted from the
//! ballots when somebody asks, and the end of a timelock from the end of the vote. Storage is not in it; everybody has
//! prepaid more than they need.

mod agents;
mod proposal;

use std::collections::{BTreeMap, BTreeSet};

pub use agents::{Agent, Enrolled};
pub use proposal::{Ballot, Proposal, State};

/// Somebody, by number.
pub type Person = usize;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How long what is approved may be carried out.
const OPEN_MS: u64 = 14 * DAY_MS;
/// Longest pause.
pub const PAUSE_MS: u64 = 7 * DAY_MS;
/// The smallest bond, 0.01 NEAR, and one that nobody has prepaid.
pub const CENT: u128 = 10_000_000_000_000_000_000_000;
pub const DEAR: u128 = 5_000 * CENT;
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
    pub extension_ms: u64,
    pub proposal_bond: u128,
    pub enrolment_bond: u128,
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
    /// Who does it rightly is the guardian, or who made the proposal.
    Cancel {
        own: bool,
    },
    Forget,
    /// With this agent.
    Object {
        agent: Agent,
    },
    /// Everybody's.
    ForgetObjections,
    Pause {
        line: u64,
        ms: u64,
    },
    Enroll {
        agent: Agent,
        line: u64,
    },
    Leave {
        agent: Agent,
    },
    /// In the registry, which tells nobody of it.
    Sell {
        agent: Agent,
        to: Person,
    },
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

#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A release by its number.
    Release(u64),
    Amendment(Constitution),
    /// A code, in place of a deployment by its number.
    Code(usize, u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub now: Constitution,
    pub head: u64,
    pub seq: u64,
    pub version: u64,
    pub paused_until_ms: u64,
}

/// What should become of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// For one of these reasons; whatever the reason, if there is none.
    Refused(Vec<&'static str>),
    /// It was tried, and the contract did not take it.
    Failed,
}

/// All that speaks against a step: which of it is said is no matter of ours.
type Answer = Result<(), Vec<&'static str>>;

fn unless(reasons: &[(bool, &'static str)]) -> Answer {
    let against: Vec<_> = reasons.iter().filter(|(holds, _)| *holds).map(|(_, code)| *code).collect();
    if against.is_empty() { Ok(()) } else { Err(against) }
}

fn unknown() -> Vec<&'static str> {
    vec!["GOVERNANCE_UNKNOWN_PROPOSAL"]
}

fn wrong_kind() -> Vec<&'static str> {
    vec!["GOVERNANCE_WRONG_KIND"]
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub lines: BTreeMap<u64, Line>,
    pub proposals: BTreeMap<u64, Proposal>,
    /// Whose agents are, as the registry has it.
    pub owner_of: Vec<Person>,
    pub enrolled: BTreeMap<Agent, Enrolled>,
    /// Who objects to what, as far as that is kept.
    pub objecting: BTreeSet<(u64, Person)>,
    /// The last proposal that was there before, and how many were made since.
    pub before: u64,
    pub made: u64,
    pub releases: u64,
    /// Of the contract that is upgraded.
    pub deployment: u64,
}

impl Line {
    /// The guardian acts once, and that makes another constitution.
    fn end_office(&mut self) {
        self.now.guardian = None;
        self.version += 1;
    }
}

impl Model {
    pub fn play(&mut self, step: &Step, now_ms: u64) -> End {
        if !step.paid {
            return End::Refused(Vec::new());
        }
        let Step { by, proposal: id, .. } = *step;
        let done = match &step.what {
            Move::ProposeRelease { stale } => {
                let about = About::Release(self.releases + 1);
                self.propose(by, PEOPLES, about, *stale, now_ms)
            }
            Move::ProposeAmendment { next, stale } => {
                self.propose(by, PEOPLES, About::Amendment(next.clone()), *stale, now_ms)
            }
            Move::ProposeUpgrade { code, stale } => {
                let replaces = self.deployment + u64::from(*stale);
                self.propose(by, CODE, About::Code(*code, replaces), false, now_ms)
            }
            Move::Execute { swapped } => return self.execute(id, *swapped, now_ms),
            Move::Forget => self.forget(id, now_ms),
            Move::Pause { line, ms } => self.pause(by, *line, *ms, now_ms),
            Move::Object { agent } => self.object(by, id, *agent, now_ms),
            Move::ForgetObjections => self.forget_objections(id, now_ms),
            Move::Enroll { agent, line } => self.enroll(by, *agent, *line),
            Move::Leave { agent } => self.leave(by, *agent),
            Move::Vote { yes, of_another } => self.vote(by, id, *yes, *of_another, now_ms),
            Move::Queue | Move::Publish | Move::Amend | Move::Cancel { .. } => self.settle(step, now_ms),
            Move::Sell { .. } | Move::Wait(_) => Ok(()),
        };
        done.map_or_else(End::Refused, |()| End::Done)
    }

    fn propose(&mut self, by: Person, line: u64, about: About, stale: bool, now_ms: u64) -> Answer {
        let of = &self.lines[&line];
        let empty = matches!(&about, About::Amendment(next) if next.council.is_empty());
        unless(&[
            (!of.now.council.contains_key(&by), "GOVERNANCE_NOT_MEMBER"),
            (stale, "GOVERNANCE_SUPERSEDED"),
            (empty, "GOVERNANCE_BAD_COUNCIL"),
        ])?;
        let base = match about {
            About::Release(_) => of.seq,
            About::Amendment(_) => of.version,
            About::Code(..) => 0,
        };
        self.releases += u64::from(matches!(about, About::Release(_)));
        let proposal = Proposal {
            line,
            about,
            proposer: by,
            by: of.now.clone(),
            base,
            owners: self.owners(line),
            objections: 0,
            again: false,
            start_ms: now_ms,
            end_ms: now_ms + HOUR_MS,
            ballots: BTreeMap::new(),
            state: State::Voting,
            failed: None,
        };
        self.made += 1;
        self.proposals.insert(self.newest(), proposal);
        Ok(())
    }

    pub fn newest(&self) -> u64 {
        self.before + self.made
    }

    /// A day after nothing can come of it any more, whoever asks, whatever became of it.
    fn forget(&mut self, id: u64, now_ms: u64) -> Answer {
        let proposal = self.proposals.get(&id).ok_or_else(unknown)?;
        unless(&[(now_ms <= proposal.eta_ms() + OPEN_MS + DAY_MS, "GOVERNANCE_OPEN")])?;
        self.proposals.remove(&id);
        Ok(())
    }

    fn pause(&mut self, by: Person, line: u64, ms: u64, now_ms: u64) -> Answer {
        let line = self.lines.get_mut(&line).unwrap();
        unless(&[
            (line.now.guardian != Some(by), "GOVERNANCE_NOT_GUARDIAN"),
            (ms == 0 || ms > PAUSE_MS, "GOVERNANCE_BAD_PAUSE"),
        ])?;
        line.paused_until_ms = now_ms + ms;
        line.end_office();
        Ok(())
    }

    fn vote(&mut self, by: Person, id: u64, yes: bool, of_another: bool, now_ms: u64) -> Answer {
        let proposal = self.proposals.get_mut(&id).ok_or_else(unknown)?;
        unless(&[
            (!proposal.by.council.contains_key(&by), "GOVERNANCE_NOT_MEMBER"),
            (!proposal.is_open(now_ms), "GOVERNANCE_VOTE_ENDED"),
            (of_another, "GOVERNANCE_WRONG_CONTENT_HASH"),
        ])?;
        let passed = proposal.passes();
        proposal.ballots.insert(by, Ballot { yes, again: proposal.again });
        proposal.leave_time(passed, now_ms);
        Ok(())
    }

    fn settle(&mut self, Step { by, proposal, what, .. }: &Step, now_ms: u64) -> Answer {
        let proposal = self.proposals.get_mut(proposal).ok_or_else(unknown)?;
        let line = self.lines.get_mut(&proposal.line).unwrap();
        let open = proposal.is_open(now_ms);
        match what {
            Move::Queue => {
                unless(&[
                    (proposal.state != State::Voting, "GOVERNANCE_NOT_APPROVED"),
                    (open, "GOVERNANCE_VOTE_RUNNING"),
                ])?;
                proposal.count();
            }
            Move::Publish => {
                let About::Release(release) = proposal.about else { return Err(wrong_kind()) };
                proposal.check_due(line, now_ms)?;
                (line.head, line.seq, proposal.state) = (release, line.seq + 1, State::Done);
            }
            Move::Amend => {
                let About::Amendment(next) = &proposal.about else { return Err(wrong_kind()) };
                proposal.check_due(line, now_ms)?;
                (line.now, line.version, proposal.state) = (next.clone(), line.version + 1, State::Done);
            }
            Move::Cancel { .. } => {
                // What is voted on again was decided once; who made it has no say in that.
                let takes_back = proposal.proposer == *by && open && !proposal.again;
                let guards = line.now.guardian == Some(*by);
                let undone = matches!(proposal.state, State::Voting | State::Approved);
                unless(&[
                    (proposal.proposer != *by && !guards, "GOVERNANCE_NOT_PROPOSER"),
                    (!(takes_back || guards && undone), "GOVERNANCE_NOT_CANCELLABLE"),
                ])?;
                if !takes_back {
                    line.end_office();
                }
                proposal.state = State::Cancelled;
            }
            _ => unreachable!("{what:?} is played elsewhere"),
        }
        Ok(())
    }

    fn execute(&mut self, id: u64, swapped: bool, now_ms: u64) -> End {
        let Some(proposal) = self.proposals.get_mut(&id) else { return End::Refused(unknown()) };
        let About::Code(code, replaces) = proposal.about else { return End::Refused(wrong_kind()) };
        let due = proposal.check_due(&self.lines[&proposal.line], now_ms);
        if let Err(against) = due.and_then(|()| unless(&[(swapped, "GOVERNANCE_WRONG_CODE")])) {
            return End::Refused(against);
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
