//! `charter index anchor`: how many events each contract has, by its own answer to a transaction.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use charter_client::{Account, Call, Contracts, Rpc};
use charter_indexer::anchor::{self, Anchored, Standing, Told};
use charter_indexer::{Contract, Indexer, Start, Trust};
use charter_types::shared::methods as shared;
use charter_types::{AccountId, Nothing};
use serde_json::json;

use super::open::{Believed, Open, Patience, Place, open};
use crate::files::DataDir;
use crate::files::keystore::{KeyFile, KeyStore};
use crate::units::duration_ms;

/// How often it is looked how far the tables are.
const POLL: Duration = Duration::from_millis(500);

// Who sends the transactions.
#[derive(clap::Args)]
pub struct Caller {
    /// Who calls the contracts and pays the gas, a thousandth of a NEAR or two; the folder has its key, unless
    /// --credentials does.
    #[arg(long)]
    account: Option<AccountId>,
    /// A key file as near-cli writes it.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// How long it may take until the answers are proven and the tables are where they were given.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, default_value = "2m")]
    wait: u64,
}

impl Caller {
    fn account(&self, folder: &DataDir, rpc: &Rpc) -> anyhow::Result<Account> {
        let (id, key) = match (&self.credentials, &self.account) {
            (Some(path), named) => {
                let KeyFile { account_id, secret_key } = KeyFile::read(path)?;
                let is_its = named.as_ref().is_none_or(|named| *named == account_id);
                ensure!(is_its, "{} has the key of {account_id}", path.display());
                (account_id, secret_key)
            }
            (None, Some(id)) => {
                let key = KeyStore::open(folder)?.known(id);
                (id.clone(), key.with_context(|| format!("the folder has no key of {id}: name --credentials FILE"))?)
            }
            (None, None) => anyhow::bail!("somebody has to call the contracts: name --account or --credentials"),
        };
        Ok(Account::new(id, key, rpc.clone()))
    }
}

pub async fn run(place: &Place, believed: Believed, caller: &Caller, json: bool) -> anyhow::Result<()> {
    let opened = open(place, Patience::Fails).await?;
    let told = take(place, &opened, believed, caller).await;
    let Open { database, _chain, .. } = opened;
    database.close().await;
    let anchors = told?;
    if json {
        println!("{}", json!({ "anchors": anchors }));
    } else {
        for anchor in &anchors {
            println!("{}", words(anchor));
        }
    }
    let missing = anchors.iter().find(|one| matches!(one.state, Standing::Withheld | Standing::Differs));
    if let Some(Anchored { contract, height, .. }) = missing {
        anyhow::bail!("events of {contract} up to block {height} are not those in the tables");
    }
    Ok(())
}

async fn take(place: &Place, opened: &Open, believed: Believed, caller: &Caller) -> anyhow::Result<Vec<Anchored>> {
    let Open { contracts, rpc, database, .. } = opened;
    let trust = believed.resolve(database, rpc).await?;
    let account = caller.account(&DataDir::new(&place.data_dir)?, rpc)?;
    let told = ask(&account, contracts).await?;
    let patience = Duration::from_millis(caller.wait);
    let taken =
        tokio::time::timeout(patience, anchor::take(rpc.clone(), contracts, database.pool(), trust, &told)).await;
    taken.context("the answers can't be proven yet: no proven block stands on them")??;
    // On the embedded database nobody else writes the tables meanwhile.
    if place.database_url.is_none() {
        catch_up(opened, trust).await?;
        return Ok(anchor::all(database.pool()).await?);
    }
    let until = tokio::time::Instant::now() + patience;
    loop {
        let anchors = anchor::all(database.pool()).await?;
        let is_pending = anchors.iter().any(|one| one.state == Standing::Pending);
        if !is_pending || tokio::time::Instant::now() >= until {
            return Ok(anchors);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Calls each contract, one after the other: a transaction goes to one account.
async fn ask(account: &Account, contracts: &Contracts) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    for contract in Contract::ALL {
        let to = contract.account(contracts);
        let outcome = account.call(to, Call::new(shared::event_head, &Nothing {})).await?;
        let executed = outcome.receipt_on(to);
        let (receipt, block) = executed.with_context(|| format!("the node does not tell what {to} did"))?;
        told.push(Told { contract, receipt, block });
    }
    Ok(told)
}

async fn catch_up(opened: &Open, trust: Trust) -> anyhow::Result<()> {
    let Open { contracts, rpc, database, .. } = opened;
    // A checkpoint that was named is in the database by now.
    let trust = if trust == Trust::Node { trust } else { Trust::Stored };
    let begin = Start { from: None, trust };
    Indexer::open_as(rpc.clone(), contracts, database.pool().clone(), begin).await?.catch_up().await?;
    Ok(())
}

fn words(anchor: &Anchored) -> String {
    let Anchored { contract, events, height, state, proven, .. } = anchor;
    let by = if *proven { "proven" } else { "as the node says" };
    let what = match state {
        Standing::Pending => "the tables are not there yet",
        Standing::Complete => "none is missing up to there",
        Standing::Withheld => "EVENTS ARE MISSING: a node kept them back",
        Standing::Differs => "THE TABLES HAVE OTHERS",
    };
    format!("{contract}: {events} events at block {height}, {by}: {what}")
}
