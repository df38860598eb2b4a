//! A snapshot: the files of a workspace, copied while nothing runs in it.
//!
//! A copy and not a layer taken away, since the processes that are to go on afterwards hold files
//! of that layer open. On disk the files belong to the inner uid; a sandbox that starts from them
//! sees them as its own through an id-mapped mount, without a byte being copied.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, copy_file_range, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, UtimensatFlags, fchmod, mkdirat, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, Whence, fchown, fchownat, lseek, symlinkat};

use super::folder::INNER_UID;
use super::walk::{self, Visitor};

/// Copies all of `workspace` to the snapshot's folder, durably, and answers its size in bytes.
/// Repeating it answers the size of the first time; one that was cut short is done again.
pub fn take(workspace: OwnedFd, folder: &Path, owned: bool) -> io::Result<u64> {
    if let Some(size) = size(folder)? {
        return Ok(size);
    }
    super::folder::remove_tree(folder)?;
    let mut private = std::fs::DirBuilder::new();
    private.mode(0o700).create(folder)?;
    let files = folder.join("files");
    std::fs::DirBuilder::new().mode(0o755).create(&files)?;
    let top = walk::open(&files)?;
    let mut copy = Copy { to: top, size: 0, owned };
    copy.own(copy.to.as_fd())?;
    walk::walk(workspace, &mut copy)?;
    // One flush for thousands of files, then the mark that says they are all there.
    nix::unistd::syncfs(&copy.to)?;
    mark(folder, copy.size)?;
    Ok(copy.size)
}

/// Says, durably, that all of a snapshot's files are there.
pub fn mark(folder: &Path, size: u64) -> io::Result<()> {
    let temporary = folder.join("size.new");
    let mark = File::create(&temporary)?;
    io::Write::write_all(&mut &mark, size.to_string().as_bytes())?;
    mark.sync_all()?;
    std::fs::rename(temporary, folder.join("size"))?;
    File::open(folder)?.sync_all()
}

/// The size of a finished snapshot; `None` when there is none.
pub fn size(folder: &Path) -> io::Result<Option<u64>> {
    match std::fs::read_to_string(folder.join("size")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(text) => text.parse().map(Some).map_err(io::Error::other),
    }
}

/// Copies a snapshot's files into a fresh workspace, where no overlay can show them.
pub fn unpack(files: &Path, workspace: &Path) -> io::Result<()> {
    let mut copy = Copy { to: walk::open(workspace)?, size: 0, owned: false };
    walk::walk(walk::open(files)?, &mut copy)
}

/// Takes the mark of a finished snapshot away: from here on it is none, also after a restart.
pub fn unmark(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join("size")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

struct Copy {
    /// Where what is visited next goes.
    to: OwnedFd,
    size: u64,
    /// Whether to give the files to the inner uid; only root can.
    owned: bool,
}

impl Copy {
    fn own(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        if self.owned {
            let (uid, gid) = (Uid::from_raw(INNER_UID), Gid::from_raw(INNER_UID));
            fchown(fd, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Owner and times of what is not opened.
    fn finish_name(&self, name: &CStr, stat: &FileStat) -> io::Result<()> {
        if self.owned {
            let (uid, gid) = (Uid::from_raw(INNER_UID), Gid::from_raw(INNER_UID));
            fchownat(&self.to, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        keep_times(self.to.as_fd(), name, stat)
    }

    fn regular(&mut self, at: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let from = File::from(openat(at, name, flags, Mode::empty())?);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let to = File::from(openat(&self.to, name, flags, Mode::from_bits_truncate(0o600))?);
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        copy_data(&from, &to, length)?;
        // A file with holes is billed for what it holds.
        self.size += length.min(u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        self.own(to.as_fd())?;
        finish(to.as_fd(), stat)
    }
}

impl Visitor for Copy {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => self.regular(at, name, stat),
            SFlag::S_IFLNK => {
                let target = readlinkat(at, name)?;
                symlinkat(target.as_os_str(), &self.to, name)?;
                self.finish_name(name, stat)
            }
            SFlag::S_IFIFO => {
                mknodat(&self.to, name, SFlag::S_IFIFO, permissions(stat), 0)?;
                self.finish_name(name, stat)
            }
            // A socket is a process' and means nothing without it.
            _ => Ok(()),
        }
    }

    fn enter(&mut self, _: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        mkdirat(&self.to, name, Mode::from_bits_truncate(0o700))?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let below = openat(&self.to, name, flags, Mode::empty())?;
        self.own(below.as_fd())?;
        fchmod(&below, permissions(stat))?;
        self.to = below;
        Ok(())
    }

    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let above = openat(&self.to, c"..", flags, Mode::empty())?;
        let stat = nix::sys::stat::fstatat(at, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        keep_times(above.as_fd(), name, &stat)?;
        self.to = above;
        Ok(())
    }
}

fn permissions(stat: &FileStat) -> Mode {
    Mode::from_bits_truncate(stat.st_mode & 0o777)
}

/// When it was read and changed last.
fn times(stat: &FileStat) -> (TimeSpec, TimeSpec) {
    let access = TimeSpec::new(stat.st_atime, stat.st_atime_nsec);
    (access, TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec))
}

fn keep_times(at: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
    let (access, change) = times(stat);
    Ok(utimensat(at, name, &access, &change, UtimensatFlags::NoFollowSymlink)?)
}

/// Permissions and times of a copied file.
fn finish(to: BorrowedFd<'_>, stat: &FileStat) -> io::Result<()> {
    fchmod(to, permissions(stat))?;
    let (access, change) = times(stat);
    Ok(nix::sys::stat::futimens(to, &access, &change)?)
}

/// Copies what a file holds and leaves its holes as holes.
fn copy_data(from: &File, to: &File, length: u64) -> io::Result<()> {
    to.set_len(length)?;
    let end = i64::try_from(length).map_err(io::Error::other)?;
    let mut offset = 0;
    while offset < end {
        offset = match lseek(from, offset, Whence::SeekData) {
            Err(Errno::ENXIO) => return Ok(()),
            other => other?,
        };
        let hole = lseek(from, offset, Whence::SeekHole)?.min(end);
        copy_range(from, to, offset, hole)?;
        offset = hole;
    }
    Ok(())
}

fn copy_range(from: &File, to: &File, start: i64, end: i64) -> io::Result<()> {
    let (mut source, mut target) = (start, start);
    while source < end {
        let left = usize::try_from(end - source).unwrap_or(usize::MAX).min(1 << 30);
        match copy_file_range(from, Some(&mut source), to, Some(&mut target), left) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::EINTR) => {}
            // Not between these file systems: an overlay is another than what it lies on.
            Err(Errno::EXDEV | Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS) => {
                return copy_by_hand(from, to, source, end);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn copy_by_hand(from: &File, to: &File, start: i64, end: i64) -> io::Result<()> {
    let mut buffer = vec![0; 128 << 10];
    let mut offset = u64::try_from(start).map_err(io::Error::other)?;
    let end = u64::try_from(end).map_err(io::Error::other)?;
    while offset < end {
        let most = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
        let length = from.read_at(&mut buffer[..most], offset)?;
        if length == 0 {
            return Ok(());
        }
        to.write_all_at(&buffer[..length], offset)?;
        offset += length as u64;
    }
    Ok(())
}

/// The folder that `take` reads: the workspace as the sandbox sees it.
pub fn workspace_of(root: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(root, "workspace", flags, Mode::empty())?)
}
