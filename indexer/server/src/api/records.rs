//! Lists and single records of every table, from its descriptor.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool, Row};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{HttpMethod, Paths, Required, ResponseBuilder};

use super::{Parameters, Problem, Reply, limit, stamped};
use crate::table::{Column, Key, Kind, Table};

/// `/v1/<path>` and `/v1/<path>/<key>`.
pub fn routes(table: &'static Table) -> Router<PgPool> {
    let rest = match table.key {
        Key::Fields([_, _, ..]) => "{*key}",
        Key::Fields(_) | Key::Beside(_) => "{key}",
    };
    let list =
        async move |State(pool): State<PgPool>, Query(parameters): Parameters| page(&pool, table, &parameters).await;
    let single = async move |State(pool): State<PgPool>, Path(key): Path<String>| one(&pool, table, &key).await;
    Router::new()
        .route(&format!("/v1/{}", table.path), get(list))
        .route(&format!("/v1/{}/{rest}", table.path), get(single))
}

/// A record as it is served. Where the key is not in the record, it stands beside it.
fn item(table: &Table, row: &PgRow) -> Result<Value, sqlx::Error> {
    let body: Value = row.try_get("body")?;
    Ok(match table.key {
        Key::Fields(_) => body,
        Key::Beside(name) => json!({ name: row.try_get::<String, _>("key")?, "record": body }),
    })
}

/// What a parameter compares, and how.
fn comparison(table: &Table, parameter: &str) -> Result<(Column, &'static str), Problem> {
    if parameter == "after" {
        return Ok((table.order(), ">"));
    }
    let filters: Vec<&Column> = table.columns.iter().filter(|column| column.filters).collect();
    let Some(known) = filters.iter().find(|column| column.name == parameter) else {
        let names = filters.iter().fold(String::new(), |names, column| format!("{names}, {}", column.name));
        return Err(Problem::bad(format!("unknown parameter {parameter}; there are after, limit{names}")));
    };
    Ok((**known, "="))
}

/// A text that a column is compared with.
fn check(name: &str, column: Column, value: &str) -> Result<(), Problem> {
    if column.kind.fits(value) {
        return Ok(());
    }
    Err(Problem::bad(format!("{name} is a {}, not {value}", column.kind.sql())))
}

/// One page of a table: `{items, next}`, where `next` is the `after` of the next page.
async fn page(pool: &PgPool, table: &Table, parameters: &BTreeMap<String, String>) -> Reply {
    let limit = limit(parameters)?;
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<&String> = Vec::new();
    for (name, value) in parameters.iter().filter(|(name, _)| *name != "limit") {
        let (column, sign) = comparison(table, name)?;
        check(name, column, value)?;
        values.push(value);
        let read = column.kind.read(&format!("${}::text", values.len()));
        conditions.push(format!("{} {sign} {read}", column.name));
    }
    // Everything in the text comes from the descriptor; values are bound.
    let text = format!(
        "select key, body, {order}::text as place from {table} where {conditions} order by {order} limit {fetch}",
        order = table.order().name,
        table = table.name,
        conditions = conditions.join(" and "),
        fetch = limit + 1,
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for value in values {
        query = query.bind(value);
    }
    let rows = query.fetch_all(pool).await?;
    let shown = usize::try_from(limit).expect("a limit is at most 100").min(rows.len());
    let items = rows[..shown].iter().map(|row| item(table, row)).collect::<Result<Vec<_>, _>>()?;
    let next = if rows.len() > shown { Some(rows[shown - 1].try_get::<String, _>("place")?) } else { None };
    stamped(pool, json!({ "items": items, "next": next })).await
}

/// One record by its key.
async fn one(pool: &PgPool, table: &Table, key: &str) -> Reply {
    check(&format!("the key of {}", table.path), table.order(), key)?;
    let text = format!("select key, body from {} where key = $1", table.name);
    let row = sqlx::query(AssertSqlSafe(text)).bind(key).fetch_optional(pool).await?;
    let none = || Problem::not_found(format!("there is no {key} in {}", table.path));
    stamped(pool, item(table, &row.ok_or_else(none)?)?).await
}

/// Adds a table to the API's description of itself.
pub fn describe(table: &Table, paths: &mut Paths) {
    let parameter = |name: &str, place: ParameterIn, kind: Kind| {
        let required = if matches!(place, ParameterIn::Path) { Required::True } else { Required::False };
        let kind = match kind {
            Kind::Number => Type::Integer,
            Kind::Boolean => Type::Boolean,
            Kind::Text | Kind::Amount | Kind::Bytes => Type::String,
        };
        let schema = ObjectBuilder::new().schema_type(kind).build();
        ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema))
    };
    let answer = |text: &str| ResponseBuilder::new().description(text).build();
    let order = table.order();
    let mut list = OperationBuilder::new().summary(Some(table.about));
    for column in table.columns.iter().filter(|column| column.filters) {
        list = list.parameter(parameter(column.name, ParameterIn::Query, column.kind));
    }
    let list = list
        .parameter(parameter("after", ParameterIn::Query, order.kind))
        .parameter(parameter("limit", ParameterIn::Query, Kind::Number))
        .response("200", answer("{items, next}"))
        .response("400", answer("problem+json"));
    paths.add_path_operation(format!("/v1/{}", table.path), vec![HttpMethod::Get], list.build());
    let single = OperationBuilder::new()
        .summary(Some(format!("One of {}, by its key.", table.path)))
        .parameter(parameter("key", ParameterIn::Path, order.kind))
        .response("200", answer("the record"))
        .response("404", answer("problem+json"));
    paths.add_path_operation(format!("/v1/{}/{{key}}", table.path), vec![HttpMethod::Get], single.build());
}
