//! Anchors: how many events a contract has by its own answer to a transaction, out of a proven outcome.
//!
//! Logs that are proven follow each other, so nobody can leave one out between two of them. That none came after the
//! last one no proof of a log shows: a node may keep it back, and say of `event_head` what suits. An answer to a
//! transaction is an outcome like any other, so up to its block nothing can be kept back.

use std::cmp::Ordering;
use std::time::Duration;

use charter_client::proof::Status;
use charter_client::{At, Contracts, Rpc};
use charter_types::event::EventHead;
use charter_types::method::Method;
use charter_types::shared::methods as shared;
use charter_types::{AccountId, Hash32};
use near_primitives::hash::CryptoHash;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Row};
use tokio::time::sleep;

use crate::IndexerError;
use crate::blame::judged;
use crate::contract::Contract;
use crate::decode::prev;
use crate::light::{Light, Trust};
use crate::pulse::Pulse;
use crate::source::{LightHead, Source};
use crate::store;
use crate::wait::Wait;

/// How often it is looked whether an answer can be proven.
const POLL: Duration = Duration::from_millis(500);

/// Where a contract answered `event_head`, by the word of whoever called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub contract: Contract,
    pub receipt: CryptoHash,
    /// The block in which it was executed.
    pub block: CryptoHash,
}

/// A contract's answer.
struct Anchor {
    contract: Contract,
    told: EventHead,
    height: u64,
    light: bool,
}

/// What an anchor says of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The tables do not stand at its block yet.
    Pending,
    /// Up to its block no event is missing.
    Complete,
    /// The tables stand at its block or behind it, and events are missing.
    Withheld,
    /// As many events, and others.
    Differs,
}

/// A contract's last anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Anchored {
    pub contract: String,
    /// How many events the contract had, by its own answer to a transaction.
    pub events: u64,
    /// The block in which it answered.
    pub height: u64,
    pub state: Standing,
    /// Whether the answer is proven by the light client; else a node is believed.
    pub proven: bool,
    /// How long ago it was taken, milliseconds.
    pub age_ms: u64,
}

/// Keeps what contracts answered, once it can be proven. How long that may take is for the caller to say; a node that
/// is not there, or proves nothing, is waited for.
pub async fn take(
    rpc: Rpc,
    contracts: &Contracts,
    pool: &PgPool,
    trust: Trust,
    told: &[Told],
) -> Result<(), IndexerError> {
    let pulse = Pulse::default();
    let light = judged(&rpc, Light::open(&rpc, pool, trust, pulse.clone())).await?;
    let mut source = Source::new(rpc, Vec::new(), pulse);
    source.lead(light);
    let (mut left, mut wait) = (told.to_vec(), Wait::default());
    loop {
        match prove_some(&mut source, contracts, pool, &mut left).await {
            Ok(()) if left.is_empty() => return Ok(()),
            Ok(()) => sleep(POLL).await,
            Err(error) if error.is_transient() => sleep(wait.after(&error)).await,
            Err(error) => return Err(error),
        }
    }
}

/// Keeps those that can be proven under the newest head; the others are left.
async fn prove_some(
    source: &mut Source,
    contracts: &Contracts,
    pool: &PgPool,
    left: &mut Vec<Told>,
) -> Result<(), IndexerError> {
    let head = source.light_head().await?;
    let mut later = Vec::new();
    for told in &*left {
        match prove(source, told.contract.account(contracts), *told, head).await? {
            Some(anchor) => note(pool, &anchor).await?,
            None => later.push(*told),
        }
    }
    *left = later;
    Ok(())
}

async fn prove(
    source: &Source,
    account: &AccountId,
    told: Told,
    head: LightHead,
) -> Result<Option<Anchor>, IndexerError> {
    let Told { contract, receipt, block } = told;
    let block = source.header(At::Hash(block)).await?;
    if block.height > head.block.height {
        return Ok(None);
    }
    let Some(proven) = source.prove(receipt, account, head).await? else { return Ok(None) };
    source.check_place(receipt, block, &proven.block).await?;
    let wrong = |reason| IndexerError::Record { table: "event_anchor", reason };
    let Status::Value(bytes) = &proven.status else { return Err(wrong(format!("it ended with {:?}", proven.status))) };
    let told = answer(shared::event_head, bytes).map_err(wrong)?;
    Ok(Some(Anchor { contract, told, height: block.height, light: source.light().is_some() }))
}

fn answer<M: Method>(_: M, bytes: &[u8]) -> Result<M::Answer, String> {
    M::answer(bytes)
}

async fn note(pool: &PgPool, anchor: &Anchor) -> Result<(), IndexerError> {
    let Anchor { contract, told, height, light } = anchor;
    sqlx::query("insert into event_anchor (contract, seq, head, height, light) values ($1, $2, $3, $4, $5)")
        .bind(contract.name())
        .bind(store::signed(told.seq)?)
        .bind(told.head.0.as_slice())
        .bind(store::signed(*height)?)
        .bind(*light)
        .execute(pool)
        .await?;
    Ok(())
}

/// Each contract's last anchor, and what it says of the tables as they are. What a node is believed does not stand before
/// what is proven: it may be of a height that never comes.
pub async fn all(pool: &PgPool) -> Result<Vec<Anchored>, IndexerError> {
    let mut connection = pool.acquire().await?;
    list(&mut connection).await
}

/// The same, as of a moment.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Anchored>, IndexerError> {
    let stands = store::mirrored(&mut *connection).await?.map(|mirrored| mirrored.cursor.height);
    let text = "select distinct on (contract) contract, seq, head, height, light,
                  greatest(extract(epoch from clock_timestamp() - told_at) * 1000, 0)::bigint as age_ms
                from event_anchor order by contract, light desc, height desc, id desc";
    let heads = store::all_heads(&mut *connection).await?;
    let mut anchors = Vec::new();
    for row in sqlx::query(text).fetch_all(&mut *connection).await? {
        let name: String = row.try_get("contract")?;
        // Another program knows what that is.
        let Some(contract) = Contract::named(&name) else { continue };
        let (told, height) = (store::event_head(&row)?, store::unsigned(&row, "height")?);
        let ours = heads.get(&contract).copied().unwrap_or_default();
        let behind = if ours.seq > told.seq { before(&mut *connection, contract, told.seq + 1).await? } else { None };
        anchors.push(Anchored {
            contract: name,
            events: told.seq,
            height,
            state: standing(told, ours, behind, stands >= Some(height)),
            proven: row.try_get("light")?,
            age_ms: store::unsigned(&row, "age_ms")?,
        });
    }
    Ok(anchors)
}

/// The hash over all events before one, as that one has it.
async fn before(connection: &mut PgConnection, contract: Contract, seq: u64) -> Result<Option<Hash32>, IndexerError> {
    let text = "select log from event where contract = $1 and seq = $2
                union all select log from dead_letter where contract = $1 and seq = $2 limit 1";
    let row = sqlx::query(text).bind(contract.name()).bind(store::signed(seq)?).fetch_optional(connection).await?;
    Ok(row.as_ref().map(store::log_line).transpose()?.and_then(|log| prev(contract, &log)))
}

/// `behind` is the hash over as many events as the contract told of, where the tables have more.
fn standing(told: EventHead, ours: EventHead, behind: Option<Hash32>, has_reached: bool) -> Standing {
    let head = match ours.seq.cmp(&told.seq) {
        Ordering::Less if has_reached => return Standing::Withheld,
        Ordering::Less => return Standing::Pending,
        Ordering::Equal => Some(ours.head),
        Ordering::Greater => behind,
    };
    if head == Some(told.head) { Standing::Complete } else { Standing::Differs }
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::event::EventHead;

    use super::{Standing, standing};

    #[test]
    fn an_anchor_tells_what_is_missing_from_what_did_not_come_yet() {
        let head = |seq, byte| EventHead { seq, head: Hash32([byte; 32]) };
        let told = head(7, 1);
        for (ours, behind, has_reached, expected) in [
            (head(7, 1), None, false, Standing::Complete),
            (head(7, 1), None, true, Standing::Complete),
            (head(7, 2), None, true, Standing::Differs),
            (head(6, 2), None, false, Standing::Pending),
            (head(6, 2), None, true, Standing::Withheld),
            (head(9, 3), Some(Hash32([1; 32])), true, Standing::Complete),
            (head(9, 3), Some(Hash32([2; 32])), true, Standing::Differs),
            (head(9, 3), None, true, Standing::Differs),
        ] {
            assert_eq!(standing(told, ours, behind, has_reached), expected, "{ours:?}");
        }
    }
}
