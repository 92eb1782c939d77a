//! What a grant allows: a closed grammar, no patterns and no code, so that "child within parent" is decidable.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::{AccountId, U128};

/// What an action does to the world.
#[wire]
#[derive(Copy, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Effect {
    Read,
    Write,
    Delete,
    /// Reaches people.
    Message,
    /// Costs money.
    Spend,
    /// Commits its owner to something.
    Sign,
}

#[wire(upper)]
#[derive(Copy, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// Plain HTTP is for loopback upstreams that a host's operator listed.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
pub enum Scheme {
    Https,
    Http,
}

/// Where a request may go.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Target {
    pub scheme: Scheme,
    /// An exact host, or `*.` and a suffix: any host below it.
    pub host: String,
    pub port: u16,
    /// Prefixes, segment by segment: `/v1` allows `/v1` and `/v1/chat`, not `/v10`.
    pub paths: Vec<String>,
    pub methods: Vec<Method>,
}

/// Where the host puts the credential.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Inject {
    /// `name: prefix + secret`.
    Header { name: String, prefix: String },
    /// `?name=secret`.
    Query { name: String },
    /// HTTP Basic with the secret as password.
    Basic { user: String },
    /// A field of a JSON body (RFC 6901), which the request leaves empty.
    JsonPointer { pointer: String },
    /// Nowhere: the secret is used, not sent, as keys for signing are.
    None,
}

/// At most so many uses in any stretch of so much time, from `t` on and before `t + per_ms`. Counted by the one host that the
/// grant names, over everything delegated from it; budgets count over all hosts.
#[wire(strict)]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
pub struct Rate {
    pub uses: u32,
    pub per_ms: u64,
}

/// A call on NEAR that may be signed with the secret.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct NearCall {
    pub contract: AccountId,
    pub methods: Vec<String>,
    /// yoctoNEAR.
    pub deposit_max: U128,
    pub gas_max: u64,
}

/// A permission.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Policy {
    pub effects: Vec<Effect>,
    pub targets: Vec<Target>,
    pub inject: Inject,
    pub body_bytes_max: u32,
    pub response_bytes_max: u32,
    pub rate: Option<Rate>,
    #[wire(default)]
    pub near_calls: Vec<NearCall>,
}
