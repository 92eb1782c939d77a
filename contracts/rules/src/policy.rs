//! What a grant allows: a closed grammar, no patterns and no code, so that "child within parent" is decidable.

use charter_types::keys::{Effect, HttpAction, Inject, KeysError, Method, NearAction, NearCall, Policy, Rate, Target};

const TARGETS_MAX: usize = 8;
const PATHS_MAX: usize = 8;
const NEAR_CALLS_MAX: usize = 8;
/// Longest policy, bytes in borsh.
const POLICY_BYTES_MAX: usize = 1_024;
/// Longest host or path, bytes.
const TEXT_BYTES_MAX: usize = 128;
/// Longest body in either direction, bytes.
const BODY_BYTES_MAX: u32 = 16 << 20;

/// What a request does to the world by its method alone.
pub fn effect(method: Method) -> Effect {
    match method {
        Method::Get | Method::Head => Effect::Read,
        Method::Post | Method::Put | Method::Patch => Effect::Write,
        Method::Delete => Effect::Delete,
    }
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

/// The octet that two upper-case digits stand for, where it can't be taken for anything but text.
fn octet(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| match digits.get(at)? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let octet = digit(0)? << 4 | digit(1)?;
    (octet >= b' ' && !b".%?#\\;\x7f".contains(&octet)).then_some(octet)
}

/// What RFC 3986 lets stand in a path as it is, without `;`: what is behind it, some services leave out.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&byte)
}

/// A path in its one spelling: no empty, `.` or `..` segments, whichever way a service reads `%2F`, and no query. Encoded
/// octets are upper-case UTF-8, and none that changes where a path leads.
pub fn is_plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let Some(octet) = octet(part.as_bytes()) else { return false };
        decoded.push(octet);
        decoded.extend_from_slice(&part.as_bytes()[2..]);
    }
    let plain = path.bytes().all(|byte| is_path_byte(byte) || byte == b'%') && core::str::from_utf8(&decoded).is_ok();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let named = |segment: &str| segment.split("%2F").all(|part| !matches!(part, "" | "." | ".."));
    path.len() <= 1_024 && plain && (rest.is_empty() || rest.split('/').all(named))
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

fn check_target(target: &Target) -> Result<(), KeysError> {
    if !is_host(target.host.strip_prefix("*.").unwrap_or(&target.host)) {
        return Err(bad("a host is lower-case labels joined by dots, at most once preceded by \"*.\""));
    }
    if target.port == 0 || target.paths.is_empty() || target.paths.len() > PATHS_MAX || target.methods.is_empty() {
        return Err(bad("a target has a port, 1 to 8 paths and at least one method"));
    }
    if !target.paths.iter().all(|path| is_plain_path(path) && path.len() <= TEXT_BYTES_MAX) {
        return Err(bad("a path starts with / and has no empty or dot segments, no `;` and no query"));
    }
    if !sorted_and_unique(&target.paths) || !sorted_and_unique(&target.methods) {
        return Err(bad("paths and methods are sorted and named once"));
    }
    Ok(())
}

/// Whether everything that the inner target allows, one or another of the outer ones allows. Hosts and paths are trees, so
/// what is below a path on a host is covered by one target as a whole; methods may come from several.
fn target_within(inner: &Target, outer: &[Target]) -> bool {
    inner.paths.iter().all(|path| {
        let reaches = |wider: &&Target| {
            inner.scheme == wider.scheme
                && inner.port == wider.port
                && host_within(&inner.host, &wider.host)
                && wider.paths.iter().any(|prefix| path_within(path, prefix))
        };
        let wider: Vec<&Target> = outer.iter().filter(reaches).collect();
        inner.methods.iter().all(|method| wider.iter().any(|wider| wider.methods.contains(method)))
    })
}

/// Whether a request goes where a target allows.
pub fn target_allows(target: &Target, http: &HttpAction) -> bool {
    target.scheme == http.scheme
        && target.port == http.port
        && is_host(&http.host)
        && host_within(&http.host, &target.host)
        && target.methods.contains(&http.method)
        && is_plain_path(&http.path)
        && target.paths.iter().any(|prefix| path_within(&http.path, prefix))
}

fn check_inject(inject: &Inject) -> Result<(), KeysError> {
    let token = |text: &str| {
        let plain =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
        !text.is_empty() && text.len() <= 64 && plain
    };
    let printable = |text: &str| text.len() <= 64 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let fine = match inject {
        Inject::Header { name, prefix } => token(name) && printable(prefix) && !FRAMING.contains(&name.as_str()),
        Inject::Query { name } => token(name),
        Inject::Basic { user } => printable(user) && !user.contains(':'),
        Inject::JsonPointer { pointer } => printable(pointer) && pointer.len() > 1 && pointer.starts_with('/'),
        Inject::None => true,
    };
    if fine { Ok(()) } else { Err(bad("a slot is a lower-case token; hop-by-hop headers can't carry a secret")) }
}

/// Headers that shape the connection rather than the request.
const FRAMING: [&str; 7] = ["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade"];

fn check_call(call: &NearCall) -> Result<(), KeysError> {
    let method = |name: &String| {
        (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if call.methods.is_empty() || call.methods.len() > PATHS_MAX || !sorted_and_unique(&call.methods) {
        return Err(bad("a NEAR call names 1 to 8 methods, sorted and each once"));
    }
    if call.methods.iter().all(method) { Ok(()) } else { Err(bad("a method is 1 to 64 letters, digits and _")) }
}

/// Whether everything that the inner call allows, one or another of the outer ones allows, method by method.
fn call_within(inner: &NearCall, outer: &[NearCall]) -> bool {
    inner.methods.iter().all(|method| {
        outer.iter().any(|wider| {
            inner.contract == wider.contract
                && inner.deposit_max <= wider.deposit_max
                && inner.gas_max <= wider.gas_max
                && wider.methods.contains(method)
        })
    })
}

/// Whether a call is one that may be signed.
pub fn call_allows(call: &NearCall, near: &NearAction) -> bool {
    call.contract == near.contract
        && call.methods.contains(&near.method)
        && near.deposit <= call.deposit_max
        && near.gas <= call.gas_max
}

/// Whether whatever keeps the inner rate keeps the outer one, too. At most, the inner one allows all its uses at once,
/// again as soon as its time is over, and so on: in the outer one's time that often, begun times included.
fn rate_within(inner: Rate, outer: Rate) -> bool {
    let bursts = outer.per_ms.checked_div(inner.per_ms).map(|times| (times, outer.per_ms % inner.per_ms));
    let Some((times, rest)) = bursts else { return false };
    let bursts = u128::from(times) + u128::from(rest > 0);
    u128::from(inner.uses) * bursts <= u128::from(outer.uses)
}

/// Whether the policy is well-formed, in its one spelling.
pub fn check(policy: &Policy) -> Result<(), KeysError> {
    if policy.effects.is_empty() || !sorted_and_unique(&policy.effects) {
        return Err(bad("effects are sorted and named once"));
    }
    if policy.targets.len() > TARGETS_MAX || policy.near_calls.len() > NEAR_CALLS_MAX {
        return Err(bad("a policy has at most 8 targets and 8 NEAR calls"));
    }
    if policy.targets.is_empty() && policy.near_calls.is_empty() {
        return Err(bad("a policy has at least one target or NEAR call"));
    }
    // Or a grant would name what nobody can do with it.
    let has = |effect: Effect| policy.effects.contains(&effect);
    let methods = policy.targets.iter().flat_map(|target| &target.methods);
    if !methods.copied().map(effect).all(has) || !(policy.near_calls.is_empty() || has(Effect::Sign)) {
        return Err(bad("what methods do is among the effects, and \"sign\" is with NEAR calls"));
    }
    if policy.rate.is_some_and(|rate| rate.uses == 0 || rate.per_ms == 0) {
        return Err(bad("a rate is at least one use in at least a millisecond"));
    }
    if borsh::to_vec(policy).map_or(usize::MAX, |bytes| bytes.len()) > POLICY_BYTES_MAX {
        return Err(bad("a policy has at most 1,024 bytes"));
    }
    if policy.body_bytes_max > BODY_BYTES_MAX || policy.response_bytes_max > BODY_BYTES_MAX {
        return Err(bad("bodies are limited to 16 MiB"));
    }
    check_inject(&policy.inject)?;
    policy.near_calls.iter().try_for_each(check_call)?;
    policy.targets.iter().try_for_each(check_target)
}

/// Whether everything that the inner policy allows, the outer one allows: no request, schedule or slot tells them apart.
/// Decided in at most 8 × 8 comparisons of targets. Limits count as written, also one that no request could reach.
pub fn within(inner: &Policy, outer: &Policy) -> bool {
    inner.inject == outer.inject
        && inner.body_bytes_max <= outer.body_bytes_max
        && inner.response_bytes_max <= outer.response_bytes_max
        && inner.effects.iter().all(|effect| outer.effects.contains(effect))
        && outer.rate.is_none_or(|outer| inner.rate.is_some_and(|rate| rate_within(rate, outer)))
        && inner.near_calls.iter().all(|call| call_within(call, &outer.near_calls))
        && inner.targets.iter().all(|target| target_within(target, &outer.targets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
    use proptest::{collection, sample};

    use charter_types::keys::{Effect, HttpAction, Inject, Method, NearAction, NearCall, Policy, Rate, Scheme, Target};
    use charter_types::{Hash32, U128};

    use super::{call_allows, call_within, effect, rate_within, target_allows, within};

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

    fn request(scheme: Scheme, host: &str, port: u16, path: &str, method: Method) -> HttpAction {
        let (host, path) = (host.to_owned(), path.to_owned());
        let (body_bytes, content_sha256, effects) = (0, Hash32::default(), Vec::new());
        HttpAction { scheme, host, port, path, method, body_bytes, content_sha256, effects }
    }

    proptest! {
        /// INV-KEY-1. Drop any conjunct of `target_within`, or let `host_within` match by plain suffix, and a request
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
            let http = request(scheme, host, port, path, method);
            let allows = |policy: &Policy| {
                policy.effects.contains(&effect(method))
                    && policy.targets.iter().any(|target| target_allows(target, &http))
            };
            if within(&child, &parent) {
                prop_assert!(!allows(&child) || allows(&parent));
            }
            prop_assert!(within(&child, &child));
        }
    }

    #[test]
    fn near_calls_and_rates_only_narrow() {
        let call = |methods: &[&str], deposit: u128, gas_max| NearCall {
            contract: "a.near".parse().unwrap(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            deposit_max: U128(deposit),
            gas_max,
        };
        let wide = call(&["a", "b"], 5, 10);
        let within = |call: NearCall| call_within(&call, std::slice::from_ref(&wide));
        assert!(within(call(&["a"], 5, 10)) && within(call(&["b"], 0, 1)));
        for wider in [call(&["c"], 5, 10), call(&["a"], 6, 10), call(&["a"], 5, 11)] {
            assert!(!within(wider));
        }
        let sign = |deposit| NearAction {
            contract: wide.contract.clone(),
            method: "a".to_owned(),
            deposit: U128(deposit),
            gas: 10,
            args_sha256: Hash32::default(),
        };
        assert!(call_allows(&wide, &sign(5)) && !call_allows(&wide, &sign(6)));
        let rate = |uses, per_ms| Rate { uses, per_ms };
        assert!(rate_within(rate(5, 100), rate(10, 200)) && rate_within(rate(5, 200), rate(5, 100)));
        for faster in [rate(11, 1_000), rate(5, 99)] {
            assert!(!rate_within(faster, rate(10, 200)), "{faster:?}");
        }
        assert!(!rate_within(rate(4, 90), rate(9, 200)), "at 0, 90 and 180 ms: 12 uses in 200 ms");
    }

    /// Whether a use at `at` keeps the rate, after uses at `before`.
    fn keeps(rate: Rate, before: &[u64], at: u64) -> bool {
        let recent = before.iter().filter(|use_at| at - **use_at < rate.per_ms).count();
        u64::try_from(recent).unwrap() < u64::from(rate.uses)
    }

    /// The most uses that a rate allows in `[0, window)`, tried out: at each moment as many as it takes, which is the best
    /// there is, since a use that comes later only leaves its time later.
    fn most(rate: Rate, window: u64) -> usize {
        let mut uses = Vec::new();
        for at in 0..window {
            while keeps(rate, &uses, at) {
                uses.push(at);
            }
        }
        uses.len()
    }

    /// INV-KEY-1, by brute force: a rate is within another exactly if in no window of any length it allows more uses. Compare
    /// uses per time instead, and 4 in 90 ms pass as 9 in 200.
    #[test]
    fn a_rate_within_another_allows_no_more_uses_in_any_window() {
        const PERIODS: u64 = 9;
        let all = || (1..=7_u32).flat_map(|uses| (1..=PERIODS).map(move |per_ms| Rate { uses, per_ms }));
        let counts = |rate| (1..=3 * PERIODS).map(|window| most(rate, window)).collect::<Vec<_>>();
        let known: Vec<_> = all().map(|rate| (rate, counts(rate))).collect();
        for (inner, ours) in &known {
            for (outer, theirs) in &known {
                let never_more = ours.iter().zip(theirs).all(|(ours, theirs)| ours <= theirs);
                assert_eq!(rate_within(*inner, *outer), never_more, "{inner:?} in {outer:?}");
            }
        }
    }

    proptest! {
        /// The same the other way round: whoever keeps the inner rate, however it spreads its uses, keeps the outer one.
        #[test]
        fn whoever_keeps_a_rate_keeps_the_one_above(
            (inner, outer) in ((1_u32..6, 1_u64..30), (1_u32..12, 1_u64..60)),
            waits in collection::vec(0_u64..12, 1..40),
        ) {
            let rate = |(uses, per_ms)| Rate { uses, per_ms };
            let (inner, outer) = (rate(inner), rate(outer));
            let (mut now, mut uses) = (0, Vec::new());
            for wait in waits {
                now += wait;
                if keeps(inner, &uses, now) {
                    prop_assert!(!rate_within(inner, outer) || keeps(outer, &uses, now));
                    uses.push(now);
                }
            }
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
        let allows =
            |host: &str, path: &str| target_allows(&target, &request(Scheme::Https, host, 443, path, Method::Get));
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

    /// Whatever is read after decoding once, or with parameters left out, is still below the prefix.
    #[test]
    fn a_slash_inside_a_segment_is_text_and_leads_nowhere() {
        let target = Target {
            scheme: Scheme::Https,
            host: "gitlab.com".to_owned(),
            port: 443,
            paths: vec!["/api/v4/projects/group%2Fproject".to_owned()],
            methods: vec![Method::Get],
        };
        let allows = |path: &str| target_allows(&target, &request(Scheme::Https, "gitlab.com", 443, path, Method::Get));
        assert!(super::check_target(&target).is_ok());
        for path in ["", "/", "/issues", "/issues/a%2Fb", "/files/a%20b", "/wiki/Caf%C3%A9", "/@me/%40you/a:b,c=1"] {
            assert!(allows(&format!("/api/v4/projects/group%2Fproject{path}")), "{path}");
        }
        for path in [
            "/api/v4/projects/group/project",
            "/api/v4/projects/group%2fproject",
            "/api/v4/projects/group%2Fproject2",
            "/api/v4/projects/group%252Fproject",
        ] {
            assert!(!allows(path), "{path}");
        }
        for tail in [
            "..",
            "%2F..",
            "..%2F",
            "a%2F..%2Fb",
            "a%2F.%2Fb",
            "%2F",
            "a%2F%2Fb",
            "a%2F",
            "%2E%2E",
            "%2e%2e",
            "..;",
            "..;/x",
            ".;x",
            "a;b",
            "a%3Bb",
            "a%5Cb",
            "a%5C..",
            "a%00",
            "a%0A",
            "a%7F",
            "a%25",
            "a%252F",
            "%C0%AE",
            "%C0%AF",
            "%E0%80%AF",
            "%FF",
            "%",
            "%2",
            "%2G",
            "%+1",
            "a%3Fb",
            "a%23b",
            "a b",
            "a`b",
            "a{b",
            "a}b",
            "a<b",
            "a>b",
            "a\"b",
            "a^b",
            "a|b",
            "a[b",
            "é",
        ] {
            assert!(!allows(&format!("/api/v4/projects/group%2Fproject/{tail}")), "{tail}");
        }
    }
}
