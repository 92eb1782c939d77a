//! Figures for Prometheus, as text. Their labels are contracts and routes, of which there are so many and no more.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::chain::{Status, Verification, last_verification};
use super::problem::Problem;
use super::snapshot::Snapshot;
use crate::contract::Contract;

/// As long as the database may take, so that whoever asks gets the other figures before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests that were answered, by route and class of status.
#[derive(Default)]
pub struct Requests(Mutex<BTreeMap<(String, u16), u64>>);

impl Requests {
    fn add(&self, route: String, class: u16) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry((route, class)).or_default() += 1;
    }

    fn all(&self) -> BTreeMap<(String, u16), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts a request once it is answered.
pub async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    // A path that nothing is at is no label: there are as many as anybody likes.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    api.requests.add(route, response.status().as_u16() / 100);
    response
}

/// Samples, each family with what it is.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a text takes everything");
    }

    fn family(&mut self, name: &str, kind: &str, about: &str) {
        self.line(format_args!("# HELP {name} {about}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One figure. What nobody knows is left out.
    fn gauge(&mut self, name: &str, about: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.family(name, "gauge", about);
            self.line(format_args!("{name} {value}"));
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

async fn read(api: &Api) -> Result<(Status, Option<Verification>), Problem> {
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let status = Status::read(api, &mut snapshot).await?;
    let verification = last_verification(snapshot.connection()).await?;
    Ok((status, verification))
}

/// All figures. A database that does not answer is one of them.
pub async fn metrics(State(api): State<Api>) -> Response {
    let mut text = Text::default();
    let known = tokio::time::timeout(PATIENCE, read(&api)).await.ok().and_then(Result::ok);
    text.gauge("charter_database_up", "Whether the database answers.", Some(u8::from(known.is_some())));
    if let Some((status, verification)) = known {
        of_tables(&mut text, &status);
        of_verification(&mut text, verification.as_ref());
    }
    text.gauge("charter_stream_listeners", "Who listens to events.", Some(api.feed.listeners()));
    let about = "Requests that were sent to nodes, without those that only compare them.";
    text.family("charter_node_requests_total", "counter", about);
    text.line(format_args!("charter_node_requests_total {}", api.watch.seen().requests));
    text.family("charter_requests_total", "counter", "Requests that were answered, by route and class of status.");
    for ((route, class), count) in api.requests.all() {
        text.line(format_args!("charter_requests_total{{route=\"{route}\",class=\"{class}xx\"}} {count}"));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.0).into_response()
}

fn of_tables(text: &mut Text, status: &Status) {
    text.gauge("charter_head_height", "The node's newest final block.", status.head);
    text.gauge("charter_indexed_height", "The block that the tables stand for.", status.height);
    text.gauge("charter_lag_blocks", "How many blocks the tables are behind the node.", status.lag_blocks);
    let about = "How old the block is that the tables stand for.";
    text.gauge("charter_indexed_age_seconds", about, status.age_ms.map(seconds));
    let verified = status.verified_head.as_ref();
    let about = "The newest block that the light client has verified.";
    text.gauge("charter_verified_head_height", about, verified.map(|head| head.height));
    let about = "How old that block is.";
    let age = verified.and_then(|head| head.age_ms).map(seconds);
    text.gauge("charter_verified_head_age_seconds", about, age);
    let about = "Whether something is wrong with the node.";
    text.gauge("charter_node_trouble", about, Some(u8::from(status.trouble.is_some())));
    let about = "Events that could not be read or applied.";
    text.gauge("charter_dead_letters", about, Some(status.dead_letters));
    text.family("charter_events_total", "counter", "Events in the tables, dead letters among them.");
    for mirror in &status.contracts {
        // Whatever else is in the table is not ours to name.
        if let Some(contract) = Contract::named(&mirror.name) {
            let (name, events) = (contract.name(), mirror.events);
            text.line(format_args!("charter_events_total{{contract=\"{name}\"}} {events}"));
        }
    }
}

fn of_verification(text: &mut Text, last: Option<&Verification>) {
    let mismatches = last.map(|last| last.mismatches);
    text.gauge("charter_verify_mismatches", "Rows that the last comparison found to be wrong.", mismatches);
    text.gauge("charter_verify_rows", "Rows and events of the last comparison.", last.map(|last| last.rows));
    let age = last.map(|last| seconds(last.age_ms));
    text.gauge("charter_verify_age_seconds", "How long ago the last comparison ended.", age);
}
