//! JSON-RPC over HTTP, with nearcore's methods, shapes, errors and statuses.

mod blocks;
mod changes;
mod disagreement;
mod info;
mod proofs;
mod query;
mod query_path;
mod sandbox;
mod transactions;
mod validators;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use near_jsonrpc_primitives::errors::{RpcError, RpcErrorKind};
use near_jsonrpc_primitives::types::call_function::RpcCallFunctionError;
use near_jsonrpc_primitives::types::view_access_key::RpcViewAccessKeyError;
use near_jsonrpc_primitives::types::view_access_key_list::RpcViewAccessKeyListError;
use near_jsonrpc_primitives::types::view_account::RpcViewAccountError;
use near_jsonrpc_primitives::types::view_code::RpcViewCodeError;
use near_jsonrpc_primitives::types::view_gas_key_nonces::RpcViewGasKeyNoncesError;
use near_jsonrpc_primitives::types::view_state::RpcViewStateError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::faults::RpcFault;
use crate::localnet::{Error, Localnet};

type Reply = Result<Value, RpcError>;

/// A running RPC server. It stops when the handle is dropped.
pub struct RpcServer {
    addr: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl RpcServer {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where this machine reaches it.
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        match addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{addr}")
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for RpcServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Localnet {
    /// Serves JSON-RPC on `addr`; port 0 takes a free one.
    pub async fn serve(&self, addr: &str) -> Result<RpcServer, Error> {
        let listener = tokio::net::TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let mut served = self.clone();
        served.rpc_addr = Some(addr);
        let app = Router::new()
            .route("/", post(handle))
            .route("/status", get(status))
            .route("/health", get(health))
            .route("/network_info", get(network_info))
            .route("/v0/{*path}", get(neardata))
            .with_state(served)
            .layer(DefaultBodyLimit::disable())
            .layer(RequestBodyLimitLayer::new(self.body_bytes_max))
            .layer(CorsLayer::permissive());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the RPC server stopped");
            }
        });
        Ok(RpcServer { addr, task })
    }
}

async fn status(State(localnet): State<Localnet>) -> Response {
    plain(disagreement::answer(&localnet, "status", Value::Null).await)
}

async fn health() -> Response {
    plain(Ok(Value::Null))
}

/// neardata's feed is refused by name.
async fn neardata() -> (StatusCode, &'static str) {
    (StatusCode::NOT_IMPLEMENTED, "neardata's feed is not implemented by charter-localnet")
}

async fn network_info() -> Response {
    plain(Ok(info::network_info()))
}

fn plain(reply: Reply) -> Response {
    match reply {
        Ok(value) => axum::Json(value).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(error)).into_response(),
    }
}

async fn handle(State(localnet): State<Localnet>, body: Bytes) -> Response {
    let (wait, fault) = localnet.faults.next();
    // Even an empty sleep takes a tick of the timer.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let failed = match fault {
        None => return respond(&localnet, &body).await,
        Some(RpcFault::Cut) => return cut(respond(&localnet, &body).await),
        Some(RpcFault::Timeout) => StatusCode::REQUEST_TIMEOUT,
        Some(RpcFault::TooMany) => StatusCode::TOO_MANY_REQUESTS,
        Some(RpcFault::Broken) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (failed, failed.canonical_reason().unwrap_or_default()).into_response()
}

/// Promises a whole answer and hangs up before it is there.
fn cut(answer: Response) -> Response {
    let (head, _) = answer.into_parts();
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "a fault cut the connection");
    let start = [Ok(Bytes::from_static(b"{")), Err(broken)];
    Response::from_parts(head, Body::from_stream(futures_util::stream::iter(start)))
}

async fn respond(localnet: &Localnet, body: &[u8]) -> Response {
    let (status, answer) = localnet.answer(body).await;
    match answer {
        // nearcore's web framework answers broken JSON in plain text.
        Value::String(text) => (status, text).into_response(),
        answer => (status, axum::Json(answer)).into_response(),
    }
}

impl Localnet {
    /// Answers the body of a JSON-RPC request as the server does, without a network: HTTP status and JSON.
    pub async fn answer(&self, body: &[u8]) -> (StatusCode, Value) {
        let mut request: Value = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => {
                let text = format!("Failed to parse the request body as JSON: {error}");
                return (StatusCode::BAD_REQUEST, Value::String(text));
            }
        };
        let params = request.get_mut("params").map(Value::take).unwrap_or_default();
        let method = request["method"].as_str().filter(|_| request["jsonrpc"] == "2.0");
        let (id, reply) = match method {
            Some(method) => (request["id"].clone(), disagreement::answer(self, method, params).await),
            // A body that is no request has no id.
            None => (Value::Null, Err(RpcError::parse_error("JSON RPC Request format was expected".to_owned()))),
        };
        let (status, name, answer) = match reply {
            Ok(result) => (StatusCode::OK, "result", result),
            Err(error) => (http_status(&error), "error", json!(error)),
        };
        // Not by `json!`, which copies what it is given: answers may be long.
        let mut envelope = json!({ "jsonrpc": "2.0", "id": id });
        envelope[name] = answer;
        (status, envelope)
    }
}

fn http_status(error: &RpcError) -> StatusCode {
    match &error.error_struct {
        Some(RpcErrorKind::RequestValidationError(_)) => StatusCode::BAD_REQUEST,
        Some(RpcErrorKind::HandlerError(cause)) if cause["name"] == "TIMEOUT_ERROR" => StatusCode::REQUEST_TIMEOUT,
        Some(RpcErrorKind::HandlerError(cause)) if cause["info"]["skipped_height"] == true => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Some(RpcErrorKind::HandlerError(_)) => StatusCode::OK,
        Some(RpcErrorKind::InternalError(_)) | None => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn dispatch(localnet: &Localnet, method: &str, params: Value) -> Reply {
    match method {
        "health" => Ok(Value::Null),
        "status" => info::status(localnet, 0).await,
        "network_info" => Ok(info::network_info()),
        "gas_price" => info::gas_price(localnet, params).await,
        "validators" => validators::of_epoch(localnet, params).await,
        "EXPERIMENTAL_validators_ordered" => validators::ordered(localnet, params).await,
        "client_config" => info::client_config(localnet),
        "genesis_config" | "EXPERIMENTAL_genesis_config" => info::genesis_config(localnet),
        "EXPERIMENTAL_protocol_config" => info::protocol_config(localnet, params).await,
        "EXPERIMENTAL_congestion_level" => info::congestion_level(localnet, params).await,
        "maintenance_windows" | "EXPERIMENTAL_maintenance_windows" => Ok(json!([])),
        "block" => blocks::block(localnet, params).await,
        "chunk" => blocks::chunk(localnet, params).await,
        "query" => query::query(localnet, params).await,
        "EXPERIMENTAL_view_account" => query::single::<RpcViewAccountError>(localnet, "view_account", params).await,
        "EXPERIMENTAL_view_code" => query::single::<RpcViewCodeError>(localnet, "view_code", params).await,
        "EXPERIMENTAL_view_state" => query::single::<RpcViewStateError>(localnet, "view_state", params).await,
        "EXPERIMENTAL_view_access_key" => {
            query::single::<RpcViewAccessKeyError>(localnet, "view_access_key", params).await
        }
        "EXPERIMENTAL_view_access_key_list" => {
            query::single::<RpcViewAccessKeyListError>(localnet, "view_access_key_list", params).await
        }
        "EXPERIMENTAL_view_gas_key_nonces" => {
            query::single::<RpcViewGasKeyNoncesError>(localnet, "view_gas_key_nonces", params).await
        }
        "EXPERIMENTAL_call_function" => query::single::<RpcCallFunctionError>(localnet, "call_function", params).await,
        "changes" | "EXPERIMENTAL_changes" => changes::changes(localnet, params).await,
        "block_effects" | "EXPERIMENTAL_changes_in_block" => changes::kinds(localnet, params).await,
        "send_tx" => transactions::send(localnet, params).await,
        "broadcast_tx_async" => transactions::broadcast_async(localnet, params).await,
        "broadcast_tx_commit" => transactions::broadcast_commit(localnet, params).await,
        "tx" => transactions::status(localnet, params, false).await,
        "EXPERIMENTAL_tx_status" => transactions::status(localnet, params, true).await,
        "EXPERIMENTAL_receipt" => transactions::receipt(localnet, params).await,
        "EXPERIMENTAL_receipt_to_tx" => transactions::receipt_to_tx(localnet, params).await,
        "light_client_proof" | "EXPERIMENTAL_light_client_proof" => proofs::outcome(localnet, params).await,
        "EXPERIMENTAL_light_client_block_proof" => proofs::block(localnet, params).await,
        "next_light_client_block" => proofs::next_block(localnet, params, 0).await,
        "sandbox_patch_state" => sandbox::patch_state(localnet, params).await,
        "sandbox_fast_forward" => sandbox::fast_forward(localnet, params).await,
        _ => Err(RpcError::method_not_found(method.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params).map_err(|error| RpcError::parse_error(format!("Failed parsing args: {error}")))
}

fn internal(error: &dyn std::fmt::Display) -> RpcError {
    RpcError::new_internal_error(None, error.to_string())
}

fn to_value(value: impl Serialize) -> Reply {
    serde_json::to_value(value).map_err(|error| RpcError::serialization_error(error.to_string()))
}
