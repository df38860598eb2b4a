//! Streams: where an aggregate's commits live.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Mode, OrgId};

/// The tenant boundary: an org in one of its modes. Nothing is ever read across it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    pub org: OrgId,
    pub mode: Mode,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What an aggregate is. Its text is part of every stream's name and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }

        impl FromStr for Kind {
            type Err = StreamIdError;

            fn from_str(text: &str) -> Result<Self, StreamIdError> {
                match text {
                    $($text => Ok(Kind::$name),)*
                    _ => Err(StreamIdError(text.to_owned())),
                }
            }
        }
    };
}

kinds! {
    Org = "org",
    ApiKey = "api_key",
    Session = "session",
    Agent = "agent",
    Execution = "execution",
    FileOperation = "file_operation",
    Snapshot = "snapshot",
    Secret = "secret",
    Settings = "settings",
    /// The compute providers an org has configured: one aggregate, so that there is one default.
    Providers = "providers",
    Task = "task",
    Definition = "definition",
    Delivery = "delivery",
    /// A push of usage to a biller.
    Export = "export",
    /// An org's own prices of models.
    ModelPrices = "model_prices",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An aggregate's address. Its text is `<org>.<mode>.<kind>.<key>`, which is a JetStream subject
/// once prefixed, and carries the tenant: a foreign id names a stream that does not exist.
///
/// `key` is the aggregate's own id (`ses_…`), or for singletons their kind (`settings`). It has
/// only letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub scope: Scope,
    pub kind: Kind,
    key: String,
}

/// A text that is not a stream's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream (<org>.<mode>.<kind>.<key>)")]
pub struct StreamIdError(String);

impl StreamId {
    /// # Errors
    /// When `key` is empty or has a character that a subject token must not have.
    pub fn new(scope: Scope, kind: Kind, key: impl Into<String>) -> Result<Self, StreamIdError> {
        let key = key.into();
        let fit = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.is_empty() || !key.chars().all(fit) {
            return Err(StreamIdError(key));
        }
        Ok(Self { scope, kind, key })
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// `session/ses_…`: the short form that the API shows.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.key)
    }
}

macro_rules! stream_of {
    ($($fn:ident: $id:ident => $kind:ident,)*) => {
        impl StreamId {
            $(
                pub fn $fn(scope: Scope, id: crate::$id) -> Self {
                    Self { scope, kind: Kind::$kind, key: id.to_string() }
                }
            )*
        }
    };
}

stream_of! {
    org: OrgId => Org,
    api_key: ApiKeyId => ApiKey,
    session: SessionId => Session,
    agent: AgentId => Agent,
    execution: ExecutionId => Execution,
    file_operation: FileOperationId => FileOperation,
    snapshot: SnapshotId => Snapshot,
    task: TaskId => Task,
    definition: DefinitionId => Definition,
    delivery: DeliveryId => Delivery,
    export: ExportId => Export,
}

impl StreamId {
    /// The one stream of a kind that an org has once per mode (settings, providers).
    pub fn singleton(scope: Scope, kind: Kind) -> Self {
        Self { scope, kind, key: kind.as_str().to_owned() }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.scope.org, self.scope.mode, self.kind, self.key)
    }
}

impl FromStr for StreamId {
    type Err = StreamIdError;

    fn from_str(text: &str) -> Result<Self, StreamIdError> {
        let bad = || StreamIdError(text.to_owned());
        let mut parts = text.splitn(4, '.');
        let mut next = || parts.next().ok_or_else(bad);
        let org = next()?.parse().map_err(|_| bad())?;
        let mode = next()?.parse().map_err(|_| bad())?;
        let kind = next()?.parse()?;
        Self::new(Scope { org, mode }, kind, next()?)
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
