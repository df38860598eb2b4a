use std::time::{SystemTime, UNIX_EPOCH};

use theazo_domain::Timestamp;

/// The time, at the edge: it goes into commits and into the context of `decide`.
#[expect(clippy::disallowed_methods, reason = "this is the edge where time is made")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
