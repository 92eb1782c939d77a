//! A task: taken, done, judged, maybe judged again.

use charter_types::registry::AgentId;
use charter_types::tasks::{self, APPEAL_PANEL, Deadlines, Outcome, PANEL, SetId, TaskState, TasksError};
use charter_types::{AccountId, Hash32};

use super::{Checked, Drawing, Panel, Seat, Set, reward_of};

/// Of fixed size: its rows are paid for beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub worker: AccountId,
    pub agent: Option<AgentId>,
    pub attempt: u32,
    pub stage: Stage,
    pub taken_ms: u64,
    /// 0: not yet.
    pub committed_ms: u64,
    pub revealed_ms: u64,
    pub work_hash: Hash32,
    pub answer_hash: Hash32,
    pub shown: bool,
    /// Bytes that the requester is charged for, for rows of those that are paid.
    pub reserved: u64,
    /// Of the first round, once it is drawn.
    pub panel: Option<Panel>,
    /// Whether there is an appeal, which is a row of its own.
    pub appealed: bool,
    pub appeal: Option<Appeal>,
}

/// The second round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    pub by: Party,
    pub appealed_ms: u64,
    /// Bytes that the appellant is charged for, for rows of those that are paid.
    pub reserved: u64,
    pub panel: Option<Panel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Worker,
    Requester,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Taken,
    Committed,
    Drawing,
    Judging,
    Decided,
    Settling,
}

impl Task {
    pub fn take(worker: AccountId, agent: Option<AgentId>, attempt: u32, now_ms: u64) -> Self {
        Self {
            worker,
            agent,
            attempt,
            stage: Stage::Taken,
            taken_ms: now_ms,
            committed_ms: 0,
            revealed_ms: 0,
            work_hash: Hash32::default(),
            answer_hash: Hash32::default(),
            shown: false,
            reserved: 0,
            panel: None,
            appealed: false,
            appeal: None,
        }
    }

    fn check_worker(&self, caller: &AccountId) -> Checked {
        if self.worker == *caller { Ok(()) } else { Err(TasksError::NotWorker { caller: caller.clone() }) }
    }

    /// Until when the worker has to act.
    fn until_ms(&self, deadlines: &Deadlines) -> Option<u64> {
        match self.stage {
            Stage::Taken => Some(self.taken_ms.saturating_add(deadlines.work_ms)),
            Stage::Committed => Some(self.committed_ms.saturating_add(deadlines.reveal_ms)),
            _ => None,
        }
    }

    fn check_step(&self, stage: Stage, caller: &AccountId, deadlines: &Deadlines, now_ms: u64) -> Checked {
        self.check_worker(caller)?;
        if self.stage != stage {
            return Err(TasksError::WrongState {});
        }
        match self.until_ms(deadlines) {
            Some(until_ms) if now_ms >= until_ms => Err(TasksError::TooLate { until_ms }),
            _ => Ok(()),
        }
    }

    pub fn commit(&mut self, caller: &AccountId, hash: Hash32, deadlines: &Deadlines, now_ms: u64) -> Checked {
        self.check_step(Stage::Taken, caller, deadlines, now_ms)?;
        (self.stage, self.work_hash, self.committed_ms) = (Stage::Committed, hash, now_ms);
        Ok(())
    }

    /// `hash`: what the answer, its salt and the caller make.
    pub fn reveal(
        &mut self,
        caller: &AccountId,
        (answer_hash, hash): (Hash32, Hash32),
        deadlines: &Deadlines,
        now_ms: u64,
    ) -> Checked {
        self.check_step(Stage::Committed, caller, deadlines, now_ms)?;
        if self.work_hash != hash {
            return Err(TasksError::HashMismatch {});
        }
        (self.stage, self.answer_hash, self.revealed_ms) = (Stage::Drawing, answer_hash, now_ms);
        Ok(())
    }

    /// The round that is being judged: 1, on appeal 2.
    pub fn round(&self) -> u8 {
        if self.appeal.is_some() { 2 } else { 1 }
    }

    /// What a draw is for that is due now.
    pub fn drawing(&self, set: SetId, index: u32) -> Checked<Drawing> {
        if self.stage != Stage::Drawing {
            return Err(TasksError::WrongState {});
        }
        Ok(Drawing { set, index, attempt: self.attempt, round: self.round() })
    }

    /// So many seats the panel has that is drawn.
    pub fn seats(&self) -> u8 {
        if self.appeal.is_some() { APPEAL_PANEL } else { PANEL }
    }

    /// INV-TSK-4, INV-TSK-5: whether a free slot, bonded at `since_ms`, may judge this task beside those that were drawn.
    pub fn fits(&self, set: &Set, (reviewer, since_ms): (&AccountId, u64), drawn: &[&AccountId]) -> bool {
        let party = *reviewer == self.worker || *reviewer == set.requester;
        let sits = self.panel.as_ref().is_some_and(|panel| panel.sits(reviewer)) || drawn.contains(&reviewer);
        !party && !sits && since_ms <= self.taken_ms
    }

    /// A panel was drawn, or nobody: then it is decided.
    pub fn seat(&mut self, seats: Vec<Seat>, now_ms: u64) {
        self.stage = if seats.is_empty() { Stage::Decided } else { Stage::Judging };
        let panel = Some(Panel::new(seats, now_ms));
        match &mut self.appeal {
            Some(appeal) => appeal.panel = panel,
            None => self.panel = panel,
        }
    }

    fn last_panel(&self) -> Option<&Panel> {
        self.appeal.as_ref().map_or(self.panel.as_ref(), |appeal| appeal.panel.as_ref())
    }

    /// The panel that judges now.
    fn judging(&mut self) -> Checked<&mut Panel> {
        match self.stage {
            Stage::Drawing => Err(TasksError::NotYet {}),
            Stage::Judging | Stage::Decided => {
                let panel = match &mut self.appeal {
                    Some(appeal) => appeal.panel.as_mut(),
                    None => self.panel.as_mut(),
                };
                panel.ok_or(TasksError::WrongState {})
            }
            Stage::Taken | Stage::Committed | Stage::Settling => Err(TasksError::WrongState {}),
        }
    }

    pub fn commit_verdict(&mut self, caller: &AccountId, hash: Hash32, deadlines: &Deadlines, now_ms: u64) -> Checked {
        self.judging()?.commit(caller, hash, deadlines, now_ms)
    }

    pub fn reveal_verdict(
        &mut self,
        caller: &AccountId,
        said: (tasks::Verdict, Hash32),
        deadlines: &Deadlines,
        now_ms: u64,
    ) -> Checked {
        if self.judging()?.reveal(caller, said, deadlines, now_ms)? {
            self.stage = Stage::Decided;
        }
        Ok(())
    }

    fn first_outcome(&self) -> Outcome {
        self.panel.as_ref().map_or(Outcome::NoMajority, Panel::outcome)
    }

    /// The second panel's majority; without one, the first panel's.
    pub fn outcome(&self) -> Outcome {
        let second = self.appeal.as_ref().and_then(|appeal| appeal.panel.as_ref()).map(Panel::outcome);
        second.filter(|outcome| *outcome != Outcome::NoMajority).unwrap_or_else(|| self.first_outcome())
    }

    fn appeal_until_ms(&self, deadlines: &Deadlines) -> Option<u64> {
        Some(self.panel.as_ref()?.decided_ms(deadlines).saturating_add(deadlines.appeal_ms))
    }

    /// From when on nothing changes the outcome. None while there is no panel.
    pub fn final_ms(&self, deadlines: &Deadlines) -> Option<u64> {
        match &self.appeal {
            Some(appeal) => Some(appeal.panel.as_ref()?.decided_ms(deadlines)),
            None => self.appeal_until_ms(deadlines),
        }
    }

    /// INV-TSK-3: from when on anybody ends the task. None only while a panel is being drawn.
    fn settle_from_ms(&self, set: &Set) -> Option<u64> {
        let show_ms = if set.honeypots.is_some() { set.deadlines.show_ms } else { 0 };
        match self.stage {
            Stage::Taken | Stage::Committed => self.until_ms(&set.deadlines),
            _ => self.final_ms(&set.deadlines).map(|final_ms| final_ms.saturating_add(show_ms)),
        }
    }

    /// Whether it can be settled now.
    pub fn check_settle(&self, set: &Set, now_ms: u64) -> Checked {
        let from_ms = self.settle_from_ms(set).ok_or(TasksError::NotYet {})?;
        if self.stage == Stage::Settling || now_ms >= from_ms { Ok(()) } else { Err(TasksError::TooEarly { from_ms }) }
    }

    /// Who the caller is that wants another judgement, if it may.
    pub fn check_appeal(&self, set: &Set, caller: &AccountId, now_ms: u64) -> Checked<Party> {
        if self.appeal.is_some() {
            return Err(TasksError::Appealed {});
        }
        let panel = match (&self.panel, self.stage) {
            (Some(panel), Stage::Judging | Stage::Decided) => panel,
            (_, Stage::Drawing) => return Err(TasksError::NotYet {}),
            _ => return Err(TasksError::WrongState {}),
        };
        let from_ms = panel.decided_ms(&set.deadlines);
        if now_ms < from_ms {
            return Err(TasksError::TooEarly { from_ms });
        }
        let party = match (panel.outcome(), *caller == self.worker, set.requester == *caller) {
            (Outcome::Bad | Outcome::Unfetchable | Outcome::NoMajority, true, _) => Party::Worker,
            (Outcome::Good | Outcome::NoMajority, _, true) => Party::Requester,
            _ => return Err(TasksError::NotAggrieved {}),
        };
        let until_ms = from_ms.saturating_add(set.deadlines.appeal_ms);
        if now_ms >= until_ms { Err(TasksError::TooLate { until_ms }) } else { Ok(party) }
    }

    pub fn appeal(&mut self, by: Party, reserved: u64, now_ms: u64) {
        self.stage = Stage::Drawing;
        self.appealed = true;
        self.appeal = Some(Appeal { by, appealed_ms: now_ms, reserved, panel: None });
    }

    /// Whether the requester may show now that this was a honeypot.
    pub fn check_show(&self, set: &Set, now_ms: u64) -> Checked {
        if matches!(self.stage, Stage::Taken | Stage::Committed | Stage::Settling) {
            return Err(TasksError::WrongState {});
        }
        let from_ms = self.final_ms(&set.deadlines).ok_or(TasksError::NotYet {})?;
        if now_ms < from_ms {
            return Err(TasksError::TooEarly { from_ms });
        }
        let until_ms = from_ms.saturating_add(set.deadlines.show_ms);
        if now_ms >= until_ms {
            return Err(TasksError::TooLate { until_ms });
        }
        if self.shown { Err(TasksError::Shown {}) } else { Ok(()) }
    }

    /// What the appellant gets first of what the first panel loses: its costs, if it was right and they are in NEAR.
    pub fn compensation(&self, set: &Set) -> u128 {
        let Some(appeal) = self.appeal.as_ref().filter(|_| set.asset.is_near()) else { return 0 };
        let (before, after) = (reward_of(self.first_outcome(), set.reward), reward_of(self.outcome(), set.reward));
        let won = match appeal.by {
            Party::Worker => after.0 > before.0,
            Party::Requester => after.1 > before.1,
        };
        if won { set.fees(APPEAL_PANEL) } else { 0 }
    }

    pub fn appellant<'a>(&'a self, set: &'a Set) -> Option<&'a AccountId> {
        self.appeal.as_ref().map(|appeal| self.account(appeal.by, set))
    }

    pub fn account<'a>(&'a self, party: Party, set: &'a Set) -> &'a AccountId {
        match party {
            Party::Worker => &self.worker,
            Party::Requester => &set.requester,
        }
    }

    pub fn view(&self, (id, index): (SetId, u32), set: &Set) -> tasks::Task {
        let deadlines = &set.deadlines;
        let appeal = self.appeal.as_ref().map(|appeal| tasks::Appeal {
            by: self.account(appeal.by, set).clone(),
            appealed_ms: appeal.appealed_ms,
            panel: appeal.panel.as_ref().map(|panel| panel.view(deadlines)),
        });
        tasks::Task {
            set: id,
            index,
            attempt: self.attempt,
            state: self.stage.view(),
            worker: self.worker.clone(),
            agent: self.agent,
            taken_ms: self.taken_ms,
            until_ms: self.until_ms(deadlines),
            work_hash: (self.committed_ms > 0).then_some(self.work_hash),
            answer_hash: (self.revealed_ms > 0).then_some(self.answer_hash),
            revealed_ms: (self.revealed_ms > 0).then_some(self.revealed_ms),
            panel: self.panel.as_ref().map(|panel| panel.view(deadlines)),
            appeal_until_ms: self.appeal_until_ms(deadlines),
            appeal,
            outcome: self.last_panel().map(|_| self.outcome()),
            final_ms: self.final_ms(deadlines),
            shown: self.shown,
            settle_from_ms: self.settle_from_ms(set),
        }
    }
}

impl Stage {
    fn view(self) -> TaskState {
        match self {
            Self::Taken => TaskState::Taken,
            Self::Committed => TaskState::Committed,
            Self::Drawing => TaskState::Drawing,
            Self::Judging => TaskState::Judging,
            Self::Decided => TaskState::Decided,
            Self::Settling => TaskState::Settling,
        }
    }
}

#[cfg(test)]
mod tests;
