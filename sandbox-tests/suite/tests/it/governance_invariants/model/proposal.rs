//! A vote: what it takes, how long it goes on, and what comes of it.

use std::collections::BTreeMap;

use super::{About, Answer, Constitution, HOUR_MS, Line, OPEN_MS, Person, unless};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Voting,
    Rejected,
    Approved,
    Done,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    pub yes: bool,
    /// Cast when it was voted on again.
    pub again: bool,
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
    /// How many had agents on the line then, and how many of them object.
    pub owners: u64,
    pub objections: u64,
    /// It is voted on for the second time, because owners objected.
    pub again: bool,
    /// Of this vote.
    pub start_ms: u64,
    pub end_ms: u64,
    pub ballots: BTreeMap<Person, Ballot>,
    pub state: State,
    /// Whether an attempt failed; whether for good.
    pub failed: Option<bool>,
}

impl Proposal {
    /// Ballots of an earlier vote count no more.
    pub fn weight(&self, yes: bool) -> u64 {
        let counted = self.ballots.iter().filter(|(_, ballot)| ballot.yes == yes && ballot.again == self.again);
        counted.map(|(person, _)| self.by.council[person]).sum()
    }

    /// One owner in a hundred.
    fn is_stretched(&self) -> bool {
        !self.again && self.objections > 0 && self.objections * 100 >= self.owners
    }

    /// One owner in ten, and three at least.
    fn is_contested(&self) -> bool {
        self.objections >= 3 && self.objections * 10 >= self.owners
    }

    pub fn passes(&self) -> bool {
        let all: u64 = self.by.council.values().sum();
        let (yes, no) = (self.weight(true), self.weight(false));
        // Who decides, and the code of the contracts, change by a majority at least.
        let is_release = matches!(self.about, About::Release(_));
        let quorum = if is_release { self.by.quorum_bps } else { self.by.quorum_bps.max(5_001) };
        let two_thirds = yes * 3 >= (yes + no) * 2 || !self.is_contested();
        yes > 0 && two_thirds && yes * 10_000 >= quorum * all && yes * 10_000 >= self.by.threshold_bps * (yes + no)
    }

    pub fn is_open(&self, now_ms: u64) -> bool {
        self.state == State::Voting && now_ms < self.end_ms
    }

    /// The timelock is an hour from the end of the vote, two if an owner in a hundred objects.
    pub fn eta_ms(&self) -> u64 {
        self.end_ms + HOUR_MS * if self.is_stretched() { 2 } else { 1 }
    }

    pub fn is_due(&self, now_ms: u64) -> bool {
        self.state == State::Approved && (self.eta_ms()..=self.eta_ms() + OPEN_MS).contains(&now_ms)
    }

    /// It stands in the proposal until that is over.
    pub fn bond(&self) -> u128 {
        match self.state {
            State::Voting | State::Approved => self.by.proposal_bond,
            State::Rejected | State::Done | State::Cancelled => 0,
        }
    }

    pub(super) fn check_due(&self, line: &Line, now_ms: u64) -> Answer {
        let now = match self.about {
            About::Release(_) => line.seq,
            About::Amendment(_) => line.version,
            // The contract compares that.
            About::Code(..) => self.base,
        };
        unless(&[
            (self.state != State::Approved, "GOVERNANCE_NOT_APPROVED"),
            (now_ms < self.eta_ms(), "GOVERNANCE_TOO_EARLY"),
            (now_ms > self.eta_ms() + OPEN_MS, "GOVERNANCE_TOO_LATE"),
            (now_ms < line.paused_until_ms, "GOVERNANCE_PAUSED"),
            (now != self.base, "GOVERNANCE_SUPERSEDED"),
        ])
    }

    pub(super) fn count(&mut self) {
        self.state = if self.passes() { State::Approved } else { State::Rejected };
    }

    /// The others have time to answer what turned the outcome: never more than one extension beyond the hour.
    pub(super) fn leave_time(&mut self, passed: bool, now_ms: u64) {
        if self.passes() != passed {
            let extension_ms = self.by.extension_ms;
            let latest_ms = self.start_ms + HOUR_MS + extension_ms;
            self.end_ms = self.end_ms.max(latest_ms.min(now_ms + extension_ms));
        }
    }

    pub(super) fn is_objectable(&self, now_ms: u64) -> bool {
        let undone = matches!(self.state, State::Voting | State::Approved);
        undone && !self.again && now_ms < self.eta_ms()
    }

    /// Whether somebody can still object: not if the vote is over and failed, though nobody has counted it.
    pub(super) fn takes_objections(&self, now_ms: u64) -> bool {
        let lost = self.state == State::Voting && !self.is_open(now_ms) && !self.passes();
        self.is_objectable(now_ms) && !lost
    }

    pub(super) fn object(&mut self, now_ms: u64) {
        if self.state == State::Voting && !self.is_open(now_ms) {
            self.count();
        }
        let (passed, contested) = (self.passes(), self.is_contested());
        self.objections += 1;
        if self.state == State::Voting {
            self.leave_time(passed, now_ms);
        } else if self.is_contested() && !contested {
            (self.state, self.again) = (State::Voting, true);
            (self.start_ms, self.end_ms) = (now_ms, now_ms + HOUR_MS);
        }
    }
}
