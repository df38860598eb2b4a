//! The data folder and its lock: one server owns it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};

/// Says where the folder's data was moved to.
const MOVED: &str = "moved-to";

/// The data folder, held until this is dropped.
pub struct Folder {
    pub path: PathBuf,
    _lock: Flock<File>,
}

impl Folder {
    /// Makes the folder (readable by its owner only) if it is not there, and takes it.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the data folder {} cannot be made", path.display()))?;
        let path = path.canonicalize()?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("the data folder {} cannot be written", path.display()))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(_) => bail!(
                "another process holds the data folder {}; stop it, or choose another with \
                 --data-dir",
                path.display()
            ),
        }
    }

    /// Remembers that what is in it was moved to the log at `target`.
    pub fn set_moved(&self, target: &str) -> anyhow::Result<()> {
        std::fs::write(self.path.join(MOVED), format!("{target}\n"))
            .context("that the folder was moved cannot be kept")
    }

    /// Fails when what is in it was moved: an embedded server would go on with the old log.
    pub fn refuse_moved(&self) -> anyhow::Result<()> {
        let moved = self.path.join(MOVED);
        match std::fs::read_to_string(&moved) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).context(format!("{} cannot be read", moved.display())),
            Ok(target) => bail!(
                "what {} holds was moved to a cluster with the log {}: say --log, --db and \
                 --blobs. To go on with what is still here, without what the cluster did since, \
                 remove {}",
                self.path.display(),
                target.trim(),
                moved.display()
            ),
        }
    }

    /// Where the server that owns a folder answers the command line.
    pub fn socket(path: &Path) -> PathBuf {
        path.join("control.sock")
    }
}
