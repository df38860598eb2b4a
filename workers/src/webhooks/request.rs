//! Who wants to be told of what has happened: each gets a delivery, once.

use theazo_commands::{CommandError, delivery};
use theazo_domain::delivery::{About, DeliveryCommand};
use theazo_domain::session::{Notice, Session, SessionEvent};
use theazo_domain::task::Task;
use theazo_domain::{DeliveryId, Event, Payload, Scope, SessionId, StreamId};
use theazo_log::Commit;

use crate::Host;
use crate::retry::until_done;

/// Asks for the delivery that tells of `task`'s end, if somebody wants to be told.
pub(crate) async fn of_task(host: &Host, scope: Scope, task: &Task) -> Result<(), CommandError> {
    let Some(url) = &task.webhook else { return Ok(()) };
    let about = About::Task { task_id: task.id };
    request(host, scope, delivery::id_of(task.id), (task.session_id, about, url)).await
}

/// Asks for the deliveries that tell of what `commit` of a session says of its limits; keeps at it
/// while the log is out of reach.
pub(crate) async fn of_limits(host: &Host, commit: &Commit) {
    let scope = commit.stream.scope;
    let Ok(id) = commit.stream.key().parse::<SessionId>() else { return };
    let events = commit.events.iter().enumerate();
    for (index, notice) in events.filter_map(|(index, event)| Some((index, notice(event)?))) {
        until_done("nobody is told of a session's limit yet", || async {
            let stream = StreamId::session(scope, id);
            let session = host.commander.load_since::<Session>(&stream, commit.position).await?;
            let url = session.state.and_then(|session| session.webhook.clone());
            let Some(url) = url else { return Ok(()) };
            let about = About::Limit { notice: notice.clone() };
            let delivery = delivery::id_of_notice(commit.id, index);
            request(host, scope, delivery, (id, about, &url)).await
        })
        .await;
    }
}

/// Whether [`of_limits`] has something to do for `commit`.
pub(crate) fn is_about_limits(commit: &Commit) -> bool {
    commit.events.iter().any(|event| notice(event).is_some())
}

const fn notice(event: &Event) -> Option<&Notice> {
    match event {
        Event::Session(
            SessionEvent::LimitWarning { notice } | SessionEvent::LimitReached { notice },
        ) => Some(notice),
        _ => None,
    }
}

async fn request(
    host: &Host,
    scope: Scope,
    delivery_id: DeliveryId,
    (session_id, about, url): (SessionId, About, &Payload),
) -> Result<(), CommandError> {
    let request = DeliveryCommand::Request { delivery_id, session_id, about, url: url.clone() };
    host.commander.delivery(&host.origin(scope), delivery_id, &request).await.map(|_| ())
}
