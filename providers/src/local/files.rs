//! The file calls: paths are looked up by the kernel in the sandbox's own root, as its programs
//! would, and what they lead to must be on the mount of `/workspace`.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, unlinkat};

use super::walk;
use crate::contract::{FileEntry, ProviderError, Result};
use crate::paths::below_workspace;

/// As many links as the kernel itself follows in one path.
const MAX_LINKS: usize = 40;
/// The most entries of one folder that are listed.
const MAX_ENTRIES: usize = 100_000;

/// A sandbox's files, seen from its root.
pub struct Files {
    root: OwnedFd,
    /// The mount of `/workspace`.
    mount: u64,
    /// Who owns what is written; `None` where the server is not root.
    owner: Option<(Uid, Gid)>,
}

/// A folder in the workspace and a name in it, which may or may not exist.
struct Place {
    folder: OwnedFd,
    name: CString,
}

impl Files {
    pub fn new(root: OwnedFd, uid: u32) -> io::Result<Self> {
        let workspace = openat(
            &root,
            "workspace",
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        let privileged = nix::unistd::geteuid().is_root();
        let owner = privileged.then(|| (Uid::from_raw(uid), Gid::from_raw(uid)));
        Ok(Self { mount: mount_id(workspace.as_fd())?, root, owner })
    }

    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    pub fn read(&self, path: &str, limit: u64) -> Result<Bytes> {
        let failed = |error| explain(path, error);
        let found = self.find(path)?;
        regular(path, &fstat(&found).map_err(failed)?)?;
        let file = File::open(reopen(&found)).map_err(|error| explain_io(path, &error))?;
        let size = file.metadata().map_err(|error| explain_io(path, &error))?.len();
        if size > limit {
            return Err(ProviderError::TooLarge { size, limit });
        }
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // It may grow while it is read.
        file.take(limit + 1).read_to_end(&mut data).map_err(|error| explain_io(path, &error))?;
        match data.len() as u64 > limit {
            true => Err(ProviderError::TooLarge { size: data.len() as u64, limit }),
            false => Ok(Bytes::from(data)),
        }
    }

    pub fn write(&self, path: &str, data: &[u8]) -> Result<()> {
        let place = self.place(path)?;
        let failed = |error| explain(path, error);
        let mode = match fstatat(&place.folder, place.name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
        {
            Err(Errno::ENOENT) => 0o644,
            Err(error) => return Err(failed(error)),
            Ok(stat) => {
                regular(path, &stat)?;
                stat.st_mode & 0o777
            }
        };
        let top = self.top(path)?;
        let (temporary, file) = new_temporary(|name| {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            openat(&top, name, flags, Mode::from_bits_truncate(0o600))
        })
        .map_err(failed)?;
        let mut file = File::from(file);
        let written = file.write_all(data).and_then(|()| {
            if let Some((uid, gid)) = self.owner {
                fchown(&file, Some(uid), Some(gid))?;
            }
            fchmod(&file, Mode::from_bits_truncate(mode))?;
            renameat(&top, temporary.as_c_str(), &place.folder, place.name.as_c_str())?;
            Ok(())
        });
        written.map_err(|error| {
            // What remains of it is the tenant's to see only if this fails too.
            let _ = unlinkat(&top, temporary.as_c_str(), UnlinkatFlags::NoRemoveDir);
            explain_io(path, &error)
        })
    }

    pub fn delete(&self, path: &str) -> Result<()> {
        let parts = below_workspace(path)?;
        let Some((name, parents)) = parts.split_last() else {
            return Err(ProviderError::BadPath("/workspace itself cannot be deleted".into()));
        };
        let folder = self.open(path, &join(parents), OFlag::O_PATH | OFlag::O_DIRECTORY)?;
        let name = c_name(name)?;
        // The link itself, not what it leads to.
        fstatat(&folder, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
            .map_err(|error| explain(path, error))?;
        walk::remove(folder.as_fd(), &name).map_err(|error| explain_io(path, &error))
    }

    pub fn list(&self, path: &str) -> Result<Vec<FileEntry>> {
        let folder =
            self.open(path, &join(&below_workspace(path)?), OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        let names =
            walk::names(folder.as_fd(), MAX_ENTRIES).map_err(|error| explain_io(path, &error))?;
        if names.len() > MAX_ENTRIES {
            return Err(ProviderError::BadPath(format!(
                "{path} has more than {MAX_ENTRIES} entries"
            )));
        }
        let mut entries: Vec<FileEntry> = names
            .iter()
            .filter_map(|name| {
                let stat = fstatat(&folder, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
                // It may be gone by now.
                let stat = stat.ok()?;
                let is_directory = kind(&stat) == SFlag::S_IFDIR;
                let size = if is_directory { 0 } else { u64::try_from(stat.st_size).unwrap_or(0) };
                Some(FileEntry { name: name.to_string_lossy().into_owned(), size, is_directory })
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// What `path` leads to, not opened: a pipe or a device does nothing yet.
    fn find(&self, path: &str) -> Result<OwnedFd> {
        self.open(path, &join(&below_workspace(path)?), OFlag::O_PATH)
    }

    /// Opens `inner`, a path from the root, if it ends in the workspace.
    fn open(&self, path: &str, inner: &str, flags: OFlag) -> Result<OwnedFd> {
        let found = self.resolve(OsStr::new(inner), flags).map_err(|error| explain(path, error))?;
        self.must_be_inside(path, &found)?;
        Ok(found)
    }

    fn resolve(&self, inner: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        openat2(&self.root, inner, how)
    }

    fn must_be_inside(&self, path: &str, found: &OwnedFd) -> Result<()> {
        match mount_id(found.as_fd()) {
            Ok(mount) if mount == self.mount => Ok(()),
            Ok(_) => Err(ProviderError::OutsideWorkspace(path.to_owned())),
            Err(error) => Err(explain_io(path, &error)),
        }
    }

    /// Where a write to `path` goes: links are followed, missing folders made.
    fn place(&self, path: &str) -> Result<Place> {
        let parts = below_workspace(path)?;
        if parts.is_empty() || path.ends_with('/') {
            return Err(ProviderError::BadPath(format!("{path} is a directory")));
        }
        let mut target: Vec<u8> = join(&parts).into_bytes();
        for _ in 0..MAX_LINKS {
            let cut = target.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            let (folder, name) = (&target[..cut], &target[(cut + 1).min(target.len())..]);
            if matches!(name, b"" | b"." | b"..") {
                return Err(ProviderError::BadPath(format!("{path} is a directory")));
            }
            let name = c_name(OsStr::from_bytes(name))?;
            let folder_fd = self.folder(path, folder)?;
            match readlinkat(&folder_fd, name.as_c_str()) {
                Err(Errno::EINVAL | Errno::ENOENT) => return Ok(Place { folder: folder_fd, name }),
                Err(error) => return Err(explain(path, error)),
                Ok(link) => {
                    let link = link.as_bytes();
                    target = match link.strip_prefix(b"/") {
                        // Below the root by a name, so that the last slash has one before it.
                        Some(absolute) => [b"./", absolute].concat(),
                        None => [folder, b"/", link].concat(),
                    };
                }
            }
        }
        Err(explain(path, Errno::ELOOP))
    }

    /// A folder of the workspace, made if it is missing.
    fn folder(&self, path: &str, inner: &[u8]) -> Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        match self.resolve(OsStr::from_bytes(inner), flags) {
            Ok(found) => {
                self.must_be_inside(path, &found)?;
                return Ok(found);
            }
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(explain(path, error)),
        }
        let cut = inner.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if cut == 0 {
            return Err(ProviderError::NoFile(path.to_owned()));
        }
        let parent = self.folder(path, &inner[..cut])?;
        let name = c_name(OsStr::from_bytes(&inner[cut + 1..]))?;
        match self.make_folder(path, &parent, &name)? {
            // Made meanwhile, or a link that leads nowhere, which the look-up below says.
            Ok(()) | Err(Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENOTDIR) => {}
            Err(error) => return Err(explain(path, error)),
        }
        let found =
            self.resolve(OsStr::from_bytes(inner), flags).map_err(|error| explain(path, error))?;
        self.must_be_inside(path, &found)?;
        Ok(found)
    }

    /// Makes a folder that is the sandbox's own from the first moment it is there.
    fn make_folder(&self, path: &str, parent: &OwnedFd, name: &CStr) -> Result<nix::Result<()>> {
        let mode = Mode::from_bits_truncate(0o755);
        let Some((uid, gid)) = self.owner else { return Ok(mkdirat(parent, name, mode)) };
        let top = self.top(path)?;
        let (temporary, ()) = new_temporary(|name| mkdirat(&top, name, mode))
            .map_err(|error| explain(path, error))?;
        let temporary = temporary.as_c_str();
        let made = fchownat(&top, temporary, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)
            .and_then(|()| renameat(&top, temporary, parent, name));
        if made.is_err() {
            // As with a file: seen only if this fails too.
            let _ = unlinkat(&top, temporary, UnlinkatFlags::RemoveDir);
        }
        Ok(made)
    }

    /// `/workspace` itself, where temporary names are: a server that is killed leaves them in one
    /// place. Not kept open, since it would keep the mount from ending with the sandbox.
    fn top(&self, path: &str) -> Result<OwnedFd> {
        self.open(path, "workspace", OFlag::O_PATH | OFlag::O_DIRECTORY)
    }
}

/// What names of files and folders that are about to be renamed begin with.
const TEMPORARY: &str = ".theazo-writing-";

/// Makes something under a name that nothing has.
fn new_temporary<T>(make: impl Fn(&CStr) -> nix::Result<T>) -> nix::Result<(CString, T)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("{TEMPORARY}{}-{count}", std::process::id()))
            .map_err(|_| Errno::EINVAL)?;
        match make(&name) {
            Err(Errno::EEXIST) => continue,
            made => return Ok((name, made?)),
        }
    }
}

/// Removes what writes that were cut short have left in a workspace.
pub fn remove_temporaries(workspace: &Path) -> io::Result<()> {
    let top = walk::open(workspace)?;
    let names = walk::names(top.as_fd(), usize::MAX)?;
    let left = names.iter().filter(|name| name.to_bytes().starts_with(TEMPORARY.as_bytes()));
    left.into_iter().try_for_each(|name| walk::remove(top.as_fd(), name))
}

/// The path from the root of parts below `/workspace`.
fn join(parts: &[&str]) -> String {
    std::iter::once("workspace").chain(parts.iter().copied()).collect::<Vec<_>>().join("/")
}

fn c_name(name: impl AsRef<OsStr>) -> Result<CString> {
    CString::new(name.as_ref().as_bytes())
        .map_err(|_| ProviderError::BadPath("a path cannot hold a NUL byte".into()))
}

fn reopen(found: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", found.as_raw_fd())
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

fn regular(path: &str, stat: &FileStat) -> Result<()> {
    match kind(stat) {
        SFlag::S_IFREG => Ok(()),
        SFlag::S_IFDIR => Err(ProviderError::BadPath(format!("{path} is a directory"))),
        _ => Err(ProviderError::BadPath(format!("{path} is not a regular file"))),
    }
}

fn mount_id(fd: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut stat: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor and the structure live across the call.
    Errno::result(unsafe {
        libc::statx(
            fd.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            libc::STATX_MNT_ID,
            &mut stat,
        )
    })?;
    Ok(stat.stx_mnt_id)
}

fn explain_io(path: &str, error: &io::Error) -> ProviderError {
    explain(path, Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}

fn explain(path: &str, error: Errno) -> ProviderError {
    match error {
        Errno::ENOENT => ProviderError::NoFile(path.to_owned()),
        Errno::EXDEV => ProviderError::OutsideWorkspace(path.to_owned()),
        Errno::ENOTDIR => ProviderError::BadPath(format!("a part of {path} is not a directory")),
        Errno::EISDIR => ProviderError::BadPath(format!("{path} is a directory")),
        Errno::ENAMETOOLONG => ProviderError::BadPath(format!("{path} is too long")),
        Errno::ELOOP => ProviderError::BadPath(format!("{path} goes through too many links")),
        Errno::EACCES | Errno::EPERM => {
            ProviderError::BadPath(format!("{path} cannot be accessed"))
        }
        Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => ProviderError::DiskFull,
        other => {
            tracing::error!(error = %other, "a file call on a sandbox failed");
            ProviderError::failed("the file system of the sandbox failed")
        }
    }
}
