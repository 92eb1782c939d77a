//! Agents on lines, and what their owners say against proposals.

use std::collections::BTreeSet;

use super::{Answer, DEAR, Model, Person, unknown, unless};

/// By number.
pub type Agent = usize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    pub line: u64,
    /// Who enrolled it, whosever it is now.
    pub owner: Person,
    pub bond: u128,
    /// The last proposal that was made before it came.
    pub after: u64,
}

impl Model {
    /// How many have agents on a line.
    pub fn owners(&self, line: u64) -> u64 {
        let there = self.enrolled.values().filter(|enrolled| enrolled.line == line);
        let owners: BTreeSet<Person> = there.map(|enrolled| enrolled.owner).collect();
        u64::try_from(owners.len()).unwrap()
    }

    /// Who has a say in a proposal, and has not objected yet; whether that comes too late is not asked.
    pub fn may_object(&self, id: u64) -> Vec<(Person, Agent)> {
        let Some(proposal) = self.proposals.get(&id) else { return Vec::new() };
        let counts = |(agent, enrolled): &(&Agent, &Enrolled)| {
            let was_there = enrolled.line == proposal.line && enrolled.after < id;
            was_there && self.owner_of[**agent] == enrolled.owner && !self.objecting.contains(&(id, enrolled.owner))
        };
        self.enrolled.iter().filter(counts).map(|(agent, enrolled)| (enrolled.owner, *agent)).collect()
    }

    pub(super) fn enroll(&mut self, by: Person, agent: Agent, line: u64) -> Answer {
        let bond = self.lines[&line].now.enrolment_bond;
        unless(&[(self.owner_of[agent] != by, "GOVERNANCE_NOT_OWNER"), (bond >= DEAR, "CHARTER_STORAGE_SHORT")])?;
        // Whatever was there before goes, with its bond, to who had enrolled it.
        self.enrolled.insert(agent, Enrolled { line, owner: by, bond, after: self.newest() });
        Ok(())
    }

    /// Its owner takes an agent off its line, or who put it there.
    pub(super) fn leave(&mut self, by: Person, agent: Agent) -> Answer {
        let not_enrolled = || vec!["GOVERNANCE_NOT_ENROLLED"];
        let enrolled = self.enrolled.get(&agent).ok_or_else(not_enrolled)?;
        unless(&[(self.owner_of[agent] != by && enrolled.owner != by, "GOVERNANCE_NOT_OWNER")])?;
        self.enrolled.remove(&agent);
        Ok(())
    }

    pub(super) fn object(&mut self, by: Person, id: u64, agent: Agent, now_ms: u64) -> Answer {
        let (proposal, enrolled) = (self.proposals.get_mut(&id), self.enrolled.get(&agent));
        let (Some(proposal), Some(enrolled)) = (proposal, enrolled) else {
            return Err([unknown(), vec!["GOVERNANCE_NOT_ENROLLED"]].concat());
        };
        let was_there = enrolled.line == proposal.line && enrolled.after < id;
        unless(&[
            (!proposal.takes_objections(now_ms), "GOVERNANCE_NOT_OBJECTABLE"),
            (!was_there, "GOVERNANCE_NOT_COUNTED"),
            (self.owner_of[agent] != by, "GOVERNANCE_NOT_OWNER"),
            (enrolled.owner != by, "GOVERNANCE_STALE_ENROLMENT"),
            (self.objecting.contains(&(id, by)), "GOVERNANCE_OBJECTED"),
        ])?;
        proposal.object(now_ms);
        self.objecting.insert((id, by));
        Ok(())
    }

    /// Those that were counted stay counted.
    pub(super) fn forget_objections(&mut self, id: u64, now_ms: u64) -> Answer {
        let counting = self.proposals.get(&id).is_some_and(|proposal| proposal.is_objectable(now_ms));
        unless(&[(counting, "GOVERNANCE_OBJECTABLE")])?;
        self.objecting.retain(|(proposal, _)| *proposal != id);
        Ok(())
    }
}
