//! Where a mock provider keeps its sandboxes, when they are to outlive the process.
//!
//! ```text
//! <folder>/sandboxes/<id>/    files/, record.json (its labels; without it, it is half a sandbox)
//! <folder>/snapshots/<id>/    the files
//! <folder>/new                what is about to be renamed to its place
//! ```
//!
//! A file is written to `new` and renamed, never changed in its place: a process that is killed
//! leaves it as it was or as it is to be, and a snapshot is a tree of hard links. Nothing is
//! flushed to the disk: what is here outlives the process, not the machine's power.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use theazo_domain::SnapshotId;

use super::tree::{Node, Tree};
use crate::contract::{Labels, SandboxId};

#[derive(Debug)]
pub struct Store {
    sandboxes: PathBuf,
    snapshots: PathBuf,
    new: PathBuf,
}

/// Removing what is not there is a success.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Store {
    /// Makes what is missing, removes what was half made, and answers the sandboxes there are.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<(SandboxId, Labels)>)> {
        let store = Self {
            sandboxes: folder.join("sandboxes"),
            snapshots: folder.join("snapshots"),
            new: folder.join("new"),
        };
        for folder in [&store.sandboxes, &store.snapshots] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        store.clear_new()?;
        let mut left = Vec::new();
        for entry in fs::read_dir(&store.sandboxes)? {
            let entry = entry?;
            let labels = match fs::read(entry.path().join("record.json")) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
                // Cut short by a machine that lost its power.
                Ok(text) => serde_json::from_slice(&text).ok(),
            };
            match (entry.file_name().into_string(), labels) {
                (Ok(name), Some(labels)) => left.push((SandboxId(name), labels)),
                _ => gone(fs::remove_dir_all(entry.path()))?,
            }
        }
        Ok((store, left))
    }

    fn clear_new(&self) -> io::Result<()> {
        match fs::remove_file(&self.new) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                fs::remove_dir_all(&self.new)
            }
            removed => gone(removed),
        }
    }

    fn sandbox(&self, id: &SandboxId) -> PathBuf {
        self.sandboxes.join(&id.0)
    }

    fn files(&self, id: &SandboxId) -> PathBuf {
        self.sandbox(id).join("files")
    }

    fn snapshot(&self, id: SnapshotId) -> PathBuf {
        self.snapshots.join(id.to_string())
    }

    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        fs::write(&self.new, data)?;
        fs::rename(&self.new, path)
    }

    pub fn create(
        &self,
        id: &SandboxId,
        labels: &Labels,
        snapshot: Option<SnapshotId>,
    ) -> io::Result<()> {
        // What a create that failed may have left.
        gone(fs::remove_dir_all(self.sandbox(id)))?;
        fs::create_dir(self.sandbox(id))?;
        match snapshot {
            Some(snapshot) => link_tree(&self.snapshot(snapshot), &self.files(id))?,
            None => fs::create_dir(self.files(id))?,
        }
        let record = serde_json::to_vec(labels).map_err(io::Error::other)?;
        self.replace(&self.sandbox(id).join("record.json"), &record)
    }

    pub fn destroy(&self, id: &SandboxId) -> io::Result<()> {
        // First of all: what is cut short from here on must never be adopted.
        gone(fs::remove_file(self.sandbox(id).join("record.json")))?;
        gone(fs::remove_dir_all(self.sandbox(id)))
    }

    /// `parts` lead to a file, or to where there is nothing.
    pub fn write(&self, id: &SandboxId, parts: &[&str], data: &[u8]) -> io::Result<()> {
        let path = parts.iter().fold(self.files(id), |path, part| path.join(part));
        match self.replace(&path, data) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        self.replace(&path, data)
    }

    /// A folder is first moved away, so that it is there as a whole or not at all.
    pub fn delete(&self, id: &SandboxId, parts: &[&str]) -> io::Result<()> {
        let path = parts.iter().fold(self.files(id), |path, part| path.join(part));
        self.clear_new()?;
        fs::rename(path, &self.new)?;
        self.clear_new()
    }

    pub fn load(&self, id: &SandboxId) -> io::Result<Tree> {
        load(&self.files(id))
    }

    pub fn take_snapshot(&self, id: &SandboxId, snapshot: SnapshotId) -> io::Result<()> {
        self.clear_new()?;
        link_tree(&self.files(id), &self.new)?;
        fs::rename(&self.new, self.snapshot(snapshot))
    }

    /// A snapshot from elsewhere.
    pub fn put_snapshot(&self, snapshot: SnapshotId, files: &Tree) -> io::Result<()> {
        self.clear_new()?;
        save(files, &self.new)?;
        fs::rename(&self.new, self.snapshot(snapshot))
    }

    pub fn snapshots(&self) -> io::Result<Vec<SnapshotId>> {
        let names = fs::read_dir(&self.snapshots)?.map(|entry| Ok(entry?.file_name()));
        let names: Vec<_> = names.collect::<io::Result<_>>()?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    pub fn load_snapshot(&self, snapshot: SnapshotId) -> io::Result<Option<Tree>> {
        match load(&self.snapshot(snapshot)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            loaded => loaded.map(Some),
        }
    }

    pub fn delete_snapshot(&self, snapshot: SnapshotId) -> io::Result<()> {
        self.clear_new()?;
        gone(fs::rename(self.snapshot(snapshot), &self.new))?;
        self.clear_new()
    }
}

/// Makes the folder `to` with all that `from` has.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => link_tree(&entry.path(), &to)?,
            false => fs::hard_link(entry.path(), to)?,
        }
    }
    Ok(())
}

/// Makes the folder `to` with all of a tree.
fn save(tree: &Tree, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for (name, node) in tree.nodes() {
        match node {
            Node::Folder(below) => save(below, &to.join(name))?,
            Node::File(data) => fs::write(to.join(name), data)?,
        }
    }
    Ok(())
}

fn load(folder: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| io::Error::other("a name in the mock's folder is not text"))?;
        let node = match entry.file_type()?.is_dir() {
            true => Node::Folder(load(&entry.path())?),
            false => Node::File(fs::read(entry.path())?.into()),
        };
        tree.insert(name, node);
    }
    Ok(tree)
}
