//! A secret of an org or of one session. The log holds only its ciphertext.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::validate;
use crate::{
    Aggregate, Ctx, Event, Kind, Rejection, Scope, Sealed, SessionId, StreamId, Timestamp,
};

events! {
    SecretEvent {
        Set = "secret.set" {
            name: String,
            /// Absent: the whole org's.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            session_id: Option<SessionId>,
            /// 1, 2, …: bound into the ciphertext, so that an old one cannot be put back.
            version: u32,
            value: Sealed,
        }
        Deleted = "secret.deleted" {
            name: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            session_id: Option<SessionId>,
        }
    }
}

#[derive(Debug, Clone)]
pub enum SecretCommand {
    /// `version` is the one the value was sealed for: the state's next, or a conflict.
    Set {
        name: String,
        session_id: Option<SessionId>,
        version: u32,
        value: Sealed,
    },
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    pub name: String,
    pub session_id: Option<SessionId>,
    pub version: u32,
    /// Absent once deleted.
    pub value: Option<Sealed>,
    pub created_at: Timestamp,
}

impl Secret {
    /// Where the secret of this name and scope lives. `None` when the name is not one.
    pub fn stream(scope: Scope, session: Option<SessionId>, name: &str) -> Option<StreamId> {
        let key = match session {
            Some(session) => format!("{session}-{name}"),
            None => format!("org-{name}"),
        };
        StreamId::new(scope, Kind::Secret, key).ok()
    }

    /// `org`, or the session's id.
    pub fn scope_name(&self) -> String {
        self.session_id.map_or_else(|| "org".to_owned(), |id| id.to_string())
    }
}

impl Aggregate for Secret {
    const KIND: Kind = Kind::Secret;
    type Command = SecretCommand;
    type Event = SecretEvent;

    fn decide(
        state: Option<&Self>,
        command: &SecretCommand,
        _: Ctx,
    ) -> Result<Vec<SecretEvent>, Rejection> {
        match command {
            SecretCommand::Set { name, session_id, version, value } => {
                let mut errors = Vec::new();
                validate::secret_name("name", name, &mut errors);
                if !errors.is_empty() {
                    return Err(Rejection::Invalid(errors));
                }
                if *version != state.map_or(0, |s| s.version) + 1 {
                    return Err(Rejection::conflict(
                        "This secret was set by another request at the same time; set it again.",
                    ));
                }
                Ok(vec![SecretEvent::Set {
                    name: name.clone(),
                    session_id: *session_id,
                    version: *version,
                    value: value.clone(),
                }])
            }
            SecretCommand::Delete => match state {
                Some(secret) if secret.value.is_some() => Ok(vec![SecretEvent::Deleted {
                    name: secret.name.clone(),
                    session_id: secret.session_id,
                }]),
                _ => Err(Rejection::not_found("secret")),
            },
        }
    }

    fn evolve(state: Option<Self>, event: &SecretEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (before, SecretEvent::Set { name, session_id, version, value }) => {
                // A secret that was deleted and set again is a new one to its readers.
                let created_at = before
                    .filter(|secret| secret.value.is_some())
                    .map_or(at, |secret| secret.created_at);
                Some(Secret {
                    name: name.clone(),
                    session_id: *session_id,
                    version: *version,
                    value: Some(value.clone()),
                    created_at,
                })
            }
            (Some(secret), SecretEvent::Deleted { .. }) => Some(Secret { value: None, ..secret }),
            (None, SecretEvent::Deleted { .. }) => None,
        }
    }

    fn own(event: &Event) -> Option<&SecretEvent> {
        if let Event::Secret(e) = event { Some(e) } else { None }
    }
}
