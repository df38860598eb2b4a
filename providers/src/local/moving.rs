//! Snapshots that leave for another host, or come from one.

use std::sync::Arc;

use theazo_domain::SnapshotId;

use super::export::export;
use super::import::import;
use super::provider::{Inner, internal};
use super::snapshot;
use crate::archive::{self, ArchiveError, Feed};
use crate::contract::{ProviderError, Result, SnapshotData};

impl Inner {
    pub fn has_snapshot(&self, id: SnapshotId) -> Result<bool> {
        let size = snapshot::size(&self.folder.snapshot(id));
        let marked = size.map_err(|error| internal("a snapshot", &error))?.is_some();
        Ok(marked && !self.was_deleted(id))
    }

    /// The files are held as a sandbox that lies on them would: a delete meanwhile does not make
    /// the export one of half of them.
    pub fn export_snapshot(self: &Arc<Self>, id: SnapshotId) -> Result<SnapshotData> {
        self.take_base(id)?;
        let (inner, files) = (Arc::clone(self), self.folder.snapshot_files(id));
        let work = move |to: &mut archive::Outlet| match export(&files, to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidFilename => {
                let what = format!("the snapshot cannot leave this host: {error}");
                Err(ProviderError::Unsupported(what))
            }
            // Whoever wanted it has gone.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(internal("exporting a snapshot", &error)),
        };
        Ok(archive::send(work, async move { inner.give_back_base(id).await }))
    }

    pub async fn import_snapshot(
        self: &Arc<Self>,
        id: SnapshotId,
        data: Feed,
        limit: u64,
    ) -> Result<()> {
        let _turn = self.making.turn(id).await;
        if self.has_snapshot(id)? {
            return Ok(());
        }
        if self.was_deleted(id) {
            return Err(ProviderError::Conflict("a snapshot of this id was deleted".into()));
        }
        let folder = self.folder.snapshot(id);
        let owned = nix::unistd::geteuid().is_root();
        let work = move || data.read(|from| import(from, &folder, limit, owned));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done.map_err(ArchiveError::explain),
            Err(error) => Err(internal("importing a snapshot", &error)),
        }
    }
}
