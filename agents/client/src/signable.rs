//! What a policy must be before anybody signs it, beyond what the contract asks. These checks need lists that a contract has
//! no room for; whoever makes a grant makes them, and a key host makes them again.

use charter_types::keys::{Policy, Scheme, Target};

/// Why a policy is not one to sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    #[error("{0} is an address, not a name: name the host, as api.example.com or localhost")]
    Numeric(String),
    #[error("anybody can have a host below {0} (publicsuffix.org): name the service's own domain, as *.example.com")]
    PublicSuffix(String),
    #[error("plain HTTP to {0} would send the key in the clear: say https. Plain HTTP is for localhost")]
    PlainHttp(String),
}

impl Unsignable {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Numeric(_) => "POLICY_NUMERIC_HOST",
            Self::PublicSuffix(_) => "POLICY_PUBLIC_SUFFIX",
            Self::PlainHttp(_) => "POLICY_PLAIN_HTTP",
        }
    }
}

/// The name that every machine has for itself (RFC 6761).
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether programs read a name as an IPv4 address: `127.1`, `2130706433` and `0x7f.1` are ones, too (WHATWG URL, "ends in a
/// number").
pub fn is_numeric(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Whether anybody can register a host below a domain.
fn is_public_suffix(domain: &str) -> bool {
    psl::suffix_str(domain).is_some_and(|suffix| suffix == domain)
}

fn check_target(target: &Target) -> Result<(), Unsignable> {
    let (name, below) = target.host.strip_prefix("*.").map_or((target.host.as_str(), false), |name| (name, true));
    if is_numeric(name) {
        return Err(Unsignable::Numeric(name.to_owned()));
    }
    if below && is_public_suffix(name) {
        return Err(Unsignable::PublicSuffix(name.to_owned()));
    }
    if target.scheme == Scheme::Http && !is_localhost(name) {
        return Err(Unsignable::PlainHttp(target.host.clone()));
    }
    Ok(())
}

/// Fails if somebody other than the service could get the key through this policy.
pub fn check_signable(policy: &Policy) -> Result<(), Unsignable> {
    policy.targets.iter().try_for_each(check_target)
}

#[cfg(test)]
mod tests {
    use charter_types::keys::{Effect, Inject, Method, Policy, Scheme, Target};

    use super::check_signable;

    fn code(scheme: Scheme, host: &str) -> Option<&'static str> {
        let target = Target {
            scheme,
            host: host.to_owned(),
            port: 443,
            paths: vec!["/".to_owned()],
            methods: vec![Method::Get],
        };
        let policy = Policy {
            effects: vec![Effect::Read],
            targets: vec![target],
            inject: Inject::None,
            body_bytes_max: 0,
            response_bytes_max: 0,
            rate: None,
            near_calls: Vec::new(),
        };
        check_signable(&policy).err().map(|why| why.code())
    }

    #[test]
    fn a_number_is_no_name_of_a_host() {
        for host in [
            "2130706433",
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.01",
            "a.0x",
            "10.0.0.8",
            "*.0.0.1",
        ] {
            assert_eq!(code(Scheme::Https, host), Some("POLICY_NUMERIC_HOST"), "{host}");
            assert_eq!(code(Scheme::Http, host), Some("POLICY_NUMERIC_HOST"), "{host}");
        }
        for host in ["1password.com", "api.4chan.org", "127.0.0.1.example.com", "0x.com", "3.api.example.com"] {
            assert_eq!(code(Scheme::Https, host), None, "{host}");
        }
    }

    #[test]
    fn nobody_signs_for_every_host_below_a_public_suffix() {
        for host in [
            "*.com",
            "*.co.uk",
            "*.uk",
            "*.github.io",
            "*.herokuapp.com",
            "*.s3.amazonaws.com",
            "*.foo.ck",
            "*.googleapis.com",
            "*.test",
            "*.localhost",
        ] {
            assert_eq!(code(Scheme::Https, host), Some("POLICY_PUBLIC_SUFFIX"), "{host}");
        }
        for host in ["*.openai.com", "*.bbc.co.uk", "*.me.github.io", "*.a.example", "com", "api.a.com"] {
            assert_eq!(code(Scheme::Https, host), None, "{host}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for host in
            ["api.openai.com", "localhost.example.com", "notlocalhost", "vault", "*.a.com", "host.docker.internal"]
        {
            assert_eq!(code(Scheme::Http, host), Some("POLICY_PLAIN_HTTP"), "{host}");
        }
        assert_eq!((code(Scheme::Http, "localhost"), code(Scheme::Http, "api.localhost")), (None, None));
    }
}
