//! A way to a server that breaks at the worst moment.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// What is cut, and not let through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Acknowledgements: what they are for is stored.
    Acknowledgement,
    /// Publishes: they never arrive.
    Publish,
}

/// Forwards to a server, and cuts the connection at every so-manieth `Cut`.
pub struct Proxy {
    port: u16,
    plan: Arc<Plan>,
    _accepting: AbortOnDropHandle<()>,
}

struct Plan {
    cut: Cut,
    every: u64,
    seen: AtomicU64,
    cuts: AtomicU64,
}

impl Plan {
    fn cuts(&self, cut: Cut, bytes: &[u8]) -> bool {
        let sign: &[u8] = match cut {
            Cut::Acknowledgement => b"\"seq\":",
            Cut::Publish => b"Nats-Expected-Last-S",
        };
        if self.cut != cut || !bytes.windows(sign.len()).any(|window| window == sign) {
            return false;
        }
        let cuts = self.seen.fetch_add(1, Ordering::Relaxed) % self.every == self.every - 1;
        self.cuts.fetch_add(u64::from(cuts), Ordering::Relaxed);
        cuts
    }
}

impl Proxy {
    pub async fn to(port: u16, cut: Cut, every: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let plan = Arc::new(Plan { cut, every, seen: AtomicU64::new(0), cuts: AtomicU64::new(0) });
        let own = listener.local_addr().unwrap().port();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&plan)));
        Self { port: own, plan, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// How often it has cut.
    pub fn cuts(&self) -> u64 {
        self.plan.cuts.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, plan: Arc<Plan>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(server).await else { continue };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            tokio::select! {
                () = forward(from_client, to_server, Cut::Publish, &plan) => (),
                () = forward(from_server, to_client, Cut::Acknowledgement, &plan) => (),
            }
        });
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cut: Cut, plan: &Plan) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if plan.cuts(cut, &buffer[..count]) || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
