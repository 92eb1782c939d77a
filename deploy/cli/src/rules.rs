//! What a grant allows, as people write it on a command line.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, ensure};
use charter_client::check_signable;
use charter_host::check_octets;
use charter_types::ErrorCode;
use charter_types::keys::args::GrantTerms;
use charter_types::keys::{Allowance, Grant, Grantee, HostId, Inject, Method, Policy, Rate, Scheme, Target, Unit};
use charter_types::{AccountId, Hash32, U128};
use serde_json::json;

use crate::units::{duration_ms, per_time};

/// The longest body in either direction unless the command says otherwise.
const BODY_BYTES_MAX: u32 = 1 << 20;
/// Where most services expect their key.
pub const BEARER: &str = "header:authorization:Bearer ";
/// How long a grant is good for, unless the command says otherwise.
const EXPIRES_MS: u64 = 30 * 24 * 3_600_000;

/// A rule, one thing that is allowed: `POST:api.openai.com/v1`, `GET,POST:http://localhost:8080/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    methods: Vec<Method>,
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

/// What a policy is made from: the options that `add`, `grant`, `delegate` and `narrow` share.
#[derive(clap::Args)]
pub struct What {
    /// What the grant allows, as METHODS:HOST/PATH: `POST:api.openai.com/v1` allows that path and all below it.
    #[arg(long, required = true, value_name = "RULE", value_parser = rule)]
    pub allow: Vec<Rule>,
    /// At most so many uses in so much time, counted by each host: 100/day.
    #[arg(long, value_name = "COUNT/TIME", value_parser = per_time)]
    pub uses: Option<(u32, u64)>,
    /// Longest body, bytes, in either direction.
    #[arg(long, default_value_t = BODY_BYTES_MAX)]
    pub body_max: u32,
}

/// To whom, how long, and on which conditions.
#[derive(Default, clap::Args)]
pub struct Terms {
    /// The grantee: an account, host:ID, key:ed25519:…, measurement:HEX [default: the host the key is sealed to].
    #[arg(long, value_parser = grantee)]
    pub to: Option<Grantee>,
    /// How long it is good for [default: 30d, or as long as the grant it is a part of].
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub expires: Option<u64>,
    /// At most so many uses in all, counted on chain over all hosts. Each use costs the host two transactions.
    #[arg(long)]
    pub budget: Option<u64>,
    /// Somebody has to approve every single request.
    #[arg(long)]
    pub needs_approval: bool,
    /// Only on a host that is attested with this measurement, or another one named; hex.
    #[arg(long, value_name = "HEX")]
    pub measurement: Vec<Hash32>,
    /// The grantee can't delegate a part of it.
    #[arg(long)]
    pub no_delegation: bool,
}

impl Terms {
    /// A grant of a secret, to the host named if no grantee is.
    pub fn grant(&self, policy: Policy, host: HostId, now_ms: u64) -> GrantTerms {
        let to = self.to.clone().unwrap_or(Grantee::Host(host));
        let terms = self.grant_until(policy, to, now_ms.saturating_add(self.expires.unwrap_or(EXPIRES_MS)));
        // What is used up is used up by a host that is named: one that the key is sealed to.
        let used_up = terms.budget.is_some() || terms.needs_approval || terms.policy.rate.is_some();
        let named = matches!(terms.grantee, Grantee::Account(_) | Grantee::AgentKey(_));
        GrantTerms { hosts: if used_up && named { vec![host] } else { Vec::new() }, ..terms }
    }

    /// A part of another grant, which it ends with unless the command says otherwise.
    pub fn part_of(&self, above: &Grant, policy: Policy, now_ms: u64) -> anyhow::Result<GrantTerms> {
        let to = self.to.clone().context("say to whom: --to")?;
        let expires_ms = self.expires.map_or(above.expires_ms, |ms| now_ms.saturating_add(ms));
        Ok(GrantTerms { not_before_ms: above.not_before_ms, ..self.grant_until(policy, to, expires_ms) })
    }

    fn grant_until(&self, policy: Policy, to: Grantee, expires_ms: u64) -> GrantTerms {
        let uses = |count: u64| Allowance {
            unit: Unit::Uses,
            capacity: U128(u128::from(count)),
            refill: U128(0),
            period_ms: 0,
        };
        let mut measurements = self.measurement.clone();
        measurements.sort_unstable();
        measurements.dedup();
        GrantTerms {
            grantee: to,
            policy,
            not_before_ms: 0,
            expires_ms,
            hosts: Vec::new(),
            needs_approval: self.needs_approval,
            measurements,
            no_delegation: self.no_delegation,
            budget: self.budget.map(uses),
        }
    }
}

/// Host names have no case, and neither have the digits of encoded octets: both are put into the spelling that policies know.
pub fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("expected METHODS:HOST/PATH, as POST:api.openai.com/v1, found \"{text}\"");
    let named = |what: &str| format!("\"{text}\" {what}");
    let (methods, rest) = text.split_once(':').ok_or_else(wrong)?;
    let mut methods = methods.split(',').map(method).collect::<Result<Vec<_>, _>>()?;
    methods.sort_unstable();
    methods.dedup();
    let (scheme, rest) = match rest.split_once("://") {
        None => (Scheme::Https, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(_) => return Err(wrong()),
    };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if authority.starts_with('[') || authority.matches(':').count() > 1 {
        return Err(named("has an IPv6 address: name the host, as api.example.com or localhost"));
    }
    if authority.contains('@') {
        return Err(named("names a user: say --inject basic:USER"));
    }
    if rest.contains(['?', '#']) {
        return Err(named("has a query or a fragment: a rule is about paths, whatever is asked there"));
    }
    if path.contains('*') {
        return Err(named("has a * in its path: a path allows everything below it by itself"));
    }
    if !authority.is_ascii() {
        return Err(named("has a host that is not ASCII: write it as xn--…, as DNS knows it"));
    }
    let (host, port) = match authority.split_once(':') {
        None => (authority, if scheme == Scheme::Https { 443 } else { 80 }),
        Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
    };
    if host.is_empty() {
        return Err(wrong());
    }
    // `/v1/` and `/v1` allow the same.
    let path = match path.strip_suffix('/') {
        Some(rest) if !rest.is_empty() && !rest.ends_with('/') => rest,
        _ => path,
    };
    let path = upper_octets(path);
    check_octets(&path).map_err(|why| named(&why))?;
    Ok(Rule { methods, scheme, host: host.to_ascii_lowercase(), port, path })
}

/// `%2f` as `%2F`.
fn upper_octets(path: &str) -> String {
    let mut parts = path.split('%');
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        spelled.extend(["%", &digits.to_ascii_uppercase(), rest]);
    }
    spelled
}

/// `https://api.openai.com`, with the port where it is not the usual one.
pub fn origin(target: &Target) -> String {
    let (scheme, usual) = match target.scheme {
        Scheme::Https => ("https", 443),
        Scheme::Http => ("http", 80),
    };
    let port = if target.port == usual { String::new() } else { format!(":{}", target.port) };
    format!("{scheme}://{}{port}", target.host)
}

pub fn method(name: &str) -> Result<Method, String> {
    let known = serde_json::from_value(json!(name));
    known.map_err(|_| format!("expected GET, HEAD, POST, PUT, PATCH or DELETE, found \"{name}\""))
}

/// `header:NAME:PREFIX`, `query:NAME`, `basic:USER`.
pub fn inject(text: &str) -> Result<Inject, String> {
    match text.split_once(':') {
        Some(("header", rest)) => {
            let (name, prefix) = rest.split_once(':').unwrap_or((rest, ""));
            Ok(Inject::Header { name: name.to_owned(), prefix: prefix.to_owned() })
        }
        Some(("query", name)) => Ok(Inject::Query { name: name.to_owned() }),
        Some(("basic", user)) => Ok(Inject::Basic { user: user.to_owned() }),
        _ => Err(format!("expected header:NAME:PREFIX, query:NAME or basic:USER, found \"{text}\"")),
    }
}

pub fn grantee(text: &str) -> Result<Grantee, String> {
    let wrong = |what: &str| format!("{text} is no {what}");
    match text.split_once(':') {
        Some(("host", id)) => id.parse().map(Grantee::Host).map_err(|_| wrong("host id")),
        Some(("key", key)) => key.parse().map(Grantee::AgentKey),
        Some(("measurement", hash)) => hash.parse().map(Grantee::Measurement),
        _ => text
            .parse::<AccountId>()
            .map(Grantee::Account)
            .map_err(|_| wrong("account id, host:, key: or measurement:")),
    }
}

/// One policy of several rules: what goes to the same place with the same methods is one target.
pub fn policy(rules: &[Rule], inject: Inject, uses: Option<(u32, u64)>, body_max: u32) -> anyhow::Result<Policy> {
    let mut places: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for rule in rules {
        let secure = rule.scheme == Scheme::Https;
        places.entry((rule.host.clone(), rule.port, secure, rule.methods.clone())).or_default().push(rule.path.clone());
    }
    let targets = places.into_iter().map(|((host, port, secure, methods), mut paths)| {
        paths.sort_unstable();
        paths.dedup();
        Target { scheme: if secure { Scheme::Https } else { Scheme::Http }, host, port, paths, methods }
    });
    let mut effects: Vec<_> =
        rules.iter().flat_map(|rule| &rule.methods).map(|method| charter_rules::policy::effect(*method)).collect();
    effects.sort_unstable();
    effects.dedup();
    let policy = Policy {
        effects,
        targets: targets.collect(),
        inject,
        body_bytes_max: body_max,
        response_bytes_max: body_max,
        rate: uses.map(|(uses, per_ms)| Rate { uses, per_ms }),
        near_calls: Vec::new(),
    };
    charter_rules::policy::check(&policy).map_err(|error| anyhow!("{}: {error}", error.code()))?;
    check_signable(&policy).map_err(|why| anyhow!("{}: {why}", why.code()))?;
    Ok(policy)
}

/// A policy of the rules given, with the slot and the limits of the policy above it.
pub fn within(above: &Policy, what: &What) -> anyhow::Result<Policy> {
    let body_max = what.body_max.min(above.body_bytes_max).min(above.response_bytes_max);
    let uses = what.uses.or(above.rate.map(|rate| (rate.uses, rate.per_ms)));
    let narrower = policy(&what.allow, above.inject.clone(), uses, body_max)?;
    ensure!(
        charter_rules::policy::within(&narrower, above),
        "KEYS_NOT_WITHIN: the rules allow something that the policy above them does not"
    );
    Ok(narrower)
}

/// The most that any grant of a credential may allow: by default what the first grant does, without its rate.
pub fn ceiling(rules: &[Rule], first: &Policy) -> anyhow::Result<Policy> {
    let widest = if rules.is_empty() {
        Policy { rate: None, ..first.clone() }
    } else {
        policy(rules, first.inject.clone(), None, first.body_bytes_max)?
    };
    ensure!(charter_rules::policy::within(first, &widest), "--ceiling does not allow all that --allow does");
    Ok(widest)
}

#[cfg(test)]
mod tests {
    use charter_types::keys::{Effect, Grantee, Inject, Method, Scheme};

    use super::{grantee, inject, policy, rule};

    #[test]
    fn rules_read_as_they_are_written() {
        let read = rule("POST,GET:api.openai.com/v1/").unwrap();
        assert_eq!(
            (read.methods, read.scheme, read.port, read.path.as_str()),
            (vec![Method::Get, Method::Post], Scheme::Https, 443, "/v1")
        );
        let read = rule("GET:http://localhost:8080").unwrap();
        assert_eq!((read.host.as_str(), read.port, read.path.as_str()), ("localhost", 8080, "/"));
        for wrong in ["api.openai.com/v1", "FETCH:a.com/", "GET:ftp://a.com/", "GET:a.com:x/", "GET:", "GET:/v1"] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hosts_have_no_case_and_a_slash_inside_a_segment_stays_there() {
        let read = rule("GET:GitLab.COM/api/v4/projects/group%2fproject/issues").unwrap();
        assert_eq!((read.host.as_str(), read.path.as_str()), ("gitlab.com", "/api/v4/projects/group%2Fproject/issues"));
        assert_eq!(rule("GET:https://a.com").unwrap().path, "/");
        assert!(policy(&[read], Inject::None, None, 10).is_ok());
    }

    #[test]
    fn a_rule_that_can_never_be_used_is_named_when_it_is_written() {
        for (text, named) in [
            ("GET:http://[::1]:8080/", "IPv6"),
            ("GET:::1/", "IPv6"),
            ("GET:me@a.com/", "--inject basic:USER"),
            ("GET:a.com/v1?x=1", "query"),
            ("GET:a.com?x=1", "query"),
            ("GET:a.com/v1/*", "below it by itself"),
            ("GET:a.com/../x", "dot segments"),
            ("GET:a.com//x", "empty"),
            ("GET:a.com/%2e%2e/x", "octets"),
            ("GET:a.com/a;b", "`;`"),
            ("GET:a.com/a%5Cb", "octets"),
            ("GET:a.com/{id}", "octets"),
            ("GET:bücher.example/", "xn--"),
        ] {
            let error = rule(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        for (text, code) in [
            ("GET:http://2130706433/", "POLICY_NUMERIC_HOST"),
            ("GET:https://0X7F.1/", "POLICY_NUMERIC_HOST"),
            ("GET:*.com/", "POLICY_PUBLIC_SUFFIX"),
            ("GET:*.co.uk/", "POLICY_PUBLIC_SUFFIX"),
            ("GET:http://api.openai.com/", "POLICY_PLAIN_HTTP"),
        ] {
            let error = policy(&[rule(text).unwrap()], Inject::None, None, 10).unwrap_err().to_string();
            assert!(error.starts_with(code), "{text}: {error}");
        }
    }

    #[test]
    fn rules_of_one_place_are_one_target() {
        let rules = ["GET:a.com/v2", "GET:a.com/v1", "GET:a.com/v1", "POST:a.com/v1"].map(|text| rule(text).unwrap());
        let slot = inject(super::BEARER).unwrap();
        let made = policy(&rules, slot, Some((5, 60_000)), 10).unwrap();
        assert_eq!(made.targets.len(), 2);
        assert_eq!(made.targets[0].paths, ["/v1", "/v2"]);
        assert_eq!(made.effects, [Effect::Read, Effect::Write]);
        let spaced = policy(&[rule("GET:a_b.com/").unwrap()], Inject::None, None, 10).unwrap_err();
        assert!(format!("{spaced:#}").contains("KEYS_BAD_POLICY"), "{spaced:#}");
    }

    #[test]
    fn slots_and_grantees_are_spelled_out() {
        assert_eq!(inject("query:key"), Ok(Inject::Query { name: "key".to_owned() }));
        assert!(inject("cookie").is_err() && inject("body:x").is_err());
        assert_eq!(grantee("host:7"), Ok(Grantee::Host(7)));
        assert_eq!(grantee("bob.near"), Ok(Grantee::Account("bob.near".parse().unwrap())));
        assert!(grantee("host:x").is_err() && grantee("Bob").is_err() && grantee("key:1").is_err());
    }
}
