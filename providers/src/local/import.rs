//! An archive from elsewhere, unpacked as a snapshot.
//!
//! All of it goes to a folder that nobody else sees, one name at a time and from one descriptor to
//! the next, and only when the archive was read to its end and found whole is that folder moved to
//! the snapshot's place. See `archive` for what is refused.

#[cfg(test)]
mod tests;

use std::ffi::CStr;
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, futimens, mkdirat, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat, symlinkat};

use super::folder::{INNER_UID, remove_tree};
use super::{snapshot, walk};
use crate::archive::{self, ArchiveError, Data, Meta, Sink};

/// Makes the snapshot that will be at `folder`. Nobody else makes or removes it meanwhile.
pub fn import(from: impl Read, folder: &Path, limit: u64, owned: bool) -> Result<(), ArchiveError> {
    let staged = staged(folder)?;
    let unpacked = unpack(from, &staged, limit, owned);
    let placed = unpacked.and_then(|size| {
        // What a taking that was cut short has left.
        remove_tree(folder)?;
        std::fs::rename(&staged, folder)?;
        Ok(snapshot::mark(folder, size)?)
    });
    if placed.is_err() {
        // The next start removes it too: it has no mark.
        remove_tree(&staged).inspect_err(|error| {
            tracing::warn!(%error, "half an imported snapshot is still there");
        })?;
    }
    placed
}

/// Beside the snapshot's own place, under a name that no snapshot has.
fn staged(folder: &Path) -> io::Result<PathBuf> {
    let name = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = name.to_owned();
    name.push(".importing");
    Ok(folder.with_file_name(name))
}

fn unpack(from: impl Read, staged: &Path, limit: u64, owned: bool) -> Result<u64, ArchiveError> {
    remove_tree(staged)?;
    DirBuilder::new().mode(0o700).create(staged)?;
    let files = staged.join("files");
    DirBuilder::new().mode(0o755).create(&files)?;
    let mut import = Import { at: walk::open(&files)?, above: Vec::new(), size: 0, owned };
    import.own(import.at.as_fd())?;
    archive::read(from, limit, &mut import)?;
    nix::unistd::syncfs(&import.at).map_err(io::Error::from)?;
    Ok(import.size)
}

struct Import {
    /// The folder that names are in now.
    at: OwnedFd,
    /// What this folder and those above it are to be, once nothing more comes into them.
    above: Vec<Meta>,
    size: u64,
    /// Whether to give the files to the inner uid; only root can.
    owned: bool,
}

const OWNER: (Option<Uid>, Option<Gid>) =
    (Some(Uid::from_raw(INNER_UID)), Some(Gid::from_raw(INNER_UID)));
const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Import {
    fn own(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self.owned {
            true => Ok(fchown(fd, OWNER.0, OWNER.1)?),
            false => Ok(()),
        }
    }

    /// Owner and time of what is not opened.
    fn finish_name(&self, name: &CStr, meta: Meta) -> io::Result<()> {
        if self.owned {
            fchownat(&self.at, name, OWNER.0, OWNER.1, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        let time = time(meta);
        Ok(utimensat(&self.at, name, &time, &time, UtimensatFlags::NoFollowSymlink)?)
    }
}

fn time(meta: Meta) -> TimeSpec {
    const SECOND: i128 = 1_000_000_000;
    let seconds = i64::try_from(meta.modified.div_euclid(SECOND)).unwrap_or(0);
    TimeSpec::new(seconds, i64::try_from(meta.modified.rem_euclid(SECOND)).unwrap_or(0))
}

/// Permissions and time of what is open. After the owner, whose change would take bits away.
fn finish(fd: BorrowedFd<'_>, meta: Meta) -> io::Result<()> {
    fchmod(fd, Mode::from_bits_truncate(meta.mode & 0o777))?;
    Ok(futimens(fd, &time(meta), &time(meta))?)
}

impl Sink for Import {
    fn enter(&mut self, name: &CStr, meta: Meta) -> io::Result<()> {
        mkdirat(&self.at, name, Mode::from_bits_truncate(0o700))?;
        let below = openat(&self.at, name, FOLDER, Mode::empty())?;
        self.own(below.as_fd())?;
        self.above.push(meta);
        self.at = below;
        Ok(())
    }

    fn leave(&mut self) -> io::Result<()> {
        let above = openat(&self.at, c"..", FOLDER, Mode::empty())?;
        let meta = self.above.pop().ok_or_else(|| io::Error::other("it is at the top"))?;
        finish(self.at.as_fd(), meta)?;
        self.at = above;
        Ok(())
    }

    fn file(&mut self, name: &CStr, meta: Meta, data: &mut Data<'_>) -> Result<(), ArchiveError> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
        let mode = Mode::from_bits_truncate(0o600);
        let file = openat(&self.at, name, flags | OFlag::O_CLOEXEC, mode);
        let file = File::from(file.map_err(io::Error::from)?);
        file.set_len(data.length())?;
        while let Some((at, piece)) = data.next()? {
            file.write_all_at(piece, at)?;
            self.size += piece.len() as u64;
        }
        self.own(file.as_fd())?;
        Ok(finish(file.as_fd(), meta)?)
    }

    fn link(&mut self, name: &CStr, target: &CStr, meta: Meta) -> io::Result<()> {
        symlinkat(target, &self.at, name)?;
        self.finish_name(name, meta)
    }

    fn pipe(&mut self, name: &CStr, meta: Meta) -> io::Result<()> {
        mknodat(&self.at, name, SFlag::S_IFIFO, Mode::from_bits_truncate(0o600), 0)?;
        // Named and not opened, which would wait for its other end. It is ours alone, and no link.
        let mode = Mode::from_bits_truncate(meta.mode & 0o777);
        nix::sys::stat::fchmodat(
            &self.at,
            name,
            mode,
            nix::sys::stat::FchmodatFlags::FollowSymlink,
        )?;
        self.finish_name(name, meta)
    }
}
