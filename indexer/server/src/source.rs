//! Final blocks over JSON-RPC, two calls per idle block.
//!
//! Blocks are read by height and lead to the one before by `prev_hash`, across gaps in heights as well. In a block,
//! `changes{account_changes}` with cause `receipt_processing` names exactly the receipts that succeeded on the watched
//! accounts, in execution order; `light_client_proof` then gives each one's logs with a proof that leads to the root in
//! a later header. (The execution block is the one asked about, never the proof's.)
//!
//! Which head is the chain's a light client knows, or the node is believed. With a light client every header has to
//! have the hash that it names, and one proof of the last block of a step is one of all before it.

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use charter_client::proof::{self, Head, OutcomeProof, ProofError, ProvenOutcome, Tip, lite, outcome};
use charter_client::{At, ClientError, Rpc};
use charter_types::event::EventHead;
use charter_types::shared::methods as shared;
use charter_types::{AccountId, Nothing};
use futures_util::{StreamExt, TryStreamExt, stream};
use near_primitives::hash::CryptoHash;
use near_primitives::types::BlockHeight;
use near_primitives::views::BlockHeaderView;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::IndexerError;
use crate::blame::{Suspects, judged};
use crate::contract::Contract;
use crate::light::{self, Light};
use crate::pulse::Pulse;
use crate::store::{Cursor, Mirrored};
use crate::watch::Node;

/// Receipts of a block whose proofs are asked for at the same time.
const PROOFS_AT_ONCE: usize = 16;

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

    fn proven(header: &proof::Header) -> Self {
        let proof::Header { height, hash, prev_hash, timestamp_ns, .. } = *header;
        Self { height, hash, prev_hash, time_ms: timestamp_ns / 1_000_000 }
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
    /// Whom the chain's newest head is taken from. `None`: the node.
    light: Option<Light>,
    suspects: Suspects,
    /// Receipts that were proven since the last commit, by the block that they were executed in.
    kept: Mutex<BTreeMap<(CryptoHash, CryptoHash), Receipt>>,
    /// Each answer is a sign of life: of a busy block, or a wide gap, there are many.
    pulse: Pulse,
}

/// Whether a view failed because there is no contract, or none that was set up. Only for one that was never seen.
fn says_there_is_none(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { .. } => true,
        ClientError::Failed { text } => text.contains("CodeDoesNotExist"),
        _ => matches!(error.cause(), Some("UNKNOWN_ACCOUNT" | "NO_CONTRACT_CODE" | "CONTRACT_EXECUTION_ERROR")),
    }
}

async fn event_head(
    rpc: &Rpc,
    contract: &AccountId,
    block: CryptoHash,
    ours: EventHead,
) -> Result<EventHead, IndexerError> {
    match rpc.view(contract, shared::event_head, &Nothing {}, At::Hash(block)).await {
        Err(error) if ours == EventHead::default() && says_there_is_none(&error) => Ok(ours),
        told => Ok(told?),
    }
}

impl Source {
    pub fn new(rpc: Rpc, watched: Vec<AccountId>, pulse: Pulse) -> Self {
        Self { rpc, watched, light: None, suspects: Suspects::default(), kept: Mutex::default(), pulse }
    }

    /// From now on believes a light client which block is the newest, if there is one.
    pub fn lead(&mut self, light: Option<Light>) {
        self.light = light;
    }

    pub fn light(&self) -> Option<&Light> {
        self.light.as_ref()
    }

    /// From now on asks by this handle.
    pub fn ask_by(&mut self, rpc: Rpc) {
        self.rpc = rpc;
    }

    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    pub fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What the node says of its chain.
    pub async fn node(&self) -> Result<Node, IndexerError> {
        let rpc = self.rpc.clone();
        judged(&rpc, Node::ask(&rpc)).await
    }

    /// The same, if its chain is the one in the tables.
    pub async fn node_of(&self, mirrored: &Mirrored) -> Result<Node, IndexerError> {
        let rpc = self.rpc.clone();
        let asked = async {
            let node = Node::ask(&rpc).await?;
            node.check(mirrored).map(|()| node)
        };
        judged(&rpc, asked).await
    }

    /// One block's header, of the block that was asked for.
    pub async fn header(&self, at: At) -> Result<Header, IndexerError> {
        let rpc = self.rpc.clone();
        Ok(Header::of(&judged(&rpc, self.whole_header(&rpc, at)).await?))
    }

    async fn whole_header(&self, rpc: &Rpc, at: At) -> Result<BlockHeaderView, IndexerError> {
        let header = rpc.block(at).await?.header;
        let other = |asked: String, found: String| Err(IndexerError::OtherBlock { asked, found });
        match at {
            At::Height(height) if header.height != height => {
                return other(height.to_string(), header.height.to_string());
            }
            At::Hash(hash) if header.hash != hash => return other(hash.to_string(), header.hash.to_string()),
            _ => {}
        }
        // Or hashes would lead anywhere. Who is believed is believed this, too.
        if self.light.is_some() {
            let what = || format!("the header of block {}", header.hash);
            lite(&header).map_err(|source| IndexerError::unproven(what(), source))?;
        }
        Ok(header)
    }

    /// The block of a height; `None` where the node knows none.
    pub async fn find(&self, height: BlockHeight) -> Result<Option<Header>, IndexerError> {
        let rpc = self.rpc.clone();
        judged(&rpc, self.look(&rpc, At::Height(height))).await
    }

    /// Fails if the node knows a block of that height that is wrong.
    pub async fn find_unless(
        &self,
        height: BlockHeight,
        wrong: impl Fn(Header) -> Option<IndexerError>,
    ) -> Result<(), IndexerError> {
        let rpc = self.rpc.clone();
        let asked = async {
            let found = self.look(&rpc, At::Height(height)).await?;
            found.and_then(wrong).map_or(Ok(()), Err)
        };
        judged(&rpc, asked).await
    }

    /// A block, if the node knows it.
    async fn look(&self, rpc: &Rpc, at: At) -> Result<Option<Header>, IndexerError> {
        self.pulse.beat();
        match self.whole_header(rpc, at).await {
            Ok(header) => Ok(Some(Header::of(&header))),
            Err(IndexerError::Chain(error)) if error.cause() == Some("UNKNOWN_BLOCK") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest head, against which proofs are asked for.
    pub async fn light_head(&mut self) -> Result<LightHead, IndexerError> {
        let rpc = self.rpc.clone();
        let head = if let Some(light) = &mut self.light {
            judged(&rpc, light.advance(&rpc)).await?;
            LightHead::of(light.head())
        } else {
            let header = judged(&rpc, async { Ok::<_, IndexerError>(rpc.block(At::Final).await?.header) }).await?;
            LightHead { block: Header::of(&header), block_merkle_root: header.block_merkle_root }
        };
        self.suspects.told_head(rpc);
        Ok(head)
    }

    /// Whether a block, and so all that lead to it, are of the chain that the head is of. Where a node is believed,
    /// they are what it says.
    pub async fn check_block(&self, block: Cursor, head: LightHead) -> Result<(), IndexerError> {
        if self.light.is_none() || block.hash == head.block.hash {
            return Ok(());
        }
        let rpc = self.rpc.clone();
        judged(&rpc, light::prove(&rpc, head.tip(), block.hash)).await.map(|_| ())
    }

    /// How far a contract's chain of events is at a block. A contract that is not there yet, or not set up, has none; that is
    /// believed only where `ours` has none, either.
    pub async fn event_head(
        &self,
        contract: &AccountId,
        block: CryptoHash,
        ours: EventHead,
    ) -> Result<EventHead, IndexerError> {
        let rpc = self.rpc.clone();
        judged(&rpc, event_head(&rpc, contract, block, ours)).await
    }

    /// Fails if a contract had an event before a mirror is to begin.
    pub async fn check_silent(&self, contract: Contract, account: &AccountId, at: Cursor) -> Result<(), IndexerError> {
        let rpc = self.rpc.clone();
        let asked = async {
            let EventHead { seq, .. } = event_head(&rpc, account, at.hash, EventHead::default()).await?;
            let late = IndexerError::LateStart { contract: contract.name(), height: at.height, seq };
            if seq > 0 { Err(late) } else { Ok(()) }
        };
        judged(&rpc, asked).await
    }

    /// Successful receipts of one block. `None`: the node can't prove them yet, ask again against a later head.
    pub async fn receipts(&self, block: Header, head: LightHead) -> Result<Option<Vec<Receipt>>, IndexerError> {
        let params = json!({
            "block_id": block.hash, "changes_type": "account_changes", "account_ids": self.watched,
        });
        let rpc = self.rpc.clone();
        let named = judged(&rpc, self.named(&rpc, params)).await?;
        self.suspects.told_receipts(rpc.clone());
        let proofs = named.into_iter().map(|(id, receiver)| self.proven(id, receiver, block, head));
        // In their order, whatever order the answers come in.
        let proven: Result<Vec<Option<Receipt>>, _> = stream::iter(proofs).buffered(PROOFS_AT_ONCE).try_collect().await;
        // Whoever is asked to prove what another one made up can't.
        if let Err(error) = &proven
            && error.is_of_a_receipt()
        {
            rpc.blame(error.to_string());
        }
        Ok(proven?.into_iter().collect())
    }

    /// Receipts that a node says to have been executed on the watched contracts, each once, in their order.
    async fn named(&self, rpc: &Rpc, params: Value) -> Result<Vec<(CryptoHash, AccountId)>, IndexerError> {
        let changes: Changes = rpc.call("changes", params).await?;
        // A node may name any number of them.
        let (mut named, mut known) = (Vec::new(), BTreeSet::new());
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
            if known.insert(id) {
                named.push((id, change.body.account_id));
            }
        }
        Ok(named)
    }

    /// Forgets what was proven and not asked for again: it is in the tables.
    pub fn forget_proven(&self) {
        self.kept().clear();
    }

    /// What is kept is there as a whole or not at all, whoever panicked.
    fn kept(&self) -> MutexGuard<'_, BTreeMap<(CryptoHash, CryptoHash), Receipt>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A receipt with its logs. What was proven once stays so: where one proof of a block fails, the others aren't asked again.
    async fn proven(
        &self,
        id: CryptoHash,
        receiver: AccountId,
        block: Header,
        head: LightHead,
    ) -> Result<Option<Receipt>, IndexerError> {
        let known = self.kept().get(&(block.hash, id)).filter(|known| known.receiver == receiver).cloned();
        if known.is_some() {
            return Ok(known);
        }
        self.pulse.beat();
        let Some(proven) = self.prove(id, &receiver, head).await? else { return Ok(None) };
        let logs = if proven.status.is_success() { proven.logs } else { Vec::new() };
        if !logs.is_empty() {
            self.check_place(id, block, &proven.block).await?;
        }
        let receipt = Receipt { id, receiver, logs };
        self.kept().insert((block.hash, id), receipt.clone());
        Ok(Some(receipt))
    }

    /// What became of a receipt. `None`: the node can't prove it yet.
    pub async fn prove(
        &self,
        id: CryptoHash,
        receiver: &AccountId,
        head: LightHead,
    ) -> Result<Option<ProvenOutcome>, IndexerError> {
        let params = json!({
            "type": "receipt", "receipt_id": id, "receiver_id": receiver, "light_client_head": head.block.hash,
        });
        let rpc = self.rpc.clone();
        let asked = async {
            let proof: OutcomeProof = match rpc.call("light_client_proof", params).await {
                Ok(proof) => proof,
                Err(error) if error.cause() == Some("NOT_CONFIRMED") => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let refused = |source: ProofError| IndexerError::unproven(format!("receipt {id}"), source);
            outcome(head.tip(), id, receiver, &proof).map(Some).map_err(refused)
        };
        let proven = judged(&rpc, asked).await?;
        if proven.is_none() {
            self.suspects.told_head(rpc);
        }
        Ok(proven)
    }

    /// Whether a receipt can have been executed in a block, if it is the header of `teller` that tells of its outcome.
    /// That is the next one with a chunk of the same shard, so each block in between lacks some chunk. Where all chunks
    /// are there this leaves one block alone.
    pub async fn check_place(&self, id: CryptoHash, block: Header, teller: &proof::Header) -> Result<(), IndexerError> {
        if self.light.is_none() {
            return Ok(());
        }
        let rpc = self.rpc.clone();
        let mut before = teller.prev_hash;
        while before != block.hash {
            self.pulse.beat();
            let between = judged(&rpc, self.whole_header(&rpc, At::Hash(before))).await?;
            let lacks = between.chunk_mask.iter().any(|is_there| !is_there);
            if !lacks || between.height <= block.height {
                return Err(IndexerError::OtherPlace { receipt: id, height: block.height });
            }
            before = between.prev_hash;
        }
        Ok(())
    }
}

/// The block proofs lead to.
#[derive(Clone, Copy, Debug)]
pub struct LightHead {
    pub block: Header,
    pub block_merkle_root: CryptoHash,
}

impl LightHead {
    fn of(head: &Head) -> Self {
        Self { block: Header::proven(head.header()), block_merkle_root: head.header().block_merkle_root }
    }

    pub fn tip(&self) -> Tip {
        Tip { hash: self.block.hash, block_merkle_root: self.block_merkle_root }
    }
}
