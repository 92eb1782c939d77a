//! Whether nodes answer, have the chain in the tables, and say the same.

use std::time::Duration;

use charter_client::{At, ClientError, Contracts, Rpc};
use charter_types::Nothing;
use charter_types::shared::methods as shared;
use futures_util::future;
use near_primitives::hash::CryptoHash;
use tokio::time::timeout;

use super::Finding;
use crate::IndexerError;
use crate::api::LAG_BLOCKS_MAX;
use crate::contract::Contract;
use crate::state::State;
use crate::watch::Node;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A node that answered.
struct Told {
    name: String,
    rpc: Rpc,
    node: Node,
    /// Its newest final block.
    height: u64,
}

/// What nodes say, each by itself, and whether that fits together and to the tables.
pub async fn nodes(rpc: &Rpc, contracts: Option<&Contracts>, state: Option<&State>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let singles = rpc.singly();
    let asked = future::join_all(singles.iter().map(|node| timeout(PATIENCE, ask(node)))).await;
    let mut told = Vec::new();
    for (rpc, asked) in singles.into_iter().zip(asked) {
        let name = name(&rpc);
        match asked {
            Ok(Ok((node, height))) => told.push(Told { name, rpc, node, height }),
            Ok(Err(error)) => findings.push(Finding::odd("node", format!("{name}: {error}"))),
            Err(_) => findings.push(Finding::odd("node", format!("{name} does not answer within {PATIENCE:?}"))),
        }
    }
    findings.extend(told.iter().map(|told| of_node(told, state)));
    let Some(furthest) = told.iter().max_by_key(|told| told.height) else {
        findings.push(Finding::wrong("nodes", "none of them answers: an indexer waits"));
        return findings;
    };
    if told.len() > 1 {
        findings.push(agreement(&told, furthest).await);
    }
    findings.extend(state.and_then(|state| state.height).map(|indexed| lag(indexed, furthest)));
    if let Some(contracts) = contracts {
        for contract in Contract::ALL {
            findings.push(of_contract(contract, contracts, furthest, state).await);
        }
    }
    findings
}

/// Its scheme, host and port: a path or a query may hold a provider's key.
fn name(rpc: &Rpc) -> String {
    rpc.health().into_iter().next().map_or_else(String::new, |health| health.node)
}

async fn ask(rpc: &Rpc) -> Result<(Node, u64), IndexerError> {
    let node = Node::ask(rpc).await?;
    Ok((node, rpc.block(At::Final).await?.header.height))
}

fn of_node(told: &Told, state: Option<&State>) -> Finding {
    let Told { name, node, height, .. } = told;
    let Node { chain_id, earliest, .. } = node;
    let mirrored = state.and_then(State::mirrored);
    if let Some(Err(error)) = mirrored.map(|mirrored| node.check(mirrored)) {
        return Finding::wrong("node", format!("{name}: {error}"));
    }
    let indexed = mirrored.map(|mirrored| mirrored.cursor.height);
    if let Some(indexed) = indexed.filter(|indexed| *earliest > indexed.saturating_add(1)) {
        let about = format!(
            "{name} has blocks from {earliest} on, and the tables stand at {indexed}: what is between only an archival \
             node has"
        );
        return Finding::wrong("node", about);
    }
    Finding::well("node", format!("{name}: {chain_id}, final block {height}, blocks from {earliest} on"))
}

fn lag(indexed: u64, furthest: &Told) -> Finding {
    match furthest.height.saturating_sub(indexed) {
        lag if lag > LAG_BLOCKS_MAX => Finding::odd(
            "lag",
            format!("{lag} blocks behind {}: an indexer catches up, or none is at work", furthest.name),
        ),
        lag => Finding::well("lag", format!("{lag} blocks")),
    }
}

/// Whether nodes have one chain: one beginning, and one block at the height that all have as final.
async fn agreement(told: &[Told], furthest: &Told) -> Finding {
    let Some(last) = told.iter().min_by_key(|told| told.height) else {
        return Finding::well("nodes", "there is one");
    };
    if let Some(other) = told.iter().find(|told| told.node.genesis != furthest.node.genesis) {
        return Finding::wrong("nodes", format!("{} and {} have different chains", furthest.name, other.name));
    }
    let at = last.height;
    let hashes = future::join_all(told.iter().map(|told| timeout(PATIENCE, hash_at(&told.rpc, at)))).await;
    let mut seen: Option<(&str, CryptoHash)> = None;
    for (told, hash) in told.iter().zip(hashes) {
        let Ok(Ok(hash)) = hash else {
            return Finding::odd("nodes", format!("{} does not show block {at}, which is final", told.name));
        };
        match seen {
            Some((name, other)) if other != hash => {
                return Finding::wrong(
                    "nodes",
                    format!("{name} and {} have different blocks of height {at}", told.name),
                );
            }
            _ => seen = Some((told.name.as_str(), hash)),
        }
    }
    let behind = furthest.height.saturating_sub(at);
    if behind > LAG_BLOCKS_MAX {
        let (slow, quick) = (&last.name, &furthest.name);
        return Finding::odd("nodes", format!("{slow} is {behind} blocks behind {quick}: it lags, or keeps them back"));
    }
    Finding::well("nodes", format!("{} of them have the same block {at}", told.len()))
}

async fn hash_at(rpc: &Rpc, height: u64) -> Result<CryptoHash, ClientError> {
    Ok(rpc.block(At::Height(height)).await?.header.hash)
}

async fn of_contract(contract: Contract, contracts: &Contracts, told: &Told, state: Option<&State>) -> Finding {
    let (account, name) = (contract.account(contracts), contract.name());
    let asked = Box::pin(told.rpc.view(account, shared::event_head, &Nothing {}, At::Final));
    let head = match timeout(PATIENCE, asked).await {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => {
            return Finding::wrong("contract", format!("{name} is no contract of ours at {account}: {error}"));
        }
        Err(_) => return Finding::odd("contract", format!("{account} was not answered for within {PATIENCE:?}")),
    };
    let ours = state.and_then(|state| state.events.get(name)).copied().unwrap_or_default();
    let about = format!("{name} at {account}: {} events, {ours} of them in the tables", head.seq);
    // Tables may be ahead of a node that lags by little.
    if ours > head.seq {
        return Finding::odd("contract", format!("{about}: the node lags, or has another chain"));
    }
    Finding::well("contract", about)
}
