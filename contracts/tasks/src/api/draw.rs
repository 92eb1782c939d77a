//! Drawing a panel.
//!
//! It happens in a receipt of its own, with gas of its own, which has one action: nobody can add another after it that fails if
//! the panel is not to its liking, and so have it drawn again (INV-TSK-5).

use charter_common::{Answer, Later, encoded, methods, sha256, then_call};
use charter_types::AccountId;
use charter_types::tasks::args::TaskRef;
use charter_types::tasks::methods::on_draw;
use charter_types::tasks::{Place, PoolSlot};
use near_sdk::{Promise, env, near};

use crate::gas;
use crate::model::{self, Drawing, Seat, Set, Task};
use crate::storage::{AccountKey, MarkKey};
use crate::{Tasks, TasksExt};

#[methods(tasks)]
#[near]
impl Tasks {
    pub fn draw(&mut self, at: TaskRef) -> Answer<Later<()>> {
        let (_, task) = self.load_task(at)?;
        self.send_draw(at, &task)
    }
}

impl Tasks {
    /// Has the panel drawn that is due.
    pub(super) fn send_draw(&self, at: TaskRef, task: &Task) -> Answer<Later<()>> {
        let drawing = task.drawing(at.set, at.index)?;
        let us = Promise::new(env::current_account_id());
        // No gas beyond its own: how much is left in the call decides nothing.
        let call = then_call(us, on_draw, encoded(&drawing), gas::on_draw(task.seats()), 0);
        Ok(Later::to(on_draw, call))
    }

    /// Draws, unless it was drawn. Nothing here can fail, whatever is drawn.
    pub(super) fn draw_panel(&mut self, drawing: Drawing) {
        let at = TaskRef { set: drawing.set, index: drawing.index };
        let Ok((set, mut task)) = self.load_task(at) else { return };
        // INV-TSK-5: once, for the attempt and the round that it was asked for.
        if task.drawing(at.set, at.index) != Ok(drawing) {
            return;
        }
        let seed = drawing.seed(env::random_seed_array(), &env::current_account_id(), sha256);
        let seats = task.seats();
        let bounds = (self.pool.size(), usize::from(seats), gas::probes(seats));
        let excludes = self.excludes(&set);
        let drawn = model::draw(bounds, seed, sha256, |position, drawn: &[(u32, PoolSlot)]| {
            let entry = self.pool.entry(position)?;
            let others: Vec<&AccountId> = drawn.iter().map(|(_, other)| &other.reviewer).collect();
            let fits = task.fits(&set, (&entry.reviewer, entry.since_ms), &others);
            let excluded = fits && excludes && self.is_excluded(&set, &entry.reviewer);
            (fits && !excluded).then_some(entry)
        });
        self.pool.take_all(drawn.iter().map(|(position, _)| *position).collect());
        let duty = Place::Duty { set: at.set, index: at.index, round: drawing.round };
        let mut panel = Vec::new();
        for (_, PoolSlot { reviewer, slot, since_ms }) in drawn {
            self.pool.set_place(&reviewer, slot, duty);
            panel.push(Seat::new(reviewer, slot, since_ms));
        }
        task.seat(panel, env::block_timestamp_ms());
        let _ = self.save_task(at, &set, &task);
    }

    /// Whether honeypots of a set's requester exclude anybody from its panels.
    fn excludes(&self, set: &Set) -> bool {
        let exclusions = self.exclusions.get(&AccountKey(set.requester.clone()));
        exclusions.is_some_and(|exclusions| exclusions.count_among(self.pool.reviewers()))
    }

    fn is_excluded(&self, set: &Set, reviewer: &AccountId) -> bool {
        let key = MarkKey { requester: set.requester.clone(), account: reviewer.clone() };
        self.marks.get(&key).is_some_and(|mark| mark.excludes_reviewer())
    }
}
