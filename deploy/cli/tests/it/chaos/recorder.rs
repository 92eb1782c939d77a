//! What the contracts logged, read from the chain's own outcomes in this process, and what is in the database of it.
//! Nothing here goes through a node, a proof, or code of the indexer's.

use std::collections::BTreeSet;

use charter_client::Contracts;
use charter_localnet::Localnet;
use charter_types::event::PREFIX;
use charter_types::{escrow, governance, keys, registry, tasks};
use near_primitives::transaction::ExecutionStatus;
use serde_json::Value;
use sqlx::PgPool;

/// An event, where it is on the chain, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Logged {
    contract: String,
    seq: u64,
    height: u64,
    receipt_id: String,
    log_index: u32,
    log: String,
}

/// The number of an event of ours.
fn number(log: &str, standard: &str) -> Option<u64> {
    let json: Value = serde_json::from_str(log.strip_prefix(PREFIX)?).unwrap();
    (json["standard"] == standard).then(|| json["data"][0]["seq"].as_u64().unwrap())
}

/// Every event up to the last final block, by contract and number. Receipts that failed keep their logs on the chain,
/// and these tell of what never was.
pub async fn on_chain(localnet: &Localnet, contracts: &Contracts) -> Vec<Logged> {
    let watched = [
        ("registry", contracts.registry.clone(), registry::STANDARD),
        ("keys", contracts.keys.clone(), keys::STANDARD),
        ("governance", contracts.governance.clone(), governance::STANDARD),
        ("escrow", contracts.escrow.clone(), escrow::STANDARD),
        ("tasks", contracts.tasks.clone(), tasks::STANDARD),
    ];
    let read = localnet.with(move |chain| {
        let mut found = Vec::new();
        let heights = chain.genesis_block().header.height()..=chain.final_head().header.height();
        for block in heights.filter_map(|height| chain.block_by_height(height)) {
            for executed in &block.outcomes {
                let outcome = &executed.outcome;
                let of = watched.iter().find(|(_, account, _)| *account == outcome.executor_id);
                let Some((name, _, standard)) = of else { continue };
                if matches!(outcome.status, ExecutionStatus::Failure(_)) {
                    continue;
                }
                for (log_index, log) in (0..).zip(&outcome.logs) {
                    let Some(seq) = number(log, standard) else { continue };
                    let (height, receipt_id) = (block.header.height(), executed.id.to_string());
                    let (contract, log) = ((*name).to_owned(), log.clone());
                    found.push(Logged { contract, seq, height, receipt_id, log_index, log });
                }
            }
        }
        found
    });
    let mut found = read.await.unwrap();
    found.sort();
    found
}

pub async fn in_database(pool: &PgPool) -> Vec<Logged> {
    let text = "select contract, seq, height, receipt_id, log_index, log from event";
    let rows: Vec<(String, i64, i64, String, i32, Vec<u8>)> = sqlx::query_as(text).fetch_all(pool).await.unwrap();
    let logged = |(contract, seq, height, receipt_id, log_index, log): (_, i64, i64, _, i32, _)| Logged {
        contract,
        seq: seq.try_into().unwrap(),
        height: height.try_into().unwrap(),
        receipt_id,
        log_index: log_index.try_into().unwrap(),
        log: String::from_utf8(log).unwrap(),
    };
    let mut found: Vec<Logged> = rows.into_iter().map(logged).collect();
    found.sort();
    found
}

/// How both differ.
pub struct Difference {
    pub lost: usize,
    pub doubled: usize,
    /// In the database and nowhere on the chain.
    pub made_up: usize,
}

impl Difference {
    pub fn of(on_chain: &[Logged], in_database: &[Logged]) -> Self {
        let (there, here): (BTreeSet<_>, BTreeSet<_>) = (on_chain.iter().collect(), in_database.iter().collect());
        let numbers: BTreeSet<_> = here.iter().map(|event| (&event.contract, event.seq)).collect();
        Self {
            lost: there.difference(&here).count(),
            doubled: in_database.len() - numbers.len(),
            made_up: here.difference(&there).count(),
        }
    }

    pub fn is_none(&self) -> bool {
        self.lost + self.doubled + self.made_up == 0
    }
}

/// The first of either that the other has not, in words.
pub fn first_difference(on_chain: &[Logged], in_database: &[Logged]) -> String {
    let differs = on_chain.iter().zip(in_database).find(|(there, here)| there != here);
    match differs {
        Some((there, here)) => format!("on the chain {there:?}, in the database {here:?}"),
        None => format!("{} events on the chain, {} in the database", on_chain.len(), in_database.len()),
    }
}
