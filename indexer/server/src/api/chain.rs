//! What is known of the chain itself: events, heads, and the last comparison.

use axum::extract::{Query, State};
use serde_json::{Value, json};
use sqlx::{PgPool, Row};

use super::{Parameters, Problem, Reply, limit, stamped};
use crate::contract::Contract;

/// Events of one contract (registry, keys, governance or escrow) after a sequence number.
#[utoipa::path(get, path = "/v1/events", params(("contract" = String, Query), ("after" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
pub async fn events(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    let limit = limit(&parameters)?;
    let contract = parameters.get("contract").and_then(|name| Contract::named(name));
    let unknown = || Problem::bad(format!("contract is one of {}", Contract::ALL.map(Contract::name).join(", ")));
    let contract = contract.ok_or_else(unknown)?;
    let after: i64 = match parameters.get("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Problem::bad(format!("after is a number, not {text}")))?,
    };
    let rows = sqlx::query(
        "select seq, height, receipt_id, event, by_account, body from event where contract = $1 and seq > $2
         order by seq limit $3",
    )
    .bind(contract.name())
    .bind(after)
    .bind(limit)
    .fetch_all(&pool)
    .await?;
    let item = |row: &sqlx::postgres::PgRow| -> Result<Value, sqlx::Error> {
        Ok(json!({
            "seq": row.try_get::<i64, _>("seq")?,
            "height": row.try_get::<i64, _>("height")?,
            "receipt_id": row.try_get::<String, _>("receipt_id")?,
            "event": row.try_get::<String, _>("event")?,
            "by": row.try_get::<String, _>("by_account")?,
            "new": row.try_get::<Value, _>("body")?,
        }))
    };
    let items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let full = i64::try_from(items.len()) == Ok(limit);
    let next = items.last().filter(|_| full).map(|last| last["seq"].clone());
    stamped(&pool, json!({ "items": items, "next": next })).await
}

/// The last comparison of the tables with the contracts.
#[utoipa::path(get, path = "/v1/verify", responses((status = 200, description = "{height, rows, mismatches, detail} or null")))]
pub async fn verification(State(pool): State<PgPool>) -> Reply {
    let row = sqlx::query("select height, rows, mismatches, detail from verify_run order by id desc limit 1")
        .fetch_optional(&pool)
        .await?;
    let body = match row {
        None => Value::Null,
        Some(row) => json!({
            "height": row.try_get::<i64, _>("height")?,
            "rows": row.try_get::<i64, _>("rows")?,
            "mismatches": row.try_get::<i64, _>("mismatches")?,
            "detail": row.try_get::<Value, _>("detail")?,
        }),
    };
    stamped(&pool, body).await
}

/// How far the tables are, and of which contracts.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, description = "{contracts}")))]
pub async fn status(State(pool): State<PgPool>) -> Reply {
    let rows = sqlx::query("select name, account, seq from contract order by name").fetch_all(&pool).await?;
    let item = |row: &sqlx::postgres::PgRow| -> Result<Value, sqlx::Error> {
        Ok(json!({
            "name": row.try_get::<String, _>("name")?,
            "account": row.try_get::<String, _>("account")?,
            "events": row.try_get::<i64, _>("seq")?,
        }))
    };
    let contracts = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    stamped(&pool, json!({ "contracts": contracts })).await
}
