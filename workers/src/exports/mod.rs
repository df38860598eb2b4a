//! Pushes of usage to billers, carried out.
//!
//! A push is a walk over what earlier pushes left open, then over the log. Each batch is in the log
//! before it is sent, and its outcome after. Whoever starts next takes up the batch that has no
//! outcome: it sends the same records under the same identifiers, by which the biller can tell.

mod again;
mod push;
mod replay;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt};
use theazo_billing::push::Billers;
use theazo_domain::export::ExportEvent;
use theazo_domain::{Event, ExportId, Kind, Scope};
use theazo_log::{Commit, Filter, Position, unbroken};
use theazo_projections::ReadModels;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::walk::walk;
use crate::{Host, WorkerError};

/// Pushes that are carried out at the same time: each has a batch in memory.
const AT_ONCE: usize = 16;
/// The wait before a push that panicked goes on.
const AFTER_PANIC: Duration = Duration::from_secs(60);

/// What pushes are carried out with.
pub(crate) struct Means {
    pub host: Arc<Host>,
    pub billers: Arc<Billers>,
    pub reads: ReadModels,
    places: Semaphore,
}

/// Carries out the pushes of all tenants.
pub(crate) struct Pusher {
    means: Arc<Means>,
    /// Those that are under way.
    known: HashSet<(Scope, ExportId)>,
    tasks: JoinSet<(Scope, ExportId)>,
}

impl Pusher {
    /// With those that the read models say have not ended.
    pub async fn new(
        host: Arc<Host>,
        billers: Arc<Billers>,
        reads: ReadModels,
    ) -> Result<Self, WorkerError> {
        let places = Semaphore::new(AT_ONCE);
        let means = Arc::new(Means { host, billers, reads, places });
        let tasks = JoinSet::new();
        let mut pusher = Self { means: means.clone(), known: HashSet::new(), tasks };
        let mut rows = pin!(walk(|after, limit| means.reads.running_exports(after, limit)));
        while let Some(found) = rows.try_next().await? {
            pusher.begin(found.scope, found.row.value.id);
        }
        Ok(pusher)
    }

    /// Follows the log after `from` until `stop`. What is under way then is taken up by whoever
    /// starts next.
    pub async fn run(mut self, from: Position, stop: CancellationToken) {
        let log = self.means.host.commander.log().clone();
        let mut commits = unbroken(log, Filter::kind(Kind::Export), from);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(commit) = commits.next() => self.note(&commit),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(ended) => {
                        self.known.remove(&ended);
                    }
                    Err(error) => tracing::error!(%error, "a push of usage broke off"),
                },
            }
        }
    }

    fn note(&mut self, commit: &Commit) {
        for event in &commit.events {
            if let Event::Export(ExportEvent::Started { export_id, .. }) = event {
                self.begin(commit.stream.scope, *export_id);
            }
        }
    }

    fn begin(&mut self, scope: Scope, id: ExportId) {
        if !self.known.insert((scope, id)) {
            return;
        }
        let means = self.means.clone();
        self.tasks.spawn(async move {
            loop {
                let carried = push::carry_out(&means, scope, id);
                match AssertUnwindSafe(carried).catch_unwind().await {
                    Ok(()) => return (scope, id),
                    Err(_) => {
                        tracing::error!(export = %id, "a push of usage panicked");
                        tokio::time::sleep(AFTER_PANIC).await;
                    }
                }
            }
        });
    }
}
