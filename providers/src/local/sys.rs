//! The system calls of new mounts, which neither `nix` nor the C library wraps.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;

pub const ATTR_RDONLY: u64 = 1;
pub const ATTR_NOSUID: u64 = 2;
pub const ATTR_NODEV: u64 = 4;
pub const ATTR_NOEXEC: u64 = 8;
const ATTR_IDMAP: u64 = 0x0010_0000;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

pub fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path holds a NUL byte"))
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = Errno::result(result)?;
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A detached copy of the mount at `path`, with the mounts below it when `recursive`.
pub fn clone_tree(path: &Path, recursive: bool) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let mut flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= libc::AT_RECURSIVE as libc::c_uint;
    }
    // SAFETY: the path is a C string that lives across the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// Attaches a detached mount at `path`.
pub fn attach(tree: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    // SAFETY: both strings live across the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    Errno::result(done)?;
    Ok(())
}

fn set_attributes(tree: BorrowedFd<'_>, attr: &MountAttr, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: the structure has the size that is passed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | flags,
            attr as *const MountAttr,
            size_of::<MountAttr>(),
        )
    };
    Errno::result(done)?;
    Ok(())
}

/// Adds `ATTR_…` to a mount, and to those below it when `recursive`.
pub fn restrict(tree: BorrowedFd<'_>, set: u64, recursive: bool) -> io::Result<()> {
    let attr = MountAttr { set, clear: 0, propagation: 0, userns_fd: 0 };
    set_attributes(tree, &attr, if recursive { libc::AT_RECURSIVE } else { 0 })
}

/// Shows the files of a detached mount with the owners that `userns` maps theirs to.
pub fn map_owners(tree: BorrowedFd<'_>, userns: BorrowedFd<'_>) -> io::Result<()> {
    let userns_fd = userns.as_raw_fd() as u64;
    set_attributes(tree, &MountAttr { set: ATTR_IDMAP, clear: 0, propagation: 0, userns_fd }, 0)
}

/// Mounts a new file system, detached. An option without a value is a flag.
pub fn new_mount(
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> io::Result<OwnedFd> {
    // SAFETY: every string lives across its call.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?;
    let configure =
        |command: libc::c_uint, key: *const libc::c_char, value: *const libc::c_char| {
            // SAFETY: as above; null where the command takes nothing.
            Errno::result(unsafe {
                libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, key, value, 0)
            })
        };
    for (key, value) in options {
        match value {
            Some(value) => configure(FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr())?,
            None => configure(FSCONFIG_SET_FLAG, key.as_ptr(), std::ptr::null())?,
        };
    }
    configure(FSCONFIG_CMD_CREATE, std::ptr::null(), std::ptr::null())?;
    // SAFETY: the context was made above.
    owned(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            attributes as libc::c_uint,
        )
    })
}

/// Forks into new namespaces; `None` in the child.
///
/// # Safety
///
/// As for any fork: where this process has other threads, the child may only make system calls.
pub unsafe fn clone_into(namespaces: libc::c_int) -> io::Result<Option<libc::pid_t>> {
    // SAFETY: without CLONE_VM and with no stack of its own the child is a fork of this process.
    let pid = Errno::result(unsafe {
        libc::syscall(libc::SYS_clone, namespaces | libc::SIGCHLD, 0, 0, 0, 0)
    })?;
    Ok((pid != 0).then_some(pid as libc::pid_t))
}

/// Closes every descriptor above stderr but those of `keep`.
pub fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<libc::c_uint> = keep.iter().map(|fd| *fd as libc::c_uint).collect();
    keep.sort_unstable();
    let mut first: libc::c_uint = 3;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = first.max(fd + 1);
    }
    close_range(first, libc::c_uint::MAX)
}

fn close_range(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: the caller gives up every descriptor of the range.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })?;
    Ok(())
}

/// An anonymous file with these bytes, to be read from its start.
pub fn memfd(bytes: &[u8]) -> io::Result<OwnedFd> {
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let fd = memfd_create(c"", MFdFlags::MFD_CLOEXEC)?;
    let file = std::fs::File::from(fd);
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0)?;
    Ok(file.into())
}
