//! The process managers: events in, commands and effects out. Some are a host's own, for what it
//! holds; the others are the scheduler's, once for all.

use std::sync::Arc;

use futures::StreamExt;
use theazo_commands::CommandError;
use theazo_domain::agent::{AgentCommand, AgentEvent};
use theazo_domain::session::{Session, SessionEvent};
use theazo_domain::snapshot::{Snapshot, SnapshotEvent};
use theazo_domain::{AgentId, Event, Kind, Scope, SessionId, SnapshotId, StreamId};
use theazo_log::{Commit, Filter, Position, unbroken};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::retry::until_done;
use crate::webhooks::request;
use crate::{Host, lifecycle, shelf};

/// Whose reactions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Host,
    Scheduler,
}

impl Part {
    /// The kinds whose commits they are about: the many commits of runs are not.
    const fn kinds(self) -> &'static [Kind] {
        match self {
            Part::Host => &[Kind::Agent, Kind::Snapshot],
            Part::Scheduler => &[Kind::Session, Kind::Snapshot],
        }
    }
}

/// Reacts to every commit after `from` until `stop`, then waits for what is under way.
pub(crate) async fn run(host: Arc<Host>, part: Part, from: Position, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let log = host.commander.log().clone();
    let mut commits = unbroken(log, Filter::kinds(part.kinds()), from);
    while let Some(Some(commit)) = stop.run_until_cancelled(commits.next()).await {
        match part {
            Part::Host => host_reacts(&host, &tracker, &commit),
            Part::Scheduler => scheduler_reacts(&host, &tracker, &commit, &stop),
        }
    }
    tracker.close();
    tracker.wait().await;
}

fn host_reacts(host: &Arc<Host>, tracker: &TaskTracker, commit: &Arc<Commit>) {
    let scope = commit.stream.scope;
    for event in &commit.events {
        match event {
            Event::Agent(event) => {
                if let Ok(id) = commit.stream.key().parse()
                    && is_for(host, scope, id, event)
                {
                    wake(host, tracker, scope, id, commit.position);
                }
            }
            Event::Snapshot(SnapshotEvent::Deleted { .. }) => {
                if let Ok(id) = commit.stream.key().parse() {
                    let host = host.clone();
                    tracker.spawn(async move { delete_snapshot(&host, scope, id).await });
                }
            }
            _ => {}
        }
    }
}

fn scheduler_reacts(
    host: &Arc<Host>,
    tracker: &TaskTracker,
    commit: &Arc<Commit>,
    stop: &CancellationToken,
) {
    let scope = commit.stream.scope;
    if request::is_about_limits(commit) {
        let (host, commit) = (host.clone(), commit.clone());
        tracker.spawn(async move { request::of_limits(&host, &commit).await });
    }
    for event in &commit.events {
        match event {
            Event::Session(SessionEvent::AgentAdmitted { .. }) => {
                let (host, commit) = (host.clone(), commit.clone());
                tracker.spawn(async move { finish_admission(&host, &commit).await });
            }
            Event::Session(SessionEvent::Ended {}) => {
                if let Ok(id) = commit.stream.key().parse() {
                    let host = host.clone();
                    tracker.spawn(async move { end_agents(&host, scope, id).await });
                }
            }
            Event::Snapshot(SnapshotEvent::Deleted { .. }) if !host.sole => {
                if let Ok(id) = commit.stream.key().parse() {
                    let (host, stop) = (host.clone(), stop.clone());
                    tracker.spawn(async move {
                        // What is broken off is repeated at the next start of a scheduler.
                        stop.run_until_cancelled(shelf::remove(&host, scope, id)).await;
                    });
                }
            }
            _ => {}
        }
    }
}

/// Whether this host has something to do about its agent after this event. Of several hosts each
/// looks only at those that it holds.
fn is_for(host: &Host, scope: Scope, id: AgentId, event: &AgentEvent) -> bool {
    if let AgentEvent::Placed { host: placed, .. } = event {
        return match *placed == host.name {
            true => {
                host.hold(scope, id);
                true
            }
            false => {
                host.let_go(id);
                false
            }
        };
    }
    let wakes = matches!(
        event,
        AgentEvent::Created { .. }
            | AgentEvent::PauseRequested { .. }
            | AgentEvent::ResumeRequested { .. }
            | AgentEvent::TerminateRequested { .. }
            | AgentEvent::CompleteRequested {}
            | AgentEvent::Failed { .. }
    );
    wakes && (host.sole || host.holds(id))
}

fn wake(host: &Arc<Host>, tracker: &TaskTracker, scope: Scope, id: AgentId, since: Position) {
    let host = host.clone();
    tracker.spawn(async move { lifecycle::settle(&host, scope, id, since).await });
}

/// The API creates an agent right after its admission; this is for when it died in between.
pub(crate) async fn finish_admission(host: &Host, commit: &Commit) {
    let scope = commit.stream.scope;
    let Ok(session) = commit.stream.key().parse::<SessionId>() else { return };
    for event in &commit.events {
        let Event::Session(SessionEvent::AgentAdmitted { agent_id, spec }) = event else {
            continue;
        };
        let (origin, stream) = (host.origin(scope), StreamId::session(scope, session));
        until_done("an admitted agent is not created yet", || async {
            let session = host.commander.load_since::<Session>(&stream, commit.position).await?;
            let Some(session) = session.state else { return Ok(()) };
            let spec = spec.clone();
            host.commander
                .create_admitted_agent(&origin, &session, *agent_id, spec)
                .await
                .map(|_| ())
        })
        .await;
    }
}

/// Asks every agent of a session that has ended to terminate; keeps at it while the log is out of
/// reach.
pub(crate) async fn end_agents(host: &Host, scope: Scope, id: SessionId) {
    let stream = StreamId::session(scope, id);
    until_done("the agents of an ended session still run", || async {
        let session = host.commander.load_fresh::<Session>(&stream).await?.state;
        for agent in session.iter().flat_map(|session| session.agents.iter()) {
            let reason = "the session ended".to_owned();
            let terminate = AgentCommand::RequestTerminate { reason };
            match host.commander.agent(&host.origin(scope), *agent, &terminate).await {
                // It has ended, or was admitted and is yet to be created.
                Ok(_) | Err(CommandError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })
    .await;
}

async fn delete_snapshot(host: &Host, scope: Scope, id: SnapshotId) {
    let stream = StreamId::snapshot(scope, id);
    let provider = match host.commander.load::<Snapshot>(&stream).await {
        Ok(loaded) => loaded.state.map(|snapshot| snapshot.provider),
        Err(error) => {
            tracing::error!(snapshot = %id, %error, "a deleted snapshot's files are still there");
            return;
        }
    };
    let Some(Ok(provider)) = provider.map(|kind| host.providers.get(kind)) else { return };
    if let Err(error) = provider.delete_snapshot(id).await {
        tracing::error!(snapshot = %id, %error, "a deleted snapshot's files are still there");
    }
}
