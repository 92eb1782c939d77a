//! What anybody states of a release. Owners say whose word their agents wait for; voters read it before they vote.

use charter_common::{Answer, Core, methods};
use charter_types::governance::args::{ReleaseRef, State};
use charter_types::governance::{Fact, GovernanceError, Statement, URI_BYTES_MAX};
use charter_types::text::is_uri;
use near_sdk::{env, near};

use crate::model::check_digest;
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn state(&mut self, State { release: id, kind, digest, ok, uri, sha256 }: State) -> Answer {
        let by = env::predecessor_account_id();
        let payment = self.core.begin_payment(&by)?;
        if uri.len() > URI_BYTES_MAX || !is_uri(&uri) {
            return Err(GovernanceError::BadUri {}.into());
        }
        let release = self.releases.get(&id).ok_or(GovernanceError::NoRelease { id })?;
        check_digest(&release.content, digest)?;
        let statement = Statement { release: id, by: by.clone(), kind, digest, ok, uri, sha256 };
        self.statements.put(&(id, by.clone()), &by, &statement, &mut self.core.storage)?;
        self.emit("stated", &by, Fact::Statement(statement));
        self.core.finish_payment(payment)
    }

    pub fn retract(&mut self, ReleaseRef { release }: ReleaseRef) -> Answer {
        Core::check_one_yocto()?;
        let by = env::predecessor_account_id();
        if !self.statements.remove(&(release, by.clone()), &mut self.core.storage) {
            return Err(GovernanceError::NoStatement { release }.into());
        }
        self.emit("statement_retracted", &by, Fact::StatementRetracted { release, by: by.clone() });
        Ok(())
    }
}
