//! Why a host did not make a request. No text here ever holds plaintext.

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
    #[error("{0} is no URL of the form scheme://host[:port]/path")]
    Url(String),
    #[error("requests carry no credentials, and no header that shapes the connection: {0}")]
    Header(String),
    #[error("{host} resolves to {address}, which is not a public address")]
    PrivateAddress { host: String, address: std::net::IpAddr },
    #[error("{0} does not resolve to an address")]
    Unresolved(String),
    #[error("the answer is longer than the {0} bytes allowed")]
    ResponseTooLarge(u32),
    #[error("the service can't be reached")]
    Upstream,
    #[error("the secret can't be opened with this host's key")]
    Sealed,
    #[error("the secret is not sealed to this host")]
    NoWrap,
    #[error("the node's view of the chain is older than the host's limit")]
    Stale,
    #[error("{0}")]
    Chain(#[from] charter_client::ClientError),
}

impl HostError {
    /// The code, which never changes: the decision's for a denial, the contract's for a refusal by a contract.
    pub fn code(&self) -> String {
        let own = match self {
            Self::Denied(denial) => return denial.code(),
            Self::Chain(error) => return error.code().unwrap_or("HOST_CHAIN").to_owned(),
            Self::NeedsApproval { .. } => "HOST_NEEDS_APPROVAL",
            Self::Rate => "HOST_RATE",
            Self::Unmet(_) => "HOST_UNMET",
            Self::Url(_) => "HOST_URL",
            Self::Header(_) => "HOST_HEADER",
            Self::PrivateAddress { .. } => "HOST_PRIVATE_ADDRESS",
            Self::Unresolved(_) => "HOST_UNRESOLVED",
            Self::ResponseTooLarge(_) => "HOST_RESPONSE_TOO_LARGE",
            Self::Upstream => "HOST_UPSTREAM",
            Self::Sealed => "HOST_SEALED",
            Self::NoWrap => "HOST_NO_WRAP",
            Self::Stale => "HOST_STALE",
        };
        own.to_owned()
    }
}
