//! What happens to a sandbox that its programs do not report themselves: the disk's limit, memory
//! that ran out, a process table that filled up.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::sync::{MutexGuard, Notify};

use super::disk::{Standing, TICK};
use super::exec::Outcome;
use super::provider::{Inner, blocking, internal};
use super::sandbox::{LiveSandbox, Phase};
use crate::contract::{ExecOutput, ProviderError, Result};

/// What SIGKILL makes of a status.
const KILLED: i32 = 137;

/// What had happened to a sandbox when an exec began.
pub struct Tally {
    writable: bool,
    overruns: u64,
    out_of_memory: Option<u64>,
}

/// Watches the disk for as long as the provider lives. It sleeps while no sandbox is live;
/// `changed` wakes it when there is one, and when the provider has ended.
pub async fn disk(provider: Weak<Inner>, changed: Arc<Notify>) {
    loop {
        let Some(inner) = provider.upgrade() else { return };
        let live: Vec<_> = inner.slots.lock().values().filter_map(|slot| slot.live()).collect();
        if live.is_empty() {
            drop(inner);
            changed.notified().await;
            continue;
        }
        let filled = match inner.filled.sample() {
            Ok(filled) => filled,
            Err(error) => {
                tracing::error!(%error, "the data directory's file system does not answer");
                0
            }
        };
        for live in live.into_iter().filter(|live| live.quota.is_due(filled)) {
            let inner = Arc::clone(&inner);
            tokio::spawn(async move {
                // Otherwise it is being measured.
                if let Ok(measuring) = live.measuring.try_lock() {
                    inner.check_disk(&live, measuring).await;
                }
            });
        }
        drop(inner);
        tokio::time::sleep(TICK).await;
    }
}

impl Inner {
    pub fn tally(&self, sandbox: &LiveSandbox, writable: bool) -> Tally {
        Tally {
            writable,
            overruns: sandbox.overruns.load(Ordering::Acquire),
            out_of_memory: self.cgroups.out_of_memory_kills(&sandbox.id.0),
        }
    }

    /// Measures a sandbox's disk if it could be past its limit, and kills what runs if it is.
    pub async fn check_disk(&self, sandbox: &LiveSandbox, _measuring: MutexGuard<'_, ()>) {
        let Ok(filled) = self.filled.sample() else { return };
        let live = *sandbox.phase.lock() == Phase::Live;
        if !live || !sandbox.quota.is_due(filled) {
            return;
        }
        if let Err(error) = self.enforce_disk(sandbox, filled).await {
            tracing::error!(%error, "a sandbox's disk limit cannot be enforced");
        }
    }

    async fn enforce_disk(&self, sandbox: &LiveSandbox, filled: u64) -> Result<()> {
        let measure = |filled| {
            let quota = Arc::clone(&sandbox.quota);
            blocking("measuring a sandbox's disk", move || quota.measure(filled))
        };
        let before = sandbox.quota.standing();
        let after = measure(filled).await?;
        // What ran before the limit was passed may write; what was begun since may not.
        if after != Standing::Writable && (before == Standing::Writable || after != before) {
            sandbox.overruns.fetch_add(1, Ordering::AcqRel);
            sandbox.control.kill_all().await?;
        }
        Ok(())
    }

    /// Whether an exec may write. [`ProviderError::DiskFull`] when none may run.
    pub async fn disk_takes_execs(&self, sandbox: &LiveSandbox) -> Result<bool> {
        let mut standing = sandbox.quota.standing();
        if standing != Standing::Writable {
            // There may be room again.
            let filled = self.filled.sample().map_err(|error| internal("the disk", &error))?;
            let quota = Arc::clone(&sandbox.quota);
            let measured = blocking("measuring a sandbox's disk", move || quota.measure(filled));
            standing = measured.await?;
        }
        sandbox.quota.note_exec();
        match standing {
            Standing::Writable => Ok(true),
            Standing::ReadOnly => Ok(false),
            Standing::Full => Err(ProviderError::DiskFull),
        }
    }

    /// What an exec's caller should know beside what the program said.
    pub fn notes(&self, sandbox: &LiveSandbox, before: &Tally, outcome: &Outcome) -> Vec<String> {
        sandbox.quota.note_exec();
        let mut notes = Vec::new();
        if sandbox.overruns.load(Ordering::Acquire) > before.overruns {
            notes.push(format!(
                "sandbox: killed: /workspace and /tmp hold more than {} MiB; delete some of it",
                sandbox.quota.limit() >> 20
            ));
        } else if !before.writable && outcome.output.exit_code != 0 {
            notes.push(format!(
                "sandbox: /workspace and /tmp hold more than {} MiB: nothing can be written before \
                 some of it is deleted",
                sandbox.quota.limit() >> 20
            ));
        } else if outcome.output.exit_code == KILLED
            && self.cgroups.out_of_memory_kills(&sandbox.id.0) > before.out_of_memory
        {
            notes.push(format!(
                "sandbox: killed: out of memory, of which there are {} MiB",
                sandbox.limits.memory_bytes >> 20
            ));
        }
        if outcome.swept {
            notes.push(format!(
                "sandbox: {} processes and threads are the most; what was left running was killed",
                sandbox.limits.pids
            ));
        }
        notes
    }
}

/// Adds the notes to stderr, within its limit.
pub fn annotate(output: &mut ExecOutput, notes: &[String], limit: usize) {
    if notes.is_empty() {
        return;
    }
    let mut stderr = output.stderr.to_vec();
    for note in notes {
        let text = format!("{note}\n");
        stderr.truncate(limit.saturating_sub(text.len()));
        stderr.extend_from_slice(text.as_bytes());
    }
    stderr.truncate(limit);
    output.stderr = stderr.into();
}
