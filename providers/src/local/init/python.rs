//! The warm Python interpreter of a sandbox, of which each Python exec is a fork.
//!
//! It runs as the tenant, so the tenant's code can kill it, stop it, or speak in its name. PID 1
//! trusts it with nothing: a pid it names can only be one of this sandbox, and an exec it does not
//! start is run without it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

use super::child::{self, Given};
use crate::local::sys;
use crate::local::wire::{self, CreateOrder, Payload};

const SCRIPT: &str = "/opt/theazo/python.py";

pub struct Python {
    pub pid: Pid,
    channel: OwnedFd,
}

/// What the interpreter says.
pub enum Said {
    Ready,
    Started {
        id: u64,
        pid: Pid,
    },
    Ended {
        pid: Pid,
        code: i32,
    },
    /// It could not fork.
    NotStarted {
        id: u64,
    },
    /// It has ended, or what it says cannot be understood.
    Lost,
}

impl Python {
    /// Starts it, with the variables of the sandbox.
    pub fn start(program: &str, order: &CreateOrder) -> io::Result<Self> {
        let (ours, theirs) = wire::channel()?;
        // An interpreter that was stopped must not stop PID 1.
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let env = order.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let payload = sys::memfd(&Payload::encode([program, SCRIPT], env))?;
        let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
        let null = null.as_raw_fd();
        let stdio = [null, null, null];
        let pid = child::spawn(order, stdio, &payload, Some(theirs.as_raw_fd()), true)?;
        Ok(Self { pid, channel: ours })
    }

    pub fn channel(&self) -> &OwnedFd {
        &self.channel
    }

    /// Asks for a fork that becomes exec `id`, without waiting for it.
    pub fn fork(&self, id: u64, given: &Given) -> io::Result<()> {
        wire::send_bytes(self.channel.as_fd(), id.to_string().as_bytes(), &given.all())
    }

    pub fn hear(&self) -> Said {
        match wire::receive_bytes(self.channel.as_fd()) {
            Ok(Some((bytes, _))) => parse(&bytes).unwrap_or(Said::Lost),
            Ok(None) | Err(_) => Said::Lost,
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Said> {
    let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
    let kind = words.next()?;
    let first: u64 = words.next()?.parse().ok()?;
    let second: i32 = words.next()?.parse().ok()?;
    let pid = |value: i32| (value > 1).then(|| Pid::from_raw(value));
    match kind {
        "R" => Some(Said::Ready),
        "S" => Some(Said::Started { id: first, pid: pid(second)? }),
        "X" => Some(Said::Ended { pid: pid(i32::try_from(first).ok()?)?, code: second }),
        "F" => Some(Said::NotStarted { id: first }),
        _ => None,
    }
}
