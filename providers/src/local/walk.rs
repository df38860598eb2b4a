//! Walking a tree that a tenant made: of any depth, with any names, and perhaps still changing.
//!
//! One descriptor is open at a time, and nothing follows a link. Going up is checked against what
//! came down, so that a folder that is moved meanwhile ends the walk and does not lead it astray.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// What is done on the way. `at` is the folder that holds `name`.
pub trait Visitor {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()>;

    /// Before what is in a folder.
    fn enter(&mut self, _at: BorrowedFd<'_>, _name: &CStr, _stat: &FileStat) -> io::Result<()> {
        Ok(())
    }

    /// After what is in a folder.
    fn leave(&mut self, _at: BorrowedFd<'_>, _name: &CStr) -> io::Result<()> {
        Ok(())
    }
}

struct Level {
    name: CString,
    id: (u64, u64),
    left: Vec<CString>,
}

const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Opens a folder for [`walk`].
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(AT_FDCWD, path, FOLDER, Mode::empty())?)
}

/// Visits all below `top`, not `top` itself. What vanishes meanwhile is passed over.
pub fn walk(top: OwnedFd, visitor: &mut impl Visitor) -> io::Result<()> {
    let mut at = top;
    let mut levels = vec![level(&at, CString::default())?];
    while let Some(current) = levels.last_mut() {
        if let Some(name) = current.left.pop() {
            let stat = match fstatat(&at, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
                Err(Errno::ENOENT) => continue,
                other => other?,
            };
            if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
                visitor.file(at.as_fd(), &name, &stat)?;
                continue;
            }
            let below = match openat(&at, name.as_c_str(), FOLDER, Mode::empty()) {
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
                other => other?,
            };
            visitor.enter(at.as_fd(), &name, &stat)?;
            levels.push(level(&below, name)?);
            at = below;
        } else {
            let Some(done) = levels.pop() else { break };
            let Some(parent) = levels.last() else { break };
            let above = openat(&at, c"..", FOLDER, Mode::empty())?;
            if identity(&above)? != parent.id {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "a folder was moved"));
            }
            at = above;
            visitor.leave(at.as_fd(), &done.name)?;
        }
    }
    Ok(())
}

fn identity(folder: &OwnedFd) -> io::Result<(u64, u64)> {
    let stat = fstat(folder)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn level(folder: &OwnedFd, name: CString) -> io::Result<Level> {
    Ok(Level { name, id: identity(folder)?, left: names(folder.as_fd(), usize::MAX)? })
}

/// The names in a folder, at most `limit` and one more.
pub fn names(folder: BorrowedFd<'_>, limit: usize) -> io::Result<Vec<CString>> {
    let mut dir = Dir::from_fd(openat(folder, c".", FOLDER, Mode::empty())?)?;
    let mut names = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
        if names.len() > limit {
            break;
        }
    }
    Ok(names)
}

struct Remove;

impl Visitor for Remove {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr, _: &FileStat) -> io::Result<()> {
        gone(unlinkat(at, name, UnlinkatFlags::NoRemoveDir))
    }

    fn leave(&mut self, at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        gone(unlinkat(at, name, UnlinkatFlags::RemoveDir))
    }
}

fn gone(removed: nix::Result<()>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes all that is in a folder.
pub fn clear(folder: &Path) -> io::Result<()> {
    walk(open(folder)?, &mut Remove)
}

/// Removes `name` of the folder `at` with all below it.
pub fn remove(at: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    match openat(at, name, FOLDER, Mode::empty()) {
        Err(Errno::ENOENT) => Ok(()),
        Err(Errno::ENOTDIR | Errno::ELOOP) => gone(unlinkat(at, name, UnlinkatFlags::NoRemoveDir)),
        Err(error) => Err(error.into()),
        Ok(folder) => {
            walk(folder, &mut Remove)?;
            gone(unlinkat(at, name, UnlinkatFlags::RemoveDir))
        }
    }
}
