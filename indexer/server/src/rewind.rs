//! Tables go back to an earlier block, as they stood there, and what came after it is read again.

use charter_client::sha256;
use charter_types::Hash32;
use charter_types::event::{EventHead, next_head};
use sqlx::{PgConnection, Row};

use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::prev;
use crate::pulse::Pulse;
use crate::rebuild::remake;
use crate::store::{self, Cursor, Heads};
use crate::tables;

/// The block behind which a mirror began, as far as that is known: before ranges were kept nobody noted it.
const BEGAN: &str = "coalesce((select min(after_height) from trust_range), height)";

/// The block behind which the mirror began.
pub async fn began(connection: &mut PgConnection) -> Result<u64, IndexerError> {
    let text = format!("select {BEGAN} as height from cursor");
    store::unsigned(&sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(connection).await?, "height")
}

/// Whether there is no event yet, and a mirror that begins at `height` would read blocks that this one never did.
pub async fn begins_late(connection: &mut PgConnection, height: u64) -> Result<bool, IndexerError> {
    let text = format!("select {BEGAN} > $1 and not exists (select 1 from contract where seq > 0) as late from cursor");
    let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(store::signed(height)?).fetch_one(connection).await?;
    Ok(row.try_get("late")?)
}

/// The block of a contract's last event in the tables.
pub async fn last_event(connection: &mut PgConnection, contract: Contract) -> Result<Option<u64>, IndexerError> {
    let text = "select max(told.height) as height from contract join
                  (select contract, seq, height from event union all select contract, seq, height from dead_letter) as told
                  on told.contract = contract.name and told.seq = contract.seq where contract.name = $1";
    let row = sqlx::query(text).bind(contract.name()).fetch_one(connection).await?;
    let height: Option<i64> = row.try_get("height")?;
    height.map(|height| u64::try_from(height).map_err(|_| IndexerError::Unreadable { what: "height" })).transpose()
}

/// Takes the tables back from one block to an earlier one, whole or not at all. Returns the contracts' heads there, and
/// whether that block was proven.
pub async fn rewind(
    connection: &mut PgConnection,
    from: Cursor,
    to: Cursor,
    pulse: &Pulse,
) -> Result<(Heads, Option<bool>), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
    let text = "update cursor set height = $1, hash = $2, time_ms = $3 where height = $4 and hash = $5";
    let moved = sqlx::query(text)
        .bind(store::signed(to.height)?)
        .bind(to.hash.as_bytes().as_slice())
        .bind(to.time_ms.map(store::signed).transpose()?)
        .bind(store::signed(from.height)?)
        .bind(from.hash.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(IndexerError::CursorMoved);
    }
    // Tables that somebody makes beside these have events that go now: whoever does it begins anew.
    sqlx::query("drop table if exists reindex_progress").execute(&mut *tx).await?;
    let mut heads = Heads::new();
    for contract in Contract::ALL {
        if let Some(head) = take_back(&mut tx, contract, to.height, pulse).await? {
            heads.insert(contract, head);
        }
    }
    for text in ["delete from dead_letter where height > $1", "delete from trust_range where after_height > $1"] {
        sqlx::query(text).bind(store::signed(to.height)?).execute(&mut *tx).await?;
    }
    let proven = store::is_proven(&mut tx).await?;
    tx.commit().await?;
    Ok((heads, proven))
}

/// Takes back what a contract did after a height. `None`: it is not mirrored yet.
async fn take_back(
    tx: &mut PgConnection,
    contract: Contract,
    height: u64,
    pulse: &Pulse,
) -> Result<Option<EventHead>, IndexerError> {
    let name = contract.name();
    let text = "select seq, head from contract where name = $1";
    let Some(row) = sqlx::query(text).bind(name).fetch_optional(&mut *tx).await? else { return Ok(None) };
    let stands = store::event_head(&row)?;
    let text = "select greatest(
                  coalesce((select seq from event where contract = $1 and height <= $2
                            order by seq desc limit 1), 0),
                  coalesce((select seq from dead_letter where contract = $1 and height <= $2 and seq is not null
                            order by seq desc limit 1), 0)) as seq";
    let row = sqlx::query(text).bind(name).bind(store::signed(height)?).fetch_one(&mut *tx).await?;
    let seq = store::unsigned(&row, "seq")?;
    if seq == stands.seq {
        return Ok(Some(stands));
    }
    let head = head_after(&mut *tx, contract, seq).await?;
    let text = "delete from event where contract = $1 and seq > $2";
    sqlx::query(text).bind(name).bind(store::signed(seq)?).execute(&mut *tx).await?;
    sqlx::query("update contract set seq = $2, head = $3 where name = $1")
        .bind(name)
        .bind(store::signed(seq)?)
        .bind(head.0.as_slice())
        .execute(&mut *tx)
        .await?;
    if contract == Contract::Escrow {
        sqlx::query("update cursor set payments_seq = $1").bind(store::signed(seq)?).execute(&mut *tx).await?;
    }
    let tables: Vec<_> = tables::all().filter(|table| table.contract == contract).collect();
    remake(tx, contract, &tables, pulse).await?;
    Ok(Some(EventHead { seq, head }))
}

/// The hash over all events up to one: each has the one over those before it, unless it can't be read.
async fn head_after(tx: &mut PgConnection, contract: Contract, seq: u64) -> Result<Hash32, IndexerError> {
    let text = "select log from event where contract = $1 and seq = $2
                union all select log from dead_letter where contract = $1 and seq = $2 limit 1";
    let (mut logs, mut left) = (Vec::new(), seq);
    let mut head = Hash32::default();
    while left > 0 {
        let query = sqlx::query(text).bind(contract.name()).bind(store::signed(left)?);
        let log = store::log_line(&query.fetch_one(&mut *tx).await?)?;
        let before = prev(contract, &log);
        logs.push(log);
        if let Some(before) = before {
            head = before;
            break;
        }
        left -= 1;
    }
    Ok(logs.iter().rev().fold(head, |head, log| next_head(&head, log, sha256)))
}
