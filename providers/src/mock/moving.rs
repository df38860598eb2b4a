//! A mock's snapshot as an archive: of the same format as a real one, with files and folders only.

use std::ffi::CStr;
use std::io::{self, Read, Write};

use super::tree::{Node, Tree};
use crate::archive::{self, ArchiveError, Data, Meta, Sink, Writer};

pub fn export(tree: &Tree, to: impl Write) -> io::Result<()> {
    let mut writer = Writer::new(to)?;
    write(tree, "", &mut writer)?;
    writer.finish()?;
    Ok(())
}

/// `folder` ends in a slash.
fn write(tree: &Tree, folder: &str, to: &mut Writer<impl Write>) -> io::Result<()> {
    for (name, node) in tree.nodes() {
        let path = format!("{folder}{name}");
        match node {
            Node::Folder(below) => {
                to.folder(path.as_bytes(), Meta { mode: 0o755, modified: 0 })?;
                write(below, &format!("{path}/"), to)?;
            }
            Node::File(data) => {
                let length = data.len() as u64;
                let all: Vec<_> =
                    std::iter::once(0..length).filter(|all| length > all.start).collect();
                let meta = Meta { mode: 0o644, modified: 0 };
                to.file(path.as_bytes(), meta, length, &all, &data[..])?;
            }
        }
    }
    Ok(())
}

/// Reads all of it into memory, where a mock's files are; `limit` bounds what that takes.
pub fn import(from: impl Read, limit: u64) -> Result<Tree, ArchiveError> {
    let mut import = Import { at: Tree::default(), above: Vec::new() };
    archive::read(from, limit, &mut import)?;
    Ok(import.at)
}

struct Import {
    at: Tree,
    /// The folders above, each with the name of the one that was entered.
    above: Vec<(Tree, String)>,
}

fn text(name: &CStr) -> io::Result<String> {
    let name = name.to_str().map_err(|_| cannot("a name that is not text"))?;
    Ok(name.to_owned())
}

fn cannot(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("the mock provider has no {what}"))
}

impl Import {
    fn insert(&mut self, name: String, node: Node) -> io::Result<()> {
        match self.at.insert(name, node) {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
}

impl Sink for Import {
    fn enter(&mut self, name: &CStr, _: Meta) -> io::Result<()> {
        self.above.push((std::mem::take(&mut self.at), text(name)?));
        Ok(())
    }

    fn leave(&mut self) -> io::Result<()> {
        let (above, name) = self.above.pop().ok_or_else(|| io::Error::other("at the top"))?;
        let done = std::mem::replace(&mut self.at, above);
        self.insert(name, Node::Folder(done))
    }

    fn file(&mut self, name: &CStr, _: Meta, data: &mut Data<'_>) -> Result<(), ArchiveError> {
        let mut bytes = Vec::new();
        let mut whole = true;
        while let Some((at, piece)) = data.next()? {
            whole &= at == bytes.len() as u64;
            bytes.extend_from_slice(piece);
        }
        // Nothing is allocated for holes: the archive would not have to hold anything for them.
        if !whole || bytes.len() as u64 != data.length() {
            return Err(cannot("files with holes").into());
        }
        Ok(self.insert(text(name)?, Node::File(bytes.into()))?)
    }

    fn link(&mut self, _: &CStr, _: &CStr, _: Meta) -> io::Result<()> {
        Err(cannot("links"))
    }

    fn pipe(&mut self, _: &CStr, _: Meta) -> io::Result<()> {
        Err(cannot("pipes"))
    }
}
