//! What a sandbox reaches of the world, served by the host on sockets inside the sandbox's network.
//!
//! That network has a loopback device and nothing else; there is no route out. A program gets out
//! through the proxy that its variables name, or, knowing nothing of proxies, through DNS, which
//! answers an allowed name with an address of [`FAKE_NET`] whose ports 80 and 443 are ours too.
//! Either way the host dials by name, after its own look-up, and only addresses that are public.

mod dial;
mod dns;
mod names;
mod policy;
mod proxy;

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::task::AbortHandle;

use self::names::FakeNames;
pub use self::policy::Policy;

pub const PROXY_PORT: u16 = 3128;
pub const DNS_PORT: u16 = 53;
pub const TRANSPARENT_PORTS: [u16; 2] = [80, 443];
/// 198.18.0.0/15, set aside for benchmarks of networks (RFC 2544): no host of the internet.
pub const FAKE_NET: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
pub const FAKE_MASK: Ipv4Addr = Ipv4Addr::new(255, 254, 0, 0);

/// Ends a sandbox's egress when dropped. Connections end with the sandbox's processes.
pub struct Egress(AbortHandle);

impl Drop for Egress {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the sockets that PID 1 made, in the order it made them.
pub fn serve(sockets: Vec<OwnedFd>, policy: Policy) -> io::Result<Egress> {
    let mut sockets = sockets;
    let missing = || io::Error::other("the sandbox sent too few sockets");
    let dns = sockets.pop().ok_or_else(missing)?;
    let dns = UdpSocket::from_std(std::net::UdpSocket::from(dns))?;
    let listeners = sockets
        .into_iter()
        .map(|socket| TcpListener::from_std(std::net::TcpListener::from(socket)))
        .collect::<io::Result<Vec<_>>>()?;
    let [proxy, dns_tcp, http, https] =
        <[TcpListener; 4]>::try_from(listeners).map_err(|_| missing())?;
    let policy = Arc::new(policy);
    let names = Arc::new(FakeNames::default());
    let task = tokio::spawn(async move {
        tokio::join!(
            accept(proxy, |stream| proxy::serve(stream, Arc::clone(&policy))),
            accept(dns_tcp, |stream| {
                dns::serve_tcp(stream, Arc::clone(&policy), Arc::clone(&names))
            }),
            accept(http, |stream| {
                proxy::pass_through(stream, Arc::clone(&policy), Arc::clone(&names))
            }),
            accept(https, |stream| {
                proxy::pass_through(stream, Arc::clone(&policy), Arc::clone(&names))
            }),
            dns::serve_udp(dns, Arc::clone(&policy), Arc::clone(&names)),
        );
    });
    Ok(Egress(task.abort_handle()))
}

/// Serves connections, each in a task, until the listener fails, which it does with the sandbox.
async fn accept<F>(listener: TcpListener, serve: impl Fn(tokio::net::TcpStream) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let limit = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&limit).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = serve(stream);
                tokio::spawn(async move {
                    // A connection that breaks is the two ends' own affair.
                    if let Err(error) = serving.await {
                        tracing::debug!(%error, "a connection out of a sandbox ended");
                    }
                    drop(permit);
                });
            }
            Err(error) if is_transient(&error) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::warn!(%error, "a sandbox's egress cannot accept");
                return;
            }
        }
    }
}

/// How many connections of one kind a sandbox has at once.
const MAX_CONNECTIONS: usize = 128;

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
