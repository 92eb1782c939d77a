//! What of a comparison is proven: that its block is the chain's, and that a contract's chain of events ends where ours
//! does, out of its state.
//!
//! A contract keeps the number of its last event and the hash over all of them side by side under `STATE`. Whoever finds
//! both there, behind a proof that leads to a block of the chain, knows that no event is missing, without a transaction.
//! Whatever else stands there is nobody's business here.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_client::proof::{AccountRoot, ProofError, lite, state_prefix};
use charter_client::{At, Contracts, Rpc};
use charter_types::AccountId;
use charter_types::event::EventHead;
use near_primitives::hash::CryptoHash;
use near_primitives::views::ViewStateResult;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::Thoroughness;
use crate::IndexerError;
use crate::contract::Contract;
use crate::light::{Light, Trust};
use crate::pulse::Pulse;
use crate::source::{Header, LightHead, Source};
use crate::store::{self, Cursor};

/// Where near-sdk keeps a contract's own state.
const KEY: &[u8] = b"STATE";
/// How long the block after the one that was compared is waited for: its header tells of the state.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(500);

/// What came of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is so.
    Ok,
    /// Nobody knows: the node serves no proof, or one that shows nothing.
    Unproven,
    /// It is not so.
    Differs,
}

/// Something that was to be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// A block, or a contract's events.
    pub what: String,
    pub verdict: Verdict,
    /// Why it is not.
    pub why: Option<String>,
}

impl fmt::Display for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Unproven => "unproven",
            Verdict::Differs => "differs",
        };
        write!(out, "{}: {word}", self.what)?;
        self.why.as_ref().map_or(Ok(()), |why| write!(out, ": {why}"))
    }
}

impl Proof {
    /// `looked` is whether it is so, or why nobody knows.
    fn of(what: String, looked: Result<bool, String>) -> Self {
        let (verdict, why) = match looked {
            Ok(true) => (Verdict::Ok, None),
            Ok(false) => (Verdict::Differs, Some("the chain has something else".to_owned())),
            Err(why) => (Verdict::Unproven, Some(why)),
        };
        Self { what, verdict, why }
    }
}

/// What a state was found under.
struct Place {
    block: CryptoHash,
    /// Over the roots of all shards' states.
    state_root: CryptoHash,
    chunk_roots: Vec<CryptoHash>,
}

/// Proves what there is to prove of the tables as they are now: nothing where a node is believed.
pub async fn prove(
    pool: &PgPool,
    rpc: &Rpc,
    contracts: &Contracts,
    how: Thoroughness,
) -> Result<Vec<Proof>, IndexerError> {
    if how.trust == Trust::Node {
        return Ok(Vec::new());
    }
    let pulse = Pulse::default();
    let light = Light::open(rpc, pool, how.trust, pulse.clone()).await?;
    let mut source = Source::new(rpc.clone(), Vec::new(), pulse);
    source.lead(light);
    let mut connection = pool.acquire().await?;
    let stands = store::stands(&mut connection).await?;
    drop(connection);
    let Some((cursor, heads)) = stands else { return Ok(Vec::new()) };
    let mut proofs = vec![Proof::of(format!("block {}", cursor.height), is_of_chain(&mut source, cursor).await)];
    if !how.prove {
        return Ok(proofs);
    }
    let place = match next_block(&mut source, cursor, Instant::now() + PATIENCE).await {
        Ok(next) => place(rpc, cursor.hash, next).await,
        Err(why) => Err(why),
    };
    for contract in Contract::ALL {
        let ours = heads.get(&contract).copied().unwrap_or_default();
        let looked = match &place {
            Ok(place) => holds(rpc, contract.account(contracts), place, ours).await,
            Err(why) => Err(why.clone()),
        };
        proofs.push(Proof::of(format!("events of {}", contract.name()), looked));
    }
    Ok(proofs)
}

/// Whether the block that the tables stand for is proven to be the chain's.
async fn is_of_chain(source: &mut Source, cursor: Cursor) -> Result<bool, String> {
    let head = source.light_head().await.map_err(|error| error.to_string())?;
    if cursor.height > head.block.height {
        return Err(format!("proven is the chain up to block {}", head.block.height));
    }
    source.check_block(cursor, head).await.map_err(|error| error.to_string())?;
    Ok(true)
}

/// The block after the one that the tables stand for, once it is proven: with it that one is, too.
async fn next_block(source: &mut Source, cursor: Cursor, until: Instant) -> Result<Header, String> {
    loop {
        match try_next_block(source, cursor).await {
            Ok(Some(next)) => return Ok(next),
            Ok(None) if Instant::now() >= until => return Err("no proven block stands on it yet".to_owned()),
            Ok(None) => sleep(POLL).await,
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn try_next_block(source: &mut Source, cursor: Cursor) -> Result<Option<Header>, IndexerError> {
    let head: LightHead = source.light_head().await?;
    let Some(next) = source.new_blocks(cursor, head).await?.first().copied() else { return Ok(None) };
    source.check_block(next.cursor(), head).await?;
    Ok(Some(next))
}

/// Where the state that a block left is told of: in the next one's header.
async fn place(rpc: &Rpc, block: CryptoHash, next: Header) -> Result<Place, String> {
    let told = rpc.block(At::Hash(next.hash)).await.map_err(|error| error.to_string())?;
    let header = lite(&told.header).map_err(why)?;
    if header.hash() != next.hash {
        return Err(why(ProofError::OtherBlock { expected: next.hash, found: header.hash() }));
    }
    let chunk_roots = told.chunks.iter().map(|chunk| chunk.prev_state_root).collect();
    Ok(Place { block, state_root: header.inner_lite.prev_state_root, chunk_roots })
}

fn why(error: ProofError) -> String {
    format!("{}: {error}", error.code())
}

/// Whether a contract's state has this end of its chain of events in it.
async fn holds(rpc: &Rpc, account: &AccountId, place: &Place, ours: EventHead) -> Result<bool, String> {
    // A hash of zeroes is found wherever there are zeroes.
    if ours.seq == 0 {
        return Err("the tables have none, and so nothing to look for".to_owned());
    }
    let params = json!({
        "request_type": "view_state", "block_id": place.block, "account_id": account,
        "prefix_base64": STANDARD.encode(KEY), "include_proof": true,
    });
    let told: ViewStateResult = rpc.call("query", params).await.map_err(|error| error.to_string())?;
    let root = root(place, account, &told).map_err(why)?;
    state_prefix(&root, KEY, &told.values, &told.proof).map_err(why)?;
    let wanted = [ours.seq.to_le_bytes().as_slice(), ours.head.0.as_slice()].concat();
    let mut own = told.values.iter().filter(|item| item.key.as_slice() == KEY);
    Ok(own.any(|item| item.value.as_slice().windows(wanted.len()).any(|part| part == wanted)))
}

/// The root of the shard that the account is in: no header tells which one that is, but its key is in no other.
fn root(place: &Place, account: &AccountId, told: &ViewStateResult) -> Result<AccountRoot, ProofError> {
    if let [only] = place.chunk_roots.as_slice() {
        return AccountRoot::of_only(place.state_root, *only, account);
    }
    let mut refused = ProofError::OtherState;
    for index in 0..place.chunk_roots.len() {
        match AccountRoot::of_one(place.state_root, &place.chunk_roots, index, account, KEY, &told.proof) {
            Ok(root) => return Ok(root),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::{Proof, Verdict};

    #[test]
    fn a_proof_says_what_came_of_it() {
        let proof = |verdict, why: Option<&str>| {
            Proof { what: "events of keys".to_owned(), verdict, why: why.map(str::to_owned) }.to_string()
        };
        assert_eq!(proof(Verdict::Ok, None), "events of keys: ok");
        assert_eq!(proof(Verdict::Unproven, Some("too large")), "events of keys: unproven: too large");
    }
}
