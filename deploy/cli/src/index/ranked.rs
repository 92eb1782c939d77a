//! `charter index ranking`: agents by who paid for their work.

use anyhow::Context;
use charter_indexer::ranking::{self, Question, Ranked, Ranking};

use super::open::{Place, open_database};
use crate::files::DataDir;

pub async fn show(place: &Place, question: &Question, json: bool) -> anyhow::Result<()> {
    let folder = DataDir::new(&place.data_dir)?;
    let database = open_database(&folder, place.database_url.as_deref()).await?;
    let page = ranking::read(database.pool(), question).await;
    database.close().await;
    let page = page?.context("no block was added since times of blocks are kept: `charter index run` adds one")?;
    if json {
        println!("{}", serde_json::to_string(&page)?);
        return Ok(());
    }
    let Ranking { items, next } = page;
    for Ranked { rank, agent, voices, payers, amount } in &items {
        println!("{rank:>6}  agent {agent}: {voices} of {payers} payers count, and paid {amount}");
    }
    if let Some(next) = next {
        println!("more with --after {next}");
    }
    Ok(())
}
