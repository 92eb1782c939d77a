//! Votes: who has which weight is worked out from who voted, what was locked and what was delegated when the proposal's
//! period began, whatever the order was in which it happened.

use super::{
    Act, Against, BOT, COUNCIL, EVERYBODY, EXTENSION_MS, End, KEPT_MS, Model, Person, QUORUM_BPS, THRESHOLD_BPS,
    TIMELOCK_MS, VOTE_MS, bond, floor, period_begin_ms,
};

const BPS: u128 = 10_000;
/// Who decides changes by a majority of all.
const MAJORITY_BPS: u128 = 5_001;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Voting,
    Rejected,
    Approved,
}

/// That somebody votes, and as what.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    pub voter: Person,
    pub yes: bool,
    /// Which delegate it was; 0 if none.
    pub number: u64,
    pub agent: bool,
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub line: u64,
    pub proposer: Person,
    pub amendment: bool,
    pub start_ms: u64,
    pub end_ms: u64,
    pub state: State,
    /// When it counts what counted; none if the council decides.
    pub snapshot_ms: Option<u64>,
    pub cast: Vec<Cast>,
    /// Its rows are, and its votes' rows.
    pub gone: bool,
    pub forgotten: bool,
}

/// People's votes, and agents'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub yes: u128,
    pub no: u128,
    pub agents_yes: u128,
    pub agents_no: u128,
}

impl Tally {
    /// Agents have no more than half of what people have; each part is rounded down.
    fn together(self) -> (u128, u128) {
        let (people, agents) = (self.yes + self.no, self.agents_yes + self.agents_no);
        let counted = |part| if 2 * agents > people { share(part, people, 2 * agents) } else { part };
        (self.yes + counted(self.agents_yes), self.no + counted(self.agents_no))
    }
}

/// `of * by / whole`, rounded down, bit by bit: the product has up to 256 of them.
fn share(of: u128, by: u128, whole: u128) -> u128 {
    let (mut quotient, mut rest) = (0, 0);
    for bit in (0..u128::BITS).rev() {
        (quotient, rest) = (2 * quotient, 2 * rest);
        if (of >> bit) & 1 == 1 {
            (quotient, rest) = (quotient + by / whole, rest + by % whole);
        }
        (quotient, rest) = (quotient + rest / whole, rest % whole);
    }
    quotient
}

#[test]
fn a_share_of_large_amounts_is_rounded_down() {
    assert_eq!(share(7, 5, 10), 3);
    assert_eq!(share(u128::MAX >> 8, 1 << 110, 1 << 111), u128::MAX >> 9);
    assert_eq!(share(1 << 100, (1 << 100) + 1, 1 << 101), 1 << 99);
}

impl Proposal {
    pub fn is_open(&self, now_ms: u64) -> bool {
        self.state == State::Voting && now_ms < self.end_ms
    }

    pub fn eta_ms(&self) -> u64 {
        self.end_ms + TIMELOCK_MS
    }

    /// From when on it may be forgotten.
    pub fn kept_ms(&self) -> u64 {
        self.eta_ms() + KEPT_MS
    }

    /// It stands in the proposal until that is over.
    pub fn bond(&self) -> u128 {
        if self.state == State::Rejected { 0 } else { bond(self.line) }
    }

    fn ballot(&self, voter: Person) -> Option<&Cast> {
        self.cast.iter().find(|cast| cast.voter == voter)
    }

    /// Whether somebody votes with what it had delegated itself. An agent does not: its own stake does not count.
    fn overrides(&self, voter: Person) -> bool {
        self.ballot(voter).is_some_and(|cast| !cast.agent)
    }
}

impl Model {
    pub fn newest(&self) -> u64 {
        self.before + self.made
    }

    /// What somebody votes with: its own, and what was delegated to it by those who do not vote themselves.
    pub fn weight(&self, proposal: &Proposal, cast: &Cast) -> (u128, u128) {
        let Some(then_ms) = proposal.snapshot_ms else {
            return (COUNCIL.iter().find(|(member, _)| *member == cast.voter).map_or(0, |(_, weight)| *weight), 0);
        };
        let own = if cast.agent { 0 } else { self.locked(proposal.line, cast.voter, then_ms) };
        let from = |holder: Person| {
            let parts = self.parts(proposal.line, holder, then_ms);
            let part = parts.get(&(cast.voter, cast.number)).copied().unwrap_or_default();
            if proposal.overrides(holder) { 0 } else { part }
        };
        let received = if cast.number == 0 { 0 } else { (0..EVERYBODY).map(from).sum() };
        (own, received)
    }

    /// What holders who voted before a delegate take from its vote.
    pub fn taken(&self, proposal: &Proposal, delegate: Person, number: u64) -> u128 {
        let Some(then_ms) = proposal.snapshot_ms else { return 0 };
        let before = proposal.cast.iter().take_while(|cast| cast.voter != delegate || cast.number != number);
        let voters = before.filter(|cast| !cast.agent).map(|cast| cast.voter);
        let parts = voters.map(|holder| self.parts(proposal.line, holder, then_ms));
        parts.map(|parts| parts.get(&(delegate, number)).copied().unwrap_or_default()).sum()
    }

    pub fn tally(&self, proposal: &Proposal) -> Tally {
        let mut tally = Tally::default();
        for cast in &proposal.cast {
            let (own, received) = self.weight(proposal, cast);
            let place = match (cast.agent, cast.yes) {
                (false, true) => &mut tally.yes,
                (false, false) => &mut tally.no,
                (true, true) => &mut tally.agents_yes,
                (true, false) => &mut tally.agents_no,
            };
            *place += own + received;
        }
        tally
    }

    pub fn passes(&self, proposal: &Proposal) -> bool {
        let (yes, no) = self.tally(proposal).together();
        let (all, least) = match proposal.snapshot_ms {
            Some(then_ms) => (self.all_locked(proposal.line, then_ms), floor(proposal.line)),
            None => (COUNCIL.iter().map(|(_, weight)| weight).sum(), 1),
        };
        let quorum = if proposal.amendment { QUORUM_BPS.max(MAJORITY_BPS) } else { QUORUM_BPS };
        // Of agents no more than half of people's yes helps over the quorum.
        let tally = self.tally(proposal);
        let helped = tally.yes + tally.agents_yes.min(tally.yes / 2);
        helped >= least && helped * BPS >= quorum * all && yes * BPS >= THRESHOLD_BPS * (yes + no)
    }

    pub(super) fn judge_proposals(&self, by: Person, act: &Act, now_ms: u64) -> End {
        let (Act::Vote { id, .. }
        | Act::VoteAsAgent { id, .. }
        | Act::Queue { id }
        | Act::Forget { id }
        | Act::ForgetBallots { id }) = *act
        else {
            unreachable!("{act:?} is judged elsewhere")
        };
        let known = self.proposals.get(&id);
        if matches!(act, Act::ForgetBallots { .. }) {
            if known.is_none() {
                return End::Either(vec!["GOVERNANCE_UNKNOWN_PROPOSAL"]);
            }
            let kept = known.is_some_and(|proposal| !proposal.gone && now_ms <= proposal.kept_ms());
            return Against::default().when(kept, "GOVERNANCE_OPEN").end();
        }
        let Some(proposal) = known.filter(|proposal| !proposal.gone) else {
            return End::Refused(vec!["GOVERNANCE_UNKNOWN_PROPOSAL"]);
        };
        let open = proposal.is_open(now_ms);
        match *act {
            Act::Queue { .. } => Against::default()
                .when(proposal.state != State::Voting, "GOVERNANCE_NOT_APPROVED")
                .when(open, "GOVERNANCE_VOTE_RUNNING")
                .end(),
            Act::Forget { .. } => Against::default().when(now_ms <= proposal.kept_ms(), "GOVERNANCE_OPEN").end(),
            Act::Vote { of_another, .. } | Act::VoteAsAgent { of_another, .. } => {
                let against = Against::default()
                    .when(!open, "GOVERNANCE_VOTE_ENDED")
                    .when(of_another, "GOVERNANCE_WRONG_CONTENT_HASH");
                if matches!(act, Act::Vote { .. }) {
                    self.judge_vote(by, proposal, against)
                } else {
                    self.judge_vote_as_agent(by, proposal, against)
                }
            }
            _ => unreachable!("{act:?} is about no proposal that is there"),
        }
    }

    fn judge_vote(&self, by: Person, proposal: &Proposal, against: Against) -> End {
        if proposal.snapshot_ms.is_none() {
            let member = COUNCIL.iter().any(|(member, _)| *member == by);
            return against.when(!member, "GOVERNANCE_NOT_MEMBER").end();
        }
        let agent = self.standing(proposal.line, by).is_some_and(|standing| standing.owner.is_some());
        if let Some(ballot) = proposal.ballot(by) {
            let number = self.standing(proposal.line, by).map_or(0, |standing| standing.number);
            let delegated = self.weight(proposal, ballot).1 > 0;
            let another = ballot.agent && !agent || delegated && ballot.number != number;
            return against.when(agent, "GOVERNANCE_AGENT_VOTES").when(another, "GOVERNANCE_NO_VOTES").end();
        }
        let nothing = self.weight(proposal, &self.cast(by, proposal, true, false)) == (0, 0);
        against.when(agent, "GOVERNANCE_AGENT_VOTES").when(nothing, "GOVERNANCE_NO_VOTES").end()
    }

    fn judge_vote_as_agent(&self, by: Person, proposal: &Proposal, against: Against) -> End {
        let standing = self.standing(proposal.line, by);
        let owner = standing.and_then(|standing| standing.owner);
        let against = against
            .when(proposal.snapshot_ms.is_none(), "GOVERNANCE_NOT_BY_STAKE")
            .when(by != BOT, "GOVERNANCE_NOT_AGENT")
            .when(owner.is_none(), "GOVERNANCE_NOT_DELEGATE")
            .when(self.enrolled == Some(proposal.line), "GOVERNANCE_AGENTS_LINE")
            .when(owner.is_some_and(|owner| owner != self.owner), "GOVERNANCE_STALE_DELEGATE");
        if let Some(ballot) = proposal.ballot(by) {
            // A vote of before it stood, or stood again, is another's.
            let delegated = self.weight(proposal, ballot).1 > 0;
            let another = standing.is_some_and(|standing| standing.number != ballot.number);
            let another = !ballot.agent || delegated && another;
            return against.when(another, "GOVERNANCE_NO_VOTES").end();
        }
        let nothing = self.weight(proposal, &self.cast(by, proposal, true, true)) == (0, 0);
        against.when(nothing, "GOVERNANCE_NO_VOTES").end()
    }

    /// A first vote, as what the voter is now.
    fn cast(&self, voter: Person, proposal: &Proposal, yes: bool, agent: bool) -> Cast {
        let standing = self.standing(proposal.line, voter).filter(|_| proposal.snapshot_ms.is_some());
        Cast { voter, yes, number: standing.map_or(0, |standing| standing.number), agent }
    }

    pub(super) fn apply_proposals(&mut self, by: Person, act: &Act, now_ms: u64) {
        match *act {
            Act::Propose { line, amendment } => self.propose(by, line, amendment, now_ms),
            Act::Vote { id, yes, .. } => self.vote(by, id, yes, false, now_ms),
            Act::VoteAsAgent { id, yes, .. } => self.vote(by, id, yes, true, now_ms),
            Act::Queue { id } => {
                let passes = self.passes(&self.proposals[&id]);
                let state = if passes { State::Approved } else { State::Rejected };
                self.proposals.get_mut(&id).unwrap().state = state;
            }
            Act::Forget { id } => self.proposals.get_mut(&id).unwrap().gone = true,
            Act::ForgetBallots { id } => {
                if let Some(proposal) = self.proposals.get_mut(&id) {
                    proposal.forgotten = true;
                }
            }
            _ => unreachable!("{act:?} is applied elsewhere"),
        }
    }

    fn propose(&mut self, by: Person, line: u64, amendment: bool, now_ms: u64) {
        let then_ms = period_begin_ms(now_ms);
        let enough = self.all_locked(line, then_ms) * QUORUM_BPS >= floor(line) * BPS;
        self.made += 1;
        let proposal = Proposal {
            line,
            proposer: by,
            amendment,
            start_ms: now_ms,
            end_ms: now_ms + VOTE_MS,
            state: State::Voting,
            snapshot_ms: enough.then_some(then_ms),
            cast: Vec::new(),
            gone: false,
            forgotten: false,
        };
        self.proposals.insert(self.newest(), proposal);
    }

    /// The first vote says with what, the others only what for. Those who would have voted the other way have time to
    /// answer one that turns the outcome.
    fn vote(&mut self, by: Person, id: u64, yes: bool, agent: bool, now_ms: u64) {
        let mut proposal = self.proposals[&id].clone();
        let passed = self.passes(&proposal);
        if let Some(cast) = proposal.cast.iter_mut().find(|cast| cast.voter == by) {
            cast.yes = yes;
        } else {
            let cast = self.cast(by, &proposal, yes, agent);
            proposal.cast.push(cast);
        }
        if self.passes(&proposal) != passed {
            let latest_ms = proposal.start_ms + VOTE_MS + EXTENSION_MS;
            proposal.end_ms = proposal.end_ms.max(latest_ms.min(now_ms + EXTENSION_MS));
        }
        self.proposals.insert(id, proposal);
    }
}
