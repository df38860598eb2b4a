//! The contract of [`EventLog`](crate::EventLog) as a suite that every log must pass.
//!
//! Each case is an async function over a [`Subject`] that panics when the contract is broken.
//! [`conformance!`](crate::conformance) makes a test of each:
//!
//! ```ignore
//! mod sqlite {
//!     theazo_log::conformance!(SqliteSubject::new().await);
//! }
//! ```
//!
//! Cases that race or draw use a seed, which they print; `THEAZO_TEST_SEED` sets it.

#![allow(clippy::unwrap_used, reason = "a case panics when the contract is broken")]

pub mod append;
pub mod bus;
pub mod chain;
pub mod closing;
pub mod conflict;
pub mod faults;
pub mod fixtures;
pub mod idempotency;
pub mod model;
pub mod reading;
pub mod subscription;

use std::sync::Arc;

use async_trait::async_trait;

use crate::EventLog;

/// A log under test, empty at first.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Opens the log: the same one, with what it holds, each time.
    async fn open(&self) -> Arc<dyn EventLog>;

    /// Closes what was opened last, in order. Some case opens it again.
    async fn close(&self);
}

/// Makes a test of each case of the suite; `$subject` makes a new, empty [`Subject`].
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance_cases! { $subject;
            append: positions_increase_in_one_order,
            append: a_commit_is_read_back_as_it_was,
            append: an_append_is_seen_by_every_read_at_once,
            append: a_large_commit_is_kept_whole,
            append: a_commit_is_all_or_nothing,
            append: commits_survive_reopening,
            conflict: another_revision_is_a_conflict_and_writes_nothing,
            conflict: of_racing_appends_one_wins,
            conflict: racing_writers_that_retry_all_get_through,
            conflict: writers_of_other_streams_never_conflict,
            idempotency: a_repeat_answers_the_first_append,
            idempotency: racing_repeats_write_once,
            idempotency: a_repeat_after_reopening_answers_the_first_append,
            idempotency: the_same_id_in_two_streams_is_two_commits,
            reading: an_empty_log_reads_as_empty,
            reading: filters_give_what_matches_and_nothing_else,
            reading: reads_page_without_gap_or_repeat,
            reading: find_sees_one_stream_only,
            subscription: the_past_and_the_present_meet_without_a_seam,
            subscription: a_filtered_subscription_gives_what_matches,
            subscription: a_slow_subscriber_misses_nothing,
            subscription: a_subscription_goes_on_from_any_position,
            subscription: an_answered_append_reaches_every_subscriber,
            subscription: a_watch_glances_at_each_once_and_gives_what_passes,
            closing: every_append_is_written_or_refused,
            closing: a_closed_log_says_so_and_ends_its_subscriptions,
            chain: every_commit_links_to_the_one_before,
            chain: each_org_has_its_own_rolling_hash,
            model: random_appends_agree_with_the_model,
            model: random_races_leave_a_history_that_could_have_been,
        }
    };
}

/// Used by [`conformance!`](crate::conformance).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($subject:expr; $($module:ident: $case:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let subject = $subject;
            $crate::conformance::$module::$case(&subject).await;
        }
    )*};
}
