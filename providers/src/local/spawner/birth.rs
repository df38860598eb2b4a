//! How a sandbox comes to be.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getegid, geteuid};

use super::root::{self, Layers};
use crate::local::cgroup;
use crate::local::folder::{INNER_UID, SandboxFolder};
use crate::local::init;
use crate::local::seccomp::Filters;
use crate::local::sys::{self, ATTR_NODEV, ATTR_NOSUID};
use crate::local::wire::{self, CreateOrder};

/// What every birth needs.
pub struct Nursery {
    data_dir: PathBuf,
    filters: Filters,
    privileged: bool,
}

/// The context of a step that failed, for the operator.
fn at<T>(step: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{step}: {error}")))
}

impl Nursery {
    /// Takes this process into a mount namespace of its own and builds the root there.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let privileged = geteuid().is_root();
        if !privileged {
            at("a user namespace", own_user_namespace())?;
        }
        at("a mount namespace", unshare(CloneFlags::CLONE_NEWNS).map_err(io::Error::from))?;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        at("private mounts", mount_flags(private))?;
        std::env::set_current_dir(data_dir)?;
        at("the sandboxes' root", root::build(&data_dir.join("root")))?;
        let filters = Filters::compile().map_err(io::Error::other)?;
        Ok(Self { data_dir: data_dir.to_owned(), filters, privileged })
    }

    /// Clones a sandbox and answers its PID 1 and the host's end of that one's socket.
    pub fn create(&self, order: &CreateOrder) -> io::Result<(Pid, OwnedFd)> {
        let (host_end, init_end) = wire::channel()?;
        let (boot, init_boot) = wire::channel()?;
        let namespaces = libc::CLONE_NEWUSER
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNET
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS;
        // SAFETY: the spawner has one thread.
        let Some(pid) = at("clone", unsafe { sys::clone_into(namespaces) })? else {
            init::run(init_boot, init_end, order, &self.filters);
        };
        drop((init_boot, init_end));
        let pid = Pid::from_raw(pid);
        match self.equip(pid, order, &boot) {
            Ok(()) => Ok((pid, host_end)),
            Err(error) => {
                let _ = kill(pid, Signal::SIGKILL);
                let _ = waitpid(pid, None);
                Err(error)
            }
        }
    }

    /// Gives a clone, which waits for this, its identity, its limits and its mounts.
    fn equip(&self, pid: Pid, order: &CreateOrder, boot: &OwnedFd) -> io::Result<()> {
        at("the uid map", self.map_ids(pid, order.uid))?;
        for group in &order.cgroups {
            at("a cgroup", cgroup::enter(group, pid.as_raw()))?;
        }
        let tree = at("the root", sys::clone_tree(&self.data_dir.join("root"), true))?;
        let folder = SandboxFolder::at(&order.folder);
        let workspace = match &order.lower {
            None => at("the workspace", sys::clone_tree(&folder.workspace(), false))?,
            Some(lower) => at("the workspace", self.overlay(pid, lower, folder.path()))?,
        };
        let tmp = at("/tmp", sys::clone_tree(&folder.tmp(), false))?;
        for own in [&workspace, &tmp] {
            sys::restrict(own.as_fd(), ATTR_NOSUID | ATTR_NODEV, false)?;
        }
        let count = order.cgroups.iter().map(|group| group.join("pids.current"));
        let count = count.filter(|file| file.exists()).map(File::open).next().transpose()?;
        let mut fds = vec![tree.as_raw_fd(), workspace.as_raw_fd(), tmp.as_raw_fd()];
        fds.extend(count.as_ref().map(AsRawFd::as_raw_fd));
        wire::send_bytes(boot.as_fd(), b"go", &fds)
    }

    fn map_ids(&self, pid: Pid, uid: u32) -> io::Result<()> {
        let (uid, gid) = if self.privileged {
            (uid, uid)
        } else {
            std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
            (geteuid().as_raw(), getegid().as_raw())
        };
        std::fs::write(format!("/proc/{pid}/uid_map"), format!("{INNER_UID} {uid} 1"))?;
        std::fs::write(format!("/proc/{pid}/gid_map"), format!("{INNER_UID} {gid} 1"))
    }

    /// An overlay of the sandbox's own layer over a snapshot's files, which belong to the inner uid
    /// on disk and are shown as the sandbox's.
    fn overlay(&self, pid: Pid, lower: &Path, folder: &Path) -> io::Result<OwnedFd> {
        let layers = Layers::of(&self.data_dir, folder)?;
        let userns = File::open(format!("/proc/{pid}/ns/user"))?;
        let below = sys::clone_tree(lower, false)?;
        sys::map_owners(below.as_fd(), userns.as_fd())?;
        // Kernels before 6.15 take no detached mount as a layer.
        sys::attach(below.as_fd(), c"lower")?;
        let options: &[(&std::ffi::CStr, Option<&std::ffi::CStr>)] = &[
            (c"lowerdir", Some(c"lower")),
            (c"upperdir", Some(&layers.upper)),
            (c"workdir", Some(&layers.work)),
        ];
        let merged = sys::new_mount(c"overlay", options, ATTR_NOSUID | ATTR_NODEV);
        umount2("lower", MntFlags::MNT_DETACH)?;
        merged
    }
}

fn mount_flags(flags: MsFlags) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).map_err(io::Error::from)
}

/// Without root: a user namespace in which this process may mount and clone.
fn own_user_namespace() -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}
