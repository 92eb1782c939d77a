//! Where a host may connect to: public addresses, and the private ones that its operator listed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use charter_types::keys::Scheme;

use crate::HostError;

/// Loopback or private addresses that the operator listed as test upstreams. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct Upstreams(Vec<SocketAddr>);

impl Upstreams {
    pub fn new(listed: Vec<SocketAddr>) -> Self {
        Self(listed)
    }

    /// Resolves a name, and refuses it if any of its addresses is private and not listed: names of others must not lead
    /// into this network. What goes in the clear goes to this machine only.
    pub async fn resolve(
        &self,
        scheme: Scheme,
        host: &str,
        port: u16,
        patience: Duration,
    ) -> Result<Vec<SocketAddr>, HostError> {
        let unresolved = || HostError::Unresolved(host.to_owned());
        let found = tokio::time::timeout(patience, tokio::net::lookup_host((host, port))).await;
        let found = found.map_err(|_| HostError::Timeout)?.map_err(|_| unresolved())?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(unresolved());
        }
        for address in &found {
            self.check(scheme, host, *address)?;
        }
        Ok(found)
    }

    fn check(&self, scheme: Scheme, host: &str, address: SocketAddr) -> Result<(), HostError> {
        if !is_public(address.ip()) && !self.0.contains(&address) {
            return Err(HostError::PrivateAddress(host.to_owned()));
        }
        if scheme == Scheme::Http && !address.ip().to_canonical().is_loopback() {
            return Err(HostError::PlainHttp(host.to_owned()));
        }
        Ok(())
    }
}

/// Whether an address is neither this machine's, nor of a private network, nor reserved (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = (a == 192 && b == 0) || (a == 198 && (18..20).contains(&b)) || a >= 240 || a == 0;
            !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast())
                && !(v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified() || shared || special)
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public(IpAddr::V4(v4));
            }
            // Global unicast without documentation and tunnels; all else is local or reserved.
            let [first, second, ..] = v6.segments();
            let teredo = first == 0x2001 && second < 0x0200;
            let documentation = first == 0x2001 && second == 0x0db8;
            (first & 0xe000) == 0x2000 && first != 0x2002 && !teredo && !documentation
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use charter_types::keys::Scheme;

    use super::{Upstreams, is_public};

    #[test]
    fn inside_addresses_are_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[tokio::test]
    async fn loopback_is_refused_unless_listed_to_the_port() {
        let resolve = async |upstreams: &Upstreams, port| {
            upstreams.resolve(Scheme::Https, "localhost", port, Duration::from_mins(1)).await
        };
        let error = resolve(&Upstreams::default(), 8080).await.unwrap_err();
        assert_eq!(error.code(), "HOST_PRIVATE_ADDRESS");
        assert!(!error.to_string().contains("127.") && !error.to_string().contains("::"), "{error}");
        let listed = Upstreams::new(vec!["127.0.0.1:8080".parse().unwrap(), "[::1]:8080".parse().unwrap()]);
        assert!(resolve(&listed, 8080).await.is_ok());
        assert!(resolve(&listed, 8081).await.is_err());
    }

    #[test]
    fn what_goes_in_the_clear_goes_to_this_machine_only() {
        let listed = Upstreams::new(vec!["10.0.0.8:80".parse().unwrap(), "127.0.0.1:80".parse().unwrap()]);
        let code = |scheme, address: &str| {
            listed.check(scheme, "a.example", address.parse().unwrap()).err().map(|error| error.code())
        };
        let plain = Some("HOST_PLAIN_HTTP".to_owned());
        for elsewhere in ["93.184.216.34:80", "10.0.0.8:80", "[2606:4700:4700::1111]:80"] {
            assert_eq!((code(Scheme::Http, elsewhere), code(Scheme::Https, elsewhere)), (plain.clone(), None));
        }
        assert_eq!(code(Scheme::Http, "127.0.0.1:80"), None);
    }
}
