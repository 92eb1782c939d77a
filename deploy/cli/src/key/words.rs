//! A grant in plain words, to be read before it is signed.

use std::fmt::Write;

use charter_types::keys::args::GrantTerms;
use charter_types::keys::{Assurance, Effect, Grantee, Host, Inject, NearCall, Policy, Target};
use serde::Serialize;

use crate::rules::origin;
use crate::units::{length, near, time};

const TERA: u64 = 1_000_000_000_000;

/// A method or an effect.
fn name(word: impl Serialize) -> String {
    let name = serde_json::to_value(word).ok().and_then(|name| name.as_str().map(str::to_owned));
    name.expect("methods and effects are written as strings")
}

fn target(target: &Target) -> String {
    let origin = origin(target);
    let place =
        |path: &String| if path == "/" { format!("all of {origin}") } else { format!("{origin}{path} and below") };
    let places: Vec<String> = target.paths.iter().map(place).collect();
    let methods: Vec<String> = target.methods.iter().map(name).collect();
    format!("{} to {}", methods.join(", "), places.join(", "))
}

/// What is wide about a target: more gets the key than its reader may think.
fn wide(target: &Target) -> Option<String> {
    let domain = target.host.strip_prefix("*.")?;
    Some(format!("WIDE: every host below {domain} gets the key, whoever it belongs to, and those that are yet to come"))
}

/// What may be signed on NEAR.
fn call(call: &NearCall) -> String {
    let NearCall { contract, methods, deposit_max, gas_max } = call;
    let (methods, deposit, gas) = (methods.join(", "), near(deposit_max.0), gas_max.div_ceil(TERA));
    format!("sign {methods} of {contract}, with at most {deposit} NEAR and {gas} TGas each")
}

/// Effects that neither methods nor NEAR calls have by themselves: requests may say that they have them.
fn more_effects(policy: &Policy) -> Option<String> {
    let methods = || policy.targets.iter().flat_map(|target| &target.methods);
    let by_itself = |effect: Effect| {
        effect == Effect::Sign && !policy.near_calls.is_empty()
            || methods().any(|method| charter_rules::policy::effect(*method) == effect)
    };
    let more: Vec<String> = policy.effects.iter().filter(|effect| !by_itself(**effect)).map(name).collect();
    (!more.is_empty()).then(|| format!("it may also {}", more.join(", ")))
}

/// The grantee.
pub fn who(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Account(account) => account.to_string(),
        Grantee::AgentKey(key) => format!("whoever signs with the agent's key {key}"),
        Grantee::Host(host) => format!("the operator of host {host}, there"),
        Grantee::Measurement(hash) => format!("the operator of any host attested as {hash}"),
    }
}

pub fn trust(host: &Host) -> String {
    let why = match &host.assurance {
        Assurance::Declared => "its operator's word is all that protects the key there".to_owned(),
        Assurance::Attested { measurement, expires_ms, .. } => {
            format!("attested as {measurement} until {}", time(*expires_ms))
        }
    };
    format!("host {} of {}: {why}", host.id, host.operator)
}

/// What a policy allows, a line each.
pub fn policy(policy: &Policy) -> Vec<(&'static str, String)> {
    let slot = match &policy.inject {
        Inject::Header { name, prefix } => format!("in the header \"{name}: {prefix}…\""),
        Inject::Query { name } => format!("in the query, as {name}=…"),
        Inject::Basic { user } => format!("as the password of \"{user}\" (HTTP Basic)"),
        Inject::JsonPointer { pointer } => format!("in the body, at {pointer}"),
        Inject::None => "nowhere: it signs".to_owned(),
    };
    let mut lines: Vec<_> = policy.targets.iter().map(|one| ("may", target(one))).collect();
    lines.extend(policy.near_calls.iter().map(|one| ("may", call(one))));
    lines.extend(more_effects(policy).map(|line| ("effects", line)));
    lines.extend(policy.targets.iter().filter_map(wide).map(|line| ("beware", line)));
    let everything = policy.targets.iter().any(|target| target.paths.iter().any(|path| path == "/"));
    if everything {
        lines.push(("beware", "WIDE: whatever the service does with these methods, its administration too".to_owned()));
    }
    lines.push(("key goes", slot));
    let (out, back) = (policy.body_bytes_max, policy.response_bytes_max);
    lines.push(("bodies", format!("at most {out} bytes out and {back} back")));
    if let Some(rate) = policy.rate {
        lines
            .push(("how often", format!("at most {} uses in {}, counted by one host", rate.uses, length(rate.per_ms))));
    }
    lines
}

/// The whole grant.
pub fn grant(what: &str, terms: &GrantTerms, hosts: &[Host]) -> String {
    let mut lines = vec![("credential", what.to_owned()), ("who", who(&terms.grantee))];
    lines.extend(policy(&terms.policy));
    if let Some(budget) = &terms.budget {
        lines.push(("in all", format!("at most {} uses, counted on chain", budget.capacity.0)));
    }
    lines.push(("until", time(terms.expires_ms)));
    if terms.needs_approval {
        lines.push(("approval", "of every single request".to_owned()));
    }
    if !terms.hosts.is_empty() {
        let hosts: Vec<String> = terms.hosts.iter().map(ToString::to_string).collect();
        lines.push(("where", format!("on host {}", hosts.join(", "))));
    }
    if !terms.measurements.is_empty() {
        let named: Vec<String> = terms.measurements.iter().map(ToString::to_string).collect();
        lines.push(("only", format!("on hosts attested as {}", named.join(", "))));
    }
    let pass_on = if terms.no_delegation { "not to be passed on" } else { "parts of it may be passed on" };
    lines.push(("pass on", pass_on.to_owned()));
    lines.extend(hosts.iter().map(|host| ("sealed to", trust(host))));
    sheet(&lines)
}

/// What rows take of storage, until then: out of what is sent, or on top of it.
pub fn storage(near: &str, is_of_it: bool, until: &str) -> (&'static str, String) {
    let whose = if is_of_it { "of it" } else { "more" };
    ("storage", format!("about {near} NEAR {whose}, which come back when {until}"))
}

/// Lines with their names in front.
pub fn sheet(lines: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, line) in lines {
        writeln!(text, "{name:<11} {line}").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grant;
    use crate::rules::{BEARER, Terms, grantee, inject, policy, rule};

    #[test]
    fn a_wide_grant_reads_as_wide() {
        let sheet = |text: &str| {
            let policy = policy(&[rule(text).unwrap()], inject(BEARER).unwrap(), None, 1_000).unwrap();
            super::sheet(&super::policy(&policy))
        };
        assert!(sheet("GET:*.openai.com/v1").contains("beware      WIDE: every host below openai.com"));
        assert!(sheet("GET:api.openai.com").contains("beware      WIDE: whatever the service does"));
        assert!(!sheet("GET:api.openai.com/v1").contains("WIDE"));
    }

    #[test]
    fn a_narrow_grant_reads_as_narrow() {
        let slot = inject(BEARER).unwrap();
        let policy = policy(&[rule("POST:api.openai.com/v1").unwrap()], slot, Some((100, 86_400_000)), 1_000).unwrap();
        let terms = Terms {
            to: Some(grantee("bob.near").unwrap()),
            expires: Some(60_000),
            budget: Some(7),
            needs_approval: true,
            measurement: Vec::new(),
            no_delegation: true,
        };
        let text = grant("openai, of agent 1", &terms.grant(policy, 1, 0), &[]);
        let expected = "\
credential  openai, of agent 1
who         bob.near
may         POST to https://api.openai.com/v1 and below
key goes    in the header \"authorization: Bearer …\"
bodies      at most 1000 bytes out and 1000 back
how often   at most 100 uses in 1d, counted by one host
in all      at most 7 uses, counted on chain
until       1970-01-01T00:01:00Z
approval    of every single request
where       on host 1
pass on     not to be passed on
";
        assert_eq!(text, expected);
    }
}
