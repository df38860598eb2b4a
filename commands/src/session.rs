//! Sessions: create, get or create by user, change, end.

use theazo_domain::session::{CreateSession, Session, SessionCommand, SessionPatch, SessionStatus};
use theazo_domain::{Day, Payload, Scope, SessionId, StreamId};

use crate::vault::{open_payload, seal_payload};
use crate::{CommandError, Commander, Done, Origin, Seed};

/// The id of a session that is to be created.
pub fn new_id(origin: &Origin) -> SessionId {
    SessionId::from_uuid(origin.ids().uuid("session"))
}

/// The id of the session that follows `previous` as the user's: racing get-or-creates derive the
/// same one, so that only one of them creates it.
pub fn id_for_user(scope: Scope, user_id: &str, previous: Option<SessionId>) -> SessionId {
    let previous = previous.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let org = scope.org.to_string();
    let seed = Seed::of(&[&org, scope.mode.as_str(), "session of user", user_id, &previous]);
    SessionId::from_uuid(seed.uuid("session"))
}

fn webhook_purpose(session: SessionId) -> String {
    format!("session {session} webhook")
}

impl Commander {
    pub async fn create_session(
        &self,
        origin: &Origin,
        create: CreateSession,
    ) -> Result<Done<Session>, CommandError> {
        let stream = StreamId::session(origin.scope, create.session_id);
        self.execute_new(origin, &stream, &SessionCommand::Create(create)).await
    }

    /// The user's session: `existing` when it has not ended, else a new one, whose limits `webhook`
    /// is told of. `existing` is the user's newest session by the read model.
    pub async fn session_for_user(
        &self,
        origin: &Origin,
        existing: Option<SessionId>,
        mut create: CreateSession,
        webhook: Option<&str>,
    ) -> Result<Done<Session>, CommandError> {
        let mut previous = None;
        let mut candidate = existing;
        loop {
            let id = candidate
                .take()
                .unwrap_or_else(|| id_for_user(origin.scope, &create.user_id, previous));
            let stream = StreamId::session(origin.scope, id);
            let loaded = self.load::<Session>(&stream).await?;
            match loaded.state {
                Some(state) if state.status == SessionStatus::Ended => previous = Some(id),
                Some(state) => {
                    return Ok(Done { state, position: loaded.revision, changed: false });
                }
                None => {
                    create.session_id = id;
                    create.webhook = self.seal_limits_webhook(origin.scope, id, webhook).await?;
                    match self.create_session(origin, create.clone()).await {
                        // Another request made it just now: the next turn finds it.
                        Err(CommandError::Rejected(theazo_domain::Rejection::Conflict(_))) => {
                            candidate = Some(id);
                        }
                        done => return done,
                    }
                }
            }
        }
    }

    /// Seals the URL that is told of the limits of a session.
    pub async fn seal_limits_webhook(
        &self,
        scope: Scope,
        id: SessionId,
        url: Option<&str>,
    ) -> Result<Option<Payload>, CommandError> {
        let Some(url) = url else { return Ok(None) };
        let purpose = webhook_purpose(id);
        let sealed =
            seal_payload(&self.vault, &self.blobs, (scope, id), &purpose, url.as_bytes()).await?;
        Ok(Some(sealed))
    }

    pub async fn open_limits_webhook(
        &self,
        scope: Scope,
        id: SessionId,
        url: &Payload,
    ) -> Result<String, CommandError> {
        let plain =
            open_payload(&self.vault, &self.blobs, scope, &webhook_purpose(id), url).await?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }

    pub async fn update_session(
        &self,
        origin: &Origin,
        id: SessionId,
        patch: SessionPatch,
    ) -> Result<Done<Session>, CommandError> {
        let stream = StreamId::session(origin.scope, id);
        self.execute(origin, &stream, &SessionCommand::Update(patch)).await
    }

    /// Ends the session; a process manager terminates its agents.
    pub async fn end_session(
        &self,
        origin: &Origin,
        id: SessionId,
    ) -> Result<Done<Session>, CommandError> {
        let stream = StreamId::session(origin.scope, id);
        self.execute(origin, &stream, &SessionCommand::End).await
    }

    /// Bills what was kept for the session in a day that is over; once, however often it is called.
    pub async fn record_storage(
        &self,
        origin: &Origin,
        id: SessionId,
        day: Day,
        byte_seconds: u64,
    ) -> Result<Done<Session>, CommandError> {
        let stream = StreamId::session(origin.scope, id);
        let record = SessionCommand::RecordStorage { day, byte_seconds };
        self.execute(origin, &stream, &record).await
    }
}
