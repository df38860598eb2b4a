//! Commands against the real SQLite log and the real vault.

#![allow(clippy::unwrap_used)]

mod blobs;
mod copy;
mod execute;
mod origin;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/s3.rs"]
mod s3;
mod vault;
mod vault_shared;
mod vault_stream;

use std::sync::Arc;

use tempfile::TempDir;
use theazo_commands::{Blobs, Commander, MasterKey, Origin, Vault};
use theazo_domain::session::{CreateSession, Limits};
use theazo_domain::{Mode, OrgId, Scope, SessionId};
use theazo_log::{SqliteLog, SqliteOptions};
use uuid::Uuid;

/// A commander over a folder of its own.
struct World {
    commander: Arc<Commander>,
    log: Arc<SqliteLog>,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log"))).await.unwrap();
        let commander = Arc::new(commander(&folder, &log).await);
        Self { commander, log, folder }
    }

    /// Another process: the same log, nothing in its cache.
    async fn another_process(&self) -> Commander {
        commander(&self.folder, &self.log).await
    }
}

async fn commander(folder: &TempDir, log: &Arc<SqliteLog>) -> Commander {
    let vault = open_vault(folder, &master(1)).await.unwrap();
    let blobs = Blobs::in_folder(&folder.path().join("blobs")).unwrap();
    Commander::new(log.clone(), vault, blobs)
}

async fn open_vault(
    folder: &TempDir,
    master: &MasterKey,
) -> Result<Vault, theazo_commands::VaultError> {
    Vault::open(&folder.path().join("keys"), master).await
}

/// A master key of 32 bytes `n`.
fn master(n: u8) -> MasterKey {
    use base64::Engine;
    MasterKey::parse(&base64::engine::general_purpose::STANDARD.encode([n; 32])).unwrap()
}

fn scope(org: u128) -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(org)), mode: Mode::Live }
}

fn session(origin: &Origin, user: &str) -> CreateSession {
    CreateSession {
        session_id: theazo_commands::session::new_id(origin),
        user_id: user.to_owned(),
        limits: Limits::default(),
        model: None,
        compute: None,
        metadata: Default::default(),
        webhook: None,
    }
}

fn session_id(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}
