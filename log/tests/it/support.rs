//! A log in a folder of its own, and this binary as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection};
use theazo_log::conformance::Subject;
use theazo_log::{EventLog, SqliteLog, SqliteOptions};

pub struct Folder {
    _folder: tempfile::TempDir,
    options: SqliteOptions,
    open: Mutex<Option<Arc<SqliteLog>>>,
}

impl Folder {
    pub fn new() -> Self {
        Self::with(SqliteOptions::default())
    }

    pub fn tiny() -> Self {
        Self::with(SqliteOptions {
            readers: 1,
            max_batch: 3,
            queue: 2,
            heads: 1,
            recent: 0,
            subscriber_buffer: 1,
            checkpoint_bytes: 1_000,
            ..SqliteOptions::default()
        })
    }

    pub fn with(options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        Self { _folder: folder, options: SqliteOptions { path, ..options }, open: Mutex::default() }
    }

    pub fn path(&self) -> PathBuf {
        self.options.path.clone()
    }

    pub fn options(&self) -> SqliteOptions {
        self.options.clone()
    }

    pub async fn sqlite(&self) -> Arc<SqliteLog> {
        let log = SqliteLog::open(self.options()).await.unwrap();
        *self.open.lock() = Some(Arc::clone(&log));
        log
    }

    /// Runs `sql` on the file as somebody else would.
    pub async fn meddle(&self, sql: &str) {
        let mut conn = meddler(&self.path()).await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

pub async fn meddler(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[async_trait]
impl Subject for Folder {
    async fn open(&self) -> Arc<dyn EventLog> {
        self.sqlite().await
    }

    async fn close(&self) {
        let log = self.open.lock().take();
        if let Some(log) = log {
            log.close().await;
        }
    }
}

/// Tells a test that it is the child, and where the log is.
const CHILD: &str = "THEAZO_LOG_TEST_CHILD";

/// The log's path, when this process is a child that [`child`] started.
pub fn as_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Starts this binary again to run the one test named `test` as a child on the log at `path`.
pub fn child(test: &str, path: &Path) -> tokio::process::Child {
    tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
