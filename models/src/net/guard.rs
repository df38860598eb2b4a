//! Which addresses a URL of AgentCo may lead to.
//!
//! [`Guard::check_url`] refuses early and says why; it cannot know what a name will resolve to.
//! What counts is the check when the connection is made, on the very addresses that are dialled:
//! a name that resolved well a second ago may resolve to our own network now.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::dns::Name;
use theazo_domain::address::is_public;
use tower::Service;

use super::{Client, NetError};

/// A rule about addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    allow_private: bool,
}

impl Guard {
    /// `allow_private` lets everything pass: for the operator's own URLs, and for servers whose
    /// operator has said that AgentCo may use the private network.
    pub const fn new(allow_private: bool) -> Self {
        Self { allow_private }
    }

    /// Whether an address may be dialled.
    pub fn allows(self, ip: IpAddr) -> bool {
        self.allow_private || is_public(ip)
    }

    /// Refuses what can be refused without a look-up, and says why.
    pub fn check_url(self, url: &str) -> Result<(), String> {
        let uri: Uri = url.parse().map_err(|_| "is not a URL".to_owned())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("must begin with http:// or https://".to_owned());
        }
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err("must not hold a user name or password".to_owned());
        }
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err("must name a host".to_owned());
        }
        self.check_host(host)
    }

    /// The literal addresses and the names that lead home by definition.
    pub(super) fn check_host(self, host: &str) -> Result<(), String> {
        if let Some(ip) = literal(host) {
            return if self.allows(ip) { Ok(()) } else { Err(refusal(host)) };
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        // `127.1`, `2130706433`, `0x7f.1`: resolvers take them for addresses, so we call them so.
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit());
        if is_number && !self.allow_private {
            return Err(format!("`{host}` is not a name; write an address as 203.0.113.7"));
        }
        let homely = ["localhost", "local", "internal"];
        let is_homely = homely.iter().any(|suffix| {
            name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if is_homely && !self.allow_private { Err(refusal(host)) } else { Ok(()) }
    }
}

/// [`Guard::check_url`] for the internet only.
pub fn check_url(url: &str) -> Result<(), String> {
    Guard::new(false).check_url(url)
}

/// A client for URLs of AgentCo.
pub fn guarded_client(allow_private: bool) -> Result<Client, NetError> {
    Client::new(Guard::new(allow_private))
}

fn refusal(host: &str) -> String {
    format!("`{host}` is an address of this machine or a private network, which is not allowed")
}

fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    inner.parse().ok()
}

/// Why a connection was not even tried.
#[derive(Debug)]
pub(super) struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Refused {}

/// The system's resolver, whose answers pass the guard.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver(pub Guard);

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (allowed, refused): (Vec<_>, Vec<_>) =
                found.partition(|address| guard.allows(address.ip()));
            match (allowed.is_empty(), refused.is_empty()) {
                (false, _) => Ok(allowed.into_iter()),
                (true, false) => Err(Refused(refusal(name.as_str())).into()),
                (true, true) => Err(io::Error::other("the name has no address").into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_lead_home_are_refused() {
        for url in [
            "http://127.0.0.1/",
            "https://10.1.2.3:8080/v1",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://localhost:11434/v1",
            "http://LOCALHOST./",
            "http://metadata.google.internal/",
            "http://printer.local",
            "http://0.0.0.0/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0x1/",
            "https://user:pass@example.com/",
            "ftp://example.com/",
            "example.com",
            "/v1",
            "",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
        for url in ["https://openrouter.ai/api/v1", "http://1.1.1.1/", "https://local.example"] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        assert_eq!(Guard::new(true).check_url("http://127.0.0.1:11434/v1"), Ok(()));
    }

    #[tokio::test]
    async fn names_are_checked_by_what_they_resolve_to() {
        let ask = |guard: Guard, name: &str| GuardedResolver(guard).call(name.parse().unwrap());
        // Not a literal address to the URL, but one to the resolver.
        for name in ["localhost", "2130706433", "0x7f.1"] {
            let Err(error) = ask(Guard::new(false), name).await else {
                panic!("{name} was resolved")
            };
            assert!(error.is::<Refused>() || error.is::<io::Error>(), "{name}: {error}");
        }
        assert!(ask(Guard::new(false), "localhost").await.is_err());
        assert!(ask(Guard::new(true), "localhost").await.is_ok());
    }
}
