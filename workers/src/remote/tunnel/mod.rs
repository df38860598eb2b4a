//! A stream of bytes, both ways, over the message bus.
//!
//! ```text
//!  Tunnel ─▶ pipe ─▶ pump ═══ numbered messages ═══▶ pump ─▶ pipe ─▶ Tunnel
//!         ◀─      ◀─      ◀═════════════════════════      ◀─      ◀─
//! ```
//!
//! The bus may lose messages, so each has a number, and the first that is not the next one ends the
//! tunnel: a reader gets every byte up to the sender's end of it, or an error. A sender has credit
//! for [`WINDOW`] bytes that the other side's user has not read yet; so neither side holds more,
//! however slow the other is. Who has nothing to say says so every [`PING`], and who was not heard
//! for [`SILENCE`] is taken for dead.

mod endpoint;
mod frame;
mod pump;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use theazo_log::bus::BusError;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_util::sync::DropGuard;

pub(crate) use endpoint::{Endpoint, OpenError};

/// Bytes of one message, at most.
const CHUNK: usize = 128 << 10;
/// Bytes that one side may have sent and the other not yet read.
const WINDOW: usize = 1 << 20;
/// What a message counts in the window at least, so that many small ones are few too.
const LEAST: usize = 1 << 10;
/// Between two messages of one side.
const PING: Duration = Duration::from_secs(2);
/// After which the other side is taken for dead.
const SILENCE: Duration = Duration::from_secs(8);

/// Why a tunnel did not come to its proper end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("a message was lost or came twice")]
    OutOfOrder,
    #[error("the other side has not been heard for {} s", SILENCE.as_secs())]
    Silent,
    #[error("the other side broke it off: {0}")]
    Reset(String),
    #[error("the other side did not keep to the protocol")]
    Protocol,
    #[error("it was let go before its end")]
    Dropped,
    #[error("this process is being stopped")]
    Stopping,
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        let kind = match broken {
            Broken::Silent => io::ErrorKind::TimedOut,
            Broken::Reset(_) | Broken::Bus(_) => io::ErrorKind::ConnectionReset,
            _ => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, broken)
    }
}

/// What a tunnel and its pump both know.
#[derive(Default)]
struct Fate {
    /// Everything that the other side has said is in the pipe.
    whole: AtomicBool,
    /// The user has said all.
    shut: AtomicBool,
    broken: OnceLock<Broken>,
}

/// One end of a tunnel. To be shut down when all is said: dropped before, it breaks.
pub(crate) struct Tunnel {
    heard: DuplexStream,
    said: DuplexStream,
    fate: Arc<Fate>,
    /// Tells the pump when this is dropped.
    _gone: DropGuard,
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.heard).poll_read(cx, buf))?;
        let ended = buf.filled().len() == before && buf.remaining() > 0;
        if ended && !self.fate.whole.load(Ordering::Acquire) {
            let broken = self.fate.broken.get().cloned().unwrap_or(Broken::Stopping);
            return Poll::Ready(Err(broken.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.said).poll_write(cx, buf));
        Poll::Ready(written.map_err(|error| match self.fate.broken.get() {
            Some(broken) => broken.clone().into(),
            None => error,
        }))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.said).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fate.shut.store(true, Ordering::Release);
        Pin::new(&mut self.said).poll_shutdown(cx)
    }
}
