//! `policy::within` against every request at and around every bound of two policies. The matcher here is written from the
//! documentation of `Policy` and shares no code with `policy.rs`.
//!
//! Must fail if any conjunct of `within`, `target_within` or `call_within` is removed, if a target has to lie within a single
//! one, or if `rate_within` compares uses per time only.

#[path = "oracle/pairs.rs"]
mod pairs;
#[path = "oracle/schedule.rs"]
mod schedule;

use std::collections::BTreeSet;

use charter_rules::policy;
use charter_types::AccountId;
use charter_types::keys::{Effect, Inject, Method, NearCall, Policy, Rate, Scheme, Target};

use pairs::Random;

const PAIRS: u32 = 10_000;
const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];
/// Requests of a pair with which limits, slots and effects are tried: those are the same for all requests of a policy.
const FULL_MAX: usize = 3;

/// Where a request goes, and how.
struct Place<'a> {
    scheme: Scheme,
    host: &'a str,
    port: u16,
    path: &'a str,
    method: Method,
}

/// A call that is to be signed.
struct Call<'a> {
    contract: &'a AccountId,
    method: &'a str,
    deposit: u128,
    gas: u64,
}

/// What else there is to a use of a credential.
struct Terms<'a> {
    slot: &'a Inject,
    answer_bytes: u32,
    body_bytes: u32,
    /// Beyond what the method does.
    declared: Option<Effect>,
}

/// "An exact host, or `*.` and a suffix: any host below it."
fn host_fits(pattern: &str, host: &str) -> bool {
    match pattern.split_once("*.") {
        Some((_, suffix)) => host.len() > suffix.len() + 1 && host.ends_with(&format!(".{suffix}")),
        None => host == pattern,
    }
}

/// "Prefixes, segment by segment: `/v1` allows `/v1` and `/v1/chat`, not `/v10`."
fn path_fits(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.trim_end_matches('/') == prefix || path.starts_with(&format!("{prefix}/"))
}

/// What the method does by itself.
fn does(method: Method) -> Effect {
    if matches!(method, Method::Get | Method::Head) {
        return Effect::Read;
    }
    if method == Method::Delete { Effect::Delete } else { Effect::Write }
}

fn target_fits(target: &Target, place: &Place<'_>) -> bool {
    (target.scheme, target.port) == (place.scheme, place.port)
        && target.methods.contains(&place.method)
        && host_fits(&target.host, place.host)
        && target.paths.iter().any(|prefix| path_fits(prefix, place.path))
}

fn terms_fit(policy: &Policy, terms: &Terms<'_>) -> bool {
    policy.inject == *terms.slot
        && terms.answer_bytes <= policy.response_bytes_max
        && terms.body_bytes <= policy.body_bytes_max
        && terms.declared.is_none_or(|effect| policy.effects.contains(&effect))
}

fn goes(policy: &Policy, place: &Place<'_>) -> bool {
    policy.effects.contains(&does(place.method)) && policy.targets.iter().any(|target| target_fits(target, place))
}

fn signs(policy: &Policy, call: &Call<'_>) -> bool {
    let fits = |known: &NearCall| {
        known.contract == *call.contract
            && known.methods.iter().any(|method| method == call.method)
            && call.deposit <= known.deposit_max.0
            && call.gas <= known.gas_max
    };
    policy.effects.contains(&Effect::Sign) && policy.near_calls.iter().any(fits)
}

/// A limit, and what is just within and just beyond it.
fn around(limits: [u32; 2]) -> BTreeSet<u32> {
    limits.into_iter().flat_map(|limit| [0, limit.saturating_sub(1), limit, limit + 1]).collect()
}

/// Whether some terms are the inner policy's but not the outer's.
fn terms_differ(inner: &Policy, outer: &Policy, with_body: bool) -> bool {
    let effects = [Effect::Read, Effect::Write, Effect::Delete, Effect::Message, Effect::Spend, Effect::Sign];
    let declared: Vec<Option<Effect>> =
        std::iter::once(None).chain(effects.into_iter().filter(|_| with_body).map(Some)).collect();
    let bodies = if with_body { around([inner.body_bytes_max, outer.body_bytes_max]) } else { BTreeSet::from([0]) };
    for slot in [&inner.inject, &outer.inject] {
        for &answer_bytes in &around([inner.response_bytes_max, outer.response_bytes_max]) {
            for &body_bytes in &bodies {
                for &declared in &declared {
                    let terms = Terms { slot, answer_bytes, body_bytes, declared };
                    if terms_fit(inner, &terms) && !terms_fit(outer, &terms) {
                        return true;
                    }
                }
            }
        }
    }
    false
}

/// Every place at and around what the two policies name.
fn places_differ(inner: &Policy, outer: &Policy) -> bool {
    let targets = || inner.targets.iter().chain(&outer.targets);
    let names = targets().map(|target| target.host.trim_start_matches("*."));
    let hosts: BTreeSet<String> =
        names.flat_map(|name| [name.to_owned(), format!("zz.{name}"), format!("zz{name}")]).collect();
    let prefixes = targets().flat_map(|target| &target.paths).map(|path| path.trim_end_matches('/'));
    let paths: BTreeSet<String> =
        prefixes.flat_map(|path| [format!("{path}/"), format!("{path}/zz"), format!("{path}0")]).collect();
    let ports: BTreeSet<u16> = targets().flat_map(|target| [target.port, target.port + 1]).collect();
    let mut full = 0;
    for scheme in [Scheme::Https, Scheme::Http] {
        for &port in &ports {
            if !inner.targets.iter().any(|target| (target.scheme, target.port) == (scheme, port)) {
                continue;
            }
            for host in &hosts {
                for path in &paths {
                    for method in METHODS {
                        let place = Place { scheme, host, port, path, method };
                        if !goes(inner, &place) {
                            continue;
                        }
                        full += 1;
                        if !goes(outer, &place) || (full <= FULL_MAX && terms_differ(inner, outer, true)) {
                            return true;
                        }
                    }
                }
            }
        }
    }
    false
}

/// Every call at and around what the two policies name.
fn calls_differ(inner: &Policy, outer: &Policy) -> bool {
    let calls = || inner.near_calls.iter().chain(&outer.near_calls);
    let deposits: BTreeSet<u128> = calls().flat_map(|call| [0, call.deposit_max.0, call.deposit_max.0 + 1]).collect();
    let gases: BTreeSet<u64> = calls().flat_map(|call| [0, call.gas_max, call.gas_max + 1]).collect();
    for contract in calls().map(|call| &call.contract) {
        for method in calls().flat_map(|call| &call.methods) {
            for &deposit in &deposits {
                for &gas in &gases {
                    let call = Call { contract, method, deposit, gas };
                    if signs(inner, &call) && (!signs(outer, &call) || terms_differ(inner, outer, false)) {
                        return true;
                    }
                }
            }
        }
    }
    false
}

fn implies(inner: &Policy, outer: &Policy) -> bool {
    !places_differ(inner, outer) && !calls_differ(inner, outer) && schedule::implies(inner.rate, outer.rate)
}

#[test]
fn within_says_of_10_000_pairs_what_every_request_at_every_bound_says() {
    let mut random = Random(2026);
    let (mut differences, mut subsets) = (Vec::new(), 0_u32);
    for _ in 0..PAIRS {
        let (inner, outer) = random.pair();
        let expected = implies(&inner, &outer);
        subsets += u32::from(expected);
        if policy::within(&inner, &outer) != expected {
            differences.push((inner, outer, expected));
        }
    }
    println!("{PAIRS} pairs, {subsets} of them one within the other, {} differences", differences.len());
    let first = differences.first();
    assert!(first.is_none(), "{} differences, the first: {first:#?}", differences.len());
    // Pairs that are nearly all alike would show nothing.
    assert!((PAIRS * 3 / 10..PAIRS * 7 / 10).contains(&subsets), "{subsets}");
}

#[test]
fn within_is_reflexive_and_transitive() {
    let mut random = Random(7);
    let mut chains = 0;
    while chains < 500 {
        let (inner, outer) = random.pair();
        assert!(policy::within(&inner, &inner) && policy::within(&outer, &outer));
        if !policy::within(&inner, &outer) {
            continue;
        }
        let innermost = random.narrow(&inner);
        if policy::within(&innermost, &inner) {
            assert!(policy::within(&innermost, &outer), "{innermost:#?} {inner:#?} {outer:#?}");
            chains += 1;
        }
    }
}

#[test]
fn a_rate_is_within_another_if_no_schedule_says_otherwise() {
    let rates = || (1..=4).flat_map(|uses| (1..=6).map(move |per_ms| Some(Rate { uses, per_ms })));
    let (base, _) = Random(1).pair();
    let mut pairs = 0;
    for inner in rates().chain([None]) {
        for outer in rates().chain([None]) {
            let with = |rate| Policy { rate, ..base.clone() };
            assert_eq!(
                policy::within(&with(inner), &with(outer)),
                schedule::implies(inner, outer),
                "{inner:?} {outer:?}"
            );
            pairs += 1;
        }
    }
    assert_eq!(pairs, 25 * 25);
}
