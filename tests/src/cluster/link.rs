//! The way between one process and NATS, which can be cut and mended.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It arrives.
    Open,
    /// It is held back, and arrives when the way is open again: a network that is away for a while.
    Silent,
    /// Connections are closed, and new ones at once: a network that says so.
    Closed,
}

/// A port that leads to another one, while it does.
pub(crate) struct Link {
    pub port: u16,
    way: watch::Sender<Way>,
    accepting: JoinHandle<()>,
}

impl Link {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let way = watch::Sender::new(Way::Open);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let accepting = tokio::spawn(accept(listener, target, way.subscribe()));
        Self { port: own, way, accepting }
    }

    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }
}

/// Its connections end too: who watches the way sees that it is gone.
impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, way: watch::Receiver<Way>) {
    loop {
        let (from, _) = listener.accept().await.unwrap();
        if *way.borrow() != Way::Closed {
            tokio::spawn(connect(from, target, way.clone()));
        }
    }
}

async fn connect(from: TcpStream, target: SocketAddr, way: watch::Receiver<Way>) {
    if !passes(&mut way.clone()).await {
        return;
    }
    // Nobody there: the connection is closed, as it would be without us.
    let Ok(to) = TcpStream::connect(target).await else { return };
    for stream in [&from, &to] {
        if stream.set_nodelay(true).is_err() {
            return;
        }
    }
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::select! {
        () = pump(from_read, to_write, way.clone()) => {}
        () = pump(to_read, from_write, way) => {}
    }
}

/// Waits until the way is open; false when it is closed instead, or gone.
async fn passes(way: &mut watch::Receiver<Way>) -> bool {
    way.wait_for(|way| *way != Way::Silent).await.is_ok_and(|way| *way == Way::Open)
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read,
            // What has come is held back here, or this ends.
            changed = way.changed() => match changed.is_ok() && passes(&mut way).await {
                true => continue,
                false => return,
            },
        };
        let Ok(length @ 1..) = read else { return };
        if !passes(&mut way).await || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
