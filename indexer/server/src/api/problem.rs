//! What a request gets that can't be answered: RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::IndexerError;

/// When whoever got no answer may ask again, seconds: whatever keeps answers back is looked at again within this time.
pub const RETRY_AFTER_S: u64 = 1;

/// The code of what another attempt may mend.
pub const UNAVAILABLE: &str = "API_UNAVAILABLE";

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// Members of its own, beside those of the RFC.
    more: Map<String, Value>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self { status, code, detail, more: Map::new() }
    }

    pub fn bad(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "API_BAD_REQUEST", detail)
    }

    /// More than what is done for one request.
    pub fn too_complex(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "API_TOO_COMPLEX", detail)
    }

    pub fn too_large(detail: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "API_TOO_LARGE", detail)
    }

    pub fn not_found(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "API_NOT_FOUND", detail)
    }

    pub fn no_such_method(detail: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "API_METHOD_NOT_ALLOWED", detail)
    }

    /// The tables stand below a height that was asked for.
    pub fn behind(wanted: u64, stands: Option<u64>) -> Self {
        let at =
            stands.map_or_else(|| "the database is empty".to_owned(), |at| format!("the tables stand at block {at}"));
        let more = Map::from_iter([("height".to_owned(), json!(stands))]);
        Self { more, ..Self::new(StatusCode::CONFLICT, "API_BEHIND", format!("{at}, and not at {wanted} yet")) }
    }

    /// An event that the table does not have yet, or never will.
    pub fn ahead(wanted: u64, newest: u64) -> Self {
        let detail = format!(
            "the newest event has the id {newest}: {wanted} is another database's, or this one is behind the one that it \
             is of"
        );
        Self::new(StatusCode::CONFLICT, "API_AHEAD", detail)
    }

    /// There are as many as may be.
    pub fn busy(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_BUSY", detail)
    }

    pub fn other_chain(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_OTHER_CHAIN", detail)
    }

    pub fn not_ready(detail: String, more: Map<String, Value>) -> Self {
        Self { more, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_NOT_READY", detail) }
    }

    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a query failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, "the database did not answer".to_owned())
    }
}

/// Inside of an answer: the code is an extension.
impl From<Problem> for async_graphql::Error {
    fn from(problem: Problem) -> Self {
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        extensions.set("code", problem.code);
        Self { message: problem.detail, source: None, extensions: Some(extensions) }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::unavailable(&error)
    }
}

impl From<IndexerError> for Problem {
    fn from(error: IndexerError) -> Self {
        Self::unavailable(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank", "title": self.code, "status": self.status.as_u16(), "detail": self.detail,
            "code": self.code,
        });
        if let Value::Object(fields) = &mut body {
            fields.extend(self.more);
        }
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        let mut response = (self.status, kind, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}
