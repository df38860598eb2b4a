//! From a bare clone to a sandbox: identity, mounts, network.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, pivot_root, setgroups, sethostname, setresgid, setresuid};

use super::net;
use crate::local::folder::INNER_UID;
use crate::local::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID};
use crate::local::wire::{self, CreateOrder};

pub struct Built {
    /// The sandbox's `/`, for the host to look up files in.
    pub root: OwnedFd,
    /// The sockets of DNS and proxy, none without egress.
    pub sockets: Vec<OwnedFd>,
    pub children: SignalFd,
    /// How many processes and threads the sandbox has, where a cgroup counts them.
    pub count: Option<File>,
}

fn at<T, E: Into<io::Error>>(step: &str, result: Result<T, E>) -> io::Result<T> {
    result.map_err(|error| {
        let error = error.into();
        io::Error::new(error.kind(), format!("{step}: {error}"))
    })
}

pub fn build(boot: &OwnedFd, control: &OwnedFd, order: &CreateOrder) -> io::Result<Built> {
    forget_the_spawner(boot, control)?;
    let children = watch_children()?;
    let Some((_, fds)) = wire::receive_bytes(boot.as_fd())? else {
        return Err(io::Error::other("the spawner gave up"));
    };
    become_the_tenant()?;
    // The sandbox's own groups are the root of what it could see of cgroups.
    at("a cgroup namespace", unshare(CloneFlags::CLONE_NEWCGROUP))?;
    let mut fds = fds.into_iter();
    let (Some(root), Some(workspace), Some(tmp)) = (fds.next(), fds.next(), fds.next()) else {
        return Err(io::Error::other("the spawner sent no mounts"));
    };
    let count = fds.next().map(File::from);
    enter_root(root.as_fd(), workspace.as_fd(), tmp.as_fd())?;
    drop((root, workspace, tmp));
    at("the host name", sethostname("sandbox"))?;
    at("the loopback device", net::bring_up())?;
    let sockets = if order.egress { at("the sockets", net::egress_sockets())? } else { vec![] };
    let root = open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok(Built { root, sockets, children, count })
}

/// Closes what the clone got from the spawner, above all the spawner's own control socket.
fn forget_the_spawner(boot: &OwnedFd, control: &OwnedFd) -> io::Result<()> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    for stdio in 0..3 {
        // SAFETY: stdio descriptors are replaced as a whole; nothing of this clone owns them.
        Errno::result(unsafe { libc::dup2(null.as_raw_fd(), stdio) })?;
    }
    // Closed with the rest below.
    let _ = null.into_raw_fd();
    sys::close_all_but(&[boot.as_raw_fd(), control.as_raw_fd()])
}

/// The spawner's descriptor of SIGCHLD was its own; the signal is still blocked.
fn watch_children() -> io::Result<SignalFd> {
    let mut watched = SigSet::empty();
    watched.add(Signal::SIGCHLD);
    watched.thread_block()?;
    Ok(SignalFd::with_flags(&watched, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// The only uid and gid of the sandbox. The capabilities stay with this process, and end at every
/// `execve` since the uid is not 0.
fn become_the_tenant() -> io::Result<()> {
    match setgroups(&[]) {
        // Without root the spawner's groups cannot be left; none of them is mapped here.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(error) => return at("setgroups", Err(error)),
    }
    let (uid, gid) = (Uid::from_raw(INNER_UID), Gid::from_raw(INNER_UID));
    at("setresgid", setresgid(gid, gid, gid))?;
    at("setresuid", setresuid(uid, uid, uid))?;
    // A change of uid clears it, so that it comes after. When the spawner has died before, the
    // boot socket has said so.
    at("pdeathsig", nix::sys::prctl::set_pdeathsig(Signal::SIGKILL))?;
    at("dumpable", nix::sys::prctl::set_dumpable(false))
}

fn enter_root(
    root: BorrowedFd<'_>,
    workspace: BorrowedFd<'_>,
    tmp: BorrowedFd<'_>,
) -> io::Result<()> {
    // Any folder that every machine has: the old root goes away with all that is in it.
    at("the root", sys::attach(root, c"/usr"))?;
    at("chdir", nix::unistd::chdir("/usr"))?;
    at("/workspace", sys::attach(workspace, c"workspace"))?;
    at("/tmp", sys::attach(tmp, c"tmp"))?;
    let plain = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
    // Before the old root is left: a new /proc may only show what an existing one does.
    let proc = at("/proc", sys::new_mount(c"proc", &[], plain))?;
    at("/proc", sys::attach(proc.as_fd(), c"proc"))?;
    let options: &[(&std::ffi::CStr, Option<&std::ffi::CStr>)] =
        &[(c"ptmxmode", Some(c"0666")), (c"mode", Some(c"0620"))];
    let pts = at("/dev/pts", sys::new_mount(c"devpts", options, ATTR_NOSUID | ATTR_NOEXEC))?;
    at("/dev/pts", sys::attach(pts.as_fd(), c"dev/pts"))?;
    let options: &[(&std::ffi::CStr, Option<&std::ffi::CStr>)] =
        &[(c"size", Some(c"64m")), (c"mode", Some(c"1777")), (c"nr_inodes", Some(c"16k"))];
    let shm = at("/dev/shm", sys::new_mount(c"tmpfs", options, plain))?;
    at("/dev/shm", sys::attach(shm.as_fd(), c"dev/shm"))?;
    at("pivot_root", pivot_root(".", "."))?;
    at("the old root", umount2(".", MntFlags::MNT_DETACH))?;
    at("chdir", nix::unistd::chdir("/"))
}
