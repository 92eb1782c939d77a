//! REST over the tables. Keyset paging only; every answer names the block it stands for.

mod chain;
mod records;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::Query;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::IndexerError;
use crate::tables;

/// Rows in one page at the most.
const LIMIT_MAX: i64 = 100;

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

    fn not_found(detail: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "API_NOT_FOUND", detail }
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
    paths(chain::events, chain::verification, chain::status)
)]
struct OfChain;

/// What the API has to say of itself: OpenAPI 3.1.
fn document() -> Document {
    let mut document = OfChain::openapi();
    for table in tables::all() {
        records::describe(table, &mut document.paths);
    }
    document
}

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
    let mut router = Router::new()
        .route("/v1/status", get(chain::status))
        .route("/v1/events", get(chain::events))
        .route("/v1/verify", get(chain::verification))
        .route("/healthz", get(async || "ok"))
        .route("/openapi.json", get(async || Json(document())));
    for table in tables::all() {
        router = router.merge(records::routes(table));
    }
    router.with_state(pool)
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
