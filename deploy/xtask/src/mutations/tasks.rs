//! Lines that work for a crowd rests on: its money, its panels, and that nobody waits for ever.

use super::list::Mutation;

const fn seen_by(
    tests: &'static str,
    breaks: &'static str,
    file: &'static str,
    line: &'static str,
    instead: &'static str,
) -> Mutation {
    Mutation { breaks, contract: "tasks", tests, file, line, instead }
}

const fn tasks(breaks: &'static str, file: &'static str, line: &'static str, instead: &'static str) -> Mutation {
    seen_by("tasks_invariants::", breaks, file, line, instead)
}

pub const TASKS: &[Mutation] = &[
    tasks("INV-TSK-1", "contracts/tasks/src/books.rs", "        balance.put(amount)?;\n", ""),
    tasks("INV-TSK-1", "contracts/tasks/src/api/work.rs", "        self.book_in(&Asset::Near, needed)?;\n", ""),
    tasks(
        "INV-TSK-1",
        "contracts/tasks/src/model/settle.rs",
        "let rest = lost.saturating_sub(to_appellant);",
        "let rest = lost;",
    ),
    // More than the slot's bond, and a slot that has lost its bond and stays.
    tasks(
        "INV-TSK-2",
        "contracts/tasks/src/model/reviewer.rs",
        "            back = back.saturating_add(SLOT_BOND.saturating_sub(lot.loss()));\n",
        "",
    ),
    tasks("INV-TSK-2", "contracts/tasks/src/model/reviewer.rs", "            self.slots &= !bit(slot);\n", ""),
    // Silent seats, and a silent worker, that everybody waits for.
    tasks(
        "INV-TSK-3",
        "contracts/tasks/src/model/task.rs",
        "if self.stage == Stage::Settling || now_ms >= from_ms {",
        "if self.stage == Stage::Settling || now_ms >= from_ms && self.stage != Stage::Judging {",
    ),
    tasks(
        "INV-TSK-3",
        "contracts/tasks/src/model/task.rs",
        "Stage::Taken | Stage::Committed => self.until_ms(&set.deadlines),",
        "Stage::Taken => self.until_ms(&set.deadlines),",
    ),
    tasks(
        "INV-TSK-4",
        "contracts/tasks/src/model/task.rs",
        "let party = *reviewer == self.worker || *reviewer == set.requester;",
        "let party = *reviewer == set.requester;",
    ),
    tasks(
        "INV-TSK-4",
        "contracts/tasks/src/model/task.rs",
        "let party = *reviewer == self.worker || *reviewer == set.requester;",
        "let party = *reviewer == self.worker;",
    ),
    tasks("INV-TSK-4", "contracts/tasks/src/model/task.rs", " || drawn.contains(&reviewer);", ";"),
    tasks(
        "INV-TSK-4",
        "contracts/tasks/src/model/task.rs",
        "let sits = self.panel.as_ref().is_some_and(|panel| panel.sits(reviewer)) || ",
        "let sits = ",
    ),
    tasks("INV-TSK-5", "contracts/tasks/src/model/task.rs", " && since_ms <= self.taken_ms", ""),
    // Whoever asks gets another draw, of a panel that sits already.
    tasks(
        "INV-TSK-5",
        "contracts/tasks/src/model/task.rs",
        "        if self.stage != Stage::Drawing {\n",
        "        if self.stage == Stage::Taken {\n",
    ),
    seen_by(
        "tasks_draw::",
        "INV-TSK-5",
        "contracts/tasks/src/model/task.rs",
        "        if self.stage != Stage::Drawing {\n",
        "        if self.stage == Stage::Taken {\n",
    ),
    // The same positions each time: who stands there sits on every panel.
    seen_by(
        "tasks_draw::",
        "INV-TSK-5",
        "contracts/tasks/src/model/draw.rs",
        "let other = step.saturating_add(stream.below(size.saturating_sub(step)));",
        "let other = step.saturating_add(stream.below(1));",
    ),
    tasks(
        "INV-TSK-6",
        "contracts/tasks/src/model/set.rs",
        "self.cost().saturating_mul(u128::from(self.remaining()))",
        "self.cost().saturating_mul(u128::from(self.remaining().saturating_add(self.in_work)))",
    ),
    tasks("INV-TSK-6", "contracts/tasks/src/model/set.rs", "        self.closed = true;\n", ""),
    // A verdict that is said twice, after the others, or otherwise than it was committed; and half of the seats.
    tasks(
        "INV-TSK-7",
        "contracts/tasks/src/model/panel.rs",
        "if seat.verdict.is_some() {",
        "if seat.verdict.is_some() && now_ms == 0 {",
    ),
    tasks(
        "INV-TSK-7",
        "contracts/tasks/src/model/panel.rs",
        "let closed = now_ms >= until_ms || self.committed_ms > 0;",
        "let closed = now_ms >= self.commit_until_ms(deadlines);",
    ),
    tasks(
        "INV-TSK-7",
        "contracts/tasks/src/model/panel.rs",
        "if commitment != hash {",
        "if commitment != hash && now_ms == 0 {",
    ),
    tasks(
        "INV-TSK-7",
        "contracts/tasks/src/model/panel.rs",
        "says(*verdict) > self.seats.len() / 2",
        "says(*verdict) >= self.seats.len() / 2",
    ),
];
