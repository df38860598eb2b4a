//! Which names a sandbox may reach, and which addresses no sandbox may.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use theazo_domain::address::is_public;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(egress: Egress) -> Policy {
        Policy::of(&egress, &LocalConfig::new("/nowhere", vec![])).unwrap()
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
