use std::sync::Arc;

use theazo_providers::MockProvider;
use theazo_providers::conformance::Suite;

use crate::support::Local;

/// Each case is a test of its own, on each adapter.
macro_rules! cases {
    ($($case:ident)*) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let local = super::Local::start().await;
                local.suite.$case().await;
                local.provider.shut_down().await.unwrap();
            })*
        }
        mod mock {
            $(#[tokio::test]
            async fn $case() {
                super::Suite::new(super::Arc::new(super::MockProvider::new())).$case().await;
            })*
        }
        mod mock_on_a_folder {
            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let mock = super::MockProvider::open(folder.path()).unwrap();
                super::Suite::new(super::Arc::new(mock)).$case().await;
            })*
        }
    };
}

/// Those that take two hosts.
macro_rules! cases_between {
    ($($case:ident)*) => {
        mod local_to_local {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (here, there) = (super::Local::start().await, super::Local::start().await);
                here.suite.$case(&there.provider).await;
                there.end_without_snapshots().await;
                here.end_without_snapshots().await;
            })*
        }
        mod mock_to_mock {
            $(#[tokio::test]
            async fn $case() {
                let here = super::Suite::new(super::Arc::new(super::MockProvider::new()));
                here.$case(&super::MockProvider::new()).await;
            })*
        }
        mod mock_to_mock_on_folders {
            $(#[tokio::test]
            async fn $case() {
                let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
                let open = |at: usize| super::MockProvider::open(folders[at].path()).unwrap();
                let here = super::Suite::new(super::Arc::new(open(0)));
                here.$case(&open(1)).await;
            })*
        }
    };
}

cases_between! {
    a_snapshot_moves_to_another_host
    an_export_is_whole_though_its_snapshot_is_deleted
    a_snapshot_that_is_damaged_or_cut_short_is_refused
    a_snapshot_that_is_there_is_kept
    a_snapshot_is_imported_by_many_at_once
    an_import_that_is_dropped_leaves_nothing
    a_snapshot_that_is_too_large_is_refused
}

cases! {
    a_sandbox_is_made_once_and_destroyed_twice
    every_language_answers
    exit_codes_are_answered
    output_is_cut_off_at_the_limit
    code_that_takes_too_long_is_killed
    a_dropped_exec_leaves_the_sandbox_usable
    execs_run_beside_each_other
    files_are_written_read_listed_and_deleted
    a_tree_is_listed_at_once
    bad_paths_are_refused
    a_file_that_is_too_large_is_not_read
    a_paused_sandbox_keeps_its_files_and_goes_on
    a_snapshot_starts_another_sandbox
    snapshots_move_or_need_not
    what_does_not_exist_is_said
    adopting_a_live_sandbox_changes_nothing
    what_is_not_there_or_not_ours_is_not_adopted
    a_port_without_a_listener_is_said
    many_sandboxes_live_at_once
    it_is_healthy
}

#[tokio::test]
async fn the_whole_suite_in_a_row() {
    Suite::new(Arc::new(MockProvider::new())).run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_server_is_reached() {
    let local = Local::start().await;
    local.suite.a_background_server_is_reached("python -m http.server 8080 &").await;
    let mock = Suite::new(Arc::new(MockProvider::new()));
    mock.a_background_server_is_reached("python -m http.server 8080 &").await;
}
