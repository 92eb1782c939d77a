//! A thin JSON-RPC transport that keeps the body of every answer, whatever its HTTP status.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_types::method::Method;
use charter_types::{PAGE_MAX, Page};
use near_primitives::hash::CryptoHash;
use near_primitives::types::{AccountId, BlockHeight};
use near_primitives::views::{AccessKeyView, AccountView, BlockView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::ClientError;

/// How long a node may take to answer: longer than it waits itself for a transaction to be final.
const ANSWER_TIME: Duration = Duration::from_mins(1);
/// How long a connection to it may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// What a node sends back. A result that is there and `null` is a result.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "there")]
    result: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A node.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    http: reqwest::Client,
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

impl At {
    fn into_params(self) -> Value {
        match self {
            Self::Final => json!({ "finality": "final" }),
            Self::Head => json!({ "finality": "optimistic" }),
            Self::Hash(hash) => json!({ "block_id": hash }),
            Self::Height(height) => json!({ "block_id": height }),
        }
    }
}

fn merge(mut params: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (params.as_object_mut(), more) {
        fields.extend(more);
    }
    params
}

impl Rpc {
    pub fn new(url: impl Into<String>) -> Self {
        Self::with_timeout(url, ANSWER_TIME)
    }

    /// A node that has to answer within a time.
    pub fn with_timeout(url: impl Into<String>, timeout: Duration) -> Self {
        let http = reqwest::Client::builder().connect_timeout(timeout.min(CONNECT_TIME)).timeout(timeout).build();
        Self { url: url.into(), http: http.expect("TLS can be set up: its roots are compiled in") }
    }

    /// The node without what may be secret in its URL.
    fn origin(&self) -> String {
        let parsed = reqwest::Url::parse(&self.url);
        parsed.map_or_else(|_| "the URL given".to_owned(), |url| url.origin().ascii_serialization())
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls a method and reads its result.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, ClientError> {
        let request = json!({ "jsonrpc": "2.0", "id": "charter", "method": method, "params": params });
        let unreachable =
            |source: reqwest::Error| ClientError::Unreachable { node: self.origin(), source: source.without_url() };
        let response = self.http.post(&self.url).json(&request).send().await.map_err(unreachable)?;
        let bytes = response.bytes().await.map_err(unreachable)?;
        let wrong = |reason: String| ClientError::Answer { method: method.to_owned(), reason };
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        match answer {
            // Some nodes say of a good answer that its error is null.
            Answer { error: Some(error), .. } if !error.is_null() => {
                Err(ClientError::Rpc { method: method.to_owned(), error })
            }
            Answer { result: Some(result), .. } => {
                serde_json::from_value(result).map_err(|error| wrong(error.to_string()))
            }
            _ => Err(wrong("it has neither a result nor an error".to_owned())),
        }
    }

    pub async fn block(&self, at: At) -> Result<BlockView, ClientError> {
        self.call("block", at.into_params()).await
    }

    pub async fn account(&self, account_id: &AccountId, at: At) -> Result<AccountView, ClientError> {
        let request = json!({ "request_type": "view_account", "account_id": account_id });
        self.call("query", merge(at.into_params(), request)).await
    }

    pub async fn access_key(
        &self,
        account_id: &AccountId,
        key: &near_crypto::PublicKey,
    ) -> Result<AccessKeyView, ClientError> {
        let request = json!({ "request_type": "view_access_key", "account_id": account_id, "public_key": key });
        self.call("query", merge(At::Head.into_params(), request)).await
    }

    /// All access keys of an account.
    pub async fn access_keys(&self, account_id: &AccountId) -> Result<Vec<near_crypto::PublicKey>, ClientError> {
        let request = json!({ "request_type": "view_access_key_list", "account_id": account_id });
        let answer: Value = self.call("query", merge(At::Final.into_params(), request)).await?;
        let wrong = |reason: String| ClientError::Answer { method: "view_access_key_list".to_owned(), reason };
        let keys = answer["keys"].as_array().ok_or_else(|| wrong("a list of keys was expected".to_owned()))?;
        let key = |entry: &Value| {
            serde_json::from_value(entry["public_key"].clone()).map_err(|error| wrong(error.to_string()))
        };
        keys.iter().map(key).collect()
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
        let request = json!({
            "request_type": "call_function", "account_id": contract, "method_name": method,
            "args_base64": STANDARD.encode(args),
        });
        let answer: Value = self.call("query", merge(at.into_params(), request)).await?;
        if let Some(error) = answer["error"].as_str() {
            return Err(view_failure(contract, error));
        }
        let wrong = |reason: String| ClientError::Answer { method: method.to_owned(), reason };
        serde_json::from_value(answer["result"].clone()).map_err(|error| wrong(error.to_string()))
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
