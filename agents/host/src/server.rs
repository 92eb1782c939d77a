//! The host as a daemon: agents ask it on a Unix socket or on loopback, with a token that names their account.
//!
//! `POST /v1/call` with `Authorization: Bearer TOKEN` takes an [`Ask`] and answers 200 with an [`HttpResponse`], or with a
//! problem (RFC 9457) whose `code` is [`HostError::code`].

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use charter_client::sha256;
use charter_types::Hash32;
use charter_types::escrow::args::RequestRef;
use charter_types::keys::{Asker, GrantId, Policy};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::bounded::at_most;
use crate::{Host, HostError, HttpRequest, HttpResponse};

/// The longest request to a host: the longest body that a policy can allow, in base64, and the rest.
const ASK_BYTES_MAX: usize = 24 << 20;

/// The longest policy as JSON. One that a contract takes has 1,024 bytes, and each of them becomes a word at most.
const POLICY_BYTES_MAX: usize = 32 << 10;

/// How many requests of one asker are served at a time. Others wait, and their bodies are not read.
const ASKS_AT_ONCE: usize = 16;
/// How long a request waits for its turn, and how long its body may take to come.
const TURN_TIME: Duration = Duration::from_mins(1);
const BODY_TIME: Duration = Duration::from_mins(1);

/// A request for one use of a grant. It brings the grant's policy, because the chain keeps only its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub grant: GrantId,
    #[serde(deserialize_with = "at_most::<POLICY_BYTES_MAX, _, _>")]
    pub policy: Policy,
    pub request: HttpRequest,
    /// The request of an edge that this one is: the answer comes with a receipt for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<RequestRef>,
}

/// The file of tokens, with the asker that each stands for. It keeps hashes, so a copy of it is of no use. It is read for
/// every request: a token that is removed is void at once.
#[derive(Clone, Debug)]
pub struct Tokens {
    path: PathBuf,
}

impl Tokens {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    fn read(&self) -> std::io::Result<HashMap<Hash32, Asker>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashMap::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes a token for an asker. The file does not show it again.
    pub fn issue(&self, asker: Asker) -> std::io::Result<String> {
        let mut bytes = [0; 32];
        rand::rngs::OsRng.fill_bytes(&mut bytes);
        let token = hex::encode(bytes);
        let mut known = self.read()?;
        known.insert(Hash32(sha256(token.as_bytes())), asker);
        // Whole or not at all: a daemon may be reading.
        let mut file = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut file, &known)?;
        file.persist(&self.path)?;
        Ok(token)
    }

    fn asker(&self, headers: &HeaderMap) -> Option<Asker> {
        let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        // Schemes have no case (RFC 9110, 11.1).
        let known = scheme.eq_ignore_ascii_case("bearer").then(|| self.read().ok())??;
        known.get(&Hash32(sha256(token.trim_start().as_bytes()))).cloned()
    }
}

/// A problem (RFC 9457) with its code, and with the digest to approve where an approval is missing.
#[derive(Debug, Serialize, Deserialize)]
struct Problem {
    code: String,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Hash32>,
}

fn problem(status: StatusCode, code: &str, detail: &str, digest: Option<Hash32>) -> Response {
    let body = Problem { code: code.to_owned(), detail: detail.to_owned(), digest };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

impl IntoResponse for HostError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Denied(_)
            | Self::NeedsApproval { .. }
            | Self::PrivateAddress(_)
            | Self::PlainHttp(_)
            | Self::Policy(_) => StatusCode::FORBIDDEN,
            Self::Rate => StatusCode::TOO_MANY_REQUESTS,
            Self::Url(_) | Self::Header(_) | Self::Query(_) | Self::Credential(_) | Self::Override(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Upstream | Self::Unresolved(_) | Self::ResponseTooLarge(_) | Self::Encoding(_) => {
                StatusCode::BAD_GATEWAY
            }
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Chain(error) if error.code().is_some() => StatusCode::FORBIDDEN,
            Self::Chain(_) | Self::Stale => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unmet(_) | Self::Sealed | Self::SecretShort | Self::NoWrap => StatusCode::CONFLICT,
        };
        // Agents hear that the node failed; how, its operator reads here.
        if let Self::Chain(error) = &self
            && error.code().is_none()
        {
            tracing::error!("the node gave no answer to go by: {error}: {:?}", std::error::Error::source(error));
        }
        let digest = if let Self::NeedsApproval { digest } = &self { Some(*digest) } else { None };
        problem(status, &self.code(), &self.to_string(), digest)
    }
}

struct Desk {
    host: Host,
    tokens: Tokens,
    /// Who is being served. There are no more than the file of tokens has named.
    turns: Mutex<Vec<(Asker, Arc<Semaphore>)>>,
}

impl Desk {
    fn turns(&self, asker: &Asker) -> Arc<Semaphore> {
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, turns)) = all.iter().find(|(known, _)| known == asker) {
            return turns.clone();
        }
        let turns = Arc::new(Semaphore::new(ASKS_AT_ONCE));
        all.push((asker.clone(), turns.clone()));
        turns
    }
}

/// The asker comes first: of a stranger's request no body is read, so strangers learn nothing, not even whether it is
/// well-formed, and fill no memory.
async fn call(State(desk): State<Arc<Desk>>, request: Request) -> Result<Json<HttpResponse>, Response> {
    let headers = request.headers().clone();
    let unknown = || {
        let detail = "a bearer token of this host is expected";
        problem(StatusCode::UNAUTHORIZED, "HOST_TOKEN", detail, None)
    };
    let turns = desk.turns(&desk.tokens.asker(&headers).ok_or_else(unknown)?);
    let busy = || {
        let detail = format!("{ASKS_AT_ONCE} requests of this agent are under way: ask again when one has its answer");
        problem(StatusCode::TOO_MANY_REQUESTS, "HOST_BUSY", &detail, None)
    };
    let turn = tokio::time::timeout(TURN_TIME, turns.acquire_owned()).await;
    let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let wrong = |detail: &str| problem(StatusCode::BAD_REQUEST, "HOST_BAD_REQUEST", detail, None);
    let read = tokio::time::timeout(BODY_TIME, Json::from_request(request, &())).await;
    let read: Result<Json<Ask>, JsonRejection> = read.map_err(|_| wrong("the request did not come in time"))?;
    // A token that was removed while the request waited is void.
    let asker = desk.tokens.asker(&headers).ok_or_else(unknown)?;
    let Json(ask) = read.map_err(|error| wrong(&error.body_text()))?;
    // It goes on if the agent hangs up: what was reserved has to be settled.
    let asked = tokio::spawn(async move {
        let _turn = turn;
        let Ask { grant, policy, request, answers } = ask;
        match answers {
            Some(answers) => desk.host.answer(grant, &policy, &asker, &request, answers).await,
            None => desk.host.call(grant, &policy, &asker, &request).await,
        }
    });
    let broken =
        |_| problem(StatusCode::INTERNAL_SERVER_ERROR, "HOST_DEFECT", "the host met a defect of its own", None);
    asked.await.map_err(broken)?.map(Json).map_err(IntoResponse::into_response)
}

/// Where a host listens.
#[derive(Clone, Debug)]
pub enum Door {
    /// A Unix socket, for whoever may open the file.
    Socket(PathBuf),
    /// A loopback address.
    Loopback(SocketAddr),
}

impl std::fmt::Display for Door {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(out),
            Self::Loopback(addr) => write!(out, "http://{addr}"),
        }
    }
}

/// A host that listens. It stops when dropped.
pub struct Server {
    /// Where it listens. A port of 0 has been replaced by the free one that was taken.
    pub door: Door,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        if let Door::Socket(path) = &self.door {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Server {
    /// Listens. A socket on which nobody answers is replaced; another host's is an error.
    pub async fn start(host: Host, tokens: Tokens, door: Door) -> std::io::Result<Self> {
        let app = Router::new()
            .route("/v1/call", post(call))
            .layer(DefaultBodyLimit::max(ASK_BYTES_MAX))
            .with_state(Arc::new(Desk { host, tokens, turns: Mutex::default() }));
        let (door, task) = match door {
            Door::Socket(path) => {
                let listener = bind(&path).await?;
                (Door::Socket(path), tokio::spawn(axum::serve(listener, app).into_future()))
            }
            Door::Loopback(addr) if !addr.ip().is_loopback() => {
                let text = format!("{addr} is no loopback address: tokens would cross the network in the clear");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
            }
            Door::Loopback(addr) => {
                let listener = TcpListener::bind(addr).await?;
                let door = Door::Loopback(listener.local_addr()?);
                (door, tokio::spawn(axum::serve(listener, app).into_future()))
            }
        };
        Ok(Self { door, task })
    }
}

/// A socket that only its owner opens.
async fn bind(path: &Path) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    if UnixStream::connect(path).await.is_ok() {
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another host answers there"));
    }
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// An agent's side of the daemon.
pub struct HostClient {
    http: reqwest::Client,
    url: String,
    token: String,
    door: Door,
}

/// Why a host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no host answers at {door}")]
    Unreachable { door: Door, source: reqwest::Error },
    #[error("{code}: {detail}")]
    Refused { code: String, detail: String, digest: Option<Hash32> },
}

impl HostClient {
    pub fn new(door: Door, token: String) -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder().no_proxy();
        let (builder, url) = match &door {
            Door::Socket(path) => (builder.unix_socket(path.as_path()), "http://host/v1/call".to_owned()),
            Door::Loopback(addr) => (builder, format!("http://{addr}/v1/call")),
        };
        Ok(Self { http: builder.build()?, url, token, door })
    }

    /// Asks for one use of a grant.
    pub async fn call(&self, ask: &Ask) -> Result<HttpResponse, AskError> {
        // The URL is the door's, or made up for a socket.
        let unreachable =
            |source: reqwest::Error| AskError::Unreachable { door: self.door.clone(), source: source.without_url() };
        let sent = self.http.post(&self.url).bearer_auth(&self.token).json(ask).send().await.map_err(unreachable)?;
        if sent.status().is_success() {
            return sent.json().await.map_err(unreachable);
        }
        let Problem { code, detail, digest } = sent.json().await.map_err(unreachable)?;
        Err(AskError::Refused { code, detail, digest })
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Base64Bytes;
    use charter_types::keys::{Asker, Inject, Method, Policy};
    use serde_json::{Value, json};

    use super::{Ask, HeaderMap, Json, Tokens, bind, header};
    use crate::HttpRequest;

    /// Take such parts for what they are first, and 24 MB of them fill hundreds.
    #[test]
    fn a_long_policy_and_long_headers_are_not_taken_apart() {
        let policy = Policy {
            effects: Vec::new(),
            targets: Vec::new(),
            inject: Inject::None,
            body_bytes_max: 0,
            response_bytes_max: 0,
            rate: None,
            near_calls: Vec::new(),
        };
        // As many as may go out, with characters that JSON writes as two.
        let headers = vec![("accept".to_owned(), "\"".repeat(500)); 64];
        let request = HttpRequest { method: Method::Get, url: String::new(), headers, body: Base64Bytes::default() };
        let ask = serde_json::to_value(Ask { grant: 1, policy, request, answers: None }).unwrap();
        let read = |ask: &Value| Json::<Ask>::from_bytes(ask.to_string().as_bytes()).map_err(|error| error.body_text());
        assert_eq!(read(&ask).unwrap().request.headers.len(), 64);
        let mut bare = ask.clone();
        bare["request"].as_object_mut().unwrap().remove("headers");
        assert!(read(&bare).unwrap().request.headers.is_empty());
        bare["request"]["headers"] = Value::Null;
        assert!(read(&bare).is_err());
        let mut long = ask.clone();
        long["policy"]["targets"] = Value::from(vec![0; 16 << 10]);
        assert!(read(&long).unwrap_err().contains("longer than the 32768 bytes"));
        let headers = Value::from(vec![json!(["", ""]); 16 << 10]);
        // Fields are known by their place, too.
        let short = json!([1, ask["policy"], ["GET", "", [], ""]]);
        assert!(read(&short).unwrap().request.headers.is_empty());
        let long = json!([1, ask["policy"], ["GET", "", headers, ""]]);
        assert!(read(&long).unwrap_err().contains("longer than the 131072 bytes"));
        let mut long = ask;
        long["request"]["headers"] = headers;
        assert!(read(&long).unwrap_err().contains("longer than the 131072 bytes"));
    }

    #[test]
    fn a_token_names_who_it_was_made_for_and_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let tokens = Tokens::at(path.clone());
        let asker = |text: &str| tokens.asker(&HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]));
        assert_eq!(asker("Bearer none"), None);
        let alice = Asker::Account("alice.near".parse().unwrap());
        let token = tokens.issue(alice.clone()).unwrap();
        let bob = tokens.issue(Asker::Account("bob.near".parse().unwrap())).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&token));
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR ", "Bearer  "] {
            assert_eq!(asker(&format!("{scheme} {token}")), Some(alice.clone()), "{scheme}");
        }
        assert_ne!(asker(&format!("Bearer {bob}")), asker(&format!("Bearer {token}")));
        for wrong in [token.clone(), format!("Bearer {}", &token[1..]), "Bearer ".to_owned(), format!("Basic {token}")]
        {
            assert_eq!(asker(&wrong), None);
        }
        std::fs::write(&path, "{}").unwrap();
        assert_eq!(asker(&format!("Bearer {token}")), None);
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sock");
        let first = bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(bind(&path).await.is_err());
        drop(first);
        assert!(bind(&path).await.is_ok());
    }
}
