//! Where an exposed port is on the public side.
//!
//! By host name, which is the form to use: every agent's port is an origin of its own.
//!
//! ```text
//! http://agt-01hx…-8080.localhost:7070/any/path?query
//! ```
//!
//! And by path, for where such host names do not resolve:
//!
//! ```text
//! http://localhost:7070/v1/ports/agt_01HX…/8080/any/path?query
//! ```

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::request::Parts;
use axum::http::{Uri, header};
use theazo_domain::AgentId;

/// What the path form starts with.
pub const PATH_PREFIX: &str = "/v1/ports/";
/// Browsers and resolvers take every name below it to the loopback (RFC 6761).
const LOCALHOST: &str = "localhost";

/// A port of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortAddress {
    pub agent: AgentId,
    pub port: u16,
}

/// Which of the two forms a request came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Host,
    /// `prefix` is the part of the path that the sandbox does not see, without a slash at its end.
    Path {
        prefix: String,
    },
}

/// A request for a port, and the path and query that the sandbox gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub address: PortAddress,
    pub form: Form,
    pub path_and_query: String,
}

/// Whether a request is one for the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressed {
    Port(Target),
    /// The path form without its slash: relative links only work with it.
    Redirect(String),
    /// It has the form of a port's address and is none.
    Nothing,
    /// A request for the API.
    Api,
}

/// The origin that callers reach this server at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    /// Lower case, without a port.
    host: String,
    port: Option<u16>,
}

/// A text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin such as http://localhost:7070 or https://theazo.example.com")]
pub struct PublicUrlError(String);

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let bad = || PublicUrlError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(bad()),
        };
        let authority = uri.authority().ok_or_else(bad)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('@') {
            return Err(bad());
        }
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        Ok(Self { scheme, host, port: authority.port_u16() })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl PublicUrl {
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The port's own origin; its path form where the host is an address, which has no names
    /// below it.
    pub fn of_port(&self, address: PortAddress) -> String {
        let Some(parent) = self.parent() else { return self.path_of_port(address) };
        let mut url = format!("{}://{}.{parent}", self.scheme, address.label());
        if let Some(port) = self.port {
            url.push_str(&format!(":{port}"));
        }
        url
    }

    /// The path form, with the slash that relative links need.
    pub fn path_of_port(&self, PortAddress { agent, port }: PortAddress) -> String {
        format!("{self}{PATH_PREFIX}{agent}/{port}/")
    }

    /// The name that ports' names are below.
    fn parent(&self) -> Option<&str> {
        match self.host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() || ip.is_unspecified() => Some(LOCALHOST),
            Ok(_) => None,
            Err(_) => Some(&self.host),
        }
    }

    /// Whether `parts` are of a request for a port. The host goes before the path: all of a
    /// port's own origin is the sandbox's.
    pub fn find(&self, parts: &Parts) -> Addressed {
        if let Some(label) = host_of(parts).and_then(|host| self.label_of(host)) {
            return match PortAddress::from_label(&label) {
                Some(address) => Addressed::Port(Target {
                    address,
                    form: Form::Host,
                    path_and_query: path_and_query(&parts.uri).to_owned(),
                }),
                None => Addressed::Nothing,
            };
        }
        match path_and_query(&parts.uri).strip_prefix(PATH_PREFIX) {
            Some(rest) => by_path(rest),
            None => Addressed::Api,
        }
    }

    /// The first label of `host`, when the rest is where ports' names are.
    fn label_of(&self, host: &str) -> Option<String> {
        let name = strip_port(host).trim_end_matches('.').to_ascii_lowercase();
        let (label, rest) = name.split_once('.')?;
        let ours = rest == LOCALHOST || self.parent() == Some(rest);
        (ours && label.starts_with("agt-")).then(|| label.to_owned())
    }
}

impl PortAddress {
    fn label(&self) -> String {
        format!("{}-{}", self.agent.host_label(), self.port)
    }

    fn from_label(label: &str) -> Option<Self> {
        let (agent, port) = label.rsplit_once('-')?;
        Some(Self { agent: AgentId::from_host_label(agent).ok()?, port: parse_port(port)? })
    }
}

fn by_path(rest: &str) -> Addressed {
    let path_end = rest.find('?').unwrap_or(rest.len());
    let (path, query) = rest.split_at(path_end);
    let mut parts = path.splitn(3, '/');
    let agent = parts.next().and_then(|agent| agent.parse().ok());
    let port = parts.next().and_then(parse_port);
    let (Some(agent), Some(port)) = (agent, port) else { return Addressed::Nothing };
    let prefix = format!("{PATH_PREFIX}{agent}/{port}");
    match parts.next() {
        Some(path) => Addressed::Port(Target {
            address: PortAddress { agent, port },
            form: Form::Path { prefix },
            path_and_query: format!("/{path}{query}"),
        }),
        None => Addressed::Redirect(format!("{prefix}/{query}")),
    }
}

/// One way to write each port, so that each has one origin: no sign, no leading zero.
fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| *port != 0 && port.to_string() == text)
}

fn host_of(parts: &Parts) -> Option<&str> {
    // An absolute request target goes before the header (RFC 9112, 3.2.2).
    parts.uri.authority().map(|authority| authority.as_str()).or_else(|| {
        let host = parts.headers.get(header::HOST)?;
        host.to_str().ok()
    })
}

fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const AGENT: &str = "agt_01HX0000000000000000000001";

    fn address(port: u16) -> PortAddress {
        PortAddress { agent: AGENT.parse().unwrap(), port }
    }

    fn find(public: &str, host: &str, target: &str) -> Addressed {
        let request = Request::get(target).header("host", host).body(()).unwrap();
        public.parse::<PublicUrl>().unwrap().find(&request.into_parts().0)
    }

    #[test]
    fn what_is_made_is_found_again() {
        for public in ["http://localhost:7070", "https://theazo.example.com"] {
            let url: PublicUrl = public.parse().unwrap();
            let own: Uri = format!("{}/a/b?c=d", url.of_port(address(8080))).parse().unwrap();
            let target = Target {
                address: address(8080),
                form: Form::Host,
                path_and_query: "/a/b?c=d".to_owned(),
            };
            let host = own.authority().unwrap().as_str();
            assert_eq!(find(public, host, "/a/b?c=d"), Addressed::Port(target.clone()));
            let upper = host.to_ascii_uppercase();
            assert_eq!(find(public, &upper, "/a/b?c=d"), Addressed::Port(target.clone()));

            let path: Uri = format!("{}a/b?c=d", url.path_of_port(address(8080))).parse().unwrap();
            let prefix = format!("/v1/ports/{AGENT}/8080");
            let target = Target { form: Form::Path { prefix }, ..target };
            let by_path = path.path_and_query().unwrap().as_str();
            assert_eq!(find(public, "localhost", by_path), Addressed::Port(target));
        }
    }

    #[test]
    fn an_address_for_a_host_gives_names_that_resolve() {
        let url = |public: &str| public.parse::<PublicUrl>().unwrap().of_port(address(80));
        let label = "agt-01hx0000000000000000000001-80";
        assert_eq!(url("http://127.0.0.1:7070"), format!("http://{label}.localhost:7070"));
        assert_eq!(url("http://[::1]:7070"), format!("http://{label}.localhost:7070"));
        assert_eq!(url("https://theazo.dev"), format!("https://{label}.theazo.dev"));
        assert_eq!(url("http://192.0.2.7"), format!("http://192.0.2.7/v1/ports/{AGENT}/80/"));
    }

    #[test]
    fn the_path_form_without_its_slash_is_sent_to_the_one_with() {
        let to = format!("/v1/ports/{AGENT}/80/?a=1");
        let from = format!("/v1/ports/{AGENT}/80?a=1");
        assert_eq!(find("http://localhost", "localhost", &from), Addressed::Redirect(to));
    }

    #[test]
    fn what_only_looks_like_a_port_is_nothing() {
        let hosts = [
            "agt-.localhost",
            "agt-01hx0000000000000000000001.localhost",
            "agt-01hx0000000000000000000001-0.localhost",
            "agt-01hx0000000000000000000001-080.localhost",
            "agt-01hx0000000000000000000001-65536.localhost",
            "agt-01hx0000000000000000000001-+80.localhost",
        ];
        for host in hosts {
            assert_eq!(find("http://localhost", host, "/"), Addressed::Nothing, "{host}");
        }
        for path in ["/v1/ports/", "/v1/ports/agt_x/80/", "/v1/ports//80/", "/v1/ports/x"] {
            assert_eq!(find("http://localhost", "localhost", path), Addressed::Nothing, "{path}");
        }
    }

    #[test]
    fn another_host_is_the_api() {
        for host in ["localhost:7070", "a.localhost", "agt-1-2.example.com", "127.0.0.1", "::1"] {
            assert_eq!(find("http://localhost", host, "/v1/agents"), Addressed::Api, "{host}");
        }
    }

    #[test]
    fn only_an_origin_is_a_public_url() {
        for text in ["localhost", "ftp://a", "http://a/b", "http://a?b", "http://u@a", ""] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
