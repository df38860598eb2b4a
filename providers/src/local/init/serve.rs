//! What PID 1 does all its life: start execs, end them, reap, and report.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::kill as send_signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::child::{self, Given};
use super::python::{Python, Said};
use super::{kill, net};
use crate::local::wire::{self, Ask, CreateOrder, Ended, How, Tell};

/// The status of what SIGKILL ended.
const KILLED: i32 = 128 + libc::SIGKILL;
/// The status of what could not be started.
const NOT_STARTED: i32 = 126;
/// The process table counts as full with this much room left.
const ROOM: u64 = 4;

/// How often a process table is looked at that may be filling up, and one that is not likely to.
const BUSY_TICK: Duration = Duration::from_millis(40);
const QUIET_TICK: Duration = Duration::from_secs(1);
/// For how long after an exec began what it left behind is looked at more often.
const BUSY_TIME: Duration = Duration::from_secs(5);

/// An exec that runs.
struct Job {
    /// Its main process, once it is known.
    pid: Option<Pid>,
    /// What it was given, while the interpreter may still fail to start it.
    given: Option<Given>,
    killed: bool,
}

struct Pid1<'o> {
    control: OwnedFd,
    count: Option<File>,
    order: &'o CreateOrder,
    jobs: HashMap<u64, Job>,
    python: Option<Python>,
    last_exec: Instant,
    last_look: Instant,
    /// Rises while the process table is found full, and falls while it is not.
    pressure: u32,
}

/// Serves until the host closes its end.
pub fn serve(
    control: OwnedFd,
    children: SignalFd,
    count: Option<File>,
    order: &CreateOrder,
) -> io::Result<()> {
    let now = Instant::now();
    let mut pid1 = Pid1 {
        control,
        count,
        order,
        jobs: HashMap::new(),
        python: None,
        last_exec: now,
        last_look: now,
        pressure: 0,
    };
    loop {
        let (asked, died, said) = pid1.wait(&children)?;
        // What the interpreter has said before it died comes before its death.
        if said {
            pid1.hear();
        }
        if died {
            while children.read_signal()?.is_some() {}
            pid1.reap();
        }
        if asked {
            match wire::receive(pid1.control.as_fd())? {
                None => return Ok(()),
                Some((ask, fds)) => pid1.answer(ask, fds),
            }
        }
        pid1.look();
    }
}

impl Pid1<'_> {
    fn wait(&self, children: &SignalFd) -> io::Result<(bool, bool, bool)> {
        let mut watched = vec![
            PollFd::new(self.control.as_fd(), PollFlags::POLLIN),
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(python) = &self.python {
            watched.push(PollFd::new(python.channel().as_fd(), PollFlags::POLLIN));
        }
        loop {
            match poll(&mut watched, self.tick()) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let ready = |index: usize| watched.get(index).is_some_and(|fd| fd.any().unwrap_or(true));
        Ok((ready(0), ready(1), ready(2)))
    }

    /// When to look at the process table again; never while nothing is left to run.
    fn tick(&self) -> PollTimeout {
        let (idle, limit) = (1 + u64::from(self.python.is_some()), self.limit());
        let tick = match self.processes() {
            Some(count) if count <= idle => return PollTimeout::NONE,
            None => return PollTimeout::NONE,
            Some(count) if count > limit / 2 || self.last_exec.elapsed() < BUSY_TIME => BUSY_TICK,
            Some(_) => QUIET_TICK,
        };
        PollTimeout::try_from(tick).unwrap_or(PollTimeout::NONE)
    }

    /// Ends what execs left behind once it fills the process table, before it keeps another exec
    /// from starting anything.
    fn look(&mut self) {
        if self.last_look.elapsed() < BUSY_TICK {
            return;
        }
        self.last_look = Instant::now();
        self.pressure = match self.is_full() {
            true => self.pressure + 2,
            false => self.pressure.saturating_sub(1),
        };
        if self.pressure > 2 {
            self.kill_leftovers();
            self.pressure = 0;
        }
    }

    /// Kills what belongs to no exec that runs.
    fn kill_leftovers(&self) {
        let python = self.python.iter().map(|python| python.pid);
        let kept: Vec<Pid> = self.jobs.values().filter_map(|job| job.pid).chain(python).collect();
        kill::all_but(&kept);
    }

    fn tell(&self, tell: &Tell, fds: &[std::os::fd::RawFd]) {
        // A host that is gone is noticed by the next wait.
        let _ = wire::send(self.control.as_fd(), tell, fds);
    }

    fn answer(&mut self, ask: Ask, fds: Vec<OwnedFd>) {
        match ask {
            Ask::Exec { id, how, writable } => match Given::take(fds) {
                None => self.finished(id, None, NOT_STARTED),
                Some(given) if how == How::Python => self.start_python(id, given),
                Some(given) => self.start(id, given, writable),
            },
            Ask::Kill { id } => self.kill(id),
            Ask::KillAll { id } => {
                self.sweep();
                self.tell(&Tell::Done { id, done: true }, &[]);
            }
            Ask::WarmPython => {
                self.ensure_python();
            }
            Ask::SetStopped { id, stopped } => {
                let done = if stopped { kill::stop_everything() } else { kill::go_on() };
                self.tell(&Tell::Done { id, done }, &[]);
            }
            Ask::Socket { id } => match net::tcp_socket() {
                Ok(socket) => {
                    self.tell(&Tell::Socket { id, errno: None }, &[socket.as_raw_fd()]);
                }
                Err(errno) => self.tell(&Tell::Socket { id, errno: Some(errno as i32) }, &[]),
            },
        }
    }

    fn start(&mut self, id: u64, given: Given, writable: bool) {
        self.make_room();
        let spawn = || child::spawn(self.order, given.stdio(), &given.payload, None, writable);
        let spawned = match spawn() {
            // Something left behind fills the process table, or the memory.
            Err(Errno::EAGAIN | Errno::ENOMEM) => {
                self.sweep();
                spawn()
            }
            other => other,
        };
        match spawned {
            Ok(pid) => {
                self.jobs.insert(id, Job { pid: Some(pid), given: None, killed: false });
            }
            Err(_) => self.finished(id, None, NOT_STARTED),
        }
    }

    fn start_python(&mut self, id: u64, given: Given) {
        self.make_room();
        if self.ensure_python() {
            let asked = self.python.as_ref().is_some_and(|python| python.fork(id, &given).is_ok());
            if asked {
                self.jobs.insert(id, Job { pid: None, given: Some(given), killed: false });
                return;
            }
            self.lose_python();
        }
        self.start(id, given, true);
    }

    fn make_room(&mut self) {
        self.last_exec = Instant::now();
        if self.is_full() {
            self.kill_leftovers();
            self.reap();
        }
    }

    fn ensure_python(&mut self) -> bool {
        if let (None, Some(program)) = (&self.python, &self.order.python) {
            self.python = Python::start(program, self.order).ok();
        }
        self.python.is_some()
    }

    fn hear(&mut self) {
        let Some(python) = &self.python else { return };
        match python.hear() {
            Said::Ready => {}
            Said::Started { id, pid } => {
                let Some(job) = self.jobs.get_mut(&id) else { return };
                job.pid = Some(pid);
                job.given = None;
                if job.killed {
                    kill::tree(pid);
                }
            }
            Said::NotStarted { id } => {
                if let Some(Job { given: Some(given), .. }) = self.jobs.remove(&id) {
                    self.start(id, given, true);
                }
            }
            Said::Ended { pid, code } => self.ended(pid, code),
            Said::Lost => self.lose_python(),
        }
    }

    /// Goes on without the interpreter: what it had not started is run without it, what it had is
    /// PID 1's child from now on.
    fn lose_python(&mut self) {
        if let Some(python) = self.python.take() {
            let _ = send_signal(python.pid, nix::sys::signal::Signal::SIGKILL);
        }
        let waiting: Vec<u64> =
            self.jobs.iter().filter(|(_, job)| job.pid.is_none()).map(|(id, _)| *id).collect();
        for id in waiting {
            match self.jobs.remove(&id) {
                Some(Job { given: Some(given), killed: false, .. }) => self.start(id, given, true),
                _ => self.finished(id, None, KILLED),
            }
        }
        self.forget_vanished();
    }

    /// Ends the jobs whose process is gone without anyone having said so.
    fn forget_vanished(&mut self) {
        let vanished: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(_, job)| {
                job.pid.is_some_and(|pid| send_signal(pid, None) == Err(Errno::ESRCH))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in vanished {
            self.jobs.remove(&id);
            self.finished(id, None, KILLED);
        }
    }

    fn kill(&mut self, id: u64) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.killed = true;
        match job.pid {
            Some(pid) => {
                kill::tree(pid);
                self.forget_vanished();
            }
            // The interpreter does not answer: it was stopped, or is being killed.
            None => self.lose_python(),
        }
    }

    fn reap(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => self.died(pid, code),
                Ok(WaitStatus::Signaled(pid, signal, _)) => self.died(pid, 128 + signal as i32),
                Err(Errno::EINTR) | Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_)) => {}
                _ => return,
            }
        }
    }

    fn died(&mut self, pid: Pid, code: i32) {
        if self.python.as_ref().is_some_and(|python| python.pid == pid) {
            self.lose_python();
        } else {
            self.ended(pid, code);
        }
    }

    fn ended(&mut self, pid: Pid, code: i32) {
        let id = self.jobs.iter().find(|(_, job)| job.pid == Some(pid)).map(|(id, _)| *id);
        if let Some(id) = id {
            self.jobs.remove(&id);
            self.finished(id, Some(pid), code);
        }
    }

    /// Reports an end. What it leaves running goes on, unless it has filled the process table.
    fn finished(&mut self, id: u64, pid: Option<Pid>, code: i32) {
        let swept = pid.is_some() && self.is_full();
        if let (true, Some(pid)) = (swept, pid) {
            kill::session(pid);
        }
        self.tell(&Tell::Exited { id, ended: Ended { code, swept } }, &[]);
    }

    /// Kills everything, and waits until it is gone.
    fn sweep(&mut self) {
        kill::everything();
        loop {
            match waitpid(None, None) {
                Ok(WaitStatus::Exited(pid, code)) => self.died(pid, code),
                Ok(WaitStatus::Signaled(pid, signal, _)) => self.died(pid, 128 + signal as i32),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// How many processes and threads there are, PID 1 too, where a cgroup counts them.
    fn processes(&self) -> Option<u64> {
        let mut text = [0; 20];
        let length = self.count.as_ref()?.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
    }

    fn limit(&self) -> u64 {
        u64::from(self.order.limits.pids) + 1
    }

    fn is_full(&self) -> bool {
        self.processes().is_some_and(|count| count + ROOM > self.limit())
    }
}
