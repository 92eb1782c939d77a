//! Who is on which panel: tasks tell it, and the table is for who asks by reviewer.

use charter_types::tasks::args::TaskRef;
use charter_types::tasks::{APPEAL_PANEL, PANEL, Panel, SetId, Task, Verdict};
use charter_types::{AccountId, Hash32};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::table::{Change, Key, Table, account, bytes, number, record, word};
use crate::truth::{Row, Truth};
use crate::views::{self, Chain};

pub static SEAT: Table = Table {
    name: "seat",
    contract: Contract::Tasks,
    about: "Seats on the panels of tasks that are there. Round 2 is an appeal's.",
    key: Key::Fields(&["set", "index", "round", "number"]),
    columns: &[
        number("set_id").of("set").filter(),
        number("place").of("index"),
        number("round"),
        account("reviewer").filter(),
        bytes("commitment"),
        word("verdict").filter(),
    ],
    path: "seats",
    record: record::<SeatRow>,
    truth: Truth::One(|chain, row| Box::pin(seat(chain, row))),
};

/// A seat, with where it is.
#[derive(Serialize, JsonSchema)]
pub struct SeatRow {
    set: SetId,
    index: u32,
    attempt: u32,
    /// 1, or 2 on appeal.
    round: u8,
    /// On its panel, from 0 up.
    number: u8,
    reviewer: AccountId,
    /// The slot that is bonded for it.
    slot: u8,
    commitment: Option<Hash32>,
    /// Once revealed.
    verdict: Option<Verdict>,
}

/// All seats of a task.
fn seats(task: &Task) -> impl Iterator<Item = SeatRow> {
    let appeal = task.appeal.as_ref().and_then(|appeal| appeal.panel.as_ref());
    of_panel(task, 1, task.panel.as_ref()).chain(of_panel(task, 2, appeal))
}

fn of_panel<'a>(task: &'a Task, round: u8, panel: Option<&'a Panel>) -> impl Iterator<Item = SeatRow> {
    let seats = panel.into_iter().flat_map(|panel| (0_u8..).zip(&panel.seats));
    seats.map(move |(number, seat)| SeatRow {
        set: task.set,
        index: task.index,
        attempt: task.attempt,
        round,
        number,
        reviewer: seat.reviewer.clone(),
        slot: seat.slot,
        commitment: seat.commitment,
        verdict: seat.verdict,
    })
}

/// The seats of a task as it is now.
pub fn put(task: &Task) -> Vec<Change> {
    let mut changes = gone(task.set, task.index);
    changes.extend(seats(task).map(|seat| SEAT.put(seat)));
    changes
}

/// There is no such seat, as many as there can be: by their keys, for to look for them takes longer.
pub fn gone(set: SetId, index: u32) -> Vec<Change> {
    let rounds = [(1, PANEL), (2, APPEAL_PANEL)];
    let keys = rounds.into_iter().flat_map(|(round, seats)| (0..seats).map(move |number| (round, number)));
    keys.map(|(round, number)| SEAT.remove(format!("{set}/{index}/{round}/{number}"))).collect()
}

async fn seat(chain: &Chain, row: Row<'_>) -> Result<Option<Value>, IndexerError> {
    let Some([set, index, _, _]) = row.parts() else { return Ok(None) };
    let (Ok(set), Ok(index)) = (set.parse(), index.parse()) else { return Ok(None) };
    let task: Option<Task> = chain.ask(views::TASK, TaskRef { set, index }).await?;
    let bodies = task.iter().flat_map(seats).filter_map(|seat| serde_json::to_value(seat).ok());
    let mut found = bodies.filter(|body| SEAT.key_of(body).is_ok_and(|key| key == row.key));
    Ok(found.next())
}
