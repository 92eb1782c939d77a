//! Rows, and the rows that they lead to, level by level: a statement for each step, whatever the number of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};
use tokio::sync::Mutex;

use super::plan::{Asked, Budget, Plan, Way};
use crate::api::belief::Trusted;
use crate::api::problem::Problem;
use crate::api::snapshot::Snapshot;
use crate::escape::{escape, undo, undo_json};
use crate::store::{self, Mirrored};
use crate::table::{Column, Source, Table};

/// A row, and where it leads to by the names in the answer.
pub struct Row {
    pub key: String,
    pub body: Value,
    links: BTreeMap<String, Linked>,
}

#[derive(Clone)]
enum Linked {
    One(Arc<Row>),
    Many(Arc<Rows>),
}

/// A page of rows.
#[derive(Default)]
pub struct Rows {
    pub rows: Vec<Row>,
    pub next: Option<String>,
}

impl Row {
    fn new(row: &PgRow) -> Result<Self, sqlx::Error> {
        let (key, body) = (undo(row.try_get("key")?).into_owned(), undo_json(row.try_get("body")?));
        Ok(Self { key, body, links: BTreeMap::new() })
    }

    /// What a column is generated from.
    pub fn field(&self, column: &Column) -> Option<Value> {
        let Source::Field(path) = column.source else { return Some(Value::String(self.key.clone())) };
        let step = |value: &Value, name: &str| match value {
            Value::Array(items) if name == "-1" => items.last().cloned(),
            value => value.get(name).cloned(),
        };
        let mut names = path.split('.');
        let first = step(&self.body, names.next()?)?;
        names.try_fold(first, |value, name| step(&value, name)).filter(|value| !value.is_null())
    }

    /// The row that it leads to.
    pub fn one(&self, response_key: &str) -> Option<&Row> {
        match self.links.get(response_key) {
            Some(Linked::One(row)) => Some(row),
            _ => None,
        }
    }

    /// The rows that it leads to.
    pub fn many(&self, response_key: &str) -> Option<&Rows> {
        match self.links.get(response_key) {
            Some(Linked::Many(rows)) => Some(rows),
            _ => None,
        }
    }
}

impl Plan {
    /// By which key a row takes the step.
    fn key(&self, row: &Row) -> Option<String> {
        match self.way {
            Way::From(_) => Some(row.key.clone()),
            Way::To(column) => match row.field(&column)? {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }
}

/// What an answer stands for.
pub struct Stamp {
    pub mirrored: Option<Mirrored>,
    pub trust: Option<Trusted>,
}

/// A request at work: all of it is read from one snapshot.
pub struct Session {
    pool: PgPool,
    snapshot: Mutex<Option<Snapshot>>,
    budget: Lock<Budget>,
}

impl Session {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, snapshot: Mutex::default(), budget: Lock::default() }
    }

    fn take(&self, rows: u64, below: &[Plan]) -> Result<(), Problem> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(rows, below)
    }

    /// A page of a table, with all that is asked below it.
    pub async fn page(&self, table: &'static Table, asked: &Asked, below: &[Plan]) -> Result<Rows, Problem> {
        self.take(asked.limit.into(), below)?;
        let mut snapshot = self.snapshot.lock().await;
        let connection = opened(&mut snapshot, &self.pool).await?.connection();
        let mut query = sqlx::query(AssertSqlSafe(asked.page(table).statement()));
        for value in &asked.values {
            query = query.bind(value);
        }
        let found = query.fetch_all(&mut *connection).await?;
        let (shown, rest) = found.split_at(usize::from(asked.limit).min(found.len()));
        let mut rows = shown.iter().map(Row::new).collect::<Result<Vec<_>, _>>()?;
        let next = match shown.last().filter(|_| !rest.is_empty()) {
            Some(last) => Some(undo(last.try_get("place")?).into_owned()),
            None => None,
        };
        fill(connection, &mut rows, below).await?;
        Ok(Rows { rows, next })
    }

    /// A row of a table, with all that is asked below it.
    pub async fn one(&self, table: &'static Table, key: String, below: &[Plan]) -> Result<Option<Row>, Problem> {
        self.take(1, below)?;
        let mut snapshot = self.snapshot.lock().await;
        let connection = opened(&mut snapshot, &self.pool).await?.connection();
        let mut rows = by_keys(connection, table, vec![key]).await?;
        fill(connection, &mut rows, below).await?;
        Ok(rows.pop())
    }

    /// Gives the connection back, and says what was read. `None`: nothing.
    pub async fn end(&self) -> Result<Option<Stamp>, Problem> {
        let Some(mut snapshot) = self.snapshot.lock().await.take() else { return Ok(None) };
        let mirrored = snapshot.mirrored().await?;
        let trust = store::is_proven(snapshot.connection()).await?.map(Trusted::from);
        snapshot.end().await?;
        Ok(Some(Stamp { mirrored, trust }))
    }
}

async fn opened<'a>(snapshot: &'a mut Option<Snapshot>, pool: &PgPool) -> Result<&'a mut Snapshot, Problem> {
    let known = match snapshot.take() {
        Some(known) => known,
        None => Snapshot::open(pool).await?,
    };
    Ok(snapshot.insert(known))
}

async fn by_keys(connection: &mut PgConnection, table: &Table, keys: Vec<String>) -> Result<Vec<Row>, Problem> {
    let keys: Vec<String> = keys.iter().map(|key| escape(key).into_owned()).collect();
    let text = format!("select key, body from {} where key = any($1)", table.name);
    let found = sqlx::query(AssertSqlSafe(text)).bind(keys).fetch_all(connection).await?;
    Ok(found.iter().map(Row::new).collect::<Result<Vec<_>, _>>()?)
}

type Filling<'a> = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + 'a>>;

/// Takes the steps from rows.
fn fill<'a>(connection: &'a mut PgConnection, rows: &'a mut [Row], plans: &'a [Plan]) -> Filling<'a> {
    Box::pin(async move {
        for plan in plans {
            let keys: BTreeSet<String> = rows.iter().filter_map(|row| plan.key(row)).collect();
            if keys.is_empty() {
                continue;
            }
            let keys: Vec<String> = keys.into_iter().collect();
            let found = match plan.way {
                Way::To(_) => there(&mut *connection, plan, keys).await?,
                Way::From(column) => back(&mut *connection, plan, column, keys).await?,
            };
            for row in rows.iter_mut() {
                if let Some(linked) = plan.key(row).and_then(|key| found.get(&key)) {
                    row.links.insert(plan.response_key.clone(), linked.clone());
                }
            }
        }
        Ok(())
    })
}

type Found = BTreeMap<String, Linked>;

/// The rows that have these keys.
async fn there(connection: &mut PgConnection, plan: &Plan, keys: Vec<String>) -> Result<Found, Problem> {
    let mut rows = by_keys(connection, plan.table, keys).await?;
    fill(connection, &mut rows, &plan.below).await?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), Linked::One(Arc::new(row)))).collect())
}

/// Pages of the rows that name these keys.
async fn back(connection: &mut PgConnection, plan: &Plan, column: Column, keys: Vec<String>) -> Result<Found, Problem> {
    let keys: Vec<String> = keys.iter().map(|key| escape(key).into_owned()).collect();
    let mut query = sqlx::query(AssertSqlSafe(plan.asked.page(plan.table).statement_of(&column))).bind(keys);
    for value in &plan.asked.values {
        query = query.bind(value);
    }
    let found = query.fetch_all(&mut *connection).await?;
    let (mut rows, mut parents) = (Vec::new(), Vec::new());
    let mut pages: BTreeMap<String, Rows> = BTreeMap::new();
    let mut places: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for row in &found {
        let parent = undo(row.try_get("parent_key")?).into_owned();
        let page = pages.entry(parent.clone()).or_default();
        let (count, place) = places.entry(parent.clone()).or_default();
        if *count == usize::from(plan.asked.limit) {
            page.next = Some(place.clone());
            continue;
        }
        *count += 1;
        *place = undo(row.try_get("place")?).into_owned();
        rows.push(Row::new(row)?);
        parents.push(parent);
    }
    fill(connection, &mut rows, &plan.below).await?;
    for (parent, row) in parents.into_iter().zip(rows) {
        pages.entry(parent).or_default().rows.push(row);
    }
    Ok(pages.into_iter().map(|(parent, page)| (parent, Linked::Many(Arc::new(page)))).collect())
}
