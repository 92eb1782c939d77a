//! What agents' people ask for: the agent on a line, held there, heard. The registry knows who they are, so it is asked.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Reservation, ask_authority, methods};
use charter_types::AccountId;
use charter_types::governance::args::{AgentRef, Choose, Enroll, Object, ReportHealth, StandAsAgent, VoteAsAgent};
use charter_types::governance::methods::on_authority;
use charter_types::governance::{Enrolment, GovernanceError};
use charter_types::registry::AgentId;
use near_sdk::{env, near};

use super::fleet::check_counted;
use crate::model::check_objectable;
use crate::{Governance, GovernanceExt};

/// What to do once the registry has answered.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Pending {
    pub caller: AccountId,
    pub reserved: Reservation,
    pub wish: Wish,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) enum Wish {
    Enroll(Enroll),
    Leave(AgentId),
    Choose(Choose),
    Freeze(AgentId),
    Report(ReportHealth),
    Object(Object),
    Stand(StandAsAgent),
    Vote(VoteAsAgent),
}

impl Wish {
    pub fn agent(&self) -> AgentId {
        match self {
            Self::Enroll(args) => args.agent,
            Self::Choose(args) => args.agent,
            Self::Report(args) => args.agent,
            Self::Object(args) => args.agent,
            Self::Stand(args) => args.agent,
            Self::Vote(args) => args.agent,
            Self::Leave(agent) | Self::Freeze(agent) => *agent,
        }
    }
}

/// The rows of an enrolment, with the auditors of the one before, and of how many an owner has on the line, with what NEAR
/// adds to them, generously.
pub(super) const ENROLMENT_BYTES: u64 = 880;
/// What an enrolment grows by, at most, when its owner chooses: auditors with the longest names.
const CHOICE_BYTES: u64 = 340;
/// A report's row, or an objection's, with what NEAR adds to it, generously.
const REPORT_BYTES: u64 = 300;

#[methods(governance)]
#[near]
impl Governance {
    pub fn enroll(&mut self, args: Enroll) -> Answer<Later<()>> {
        self.line_row(args.line)?;
        self.ask(Wish::Enroll(args), ENROLMENT_BYTES)
    }

    pub fn leave(&mut self, AgentRef { agent }: AgentRef) -> Answer<Later<()>> {
        self.enrolment_row(agent)?;
        self.ask(Wish::Leave(agent), 0)
    }

    pub fn choose(&mut self, args: Choose) -> Answer<Later<()>> {
        self.enrolment_row(args.agent)?;
        self.ask(Wish::Choose(args), CHOICE_BYTES)
    }

    pub fn freeze(&mut self, AgentRef { agent }: AgentRef) -> Answer<Later<()>> {
        self.enrolment_row(agent)?;
        self.ask(Wish::Freeze(agent), 0)
    }

    pub fn report_health(&mut self, args: ReportHealth) -> Answer<Later<()>> {
        let enrolment = self.enrolment_row(args.agent)?;
        // Only an owner's first word on a release takes a row.
        let rollout = self.rollout_of(&self.line_row(enrolment.line)?);
        let owner = self.voice(&enrolment, args.release, &rollout);
        let first = owner.is_some_and(|owner| !self.reports.contains(&(args.release, owner)));
        self.ask(Wish::Report(args), if first { REPORT_BYTES } else { 0 })
    }

    pub fn object(&mut self, args: Object) -> Answer<Later<()>> {
        let (proposal, enrolment) = (self.proposal_row(args.proposal)?, self.enrolment_row(args.agent)?);
        check_objectable(&proposal, Self::now_ms())?;
        check_counted(&proposal, &enrolment)?;
        self.ask(Wish::Object(args), REPORT_BYTES)
    }
}

impl Governance {
    pub(super) fn enrolment_row(&self, agent: AgentId) -> Answer<Enrolment> {
        Ok(self.enrolments.get(&agent).ok_or(GovernanceError::NotEnrolled { agent })?)
    }

    pub(super) fn ask(&mut self, wish: Wish, bytes: u64) -> Answer<Later<()>> {
        let caller = env::predecessor_account_id();
        let reserved = self.core.storage.reserve(&caller, bytes)?;
        let agent = wish.agent();
        let pending = Pending { caller: caller.clone(), reserved, wish };
        Ok(ask_authority(&self.registry, agent, &caller, on_authority, &pending))
    }
}
