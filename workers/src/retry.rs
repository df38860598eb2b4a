//! Keeping at what must be done while the log is out of reach.

use std::time::Duration;

use theazo_commands::CommandError;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Calls `work` until the log has taken it or refused it. `trouble` says what waits.
pub(crate) async fn until_done<F>(trouble: &'static str, mut work: impl FnMut() -> F)
where
    F: Future<Output = Result<(), CommandError>>,
{
    let mut wait = FIRST_WAIT;
    loop {
        match work().await {
            Ok(()) => return,
            Err(CommandError::Rejected(rejection)) => {
                tracing::warn!(%rejection, "{trouble}: it was refused");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "{trouble}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}
