//! Logs to measure on.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use indicatif::ProgressBar;
use theazo_commands::{IdSource, now};
use theazo_domain::session::{Limits, SessionEvent};
use theazo_domain::{Actor, CommitId, Event, Mode, OrgId, Scope, SessionId, StreamId, Timestamp};
use theazo_log::{Draft, EventLog, Position};

/// Appends in flight while a log is filled.
const IN_FLIGHT: usize = 512;

pub fn scope() -> Scope {
    Scope { org: OrgId::from_uuid(IdSource::new().uuid("org")), mode: Mode::Live }
}

/// What `POST /v1/sessions` commits.
pub fn session_created(scope: Scope, time: Timestamp) -> Draft {
    let session_id = SessionId::from_uuid(IdSource::new().uuid("session"));
    let created = SessionEvent::Created {
        session_id,
        user_id: "user_123".to_owned(),
        limits: Limits { max_agents: Some(3), ..Limits::default() },
        model: None,
        compute: None,
        metadata: [("plan".to_owned(), "pro".into())].into(),
    };
    Draft {
        id: CommitId::from_uuid(IdSource::new().uuid("commit")),
        stream: StreamId::session(scope, session_id),
        time,
        actor: Actor::system("bench"),
        request_id: None,
        causation: None,
        correlation: None,
        events: vec![Event::from(created)],
    }
}

/// Appends `commits` sessions.
pub async fn fill(log: &Arc<impl EventLog>, commits: u64) -> anyhow::Result<()> {
    let (scope, bar) = (scope(), ProgressBar::new(commits).with_message("filling a log"));
    let mut in_flight = FuturesUnordered::new();
    for _ in 0..commits {
        if in_flight.len() >= IN_FLIGHT {
            in_flight.next().await.transpose()?;
            bar.inc(1);
        }
        let log = log.clone();
        in_flight.push(async move {
            log.append(Position::START, session_created(scope, now())).await.map(|_| ())
        });
    }
    while let Some(appended) = in_flight.next().await {
        appended?;
    }
    bar.finish_and_clear();
    Ok(())
}
