//! Stands in for a node, or for the gateway before one: it says what it is told to say, and keeps what it was asked.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub enum Says {
    Text {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The beginning of an answer, and then it hangs up.
    Half,
    /// Blanks for ever.
    Endless,
    Never,
}

impl Says {
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Text { status, headers: Vec::new(), body: body.into() }
    }

    pub fn json(answer: &Value) -> Self {
        Self::text(200, answer.to_string())
    }

    pub fn result(result: impl Into<Value>) -> Self {
        Self::json(&json!({ "jsonrpc": "2.0", "id": "charter", "result": result.into() }))
    }

    /// As nearcore refuses.
    pub fn refusal(cause: &str) -> Self {
        let error = json!({
            "name": "HANDLER_ERROR", "cause": { "name": cause, "info": {} }, "code": -32_000, "message": "Server error",
        });
        Self::json(&json!({ "jsonrpc": "2.0", "id": "charter", "error": error }))
    }

    /// Asked too fast; `when` to come back.
    pub fn later(when: &str) -> Self {
        let headers = vec![("retry-after", when.to_owned())];
        Self::Text { status: 429, headers, body: b"slow down".to_vec() }
    }
}

type Speaker = Box<dyn FnMut(&Value) -> Says + Send>;

struct Script {
    speaker: Speaker,
    asked: Vec<Value>,
}

pub struct NodeStandIn {
    pub url: String,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl NodeStandIn {
    pub async fn start(says: Says) -> Self {
        let speaker: Speaker = Box::new(move |_| says.clone());
        let script = Arc::new(Mutex::new(Script { speaker, asked: Vec::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, task }
    }

    /// What it says from now on to each request.
    pub fn speak(&self, speaker: impl FnMut(&Value) -> Says + Send + 'static) {
        self.script.lock().unwrap().speaker = Box::new(speaker);
    }

    /// The same to all of them.
    pub fn say(&self, says: Says) {
        self.speak(move |_| says.clone());
    }

    /// One thing after the other, and the last one for ever.
    pub fn say_in_turn(&self, said: Vec<Says>) {
        let mut left = VecDeque::from(said);
        self.speak(move |_| {
            let says = left.front().unwrap().clone();
            if left.len() > 1 {
                left.pop_front();
            }
            says
        });
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Value> {
        self.script.lock().unwrap().asked.clone()
    }

    pub fn asked(&self) -> usize {
        self.script.lock().unwrap().asked.len()
    }
}

impl Drop for NodeStandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where nobody listens.
pub async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, body: Bytes) -> Response {
    let says = {
        let mut script = script.lock().unwrap();
        let request: Value = serde_json::from_slice(&body).unwrap();
        let says = (script.speaker)(&request);
        script.asked.push(request);
        says
    };
    match says {
        Says::Text { status, headers, body } => {
            let mut response = axum::http::Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Says::Half => Response::new(Body::from_stream(stream::unfold(0, half))),
        Says::Endless => {
            let blanks = Bytes::from_static(&[b' '; 1_024]);
            Response::new(Body::from_stream(stream::repeat(Ok::<_, Infallible>(blanks))))
        }
        Says::Never => std::future::pending().await,
    }
}

/// What is written already goes out when there is nothing more to write for a moment: without it the answer would
/// sometimes break off before it begins.
async fn half(step: u8) -> Option<(io::Result<Bytes>, u8)> {
    match step {
        0 => Some((Ok(Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"resu")), 1)),
        1 => {
            tokio::task::yield_now().await;
            Some((Err(io::Error::other("it hangs up")), 2))
        }
        _ => None,
    }
}
