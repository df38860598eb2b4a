//! A file tree in memory.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::contract::{FileEntry, ProviderError, Result, TreeEntry};

#[derive(Debug, Clone)]
pub enum Node {
    File(Bytes),
    Folder(Tree),
}

/// A folder with all below it.
#[derive(Debug, Clone, Default)]
pub struct Tree(BTreeMap<String, Node>);

fn not_a_folder(path: &str) -> ProviderError {
    ProviderError::BadPath(format!("a part of {path} is not a directory"))
}

/// A figure of what a file holds (FNV-1a), which no restart and no snapshot changes.
fn fingerprint(data: &[u8]) -> i64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    data.iter().fold(0xcbf2_9ce4_8422_2325, mix).cast_signed()
}

impl Tree {
    /// Answers what had the name before.
    pub fn insert(&mut self, name: String, node: Node) -> Option<Node> {
        self.0.insert(name, node)
    }

    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// The bytes of every file.
    pub fn size(&self) -> u64 {
        self.0
            .values()
            .map(|node| match node {
                Node::File(data) => data.len() as u64,
                Node::Folder(below) => below.size(),
            })
            .sum()
    }

    /// Every file, with its path below `folder`, which ends in a slash.
    pub fn files(&self, folder: &str, files: &mut Vec<TreeEntry>) {
        for (name, node) in &self.0 {
            let path = format!("{folder}{name}");
            match node {
                Node::Folder(below) => below.files(&format!("{path}/"), files),
                Node::File(data) => {
                    let size = data.len() as u64;
                    files.push(TreeEntry { path, size, changed: fingerprint(data) });
                }
            }
        }
    }

    fn folder(&self, path: &str, parts: &[&str]) -> Result<&Tree> {
        parts.iter().try_fold(self, |tree, part| match tree.0.get(*part) {
            None => Err(ProviderError::NoFile(path.to_owned())),
            Some(Node::File(_)) => Err(not_a_folder(path)),
            Some(Node::Folder(below)) => Ok(below),
        })
    }

    pub fn read(&self, path: &str, parts: &[&str]) -> Result<Bytes> {
        let folder = || ProviderError::BadPath(format!("{path} is a directory"));
        let (name, parents) = parts.split_last().ok_or_else(folder)?;
        match self.folder(path, parents)?.0.get(*name) {
            None => Err(ProviderError::NoFile(path.to_owned())),
            Some(Node::Folder(_)) => Err(folder()),
            Some(Node::File(data)) => Ok(data.clone()),
        }
    }

    /// Why [`Self::write`] would refuse.
    pub fn can_write(&self, path: &str, parts: &[&str]) -> Result<()> {
        let mut tree = self;
        for (at, part) in parts.iter().enumerate() {
            let is_last = at + 1 == parts.len();
            tree = match tree.0.get(*part) {
                None => return Ok(()),
                Some(Node::File(_)) if is_last => return Ok(()),
                Some(Node::File(_)) => return Err(not_a_folder(path)),
                Some(Node::Folder(below)) => below,
            };
        }
        Err(ProviderError::BadPath(format!("{path} is a directory")))
    }

    /// Why [`Self::delete`] would refuse.
    pub fn can_delete(&self, path: &str, parts: &[&str]) -> Result<()> {
        let Some((name, parents)) = parts.split_last() else {
            return Err(ProviderError::BadPath("/workspace itself cannot be deleted".into()));
        };
        match self.folder(path, parents)?.0.contains_key(*name) {
            true => Ok(()),
            false => Err(ProviderError::NoFile(path.to_owned())),
        }
    }

    pub fn write(&mut self, path: &str, parts: &[&str], data: Bytes) -> Result<()> {
        let folder = || ProviderError::BadPath(format!("{path} is a directory"));
        let (name, parents) = parts.split_last().ok_or_else(folder)?;
        let mut tree = self;
        for part in parents {
            let below = tree.0.entry((*part).to_owned());
            tree = match below.or_insert_with(|| Node::Folder(Tree::default())) {
                Node::File(_) => return Err(not_a_folder(path)),
                Node::Folder(below) => below,
            };
        }
        if let Some(Node::Folder(_)) = tree.0.get(*name) {
            return Err(folder());
        }
        tree.0.insert((*name).to_owned(), Node::File(data));
        Ok(())
    }

    pub fn delete(&mut self, path: &str, parts: &[&str]) -> Result<()> {
        let Some((name, parents)) = parts.split_last() else {
            return Err(ProviderError::BadPath("/workspace itself cannot be deleted".into()));
        };
        let missing = || ProviderError::NoFile(path.to_owned());
        let mut tree = self;
        for part in parents {
            tree = match tree.0.get_mut(*part).ok_or_else(missing)? {
                Node::File(_) => return Err(not_a_folder(path)),
                Node::Folder(below) => below,
            };
        }
        tree.0.remove(*name).map(drop).ok_or_else(missing)
    }

    pub fn list(&self, path: &str, parts: &[&str]) -> Result<Vec<FileEntry>> {
        let entries = self.folder(path, parts)?.0.iter();
        Ok(entries
            .map(|(name, node)| {
                let (size, is_directory) = match node {
                    Node::File(data) => (data.len() as u64, false),
                    Node::Folder(_) => (0, true),
                };
                FileEntry { name: name.clone(), size, is_directory }
            })
            .collect())
    }
}
