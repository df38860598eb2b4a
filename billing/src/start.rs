//! Where in the log a time begins.

use theazo_domain::{Scope, Timestamp};
use theazo_log::{EventLog, Filter, LogError, Position};

/// Commits are in the order of their positions, not of their times: those of several processes are
/// as far apart as their clocks. Twice that, and more, is looked back.
const MARGIN_MILLIS: i64 = 3_600_000;

/// A position that every commit of `scope` from `time` on is after. What is recorded is never
/// recorded before it was used, so a period's usage is after its start's.
pub(crate) async fn before(
    log: &dyn EventLog,
    scope: Scope,
    time: Timestamp,
    head: Position,
) -> Result<Position, LogError> {
    let wanted = Timestamp::from_millis(time.as_millis().saturating_sub(MARGIN_MILLIS));
    let filter = Filter::scope(scope);
    // Every commit up to `early` is too early, but for the margin; the first after `late` is not.
    let (mut early, mut late) = (Position::START, head);
    while early < late {
        let middle = Position(early.0 + (late.0 - early.0) / 2);
        match log.read(&filter, middle, 1).await?.first() {
            Some(commit) if commit.position <= head && commit.time < wanted => {
                early = commit.position;
            }
            _ => late = middle,
        }
    }
    Ok(early)
}
