//! A snapshot's files, written as an archive.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::unistd::{Whence, lseek};

use super::walk::{self, Visitor};
use crate::archive::{MAX_PARTS, Meta, Writer};

/// Writes all below `files`.
pub fn export(files: &Path, to: impl Write) -> io::Result<()> {
    let mut export = Export { to: Writer::new(to)?, path: Vec::new() };
    walk::walk(walk::open(files)?, &mut export)?;
    export.to.finish()?;
    Ok(())
}

struct Export<W: Write> {
    to: Writer<W>,
    /// The folder that is visited, with a slash behind it.
    path: Vec<u8>,
}

fn meta(stat: &FileStat) -> Meta {
    let seconds = i128::from(stat.st_mtime);
    Meta {
        mode: stat.st_mode & 0o777,
        modified: seconds * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
    }
}

impl<W: Write> Visitor for Export<W> {
    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        let path = [&self.path, name.to_bytes()].concat();
        match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFREG => {
                let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
                let file = openat(at, name, flags | OFlag::O_CLOEXEC, Mode::empty())?;
                let file = File::from(file);
                let length = u64::try_from(stat.st_size).unwrap_or(0);
                let parts = parts(&file, length)?;
                let data = Parts { file: &file, parts: parts.iter(), part: 0..0 };
                self.to.file(&path, meta(stat), length, &parts, data)
            }
            SFlag::S_IFLNK => self.to.link(&path, readlinkat(at, name)?.as_bytes(), meta(stat)),
            SFlag::S_IFIFO => self.to.pipe(&path, meta(stat)),
            // A snapshot has nothing else.
            _ => Ok(()),
        }
    }

    fn enter(&mut self, _: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        self.path.extend_from_slice(name.to_bytes());
        self.to.folder(&self.path, meta(stat))?;
        self.path.push(b'/');
        Ok(())
    }

    fn leave(&mut self, _: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.path.truncate(self.path.len().saturating_sub(name.to_bytes().len() + 1));
        Ok(())
    }
}

/// Where a file has data. With more holes than a map can hold, the last of them are written out.
fn parts(file: &File, length: u64) -> io::Result<Vec<Range<u64>>> {
    let offset = |at: i64| u64::try_from(at).map_err(io::Error::other);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < length {
        let from = i64::try_from(at).map_err(io::Error::other)?;
        let data = match lseek(file, from, Whence::SeekData) {
            Err(Errno::ENXIO) => break,
            other => other?,
        };
        let start = offset(data)?;
        if start >= length {
            break;
        }
        at = match parts.len() + 1 < MAX_PARTS {
            true => offset(lseek(file, data, Whence::SeekHole)?)?.min(length),
            false => length,
        };
        parts.push(start..at);
    }
    Ok(parts)
}

/// The data of a file, one part after the other.
struct Parts<'a> {
    file: &'a File,
    parts: std::slice::Iter<'a, Range<u64>>,
    part: Range<u64>,
}

impl Read for Parts<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            match self.parts.next() {
                None => return Ok(0),
                Some(part) => self.part = part.clone(),
            }
        }
        let left = self.part.end - self.part.start;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(to.len());
        let length = self.file.read_at(&mut to[..most], self.part.start)?;
        self.part.start += length as u64;
        Ok(length)
    }
}
