//! What the dispatcher makes of each commit.

use std::sync::Arc;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentEvent, AgentState, Failure};
use theazo_domain::session::{Session, SessionEvent};
use theazo_domain::task::{RequeueReason, Task, TaskCommand, TaskEvent, TaskStatus};
use theazo_domain::{AgentId, Event, Rejection, Scope, SessionId, StreamId, TaskId};
use theazo_log::{Commit, Position};

use crate::retry::until_done;
use crate::{Host, lifecycle};

use super::queue::Waiting;
use super::{Dispatcher, Heard, aftermath};

impl Dispatcher {
    pub(super) fn react(&mut self, commit: &Commit) {
        for event in &commit.events {
            match event {
                Event::Task(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.task_event(commit, id, event);
                    }
                }
                Event::Agent(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.agent_event(commit.stream.scope, id, event);
                    }
                }
                Event::Session(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.session_event(commit.stream.scope, id, event);
                    }
                }
                _ => {}
            }
        }
    }

    fn task_event(&mut self, commit: &Commit, id: TaskId, event: &TaskEvent) {
        let (scope, at) = (commit.stream.scope, commit.time);
        match event {
            TaskEvent::Submitted { session_id: session, agent, priority, .. } => {
                let (priority, order) = (*priority, commit.position.0);
                let waiting = Waiting { scope, session: *session, task: id, priority, order };
                self.book.submitted(waiting, agent, at);
            }
            TaskEvent::Started { attempt, .. } => self.book.started(id, *attempt, at),
            TaskEvent::Requeued { attempt, reason } => {
                // At once it would only be busy again, or break off again.
                if matches!(reason, RequeueReason::AgentBusy | RequeueReason::WorkerLost) {
                    self.try_later(id);
                } else {
                    self.book.requeued(id, *attempt);
                }
            }
            TaskEvent::Suspended { attempt, .. } => {
                self.book.suspended(id, *attempt);
                self.resume_if_possible(scope, id, *attempt);
            }
            TaskEvent::Completed { agent_id, .. }
            | TaskEvent::Failed { agent_id, .. }
            | TaskEvent::Cancelled { agent_id, .. } => {
                self.book.ended(id);
                self.settle(scope, id, *agent_id, commit.position);
            }
            _ => self.book.alive(id, at),
        }
    }

    fn agent_event(&mut self, scope: Scope, id: AgentId, event: &AgentEvent) {
        let home = self.places.get(id).and_then(|place| place.host.as_deref());
        let is_lost = !self.host.sole && home.is_some_and(|home| self.is_lost(home));
        if !self.host.sole {
            self.note_place(scope, id, event);
        }
        match event {
            AgentEvent::Resumed { .. } | AgentEvent::RequestFailed { .. } => {
                if let Some((task, attempt)) = self.book.suspended_of(id) {
                    self.resume_if_possible(scope, task, attempt);
                }
            }
            AgentEvent::Failed { failure, .. } if is_lost => {
                self.lose_tasks(scope, self.book.of_agent(id), failure);
            }
            AgentEvent::Terminated { .. }
            | AgentEvent::Failed { .. }
            | AgentEvent::Completed { .. } => {
                self.end_tasks(scope, self.book.of_agent(id), "its agent has ended");
            }
            _ => {}
        }
    }

    /// Follows where agents are, and sees to it that those have a host that need one.
    fn note_place(&mut self, scope: Scope, id: AgentId, event: &AgentEvent) {
        match event {
            AgentEvent::Created { spec, .. } => {
                self.places.created(scope, id, spec.provider);
                // Whoever claims its task takes it to its own host.
                if self.book.first_of(id).is_none() {
                    self.places.homeless(id);
                }
            }
            AgentEvent::Placed { host, .. }
            | AgentEvent::Provisioned { host, .. }
            | AgentEvent::Resumed { host, .. }
            | AgentEvent::Recovered { host, .. } => self.places.moved(id, host),
            AgentEvent::ResumeRequested { .. }
            | AgentEvent::TerminateRequested { .. }
            | AgentEvent::CompleteRequested {} => {
                let home = self.places.get(id).and_then(|place| place.host.as_deref());
                if home.is_none_or(|home| self.is_lost(home)) {
                    self.places.homeless(id);
                }
            }
            AgentEvent::Terminated { .. }
            | AgentEvent::Failed { .. }
            | AgentEvent::Completed { .. } => {
                let place = self.places.ended(id);
                // Its host sees to the rest, if it lives.
                let home = place.and_then(|place| place.host);
                if home.is_none_or(|home| self.is_lost(&home)) {
                    let host = self.host.clone();
                    self.spawn(async move {
                        lifecycle::settle(&host, scope, id, Position::START).await;
                    });
                }
            }
            _ => {}
        }
        self.place_the_homeless();
    }

    fn session_event(&mut self, scope: Scope, id: SessionId, event: &SessionEvent) {
        match event {
            SessionEvent::AgentReleased { .. } | SessionEvent::Updated { .. } => {
                self.book.session_has_room(id);
            }
            SessionEvent::Ended {} => {
                self.end_tasks(scope, self.book.of_session(id), "the session ended");
            }
            _ => {}
        }
    }

    fn settle(&self, scope: Scope, task: TaskId, agent: AgentId, since: Position) {
        let (host, free) = (self.host.clone(), self.heard.0.clone());
        self.spawn(async move {
            aftermath::settle(&host, scope, task, since).await;
            // The dispatcher is gone when nobody hears it.
            let _ = free.send(Heard::Free(agent));
        });
    }

    /// The agent may have been resumed before its task was suspended.
    fn resume_if_possible(&self, scope: Scope, task: TaskId, attempt: u32) {
        let host = self.host.clone();
        self.spawn(async move {
            until_done("a task waits although its agent does not", || async {
                if agent_works(&host, scope, task).await? {
                    let reason = RequeueReason::Resumed;
                    let requeue = TaskCommand::Requeue { attempt, reason };
                    host.commander.task(&host.origin(scope), task, &requeue).await?;
                }
                Ok(())
            })
            .await;
        });
    }

    /// Room may have been made before the task was known to wait for it.
    pub(super) fn look_for_room(&self, waiting: Waiting) {
        let (host, room) = (self.host.clone(), self.heard.0.clone());
        self.spawn(async move {
            until_done("a task waits although its session may have room", || async {
                let stream = StreamId::session(waiting.scope, waiting.session);
                let session = host.commander.load_fresh::<Session>(&stream).await?.state;
                let full = session.is_some_and(|session| session.has_no_room());
                if !full {
                    // The dispatcher is gone when nobody hears it.
                    let _ = room.send(Heard::Again(waiting.task));
                }
                Ok(())
            })
            .await;
        });
    }

    /// Fails tasks whose agent went with its host.
    fn lose_tasks(&self, scope: Scope, tasks: Vec<TaskId>, failure: &Failure) {
        for task in tasks {
            let (host, failure) = (self.host.clone(), failure.clone());
            self.spawn(async move { lose(&host, scope, task, &failure).await });
        }
    }

    /// Cancels tasks that can no longer run; one that runs hears of it and ends by itself.
    fn end_tasks(&self, scope: Scope, tasks: Vec<TaskId>, why: &'static str) {
        for task in tasks {
            let host = self.host.clone();
            self.spawn(async move { cancel(&host, scope, task, why).await });
        }
    }
}

/// Fails a task whose agent is lost: nobody else can end it. Its time ends with the last sign of
/// life of who had it.
async fn lose(host: &Arc<Host>, scope: Scope, id: TaskId, failure: &Failure) {
    until_done("a task of a lost host has not failed yet", || async {
        let stream = StreamId::task(scope, id);
        let Some(task) = host.commander.load_fresh::<Task>(&stream).await?.state else {
            return Ok(());
        };
        let origin = host.origin(scope);
        if task.status == TaskStatus::Running {
            let reason = RequeueReason::WorkerLost;
            let requeue = TaskCommand::Requeue { attempt: task.attempt, reason };
            host.commander.task(&origin, id, &requeue).await?;
        }
        let abandon = TaskCommand::Abandon { failure: failure.clone() };
        host.commander.task(&origin, id, &abandon).await.map(|_| ())
    })
    .await;
}

/// Cancels a task; that it has ended meanwhile is as good.
pub(super) async fn cancel(host: &Arc<Host>, scope: Scope, task: TaskId, why: &'static str) {
    until_done("a task cannot be cancelled yet", || async {
        let cancel = TaskCommand::RequestCancel { reason: why.to_owned() };
        match host.commander.task(&host.origin(scope), task, &cancel).await {
            Ok(_) | Err(CommandError::Rejected(Rejection::Conflict(_))) => Ok(()),
            Err(error) => Err(error),
        }
    })
    .await;
}

/// Puts a task back whose worker is silent, if it still is. Only then is nothing billed any more of
/// what the worker may go on with, and what it has reserved goes back.
pub(super) async fn requeue_silent(host: &Arc<Host>, scope: Scope, task: TaskId, attempt: u32) {
    until_done("a task cannot be put back into the queue yet", || async {
        let requeue = TaskCommand::Requeue { attempt, reason: RequeueReason::LeaseExpired };
        let task = host.commander.task(&host.origin(scope), task, &requeue).await?.state;
        match task.status {
            TaskStatus::Queued => aftermath::give_back(host, scope, &task, attempt).await,
            _ => Ok(()),
        }
    })
    .await;
}

/// Whether the task's agent can work.
pub(super) async fn agent_works(
    host: &Host,
    scope: Scope,
    task: TaskId,
) -> Result<bool, CommandError> {
    let stream = StreamId::task(scope, task);
    let Some(task) = host.commander.load::<Task>(&stream).await?.state else {
        return Ok(false);
    };
    let stream = StreamId::agent(scope, task.agent_id());
    let agent = host.commander.load_fresh::<Agent>(&stream).await?.state;
    Ok(agent.is_some_and(|agent| {
        agent.pending.is_none() && matches!(agent.state, AgentState::Idle | AgentState::Running)
    }))
}
