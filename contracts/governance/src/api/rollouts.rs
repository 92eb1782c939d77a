//! Rollouts: the draw, the way from stage to stage, and what is left of one.

use charter_common::{Answer, corrupt, encoded, methods, sha256, then_call};
use charter_types::governance::args::{ForgetReports, LineRef};
use charter_types::governance::{self, Fact, GovernanceError, Line, LineId, Release, Rollout, RolloutState};
use charter_types::{AccountId, Hash32};
use near_sdk::{Promise, env, near};

use crate::gas::ON_DRAW;
use crate::model::{self, draw, settled};
use crate::storage::forget;
use crate::{Governance, GovernanceExt};

#[methods(governance)]
#[near]
impl Governance {
    pub fn advance(&mut self, LineRef { line: id }: LineRef) -> Answer<RolloutState> {
        let (mut line, by) = (self.line_row(id)?, env::predecessor_account_id());
        let mut rollout = self.rollout_of(&line);
        if rollout.state == RolloutState::Drawing {
            // The draw has not come yet, or never will. A second one finds nothing to do.
            draw_later(&rollout);
            return Ok(rollout.state);
        }
        let seq = line.seq;
        model::advance(&mut rollout, &mut line, Self::now_ms())?;
        let state = rollout.state;
        self.save_rollout("rollout_advanced", &by, rollout)?;
        if line.seq != seq {
            self.lines.update(&id, &line, &mut self.core.storage)?;
            self.emit("head_moved", &by, Fact::Line(line));
        }
        Ok(state)
    }

    /// In a receipt of its own: nothing that anybody added to the call that published can undo it and try again.
    #[private]
    pub fn on_draw(&mut self) {
        let Ok((id, release)) = borsh::from_slice::<(LineId, u64)>(&env::input().unwrap_or_default()) else { return };
        let Ok(line) = self.line_row(id) else { return };
        let mut rollout = self.rollout_of(&line);
        let seed = Hash32(sha256(&[env::random_seed().as_slice(), &release.to_le_bytes()].concat()));
        if draw(&mut rollout, release, seed, Self::now_ms()) {
            let _ = self.save_rollout("cohorts_drawn", &env::current_account_id(), rollout);
        }
    }

    pub fn forget_reports(&mut self, ForgetReports { release: id, owners }: ForgetReports) -> Answer {
        let release = self.releases.get(&id).ok_or(GovernanceError::UnknownRelease { id })?;
        let rollout = self.rollout_of(&self.line_row(release.line)?);
        // While they count, a second word would be another voice.
        if rollout.release == id && rollout.is_open() {
            return Err(GovernanceError::RolloutOpen { release: id }.into());
        }
        let owners = forget(&self.reports, id, &owners, &mut self.core.storage)?;
        if !owners.is_empty() {
            let fact = Fact::ReportsForgotten { release: id, owners };
            self.emit("reports_forgotten", &env::predecessor_account_id(), fact);
        }
        Ok(())
    }
}

/// Asks for the draw.
pub(super) fn draw_later(rollout: &Rollout) {
    let args = encoded(&(rollout.line, rollout.release));
    then_call(Promise::new(env::current_account_id()), governance::methods::on_draw, args, ON_DRAW, 0).detach();
}

impl Governance {
    /// Lines of releases up to 0004 have no row before something is rolled out on them.
    pub(crate) fn rollout_of(&self, line: &Line) -> Rollout {
        self.rollouts.get(&line.id).unwrap_or_else(|| settled(line))
    }

    /// The row keeps its size for good: nobody is asked to pay when it changes. That of a line of before is the contract's.
    pub(crate) fn save_rollout(&mut self, event: &str, by: &AccountId, rollout: Rollout) -> Answer {
        if self.rollouts.contains(&rollout.line) {
            self.rollouts.update(&rollout.line, &rollout, &mut self.core.storage)?;
        } else {
            let own = env::current_account_id();
            self.core.storage.credit(&own, crate::gas::ROLLOUT_STORAGE.as_yoctonear());
            self.rollouts.insert(&rollout.line, &own, &rollout, &mut self.core.storage)?;
        }
        self.emit(event, by, Fact::Rollout(rollout));
        Ok(())
    }

    /// A release that was published on a line.
    pub(crate) fn published(&self, line: LineId, id: u64) -> Answer<Release> {
        let found = self.releases.get(&id).filter(|release| release.line == line && release.published);
        Ok(found.ok_or(GovernanceError::UnknownRelease { id })?)
    }

    /// Of a release that a row names.
    pub(crate) fn release_row(&self, id: u64) -> Release {
        self.releases.get(&id).unwrap_or_else(|| corrupt())
    }
}
