//! What the provider keeps on disk.
//!
//! ```text
//! <data_dir>/lock               held by the server and by its spawner
//! <data_dir>/root, stage, lower mount points of the spawner's own mount namespace
//! <data_dir>/sandboxes/<id>/    workspace/ (or upper/, work/ over a snapshot), tmp/, record.json
//! <data_dir>/snapshots/<id>/    files/, size
//! <data_dir>/snapshots/<id>.importing/  the same, without its size
//! ```
//!
//! A sandbox without its record, or a snapshot without its size, is half made or half removed.
//! Sandboxes with one outlive the server that made them. A snapshot that was deleted under a
//! sandbox that lies on it has lost its size, and goes with that sandbox.
//!
//! Everything above a sandbox's own folders is 0700, so that no account of the machine gets in.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use theazo_domain::SnapshotId;

use super::record::Record;
use super::{sys, walk};
use crate::contract::SandboxId;

/// The uid and gid of the code inside a sandbox, and of a snapshot's files on disk.
pub const INNER_UID: u32 = 1000;

/// The data directory.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes what is missing.
    pub fn open(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let root = root.canonicalize()?;
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700))?;
        for name in ["root", "stage", "lower", "sandboxes", "snapshots"] {
            private_dir(&root.join(name))?;
        }
        Ok(Self { root })
    }

    /// The folder of [`Self::open`]; `None` when it has been removed.
    pub fn open_existing(root: &Path) -> io::Result<Option<Self>> {
        match root.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => Ok(Some(Self { root: other? })),
        }
    }

    /// Takes the lock; `None` when another process has it. It is held for as long as any copy of
    /// the descriptor is open.
    pub fn lock(&self) -> io::Result<Option<OwnedFd>> {
        let options = OpenOptions::new().create(true).truncate(false).write(true).to_owned();
        let file = options.open(self.root.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file.into())),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A name for this folder's cgroups that no other folder of the machine has.
    pub fn cgroup_name(&self) -> io::Result<String> {
        let meta = self.root.metadata()?;
        Ok(format!("theazo-{:x}-{:x}", meta.dev(), meta.ino()))
    }

    pub fn sandboxes(&self) -> PathBuf {
        self.root.join("sandboxes")
    }

    pub fn sandbox(&self, id: &str) -> SandboxFolder {
        SandboxFolder(self.sandboxes().join(id))
    }

    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    pub fn snapshot(&self, id: SnapshotId) -> PathBuf {
        self.snapshots().join(id.to_string())
    }

    /// The finished ones.
    pub fn list_snapshots(&self) -> io::Result<Vec<SnapshotId>> {
        let finished = entries(&self.snapshots())?.into_iter().filter(|p| p.join("size").exists());
        let id = |path: PathBuf| path.file_name().and_then(OsStr::to_str)?.parse().ok();
        Ok(finished.filter_map(id).collect())
    }

    /// Where a snapshot's files are.
    pub fn snapshot_files(&self, id: SnapshotId) -> PathBuf {
        self.snapshot(id).join("files")
    }

    /// Removes what was half made or half removed when a server ended, and answers the sandboxes
    /// that are left. Nobody else may use the data directory meanwhile.
    pub fn sweep(&self) -> io::Result<Vec<(SandboxId, Record)>> {
        let mut left = Vec::new();
        for path in entries(&self.sandboxes())? {
            let folder = SandboxFolder(path);
            let name = folder.0.file_name().and_then(OsStr::to_str).map(str::to_owned);
            match (name, folder.record()?) {
                (Some(name), Some(record)) => left.push((SandboxId(name), record)),
                (name, _) => {
                    tracing::warn!(folder = ?name, "removing half a sandbox of an earlier server");
                    folder.remove()?;
                }
            }
        }
        let bases: HashSet<_> = left.iter().filter_map(|(_, record)| record.base).collect();
        let bases: HashSet<_> = bases.into_iter().map(|id| self.snapshot(id)).collect();
        for path in entries(&self.snapshots())? {
            if !path.join("size").exists() && !bases.contains(&path) {
                remove_tree(&path)?;
            }
        }
        Ok(left)
    }
}

/// The folder of one sandbox.
#[derive(Debug, Clone)]
pub struct SandboxFolder(PathBuf);

impl SandboxFolder {
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it, for the sandbox of this host uid, in place of what a create that failed may have
    /// left. `layered` when `/workspace` is an overlay over a snapshot.
    pub fn create(&self, uid: u32, layered: bool) -> io::Result<()> {
        match private_dir_new(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove()?;
                private_dir_new(&self.0)?;
            }
            other => other?,
        }
        let own: &[&str] = if layered { &["upper", "work", "tmp"] } else { &["workspace", "tmp"] };
        own.iter().try_for_each(|name| self.make_own(name, uid))?;
        std::fs::set_permissions(self.tmp(), std::fs::Permissions::from_mode(0o1777))
    }

    /// Empties what does not outlive the sandbox's processes: `/tmp`, and where an overlay works.
    pub fn renew(&self, layered: bool) -> io::Result<()> {
        let volatile: &[&str] = if layered { &["work", "tmp"] } else { &["tmp"] };
        for name in volatile {
            walk::clear(&self.0.join(name))?;
        }
        // Its owner may have changed them.
        std::fs::set_permissions(self.tmp(), std::fs::Permissions::from_mode(0o1777))
    }

    fn make_own(&self, name: &str, uid: u32) -> io::Result<()> {
        let path = self.0.join(name);
        DirBuilder::new().mode(0o755).create(&path)?;
        match nix::unistd::geteuid().is_root() {
            true => chown(&path, Some(uid), Some(uid)),
            false => Ok(()),
        }
    }

    /// Where what is written to `/workspace` is.
    pub fn own(&self, layered: bool) -> PathBuf {
        if layered { self.0.join("upper") } else { self.workspace() }
    }

    /// Where all is that the sandbox writes.
    pub fn written(&self, layered: bool) -> Vec<PathBuf> {
        vec![self.own(layered), self.tmp()]
    }

    pub fn workspace(&self) -> PathBuf {
        self.0.join("workspace")
    }

    pub fn tmp(&self) -> PathBuf {
        self.0.join("tmp")
    }

    pub fn remove(&self) -> io::Result<()> {
        remove_tree(&self.0)
    }
}

/// What is in a folder, nothing where it is not there.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// Removes a folder that may not be there, whatever is in it.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a folder below another"));
    };
    match walk::open(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(parent) => walk::remove(parent.as_fd(), &sys::c_path(Path::new(name))?),
    }
}

fn private_dir(path: &Path) -> io::Result<()> {
    match private_dir_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn private_dir_new(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}
