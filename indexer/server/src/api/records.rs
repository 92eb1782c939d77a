//! Lists and single records of every table, from its descriptor.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::{Api, Reply};
use crate::escape::{escape, undo, undo_json};
use crate::page::Page;
use crate::table::{Column, Key, Table};

/// `/v1/<path>` and `/v1/<path>/<key>`.
pub fn routes(table: &'static Table) -> Router<Api> {
    let rest = match table.key {
        Key::Fields([_, _, ..]) => "{*key}",
        Key::Fields(_) | Key::Beside(_) => "{key}",
    };
    let list = async move |State(api): State<Api>, parameters: Parameters| page(&api, table, &parameters).await;
    let single =
        async move |State(api): State<Api>, key: Result<Path<String>, PathRejection>, parameters: Parameters| {
            parameters.only(&[])?;
            let Path(key) = key.map_err(|error| Problem::bad(error.body_text()))?;
            one(&api, table, &key).await
        };
    Router::new()
        .route(&format!("/v1/{}", table.path), get(list))
        .route(&format!("/v1/{}/{rest}", table.path), get(single))
}

/// A record as it is served. Where the key is not in the record, it stands beside it.
fn item(table: &Table, row: &PgRow) -> Result<Value, sqlx::Error> {
    let body = undo_json(row.try_get("body")?);
    Ok(match table.key {
        Key::Fields(_) => body,
        Key::Beside(name) => json!({ name: undo(row.try_get("key")?), "record": body }),
    })
}

/// The column that a parameter filters by.
fn filter(table: &Table, parameter: &str) -> Result<Column, Problem> {
    let filters: Vec<&Column> = table.columns.iter().filter(|column| column.filters).collect();
    let Some(known) = filters.iter().find(|column| column.name == parameter) else {
        let names = filters.iter().fold(String::new(), |names, column| format!("{names}, {}", column.name));
        let known = format!("after, limit, order, min_height{names}");
        return Err(Problem::bad(format!("unknown parameter {parameter}; there are {known}")));
    };
    Ok(**known)
}

/// A text that a column is compared with.
pub fn check(name: &str, column: Column, value: &str) -> Result<(), Problem> {
    if column.kind.fits(value) {
        return Ok(());
    }
    Err(Problem::bad(format!("{name} is {}, not {value}", column.kind.describe())))
}

/// One page of a table: `{items, next}`, where `next` is the `after` of the next page.
async fn page(api: &Api, table: &Table, parameters: &Parameters) -> Reply {
    let (limit, order, after) = (parameters.limit()?, parameters.order()?, parameters.get("after"));
    let (mut filters, mut values) = (Vec::new(), Vec::new());
    for (name, value) in parameters.iter().filter(|(name, _)| !["after", "limit", "order"].contains(name)) {
        let column = filter(table, name)?;
        check(name, column, value)?;
        filters.push(column);
        values.push(escape(value));
    }
    if let Some(place) = after {
        check("after", table.order(), place)?;
        values.push(escape(place));
    }
    let page = Page { table, filters: &filters, goes_on: after.is_some(), order, rows: limit + 1 };
    let mut query = sqlx::query(AssertSqlSafe(page.statement()));
    for value in values {
        query = query.bind(value);
    }
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let rows = query.fetch_all(snapshot.connection()).await?;
    let shown = usize::try_from(limit).expect("a limit is at most 100").min(rows.len());
    let items = rows[..shown].iter().map(|row| item(table, row)).collect::<Result<Vec<_>, _>>()?;
    let next = if rows.len() > shown { Some(undo(rows[shown - 1].try_get("place")?)) } else { None };
    snapshot.answer(json!({ "items": items, "next": next })).await
}

/// One record by its key.
async fn one(api: &Api, table: &Table, key: &str) -> Reply {
    check(&format!("the key of {}", table.path), table.order(), key)?;
    let text = format!("select key, body from {} where key = $1", table.name);
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let row = sqlx::query(AssertSqlSafe(text)).bind(escape(key)).fetch_optional(snapshot.connection()).await?;
    let none = || Problem::not_found(format!("there is no {key} in {}", table.path));
    let item = item(table, &row.ok_or_else(none)?)?;
    snapshot.answer(item).await
}
