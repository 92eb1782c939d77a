//! Final blocks over JSON-RPC, two calls per idle block.
//!
//! Blocks are read by height, and across a wide gap walked back from the final head by `prev_hash`; either way each must
//! name the one before. In a block, `changes{account_changes}` with cause `receipt_processing` names exactly the receipts that
//! succeeded on the watched accounts, in execution order; `light_client_proof` then gives each one's logs with a proof
//! that leads to the root in a later header. (The execution block is the one asked about, never the proof's.)

use charter_client::proof::{OutcomeProof, Tip, outcome};
use charter_client::{At, ClientError, Rpc};
use charter_types::AccountId;
use near_primitives::hash::CryptoHash;
use near_primitives::types::BlockHeight;
use near_primitives::views::BlockHeaderView;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::IndexerError;
use crate::store::Cursor;
use crate::watch::Node;

/// Heights without a block that are tried one by one before the walk from the head begins.
const SKIPPED_MAX: u64 = 8;

/// A block to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub height: BlockHeight,
    pub hash: CryptoHash,
    pub prev_hash: CryptoHash,
    /// As contracts see it.
    pub time_ms: u64,
}

impl Header {
    fn of(view: &BlockHeaderView) -> Self {
        let BlockHeaderView { height, hash, prev_hash, timestamp_nanosec, .. } = *view;
        Self { height, hash, prev_hash, time_ms: timestamp_nanosec / 1_000_000 }
    }

    /// Where the tables are once the block is in them.
    pub fn cursor(&self) -> Cursor {
        Cursor { height: self.height, hash: self.hash, time_ms: Some(self.time_ms) }
    }
}

/// A successful receipt on a watched contract, with its proven logs.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub id: CryptoHash,
    pub receiver: AccountId,
    pub logs: Vec<String>,
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    cause: Value,
    #[serde(rename = "change")]
    body: ChangeBody,
}

#[derive(Deserialize)]
struct ChangeBody {
    account_id: AccountId,
}

/// Reads a chain.
pub struct Source {
    rpc: Rpc,
    watched: Vec<AccountId>,
}

impl Source {
    pub fn new(rpc: Rpc, watched: Vec<AccountId>) -> Self {
        Self { rpc, watched }
    }

    /// What the node says of its chain.
    pub async fn node(&self) -> Result<Node, IndexerError> {
        Node::ask(&self.rpc).await
    }

    /// One block's header, of the block that was asked for.
    pub async fn header(&self, at: At) -> Result<Header, IndexerError> {
        let header = self.rpc.block(at).await?.header;
        let other = |asked: String, found: String| Err(IndexerError::OtherBlock { asked, found });
        match at {
            At::Height(height) if header.height != height => other(height.to_string(), header.height.to_string()),
            At::Hash(hash) if header.hash != hash => other(hash.to_string(), header.hash.to_string()),
            _ => Ok(Header::of(&header)),
        }
    }

    /// The block of a height; `None` where the node knows none.
    pub async fn find(&self, height: BlockHeight) -> Result<Option<Header>, IndexerError> {
        match self.header(At::Height(height)).await {
            Ok(header) => Ok(Some(header)),
            Err(IndexerError::Chain(ClientError::Rpc { error, .. })) if error["cause"]["name"] == "UNKNOWN_BLOCK" => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The final head, against which proofs are asked for.
    pub async fn light_head(&self) -> Result<LightHead, IndexerError> {
        let header = self.rpc.block(At::Final).await?.header;
        Ok(LightHead { block: Header::of(&header), block_merkle_root: header.block_merkle_root })
    }

    /// Blocks after `known` up to `head`, oldest first: the next one, or all of them across a wide gap in heights.
    pub async fn new_blocks(&self, known: Cursor, head: LightHead) -> Result<Vec<Header>, IndexerError> {
        // A lagging node may be behind what is indexed already: nothing new.
        if head.block.height <= known.height {
            return Ok(Vec::new());
        }
        // Forward by height keeps up however far the head runs ahead; a few heights may be skipped.
        for height in known.height + 1..=head.block.height.min(known.height.saturating_add(SKIPPED_MAX)) {
            match self.find(height).await? {
                Some(next) if next.prev_hash == known.hash => return Ok(vec![next]),
                Some(_) => return Err(IndexerError::NotContinuous { height }),
                None => {}
            }
        }
        self.walk_back(known, head).await
    }

    /// From the head by `prev_hash` to `known`: a gap of any width costs nothing.
    async fn walk_back(&self, known: Cursor, head: LightHead) -> Result<Vec<Header>, IndexerError> {
        let mut blocks = Vec::new();
        let mut next = head.block;
        while next.height > known.height {
            blocks.push(next);
            if next.prev_hash == known.hash {
                blocks.reverse();
                return Ok(blocks);
            }
            let before = self.header(At::Hash(next.prev_hash)).await?;
            // Or it would never end.
            if before.height >= next.height {
                return Err(IndexerError::NotContinuous { height: next.height });
            }
            next = before;
        }
        Err(IndexerError::NotContinuous { height: next.height })
    }

    /// Successful receipts of one block. `None`: the node can't prove them yet, ask again against a later head.
    pub async fn receipts(&self, block: Header, head: LightHead) -> Result<Option<Vec<Receipt>>, IndexerError> {
        let params = json!({
            "block_id": block.hash, "changes_type": "account_changes", "account_ids": self.watched,
        });
        let changes: Changes = self.rpc.call("changes", params).await?;
        let mut named: Vec<(CryptoHash, AccountId)> = Vec::new();
        for change in changes.changes {
            if change.cause["type"] != "receipt_processing" {
                continue;
            }
            let id = change.cause["receipt_hash"].as_str().and_then(|id| id.parse().ok());
            let missing = || ClientError::Answer {
                method: "changes".to_owned(),
                reason: "a receipt was processed and has no receipt_hash".to_owned(),
            };
            let id = id.ok_or_else(missing)?;
            if !named.iter().any(|(known, _)| *known == id) {
                named.push((id, change.body.account_id));
            }
        }
        let mut receipts = Vec::with_capacity(named.len());
        for (id, receiver) in named {
            match self.prove(id, &receiver, head).await? {
                Some(logs) => receipts.push(Receipt { id, receiver, logs }),
                None => return Ok(None),
            }
        }
        Ok(Some(receipts))
    }

    async fn prove(
        &self,
        id: CryptoHash,
        receiver: &AccountId,
        head: LightHead,
    ) -> Result<Option<Vec<String>>, IndexerError> {
        let params = json!({
            "type": "receipt", "receipt_id": id, "receiver_id": receiver, "light_client_head": head.block.hash,
        });
        let proof: OutcomeProof = match self.rpc.call("light_client_proof", params).await {
            Ok(proof) => proof,
            Err(ClientError::Rpc { error, .. }) if error["cause"]["name"] == "NOT_CONFIRMED" => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let tip = Tip { hash: head.block.hash, block_merkle_root: head.block_merkle_root };
        let proven = outcome(tip, id, receiver, &proof);
        let proven = proven.map_err(|_| IndexerError::BadProof { receipt: id.to_string() })?;
        Ok(Some(if proven.status.is_success() { proven.logs } else { Vec::new() }))
    }
}

/// The block proofs lead to.
#[derive(Clone, Copy, Debug)]
pub struct LightHead {
    pub block: Header,
    pub block_merkle_root: CryptoHash,
}
