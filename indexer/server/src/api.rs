//! REST over the tables. Keyset paging only; every answer names the block it stands for.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row};
use utoipa::OpenApi;

use crate::IndexerError;

/// Rows in one page at the most.
const LIMIT_MAX: i64 = 100;

/// A list that can be asked for.
struct Collection {
    table: &'static str,
    /// Column that orders pages: unique, and a number or text.
    order: &'static str,
    numeric: bool,
    /// Query parameters that filter by a column.
    filters: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Boolean,
}

const AGENTS: Collection = Collection {
    table: "agent",
    order: "id",
    numeric: true,
    filters: &[("owner", Kind::Text), ("status", Kind::Text), ("agent_account", Kind::Text)],
};
const GRANTS: Collection = Collection {
    table: "key_grant",
    order: "id",
    numeric: true,
    filters: &[("agent", Kind::Number), ("secret", Kind::Number), ("revoked", Kind::Boolean)],
};
const PROPOSALS: Collection = Collection {
    table: "proposal",
    order: "id",
    numeric: true,
    filters: &[("line", Kind::Number), ("state", Kind::Text)],
};
const CHANNELS: Collection = Collection {
    table: "channel",
    order: "key",
    numeric: false,
    filters: &[("payer", Kind::Text), ("payee", Kind::Text)],
};

/// What a bad request gets: RFC 9457.
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    fn bad(detail: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "API_BAD_REQUEST", detail }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a query failed");
        let detail = "the database did not answer".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "API_UNAVAILABLE", detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank", "title": self.code, "status": self.status.as_u16(), "detail": self.detail,
            "code": self.code,
        });
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        (self.status, kind, body.to_string()).into_response()
    }
}

type Parameters = Query<BTreeMap<String, String>>;
type Reply = Result<Response, Problem>;

#[derive(OpenApi)]
#[openapi(
    info(title = "Charter", description = "Agents, grants, votes and payments, mirrored from the contracts."),
    paths(agents, agent, grants, proposals, channels, events, verification, status)
)]
struct Documentation;

/// A running API. It stops when dropped.
pub struct Server {
    pub addr: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves the tables of `pool`; port 0 takes a free one.
    pub async fn start(pool: PgPool, addr: &str) -> Result<Self, IndexerError> {
        let busy = |error: std::io::Error| IndexerError::Listen { addr: addr.to_owned(), error };
        let listener = tokio::net::TcpListener::bind(addr).await.map_err(busy)?;
        let local = listener.local_addr().map_err(busy)?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router(pool)).await {
                tracing::error!(%error, "the API stopped");
            }
        });
        Ok(Self { addr: local, task })
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

fn router(pool: PgPool) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/agents", get(agents))
        .route("/v1/agents/{id}", get(agent))
        .route("/v1/grants", get(grants))
        .route("/v1/proposals", get(proposals))
        .route("/v1/channels", get(channels))
        .route("/v1/events", get(events))
        .route("/v1/verify", get(verification))
        .route("/healthz", get(async || "ok"))
        .route("/openapi.json", get(async || Json(Documentation::openapi())))
        .with_state(pool)
}

/// Adds the block that the answer stands for.
async fn stamped(pool: &PgPool, body: Value) -> Reply {
    let row = sqlx::query("select height, encode(hash, 'hex') as hash from cursor").fetch_optional(pool).await?;
    let mut response = Json(body).into_response();
    if let Some(row) = row {
        let height: i64 = row.try_get("height")?;
        let hash: String = row.try_get("hash")?;
        let headers = response.headers_mut();
        if let (Ok(height), Ok(hash)) = (height.to_string().parse(), hash.parse()) {
            headers.insert("x-indexed-height", height);
            headers.insert("x-indexed-hash", hash);
        }
    }
    Ok(response)
}

fn limit(parameters: &BTreeMap<String, String>) -> Result<i64, Problem> {
    let Some(text) = parameters.get("limit") else { return Ok(LIMIT_MAX) };
    let wrong = || Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}, not {text}"));
    let limit: i64 = text.parse().map_err(|_| wrong())?;
    if (1..=LIMIT_MAX).contains(&limit) { Ok(limit) } else { Err(wrong()) }
}

/// One page of a collection: `{items, next}`, where `next` is the `after` of the next page.
async fn page(pool: &PgPool, collection: &Collection, parameters: &BTreeMap<String, String>) -> Reply {
    let limit = limit(parameters)?;
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<&String> = Vec::new();
    for (name, value) in parameters {
        let (column, kind, comparison) = match name.as_str() {
            "limit" => continue,
            "after" => (collection.order, if collection.numeric { Kind::Number } else { Kind::Text }, ">"),
            other => {
                let known = collection.filters.iter().find(|(column, _)| *column == other);
                let names: Vec<&str> = collection.filters.iter().map(|(column, _)| *column).collect();
                let unknown =
                    || Problem::bad(format!("unknown parameter {other}; there are after, limit, {}", names.join(", ")));
                let (column, kind) = known.ok_or_else(unknown)?;
                (*column, *kind, "=")
            }
        };
        let (cast, fits) = match kind {
            Kind::Text => ("text", true),
            Kind::Number => ("bigint", value.parse::<i64>().is_ok()),
            Kind::Boolean => ("boolean", value.parse::<bool>().is_ok()),
        };
        if !fits {
            return Err(Problem::bad(format!("{name} is a {cast}, not {value}")));
        }
        values.push(value);
        conditions.push(format!("{column} {comparison} (${}::text)::{cast}", values.len()));
    }
    // Everything in the text comes from the constants above; values are bound.
    let text = format!(
        "select body, {order}::text as place, height from {table} where {conditions} order by {order} limit {fetch}",
        order = collection.order,
        table = collection.table,
        conditions = conditions.join(" and "),
        fetch = limit + 1,
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    for value in values {
        query = query.bind(value);
    }
    let rows = query.fetch_all(pool).await?;
    let shown = usize::try_from(limit).unwrap_or(0).min(rows.len());
    let mut items = Vec::with_capacity(shown);
    for row in &rows[..shown] {
        items.push(row.try_get::<Value, _>("body")?);
    }
    let next = if rows.len() > shown { Some(rows[shown - 1].try_get::<String, _>("place")?) } else { None };
    stamped(pool, json!({ "items": items, "next": next })).await
}

/// Agents by id. Filters: owner, status, agent_account.
#[utoipa::path(get, path = "/v1/agents", params(("owner" = Option<String>, Query), ("status" = Option<String>, Query), ("agent_account" = Option<String>, Query), ("after" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
async fn agents(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    page(&pool, &AGENTS, &parameters).await
}

/// One agent.
#[utoipa::path(get, path = "/v1/agents/{id}", params(("id" = i64, Path)), responses((status = 200, description = "the agent"), (status = 404, description = "problem+json")))]
async fn agent(State(pool): State<PgPool>, Path(id): Path<String>) -> Reply {
    let number: i64 = id.parse().map_err(|_| Problem::bad(format!("an agent's id is a number, not {id}")))?;
    let row = sqlx::query("select body from agent where id = $1").bind(number).fetch_optional(&pool).await?;
    match row {
        Some(row) => stamped(&pool, row.try_get("body")?).await,
        None => Err(Problem {
            status: StatusCode::NOT_FOUND,
            code: "API_NOT_FOUND",
            detail: format!("there is no agent {id}"),
        }),
    }
}

/// Grants by id. Filters: agent, secret, revoked.
#[utoipa::path(get, path = "/v1/grants", params(("agent" = Option<i64>, Query), ("secret" = Option<i64>, Query), ("revoked" = Option<bool>, Query), ("after" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
async fn grants(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    page(&pool, &GRANTS, &parameters).await
}

/// Proposals by id. Filters: line, state.
#[utoipa::path(get, path = "/v1/proposals", params(("line" = Option<i64>, Query), ("state" = Option<String>, Query), ("after" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
async fn proposals(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    page(&pool, &PROPOSALS, &parameters).await
}

/// Channels by id. Filters: payer, payee.
#[utoipa::path(get, path = "/v1/channels", params(("payer" = Option<String>, Query), ("payee" = Option<String>, Query), ("after" = Option<String>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
async fn channels(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    page(&pool, &CHANNELS, &parameters).await
}

/// Events of one contract (registry, keys, governance or escrow) after a sequence number.
#[utoipa::path(get, path = "/v1/events", params(("contract" = String, Query), ("after" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, description = "{items, next}"), (status = 400, description = "problem+json")))]
async fn events(State(pool): State<PgPool>, Query(parameters): Parameters) -> Reply {
    let limit = limit(&parameters)?;
    let contract = parameters.get("contract").map(String::as_str).unwrap_or_default();
    if !["registry", "keys", "governance", "escrow"].contains(&contract) {
        return Err(Problem::bad("contract is registry, keys, governance or escrow".to_owned()));
    }
    let after: i64 = match parameters.get("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Problem::bad(format!("after is a number, not {text}")))?,
    };
    let rows = sqlx::query(
        "select seq, height, receipt_id, event, by_account, body from event where contract = $1 and seq > $2
         order by seq limit $3",
    )
    .bind(contract)
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
    let full = i64::try_from(items.len()).unwrap_or(0) == limit;
    let next = items.last().filter(|_| full).map(|last| last["seq"].clone());
    stamped(&pool, json!({ "items": items, "next": next })).await
}

/// The last comparison of the tables with the contracts.
#[utoipa::path(get, path = "/v1/verify", responses((status = 200, description = "{height, rows, mismatches, detail} or null")))]
async fn verification(State(pool): State<PgPool>) -> Reply {
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
async fn status(State(pool): State<PgPool>) -> Reply {
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
