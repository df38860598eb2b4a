//! Every file of a workspace at once.

use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::sys::stat::{FileStat, SFlag};

use super::walk::{self, Visitor};
use crate::contract::TreeEntry;

struct List {
    /// The folder that is visited, with a slash behind it.
    folder: String,
    files: Vec<TreeEntry>,
    limit: usize,
}

impl Visitor for List {
    fn file(&mut self, _: BorrowedFd<'_>, name: &CStr, stat: &FileStat) -> io::Result<()> {
        let regular = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG;
        if regular && self.files.len() < self.limit {
            self.files.push(TreeEntry {
                path: format!("{}{}", self.folder, name.to_string_lossy()),
                size: u64::try_from(stat.st_size).unwrap_or(0),
                // Not the time of the inode's change: a snapshot does not keep that.
                changed: stat.st_mtime.wrapping_mul(1_000_000_000).wrapping_add(stat.st_mtime_nsec),
            });
        }
        Ok(())
    }

    fn enter(&mut self, _: BorrowedFd<'_>, name: &CStr, _: &FileStat) -> io::Result<()> {
        self.folder.push_str(&name.to_string_lossy());
        self.folder.push('/');
        Ok(())
    }

    fn leave(&mut self, _: BorrowedFd<'_>, _: &CStr) -> io::Result<()> {
        let above = self.folder.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
        self.folder.truncate(above);
        Ok(())
    }
}

/// The regular files below a workspace, at most `limit`.
pub fn list(workspace: OwnedFd, limit: usize) -> io::Result<Vec<TreeEntry>> {
    let mut list = List { folder: "/workspace/".to_owned(), files: Vec::new(), limit };
    match walk::walk(workspace, &mut list) {
        // What runs in the sandbox moved a folder meanwhile: this is what was seen.
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(list.files),
    }
}
