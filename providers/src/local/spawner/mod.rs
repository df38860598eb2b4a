//! The spawner: a process with one thread that clones sandboxes and outlives the host just long
//! enough to end them.

mod birth;
mod root;

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use self::birth::Nursery;
use super::cgroup;
use super::folder::Folder;
use super::wire::{self, Order, Report};

/// How long the kernel gets to end what was killed, and how often that is looked at, in
/// milliseconds.
const END_TIME: Duration = Duration::from_secs(10);
const END_POLL: u8 = 100;

/// The spawner's whole life. The program that [`super::LocalConfig::spawner`] names calls this
/// before it starts any thread, with the control socket as its stdin.
pub fn spawner_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox spawner: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Spawner<'fd> {
    control: BorrowedFd<'fd>,
    nursery: Nursery,
    /// The id of each sandbox that runs, by its PID 1.
    running: HashMap<Pid, String>,
}

fn run() -> io::Result<()> {
    let stdin = io::stdin();
    let control = stdin.as_fd();
    let children = quiet_signals()?;
    let Some((Order::Setup { data_dir, cgroups }, locks)) = wire::receive(control)? else {
        return Err(io::Error::other("this program is started by the local provider only"));
    };
    let nursery = match Nursery::open(&data_dir) {
        Ok(nursery) => nursery,
        Err(error) => {
            let message = error.to_string();
            return wire::send(control, &Report::NotReady { message }, &[]);
        }
    };
    wire::send(control, &Report::Ready, &[])?;
    let mut spawner = Spawner { control, nursery, running: HashMap::new() };
    let served = spawner.serve(&children);
    spawner.kill_all();
    let swept = sweep(&data_dir, &cgroups, &children);
    // Only now may another server have the data directory.
    drop::<Vec<OwnedFd>>(locks);
    served.and(swept)
}

/// Removes all that sandboxes had but their files: of those that ran, those whose end the host did
/// not live to hear, and those it was just about to make.
fn sweep(data_dir: &Path, cgroups: &[PathBuf], children: &SignalFd) -> io::Result<()> {
    let groups = cgroup::sweep(cgroups);
    cgroup::remove_bases(cgroups);
    // With its PID 1 a sandbox's mounts are gone, so that they can be made again.
    let ended = groups.and(wait_for_children(children));
    match Folder::open_existing(data_dir)? {
        Some(folder) => ended.and(folder.sweep().map(drop)),
        None => ended,
    }
}

/// Waits until every sandbox that was killed has ended.
fn wait_for_children(children: &SignalFd) -> io::Result<()> {
    let deadline = Instant::now() + END_TIME;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return Ok(()),
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "a sandbox does not end"));
        }
        let mut watched = [PollFd::new(children.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::from(END_POLL)) {
            Err(error) if error != Errno::EINTR => return Err(error.into()),
            _ => while children.read_signal()?.is_some() {},
        }
    }
}

/// A terminal's Ctrl-C and a service manager's stop are for the host: the spawner ends when the
/// host has ended.
fn quiet_signals() -> io::Result<SignalFd> {
    let _ = nix::unistd::setsid();
    for ignored in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGPIPE] {
        // SAFETY: ignoring a signal runs no code.
        unsafe { signal(ignored, SigHandler::SigIgn) }?;
    }
    let mut watched = SigSet::empty();
    watched.add(Signal::SIGCHLD);
    watched.thread_block()?;
    Ok(SignalFd::with_flags(&watched, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

impl Spawner<'_> {
    /// Serves until the host is gone.
    fn serve(&mut self, children: &SignalFd) -> io::Result<()> {
        loop {
            let mut watched = [
                PollFd::new(self.control, PollFlags::POLLIN),
                PollFd::new(children.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut watched, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let ready = |index: usize| watched[index].any().unwrap_or(true);
            let (ordered, died) = (ready(0), ready(1));
            if died {
                while children.read_signal()?.is_some() {}
                self.reap()?;
            }
            if ordered {
                match wire::receive(self.control)? {
                    None => return Ok(()),
                    Some((order, _)) => self.obey(order)?,
                }
            }
        }
    }

    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Setup { .. } => Err(io::Error::other("set up twice")),
            Order::Create(order) => {
                let id = order.id.clone();
                match self.nursery.create(&order) {
                    Ok((pid, socket)) => {
                        self.running.insert(pid, id.clone());
                        self.tell(&Report::Created { id }, &[socket.as_raw_fd()])
                    }
                    Err(error) => {
                        self.tell(&Report::NotCreated { id, message: error.to_string() }, &[])
                    }
                }
            }
            Order::Destroy { id } => {
                match self.running.iter().find(|(_, running)| **running == id) {
                    // It is reported when it has been reaped.
                    Some((pid, _)) => kill_quietly(*pid),
                    None => self.tell(&Report::Ended { id }, &[]),
                }
            }
        }
    }

    fn tell(&self, report: &Report, fds: &[RawFd]) -> io::Result<()> {
        match wire::send(self.control, report, fds) {
            // The host has just gone; the next receive says so too.
            Err(error) if is_closed(&error) => Ok(()),
            other => other,
        }
    }

    /// Reports every sandbox that has ended. Waiting for a PID 1 waits for its whole namespace.
    fn reap(&mut self) -> io::Result<()> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(status) => {
                    let ended = status.pid().and_then(|pid| self.running.remove(&pid));
                    if let Some(id) = ended {
                        self.tell(&Report::Ended { id }, &[])?;
                    }
                }
            }
        }
    }

    /// Kills every sandbox. What is frozen by a version 1 cgroup dies when the sweep thaws it.
    fn kill_all(&self) {
        for (pid, id) in &self.running {
            if let Err(error) = kill_quietly(*pid) {
                eprintln!("sandbox spawner: {id} cannot be killed: {error}");
            }
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn kill_quietly(pid: Pid) -> io::Result<()> {
    match kill(pid, Signal::SIGKILL) {
        Err(Errno::ESRCH) => Ok(()),
        other => Ok(other?),
    }
}
