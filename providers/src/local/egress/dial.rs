//! Connecting to the world on a sandbox's behalf.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::policy::{Policy, normal};

const LOOK_UP_TIME: Duration = Duration::from_secs(5);
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Why nothing was connected.
#[derive(Debug)]
pub enum Refused {
    /// The sandbox may not reach it.
    Forbidden,
    /// It does not exist or does not answer.
    Unreachable,
}

/// Connects to the first of the host's addresses that is allowed and answers.
pub async fn dial(policy: &Policy, host: &str, port: u16) -> Result<TcpStream, Refused> {
    let addresses = look_up(policy, host, port).await?;
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            // Without it small answers wait; a connection works as well without.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(Refused::Unreachable)
}

/// The addresses of a host that may be dialled.
pub async fn look_up(policy: &Policy, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    if !policy.allows(host) {
        return Err(Refused::Forbidden);
    }
    let found = resolve(policy, host, port).await.map_err(|_| Refused::Unreachable)?;
    let allowed: Vec<_> = found.iter().copied().filter(|a| policy.may_dial(*a)).collect();
    match (allowed.is_empty(), found.is_empty()) {
        (true, true) => Err(Refused::Unreachable),
        (true, false) => Err(Refused::Forbidden),
        _ => Ok(allowed),
    }
}

/// Whether a name has any address that is not forbidden on every port.
pub async fn exists(policy: &Policy, name: &str) -> bool {
    // The port matters only to the operator's exceptions, which may be on any.
    let Ok(found) = resolve(policy, name, 0).await else { return false };
    found.iter().any(|address| policy.may_dial_some_port(address.ip()))
}

async fn resolve(policy: &Policy, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = normal(host.trim_start_matches('[').trim_end_matches(']'));
    if let Some(ip) = policy.hosts.get(&host) {
        return Ok(vec![SocketAddr::new(*ip, port)]);
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = timeout(LOOK_UP_TIME, lookup_host((host.as_str(), port)));
    match found.await {
        Ok(found) => Ok(found?.collect()),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the name was not resolved")),
    }
}
