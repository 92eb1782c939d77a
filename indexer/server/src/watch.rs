//! What is known of the node, for whoever serves or reports: how far its chain is, and what is wrong with it.

use std::sync::Arc;

use charter_client::{ClientError, Rpc};
use near_primitives::hash::CryptoHash;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;

use crate::IndexerError;
use crate::blame::judged;
use crate::light::Light;
use crate::store::{self, Mirrored};

/// What a node says of its chain.
#[derive(Clone, Debug)]
pub struct Node {
    pub chain_id: String,
    pub genesis: CryptoHash,
    /// The first block it still has.
    pub earliest: u64,
    /// Its newest block.
    pub head: u64,
}

impl Node {
    pub async fn ask(rpc: &Rpc) -> Result<Self, IndexerError> {
        let status: Value = rpc.call("status", json!([])).await?;
        let missing =
            |what: &str| ClientError::Answer { method: "status".to_owned(), reason: format!("it has no {what}") };
        let text = |value: &Value, what| Ok::<_, ClientError>(value.as_str().ok_or_else(|| missing(what))?.to_owned());
        let number = |what| status["sync_info"][what].as_u64().ok_or_else(|| missing(what));
        let genesis = text(&status["genesis_hash"], "genesis_hash")?;
        Ok(Self {
            chain_id: text(&status["chain_id"], "chain_id")?,
            genesis: genesis.parse().map_err(|_| missing("genesis_hash that can be read"))?,
            earliest: number("earliest_block_height")?,
            head: number("latest_block_height")?,
        })
    }

    /// Fails unless the database mirrors this node's chain. An id is no more than a name; the first block's hash is the
    /// chain. Either is some node's word, which decides nothing where the last block is proven.
    pub fn check(&self, mirrored: &Mirrored) -> Result<(), IndexerError> {
        if mirrored.proven {
            return Ok(());
        }
        let other = |expected, found| Err(IndexerError::OtherChain { expected, found });
        if self.chain_id != mirrored.chain_id {
            return other(self.chain_id.clone(), mirrored.chain_id.clone());
        }
        match mirrored.genesis {
            Some(found) if found != self.genesis => other(
                format!("{} with genesis {}, which is the node's", self.chain_id, self.genesis),
                format!("{} with genesis {found}", mirrored.chain_id),
            ),
            _ => Ok(()),
        }
    }
}

/// What was seen of the node last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its newest final block, as far as that is believed. `None`: nobody asked it yet.
    pub head: Option<u64>,
    /// The furthest head that any of several nodes showed.
    pub furthest: Option<u64>,
    /// The block that the tables stand for.
    pub indexed: Option<u64>,
    /// Whether it is this process that writes them, and tells of every commit.
    pub here: bool,
    /// What is waited for, or why the last question had no answer.
    pub trouble: Option<String>,
    /// Why what is in the tables is not of this node's chain.
    pub other_chain: Option<String>,
    /// Requests that were sent to nodes, without those that only compare them.
    pub requests: u64,
}

/// Where it is noted what was seen.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<watch::Sender<Seen>>);

impl Watch {
    pub fn seen(&self) -> Seen {
        self.0.borrow().clone()
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<Seen> {
        self.0.subscribe()
    }

    /// The node answered whoever writes the tables, and its chain is ours. What the database lacks it still does, until something is done.
    pub(crate) fn note_head(&self, head: u64, indexed: u64) {
        self.0.send_modify(|seen| {
            (seen.head, seen.indexed, seen.here, seen.other_chain) = (Some(head), Some(indexed), true, None);
        });
    }

    /// All was done that there was to do.
    pub(crate) fn note_done(&self, indexed: u64) {
        self.0.send_modify(|seen| (seen.indexed, seen.trouble) = (Some(indexed), None));
    }

    pub(crate) fn note_requests(&self, requests: u64) {
        self.0.send_modify(|seen| seen.requests = requests);
    }

    pub(crate) fn note_furthest(&self, head: Option<u64>) {
        self.0.send_modify(|seen| seen.furthest = head);
    }

    pub(crate) fn note_error(&self, error: &IndexerError) {
        self.0.send_modify(|seen| match error {
            IndexerError::OtherChain { .. } => seen.other_chain = Some(error.to_string()),
            _ if error.is_transient() => seen.trouble = Some(format!("waiting for {}: {error}", error.party())),
            _ => seen.trouble = Some(error.to_string()),
        });
    }

    /// Asks the node once whether its chain is the one in the tables, and how far it is: as far as a light client can
    /// follow, where there is one.
    pub(crate) async fn look(&self, rpc: &Rpc, pool: &PgPool, light: Option<&mut Light>) -> Result<(), IndexerError> {
        let looked = judged(rpc, look(rpc, pool, light)).await;
        self.note_requests(rpc.requests());
        match &looked {
            Ok((head, indexed)) => self.0.send_modify(|seen| {
                let Seen { furthest, requests, .. } = *seen;
                *seen = Seen { head: Some(*head), indexed: *indexed, furthest, requests, ..Seen::default() };
            }),
            Err(error) => self.note_error(error),
        }
        looked.map(|_| ())
    }
}

async fn look(rpc: &Rpc, pool: &PgPool, light: Option<&mut Light>) -> Result<(u64, Option<u64>), IndexerError> {
    let node = Node::ask(rpc).await?;
    let mut connection = pool.acquire().await?;
    let mirrored = store::mirrored(&mut connection).await?;
    // A light client keeps its heads there, and on the embedded database there is one connection.
    drop(connection);
    let indexed = mirrored.as_ref().map(|mirrored| mirrored.cursor.height);
    let Some(light) = light else {
        mirrored.map_or(Ok(()), |mirrored| node.check(&mirrored))?;
        return Ok((node.head, indexed));
    };
    light.advance(rpc).await?;
    Ok((light.head().header().height, indexed))
}
