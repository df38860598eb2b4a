//! The fork of PID 1 that becomes an exec.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::libc::c_char;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{ForkResult, Pid, fork};

use crate::local::wire::{CreateOrder, Payload};

/// Descriptors a program may have open.
const MAX_OPEN_FILES: u64 = 4_096;
/// What a shell answers when it cannot run a program.
const CANNOT_RUN: i32 = 126;

/// Forks; the child runs the program of `payload` with `stdio`, and `beside` as descriptor 3. It
/// can write files only if it is `writable`.
pub fn spawn(
    order: &CreateOrder,
    stdio: [RawFd; 3],
    payload: &OwnedFd,
    beside: Option<RawFd>,
    writable: bool,
) -> Result<Pid, Errno> {
    // SAFETY: PID 1 has one thread.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let Err(error) = become_program(order, stdio, payload, beside, writable);
            complain(&error);
            // SAFETY: ends the fork without running PID 1's destructors.
            unsafe { libc::_exit(CANNOT_RUN) }
        }
    }
}

enum Never {}

fn become_program(
    order: &CreateOrder,
    stdio: [RawFd; 3],
    payload: &OwnedFd,
    beside: Option<RawFd>,
    writable: bool,
) -> io::Result<Never> {
    nix::unistd::setsid()?;
    let bytes = read_all(payload)?;
    let (args, env) = Payload::decode(&bytes);
    let pointers = |texts: &[&[u8]]| -> Vec<*const c_char> {
        let ends = std::iter::once(std::ptr::null());
        texts.iter().map(|text| text.as_ptr().cast()).chain(ends).collect()
    };
    let (argv, envp) = (pointers(&args), pointers(&env));
    let Some(program) = args.first() else {
        return Err(io::Error::other("nothing to run"));
    };
    place_descriptors(stdio, beside)?;
    plain_signals()?;
    be_killed_first();
    nix::unistd::chdir("/workspace")?;
    limit(order, writable)?;
    // What this exec orphans becomes its child, so that its end can be the end of all of it.
    nix::sys::prctl::set_child_subreaper(true)?;
    // SAFETY: every text ends with NUL (see `Payload::decode`), every list with null.
    unsafe { libc::execve(program.as_ptr().cast(), argv.as_ptr(), envp.as_ptr()) };
    Err(io::Error::last_os_error())
}

fn read_all(payload: &OwnedFd) -> io::Result<Vec<u8>> {
    let file = std::fs::File::from(payload.try_clone()?);
    let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// 0, 1, 2 and where wanted 3; every other descriptor is closed.
fn place_descriptors(stdio: [RawFd; 3], beside: Option<RawFd>) -> io::Result<()> {
    let wanted: Vec<RawFd> = stdio.into_iter().chain(beside).collect();
    // None of them is below 4 in PID 1 only by luck: lift them out of the way first.
    let lifted = wanted
        .iter()
        // SAFETY: makes new descriptors and replaces none.
        .map(|fd| Errno::result(unsafe { libc::fcntl(*fd, libc::F_DUPFD, 16) }))
        .collect::<Result<Vec<_>, _>>()?;
    for (to, from) in lifted.iter().enumerate() {
        // SAFETY: nothing in this fork owns the descriptors it replaces.
        Errno::result(unsafe { libc::dup2(*from, to as RawFd) })?;
    }
    let first = wanted.len() as libc::c_uint;
    // SAFETY: as above.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) })?;
    Ok(())
}

/// Undoes what PID 1 and the spawner ignore and block.
fn plain_signals() -> io::Result<()> {
    let plain = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for changed in
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGPIPE, Signal::SIGCHLD]
    {
        // SAFETY: the default action runs no code of ours.
        unsafe { sigaction(changed, &plain) }?;
    }
    SigSet::empty().thread_set_mask()?;
    Ok(())
}

/// When memory runs out it is the tenant's program that ends, not PID 1 and not the server. The
/// file is this user's only while the process is dumpable. Where it is not there, the kernel picks
/// the largest, which PID 1 never is.
fn be_killed_first() {
    let _ = nix::sys::prctl::set_dumpable(true);
    let _ = std::fs::write("/proc/self/oom_score_adj", "900");
}

fn limit(order: &CreateOrder, writable: bool) -> io::Result<()> {
    let set = |resource, value| setrlimit(resource, value, value);
    set(Resource::RLIMIT_CORE, 0)?;
    let open = nix::sys::resource::getrlimit(Resource::RLIMIT_NOFILE)?.1.min(MAX_OPEN_FILES);
    set(Resource::RLIMIT_NOFILE, open)?;
    // A full disk takes nothing more; see `disk.rs`.
    set(Resource::RLIMIT_FSIZE, if writable { order.limits.disk_bytes } else { 0 })?;
    // A second fence where a cgroup counts too. PID 1 has the same uid.
    set(Resource::RLIMIT_NPROC, u64::from(order.limits.pids) + 1)?;
    set(Resource::RLIMIT_MEMLOCK, 8 << 20)?;
    set(Resource::RLIMIT_MSGQUEUE, 256 << 10)?;
    if order.rlimits.memory {
        // Not the address space: WebAssembly in Node reserves gigabytes of it and uses none.
        set(Resource::RLIMIT_DATA, order.limits.memory_bytes)?;
    }
    Ok(())
}

fn complain(error: &io::Error) {
    let text = format!("sandbox: {error}\n");
    // SAFETY: the text lives across the call; descriptor 2 is the exec's stderr by now, or PID 1's.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// The descriptors that come with an exec, in this order.
pub struct Given {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub payload: OwnedFd,
}

impl Given {
    pub fn take(fds: Vec<OwnedFd>) -> Option<Self> {
        let [stdin, stdout, stderr, payload] = <[OwnedFd; 4]>::try_from(fds).ok()?;
        Some(Self { stdin, stdout, stderr, payload })
    }

    pub fn stdio(&self) -> [RawFd; 3] {
        [self.stdin.as_raw_fd(), self.stdout.as_raw_fd(), self.stderr.as_raw_fd()]
    }

    pub fn all(&self) -> [RawFd; 4] {
        let [stdin, stdout, stderr] = self.stdio();
        [stdin, stdout, stderr, self.payload.as_raw_fd()]
    }
}
