//! What is kept is billed once a day, when the day is over: a record for each session.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use theazo_commands::now;
use theazo_domain::{Day, Scope};
use theazo_projections::{ReadModels, SessionView};
use tokio_util::sync::CancellationToken;

use crate::retry::until_done;
use crate::walk::walk;
use crate::{Host, WorkerError, recovery};

/// After midnight: what was committed before it is in the log by then.
const GRACE: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Bills every day that is over, now and whenever another one is, until `stop`.
pub(crate) async fn run(host: Arc<Host>, reads: ReadModels, stop: CancellationToken) {
    loop {
        let wait = match bill_days(&host, &reads, now().day(), &stop).await {
            Ok(()) => {
                let now = now();
                GRACE + Duration::from_millis(now.day().end().millis_since(now))
            }
            Err(error) => {
                tracing::error!(%error, "what is kept is not billed yet");
                TRY_AGAIN
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// Bills the days before `today`.
async fn bill_days(
    host: &Arc<Host>,
    reads: &ReadModels,
    today: Day,
    stop: &CancellationToken,
) -> Result<(), WorkerError> {
    recovery::caught_up(host, reads).await?;
    let mut rows = pin!(walk(|after, limit| reads.sessions_storing(after, limit)));
    while let Some(found) = rows.try_next().await? {
        if stop.is_cancelled() {
            return Ok(());
        }
        bill(host, found.scope, &found.row.value, today).await;
    }
    Ok(())
}

async fn bill(host: &Arc<Host>, scope: Scope, view: &SessionView, today: Day) {
    for (day, byte_seconds) in view.usage.storage.unrecorded(today) {
        until_done("what a session kept is not billed yet", || async {
            let (origin, id) = (host.origin(scope), view.session.id);
            host.commander.record_storage(&origin, id, day, byte_seconds).await.map(|_| ())
        })
        .await;
    }
}
