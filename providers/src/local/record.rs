//! What a sandbox's folder says about itself, so that a later server can make it again.

use std::fs::File;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use theazo_domain::SnapshotId;

use super::folder::SandboxFolder;
use crate::contract::Labels;

/// The last thing that a create writes and the first that a destroy removes: a folder without one
/// is half a sandbox.
///
/// Limits and egress are not in it. They are rules of whoever runs the sandbox, who says them again
/// when it is adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub labels: Labels,
    /// The host uid and gid that its files belong to.
    pub uid: u32,
    /// The snapshot that its `/workspace` is an overlay over.
    pub base: Option<SnapshotId>,
}

const RECORD: &str = "record.json";
const STAGED: &str = "record.new";

impl SandboxFolder {
    /// Writes the record where nobody looks for it yet.
    ///
    /// Not flushed to the disk, as little as what the sandbox's programs write: it outlives the
    /// server, not the machine's power.
    pub fn stage_record(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec(record).map_err(io::Error::other)?;
        File::create(self.path().join(STAGED))?.write_all(&text)
    }

    /// From here on it is a whole sandbox.
    pub fn commit_record(&self) -> io::Result<()> {
        std::fs::rename(self.path().join(STAGED), self.path().join(RECORD))
    }

    /// From here on it is none; the folder may be gone as well.
    pub fn remove_record(&self) -> io::Result<()> {
        match std::fs::remove_file(self.path().join(RECORD)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The record; `None` when there is none that can be read.
    pub fn record(&self) -> io::Result<Option<Record>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        let text = match std::fs::read(self.path().join(RECORD)) {
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => return Ok(None),
            other => other?,
        };
        match serde_json::from_slice(&text) {
            Ok(record) => Ok(Some(record)),
            // The machine lost its power before the disk had it.
            Err(error) => {
                tracing::error!(%error, folder = ?self.path().file_name(), "a sandbox's record");
                Ok(None)
            }
        }
    }
}
