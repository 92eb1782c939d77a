//! Where an indexer begins, and whom it believes.

use std::collections::VecDeque;
use std::sync::Arc;

use charter_client::{At, Contracts, Rpc};
use charter_types::AccountId;
use sqlx::PgPool;

use super::{Indexer, LAG_TIME, LOOK_AROUND, PATIENCE};
use crate::IndexerError;
use crate::blame::judged;
use crate::contract::Contract;
use crate::light::{Light, Trust};
use crate::pulse::Pulse;
use crate::rebuild::fill_payments;
use crate::rewind;
use crate::source::{Header, Source};
use crate::store::{self, Cursor, Mirrored};
use crate::wait::Wait;
use crate::watch::{Node, Watch};

/// How an indexer begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Where a fresh one begins: behind a block at which none of the contracts had an event yet. One without any event that
    /// began later goes back to it. `None`: the first that the node has, if the node is believed.
    pub from: Option<u64>,
    /// Whom it believes which blocks are the chain's.
    pub trust: Trust,
}

impl Indexer {
    /// Picks up where the database is; a fresh one starts at the first block that the node has, and believes it. A node
    /// or a database that is not there is waited for, and whoever calls says how long.
    pub async fn open(rpc: Rpc, contracts: &Contracts, pool: PgPool) -> Result<Self, IndexerError> {
        Self::open_as(rpc, contracts, pool, Start::default()).await
    }

    /// The same, as somebody wants it to begin. What one of several nodes says against that another one may deny; of the
    /// only one somebody should hear it at once.
    pub async fn open_as(rpc: Rpc, contracts: &Contracts, pool: PgPool, begin: Start) -> Result<Self, IndexerError> {
        let mut wait = Wait::default();
        let is_alone = rpc.health().len() < 2;
        loop {
            match Self::try_open(rpc.clone(), contracts, pool.clone(), begin).await {
                Err(error) if error.is_transient() && !(is_alone && error.is_of_a_start()) => {
                    tokio::time::sleep(wait.after(&error)).await;
                }
                opened => {
                    wait.over();
                    return opened;
                }
            }
        }
    }

    /// The same, but waits for nobody.
    pub async fn try_open(rpc: Rpc, contracts: &Contracts, pool: PgPool, begin: Start) -> Result<Self, IndexerError> {
        let contracts: Vec<_> =
            Contract::ALL.into_iter().map(|contract| (contract, contract.account(contracts).clone())).collect();
        let pulse = Pulse::default();
        let watched = contracts.iter().map(|(_, account)| account.clone()).collect();
        let mut source = Source::new(rpc.clone(), watched, pulse.clone());
        let cursor = begin_at(&mut source, &contracts, &pool, begin).await?;
        let mut connection = pool.acquire().await?;
        fill_payments(&mut connection).await?;
        let heads = store::heads(&mut connection, &contracts).await?;
        let proven = store::is_proven(&mut connection).await?;
        drop(connection);
        let indexer = Self {
            rpc,
            source,
            contracts,
            cursor,
            ahead: VecDeque::new(),
            heads,
            proven,
            pending: None,
            sent_back: None,
            pool,
            watch: Watch::default(),
            pulse,
            patience: PATIENCE,
            look_around: LOOK_AROUND,
            lag_time: LAG_TIME,
            stopping: Arc::default(),
        };
        Ok(indexer.given_up_after(PATIENCE))
    }
}

/// Finds the head of whoever is believed, and a block of its chain to go on from.
async fn begin_at(
    source: &mut Source,
    contracts: &[(Contract, AccountId)],
    pool: &PgPool,
    begin: Start,
) -> Result<Cursor, IndexerError> {
    let is_light = begin.trust != Trust::Node;
    let mut connection = pool.acquire().await?;
    let mirrored = store::mirrored(&mut connection).await?;
    let is_late = match (&mirrored, begin.from) {
        (Some(_), Some(from)) => rewind::begins_late(&mut connection, from).await?,
        _ => false,
    };
    drop(connection);
    let begins = mirrored.is_none() || is_late;
    // What it has of the past a node could say to be all there is.
    if begins && is_light && begin.from.is_none() {
        return Err(IndexerError::NoBeginning);
    }
    let node = match &mirrored {
        // Another chain has other heads.
        Some(mirrored) if !is_light => source.node_of(mirrored).await?,
        // With a light client the last block's hash tells which chain it is, and not a name.
        _ => source.node().await?,
    };
    let rpc = source.rpc().clone();
    let light = judged(&rpc, Light::open(&rpc, pool, begin.trust, source.pulse().clone())).await?;
    source.lead(light);
    let cursor = match &mirrored {
        Some(mirrored) if !begins && is_light => mirrored.cursor,
        Some(mirrored) if !begins => same_chain(source, &node, mirrored).await?,
        _ => start(source, contracts, begin.from.unwrap_or(node.earliest)).await?,
    };
    let mut is_proven = false;
    if is_light {
        let head = source.light_head().await?;
        // What was believed of a node may be ahead of what is proven.
        if cursor.height <= head.block.height || begins {
            source.check_block(cursor, head).await?;
            is_proven = true;
        }
    }
    let mut connection = pool.acquire().await?;
    let Some(mirrored) = mirrored else {
        store::start_cursor(&mut connection, &node.chain_id, node.genesis, cursor, is_light).await?;
        return Ok(cursor);
    };
    if begins {
        rewind::rewind(&mut connection, mirrored.cursor, cursor, source.pulse()).await?;
    }
    // A false name that a node gave is gone with the next one that has the chain, or is believed from now on.
    if is_proven || mirrored.proven || mirrored.genesis.is_none() {
        store::keep_names(&mut connection, &node.chain_id, node.genesis).await?;
    }
    Ok(cursor)
}

/// Where a fresh database starts. What a contract told before could never be read.
async fn start(source: &Source, contracts: &[(Contract, AccountId)], height: u64) -> Result<Cursor, IndexerError> {
    let cursor = source.header(At::Height(height)).await?.cursor();
    for (contract, account) in contracts {
        source.check_silent(*contract, account, cursor).await?;
    }
    Ok(cursor)
}

/// Where to go on, if the node has the chain that is in the tables.
async fn same_chain(source: &Source, node: &Node, mirrored: &Mirrored) -> Result<Cursor, IndexerError> {
    let cursor = mirrored.cursor;
    let other = |block: Header| IndexerError::OtherChain {
        expected: format!(
            "{} with block {} of height {}, which is the node's",
            node.chain_id, block.hash, block.height
        ),
        found: format!("{} with block {} there", mirrored.chain_id, cursor.hash),
    };
    // A node that lags, or has dropped old blocks, does not know it.
    source.find_unless(cursor.height, |block| (block.hash != cursor.hash).then(|| other(block))).await?;
    Ok(cursor)
}
