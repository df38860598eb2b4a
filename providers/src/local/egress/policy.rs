//! Which names a sandbox may reach, and which addresses no sandbox may.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::contract::Egress;
use crate::local::config::LocalConfig;

/// One sandbox's rules, with the operator's exceptions.
pub struct Policy {
    rule: Rule,
    pub hosts: Arc<BTreeMap<String, IpAddr>>,
    extra: Arc<Vec<SocketAddr>>,
}

enum Rule {
    Public,
    Domains(Vec<String>),
}

impl Policy {
    /// `None` when nothing may be reached.
    pub fn of(egress: &Egress, config: &LocalConfig) -> Option<Self> {
        let rule = match egress {
            Egress::None => return None,
            Egress::Public => Rule::Public,
            Egress::Domains(domains) => {
                Rule::Domains(domains.iter().map(|domain| normal(domain)).collect())
            }
        };
        let hosts = Arc::new(config.hosts.clone());
        Some(Self { rule, hosts, extra: Arc::new(config.extra_allowed.clone()) })
    }

    /// Whether the sandbox may ask for this host, a name or an address.
    pub fn allows(&self, host: &str) -> bool {
        let host = normal(host);
        match &self.rule {
            Rule::Public => true,
            Rule::Domains(domains) => {
                domains.iter().any(|domain| match domain.strip_prefix("*.") {
                    Some(above) => host
                        .strip_suffix(above)
                        .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
                    None => *domain == host,
                })
            }
        }
    }

    /// Whether the host may be dialled there on a sandbox's behalf. Asked of the very address that
    /// is dialled, since a name may answer another the next time.
    pub fn may_dial(&self, address: SocketAddr) -> bool {
        is_public(address.ip()) || self.extra.contains(&address)
    }

    /// Whether there is a port there that may be dialled.
    pub fn may_dial_some_port(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.extra.iter().any(|extra| extra.ip() == ip)
    }
}

/// Names compare without case and without the dot of the root.
pub fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address is one of the internet's, and not of this machine, its network, or its cloud.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        // This network, loopback, multicast and what was reserved.
        (0 | 127 | 224..=255, _, _) => true,
        // Private (RFC 1918), shared by carriers (RFC 6598), link-local with clouds' metadata.
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (169, 254, _) => true,
        // Protocol assignments, documentation, relay anycast, benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) => true,
        (198, 51, 100) | (203, 0, 113) => true,
        // Azure's metadata and health probes come from a public block.
        (168, 63, 129) => true,
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [first, second, ..] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (first, second) {
        // Translation (RFC 6052): the last four bytes are the address.
        (0x64, 0xff9b) => {
            let segments = ip.segments();
            segments[2..6] == [0, 0, 0, 0] && embedded(segments[6], segments[7])
        }
        // 6to4 holds one in the next two; Teredo, documentation and benchmarks.
        (0x2002, high) => embedded(high, ip.segments()[2]),
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // Global unicast. All else is loopback, local, multicast or unassigned.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(egress: Egress) -> Policy {
        Policy::of(&egress, &LocalConfig::new("/nowhere", vec![])).unwrap()
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for ip in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "198.18.0.5",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "::127.0.0.1",
            "64:ff9b:1::a00:1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn domains_match_themselves_or_what_is_below_them() {
        let policy = policy(Egress::Domains(vec!["github.com".into(), "*.PyPI.org".into()]));
        assert!(policy.allows("github.com") && policy.allows("GitHub.com."));
        assert!(policy.allows("files.pypi.org") && policy.allows("a.b.pypi.org"));
        for host in ["api.github.com", "pypi.org", "evilpypi.org", ".pypi.org", "1.2.3.4", ""] {
            assert!(!policy.allows(host), "{host}");
        }
    }
}
