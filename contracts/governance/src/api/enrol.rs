//! Putting agents on lines. Only the agent's owner may, so the registry is asked.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Core, arguments, ask_authority};
use charter_types::AccountId;
use charter_types::governance::GovernanceError;
use charter_types::governance::args::{AgentRef, Enroll};
use charter_types::registry::AgentId;
use near_sdk::{Promise, env, near};

use crate::{Governance, GovernanceExt};

/// What to do once the registry has answered.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Pending {
    pub caller: AccountId,
    pub reserved_bytes: u64,
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

#[near]
impl Governance {
    /// Puts an agent on a line, or moves it to another. Takes `Enroll`. The agent's owner, 1 yocto, prepaid storage.
    #[payable]
    #[handle_result(aliased)]
    pub fn enroll(&mut self) -> Answer<Promise> {
        let args: Enroll = arguments()?;
        Core::check_one_yocto()?;
        self.line_row(args.line)?;
        self.ask(Wish::Enroll(args), ENROLMENT_BYTES)
    }

    /// Takes an agent off its line. Takes `AgentRef`. The agent's owner, 1 yocto.
    #[payable]
    #[handle_result(aliased)]
    pub fn leave(&mut self) -> Answer<Promise> {
        let AgentRef { agent } = arguments()?;
        Core::check_one_yocto()?;
        if !self.enrolments.contains(&agent) {
            return Err(GovernanceError::NotEnrolled { agent }.into());
        }
        self.ask(Wish::Leave(agent), 0)
    }
}

impl Governance {
    fn ask(&mut self, wish: Wish, reserved_bytes: u64) -> Answer<Promise> {
        let caller = env::predecessor_account_id();
        self.core.storage.charge(&caller, reserved_bytes)?;
        let agent = wish.agent();
        let pending = Pending { caller: caller.clone(), reserved_bytes, wish };
        Ok(ask_authority(&self.registry, agent, &caller, &pending))
    }
}
