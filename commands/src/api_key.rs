//! API keys: made here, hashed before they go anywhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use theazo_domain::api_key::{ApiKey, ApiKeyCommand, KeyDigest};
use theazo_domain::{ApiKeyId, Mode, Rejection, StreamId};

use crate::{CommandError, Commander, Done, Origin, vault};

/// Random bytes in a key.
const KEY_BYTES: usize = 32;
/// Characters after the prefix that a key handed in from outside must have.
const MIN_SECRET_LEN: usize = 24;

/// A key as its holder has it: `th_live_…` or `th_test_…`.
#[derive(Clone)]
pub struct NewKey {
    secret: String,
}

impl NewKey {
    pub fn random(mode: Mode) -> Self {
        let bytes = vault::random::<KEY_BYTES>();
        Self { secret: format!("th_{mode}_{}", BASE64.encode(bytes)) }
    }

    /// A key that the operator chose (`THEAZO_BOOTSTRAP_LIVE_KEY`).
    pub fn chosen(mode: Mode, secret: &str) -> Result<Self, Rejection> {
        let rest = secret.strip_prefix(&format!("th_{mode}_")).unwrap_or_default();
        if rest.len() < MIN_SECRET_LEN || !rest.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Rejection::invalid(
                "key",
                format!("must be `th_{mode}_` and at least {MIN_SECRET_LEN} random characters"),
            ));
        }
        Ok(Self { secret: secret.to_owned() })
    }

    pub fn digest(&self) -> KeyDigest {
        let tail: String =
            self.secret.chars().rev().take(4).collect::<Vec<_>>().iter().rev().collect();
        let head: String = self.secret.chars().take("th_live_".len()).collect();
        KeyDigest { sha256: digest_of(&self.secret), hint: format!("{head}…{tail}") }
    }

    /// The whole key: to be shown once.
    pub fn reveal(self) -> SecretString {
        SecretString::from(self.secret)
    }
}

/// SHA-256 of a whole key, hex: what keys are looked up by.
pub fn digest_of(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

impl Commander {
    pub async fn create_api_key(
        &self,
        origin: &Origin,
        name: &str,
        key: &NewKey,
    ) -> Result<Done<ApiKey>, CommandError> {
        let key_id = ApiKeyId::from_uuid(origin.ids().uuid("api key"));
        let name = name.to_owned();
        let create = ApiKeyCommand::Create { key_id, name, digest: key.digest() };
        self.execute_new(origin, &StreamId::api_key(origin.scope, key_id), &create).await
    }

    pub async fn rotate_api_key(
        &self,
        origin: &Origin,
        id: ApiKeyId,
        key: &NewKey,
    ) -> Result<Done<ApiKey>, CommandError> {
        let rotate = ApiKeyCommand::Rotate { digest: key.digest() };
        self.execute(origin, &StreamId::api_key(origin.scope, id), &rotate).await
    }

    pub async fn revoke_api_key(
        &self,
        origin: &Origin,
        id: ApiKeyId,
    ) -> Result<Done<ApiKey>, CommandError> {
        self.execute(origin, &StreamId::api_key(origin.scope, id), &ApiKeyCommand::Revoke).await
    }
}
