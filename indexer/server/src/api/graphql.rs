//! `/v1/graphql`: the tables as objects that lead to each other, by their descriptors. One request is answered from one
//! snapshot with a statement for each list and each step to other rows that it names, however many rows there are.

mod load;
mod plan;
mod types;
mod weight;

use std::sync::{Arc, LazyLock};

use async_graphql::dynamic::Schema;
use async_graphql::{Request, Response, ServerError, Value};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::parameters::Parameters;
use super::problem::{Problem, RETRY_AFTER_S, UNAVAILABLE};
use super::snapshot::answer;
use super::{Api, Reply};
use load::{Session, Stamp};

/// Where it is.
pub const PATH: &str = "/v1/graphql";
/// Longest request, bytes.
pub const BODY_MAX: usize = 64 * 1024;

/// Fields within fields: a question about the schema has 15.
const DEPTH_MAX: usize = 16;
/// Fields of a request, with fragments in their places.
const FIELDS_MAX: usize = 1_000;

const TOO_COMPLEX: &str = "API_TOO_COMPLEX";

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let schema = types::schema().limit_depth(DEPTH_MAX).limit_complexity(FIELDS_MAX);
    schema.finish().expect("descriptors make a schema: a test holds it against docs/reference/schema.graphql")
});

/// The schema in its own language.
pub fn sdl() -> String {
    SCHEMA.sdl()
}

/// Answers a request.
pub async fn graphql(State(api): State<Api>, parameters: Parameters, body: Result<Bytes, BytesRejection>) -> Reply {
    parameters.only(&[])?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(format!("a request has {BODY_MAX} bytes at the most")),
        _ => Problem::bad(rejection.body_text()),
    })?;
    let form = |error: serde_json::Error| {
        Problem::bad(format!("a request is JSON with query, and maybe variables and operationName: {error}"))
    };
    let request: Request = serde_json::from_slice(&body).map_err(form)?;
    let session = Arc::new(Session::new(api.pool));
    let mut response = execute(request, &session).await;
    for error in &mut response.errors {
        let code = code(&error.message);
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", code);
        }
    }
    let is_unavailable = response.errors.iter().any(|error| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        code.is_some_and(|code| *code == Value::from(UNAVAILABLE))
    });
    if is_unavailable {
        let mut reply = answer(response, None);
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        return Ok(reply);
    }
    // A question about the schema is none about the tables.
    let Some(Stamp { mirrored, trust }) = session.end().await? else { return Ok(answer(response, None)) };
    let block = mirrored.as_ref().map(|mirrored| {
        let cursor = mirrored.cursor;
        json!({ "height": cursor.height, "hash": hex::encode(cursor.hash.as_bytes()), "trust": trust })
    });
    let block = Value::from_json(json!(block)).unwrap_or_default();
    response.extensions.insert("block".to_owned(), block);
    Ok(answer(response, mirrored.as_ref()))
}

async fn execute(mut request: Request, session: &Arc<Session>) -> Response {
    // What can't be parsed is told by who executes it.
    let is_heavy = request.parsed_query().is_ok_and(|document| weight::of(document, FIELDS_MAX).is_none());
    if is_heavy {
        let detail = format!("a request has {FIELDS_MAX} fields at the most, with fragments in their places");
        return Response::from_errors(vec![ServerError::new(detail, None)]);
    }
    SCHEMA.execute(request.data(Arc::clone(session))).await
}

/// The code of an error that is about the request's form.
fn code(message: &str) -> &'static str {
    // As the library and `execute` say it.
    let heavy = ["Query is too complex", "Query is nested too deep", "The recursion depth", "a request has "];
    if heavy.iter().any(|begin| message.starts_with(begin)) || message.contains("recursion limit exceeded") {
        TOO_COMPLEX
    } else {
        "API_BAD_REQUEST"
    }
}
