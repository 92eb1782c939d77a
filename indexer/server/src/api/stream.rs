//! `/v1/stream`: events as server-sent events, each exactly once after the one that a client had last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::stream;
use sqlx::PgPool;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::chain;
use super::feed::{Ear, Feed, Part, Wanted, newest};
use super::parameters::Parameters;
use super::problem::Problem;
use super::{Api, Reply};

/// How long nothing is said at the most: what is between us and the client may take a silent connection for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a client should come back that was cut off.
const RETRY: Duration = Duration::from_secs(1);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells a proxy to pass on what it gets.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The event that a client had last. A browser sends the header when it comes back, to the address that it came to first.
fn last(headers: &HeaderMap, parameters: &Parameters) -> Result<Option<u64>, Problem> {
    let header = headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text: &str = match (&header, parameters.get("after")) {
        (Some(text), _) if !text.is_empty() => text,
        (_, Some(text)) => text,
        _ => return Ok(None),
    };
    let wrong = |_| Problem::bad(format!("the id of an event is a number from 0 to 2^64-1, not {text}"));
    text.parse().map(Some).map_err(wrong)
}

/// Events after one, of all contracts or of one; without one those that are still to come.
pub async fn stream(State(api): State<Api>, headers: HeaderMap, parameters: Parameters) -> Reply {
    parameters.only(&["contract", "event", "after"])?;
    let contract = parameters.get("contract").map(chain::contract).transpose()?;
    let wanted = Wanted { contract, event: parameters.get("event").map(str::to_owned) };
    let last = last(&headers, &parameters)?;
    // Listens before it looks, so that nothing falls in between.
    let ear = api.feed.listen().ok_or_else(|| Problem::busy("all places to listen from are taken".to_owned()))?;
    let newest = newest(&api.pool).await?;
    let place = match last {
        Some(last) if last > newest => return Err(Problem::ahead(last, newest)),
        Some(last) => last,
        None => newest,
    };
    let client =
        Client { feed: api.feed, pool: api.pool, wanted, ear, place, greeted: false, behind: true, part: None };
    let events = stream::unfold(client, |mut client| async move {
        let event = client.next().await?;
        Some((Ok::<_, Infallible>(event), client))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(UNBUFFERED, HeaderValue::from_static("no"));
    Ok(response)
}

/// Somebody who listens. What comes next is looked for when what came before was taken, so nothing piles up for who is slow.
struct Client {
    feed: Arc<Feed>,
    pool: PgPool,
    wanted: Wanted,
    ear: Ear,
    /// What comes after it was not sent yet.
    place: u64,
    greeted: bool,
    /// Whether there may be events in the table after its place that it is not told.
    behind: bool,
    /// What is being sent, and how much of it was.
    part: Option<(Arc<Part>, usize)>,
}

impl Client {
    /// What is sent next. `None`: the client has to come back.
    async fn next(&mut self) -> Option<Event> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.mark().retry(RETRY));
        }
        loop {
            if let Some(event) = self.of_part() {
                return Some(event);
            }
            if self.behind {
                let part = self.feed.catch_up(&self.pool, self.place, &self.wanted).await;
                let part = part.inspect_err(|error| tracing::warn!(%error, "a listener is sent away")).ok()?;
                self.behind = part.goes_on;
                self.part = Some((Arc::new(part), 0));
                continue;
            }
            let told = tokio::select! {
                // Nobody sends anything there.
                _ = self.ear.open.changed() => return None,
                told = timeout(KEEP_ALIVE, self.ear.told.recv()) => told,
            };
            match told {
                Ok(Ok(part)) if part.after <= self.place => self.part = Some((part, 0)),
                // It lacks what is between.
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => self.behind = true,
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => return Some(self.mark()),
            }
        }
    }

    /// A sign of life, which says how far the client is without being an event.
    fn mark(&self) -> Event {
        Event::default().id(self.place.to_string()).comment("alive")
    }

    /// The next event of what is being sent.
    fn of_part(&mut self) -> Option<Event> {
        let (part, sent) = self.part.as_mut()?;
        while let Some(line) = part.lines.get(*sent) {
            *sent += 1;
            // What is told may begin before where this one stands.
            if line.ordinal > self.place && self.wanted.has(line) {
                self.place = line.ordinal;
                return Some(Event::default().id(line.ordinal.to_string()).data(&line.json));
            }
        }
        self.place = self.place.max(part.upto);
        self.part = None;
        None
    }
}
