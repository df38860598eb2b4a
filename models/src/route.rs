//! Where a call goes.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::Wire;

/// Who makes the platform's calls, and whose prices hold.
pub const ANTHROPIC: &str = "anthropic";
pub const OPENAI: &str = "openai";
pub const MOCK: &str = "mock";

/// A resolved model. It holds no secret, so it can be recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    pub wire: Wire,
    /// `anthropic`, `openai`, `mock`, or a gateway's host.
    pub vendor: String,
    pub base_url: String,
    pub credential: CredentialSource,
    /// As it is sent.
    pub model: String,
    /// Tokens that an answer may have.
    pub max_tokens: u32,
    /// Nobody set `max_tokens`: a gateway whose models we do not know is not told any.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub max_tokens_by_default: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The caller's own credentials: the vendor bills the caller.
    pub byoi: bool,
    /// Asked in turn when this one cannot be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Route>,
}

impl Route {
    /// `vendor/model`, for people.
    pub fn name(&self) -> String {
        format!("{}/{}", self.vendor, self.model)
    }

    /// The route that a result or an error names: itself or one of its fallbacks.
    pub fn leg(&self, leg: u8) -> &Route {
        match leg {
            0 => self,
            n => self.fallbacks.get(usize::from(n) - 1).unwrap_or(self),
        }
    }

    /// The secrets that a call may need, those of the fallbacks included, each once.
    pub fn secret_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for route in std::iter::once(self).chain(&self.fallbacks) {
            if let CredentialSource::Secret(name) = &route.credential
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }
}

/// Where the key of a route comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialSource {
    /// The operator's key with this vendor.
    Platform(String),
    /// A secret of the vault, by name.
    Secret(String),
    None,
}

/// The opened secrets of a route, by name.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }
}

impl FromIterator<(String, SecretString)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, SecretString)>>(secrets: I) -> Self {
        Self(secrets.into_iter().collect())
    }
}

/// Why a model's configuration leads nowhere, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    /// The field below `model`, as in `model.fallbacks[1].provider`.
    pub path: String,
    pub message: String,
}

impl RouteError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for RouteError {}
