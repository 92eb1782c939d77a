//! Several nodes behind one handle: which one is asked next, which one is passed over and for how long, and what is
//! noted of each answer.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::Instant;

use super::Limits;
use super::answer::{self, End, Reply};
use super::rate::{Pace, Rate};
use crate::ClientError;

/// For how long a node that failed is passed over: at first, and after it failed again and again.
const FAILED_TIME: Duration = Duration::from_millis(500);
const FAILED_TIME_MAX: Duration = Duration::from_mins(1);
/// The same for one that somebody caught lying or lagging.
const BLAMED_TIME: Duration = Duration::from_mins(1);
const BLAMED_TIME_MAX: Duration = Duration::from_hours(1);
/// Longest time that a request waits for its turn, whatever its limits say: beyond it clocks overflow.
const TURN_TIME_MAX: Duration = Duration::from_hours(24);
/// How often the list of nodes is gone through for one question.
const ROUNDS: usize = 2;
/// Parts of a URL that are shorter are words.
const SECRET_LENGTH_MIN: usize = 8;
/// Methods that do more than read begin so.
const SENDING: [&str; 4] = ["send_tx", "broadcast_tx_", "sandbox_", "adv_"];

/// A request, written down.
pub(super) struct Request<'a> {
    pub method: &'a str,
    pub body: String,
    pub limits: Limits,
}

impl Request<'_> {
    /// Whether another node is asked after this one failed so. What moves money goes to another one only if this one
    /// certainly never got it: whoever signed it has to know that an answer was lost.
    fn goes_on_after(&self, error: &ClientError) -> bool {
        if SENDING.iter().any(|start| self.method.starts_with(start)) {
            error.is_unsent()
        } else {
            error.is_of_one_node()
        }
    }
}

/// How a node has been lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHealth {
    /// Its scheme, host and port.
    pub node: String,
    /// For how long others are asked before it.
    pub passed_over: Duration,
    /// Why, if it is.
    pub reason: Option<String>,
}

/// A time that is twice as long whenever it begins again. Its clock is an argument.
#[derive(Debug)]
struct Spell {
    first: Duration,
    max: Duration,
    times: u32,
    until: Option<Instant>,
}

impl Spell {
    fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, times: 0, until: None }
    }

    fn left(&self, now: Instant) -> Duration {
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn begin(&mut self, now: Instant) {
        // What fails meanwhile was under way already, or was asked because nobody else was left.
        if !self.left(now).is_zero() {
            return;
        }
        // That long ago it was another trouble.
        if self.until.is_some_and(|until| now.saturating_duration_since(until) > self.max) {
            self.times = 0;
        }
        let time = self.first.saturating_mul(2_u32.saturating_pow(self.times)).min(self.max);
        (self.until, self.times) = (Some(now + time), self.times.saturating_add(1));
    }

    fn end(&mut self) {
        (self.until, self.times) = (None, 0);
    }
}

struct State {
    pace: Pace,
    failed: Spell,
    blamed: Spell,
    reason: Option<String>,
}

impl State {
    /// For how long others are asked first.
    fn left(&self, now: Instant) -> Duration {
        self.failed.left(now).max(self.blamed.left(now)).max(self.pace.pause_left(now))
    }
}

/// A node's address, and what is known of it.
pub(super) struct Endpoint {
    pub url: String,
    /// The same without what may be secret.
    pub origin: String,
    secrets: Vec<String>,
    state: Mutex<State>,
    /// Requests that were sent to it.
    requests: AtomicU64,
}

/// Whether it is a node on this machine.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let addr = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || addr.is_ok_and(|addr| addr.is_loopback())
}

/// Parts of a URL that may be a provider's key.
fn secrets(url: &Url) -> Vec<String> {
    let query = url.query().unwrap_or_default().split(['&', '=']);
    let user = [url.username(), url.password().unwrap_or_default()];
    let parts = url.path().split('/').chain(query).chain(user);
    parts.filter(|part| part.len() >= SECRET_LENGTH_MIN).map(str::to_owned).collect()
}

impl Endpoint {
    fn new(url: String, rate: Rate) -> Self {
        let parsed = Url::parse(&url).ok();
        let origin = parsed.as_ref().map(|url| url.origin().ascii_serialization());
        let pace = Pace::new(rate, parsed.as_ref().is_some_and(is_near), Instant::now());
        let (failed, blamed) = (Spell::new(FAILED_TIME, FAILED_TIME_MAX), Spell::new(BLAMED_TIME, BLAMED_TIME_MAX));
        Self {
            url,
            origin: origin.unwrap_or_else(|| "the URL given".to_owned()),
            secrets: parsed.as_ref().map_or_else(Vec::new, secrets),
            state: Mutex::new(State { pace, failed, blamed, reason: None }),
            requests: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> NodeHealth {
        let state = self.state();
        let passed_over = state.left(Instant::now());
        let reason = state.reason.clone().filter(|_| !passed_over.is_zero());
        NodeHealth { node: self.origin.clone(), passed_over, reason }
    }

    pub fn blame(&self, reason: String) {
        let mut state = self.state();
        state.blamed.begin(Instant::now());
        state.reason = Some(reason);
    }

    /// Waits until the node may be asked; fails at once if that takes too long.
    async fn turn(&self, limits: &Limits) -> Result<(), ClientError> {
        let until = Instant::now() + limits.turn_time_max.min(TURN_TIME_MAX);
        loop {
            let now = Instant::now();
            let wait = self.state().pace.take(now, until.saturating_duration_since(now));
            let wait = wait.map_err(|wait| ClientError::Busy { node: self.origin.clone(), wait })?;
            if wait.is_zero() {
                return Ok(());
            }
            tokio::time::sleep_until(now + wait).await;
            // Somebody whose turn came first may have been told to pause.
            if self.state().pace.pause_left(Instant::now()).is_zero() {
                return Ok(());
            }
        }
    }

    /// One request and what comes back, if anything does.
    async fn exchange(&self, http: &reqwest::Client, request: &Request<'_>) -> Result<Reply, ClientError> {
        let Request { method, body, limits } = request;
        let lost = |source: reqwest::Error| self.lost(method, source);
        let sent = http.post(&self.url).header(CONTENT_TYPE, "application/json").timeout(limits.answer_time_max);
        let mut response = sent.body(body.clone()).send().await.map_err(lost)?;
        let pause = answer::pause(response.headers(), SystemTime::now());
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > limits.answer_bytes_max => {
                    break End::TooLong(limits.answer_bytes_max);
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break End::Whole,
                Err(error) if error.is_timeout() => return Err(lost(error)),
                Err(_) => break End::BrokenOff,
            }
        };
        Ok(Reply { status, pause, body, end })
    }

    fn lost(&self, method: &str, source: reqwest::Error) -> ClientError {
        let node = self.origin.clone();
        if source.is_timeout() && !source.is_connect() {
            ClientError::TimedOut { node, method: method.to_owned() }
        } else {
            ClientError::Unreachable { node, source: source.without_url() }
        }
    }

    /// Asks this node alone.
    async fn ask<T>(
        &self,
        http: &reqwest::Client,
        request: &Request<'_>,
        read: &impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ClientError> {
        self.turn(&request.limits).await?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (node, method) = (self.origin.as_str(), request.method);
        let replied = self.exchange(http, request).await;
        let answered = replied.and_then(|reply| {
            let result = reply.result(node, method)?;
            read(result).map_err(|reason| reply.unreadable(node, method, reason))
        });
        let answered = answered.map_err(|error| self.without_secrets(error));
        self.note(answered.as_ref().err());
        answered
    }

    /// A provider that turns a key down may repeat it.
    fn without_secrets(&self, mut error: ClientError) -> ClientError {
        match &mut error {
            ClientError::Status { body, .. } => self.hide(body),
            ClientError::Unreadable { reason, body, .. } => {
                self.hide(reason);
                self.hide(body);
            }
            ClientError::Rpc { error, .. } => self.hide_within(error),
            _ => {}
        }
        error
    }

    fn hide(&self, text: &mut String) {
        for secret in &self.secrets {
            *text = text.replace(secret.as_str(), "…");
        }
    }

    /// In all texts of a refusal. Names of fields are nearcore's.
    fn hide_within(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_within(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.hide_within(field)),
            _ => {}
        }
    }

    fn note(&self, error: Option<&ClientError>) {
        let now = Instant::now();
        let mut state = self.state();
        let Some(error) = error.filter(|error| error.is_failure()) else {
            // Who lies answers well: blame lasts.
            state.failed.end();
            state.pace.went_well(now);
            return;
        };
        if error.is_haste() {
            state.pace.slow_down(now);
        }
        if let ClientError::Status { pause: Some(pause), .. } = error {
            state.pace.pause(now + *pause);
        }
        state.failed.begin(now);
        state.reason = Some(error.to_string());
    }
}

/// All nodes of a handle and its clones.
pub(super) struct Endpoints {
    http: reqwest::Client,
    all: Vec<Endpoint>,
}

/// What is told of several failures: a node's own words, or what happened last.
fn told(known: Option<ClientError>, new: ClientError) -> ClientError {
    match known {
        Some(known @ ClientError::Rpc { .. }) => known,
        // That one was not even asked is the least of it.
        Some(known) if matches!(new, ClientError::Busy { .. }) => known,
        _ => new,
    }
}

impl Endpoints {
    pub fn new<U: AsRef<str>>(urls: impl IntoIterator<Item = U>, limits: &Limits) -> Self {
        let http = reqwest::Client::builder().connect_timeout(limits.connect_time_max).build();
        let urls = urls.into_iter().map(|url| url.as_ref().trim().to_owned()).filter(|url| !url.is_empty());
        let mut all: Vec<Endpoint> = urls.map(|url| Endpoint::new(url, limits.rate)).collect();
        // No URL at all is found out by the first question, like one that is none.
        if all.is_empty() {
            all.push(Endpoint::new(String::new(), limits.rate));
        }
        Self { http: http.expect("TLS can be set up: its roots are compiled in"), all }
    }

    pub fn count(&self) -> usize {
        self.all.len()
    }

    pub fn get(&self, index: usize) -> Option<&Endpoint> {
        self.all.get(index)
    }

    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|endpoint| endpoint.origin.as_str())
    }

    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|endpoint| endpoint.url.as_str())
    }

    /// Whether all are on this machine. What is no URL is nowhere.
    pub fn are_near(&self) -> bool {
        self.all.iter().all(|endpoint| Url::parse(&endpoint.url).is_ok_and(|url| is_near(&url)))
    }

    pub fn requests(&self) -> u64 {
        self.all.iter().map(|endpoint| endpoint.requests.load(Ordering::Relaxed)).sum()
    }

    pub fn health(&self) -> Vec<NodeHealth> {
        self.all.iter().map(Endpoint::health).collect()
    }

    /// Those that are well as they were named, then those that are passed over, by when that ends: a node that failed is
    /// better than none.
    fn order(&self) -> Vec<(usize, &Endpoint)> {
        let now = Instant::now();
        let left = |(index, endpoint): (usize, &Endpoint)| (endpoint.state().left(now), index);
        let mut order: Vec<(Duration, usize)> = self.all.iter().enumerate().map(left).collect();
        order.sort_unstable();
        order.into_iter().filter_map(|(_, index)| Some((index, self.all.get(index)?))).collect()
    }

    /// Asks one node after the other until one answers, or refuses as others would, too. `answered` is told which.
    pub async fn ask<T>(
        &self,
        request: &Request<'_>,
        answered: &AtomicUsize,
        read: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ClientError> {
        let mut failed = None;
        for _ in 0..ROUNDS {
            let mut comes_back = false;
            for (index, endpoint) in self.order() {
                let told_by_it = endpoint.ask(&self.http, request, &read).await;
                // Who only refused may be blamed for that as well.
                if !matches!(&told_by_it, Err(error) if error.is_failure() || error.is_unsent()) {
                    answered.store(index, Ordering::Relaxed);
                }
                let error = match told_by_it {
                    Err(error) if request.goes_on_after(&error) => error,
                    answer => return answer,
                };
                let pause = if let ClientError::Status { pause, .. } = &error { *pause } else { None };
                comes_back |= pause.is_some_and(|pause| pause <= request.limits.turn_time_max);
                failed = Some(told(failed, error));
            }
            // Only a node that said when is asked once more.
            if !comes_back {
                break;
            }
        }
        // There is at least one node, so that something failed.
        Err(failed.unwrap_or_else(|| ClientError::Arguments("there is no node to ask".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Url;
    use tokio::time::Instant;

    use super::{FAILED_TIME, FAILED_TIME_MAX, Spell, is_near, secrets};

    #[test]
    fn who_fails_again_is_passed_over_for_twice_as_long() {
        let mut now = Instant::now();
        let mut failed = Spell::new(FAILED_TIME, FAILED_TIME_MAX);
        assert_eq!(failed.left(now), Duration::ZERO);
        let mut times = Vec::new();
        for _ in 0..9 {
            failed.begin(now);
            // Others that were under way count as the same failure.
            failed.begin(now + Duration::from_millis(1));
            times.push(failed.left(now).as_millis());
            now += failed.left(now);
        }
        assert_eq!(times, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        failed.end();
        failed.begin(now);
        assert_eq!(failed.left(now), FAILED_TIME, "it was well in between");
        failed.begin(now + FAILED_TIME);
        failed.begin(now + Duration::from_hours(1));
        assert_eq!(failed.left(now + Duration::from_hours(1)), FAILED_TIME, "that was long ago");
    }

    #[test]
    fn a_node_on_this_machine_is_told_from_others() {
        for (url, near) in [
            ("http://127.0.0.1:3030", true),
            ("http://127.9.9.9", true),
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("https://rpc.mainnet.near.org", false),
            ("http://10.0.0.1", false),
            ("http://localhost.example.org", false),
        ] {
            assert_eq!(is_near(&Url::parse(url).unwrap()), near, "{url}");
        }
    }

    #[test]
    fn keys_of_providers_are_found_in_paths_queries_and_names() {
        let url = Url::parse("https://username:password1@a.org/v1/key-of-mine?apiKey=12345678&x=y").unwrap();
        assert_eq!(secrets(&url), ["key-of-mine", "12345678", "username", "password1"]);
        assert!(secrets(&Url::parse("https://rpc.mainnet.near.org/v1/near").unwrap()).is_empty());
    }
}
