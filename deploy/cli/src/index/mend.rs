//! `charter index dead-letters` and `reindex`: events that could not be read, and tables made again.

use anyhow::Context;
use charter_indexer::reindex::{Reindexed, reindex};
use charter_indexer::{Database, letters};
use serde_json::json;

use super::open::{Place, open_database};
use crate::files::DataDir;

pub async fn list_letters(place: &Place, retry: bool, json: bool) -> anyhow::Result<()> {
    let folder = DataDir::new(&place.data_dir)?;
    let database = open_database(&folder, place.database_url.as_deref()).await?;
    let retried = if retry { Some(letters::retry(database.pool()).await?) } else { None };
    let left = letters::list(database.pool()).await?;
    database.close().await;
    if json {
        let applied = retried.map(|retried| retried.applied);
        println!("{}", json!({ "applied": applied, "dead_letters": left }));
        return Ok(());
    }
    if let Some(retried) = retried {
        println!("{} applied, {} left", retried.applied, retried.left);
    } else if left.is_empty() {
        println!("there are none");
    }
    for letters::Letter { height, contract, seq, reason, .. } in &left {
        let number = seq.map_or_else(|| "a log".to_owned(), |seq| format!("event {seq}"));
        println!("block {height}, {contract}, {number}: {reason}");
    }
    Ok(())
}

pub async fn reindex_tables(place: &Place, json: bool) -> anyhow::Result<()> {
    let folder = DataDir::new(&place.data_dir)?;
    let database = open_database(&folder, place.database_url.as_deref()).await?;
    let made = make_again(&database).await;
    database.close().await;
    let (Reindexed { height, tables, events }, letters::Retried { applied, left }) = made?;
    if json {
        let letters = json!({ "applied": applied, "left": left });
        println!("{}", json!({ "height": height, "tables": tables, "events": events, "dead_letters": letters }));
        return Ok(());
    }
    println!("block {height}: {tables} tables made again from {events} events");
    if applied + left > 0 {
        println!("dead letters: {applied} applied, {left} left");
    }
    Ok(())
}

async fn make_again(database: &Database) -> anyhow::Result<(Reindexed, letters::Retried)> {
    let made = reindex(database.pool()).await?.context("the database is empty: nothing to make again")?;
    Ok((made, letters::retry(database.pool()).await?))
}
