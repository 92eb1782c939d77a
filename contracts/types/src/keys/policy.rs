//! What a grant allows: a closed grammar, no patterns and no code, so that "child within parent" is decidable.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::KeysError;
use crate::json::{Fields, FromJson, Json, unknown_variant, variant};
use crate::{AccountId, U128, from_json};

pub const TARGETS_MAX: usize = 8;
pub const PATHS_MAX: usize = 8;
pub const NEAR_CALLS_MAX: usize = 8;
/// Longest policy, bytes in borsh.
pub const POLICY_BYTES_MAX: usize = 1_024;
/// Longest host or path, bytes.
const TEXT_BYTES_MAX: usize = 128;
/// Longest body in either direction, bytes.
const BODY_BYTES_MAX: u32 = 16 << 20;

/// What an action does to the world.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
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

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub fn effect(self) -> Effect {
        match self {
            Self::Get | Self::Head => Effect::Read,
            Self::Post | Self::Put | Self::Patch => Effect::Write,
            Self::Delete => Effect::Delete,
        }
    }
}

/// Plain HTTP is for loopback upstreams that a host's operator listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[borsh(use_discriminant = false)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    Https,
    Http,
}

/// Where a request may go.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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

/// At most so many uses in so much time, counted by each host for itself; budgets count over all hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub uses: u32,
    pub per_ms: u64,
}

/// A call on NEAR that may be signed with the secret.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NearCall {
    pub contract: AccountId,
    pub methods: Vec<String>,
    /// yoctoNEAR.
    pub deposit_max: U128,
    pub gas_max: u64,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[cfg_attr(not(near), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub effects: Vec<Effect>,
    pub targets: Vec<Target>,
    pub inject: Inject,
    pub body_bytes_max: u32,
    pub response_bytes_max: u32,
    #[serde(default)]
    pub rate: Option<Rate>,
    #[serde(default, deserialize_with = "crate::json::or_default")]
    pub near_calls: Vec<NearCall>,
}

fn bad(reason: &str) -> KeysError {
    KeysError::BadPolicy { reason: reason.to_owned() }
}

fn sorted_and_unique<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

/// Lower-case letters, digits and inner hyphens, in labels of 1 to 63: the one spelling of a host name.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let body = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        (1..=63).contains(&label.len()) && body && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= TEXT_BYTES_MAX && host.split('.').all(label)
}

/// A path in its one spelling: no empty, `.` or `..` segments, no encoded octets, no query.
pub fn is_plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#' | b'\\'));
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let segments = rest.is_empty() || rest.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    path.len() <= 1_024 && plain && segments
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Whether `path` is `prefix` or below it.
fn path_within(path: &str, prefix: &str) -> bool {
    let mut path = segments(path);
    segments(prefix).all(|segment| path.next() == Some(segment))
}

/// Whether every host that `inner` names is named by `outer`.
fn host_within(inner: &str, outer: &str) -> bool {
    match outer.strip_prefix("*.") {
        None => inner == outer,
        Some(suffix) => {
            let name = inner.strip_prefix("*.").unwrap_or(inner);
            let below = name.strip_suffix(suffix).is_some_and(|head| head.ends_with('.'));
            below || (name == suffix && inner.starts_with("*."))
        }
    }
}

impl Target {
    fn check(&self) -> Result<(), KeysError> {
        if !is_host(self.host.strip_prefix("*.").unwrap_or(&self.host)) {
            return Err(bad("a host is lower-case labels joined by dots, at most once preceded by \"*.\""));
        }
        if self.port == 0 || self.paths.is_empty() || self.paths.len() > PATHS_MAX || self.methods.is_empty() {
            return Err(bad("a target has a port, 1 to 8 paths and at least one method"));
        }
        if !self.paths.iter().all(|path| is_plain_path(path) && path.len() <= TEXT_BYTES_MAX) {
            return Err(bad("a path starts with / and has no empty, dot or encoded segments"));
        }
        if !sorted_and_unique(&self.paths) || !sorted_and_unique(&self.methods) {
            return Err(bad("paths and methods are sorted and named once"));
        }
        Ok(())
    }

    /// Whether everything this target allows, `outer` allows.
    fn within(&self, outer: &Self) -> bool {
        self.scheme == outer.scheme
            && self.port == outer.port
            && host_within(&self.host, &outer.host)
            && self.methods.iter().all(|method| outer.methods.contains(method))
            && self.paths.iter().all(|path| outer.paths.iter().any(|prefix| path_within(path, prefix)))
    }

    /// Whether a request goes where this target allows.
    pub fn allows(&self, scheme: Scheme, host: &str, port: u16, path: &str, method: Method) -> bool {
        self.scheme == scheme
            && self.port == port
            && is_host(host)
            && host_within(host, &self.host)
            && self.methods.contains(&method)
            && is_plain_path(path)
            && self.paths.iter().any(|prefix| path_within(path, prefix))
    }
}

impl Inject {
    fn check(&self) -> Result<(), KeysError> {
        let token = |text: &str| {
            let plain =
                text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
            !text.is_empty() && text.len() <= 64 && plain
        };
        let printable = |text: &str| text.len() <= 64 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let fine = match self {
            Self::Header { name, prefix } => token(name) && printable(prefix) && !FRAMING.contains(&name.as_str()),
            Self::Query { name } => token(name),
            Self::Basic { user } => printable(user) && !user.contains(':'),
            Self::JsonPointer { pointer } => printable(pointer) && pointer.len() > 1 && pointer.starts_with('/'),
            Self::None => true,
        };
        if fine { Ok(()) } else { Err(bad("a slot is a lower-case token; hop-by-hop headers can't carry a secret")) }
    }
}

/// Headers that shape the connection rather than the request.
const FRAMING: [&str; 7] = ["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade"];

impl NearCall {
    fn check(&self) -> Result<(), KeysError> {
        let method = |name: &String| {
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if self.methods.is_empty() || self.methods.len() > PATHS_MAX || !sorted_and_unique(&self.methods) {
            return Err(bad("a NEAR call names 1 to 8 methods, sorted and each once"));
        }
        if self.methods.iter().all(method) { Ok(()) } else { Err(bad("a method is 1 to 64 letters, digits and _")) }
    }

    fn within(&self, outer: &Self) -> bool {
        self.contract == outer.contract
            && self.deposit_max <= outer.deposit_max
            && self.gas_max <= outer.gas_max
            && self.methods.iter().all(|method| outer.methods.contains(method))
    }

    pub fn allows(&self, contract: &AccountId, method: &str, deposit: U128, gas: u64) -> bool {
        self.contract == *contract
            && self.methods.iter().any(|known| known == method)
            && deposit <= self.deposit_max
            && gas <= self.gas_max
    }
}

impl Rate {
    /// No faster than another rate: as many uses take at least as long, and no burst is larger.
    fn within(&self, outer: &Self) -> bool {
        let ours = u128::from(self.uses) * u128::from(outer.per_ms);
        let theirs = u128::from(outer.uses) * u128::from(self.per_ms);
        self.uses <= outer.uses && ours <= theirs
    }
}

impl Policy {
    /// Whether the policy is well-formed, in its one spelling.
    pub fn check(&self) -> Result<(), KeysError> {
        if self.effects.is_empty() || !sorted_and_unique(&self.effects) {
            return Err(bad("effects are sorted and named once"));
        }
        if self.targets.len() > TARGETS_MAX || self.near_calls.len() > NEAR_CALLS_MAX {
            return Err(bad("a policy has at most 8 targets and 8 NEAR calls"));
        }
        if self.targets.is_empty() && self.near_calls.is_empty() {
            return Err(bad("a policy has at least one target or NEAR call"));
        }
        if self.rate.is_some_and(|rate| rate.uses == 0 || rate.per_ms == 0) {
            return Err(bad("a rate is at least one use in at least a millisecond"));
        }
        if borsh::to_vec(self).map_or(usize::MAX, |bytes| bytes.len()) > POLICY_BYTES_MAX {
            return Err(bad("a policy has at most 1,024 bytes"));
        }
        if self.body_bytes_max > BODY_BYTES_MAX || self.response_bytes_max > BODY_BYTES_MAX {
            return Err(bad("bodies are limited to 16 MiB"));
        }
        self.inject.check()?;
        self.near_calls.iter().try_for_each(NearCall::check)?;
        self.targets.iter().try_for_each(Target::check)
    }

    /// Whether everything this policy allows, `outer` allows. Decided in at most 8 × 8 comparisons of targets.
    pub fn within(&self, outer: &Self) -> bool {
        self.inject == outer.inject
            && self.body_bytes_max <= outer.body_bytes_max
            && self.response_bytes_max <= outer.response_bytes_max
            && self.effects.iter().all(|effect| outer.effects.contains(effect))
            && outer.rate.is_none_or(|outer| self.rate.is_some_and(|rate| rate.within(&outer)))
            && self.near_calls.iter().all(|call| outer.near_calls.iter().any(|wider| call.within(wider)))
            && self.targets.iter().all(|target| outer.targets.iter().any(|wider| target.within(wider)))
    }
}

from_json!(enum Effect {
    "read" => Read,
    "write" => Write,
    "delete" => Delete,
    "message" => Message,
    "spend" => Spend,
    "sign" => Sign,
});
from_json!(Rate { uses, per_ms });
from_json!(NearCall { contract, methods, deposit_max, gas_max });
from_json!(enum Method {
    "GET" => Get,
    "HEAD" => Head,
    "POST" => Post,
    "PUT" => Put,
    "PATCH" => Patch,
    "DELETE" => Delete,
});
from_json!(enum Scheme { "https" => Https, "http" => Http });
from_json!(Target { scheme, host, port, paths, methods });
from_json!(Policy {
    effects,
    targets,
    inject,
    body_bytes_max,
    response_bytes_max,
    rate,
    near_calls = Vec::new(),
});

impl FromJson for Inject {
    fn from_json(json: Json) -> Result<Self, String> {
        let (name, data) = variant(json)?;
        if name == "none" && data.is_none() {
            return Ok(Self::None);
        }
        let mut fields = Fields::of(data.unwrap_or(Json::Null))?;
        let inject = match name.as_str() {
            "header" => Self::Header { name: fields.take("name", None)?, prefix: fields.take("prefix", None)? },
            "query" => Self::Query { name: fields.take("name", None)? },
            "basic" => Self::Basic { user: fields.take("user", None)? },
            "json_pointer" => Self::JsonPointer { pointer: fields.take("pointer", None)? },
            _ => return unknown_variant(&name),
        };
        fields.finish()?;
        Ok(inject)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
    use proptest::{collection, sample};

    use super::{Effect, Inject, Method, NearCall, Policy, Rate, Scheme, Target};

    const HOSTS: [&str; 5] = ["*.a.com", "a.com", "b.a.com", "c.b.a.com", "xa.com"];
    const PATHS: [&str; 6] = ["/", "/v1", "/v1/chat", "/v10", "/v1/chat/completions", "/v2"];
    const METHODS: [Method; 3] = [Method::Get, Method::Post, Method::Delete];

    fn sorted<T: Ord + Clone + std::fmt::Debug + 'static>(items: &'static [T]) -> impl Strategy<Value = Vec<T>> {
        sample::subsequence(items, 1..=items.len()).prop_map(|mut chosen| {
            chosen.sort();
            chosen
        })
    }

    fn target() -> impl Strategy<Value = Target> {
        let scheme = prop_oneof![Just(Scheme::Https), Just(Scheme::Http)];
        let port = sample::select(vec![443_u16, 8080]);
        (scheme, sample::select(&HOSTS[..]), port, sorted(&PATHS), sorted(&METHODS)).prop_map(
            |(scheme, host, port, paths, methods)| Target {
                scheme,
                host: host.to_owned(),
                port,
                paths: paths.into_iter().map(str::to_owned).collect(),
                methods,
            },
        )
    }

    fn policy() -> impl Strategy<Value = Policy> {
        static EFFECTS: [Effect; 3] = [Effect::Read, Effect::Write, Effect::Delete];
        (sorted(&EFFECTS), collection::vec(target(), 1..4), any::<u8>()).prop_map(|(effects, targets, bytes)| Policy {
            effects,
            targets,
            inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
            body_bytes_max: u32::from(bytes),
            response_bytes_max: 1,
            rate: (bytes > 100).then(|| Rate { uses: u32::from(bytes), per_ms: u64::from(bytes) * 7 % 50 + 1 }),
            near_calls: Vec::new(),
        })
    }

    proptest! {
        /// INV-KEY-1. Drop any conjunct of `Target::within`, or let `host_within` match by plain suffix, and a request
        /// turns up that the child allows and the parent does not.
        #[test]
        fn a_policy_within_another_allows_nothing_that_the_other_does_not(
            child in policy(),
            parent in policy(),
            scheme in prop_oneof![Just(Scheme::Https), Just(Scheme::Http)],
            host in sample::select(vec!["a.com", "b.a.com", "c.b.a.com", "xa.com", "d.c.b.a.com"]),
            port in sample::select(vec![443_u16, 8080]),
            path in sample::select(&PATHS[..]),
            method in sample::select(&METHODS[..]),
        ) {
            let allows = |policy: &Policy| {
                policy.effects.contains(&method.effect())
                    && policy.targets.iter().any(|target| target.allows(scheme, host, port, path, method))
            };
            if child.within(&parent) {
                prop_assert!(!allows(&child) || allows(&parent));
            }
            prop_assert!(child.within(&child));
        }
    }

    #[test]
    fn near_calls_and_rates_only_narrow() {
        let call = |methods: &[&str], deposit: u128, gas_max| NearCall {
            contract: "a.near".parse().unwrap(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            deposit_max: crate::U128(deposit),
            gas_max,
        };
        let wide = call(&["a", "b"], 5, 10);
        assert!(call(&["a"], 5, 10).within(&wide) && call(&["b"], 0, 1).within(&wide));
        for wider in [call(&["c"], 5, 10), call(&["a"], 6, 10), call(&["a"], 5, 11)] {
            assert!(!wider.within(&wide));
        }
        assert!(wide.allows(&wide.contract, "a", crate::U128(5), 10));
        assert!(!wide.allows(&wide.contract, "a", crate::U128(6), 10));
        let rate = |uses, per_ms| Rate { uses, per_ms };
        assert!(rate(5, 100).within(&rate(10, 200)) && rate(5, 200).within(&rate(5, 100)));
        for faster in [rate(11, 1_000), rate(5, 99)] {
            assert!(!faster.within(&rate(10, 200)), "{faster:?}");
        }
    }

    #[test]
    fn tricks_with_hosts_and_paths_are_refused() {
        let target = Target {
            scheme: Scheme::Https,
            host: "*.openai.com".to_owned(),
            port: 443,
            paths: vec!["/v1".to_owned()],
            methods: vec![Method::Get],
        };
        let allows = |host: &str, path: &str| target.allows(Scheme::Https, host, 443, path, Method::Get);
        assert!(allows("api.openai.com", "/v1/chat"));
        for host in
            ["openai.com", "evilopenai.com", "API.openai.com", "api.openai.com.", "api.openаi.com", "a@api.openai.com"]
        {
            assert!(!allows(host, "/v1"), "{host}");
        }
        for path in ["/v10", "/v1/../admin", "/v1/%2e%2e/admin", "//v1", "/v1//x", "v1", "/v1?x", "/v1/./x", "/v1\\x"] {
            assert!(!allows("api.openai.com", path), "{path}");
        }
    }
}
