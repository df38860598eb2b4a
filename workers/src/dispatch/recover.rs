//! What a start finds: tasks that the process before it had, and reactions that it may have died
//! over.

use std::pin::pin;
use std::sync::Arc;

use futures::TryStreamExt;
use theazo_domain::agent::AgentState;
use theazo_domain::task::{RequeueReason, Task, TaskCommand, TaskEvent, TaskStatus};
use theazo_domain::{Event, Kind, Scope};
use theazo_log::{Filter, Position};
use theazo_projections::{ReadModels, Scoped};

use crate::walk::walk;
use crate::webhooks::request;
use crate::{Host, WorkerError, recovery};

use super::book::Book;
use super::places::Places;
use super::{aftermath, react};

/// Commits read at once.
const BATCH: usize = 500;
/// Commands at the same time.
const AT_ONCE: usize = 64;
/// Commits before the head whose reactions are repeated: what a process dies over is near the end
/// of the log.
const REPEATED: u64 = 10_000;

/// Puts the tasks of this host's earlier life back into the queue.
pub(crate) async fn requeue_own(host: &Arc<Host>, reads: &ReadModels) -> Result<(), WorkerError> {
    for_each_open(reads, |found| async move {
        let task = &found.row.value;
        if task.status != TaskStatus::Running || task.worker.as_deref() != Some(&host.name) {
            return Ok(());
        }
        Ok(aftermath::requeue_lost(host, found.scope, task).await?)
    })
    .await
}

/// What a scheduler begins with.
pub(crate) struct Recovered {
    /// The tasks that have not ended.
    pub book: Book,
    /// The agents that have not ended.
    pub places: Places,
    /// The position that this is as of.
    pub head: Position,
}

/// Lets tasks go on that wait for nothing any more, and reads what has not ended.
pub(crate) async fn recover(
    host: &Arc<Host>,
    reads: &ReadModels,
) -> Result<Recovered, WorkerError> {
    for_each_open(reads, |found| async move {
        let task = &found.row.value;
        if task.status == TaskStatus::Suspended
            && react::agent_works(host, found.scope, task.id).await?
        {
            let reason = RequeueReason::Resumed;
            let requeue = TaskCommand::Requeue { attempt: task.attempt, reason };
            host.commander.task(&host.origin(found.scope), task.id, &requeue).await?;
        }
        Ok(())
    })
    .await?;
    let head = recovery::caught_up(host, reads).await?;
    let book = std::sync::Mutex::new(Book::default());
    for_each_open(reads, |found| {
        let mut book = book.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        book.enter(found.scope, &found.row.value, found.row.seq);
        async { Ok(()) }
    })
    .await?;
    let book = book.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let places = if host.sole { Places::default() } else { places(reads, &book).await? };
    Ok(Recovered { book, places, head })
}

async fn places(reads: &ReadModels, book: &Book) -> Result<Places, WorkerError> {
    let mut places = Places::default();
    let mut rows = pin!(walk(|after, limit| reads.all_live(after, limit)));
    while let Some(found) = rows.try_next().await? {
        let agent = found.row.value;
        places.enter(found.scope, &agent);
        let waits = agent.state == AgentState::Provisioning || agent.pending.is_some();
        if agent.host.is_none() && waits && book.first_of(agent.id).is_none() {
            places.homeless(agent.id);
        }
    }
    Ok(places)
}

async fn for_each_open<F>(
    reads: &ReadModels,
    each: impl Fn(Arc<Scoped<Task>>) -> F,
) -> Result<(), WorkerError>
where
    F: Future<Output = Result<(), WorkerError>>,
{
    let rows = walk(|after, limit| reads.open_tasks(after, limit)).err_into();
    rows.try_for_each_concurrent(AT_ONCE, |found| each(Arc::new(found))).await
}

/// Repeats the reactions to the tasks that ended last, and to the limits that were near: the
/// process may have died over them.
pub(crate) async fn repeat_reactions(host: Arc<Host>, head: Position) {
    let filter = Filter::kinds(&[Kind::Task, Kind::Session]);
    let mut after = Position(head.0.saturating_sub(REPEATED));
    loop {
        let commits = match host.commander.log().read(&filter, after, BATCH).await {
            Ok(commits) => commits,
            Err(error) => {
                tracing::error!(%error, "the reactions to the last events are not repeated");
                return;
            }
        };
        let Some(last) = commits.last() else { return };
        after = last.position;
        for commit in &commits {
            if request::is_about_limits(commit) {
                request::of_limits(&host, commit).await;
            }
            let ends = commit.events.iter().any(|event| {
                matches!(
                    event,
                    Event::Task(
                        TaskEvent::Completed { .. }
                            | TaskEvent::Failed { .. }
                            | TaskEvent::Cancelled { .. }
                    )
                )
            });
            if let Some(task) = commit.stream.key().parse().ok().filter(|_| ends) {
                let scope: Scope = commit.stream.scope;
                aftermath::settle(&host, scope, task, commit.position).await;
            }
        }
        if after >= head {
            return;
        }
    }
}
