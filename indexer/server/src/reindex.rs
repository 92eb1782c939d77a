//! All tables of records made again from events, beside an indexer at work.
//!
//! New tables are filled batch by batch while the indexer goes on with the old ones. In the end what came meanwhile is
//! added under the cursor's lock, where nothing else gets in, and the new tables take the place of the old ones. Nobody
//! waits for longer than that.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::read;
use crate::store::{self, Place};
use crate::table::{Change, Table};
use crate::tables;
use crate::verify::EXCHANGING;
use crate::wait::Wait;

/// Events of a contract that are taken over at once.
const EVENTS_PER_FILL: u64 = 2_000;
/// How long an indexer at work on a step is waited for.
const INDEXER_TIME: &str = "set local lock_timeout = '10s'";
/// How long those who read the old tables are waited for, while everybody else has to wait.
const READERS_TIME: &str = "set local lock_timeout = '2s'";

/// What was made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reindexed {
    /// The block that the tables stand for, now as before.
    pub height: u64,
    pub tables: usize,
    pub events: u64,
}

/// How far the events of one contract are in the new tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Filled {
    /// The last one.
    seq: u64,
    events: u64,
    /// Dead letters between them.
    letters: u64,
}

/// New tables, before they take their place.
pub struct Reindex {
    pool: PgPool,
    filled: BTreeMap<Contract, Filled>,
    /// How many migrations made the old tables.
    migrations: i64,
    is_analyzed: bool,
}

/// Makes all tables of records again and puts them in place. `None`: the database is empty.
pub async fn reindex(pool: &PgPool) -> Result<Option<Reindexed>, IndexerError> {
    let mut connection = pool.acquire().await?;
    let mirrored = store::mirrored(&mut connection).await?;
    drop(connection);
    if mirrored.is_none() {
        return Ok(None);
    }
    let mut wait = Wait::default();
    let mut work = Reindex::begin(pool.clone()).await?;
    loop {
        match work.finish().await {
            Ok(Some(done)) => return Ok(Some(done)),
            Ok(None) => {
                tracing::warn!("dead letters were applied meanwhile: the tables are made once more");
                work = Reindex::begin(pool.clone()).await?;
            }
            Err(error) if error.is_contention() => tokio::time::sleep(wait.after(&error)).await,
            Err(error) => return Err(error),
        }
    }
}

impl Reindex {
    /// Makes the new tables, empty as yet. What another attempt left behind goes.
    pub async fn begin(pool: PgPool) -> Result<Self, IndexerError> {
        let mut tx = pool.begin().await?;
        let text = "drop table if exists reindex_progress;
                    create table reindex_progress (contract text primary key, seq bigint not null)";
        sqlx::raw_sql(text).execute(&mut *tx).await?;
        let mut filled = BTreeMap::new();
        for contract in Contract::ALL {
            let noted = sqlx::query("insert into reindex_progress values ($1, 0)").bind(contract.name());
            noted.execute(&mut *tx).await?;
            filled.insert(contract, Filled::default());
        }
        let migrations = migrations(&mut tx).await?;
        for table in tables::all() {
            create(&mut tx, table).await?;
        }
        tx.commit().await?;
        Ok(Self { pool, filled, migrations, is_analyzed: false })
    }

    /// Takes over a batch of events of each contract, and says how many.
    pub async fn fill(&mut self) -> Result<u64, IndexerError> {
        let mut taken = 0;
        for (contract, filled) in &mut self.filled {
            // Events and dead letters are read as of one moment: between the two a letter could become an event.
            let mut tx = self.pool.begin_with("begin isolation level repeatable read").await?;
            let now = fill(&mut tx, *contract, *filled).await?;
            tx.commit().await?;
            taken += now.events - filled.events;
            *filled = now;
        }
        Ok(taken)
    }

    /// Takes over all that is left and puts the tables in place. `None`: events came among those that were taken over,
    /// so it has to begin again.
    pub async fn finish(&mut self) -> Result<Option<Reindexed>, IndexerError> {
        while self.fill().await? >= EVENTS_PER_FILL {}
        if !self.is_analyzed {
            // Nobody knows yet how many rows these tables have, and questions would be planned accordingly.
            for table in tables::all() {
                let text = format!("analyze {}", Place::Next.name(table));
                sqlx::query(AssertSqlSafe(text)).execute(&self.pool).await?;
            }
            self.is_analyzed = true;
        }
        self.swap().await
    }

    async fn swap(&self) -> Result<Option<Reindexed>, IndexerError> {
        let mut tx = self.pool.begin().await?;
        // A comparison may take long. It is waited for before an indexer has to wait.
        let limits_off = ["set local statement_timeout = 0", "set local lock_timeout = 0"];
        for statement in limits_off.into_iter().chain([EXCHANGING, INDEXER_TIME]) {
            sqlx::query(statement).execute(&mut *tx).await?;
        }
        // An indexer at work waits here, and goes on with the new tables.
        let height = sqlx::query("select height from cursor for update").fetch_one(&mut *tx).await?;
        let height = store::unsigned(&height, "height")?;
        let mut events = 0;
        for (contract, filled) in &self.filled {
            let mut filled = *filled;
            loop {
                let now = fill(&mut tx, *contract, filled).await?;
                if now == filled {
                    break;
                }
                filled = now;
            }
            if letters(&mut tx, *contract, 0, filled.seq).await? != filled.letters {
                return Ok(None);
            }
            events += filled.events;
        }
        // A newer program may have changed the old tables.
        if migrations(&mut tx).await? != self.migrations {
            return Err(IndexerError::Overtaken);
        }
        sqlx::query(READERS_TIME).execute(&mut *tx).await?;
        let names: Vec<_> = tables::all().map(|table| table.name).collect();
        let text = format!("lock table {} in access exclusive mode", names.join(", "));
        sqlx::query(AssertSqlSafe(text)).execute(&mut *tx).await?;
        let text = swapping(&mut tx).await?;
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(Reindexed { height, tables: names.len(), events }))
    }
}

/// Migrations that were made.
async fn migrations(tx: &mut PgConnection) -> Result<i64, IndexerError> {
    let row = sqlx::query("select count(*) as migrations from _sqlx_migrations").fetch_one(tx).await?;
    Ok(row.try_get("migrations")?)
}

/// A new table like an old one: its columns, indexes, constraints, comment, and who may do what with it.
async fn create(tx: &mut PgConnection, table: &Table) -> Result<(), IndexerError> {
    let (name, next) = (table.name, Place::Next.name(table));
    let about = table.about.replace('\'', "''");
    let mut statements = vec![
        format!("drop table if exists {next}"),
        format!("create table {next} (like {name} including all)"),
        format!("comment on table {next} is '{about}'"),
    ];
    let granted = sqlx::query(
        "select privilege_type, is_grantable,
           case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
         from pg_class, aclexplode(relacl) where pg_class.oid = $1::regclass and grantee <> relowner",
    );
    for row in granted.bind(name).fetch_all(&mut *tx).await? {
        let (privilege, grantee): (String, String) = (row.try_get("privilege_type")?, row.try_get("grantee")?);
        let option = if row.try_get("is_grantable")? { " with grant option" } else { "" };
        statements.push(format!("grant {privilege} on {next} to {grantee}{option}"));
    }
    sqlx::raw_sql(AssertSqlSafe(statements.join("; "))).execute(&mut *tx).await?;
    Ok(())
}

/// Takes over the next events of a contract. It moves on from where this program believes itself to be, as the cursor
/// does: of two programs that make tables again, only one goes on.
async fn fill(tx: &mut PgConnection, contract: Contract, from: Filled) -> Result<Filled, IndexerError> {
    let rows = sqlx::query("select seq, height, log from event where contract = $1 and seq > $2 order by seq limit $3")
        .bind(contract.name())
        .bind(store::signed(from.seq)?)
        .bind(store::signed(EVENTS_PER_FILL)?)
        .fetch_all(&mut *tx)
        .await?;
    let Some(last) = rows.last() else { return Ok(from) };
    let seq = store::unsigned(last, "seq")?;
    let mut changes: Vec<(u64, Change)> = Vec::new();
    for row in &rows {
        let height = store::unsigned(row, "height")?;
        match read(contract, &store::log_line(row)?) {
            Ok(event) => changes.extend(event.changes.into_iter().map(|change| (height, change))),
            // It was applied once, so somebody changed it; comparing says so, too.
            Err(reason) => tracing::warn!(contract = contract.name(), height, reason, "an event can't be read"),
        }
    }
    let changes: Vec<_> = changes.iter().map(|(height, change)| (*height, change)).collect();
    store::write(tx, Place::Next, &changes).await?;
    let letters = from.letters + letters(tx, contract, from.seq, seq).await?;
    let moved = sqlx::query("update reindex_progress set seq = $1 where contract = $2 and seq = $3")
        .bind(store::signed(seq)?)
        .bind(contract.name())
        .bind(store::signed(from.seq)?)
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() != 1 {
        return Err(IndexerError::Overtaken);
    }
    let count = u64::try_from(rows.len()).expect("a batch has 2,000 events at the most");
    Ok(Filled { seq, events: from.events + count, letters })
}

/// Dead letters of a contract after one number and up to another.
async fn letters(tx: &mut PgConnection, contract: Contract, after: u64, to: u64) -> Result<u64, IndexerError> {
    let text = "select count(*) as letters from dead_letter where contract = $1 and seq > $2 and seq <= $3";
    let query = sqlx::query(text).bind(contract.name()).bind(store::signed(after)?).bind(store::signed(to)?);
    store::unsigned(&query.fetch_one(tx).await?, "letters")
}

/// Which index of a new table is which of the old one: alike in all but their names.
const INDEXES: &str = "
    with named as (
      select holder.relname::text as holder, made.relname::text as name, shape.definition,
        row_number() over (partition by holder.oid, shape.definition order by made.relname) as number
      from pg_index
      join pg_class as made on made.oid = indexrelid
      join pg_class as holder on holder.oid = indrelid
      cross join lateral (
        select concat_ws(' ', indisunique, indisprimary, regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', ''))
          as definition
      ) as shape
      where holder.relnamespace = (select oid from pg_namespace where nspname = current_schema())
    )
    select kept.name as kept, made.name as made
    from named as kept
    join named as made
      on made.holder = 'next_' || kept.holder and made.definition = kept.definition and made.number = kept.number";

/// What puts all new tables in place of the old ones, under the names that migrations know.
async fn swapping(tx: &mut PgConnection) -> Result<String, IndexerError> {
    let mut statements = vec!["drop table reindex_progress".to_owned()];
    for table in tables::all() {
        let (name, next) = (table.name, Place::Next.name(table));
        statements.push(format!("drop table {name}; alter table {next} rename to {name}"));
    }
    for row in sqlx::query(INDEXES).fetch_all(tx).await? {
        let (kept, made): (String, String) = (row.try_get("kept")?, row.try_get("made")?);
        statements.push(format!("alter index \"{made}\" rename to \"{kept}\""));
    }
    Ok(statements.join("; "))
}
