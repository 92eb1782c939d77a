//! `charter index verify`: whether the tables are as the contracts have them.

use anyhow::{Context, bail, ensure};
use charter_client::{Contracts, Rpc};
use charter_indexer::{Database, Report, Thoroughness, Trust, verify_as};

use super::open::{Believed, Open, Patience, Place, open};

pub async fn run(place: &Place, believed: Believed, prove: bool, json: bool) -> anyhow::Result<()> {
    let Open { contracts, rpc, database, _chain } = open(place, Patience::Fails).await?;
    let compared = compare_as(&database, &rpc, &contracts, believed, prove).await;
    database.close().await;
    let report = compared?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        tell_report(&report);
    }
    if report.mismatches > 0 {
        bail!("{} mismatches between the tables and the contracts", report.mismatches);
    }
    Ok(())
}

async fn compare_as(
    database: &Database,
    rpc: &Rpc,
    contracts: &Contracts,
    believed: Believed,
    prove: bool,
) -> anyhow::Result<Report> {
    let trust = believed.resolve(database, rpc).await?;
    ensure!(!prove || trust != Trust::Node, "--prove leads to a proven block: name a --checkpoint");
    let report = verify_as(database.pool(), rpc, contracts, Thoroughness { trust, prove }).await?;
    report.context("the database is empty: nothing to compare")
}

fn tell_report(report: &Report) {
    let Report { height, to_height, rows, mismatches, .. } = report;
    let blocks =
        if height == to_height { format!("block {height}") } else { format!("blocks {height} to {to_height}") };
    println!("{blocks}: {rows} rows compared, {mismatches} mismatches");
    for line in &report.detail {
        println!("  {line}");
    }
    if report.dead_letters > 0 {
        println!("  {} events are dead letters: `charter index dead-letters` lists them", report.dead_letters);
    }
    for proof in &report.proofs {
        println!("  {proof}");
    }
}
