//! API keys: hashed in the log, shown once by whoever made them.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Aggregate, ApiKeyId, Ctx, Event, Kind, Rejection, Timestamp, validate};

/// What the log keeps of a key's secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDigest {
    /// SHA-256 of the whole key, hex. The key has 256 random bits, so a plain hash is enough.
    pub sha256: String,
    /// The key's beginning and end, to recognise it by: `th_live_…wxyz`.
    pub hint: String,
}

events! {
    ApiKeyEvent {
        Created = "api_key.created" {
            key_id: ApiKeyId,
            name: String,
            digest: KeyDigest,
        }
        Rotated = "api_key.rotated" {
            digest: KeyDigest,
        }
        Revoked = "api_key.revoked" {}
    }
}

#[derive(Debug, Clone)]
pub enum ApiKeyCommand {
    Create {
        key_id: ApiKeyId,
        name: String,
        digest: KeyDigest,
    },
    /// The old secret stops working at once.
    Rotate {
        digest: KeyDigest,
    },
    Revoke,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub digest: KeyDigest,
    pub created_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Aggregate for ApiKey {
    const KIND: Kind = Kind::ApiKey;
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;

    fn decide(
        state: Option<&Self>,
        command: &ApiKeyCommand,
        _: Ctx,
    ) -> Result<Vec<ApiKeyEvent>, Rejection> {
        match (state, command) {
            (None, ApiKeyCommand::Create { key_id, name, digest }) => {
                let mut errors = Vec::new();
                validate::text("name", name, 200, &mut errors);
                if !errors.is_empty() {
                    return Err(Rejection::Invalid(errors));
                }
                let (name, digest) = (name.clone(), digest.clone());
                Ok(vec![ApiKeyEvent::Created { key_id: *key_id, name, digest }])
            }
            (Some(_), ApiKeyCommand::Create { .. }) => {
                Err(Rejection::conflict("This API key exists already."))
            }
            (None, _) => Err(Rejection::not_found("API key")),
            (Some(key), ApiKeyCommand::Revoke) if key.revoked_at.is_some() => Ok(vec![]),
            (Some(_), ApiKeyCommand::Revoke) => Ok(vec![ApiKeyEvent::Revoked {}]),
            (Some(key), ApiKeyCommand::Rotate { .. }) if key.revoked_at.is_some() => {
                Err(Rejection::conflict("This API key is revoked; create a new one."))
            }
            (Some(_), ApiKeyCommand::Rotate { digest }) => {
                Ok(vec![ApiKeyEvent::Rotated { digest: digest.clone() }])
            }
        }
    }

    fn evolve(state: Option<Self>, event: &ApiKeyEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, ApiKeyEvent::Created { key_id, name, digest }) => Some(ApiKey {
                id: *key_id,
                name: name.clone(),
                digest: digest.clone(),
                created_at: at,
                rotated_at: None,
                revoked_at: None,
            }),
            (Some(key), _) if key.revoked_at.is_some() => Some(key),
            (Some(key), ApiKeyEvent::Rotated { digest }) => {
                Some(ApiKey { digest: digest.clone(), rotated_at: Some(at), ..key })
            }
            (Some(key), ApiKeyEvent::Revoked {}) => Some(ApiKey { revoked_at: Some(at), ..key }),
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&ApiKeyEvent> {
        if let Event::ApiKey(e) = event { Some(e) } else { None }
    }
}
