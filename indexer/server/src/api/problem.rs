//! What a request gets that can't be answered: RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::IndexerError;

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

    pub fn not_found(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "API_NOT_FOUND", detail)
    }

    pub fn no_such_method(detail: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "API_METHOD_NOT_ALLOWED", detail)
    }

    pub fn other_chain(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_OTHER_CHAIN", detail)
    }

    pub fn not_ready(detail: String, more: Map<String, Value>) -> Self {
        Self { more, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_NOT_READY", detail) }
    }

    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a query failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "API_UNAVAILABLE", "the database did not answer".to_owned())
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
        (self.status, kind, body.to_string()).into_response()
    }
}
