//! Why a host did not make a request. Agents read these texts: none ever holds plaintext, or an address of this network or of
//! the host's node.

use charter_client::{ClientError, Unsignable};
use charter_types::keys::Denial;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{0}")]
    Denied(Denial),
    #[error("the action has to be approved first")]
    NeedsApproval { digest: charter_types::Hash32 },
    #[error("the grant has been used as often as its rate allows")]
    Rate,
    #[error("this host can't meet an obligation of the grant: {0}")]
    Unmet(&'static str),
    /// The policy is one that nobody should have signed.
    #[error("{0}")]
    Policy(Unsignable),
    #[error("{0}")]
    Url(String),
    #[error("{0}")]
    Header(String),
    #[error("{0}")]
    Query(String),
    /// The agent brought a credential of its own.
    #[error("{0}")]
    Credential(String),
    /// Something that makes a service take a request for another one.
    #[error("{0}")]
    Override(String),
    #[error("{0} resolves to an address that is not public")]
    PrivateAddress(String),
    #[error("plain HTTP is for this machine only, and {0} is elsewhere")]
    PlainHttp(String),
    #[error("{0} does not resolve to an address")]
    Unresolved(String),
    #[error("the answer is longer than the {0} bytes allowed")]
    ResponseTooLarge(u32),
    #[error("the answer {0}, so it can't be searched for the key")]
    Encoding(String),
    #[error("the service can't be reached")]
    Upstream,
    #[error("the service did not answer in time")]
    Timeout,
    #[error("the secret can't be opened with this host's key")]
    Sealed,
    #[error("the secret is too short to be told from ordinary text: 8 characters are expected, not counting - : and ,")]
    SecretShort,
    #[error("the secret is not sealed to this host")]
    NoWrap,
    #[error("the node's view of the chain is older than the host's limit")]
    Stale,
    #[error("{}", of_chain(.0))]
    Chain(ClientError),
}

impl From<ClientError> for HostError {
    fn from(error: ClientError) -> Self {
        Self::Chain(error)
    }
}

/// A contract's refusal is for whoever asked. What a node says is for who runs the host: its URL may hold a provider's key.
fn of_chain(error: &ClientError) -> String {
    let refused = error.code().map(|_| error.to_string());
    refused.unwrap_or_else(|| "the host's node gave no answer to go by".to_owned())
}

impl HostError {
    /// The code, which never changes: the decision's for a denial, the contract's for a refusal by a contract.
    pub fn code(&self) -> String {
        let own = match self {
            Self::Denied(denial) => return denial.code(),
            Self::Chain(error) => return error.code().unwrap_or("HOST_CHAIN").to_owned(),
            Self::Policy(why) => why.code(),
            Self::NeedsApproval { .. } => "HOST_NEEDS_APPROVAL",
            Self::Rate => "HOST_RATE",
            Self::Unmet(_) => "HOST_UNMET",
            Self::Url(_) => "HOST_URL",
            Self::Header(_) => "HOST_HEADER",
            Self::Query(_) => "HOST_QUERY",
            Self::Credential(_) => "HOST_CREDENTIAL",
            Self::Override(_) => "HOST_OVERRIDE",
            Self::PrivateAddress(_) => "HOST_PRIVATE_ADDRESS",
            Self::PlainHttp(_) => "HOST_PLAIN_HTTP",
            Self::Unresolved(_) => "HOST_UNRESOLVED",
            Self::ResponseTooLarge(_) => "HOST_RESPONSE_TOO_LARGE",
            Self::Encoding(_) => "HOST_ENCODING",
            Self::Upstream => "HOST_UPSTREAM",
            Self::Timeout => "HOST_TIMEOUT",
            Self::Sealed => "HOST_SEALED",
            Self::SecretShort => "HOST_SECRET_SHORT",
            Self::NoWrap => "HOST_NO_WRAP",
            Self::Stale => "HOST_STALE",
        };
        own.to_owned()
    }
}
