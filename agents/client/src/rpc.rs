//! JSON-RPC over HTTP, to one node or several: bodies of every status are read, failures are told apart, and a node
//! that fails, is asked too fast or was caught lying is passed over for a time.

mod answer;
mod endpoints;
mod rate;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use charter_types::method::Method;
use charter_types::{PAGE_MAX, Page};
use near_crypto::PublicKey;
use near_jsonrpc_client::methods::RpcMethod;
use near_jsonrpc_client::methods::block::RpcBlockRequest;
use near_jsonrpc_client::methods::query::RpcQueryRequest;
use near_primitives::hash::CryptoHash;
use near_primitives::types::{AccountId, BlockHeight, BlockId, BlockReference, Finality};
use near_primitives::views::{AccessKeyList, AccessKeyView, AccountView, BlockView, CallResult, QueryRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ClientError;
use endpoints::{Endpoint, Endpoints, Request};

pub use endpoints::NodeHealth;
pub use rate::Rate;

/// How long, how much and how fast nodes are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connect_time_max: Duration,
    /// How long a request waits for its turn: for the node's rate, or for the end of a pause that the node asked for.
    pub turn_time_max: Duration,
    /// How long a node may take from the connection to the last byte.
    pub answer_time_max: Duration,
    pub answer_bytes_max: usize,
    pub rate: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_time_max: Duration::from_secs(10),
            turn_time_max: Duration::from_secs(30),
            // Longer than a node waits itself for a transaction to be final.
            answer_time_max: Duration::from_mins(1),
            // A view may answer with 4 MiB, and a node writes four characters for each byte of them.
            answer_bytes_max: 64 << 20,
            rate: Rate::default(),
        }
    }
}

/// A node, or several that stand in for each other in the order in which they were named.
///
/// Clones share what is known of the nodes. Each remembers by itself which node answered it last, for [`Rpc::blame`].
pub struct Rpc {
    nodes: Arc<Endpoints>,
    limits: Limits,
    answered: AtomicUsize,
}

impl Clone for Rpc {
    fn clone(&self) -> Self {
        let answered = AtomicUsize::new(self.answered.load(Ordering::Relaxed));
        Self { nodes: Arc::clone(&self.nodes), limits: self.limits, answered }
    }
}

/// Without what may be secret in the URLs.
impl fmt::Debug for Rpc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<&str> = self.nodes.origins().collect();
        formatter.debug_struct("Rpc").field("nodes", &nodes).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A call of a declared view.
#[derive(Clone, Debug)]
pub struct Question {
    method: &'static str,
    args: Vec<u8>,
}

impl Question {
    pub fn of<M: Method>(args: &M::Args) -> Self {
        Self { method: M::NAME, args: M::write(args) }
    }
}

/// Which block to read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Final,
    Head,
    Hash(CryptoHash),
    Height(BlockHeight),
}

impl From<At> for BlockReference {
    fn from(at: At) -> Self {
        match at {
            At::Final => Finality::Final.into(),
            At::Head => Finality::None.into(),
            At::Hash(hash) => BlockId::Hash(hash).into(),
            At::Height(height) => BlockId::Height(height).into(),
        }
    }
}

/// What is sent to a node.
#[derive(Serialize)]
struct Envelope<'a> {
    jsonrpc: &'static str,
    id: &'static str,
    method: &'a str,
    #[serde(skip_serializing_if = "Value::is_null")]
    params: Value,
}

fn params<M: RpcMethod>(method: &M) -> Result<Value, ClientError> {
    method.params().map_err(|error| ClientError::Arguments(error.to_string()))
}

impl Rpc {
    /// The node at a URL, or those at several, with commas between them.
    pub fn new(urls: impl Into<String>) -> Self {
        let urls: String = urls.into();
        Self::limited(urls.split(','), Limits::default())
    }

    /// The same, where each has to answer within a time.
    pub fn with_timeout(urls: impl Into<String>, timeout: Duration) -> Self {
        let (urls, usual): (String, Limits) = (urls.into(), Limits::default());
        let connect_time_max = timeout.min(usual.connect_time_max);
        let limits = Limits { connect_time_max, turn_time_max: timeout, answer_time_max: timeout, ..usual };
        Self::limited(urls.split(','), limits)
    }

    /// Several nodes. Reads go to the first one that is well.
    pub fn of<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Self {
        Self::limited(urls, Limits::default())
    }

    pub fn limited<U: AsRef<str>>(urls: impl IntoIterator<Item = U>, limits: Limits) -> Self {
        Self { nodes: Arc::new(Endpoints::new(urls, &limits)), limits, answered: AtomicUsize::new(usize::MAX) }
    }

    /// A handle on the same nodes that have another time to answer.
    pub fn within(&self, answer_time_max: Duration) -> Self {
        Self { limits: Limits { answer_time_max, ..self.limits }, ..self.clone() }
    }

    /// A handle on the same nodes by which a question is over within a time, though all but the last of them let it wait
    /// for as long as they may: each has a part of it, and one is left.
    pub fn over_within(&self, time: Duration) -> Self {
        let part = time / u32::try_from(self.nodes.count()).unwrap_or(u32::MAX).saturating_add(1);
        let turn_time = part / 4;
        let limits = Limits {
            turn_time_max: self.limits.turn_time_max.min(turn_time),
            answer_time_max: self.limits.answer_time_max.min(part.saturating_sub(turn_time)),
            ..self.limits
        };
        Self { limits, ..self.clone() }
    }

    /// The first node's URL, as it was given.
    pub fn url(&self) -> &str {
        self.nodes.get(0).map_or("", |node| node.url.as_str())
    }

    fn last(&self) -> Option<&Endpoint> {
        self.nodes.get(self.answered.load(Ordering::Relaxed))
    }

    /// The node that answered this handle last: its scheme, host and port.
    pub fn answered_by(&self) -> Option<&str> {
        self.last().map(|node| node.origin.as_str())
    }

    /// Says that what this handle was answered last can't be true, or not any more. That node is passed over for a
    /// time, a longer one each time, and others are asked. Who asks several things at once gives each its own clone, or
    /// an innocent node is blamed.
    pub fn blame(&self, reason: impl Into<String>) {
        if let Some(node) = self.last() {
            node.blame(reason.into());
        }
    }

    /// Whether all nodes are on this machine.
    pub fn is_near(&self) -> bool {
        self.nodes.are_near()
    }

    /// A handle for each node alone, to compare what they say. How they have been is not shared with this one.
    pub fn singly(&self) -> Vec<Self> {
        self.nodes.urls().map(|url| Self::limited([url], self.limits)).collect()
    }

    /// How many requests this handle and its clones have sent, those that were repeated among them.
    pub fn requests(&self) -> u64 {
        self.nodes.requests()
    }

    /// How the nodes have been lately.
    pub fn health(&self) -> Vec<NodeHealth> {
        self.nodes.health()
    }

    async fn request<T>(
        &self,
        method: &str,
        params: Value,
        read: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, ClientError> {
        let envelope = Envelope { jsonrpc: "2.0", id: "charter", method, params };
        let body = serde_json::to_string(&envelope).map_err(|error| ClientError::Arguments(error.to_string()))?;
        let request = Request { method, body, limits: self.limits };
        self.nodes.ask(&request, &self.answered, read).await
    }

    /// Calls a method by its name and reads its result: for what has no type.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, ClientError> {
        self.request(method, params, |result| serde_json::from_value(result).map_err(|error| error.to_string())).await
    }

    /// Calls a method by its type, one of [`crate::methods`]. What sends a transaction goes to one node only; whoever
    /// repeats it has to repeat the same bytes, and another node may be the one that gets them.
    pub async fn send<M: RpcMethod>(&self, method: &M) -> Result<M::Response, ClientError> {
        let read = |result| match M::parse_handler_response(result) {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) => Err("it holds an error for a result".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        self.request(method.method_name(), params(method)?, read).await
    }

    /// One kind of query. Which one was asked is known, so that its own type is read and not the first that fits.
    async fn query<T: DeserializeOwned>(&self, at: At, request: QueryRequest) -> Result<T, ClientError> {
        let request = RpcQueryRequest { block_reference: at.into(), request };
        self.call(request.method_name(), params(&request)?).await
    }

    pub async fn block(&self, at: At) -> Result<BlockView, ClientError> {
        self.send(&RpcBlockRequest { block_reference: at.into() }).await
    }

    pub async fn account(&self, account_id: &AccountId, at: At) -> Result<AccountView, ClientError> {
        self.query(at, QueryRequest::ViewAccount { account_id: account_id.clone() }).await
    }

    pub async fn access_key(&self, account_id: &AccountId, key: &PublicKey) -> Result<AccessKeyView, ClientError> {
        let (account_id, public_key) = (account_id.clone(), key.clone());
        self.query(At::Head, QueryRequest::ViewAccessKey { account_id, public_key }).await
    }

    /// All access keys of an account.
    pub async fn access_keys(&self, account_id: &AccountId) -> Result<Vec<PublicKey>, ClientError> {
        let account_id = account_id.clone();
        let request = QueryRequest::ViewAccessKeyList { account_id, after_key: None, limit: None };
        let list: AccessKeyList = self.query(At::Final, request).await?;
        let wrong = |reason: String| ClientError::Answer { method: "view_access_key_list".to_owned(), reason };
        // The chain has only hashes of some kinds of keys.
        let keys = list.keys.iter().map(|entry| entry.public_key.to_string().parse::<PublicKey>());
        keys.map(|key| key.map_err(|error| wrong(error.to_string()))).collect()
    }

    /// Asks a view.
    pub async fn view<M: Method>(
        &self,
        contract: &AccountId,
        _: M,
        args: &M::Args,
        at: At,
    ) -> Result<M::Answer, ClientError> {
        let bytes = self.ask(contract, Question::of::<M>(args), at).await?;
        M::answer(&bytes).map_err(|reason| ClientError::Answer { method: M::NAME.to_owned(), reason })
    }

    /// The wanted rows of a list by ids, of which `last` is the highest given: the contract's `counts` say it. A page is short,
    /// or empty, where rows were removed, so that none of them tells the end.
    pub async fn all<M: Method<Args = Page, Answer = Vec<T>>, T>(
        &self,
        contract: &AccountId,
        method: M,
        last: u64,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, ClientError> {
        let mut rows = Vec::new();
        for from in (1..=last).step_by(usize::try_from(PAGE_MAX).unwrap_or(usize::MAX)) {
            let page = self.view(contract, method, &Page { from, limit: None }, At::Final).await?;
            rows.extend(page.into_iter().filter(&wanted));
        }
        Ok(rows)
    }

    /// Asks a view, and leaves its answer as it came.
    pub async fn ask(&self, contract: &AccountId, question: Question, at: At) -> Result<Vec<u8>, ClientError> {
        let Question { method, args } = question;
        let (account_id, method_name) = (contract.clone(), method.to_owned());
        let request = QueryRequest::CallFunction { account_id, method_name, args: args.into() };
        match self.query::<CallResult>(at, request).await {
            Err(ClientError::Failed { text }) => Err(view_failure(contract, &text)),
            told => Ok(told?.result),
        }
    }
}

/// What stands before a contract's own text: in a transaction's outcome, and in a view's error.
const PANICKED: [&str; 2] = ["Smart contract panicked: ", "GuestPanic { panic_msg: \""];
/// How the VM begins to say that gas is used up. Nodes may call that a panic, too.
const EXCEEDED: &str = "Exceeded the ";

/// Why a view came to nothing. A contract speaks by its panics; that it lacks the method is as clear.
fn view_failure(contract: &AccountId, error: &str) -> ClientError {
    let text = guest_text(error);
    let panicked = PANICKED.iter().any(|mark| error.contains(*mark)) && !text.starts_with(EXCEEDED);
    if panicked || error.contains("MethodResolveError(MethodNotFound)") {
        return ClientError::Refused { by: contract.clone(), text };
    }
    ClientError::Failed { text: error.to_owned() }
}

/// The contract's own text inside an error of the VM.
pub(crate) fn guest_text(error: &str) -> String {
    let text = PANICKED.iter().find_map(|mark| error.split_once(*mark)).map_or(error, |(_, text)| text);
    text.split("\" })").next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{ClientError, view_failure};

    fn failed(error: &str) -> ClientError {
        view_failure(&"a.near".parse().unwrap(), &format!("wasm execution failed with error: {error}"))
    }

    /// Texts are nodes', of today and of before. Told as one, a node's trouble is taken for a contract's word.
    #[test]
    fn a_contracts_word_is_told_from_what_else_ends_a_view() {
        let missing = "FunctionCallError(MethodResolveError(MethodNotFound))";
        let whole = format!("wasm execution failed with error: {missing}");
        for (error, said) in [
            (r#"FunctionCallError(HostError(GuestPanic { panic_msg: "Smart contract panicked: A: no" }))"#, "A: no"),
            (r#"HostError(GuestPanic { panic_msg: "A: no" })"#, "A: no"),
            (missing, whole.as_str()),
        ] {
            let ClientError::Refused { by, text } = failed(error) else { panic!("{error}") };
            assert_eq!((by.as_str(), text.as_str()), ("a.near", said), "{error}");
        }
        for error in [
            r#"HostError(GuestPanic { panic_msg: "Exceeded the prepaid gas." })"#,
            "HostError(GasLimitExceeded)",
            r#"CompilationError(CodeDoesNotExist { account_id: "a.near" })"#,
            "FunctionCallError(WasmTrap(Unreachable))",
        ] {
            assert!(matches!(failed(error), ClientError::Failed { .. }), "{error}");
        }
    }
}
