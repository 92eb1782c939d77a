//! Lines.

use charter_common::{Answer, methods};
use charter_types::governance::args::CreateLine;
use charter_types::governance::{Constitution, Fact, LineId, Member};
use near_sdk::{env, near};

use crate::model::{check_constitution, check_name, new_line, settled};
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn create_line(&mut self, args: CreateLine) -> Answer<LineId> {
        self.check_running("propose")?;
        let owner = env::predecessor_account_id();
        let payment = self.core.begin_payment(&owner)?;
        let CreateLine { name, council, params, guardian, stake } = args;
        check_name(&name)?;
        let council = if council.is_empty() { vec![Member { account: owner.clone(), weight: 1 }] } else { council };
        let constitution = Constitution { council, params, guardian, stake };
        check_constitution(&constitution)?;
        let id = self.next_line;
        self.next_line += 1;
        let line = new_line(id, name, owner.clone(), constitution);
        self.lines.insert(&id, &owner, &line, &mut self.core.storage)?;
        let rollout = settled(&line);
        self.rollouts.insert(&id, &owner, &rollout, &mut self.core.storage)?;
        self.emit("line_created", &owner, Fact::Line(line.clone()));
        self.open_pool(&line, &owner)?;
        self.emit("rollout_opened", &owner, Fact::Rollout(rollout));
        self.core.finish_payment(payment)?;
        Ok(id)
    }
}
