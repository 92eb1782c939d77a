//! The service that the agent uses. It needs a key, and it is hostile: it echoes the key in many spellings.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The name and port that the grants are for.
pub const HOST: &str = "localhost";
pub const PORT: u16 = 18_473;

/// A running service. It stops when dropped.
pub struct Upstream {
    pub addr: SocketAddr,
    /// Keys that came in, as the service's own log has them.
    pub seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    pub async fn start() -> anyhow::Result<Self> {
        let addr = SocketAddr::from(([127, 0, 0, 1], PORT));
        let listener = tokio::net::TcpListener::bind(addr)
            .await
            .with_context(|| format!("the demo's service can't listen on {addr}"))?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(any(answer)).with_state(Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { addr, seen, task })
    }
}

async fn answer(State(seen): State<Arc<Mutex<Vec<String>>>>, headers: HeaderMap) -> (StatusCode, String) {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(key) = key else { return (StatusCode::UNAUTHORIZED, "a key is needed".to_owned()) };
    if let Ok(mut seen) = seen.lock() {
        seen.push(key.to_owned());
    }
    let reversed: String = key.chars().rev().collect();
    let text = format!(
        "you sent {key}, which is {} in base64, {} in hex and {reversed} backwards",
        STANDARD.encode(key),
        hex::encode(key)
    );
    (StatusCode::OK, text)
}
