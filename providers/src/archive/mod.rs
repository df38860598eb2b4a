//! A snapshot on its way from one host to another: what `export_snapshot` gives and
//! `import_snapshot` takes.
//!
//! ```text
//! head    a skippable LZ4 frame: "theazo snapshot1"
//! body    one LZ4 frame: a tar archive
//! tail    a skippable LZ4 frame: the SHA-256 of head and body
//! ```
//!
//! So `lz4 -dc snapshot | tar -tv` shows what is in it. The tar has a folder before what is in it
//! and all of that before anything else, as a walk finds it. A PAX header holds what the plain one
//! cannot: long or odd names, parts of a second, and the map of a file with holes.
//!
//! The files are a tenant's and the store between the hosts is not ours, so that nothing in an
//! archive is trusted. The hash finds what was damaged or cut short; what was *made* to do harm is
//! met by how [`read`] works:
//!
//! - A [`Sink`] never sees a path. It is given one name at a time, in the folder that it entered
//!   last and has made itself: no `..`, no absolute path and no link can lead it elsewhere.
//! - Folders, regular files, links and pipes are all there is, with nine bits of permissions and a
//!   time. A device, a hard link, an attribute, or anything unknown ends the import.
//! - What it may fill is counted before it is written ([`budget`]), and no length it states is
//!   believed: nothing is allocated for it.

mod budget;
mod holes;
mod pax;
mod read;
mod seal;
mod stream;
mod write;

use std::ffi::CStr;
use std::io;

pub use holes::MAX_PARTS;
pub use read::{Data, read};
#[cfg(test)]
pub use seal::{Sealer, around};
pub use stream::{Feed, Outlet, receive, send};
pub use write::Writer;

use crate::contract::ProviderError;

/// The longest path in an archive, and the longest target of a link: as Linux has it.
pub const MAX_PATH: usize = 4_095;
const MAX_NAME: usize = 255;

/// What is kept of a file besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The nine bits of permissions.
    pub mode: u32,
    /// Nanoseconds since 1970.
    pub modified: i128,
}

/// Where an archive is unpacked to. Names are single parts of a path, and never `.` or `..`.
pub trait Sink {
    /// Makes a folder in the current one, and goes into it.
    fn enter(&mut self, name: &CStr, meta: Meta) -> io::Result<()>;
    /// Goes up to the folder that the current one is in.
    fn leave(&mut self) -> io::Result<()>;
    fn file(&mut self, name: &CStr, meta: Meta, data: &mut Data<'_>) -> Result<(), ArchiveError>;
    fn link(&mut self, name: &CStr, target: &CStr, meta: Meta) -> io::Result<()>;
    fn pipe(&mut self, name: &CStr, meta: Meta) -> io::Result<()>;
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not as we write them.
    #[error("it is damaged or cut short: {0}")]
    Damaged(String),
    #[error("it holds more than the {0} bytes that it may")]
    TooLarge(u64),
    /// Whoever hands it over failed.
    #[error(transparent)]
    Source(ProviderError),
    /// Where it is unpacked to failed.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Damaged("a name is in it twice".to_owned()),
            // What is in it cannot be here.
            io::ErrorKind::Unsupported => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl ArchiveError {
    pub fn explain(self) -> ProviderError {
        match self {
            Self::Source(error) => error,
            Self::Io(error) => {
                tracing::error!(%error, "writing an imported snapshot");
                let message = "the host of the provider cannot write the snapshot".to_owned();
                ProviderError::Failed { message, retryable: true }
            }
            bad => ProviderError::BadSnapshot(bad.to_string()),
        }
    }
}

/// What went wrong in reading, which what was read is to blame for.
fn damaged(error: io::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}
