//! Putting agents on lines. Only the agent's owner may, so the registry is asked.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, Reservation, ask_authority, methods};
use charter_types::AccountId;
use charter_types::governance::GovernanceError;
use charter_types::governance::args::{AgentRef, Enroll};
use charter_types::governance::methods::on_authority;
use charter_types::registry::AgentId;
use near_sdk::{env, near};

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
}

impl Wish {
    pub fn agent(&self) -> AgentId {
        match self {
            Self::Enroll(args) => args.agent,
            Self::Leave(agent) => *agent,
        }
    }
}

/// An enrolment's row with what NEAR adds to it, generously.
const ENROLMENT_BYTES: u64 = 250;

#[methods(governance)]
#[near]
impl Governance {
    pub fn enroll(&mut self, args: Enroll) -> Answer<Later<()>> {
        self.line_row(args.line)?;
        self.ask(Wish::Enroll(args), ENROLMENT_BYTES)
    }

    pub fn leave(&mut self, AgentRef { agent }: AgentRef) -> Answer<Later<()>> {
        if !self.enrolments.contains(&agent) {
            return Err(GovernanceError::NotEnrolled { agent }.into());
        }
        self.ask(Wish::Leave(agent), 0)
    }
}

impl Governance {
    fn ask(&mut self, wish: Wish, bytes: u64) -> Answer<Later<()>> {
        let caller = env::predecessor_account_id();
        let reserved = self.core.storage.reserve(&caller, bytes)?;
        let agent = wish.agent();
        let pending = Pending { caller: caller.clone(), reserved, wish };
        Ok(ask_authority(&self.registry, agent, &caller, on_authority, &pending))
    }
}
