//! Pausing, resuming, and the snapshots that come of it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use theazo_domain::SnapshotId;

use super::folder::{Folder, remove_tree};
use super::provider::{Inner, blocking, internal};
use super::record::Record;
use super::sandbox::{LiveSandbox, Phase};
use super::slot::Slot;
use super::snapshot;
use crate::contract::{ProviderError, Result, SandboxId};

/// Who lies on a snapshot.
#[derive(Debug, Default)]
pub struct Base {
    users: u32,
    /// It was deleted while somebody did: its files go with the last of them.
    deleted: bool,
}

/// The snapshots that the sandboxes of an earlier server lie on.
pub fn bases_of(
    folder: &Folder,
    left: &[(SandboxId, Record)],
) -> io::Result<HashMap<SnapshotId, Base>> {
    let mut bases: HashMap<SnapshotId, Base> = HashMap::new();
    for id in left.iter().filter_map(|(_, record)| record.base) {
        bases.entry(id).or_default().users += 1;
    }
    for (id, base) in &mut bases {
        base.deleted = snapshot::size(&folder.snapshot(*id))?.is_none();
    }
    Ok(bases)
}

impl Inner {
    pub fn slot(&self, id: &SandboxId) -> Result<Arc<Slot>> {
        self.slots.lock().get(id).cloned().ok_or(ProviderError::NoSandbox)
    }

    fn live_in(slot: &Slot) -> Result<Arc<LiveSandbox>> {
        let live = slot.live().ok_or(ProviderError::NoSandbox)?;
        match live.control.is_gone() || *live.phase.lock() == Phase::Ending {
            true => Err(ProviderError::Gone),
            false => Ok(live),
        }
    }

    pub async fn pause(self: &Arc<Self>, id: &SandboxId, snapshot: SnapshotId) -> Result<u64> {
        let slot = self.slot(id)?;
        let _gate = slot.gate.lock().await;
        let live = Self::live_in(&slot)?;
        match *live.phase.lock() {
            Phase::Paused { snapshot: taken, size } if taken == snapshot => return Ok(size),
            Phase::Paused { .. } => {
                return Err(ProviderError::Conflict("the sandbox is paused already".into()));
            }
            Phase::Live | Phase::Ending => {}
        }
        let _turn = self.making.turn(snapshot).await;
        if self.was_deleted(snapshot) {
            return Err(ProviderError::Conflict("a snapshot of this id was deleted".into()));
        }
        self.set_frozen(&live, true).await?;
        let (inner, frozen) = (Arc::clone(self), Arc::clone(&live));
        let taken = blocking("taking a snapshot", move || {
            let workspace = snapshot::workspace_of(frozen.files.root())?;
            let owned = nix::unistd::geteuid().is_root();
            snapshot::take(workspace, &inner.folder.snapshot(snapshot), owned)
        })
        .await;
        if taken.is_err() {
            // Without its snapshot it is not paused.
            self.set_frozen(&live, false).await?;
        }
        let size = taken?;
        *live.phase.lock() = Phase::Paused { snapshot, size };
        Ok(size)
    }

    pub async fn resume(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let slot = self.slot(id)?;
        let _gate = slot.gate.lock().await;
        let live = Self::live_in(&slot)?;
        if *live.phase.lock() == Phase::Live {
            return Ok(());
        }
        self.set_frozen(&live, false).await?;
        *live.phase.lock() = Phase::Live;
        Ok(())
    }

    /// Stops every process where it is, or lets it go on.
    pub async fn set_frozen(self: &Arc<Self>, live: &LiveSandbox, frozen: bool) -> Result<()> {
        if !self.cgroups.freezer() {
            return live.control.set_stopped(frozen).await;
        }
        let (inner, id) = (Arc::clone(self), live.id.0.clone());
        blocking("freezing or thawing a sandbox", move || match frozen {
            true => inner.cgroups.freeze(&id),
            false => inner.cgroups.thaw(&id),
        })
        .await
    }

    /// Whether it was deleted under a sandbox that still lies on it.
    pub fn was_deleted(&self, snapshot: SnapshotId) -> bool {
        self.bases.lock().get(&snapshot).is_some_and(|base| base.deleted)
    }

    /// Holds a snapshot for a sandbox that is to lie on it.
    pub fn take_base(&self, snapshot: SnapshotId) -> Result<()> {
        let mut bases = self.bases.lock();
        let size = snapshot::size(&self.folder.snapshot(snapshot));
        let exists = size.map_err(|error| internal("a snapshot", &error))?.is_some();
        let deleted = bases.get(&snapshot).is_some_and(|base| base.deleted);
        if !exists || deleted {
            return Err(ProviderError::NoSnapshot);
        }
        bases.entry(snapshot).or_default().users += 1;
        Ok(())
    }

    /// Lets go of it; the last one out removes what was deleted meanwhile.
    pub async fn give_back_base(self: &Arc<Self>, snapshot: SnapshotId) -> Result<()> {
        let remove = {
            let mut bases = self.bases.lock();
            let Some(base) = bases.get_mut(&snapshot) else { return Ok(()) };
            base.users = base.users.saturating_sub(1);
            let (unused, deleted) = (base.users == 0, base.deleted);
            if unused {
                bases.remove(&snapshot);
            }
            unused && deleted
        };
        if remove {
            let _turn = self.making.turn(snapshot).await;
            self.remove_snapshot(snapshot).await?;
        }
        Ok(())
    }

    pub async fn delete_snapshot(self: &Arc<Self>, snapshot: SnapshotId) -> Result<()> {
        let _turn = self.making.turn(snapshot).await;
        let in_use = match self.bases.lock().get_mut(&snapshot) {
            Some(base) => {
                base.deleted = true;
                true
            }
            None => false,
        };
        if !in_use {
            return self.remove_snapshot(snapshot).await;
        }
        let folder = self.folder.snapshot(snapshot);
        blocking("deleting a snapshot", move || snapshot::unmark(&folder)).await
    }

    async fn remove_snapshot(self: &Arc<Self>, snapshot: SnapshotId) -> Result<()> {
        let folder = self.folder.snapshot(snapshot);
        blocking("removing a snapshot", move || {
            // First the mark: half a snapshot is none.
            snapshot::unmark(&folder)?;
            remove_tree(&folder)
        })
        .await
    }
}
