use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_domain::pricing::StorageUsage;
use theazo_domain::snapshot::SnapshotEvent;
use theazo_domain::task::{Artifact, TaskEvent};
use theazo_domain::{Day, Event, SessionId, Timestamp};

/// What is kept for a session: its agents' snapshots, and the artifacts of its tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    pub bytes: u64,
    /// Since when it is so many.
    since: Timestamp,
    /// Bytes times milliseconds until `since`, of the days that have no usage record yet.
    days: BTreeMap<Day, u128>,
}

impl Stored {
    /// Takes in so many bytes more, or less, from `at` on.
    fn change(&mut self, at: Timestamp, change: i128) {
        // A clock that went backwards takes nothing away.
        let at = at.max(self.since);
        for (day, byte_millis) in self.open_until(at) {
            *self.days.entry(day).or_default() += byte_millis;
        }
        let bytes = i128::from(self.bytes).saturating_add(change).max(0);
        self.bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.since = at;
    }

    pub(super) fn recorded(&mut self, usage: &StorageUsage) {
        self.days.retain(|day, _| *day > usage.day);
        if self.since < usage.day.end() {
            self.since = usage.day.end();
        }
    }

    /// What was kept from `since` until `at`, by days.
    fn open_until(&self, at: Timestamp) -> Vec<(Day, u128)> {
        let (mut from, mut days) = (self.since, Vec::new());
        while self.bytes > 0 && from < at {
            let until = at.min(from.day().end());
            days.push((from.day(), u128::from(self.bytes) * u128::from(until.millis_since(from))));
            from = until;
        }
        days
    }

    /// The days before `today` that have no usage record yet, with bytes times seconds; oldest
    /// first.
    pub fn unrecorded(&self, today: Day) -> Vec<(Day, u64)> {
        let mut days = self.days.clone();
        for (day, byte_millis) in self.open_until(today.start()) {
            *days.entry(day).or_default() += byte_millis;
        }
        let seconds = |byte_millis: u128| u64::try_from(byte_millis / 1_000).unwrap_or(u64::MAX);
        let before = days.into_iter().filter(|(day, _)| *day < today);
        before.map(|(day, byte_millis)| (day, seconds(byte_millis))).collect()
    }

    /// Whether there is something that is, or will be, to be recorded.
    pub(super) fn is_of_use(&self) -> bool {
        self.bytes > 0 || self.days.values().any(|byte_millis| *byte_millis >= 1_000)
    }

    /// Takes in an event of a snapshot or a task of the session.
    pub(super) fn take(&mut self, event: &Event, at: Timestamp) {
        if let Some((_, change)) = change(event) {
            self.change(at, change);
        }
    }
}

/// How many bytes more, or less, are kept after `event`, and for which session.
pub(super) fn change(event: &Event) -> Option<(SessionId, i128)> {
    match event {
        Event::Snapshot(SnapshotEvent::Created { session_id, size, .. }) => {
            Some((*session_id, i128::from(*size)))
        }
        Event::Snapshot(SnapshotEvent::Deleted { session_id, size }) => {
            Some(((*session_id)?, -i128::from((*size)?)))
        }
        Event::Task(
            TaskEvent::Completed { session_id, artifacts, .. }
            | TaskEvent::Failed { session_id, artifacts, .. },
        ) => {
            let kept = artifacts.iter().filter(|artifact| artifact.content.is_some());
            let bytes: i128 = kept.map(|Artifact { size, .. }| i128::from(*size)).sum();
            (bytes > 0).then_some((*session_id, bytes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    fn day(number: i32) -> Day {
        Day::from_number(number)
    }

    #[test]
    fn each_day_has_what_was_kept_in_it() {
        let mut stored = Stored::default();
        stored.change(at(12), 1_000);
        stored.change(at(20), 1_000);
        // The clock of another process is behind.
        stored.change(at(19), -1_500);
        let first = (8 * 1_000 + 4 * 500) * 3_600;
        assert_eq!(stored.unrecorded(day(0)), []);
        assert_eq!(stored.unrecorded(day(2)), [(day(0), first), (day(1), 24 * 500 * 3_600)]);
    }

    #[test]
    fn what_is_recorded_is_not_recorded_again() {
        let mut stored = Stored::default();
        stored.change(at(12), 1_000);
        let session = SessionId::from_uuid(uuid::Uuid::from_u128(1));
        let usage = StorageUsage::of(session, day(0), 1, theazo_domain::Pico::ZERO);
        stored.recorded(&usage);
        assert_eq!(stored.unrecorded(day(2)), [(day(1), 24 * 1_000 * 3_600)]);
        stored.change(at(25), -1_000);
        assert_eq!(stored.unrecorded(day(2)), [(day(1), 1_000 * 3_600)]);
        assert!(stored.is_of_use());
    }
}
