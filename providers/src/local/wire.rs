//! What host, spawner and sandbox tell each other: one JSON message per packet of a SEQPACKET
//! socket, with descriptors beside it.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nix::cmsg_space;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contract::Limits;

/// The largest message. All of them are small; code and variables travel in a memfd.
const MAX_MESSAGE: usize = 32 << 10;
/// The most descriptors beside one message.
const MAX_FDS: usize = 8;

/// Host to spawner.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// The first one. Beside it: the data directory's lock, to be held until the spawner's end.
    Setup {
        data_dir: PathBuf,
        /// The provider's own group in each hierarchy.
        cgroups: Vec<PathBuf>,
    },
    Create(Box<CreateOrder>),
    /// Kill it and everything in it.
    Destroy {
        id: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct CreateOrder {
    pub id: String,
    /// Its uid and gid on the host.
    pub uid: u32,
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// The files of a snapshot to lie under `/workspace`.
    pub lower: Option<PathBuf>,
    /// The cgroups it goes into, absolute.
    pub cgroups: Vec<PathBuf>,
    pub limits: Limits,
    /// Whether memory and processes are not limited by a cgroup and must be by rlimits.
    pub rlimits: Fallback,
    /// Whether to make the sockets of DNS and proxy.
    pub egress: bool,
    /// The Python interpreter, if the machine has one that a sandbox sees.
    pub python: Option<String>,
    /// The variables every program of the sandbox gets.
    pub env: Vec<(String, String)>,
}

/// Which limits no cgroup keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    pub memory: bool,
    pub pids: bool,
}

/// Spawner to host.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    Ready,
    NotReady {
        message: String,
    },
    /// Beside it: the socket of the sandbox's PID 1.
    Created {
        id: String,
    },
    NotCreated {
        id: String,
        message: String,
    },
    /// Its PID 1 has ended, and with it every process of the sandbox.
    Ended {
        id: String,
    },
}

/// Host to PID 1.
#[derive(Debug, Serialize, Deserialize)]
pub enum Ask {
    /// Beside it: stdin, stdout, stderr, and the arguments and variables (see [`Payload`]).
    Exec { id: u64, how: How, writable: bool },
    /// Kill what runs as exec `id`, with all it started.
    Kill { id: u64 },
    /// Make a TCP socket in the sandbox's network.
    Socket { id: u64 },
    /// Start the Python interpreter now.
    WarmPython,
    /// Kill every process but PID 1, and wait until they are gone.
    KillAll { id: u64 },
    /// Stop, or continue, every process but PID 1: for where no cgroup freezes.
    SetStopped { id: u64, stopped: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Run the payload's arguments.
    Program,
    /// Fork the warm interpreter, with stdin as the code; the payload's arguments do the same
    /// without it.
    Python,
}

/// PID 1 to host.
#[derive(Debug, Serialize, Deserialize)]
pub enum Tell {
    /// Beside it: the sandbox's root, then the egress sockets in the order of `sockets::open`.
    Ready,
    NotReady {
        message: String,
    },
    Exited {
        id: u64,
        ended: Ended,
    },
    /// Beside it, when it worked: the socket.
    Socket {
        id: u64,
        errno: Option<i32>,
    },
    /// Whether `KillAll` or `SetStopped` has come to its end.
    Done {
        id: u64,
        done: bool,
    },
}

/// How an exec ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The exit status; 128 + n when signal n ended it.
    pub code: i32,
    /// Whether the process table was full, so that what was left of it was killed.
    pub swept: bool,
}

/// Arguments and variables of a program, as bytes for a memfd: each ends with NUL, and an empty one
/// separates the two.
pub struct Payload;

impl Payload {
    pub fn encode<'a>(
        args: impl IntoIterator<Item = &'a str>,
        env: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        for arg in args {
            bytes.extend_from_slice(arg.as_bytes());
            bytes.push(0);
        }
        bytes.push(0);
        for (name, value) in env {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b'=');
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    /// The arguments and the variables, each with its NUL.
    pub fn decode(bytes: &[u8]) -> (Vec<&[u8]>, Vec<&[u8]>) {
        let mut args = Vec::new();
        let mut env = Vec::new();
        let mut in_env = false;
        for text in bytes.split_inclusive(|b| *b == 0) {
            match (in_env, text) {
                (false, b"\0") => in_env = true,
                (false, arg) => args.push(arg),
                (true, variable) => env.push(variable),
            }
        }
        (args, env)
    }
}

/// The two ends of a new channel, closed on exec.
pub fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    let ends = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    Ok(ends)
}

/// Sends one message; on a non-blocking socket that is full, `WouldBlock`.
pub fn send<M: Serialize>(to: BorrowedFd<'_>, message: &M, fds: &[RawFd]) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    send_bytes(to, &bytes, fds)
}

pub fn send_bytes(to: BorrowedFd<'_>, bytes: &[u8], fds: &[RawFd]) -> io::Result<()> {
    if bytes.len() > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "message too long"));
    }
    let rights = [ControlMessage::ScmRights(fds)];
    let beside = if fds.is_empty() { &rights[..0] } else { &rights[..] };
    loop {
        let sent = sendmsg::<()>(
            to.as_raw_fd(),
            &[IoSlice::new(bytes)],
            beside,
            MsgFlags::MSG_NOSIGNAL,
            None,
        );
        match sent {
            Err(nix::Error::EINTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Receives one message; `None` when the other end is closed.
pub fn receive<M: DeserializeOwned>(from: BorrowedFd<'_>) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    match receive_bytes(from)? {
        None => Ok(None),
        Some((bytes, fds)) => Ok(Some((serde_json::from_slice(&bytes)?, fds))),
    }
}

pub fn receive_bytes(from: BorrowedFd<'_>) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut buffer = vec![0u8; MAX_MESSAGE];
    let mut beside = cmsg_space!([RawFd; MAX_FDS]);
    let (length, fds) = loop {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let received = recvmsg::<()>(
            from.as_raw_fd(),
            &mut parts,
            Some(&mut beside),
            MsgFlags::MSG_CMSG_CLOEXEC,
        );
        match received {
            Err(nix::Error::EINTR) => continue,
            // The other end was closed with something of ours unread.
            Err(nix::Error::ECONNRESET) => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(message) => {
                let mut fds = Vec::new();
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(raw) = part {
                        // SAFETY: the kernel has just made these descriptors for us alone.
                        fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                    }
                }
                break (message.bytes, fds);
            }
        }
    };
    if length == 0 {
        return Ok(None);
    }
    buffer.truncate(length);
    Ok(Some((buffer, fds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_keeps_arguments_and_variables_apart() {
        let bytes = Payload::encode(["bash", "-c", "x"], [("A", "1"), ("B", "")]);
        let (args, env) = Payload::decode(&bytes);
        assert_eq!(args, [&b"bash\0"[..], b"-c\0", b"x\0"]);
        assert_eq!(env, [&b"A=1\0"[..], b"B=\0"]);
        assert_eq!(Payload::decode(&Payload::encode([], [])), (vec![], vec![]));
    }
}
