//! Making a sandbox again over the files of one whose processes have ended.

use std::sync::Arc;

use super::create::check;
use super::disk::Quota;
use super::files;
use super::provider::{Inner, blocking, internal};
use super::record::Record;
use super::sandbox::{LiveSandbox, Phase};
use super::slot::{Held, Slot};
use super::wire::CreateOrder;
use crate::contract::{ProviderError, Result, SandboxSpec};

impl Inner {
    pub async fn adopt(self: &Arc<Self>, spec: SandboxSpec) -> Result<()> {
        check(&spec)?;
        let slot = self.slot(&spec.id)?;
        let _gate = slot.gate.lock().await;
        // Destroyed, or not created in the end, while this waited.
        let record = slot.record().ok_or(ProviderError::NoSandbox)?;
        if record.labels != spec.labels {
            return Err(ProviderError::Conflict("the sandbox belongs to another agent".into()));
        }
        if let Some(live) = slot.live() {
            let phase = *live.phase.lock();
            match phase {
                Phase::Ending => return Err(ProviderError::NoSandbox),
                _ if !live.has_ended() => return Ok(()),
                _ => self.lay_down(&slot, &live, phase).await?,
            }
        }
        let live = self.make_again(&spec, record).await?;
        self.settle_in(&slot, live);
        Ok(())
    }

    /// Makes a leftover of a sandbox whose PID 1 has ended under this server, as it does with the
    /// spawner.
    async fn lay_down(
        self: &Arc<Self>,
        slot: &Slot,
        live: &LiveSandbox,
        phase: Phase,
    ) -> Result<()> {
        self.end(live, phase).await?;
        self.remove_cgroups(&live.id).await?;
        slot.hold(Held::Left(Arc::clone(&live.record)));
        Ok(())
    }

    async fn make_again(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        record: Arc<Record>,
    ) -> Result<LiveSandbox> {
        if !self.uids.may_be(record.uid) {
            return Err(ProviderError::failed(
                "the sandbox was made by a server that ran as another user, or with other user ids \
                 for sandboxes; its files cannot be given to this one's",
            ));
        }
        let order = self.prepare_again(spec, Arc::clone(&record)).await?;
        let filled = self.filled.sample().map_err(|error| internal("the disk", &error))?;
        let folders = self.folder.sandbox(&spec.id.0).written(record.base.is_some());
        let quota = Quota::over_files(spec.limits.disk_bytes, folders, filled);
        let born = self.bear(spec, record, quota, order).await;
        if born.is_err() {
            self.remove_cgroups(&spec.id).await?;
        }
        born
    }

    /// Cgroups, what does not survive in the folder, and the order for the spawner.
    async fn prepare_again(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        record: Arc<Record>,
    ) -> Result<CreateOrder> {
        let (inner, spec) = (Arc::clone(self), spec.clone());
        let prepared = blocking("making a sandbox's folder ready", move || {
            let folder = inner.folder.sandbox(&spec.id.0);
            // A destroy that failed half way has removed the record and maybe more.
            if folder.record()?.as_ref() != Some(&*record) {
                return Ok(Err(ProviderError::NoSandbox));
            }
            let lower = record.base.map(|id| inner.folder.snapshot_files(id));
            if lower.is_some_and(|files| !files.exists()) {
                return Ok(Err(ProviderError::NoSnapshot));
            }
            files::remove_temporaries(&folder.own(record.base.is_some()))?;
            folder.renew(record.base.is_some())?;
            inner.order(&spec, &record).map(Ok)
        });
        prepared.await?
    }
}
