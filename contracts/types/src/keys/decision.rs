//! What is asked about a grant, and what is answered. `charter-rules` decides.

use charter_derive::wire;

use super::{Effect, GrantId, HostId, Inject, Method, Rate, Scheme};
use crate::registry::Epochs;
use crate::{AccountId, Ed25519Key, Hash32, Sha256, U128};

/// What an agent wants done with a credential that it does not have.
#[wire]
pub enum Action {
    Http(HttpAction),
    Near(NearAction),
}

/// A request, without a credential.
#[wire(strict)]
pub struct HttpAction {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
    pub path: String,
    pub method: Method,
    pub body_bytes: u32,
    /// Hash of query, headers and body, so that an approval is for exactly this request.
    #[wire(default)]
    pub content_sha256: Hash32,
    /// Effects beyond the method's own.
    #[wire(default)]
    pub effects: Vec<Effect>,
}

/// A function call on NEAR, to be signed with the secret.
#[wire(strict)]
pub struct NearAction {
    pub contract: AccountId,
    pub method: String,
    pub deposit: U128,
    pub gas: u64,
    /// Hash of the arguments.
    pub args_sha256: Hash32,
}

impl Action {
    /// What an approval is for: the hash of the action's JSON.
    pub fn digest(&self, sha256: Sha256) -> Hash32 {
        Hash32(sha256(&crate::method::write_json(self)))
    }
}

/// Who asks.
#[wire]
pub enum Asker {
    Account(AccountId),
    /// Whoever signs with this key.
    Key(Ed25519Key),
}

/// What whoever acts on an `Allow` has to do. One who can't must refuse.
#[wire]
pub struct Obligations {
    /// The registry must still say this when the credential is used.
    pub epochs: Epochs,
    pub secret_version: u32,
    pub host: HostId,
    /// Inject once, here, and nowhere else.
    pub inject: Inject,
    pub response_bytes_max: u32,
    /// Kept by this host for this grant.
    pub rate: Option<Rate>,
    /// Kept by this host for grants above it: each counts the uses of everything delegated from it.
    #[wire(default)]
    pub rates_above: Vec<GrantRate>,
    /// A budget hangs on the grant or above it: `reserve` first, `settle` afterwards.
    pub reserve: bool,
}

/// A rate, and the grant whose uses it limits.
#[wire]
#[derive(Copy)]
pub struct GrantRate {
    pub grant: GrantId,
    pub rate: Rate,
}

#[wire]
pub enum Decision {
    Allow(Obligations),
    Deny(Denial),
    /// Somebody has to approve this very action; `reserve` consumes the approval.
    NeedsApproval {
        digest: Hash32,
        obligations: Obligations,
    },
}

/// Why not. Anything unknown or unclear is one of these.
#[wire(upper)]
#[derive(Copy)]
pub enum Denial {
    BrokenLineage,
    NotGrantee,
    Revoked,
    Suspended,
    NotYet,
    Expired,
    AgentPaused,
    Disarmed,
    EpochMoved,
    SecretRevoked,
    SecretRetired,
    HostRevoked,
    HostSuspended,
    NotSealed,
    NotHere,
    NotAttested,
    WrongPolicy,
    Target,
    Effect,
    BodyTooLarge,
}

impl Denial {
    /// As in JSON: `NOT_GRANTEE`.
    pub fn code(self) -> String {
        let name = serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned));
        name.unwrap_or_else(|| panic!("a denial has no name in JSON"))
    }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::BrokenLineage => "the grants above this one are not all there, or not of this secret",
            Self::NotGrantee => "the grant is for somebody else",
            Self::Revoked => "the grant, or one above it, is revoked or was narrowed",
            Self::Suspended => "the grant, or one above it, is suspended",
            Self::NotYet => "the grant is not good yet",
            Self::Expired => "the grant's time is over",
            Self::AgentPaused => "the agent is paused",
            Self::Disarmed => "the agent's owner pressed the panic button",
            Self::EpochMoved => "the agent changed hands, or was revoked, since this was granted",
            Self::SecretRevoked => "the secret is revoked",
            Self::SecretRetired => "the secret is retired",
            Self::HostRevoked => "the host was revoked since",
            Self::HostSuspended => "the host is out of service",
            Self::NotSealed => "the secret is not sealed to this host",
            Self::NotHere => "the grant is not for this host",
            Self::NotAttested => "the grant asks for a host attested with a measurement it names, and this one is not",
            Self::WrongPolicy => "the policy is not the one that was granted",
            Self::Target => "the grant is not for this host, path and method",
            Self::Effect => "the grant does not allow an action with this effect",
            Self::BodyTooLarge => "the body is longer than the grant allows",
        })
    }
}
