//! Lines.

use charter_common::{Answer, methods};
use charter_types::governance::args::CreateLine;
use charter_types::governance::{Fact, Line, LineId, Member};
use near_sdk::{env, near};

use crate::model::{check_council, check_name, check_params};
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn create_line(&mut self, args: CreateLine) -> Answer<LineId> {
        self.check_running("propose")?;
        let owner = env::predecessor_account_id();
        let payment = self.core.begin_payment(&owner)?;
        check_name(&args.name)?;
        check_params(&args.params)?;
        let council =
            if args.council.is_empty() { vec![Member { account: owner.clone(), weight: 1 }] } else { args.council };
        check_council(&council)?;
        let id = self.next_line;
        self.next_line += 1;
        let line = Line { id, name: args.name, owner: owner.clone(), council, params: args.params, head: 0, seq: 0 };
        self.lines.insert(&id, &owner, &line, &mut self.core.storage)?;
        self.emit("line_created", &owner, Fact::Line(line));
        self.core.finish_payment(payment)?;
        Ok(id)
    }
}
