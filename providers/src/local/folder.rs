//! What the provider keeps on disk.
//!
//! ```text
//! <data_dir>/lock               held by the server and by its spawner
//! <data_dir>/root, stage, lower mount points of the spawner's own mount namespace
//! <data_dir>/sandboxes/<id>/    workspace/ (or upper/ and work/ over a snapshot), tmp/
//! <data_dir>/snapshots/<id>/    files/, size
//! ```
//!
//! Everything above a sandbox's own folders is 0700, so that no account of the machine gets in.

use std::fs::{DirBuilder, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use theazo_domain::SnapshotId;

use super::{sys, walk};

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

    /// Removes the sandboxes of an earlier server and the snapshots it did not finish.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in entries(&self.sandboxes())? {
            let folder = SandboxFolder(entry);
            let name = folder.0.file_name();
            tracing::warn!(folder = ?name, "removing a sandbox of an earlier server");
            folder.remove()?;
        }
        for path in entries(&self.snapshots())? {
            if !path.join("size").exists() {
                remove_tree(&path)?;
            }
        }
        Ok(())
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

    /// Makes it, for the sandbox of this host uid. `layered` when `/workspace` is an overlay over a
    /// snapshot.
    pub fn create(&self, uid: u32, layered: bool) -> io::Result<()> {
        private_dir_new(&self.0)?;
        let own: &[&str] = if layered { &["upper", "work", "tmp"] } else { &["workspace", "tmp"] };
        for name in own {
            let path = self.0.join(name);
            DirBuilder::new().mode(0o755).create(&path)?;
            if nix::unistd::geteuid().is_root() {
                chown(&path, Some(uid), Some(uid))?;
            }
        }
        std::fs::set_permissions(self.tmp(), std::fs::Permissions::from_mode(0o1777))
    }

    pub fn workspace(&self) -> PathBuf {
        self.0.join("workspace")
    }

    pub fn upper(&self) -> PathBuf {
        self.0.join("upper")
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
