//! Secrets as the API takes and shows them.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use theazo_domain::{SessionId, Timestamp, secret};
use theazo_projections::SecretEntry;
use utoipa::{IntoParams, ToSchema};

/// Bytes of a secret's value.
pub const MAX_VALUE: usize = 64 << 10;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetSecret {
    /// Letters, digits, underscores and hyphens.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,100}$", example = "OPENAI_API_KEY")]
    pub name: String,
    /// At most 64 KiB. Never shown again.
    #[schema(value_type = String, format = Password, example = "sk-…")]
    #[serde(deserialize_with = "secret")]
    pub value: SecretString,
    /// The session that it is for; the whole org's when absent.
    #[schema(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
}

fn secret<'de, D: serde::Deserializer<'de>>(d: D) -> Result<SecretString, D::Error> {
    /// Never quotes what it was given, unlike serde's own messages.
    struct Text;

    impl serde::de::Visitor<'_> for Text {
        type Value = SecretString;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<SecretString, E> {
            Ok(SecretString::from(text))
        }

        fn visit_string<E>(self, text: String) -> Result<SecretString, E> {
            Ok(SecretString::from(text))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretString, E> {
            Err(E::custom("must be a string"))
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<SecretString, E> {
            Err(E::custom("must be a string"))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretString, E> {
            Err(E::custom("must be a string"))
        }
    }
    // Not `deserialize_string`: a number would be quoted before the visitor sees it.
    d.deserialize_any(Text)
}

/// A secret without its value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    #[schema(example = "OPENAI_API_KEY")]
    name: String,
    /// `org`, or the id of its session.
    #[schema(example = "org")]
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&secret::Secret> for Secret {
    fn from(secret: &secret::Secret) -> Self {
        let scope = secret.scope_name();
        Self { name: secret.name.clone(), scope, created_at: secret.created_at }
    }
}

impl From<SecretEntry> for Secret {
    fn from(entry: SecretEntry) -> Self {
        let scope = entry.session_id.map_or_else(|| "org".to_owned(), |id| id.to_string());
        Self { name: entry.name, scope, created_at: entry.created_at }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSecrets {
    /// Only the secrets of this session; all of the org's when absent.
    #[param(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteSecret {
    /// The session whose secret it is; absent for the org's.
    #[param(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
}
