//! Reads give what matches, all of it, in order.

use std::sync::Arc;

use theazo_domain::{Kind, Mode, Scope, StreamId};

use super::Subject;
use super::fixtures::*;
use crate::{Commit, EventLog, Filter, Kinds, Position};

/// Commits on streams of several scopes and kinds, in a mixed order.
async fn mixed(log: &dyn EventLog, count: usize) -> Vec<Arc<Commit>> {
    let test = Scope { mode: Mode::Test, ..scope(0) };
    let streams: Vec<StreamId> = [scope(0), scope(1), test]
        .into_iter()
        .flat_map(|scope| [session(scope, 1), session(scope, 2), settings(scope)])
        .collect();
    let mut rng = Rng(11);
    let mut revisions = vec![Position::START; streams.len()];
    let mut commits = Vec::with_capacity(count);
    for n in 0..count {
        let pick = rng.below(streams.len());
        let draft = draft(&streams[pick], &n.to_string());
        let commit = log.append(revisions[pick], draft).await.unwrap().commit;
        revisions[pick] = commit.position;
        commits.push(commit);
    }
    commits
}

fn kinds() -> Vec<Kinds> {
    let some: [&[Kind]; 6] = [
        &[Kind::Session],
        &[Kind::Settings],
        &[Kind::Agent],
        &[Kind::Agent, Kind::Settings],
        &[Kind::Settings, Kind::Session],
        &[],
    ];
    some.into_iter().map(Kinds::of).chain([Kinds::ALL]).collect()
}

/// Every combination of what a filter can say.
fn filters() -> Vec<Filter> {
    let test = Scope { mode: Mode::Test, ..scope(0) };
    let mut filters = Vec::new();
    for scope in [None, Some(scope(0)), Some(test), Some(scope(5))] {
        for kinds in kinds() {
            for stream in [None, Some(session(test, 2)), Some(session(test, 99))] {
                filters.push(Filter { scope, kinds, stream });
            }
        }
    }
    filters
}

pub async fn an_empty_log_reads_as_empty(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    assert_eq!(log.head().await.unwrap(), Position::START);
    assert_eq!(everything(&*log).await, vec![]);
    assert_eq!(log.read_stream(&stream, Position::START).await.unwrap(), vec![]);
    assert_eq!(log.find(&stream, fresh_id()).await.unwrap(), None);
    for filter in filters() {
        assert_eq!(log.read(&filter, Position::START, 10).await.unwrap(), vec![], "{filter:?}");
    }
}

pub async fn filters_give_what_matches_and_nothing_else(subject: &dyn Subject) {
    let log = subject.open().await;
    let commits = mixed(&*log, 200).await;
    // Once from what was just appended, once from what is stored.
    filters_agree(&*log, &commits).await;
    subject.close().await;
    let log = subject.open().await;
    filters_agree(&*log, &commits).await;
}

async fn filters_agree(log: &dyn EventLog, commits: &[Arc<Commit>]) {
    for filter in filters() {
        for after in [Position::START, commits[77].position, commits[199].position] {
            let wanted: Vec<_> = commits
                .iter()
                .filter(|commit| commit.position > after && filter.matches(commit))
                .cloned()
                .collect();
            let read = log.read(&filter, after, usize::MAX).await.unwrap();
            assert_eq!(read, wanted, "{filter:?} after {after}");
            let raw = log.read_raw(&filter, after, usize::MAX).await.unwrap();
            let raw: Vec<_> = raw.iter().map(|raw| raw.position).collect();
            assert_eq!(raw, positions(&wanted), "raw, {filter:?} after {after}");
        }
    }
}

pub async fn reads_page_without_gap_or_repeat(subject: &dyn Subject) {
    let log = subject.open().await;
    let commits = mixed(&*log, 300).await;
    let kinds = Filter::kinds(&[Kind::Settings, Kind::Agent]);
    for filter in [Filter::all(), Filter::scope(scope(1)), Filter::kind(Kind::Session), kinds] {
        for limit in [1, 7, 300, 1_000] {
            let mut read = Vec::new();
            loop {
                let after = read.last().map_or(Position::START, |c: &Arc<Commit>| c.position);
                let page = log.read(&filter, after, limit).await.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            let wanted: Vec<_> = commits.iter().filter(|c| filter.matches(c)).cloned().collect();
            assert_eq!(read, wanted, "{filter:?}, {limit} at a time");
        }
    }
    assert_eq!(log.read(&Filter::all(), Position::START, 0).await.unwrap(), vec![]);
    assert_eq!(log.read(&Filter::all(), Position(u64::MAX), 9).await.unwrap(), vec![]);
}

pub async fn find_sees_one_stream_only(subject: &dyn Subject) {
    let log = subject.open().await;
    let commits = mixed(&*log, 60).await;
    subject.close().await;
    let log = subject.open().await;
    for commit in &commits {
        assert_eq!(log.find(&commit.stream, commit.id).await.unwrap().as_ref(), Some(commit));
        let elsewhere = session(scope(7), 1);
        assert_eq!(log.find(&elsewhere, commit.id).await.unwrap(), None);
    }
    assert_eq!(log.find(&commits[0].stream, fresh_id()).await.unwrap(), None);
}
