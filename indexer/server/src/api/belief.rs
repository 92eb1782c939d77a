//! What is proven of the answers, and what is not, in plain words.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{PgConnection, Row};

use super::chain::age_ms;
use super::problem::Problem;
use crate::anchor::{self, Anchored};
use crate::light::{self, Verified};
use crate::store;

/// What a proof shows, under the root of a final block.
const PROVEN: [&str; 3] = [
    "of each event: the receipt, the account that executed it, that it succeeded, and its logs",
    "of each block that was read: its hash, the one before it, its height and its time",
    "order and completeness of a contract's events between proven ones, by their numbers and the hash that each has of \
     those before it",
];

/// What no header commits to.
const UNPROVEN: [&str; 5] = [
    "which receipts a block changed a contract by (`changes`): a node's hint where to look",
    "in which block a receipt was executed, where a block near it lacks a chunk",
    "what views answer, and so what tables are compared with",
    "that no event came after a contract's last one: an anchor shows it up to its block",
    "the name of the chain, and which protocol an epoch has",
];

/// What else is a node's word where its head is believed.
const UNPROVEN_HEAD: &str = "that the head, under whose root all is proven, is the chain's: a node's word";

/// Whom the blocks in the tables are believed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trusted {
    /// Producers who signed for the head that all proofs lead to.
    LightClient,
    /// The node that was asked: all proofs lead to the head that it names.
    Node,
}

impl From<bool> for Trusted {
    fn from(light: bool) -> Self {
        if light { Self::LightClient } else { Self::Node }
    }
}

/// Blocks after a height, up to the next range.
#[derive(Serialize, JsonSchema)]
pub struct Range {
    after_height: u64,
    trust: Trusted,
}

/// A block.
#[derive(Serialize, JsonSchema)]
pub struct Block {
    height: u64,
    hash: String,
}

/// The newest block that producers are known to have signed for.
#[derive(Serialize, JsonSchema)]
pub struct VerifiedHead {
    pub height: u64,
    hash: String,
    /// How old it is, by its own time and the clock here, milliseconds. If it gets older and older, the node stands
    /// still or keeps the newest blocks back.
    pub age_ms: Option<u64>,
}

impl From<&Verified> for VerifiedHead {
    fn from(verified: &Verified) -> Self {
        let Verified { height, hash, time_ms } = verified;
        Self { height: *height, hash: hash.to_string(), age_ms: age_ms(*time_ms) }
    }
}

/// What is proven, and what is believed of whom.
#[derive(Serialize, JsonSchema)]
pub struct Belief {
    /// Of the newest block in the tables; `null`: there is none yet.
    trust: Option<Trusted>,
    /// Of all blocks in the tables, where that changed. Blocks before the first range were believed of a node.
    ranges: Vec<Range>,
    /// The block that somebody vouched for: whoever believes in it can check the rest.
    checkpoint: Option<Block>,
    verified_head: Option<VerifiedHead>,
    proven: Vec<&'static str>,
    unproven: Vec<&'static str>,
    /// Up to which block no event of a contract is missing, by what it answered to a transaction. `charter index anchor`
    /// sends one.
    anchors: Vec<Anchored>,
}

impl Belief {
    pub async fn read(connection: &mut PgConnection) -> Result<Self, Problem> {
        let text = "select after_height, light from trust_range order by after_height";
        let rows = sqlx::query(text).fetch_all(&mut *connection).await?;
        let range = |row: &sqlx::postgres::PgRow| -> Result<Range, Problem> {
            let light: bool = row.try_get("light")?;
            Ok(Range { after_height: store::unsigned(row, "after_height")?, trust: light.into() })
        };
        let ranges = rows.iter().map(range).collect::<Result<Vec<_>, _>>()?;
        let trust = ranges.last().map(|range| range.trust);
        let checkpoint = light::verified(&mut *connection, light::Which::Checkpoint).await?;
        let newest = light::verified(&mut *connection, light::Which::Newest).await?;
        let believed = (trust != Some(Trusted::LightClient)).then_some(UNPROVEN_HEAD);
        Ok(Self {
            trust,
            ranges,
            checkpoint: checkpoint.map(|block| Block { height: block.height, hash: block.hash.to_string() }),
            verified_head: newest.as_ref().map(VerifiedHead::from),
            proven: PROVEN.to_vec(),
            unproven: believed.into_iter().chain(UNPROVEN).collect(),
            anchors: anchor::list(connection).await?,
        })
    }
}
