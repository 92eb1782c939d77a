//! Rows of tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::signed;
use crate::IndexerError;
use crate::escape::{escape, escape_json, undo_json};
use crate::table::{Change, Column, Source, Table};

/// Where rows are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The tables themselves.
    Mirror,
    /// Temporary tables that are made again from events.
    Shadow,
    /// Tables that are made again from events and take the place of the others.
    Next,
}

impl Place {
    /// What a table is called there.
    pub fn name(self, table: &Table) -> String {
        match self {
            Self::Mirror => table.name.to_owned(),
            Self::Shadow => format!("shadow_{}", table.name),
            Self::Next => format!("next_{}", table.name),
        }
    }

    /// A column's value there; shadows have none but the record and its key.
    fn column(self, column: &Column) -> String {
        match self {
            Self::Mirror | Self::Next => column.name.to_owned(),
            Self::Shadow => column.expression(),
        }
    }
}

/// What is left of a row after all changes of a step.
enum Final {
    Put(u64, Value),
    Remove,
}

/// Rows that go because of what they belong to.
struct Span {
    of: (&'static Column, u64),
    by: &'static Column,
    from: u64,
    to: u64,
}

impl Span {
    fn new(table: &'static Table, of: (&'static str, u64), by: &'static str, from: u64, to: u64) -> Self {
        let column = |name| table.column(name).expect("a descriptor's own columns");
        Self { of: (column(of.0), of.1), by: column(by), from, to }
    }

    fn covers(&self, body: &Value) -> bool {
        let number = |column: &Column| match column.source {
            Source::Field(field) => body[field].as_u64(),
            Source::Key => None,
        };
        number(self.of.0) == Some(self.of.1)
            && number(self.by).is_some_and(|number| self.from <= number && number < self.to)
    }
}

/// What becomes of one table in a step.
#[derive(Default)]
struct Finals {
    rows: BTreeMap<String, Final>,
    /// What goes of the rows that were there before.
    spans: Vec<Span>,
}

impl Finals {
    fn remove_span(&mut self, span: Span) {
        for row in self.rows.values_mut() {
            if matches!(row, Final::Put(_, body) if span.covers(body)) {
                *row = Final::Remove;
            }
        }
        self.spans.push(span);
    }

    /// Whether the row that the table had before goes.
    fn removes(&self, body: &Value) -> bool {
        self.spans.iter().any(|span| span.covers(body))
    }
}

/// Changes in their order, each with the height of its block, coalesced per row; then a few statements per table.
pub async fn write(tx: &mut PgConnection, place: Place, changes: &[(u64, &Change)]) -> Result<(), IndexerError> {
    let known = load(tx, place, changes).await?;
    let mut tables: BTreeMap<&'static str, (&'static Table, Finals)> = BTreeMap::new();
    for (height, change) in changes {
        let table = change.table();
        let (_, finals) = tables.entry(table.name).or_insert_with(|| (table, Finals::default()));
        match change {
            Change::Put { key, body, .. } => {
                finals.rows.insert(key.clone(), Final::Put(*height, body.clone()));
            }
            Change::Remove { key, .. } => {
                finals.rows.insert(key.clone(), Final::Remove);
            }
            Change::RemoveSpan { of, by, from, to, .. } => {
                finals.remove_span(Span::new(table, *of, by, *from, *to));
            }
            Change::Set { key, field, value, .. } => {
                if !finals.rows.contains_key(key)
                    && let Some(body) = known.get(&(table.name, escape(key).into_owned()))
                    && !finals.removes(body)
                {
                    finals.rows.insert(key.clone(), Final::Put(*height, body.clone()));
                }
                match finals.rows.get_mut(key) {
                    Some(Final::Put(at, Value::Object(body))) => {
                        body.insert((*field).to_owned(), value.clone());
                        *at = *height;
                    }
                    // Somebody may have taken events out of the table that rows are made from; comparing shows it.
                    _ if place != Place::Mirror => {}
                    _ => return Err(IndexerError::NoRow { table: table.name, key: key.clone() }),
                }
            }
        }
    }
    for (table, finals) in tables.into_values() {
        write_table(tx, place, table, finals).await?;
    }
    Ok(())
}

/// Rows by table and key, as they are stored.
type Known = BTreeMap<(&'static str, String), Value>;

/// The rows of which fields are set, one statement for each table: a batch of claims sets some in hundreds of them.
async fn load(tx: &mut PgConnection, place: Place, changes: &[(u64, &Change)]) -> Result<Known, IndexerError> {
    let mut wanted: BTreeMap<&'static str, (&'static Table, BTreeSet<String>)> = BTreeMap::new();
    for (_, change) in changes {
        if let Change::Set { key, .. } = change {
            let table = change.table();
            let (_, keys) = wanted.entry(table.name).or_insert_with(|| (table, BTreeSet::new()));
            keys.insert(escape(key).into_owned());
        }
    }
    let mut known = Known::new();
    for (table, keys) in wanted.into_values() {
        // Names of tables come from descriptors, never from data.
        let text = format!("select key, body from {} where key = any($1)", place.name(table));
        let keys: Vec<String> = keys.into_iter().collect();
        for row in sqlx::query(AssertSqlSafe(text)).bind(keys).fetch_all(&mut *tx).await? {
            known.insert((table.name, row.try_get("key")?), undo_json(row.try_get("body")?));
        }
    }
    Ok(known)
}

async fn write_table(tx: &mut PgConnection, place: Place, table: &Table, finals: Finals) -> Result<(), IndexerError> {
    let name = place.name(table);
    for span in &finals.spans {
        let (of, by) = (place.column(span.of.0), place.column(span.by));
        let text = format!(
            "delete from {name} where {of} = $1::text::numeric and {by} >= $2::text::numeric and {by} < $3::text::numeric"
        );
        let query = sqlx::query(AssertSqlSafe(text)).bind(span.of.1.to_string());
        query.bind(span.from.to_string()).bind(span.to.to_string()).execute(&mut *tx).await?;
    }
    let (mut keys, mut bodies, mut heights, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (key, last) in finals.rows {
        let key = escape(&key).into_owned();
        match last {
            Final::Put(height, body) => {
                keys.push(key);
                bodies.push(escape_json(body));
                heights.push(signed(height)?);
            }
            Final::Remove => gone.push(key),
        }
    }
    if !keys.is_empty() {
        let text = format!(
            "insert into {name} (key, body, height) select * from unnest($1::text[], $2::jsonb[], $3::bigint[])
             on conflict (key) do update set body = excluded.body, height = excluded.height"
        );
        sqlx::query(AssertSqlSafe(text)).bind(keys).bind(bodies).bind(heights).execute(&mut *tx).await?;
    }
    if !gone.is_empty() {
        let text = format!("delete from {name} where key = any($1)");
        sqlx::query(AssertSqlSafe(text)).bind(gone).execute(tx).await?;
    }
    Ok(())
}
