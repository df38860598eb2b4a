use std::path::PathBuf;
use std::time::Duration;

use crate::Upcasters;

/// How a [`SqliteLog`](crate::SqliteLog) is opened. The defaults fit a server.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; made when it is not there. Its folder must exist.
    pub path: PathBuf,
    /// Read connections, each with a thread of its own.
    pub readers: u32,
    /// Commits in one transaction, at most.
    pub max_batch: usize,
    /// Appends that may wait for the writer; past it callers wait.
    pub queue: usize,
    /// Streams whose head (revision and hash) the writer keeps in memory.
    pub heads: usize,
    /// Commits that stay decoded in memory for those who read the end of the log.
    pub recent: usize,
    /// Commits that may wait for one subscriber; past it the subscriber re-reads from the file.
    pub subscriber_buffer: usize,
    /// Bytes of write-ahead log after which it is copied into the database.
    pub checkpoint_bytes: u64,
    /// How long a connection waits for a lock that another process holds.
    pub lock_timeout: Duration,
    pub upcasters: Upcasters,
}

impl SqliteOptions {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            path: PathBuf::from("log.db"),
            readers: 3,
            max_batch: 512,
            queue: 4_096,
            heads: 32_768,
            recent: 4_096,
            subscriber_buffer: 256,
            checkpoint_bytes: 8 << 20,
            lock_timeout: Duration::from_secs(5),
            upcasters: Upcasters::default(),
        }
    }
}
