//! Where a command comes from: the tenant, the caller, and the ids that it makes.

use sha2::{Digest, Sha256};
use theazo_domain::{Actor, CommitId, RequestId, Scope, StreamId};
use uuid::Uuid;

/// What all ids of one request are derived from, when its caller gave an idempotency key: the
/// same key gives the same ids, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From the caller's key, within its tenant.
    pub fn of_key(scope: Scope, key: &str) -> Self {
        Self::of(&[&scope.org.to_string(), scope.mode.as_str(), "key", key])
    }

    /// For a process manager: one reaction (`name`) to one commit happens once.
    pub fn of_reaction(cause: CommitId, name: &str) -> Self {
        Self::of(&[&cause.to_string(), "reaction", name])
    }

    /// From parts that name something for ever.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// A seed below this one.
    pub fn child(&self, name: &str) -> Seed {
        let parent = hex::encode(self.0);
        Seed::of(&[&parent, name])
    }

    /// A UUIDv8 (RFC 9562: custom): the same bits for the same seed and name.
    pub fn uuid(&self, name: &str) -> Uuid {
        let bytes = self.child(name).0;
        let mut half = [0u8; 16];
        half.copy_from_slice(&bytes[..16]);
        Uuid::new_v8(half)
    }
}

/// Ids that are derived when they must be, and new (UUIDv7) when not.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdSource(Option<Seed>);

impl IdSource {
    /// New ids, not derived from anything.
    pub const fn new() -> Self {
        Self(None)
    }

    /// An id for `name`, which is unique within the request (`"session"`, `"snapshot"`).
    #[expect(clippy::disallowed_methods, reason = "this is the edge where ids are made")]
    pub fn uuid(&self, name: &str) -> Uuid {
        match self.0 {
            Some(seed) => seed.uuid(name),
            None => Uuid::now_v7(),
        }
    }
}

/// On whose behalf commands are executed.
#[derive(Debug, Clone)]
pub struct Origin {
    pub scope: Scope,
    pub actor: Actor,
    pub request_id: Option<RequestId>,
    /// Set when the caller gave an idempotency key.
    pub seed: Option<Seed>,
    /// The commit that this reacts to, and the first of the chain.
    pub cause: Option<(CommitId, CommitId)>,
}

impl Origin {
    /// A part of the platform, with no caller.
    pub fn system(scope: Scope, part: &str) -> Self {
        Self { scope, actor: Actor::system(part), request_id: None, seed: None, cause: None }
    }

    /// Of a part of the request that is a command of its own on the same thing.
    pub fn part(&self, name: &str) -> Self {
        Self { seed: self.seed.map(|seed| seed.child(name)), ..self.clone() }
    }

    /// The operator, at the command line.
    pub fn cli(scope: Scope) -> Self {
        Self { scope, actor: Actor::Cli, request_id: None, seed: None, cause: None }
    }

    /// The same, with ids derived from `seed`.
    pub fn seeded(self, seed: Seed) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The same caller, in another step of the same request: its commits have ids of their own.
    pub fn step(&self, name: &str) -> Self {
        Self { seed: self.seed.map(|seed| seed.child(name)), ..self.clone() }
    }

    pub fn ids(&self) -> IdSource {
        IdSource(self.seed)
    }

    /// The id of the commit that this step makes on `stream`.
    pub(crate) fn commit_id(&self, stream: &StreamId) -> CommitId {
        CommitId::from_uuid(match self.seed {
            Some(seed) => seed.uuid(&format!("commit {stream}")),
            None => IdSource(None).uuid("commit"),
        })
    }
}
