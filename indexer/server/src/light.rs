//! The light client at work: from a block that somebody vouches for to the newest one that producers signed for, and
//! each step is kept, so that the next start goes on from there.

use charter_client::proof::{BlockProof, Checkpoint, Head, Header, ProofError, Tip, block, check_protocol, lite};
use charter_client::{At, Rpc};
use near_primitives::hash::CryptoHash;
use near_primitives::types::ProtocolVersion;
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{LightClientBlockLiteView, LightClientBlockView};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::pulse::Pulse;

/// Heads that a node is asked for, one after the other, to see how far it is.
const HOPS_MAX: u32 = 50;

/// The newest head that was verified.
const NEWEST: &str = "select head from light_head order by height desc limit 1";

/// Whom an indexer believes which blocks are the chain's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The node that it asks.
    #[default]
    Node,
    /// The producers who sign for blocks, from this one on, for which somebody vouches.
    Checkpoint(CryptoHash),
    /// The same, from the newest block on that the database has verified.
    Stored,
}

/// Whether a database has verified a block.
pub async fn has_head(pool: &PgPool) -> Result<bool, IndexerError> {
    Ok(stored(pool).await?.is_some())
}

/// The newest head in a database.
async fn stored(pool: &PgPool) -> Result<Option<Head>, IndexerError> {
    sqlx::query(NEWEST).fetch_optional(pool).await?.as_ref().map(read).transpose()
}

/// A block that was verified, for whoever tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub height: u64,
    pub hash: CryptoHash,
    pub time_ms: u64,
}

/// One of the blocks that a light client keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// For which somebody vouched.
    Checkpoint,
    Newest,
}

/// A block that a light client keeps, if there is one.
pub async fn verified(connection: &mut PgConnection, which: Which) -> Result<Option<Verified>, IndexerError> {
    let text = match which {
        Which::Checkpoint => "select head from light_head where checkpoint order by height limit 1",
        Which::Newest => NEWEST,
    };
    let Some(row) = sqlx::query(text).fetch_optional(connection).await? else { return Ok(None) };
    let head = read(&row)?;
    let Header { height, hash, timestamp_ns, .. } = *head.header();
    Ok(Some(Verified { height, hash, time_ms: timestamp_ns / 1_000_000 }))
}

/// What is in the database was proven before.
fn read(row: &PgRow) -> Result<Head, IndexerError> {
    let bytes: Vec<u8> = row.try_get("head")?;
    let unreadable = |source| IndexerError::unproven("a head in the database", source);
    Head::from_bytes(&bytes).map_err(unreadable)
}

/// A light client and the database that it keeps its heads in.
pub struct Light {
    pool: PgPool,
    head: Head,
    /// Epochs that were entered since it was opened.
    epochs: u64,
    /// A walk over many epochs takes long, and each answer is a sign of life.
    pulse: Pulse,
}

impl Light {
    /// Goes on from where the database is, or begins at a checkpoint, up to the newest head. `None`: the node is
    /// believed.
    pub async fn open(rpc: &Rpc, pool: &PgPool, trust: Trust, pulse: Pulse) -> Result<Option<Self>, IndexerError> {
        let known = if trust == Trust::Node { None } else { stored(pool).await? };
        let go_on = |head| Self { pool: pool.clone(), head, epochs: 0, pulse };
        let light = match (trust, known) {
            (Trust::Node, _) => return Ok(None),
            (Trust::Stored, None) => return Err(IndexerError::NoHead),
            (Trust::Stored, Some(head)) => {
                let mut light = go_on(head);
                light.advance(rpc).await?;
                light
            }
            (Trust::Checkpoint(trusted), Some(head)) => {
                let mut light = go_on(head);
                light.advance(rpc).await?;
                light.check_below(rpc, trusted).await?;
                light
            }
            (Trust::Checkpoint(trusted), None) => {
                let mut light = go_on(begin(rpc, trusted).await?);
                light.keep(&light.head, true).await?;
                light.advance(rpc).await?;
                light
            }
        };
        Ok(Some(light))
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How many epochs it went through since it was opened.
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Goes on to the newest head that the node shows.
    pub async fn advance(&mut self, rpc: &Rpc) -> Result<(), IndexerError> {
        loop {
            self.pulse.beat();
            let known = *self.head.header();
            let Some(head) = next_head(rpc, &self.head).await? else { return Ok(()) };
            let enters = head.header().epoch_id != known.epoch_id;
            if enters {
                check_epoch(rpc, head.header().hash).await?;
            }
            self.keep(&head, false).await?;
            self.head = head;
            // Within an epoch nodes answer with the last one that there is.
            if !enters {
                return Ok(());
            }
            self.epochs += 1;
        }
    }

    /// Fails unless a block that somebody vouches for is one of those that the head stands on.
    async fn check_below(&self, rpc: &Rpc, trusted: CryptoHash) -> Result<(), IndexerError> {
        let text = "select 1 from light_head where hash = $1";
        let known = sqlx::query(text).bind(trusted.as_bytes().as_slice()).fetch_optional(&self.pool).await?;
        if known.is_some() {
            return Ok(());
        }
        let head = self.head.header().height;
        let other = || IndexerError::OtherCheckpoint { hash: trusted, head };
        let header = checkpoint_header(rpc, trusted).await?;
        if header.inner_lite.height > head {
            return Err(other());
        }
        match prove(rpc, self.head.tip(), trusted).await {
            Err(IndexerError::Unproven { .. }) => Err(other()),
            proven => proven.map(|_| ()),
        }
    }

    /// Keeps a head, and of those before it what others will ask for: the checkpoint, and the last one of each epoch.
    async fn keep(&self, head: &Head, checkpoint: bool) -> Result<(), IndexerError> {
        let header = head.header();
        let (height, epoch_id) = (header.height.to_string(), header.epoch_id);
        let mut tx = self.pool.begin().await?;
        let text = "delete from light_head
                    where not checkpoint and epoch_id = $1 and height < $2::text::numeric";
        sqlx::query(text).bind(epoch_id.as_bytes().as_slice()).bind(&height).execute(&mut *tx).await?;
        let text = "insert into light_head (height, hash, epoch_id, head, checkpoint)
                    values ($1::text::numeric, $2, $3, $4, $5) on conflict do nothing";
        sqlx::query(text)
            .bind(&height)
            .bind(header.hash.as_bytes().as_slice())
            .bind(epoch_id.as_bytes().as_slice())
            .bind(head.to_bytes())
            .bind(checkpoint)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What a node shows of a block, with the hash that its fields have.
async fn checkpoint_header(rpc: &Rpc, hash: CryptoHash) -> Result<LightClientBlockLiteView, IndexerError> {
    match rpc.block(At::Hash(hash)).await {
        Ok(block) => {
            let unproven = |source| IndexerError::unproven(format!("the header of block {hash}"), source);
            let header = lite(&block.header).map_err(unproven)?;
            // Before anybody is asked what follows it: of another block something else does.
            let found = header.hash();
            if found != hash {
                return Err(unproven(ProofError::OtherBlock { expected: hash, found }));
            }
            Ok(header)
        }
        Err(error) if error.cause() == Some("UNKNOWN_BLOCK") => Err(IndexerError::UnknownCheckpoint { hash }),
        Err(error) => Err(error.into()),
    }
}

/// A head at a block that somebody vouches for. Producers of the epoch after it are whom its header names by their
/// hash, whatever a node says; it is asked at a block of that epoch.
async fn begin(rpc: &Rpc, trusted: CryptoHash) -> Result<Head, IndexerError> {
    let header = checkpoint_header(rpc, trusted).await?;
    let next = next_block(rpc, trusted).await?;
    let later = next.filter(|next| next.inner_lite.epoch_id == header.inner_lite.next_epoch_id);
    let Some(later) = later else { return Err(IndexerError::YoungCheckpoint { hash: trusted }) };
    let producers: Vec<ValidatorStakeView> =
        rpc.call("EXPERIMENTAL_validators_ordered", json!([hash_of(later)])).await?;
    let checkpoint = Checkpoint::new(trusted, &header, &producers);
    let checkpoint = checkpoint.map_err(|source| IndexerError::unproven(format!("checkpoint {trusted}"), source))?;
    check_epoch(rpc, trusted).await?;
    Ok(checkpoint.into_head())
}

/// The hash of a block that light clients are sent.
fn hash_of(view: LightClientBlockView) -> CryptoHash {
    let LightClientBlockView { prev_block_hash, inner_rest_hash, inner_lite, .. } = view;
    LightClientBlockLiteView { prev_block_hash, inner_rest_hash, inner_lite }.hash()
}

/// What `next_light_client_block` answers: a block; `null` or `{}` if there is none.
struct NextBlock(Option<LightClientBlockView>);

impl<'de> Deserialize<'de> for NextBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let answer = Value::deserialize(deserializer)?;
        if answer.is_null() || answer.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(Self(None));
        }
        // Half a block is no block that is missing.
        serde_json::from_value(answer).map(|view| Self(Some(view))).map_err(D::Error::custom)
    }
}

async fn next_block(rpc: &Rpc, known: CryptoHash) -> Result<Option<LightClientBlockView>, IndexerError> {
    match rpc.call("next_light_client_block", json!({ "last_block_hash": known })).await {
        Ok(NextBlock(next)) => Ok(next),
        Err(error) if error.cause() == Some("UNKNOWN_BLOCK") => Err(IndexerError::BehindHead { hash: known }),
        Err(error) => Err(error.into()),
    }
}

/// The head after one that is known, as far as signatures bear it out. `None`: the node has none that is newer.
async fn next_head(rpc: &Rpc, known: &Head) -> Result<Option<Head>, IndexerError> {
    let header = known.header();
    let Some(view) = next_block(rpc, header.hash).await? else { return Ok(None) };
    let refused = |source| IndexerError::unproven(format!("a head above block {}", header.height), source);
    known.advance(&view).map(Some).map_err(refused)
}

/// How far a node proves the chain to go beyond what a database has verified. `None`: it has verified nothing.
pub async fn proven_height(rpc: &Rpc, pool: &PgPool) -> Result<Option<u64>, IndexerError> {
    let Some(mut head) = stored(pool).await? else { return Ok(None) };
    // Further than that is far enough.
    for _ in 0..HOPS_MAX {
        let Some(next) = next_head(rpc, &head).await? else { break };
        head = next;
    }
    Ok(Some(head.header().height))
}

#[derive(Deserialize)]
struct Protocol {
    protocol_version: ProtocolVersion,
}

/// Whether blocks of an epoch are of a protocol that is known here. Which one it is, the node says.
async fn check_epoch(rpc: &Rpc, block: CryptoHash) -> Result<(), IndexerError> {
    let Protocol { protocol_version } = rpc.call("EXPERIMENTAL_protocol_config", json!({ "block_id": block })).await?;
    let unknown = |source| IndexerError::unproven(format!("what follows block {block}"), source);
    check_protocol(protocol_version).map_err(unknown)
}

/// The header of a block, if `tip` stands on it.
pub async fn prove(rpc: &Rpc, tip: Tip, hash: CryptoHash) -> Result<Header, IndexerError> {
    let refused = |source| IndexerError::unproven(format!("block {hash}"), source);
    let params = json!({ "block_hash": hash, "light_client_head": tip.hash });
    let proof: BlockProof = match rpc.call("EXPERIMENTAL_light_client_block_proof", params).await {
        Ok(proof) => proof,
        // One that is asked for was shown before, or is vouched for.
        Err(error) if error.cause() == Some("UNKNOWN_BLOCK") => {
            return Err(refused(ProofError::BlockPath { block: hash }));
        }
        Err(error) => return Err(error.into()),
    };
    let header = block(tip, &proof).map_err(refused)?;
    if header.hash != hash {
        return Err(refused(ProofError::OtherBlock { expected: hash, found: header.hash }));
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::NextBlock;

    #[test]
    fn nothing_newer_is_told_from_what_can_not_be_read() {
        let read = |answer: Value| serde_json::from_value::<NextBlock>(answer).map(|NextBlock(next)| next.is_some());
        for nothing in [json!(null), json!({})] {
            assert!(matches!(read(nothing.clone()), Ok(false)), "{nothing}");
        }
        for garbage in [json!([]), json!(""), json!(0), json!({ "inner_lite": {} }), json!({ "x": 1 })] {
            assert!(read(garbage.clone()).is_err(), "{garbage}");
        }
    }
}
