use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::ApiKeyId;

/// Who caused a commit. Its text is `key:key_…`, `system:<part>` or `cli`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A caller of the API.
    Key(ApiKeyId),
    /// A part of the platform, by name (`worker`, `sweeper`, …).
    System(String),
    /// The operator, at the command line of the server's machine.
    Cli,
}

impl Actor {
    pub fn system(part: &str) -> Self {
        Actor::System(part.to_owned())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Key(id) => write!(f, "key:{id}"),
            Actor::System(part) => write!(f, "system:{part}"),
            Actor::Cli => f.write_str("cli"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("key", id)) => id.parse().map(Actor::Key).map_err(|e| format!("{e}")),
            Some(("system", part)) => Ok(Actor::System(part.to_owned())),
            None if text == "cli" => Ok(Actor::Cli),
            _ => Err(format!("`{text}` is not an actor (key:key_…, system:<part> or cli)")),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
