//! Secrets: sealed before they go anywhere, opened only by the worker that uses them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use theazo_domain::secret::{Secret, SecretCommand};
use theazo_domain::{Rejection, Scope, SessionId, StreamId};

use crate::{CommandError, Commander, Done, Origin, Owner};

fn stream(scope: Scope, session: Option<SessionId>, name: &str) -> Result<StreamId, Rejection> {
    Secret::stream(scope, session, name).ok_or_else(|| {
        Rejection::invalid("name", "must be 1 to 100 letters, digits, underscores and hyphens")
    })
}

fn purpose(session: Option<SessionId>, name: &str, version: u32) -> String {
    let owner = session.map_or_else(|| "org".to_owned(), |id| id.to_string());
    format!("secret {owner} {name} v{version}")
}

impl Commander {
    /// Sets a secret, or overwrites it. A session's secret is sealed under the session's key.
    pub async fn set_secret(
        &self,
        origin: &Origin,
        session: Option<SessionId>,
        name: &str,
        value: &SecretString,
    ) -> Result<Done<Secret>, CommandError> {
        let scope = origin.scope;
        let stream = stream(scope, session, name)?;
        loop {
            let before = self.load::<Secret>(&stream).await?;
            let version = before.state.map_or(0, |secret| secret.version) + 1;
            let owner = session.map_or(Owner::Org, Owner::Session);
            let purpose = purpose(session, name, version);
            let plain = value.expose_secret().as_bytes();
            let value = self.vault.seal(scope, owner, &purpose, plain).await?;
            let name = name.to_owned();
            let set = SecretCommand::Set { name, session_id: session, version, value };
            match self.execute(origin, &stream, &set).await {
                // Sealed for a version that another request has taken: seal it for the next.
                Err(CommandError::Rejected(Rejection::Conflict(_))) => {}
                done => return done,
            }
        }
    }

    pub async fn delete_secret(
        &self,
        origin: &Origin,
        session: Option<SessionId>,
        name: &str,
    ) -> Result<Done<Secret>, CommandError> {
        let stream = stream(origin.scope, session, name)?;
        self.execute(origin, &stream, &SecretCommand::Delete).await
    }

    /// The values of these secrets: the session's own where it has one, else the org's. Names that
    /// are not set are left out.
    pub async fn reveal_secrets(
        &self,
        scope: Scope,
        session: SessionId,
        names: &[String],
    ) -> Result<BTreeMap<String, SecretString>, CommandError> {
        let mut values = BTreeMap::new();
        for name in names {
            for owner in [Some(session), None] {
                if let Some(value) = self.reveal(scope, owner, name).await? {
                    values.insert(name.clone(), value);
                    break;
                }
            }
        }
        Ok(values)
    }

    /// The value of a secret of the whole org, for whoever calls another service with it.
    pub async fn reveal_org_secret(
        &self,
        scope: Scope,
        name: &str,
    ) -> Result<Option<SecretString>, CommandError> {
        self.reveal(scope, None, name).await
    }

    /// Whether the org has set a secret of this name.
    pub async fn has_org_secret(&self, scope: Scope, name: &str) -> Result<bool, CommandError> {
        let secret = self.load_fresh::<Secret>(&stream(scope, None, name)?).await?.state;
        Ok(secret.is_some_and(|secret| secret.value.is_some()))
    }

    async fn reveal(
        &self,
        scope: Scope,
        session: Option<SessionId>,
        name: &str,
    ) -> Result<Option<SecretString>, CommandError> {
        let stream = stream(scope, session, name)?;
        let Some(secret) = self.load_fresh::<Secret>(&stream).await?.state else { return Ok(None) };
        let Some(sealed) = &secret.value else { return Ok(None) };
        let purpose = purpose(session, name, secret.version);
        let plain = self.vault.unseal(scope, &purpose, sealed).await?;
        let text = std::str::from_utf8(&plain)
            .map_err(|_| CommandError::Unavailable("a secret is not text".to_owned()))?;
        Ok(Some(SecretString::from(text)))
    }
}
