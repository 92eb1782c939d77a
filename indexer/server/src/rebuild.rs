//! Tables made again from their events, in their place.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::read;
use crate::pulse::Pulse;
use crate::store::{self, Place};
use crate::table::Table;
use crate::tables::escrow::PAYMENT;

/// Events read at once.
const EVENTS_PER_READ: u64 = 2_000;

/// Makes tables of a contract again from its events, in their place. That takes long, so it shows that it goes on.
pub async fn remake(
    tx: &mut PgConnection,
    contract: Contract,
    tables: &[&'static Table],
    pulse: &Pulse,
) -> Result<(), IndexerError> {
    for table in tables {
        sqlx::query(AssertSqlSafe(format!("delete from {}", table.name))).execute(&mut *tx).await?;
    }
    let mut after = 0;
    loop {
        pulse.beat();
        let rows =
            sqlx::query("select seq, height, log from event where contract = $1 and seq > $2 order by seq limit $3")
                .bind(contract.name())
                .bind(store::signed(after)?)
                .bind(store::signed(EVENTS_PER_READ)?)
                .fetch_all(&mut *tx)
                .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = store::unsigned(last, "seq")?;
        let mut wanted = Vec::new();
        for row in &rows {
            let height = store::unsigned(row, "height")?;
            let Ok(event) = read(contract, &store::log_line(row)?) else { continue };
            let ours = event.changes.into_iter();
            let ours = ours.filter(|change| tables.iter().any(|table| table.name == change.table().name));
            wanted.extend(ours.map(|change| (height, change)));
        }
        let changes: Vec<_> = wanted.iter().map(|(height, change)| (*height, change)).collect();
        store::write(tx, Place::Mirror, &changes).await?;
    }
}

/// Makes [`PAYMENT`] again, unless it stands where the events of escrow do: in a database of before it rows are
/// missing, and in one that an indexer of before went on with some are old.
pub async fn fill_payments(connection: &mut PgConnection) -> Result<(), IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
    // Another indexer at work waits here.
    sqlx::query("select 1 from cursor for update").execute(&mut *tx).await?;
    let text = "select payments_seq, coalesce((select seq from contract where name = $1), 0) as seq from cursor";
    let stands = sqlx::query(text).bind(Contract::Escrow.name()).fetch_one(&mut *tx).await?;
    let seq = store::unsigned(&stands, "seq")?;
    if store::unsigned(&stands, "payments_seq")? != seq {
        remake(&mut tx, Contract::Escrow, &[&PAYMENT], &Pulse::default()).await?;
        sqlx::query("update cursor set payments_seq = $1").bind(store::signed(seq)?).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
