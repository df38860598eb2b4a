//! Ending a sandbox, and taking it away.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::provider::{Inner, blocking, internal};
use super::sandbox::{LiveSandbox, Phase};
use super::slot::Held;
use crate::contract::{Result, SandboxId};

/// How long the kernel gets to end every process of a sandbox.
const END_TIME: Duration = Duration::from_secs(30);

impl Inner {
    pub async fn destroy(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let Some(slot) = self.slots.lock().get(id).cloned() else { return Ok(()) };
        let _gate = slot.gate.lock().await;
        // Another destroy may have been faster, or the create has failed.
        let Some(record) = slot.record() else { return Ok(()) };
        let forget = |inner: &Self| inner.folder.sandbox(&id.0).remove_record();
        // First of all: what is cut short from here on must never be adopted.
        forget(self).map_err(|error| internal("removing a sandbox's record", &error))?;
        if let Held::Live(live) = slot.held() {
            let phase = std::mem::replace(&mut *live.phase.lock(), Phase::Ending);
            self.end(&live, phase).await?;
        }
        self.remove_traces(id).await?;
        slot.hold(Held::Nothing);
        self.slots.lock().remove(id);
        self.uids.give_back(record.uid);
        match record.base {
            Some(base) => self.give_back_base(base).await,
            None => Ok(()),
        }
    }

    /// Ends every process of a sandbox, which is or was in this phase.
    pub async fn end(self: &Arc<Self>, live: &LiveSandbox, phase: Phase) -> Result<()> {
        // A process frozen by a version 1 cgroup does not die before it is thawed.
        if self.cgroups.freezer() && phase != Phase::Live {
            self.set_frozen(live, false).await?;
        }
        let spawner = Arc::clone(&*self.spawner.lock().await);
        spawner.destroy(&live.id.0).await?;
        wait_for_end(live.ended.clone()).await
    }

    /// Removes the cgroups of a sandbox that has no process.
    pub async fn remove_cgroups(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let (inner, id) = (Arc::clone(self), id.0.clone());
        blocking("removing a sandbox's cgroups", move || inner.cgroups.remove(&id)).await
    }

    /// Removes cgroups and folder of a sandbox that has no process.
    pub async fn remove_traces(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let (inner, id) = (Arc::clone(self), id.0.clone());
        blocking("removing a sandbox", move || {
            inner.cgroups.remove(&id)?;
            inner.folder.sandbox(&id).remove()
        })
        .await
    }
}

pub async fn wait_for_end(mut ended: watch::Receiver<bool>) -> Result<()> {
    match timeout(END_TIME, ended.wait_for(|ended| *ended)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(internal("ending a sandbox", &"its processes do not end")),
    }
}
