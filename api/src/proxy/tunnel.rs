//! A connection that has changed its protocol (a WebSocket): bytes, both ways, until one side
//! closes it, nothing has crossed it for long, or the server stops.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio_util::sync::CancellationToken;

/// Carries bytes between `caller` and `sandbox`. A tunnel is closed after it was silent for
/// `silence`, at the latest after twice that.
pub async fn carry(
    caller: impl AsyncRead + AsyncWrite + Unpin,
    mut sandbox: impl AsyncRead + AsyncWrite + Unpin,
    silence: Duration,
    stop: &CancellationToken,
) -> io::Result<()> {
    let crossed = Arc::new(AtomicU64::new(0));
    // Whatever crosses the tunnel passes the caller's end.
    let mut caller = Counted { inner: caller, bytes: crossed.clone() };
    let copying = copy_bidirectional(&mut caller, &mut sandbox);
    tokio::select! {
        copied = copying => copied.map(|_| ()),
        () = silent(&crossed, silence) => Ok(()),
        () = stop.cancelled() => Ok(()),
    }
}

/// Returns when `bytes` was the same at both ends of a `period`.
async fn silent(bytes: &AtomicU64, period: Duration) {
    loop {
        let before = bytes.load(Ordering::Relaxed);
        tokio::time::sleep(period).await;
        if bytes.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// Counts the bytes that are read from and written to `inner`.
struct Counted<T> {
    inner: T,
    bytes: Arc<AtomicU64>,
}

impl<T> Counted<T> {
    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.count(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.count(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn bytes_cross_both_ways_until_both_sides_have_closed() {
        let (mut client, near) = duplex(64);
        let (far, mut server) = duplex(64);
        let stop = CancellationToken::new();
        let tunnel = async { carry(near, far, LONG, &stop).await };
        let talk = async {
            client.write_all(b"ping").await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = String::new();
            server.read_to_string(&mut heard).await.unwrap();
            server.write_all(b"pong").await.unwrap();
            drop(server);
            client.read_to_string(&mut heard).await.unwrap();
            heard
        };
        let (carried, heard) = tokio::join!(tunnel, talk);
        carried.unwrap();
        assert_eq!(heard, "pingpong");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_tunnel_is_closed_and_a_busy_one_is_not() {
        let (mut client, near) = duplex(64);
        let (far, mut server) = duplex(64);
        let stop = CancellationToken::new();
        let began = tokio::time::Instant::now();
        let talk = async {
            for _ in 0..10 {
                tokio::time::sleep(LONG / 2).await;
                client.write_all(b".").await.unwrap();
                server.read_u8().await.unwrap();
            }
        };
        let tunnel = async { carry(near, far, LONG, &stop).await };
        let (carried, ()) = tokio::join!(tunnel, talk);
        carried.unwrap();
        assert!(began.elapsed() > LONG * 5 && began.elapsed() <= LONG * 7, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_server_that_stops_closes_its_tunnels() {
        let (_client, near) = duplex(64);
        let (far, _server) = duplex(64);
        let stop = CancellationToken::new();
        stop.cancel();
        carry(near, far, LONG, &stop).await.unwrap();
    }
}
