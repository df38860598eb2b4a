use crate::support::OnServer;

theazo_log::conformance!(OnServer::new());

/// The cases in which it matters what is known of a stream, when nothing ever is.
macro_rules! with_cold_heads {
    ($program:expr) => {
        theazo_log::conformance_cases! { crate::support::OnServer::cold($program);
            append: positions_increase_in_one_order,
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
            reading: find_sees_one_stream_only,
            chain: every_commit_links_to_the_one_before,
            model: random_appends_agree_with_the_model,
            model: random_races_leave_a_history_that_could_have_been,
        }
    };
}

mod with_cold_heads {
    with_cold_heads!(crate::server::packaged());
}

/// With buffers that never help, on a server that is killed in between.
mod with_tiny_buffers {
    use crate::server::packaged;
    use crate::support::OnServer;

    theazo_log::conformance!(OnServer::tiny(packaged()));
}

/// The same on a server that has what the packaged one lacks.
mod on_a_newer_server {
    use theazo_nats::JetStreamOptions;

    use crate::server::newer;
    use crate::support::OnServer;

    theazo_log::conformance!(OnServer::with(newer(), JetStreamOptions::default()));

    mod with_cold_heads {
        with_cold_heads!(crate::server::newer());
    }

    mod with_tiny_buffers {
        use crate::server::newer;
        use crate::support::OnServer;

        theazo_log::conformance!(OnServer::tiny(newer()));
    }
}
