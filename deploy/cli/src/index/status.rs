//! `charter index status`: how far the tables are.

use anyhow::Context;
use charter_indexer::state::State;

use super::open::{Place, look_at_database};
use crate::files::DataDir;
use crate::units::length;

pub async fn run(place: &Place, json: bool) -> anyhow::Result<()> {
    let folder = DataDir::new(&place.data_dir)?;
    let database = look_at_database(&folder, place.database_url.as_deref()).await?;
    let database = database.context("there is no database yet: `charter index run` makes it")?;
    let state = State::read(database.pool()).await;
    database.close().await;
    let state = state.context("the tables can't be read; `charter index doctor` says more")?;
    if json {
        say!("{}", serde_json::to_string(&state)?);
    } else {
        tell(&state);
    }
    Ok(())
}

/// Behind what is so old.
fn aged(age_ms: Option<u64>) -> String {
    age_ms.map_or_else(String::new, |ms| format!(", {} old", length(ms)))
}

fn tell(state: &State) {
    match (state.height, &state.chain_id) {
        (Some(height), Some(chain)) => say!("tables      block {height} of {chain}{}", aged(state.age_ms)),
        _ => say!("tables      empty"),
    }
    match &state.verified_head {
        Some(head) => say!("verified    block {}{}", head.height, aged(head.age_ms)),
        None => say!("verified    nothing: a node is believed"),
    }
    for (contract, events) in &state.events {
        say!("{contract:<10}  {events} events");
    }
    say!("letters     {} dead", state.dead_letters);
    match &state.verification {
        Some(last) => {
            let (rows, wrong, ago) = (last.rows, last.mismatches, length(last.age_ms));
            say!("compared    {rows} rows at block {}, {wrong} mismatches, {ago} ago", last.height);
        }
        None => say!("compared    never"),
    }
    for anchor in &state.anchors {
        let (contract, events, height) = (&anchor.contract, anchor.events, anchor.height);
        say!("anchor      {contract}: {events} events at block {height}, {:?}", anchor.state);
    }
    say!("disk        {} MB", state.database_bytes / 1_000_000);
}
