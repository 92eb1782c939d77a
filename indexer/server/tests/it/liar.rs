//! A stand-in for a node that lies: it stands between an indexer and a chain, passes questions on, and changes answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use charter_client::Rpc;
use serde_json::Value;
use tokio::sync::watch;

/// Changes an answer, by method and parameters, before it is sent.
type Lie = Box<dyn FnMut(&str, &Value, &mut Value) + Send>;

struct Line {
    node: String,
    client: reqwest::Client,
    lie: Mutex<Option<Lie>>,
    /// Another node, and the questions that it is asked instead.
    other: Mutex<Option<(String, &'static [&'static str])>>,
    /// The question that is not answered, and how often it was asked since.
    holds: watch::Sender<Option<&'static str>>,
    held: AtomicUsize,
}

/// It stops when dropped.
pub struct Liar {
    line: Arc<Line>,
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    pub async fn start(node: String) -> Self {
        let (client, lie, other) = (reqwest::Client::new(), Mutex::default(), Mutex::default());
        let (holds, held) = (watch::Sender::new(None), AtomicUsize::new(0));
        let line = Arc::new(Line { node, client, lie, other, holds, held });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&line));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { line, url, task }
    }

    pub fn rpc(&self) -> Rpc {
        Rpc::new(self.url.clone())
    }

    /// Changes answers from now on.
    pub fn lie(&self, lie: impl FnMut(&str, &Value, &mut Value) + Send + 'static) {
        *self.line.lie.lock().unwrap() = Some(Box::new(lie));
    }

    /// Asks another node these questions.
    pub fn ask_instead(&self, node: String, methods: &'static [&'static str]) {
        *self.line.other.lock().unwrap() = Some((node, methods));
    }

    /// Does not answer a question any more.
    pub fn hold(&self, method: &'static str) {
        self.line.holds.send_replace(Some(method));
    }

    /// Resolves once it was asked what it does not answer.
    pub async fn until_held(&self) {
        while self.line.held.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Answers everything again, late as it is.
    pub fn let_go(&self) {
        self.line.holds.send_replace(None);
    }

    pub fn stop_lying(&self) {
        *self.line.lie.lock().unwrap() = None;
        *self.line.other.lock().unwrap() = None;
    }
}

async fn answer(State(line): State<Arc<Line>>, Json(question): Json<Value>) -> Json<Value> {
    let method = question["method"].as_str().unwrap().to_owned();
    let mut holds = line.holds.subscribe();
    if *holds.borrow() == Some(method.as_str()) {
        line.held.fetch_add(1, Ordering::Relaxed);
        drop(holds.wait_for(|held| *held != Some(method.as_str())).await.unwrap());
    }
    let other = line.other.lock().unwrap().clone();
    let node = other.filter(|(_, methods)| methods.contains(&method.as_str())).map(|(node, _)| node);
    let asked = line.client.post(node.as_ref().unwrap_or(&line.node)).json(&question).send().await.unwrap();
    let mut told: Value = asked.json().await.unwrap();
    if let Some(lie) = &mut *line.lie.lock().unwrap() {
        lie(&method, &question["params"], &mut told);
    }
    Json(told)
}
