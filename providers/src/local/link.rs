//! A channel of `wire` messages, from tokio.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{Shutdown, shutdown};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::wire;

pub struct Link(AsyncFd<OwnedFd>);

impl Link {
    /// Must be called in a tokio runtime.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let both = Interest::READABLE | Interest::WRITABLE;
        // SAFETY: the descriptor is owned by the registration and stays open and the same with it.
        Ok(Self(unsafe { AsyncFd::register_with_interest(socket, both) }?))
    }

    pub async fn send<M: Serialize>(&self, message: &M, fds: &[RawFd]) -> io::Result<()> {
        self.0.async_io(Interest::WRITABLE, |fd| wire::send(fd.as_fd(), message, fds)).await
    }

    /// Sends without waiting; `WouldBlock` when the other end has much to read.
    pub fn try_send<M: Serialize>(&self, message: &M) -> io::Result<()> {
        wire::send(self.0.get_ref().as_fd(), message, &[])
    }

    /// The next message; `None` when the other end is closed.
    pub async fn receive<M: DeserializeOwned>(&self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        self.0.async_io(Interest::READABLE, |fd| wire::receive(fd.as_fd())).await
    }

    /// Ends both directions: the other end sees its channel closed, and so does [`Self::receive`].
    pub fn close(&self) {
        // ENOTCONN: the other end was faster.
        let _ = shutdown(self.0.get_ref().as_raw_fd(), Shutdown::Both);
    }
}
