//! Recomputes hash chains from the stored bytes and names the first commit that differs.

use std::collections::HashMap;

use theazo_domain::{Scope, StreamId};

use crate::{EventLog, Filter, Hash, LogError, OrgChain, Position, RawCommit, Upcasters};

/// Commits read at a time.
const PAGE: usize = 1_024;

/// How a commit is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("its content does not give its hash")]
    Content,
    #[error("it does not follow the commit before it in its stream")]
    Link,
    #[error("its stream, id or place is not the one in its content")]
    Envelope,
}

/// A commit that is not what was written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the hash chain breaks at position {position}: {reason}")]
pub struct ChainError {
    pub position: Position,
    pub reason: Break,
}

/// Why a verification did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    pub commits: u64,
    /// The last commit verified.
    pub head: Position,
    /// The rolling hash of each org and mode, as of `head`.
    pub orgs: HashMap<Scope, OrgChain>,
}

/// The state of a verification: one small entry per stream, whatever the log's length. Give it
/// every commit of a stream, a scope or the log, in order, from the start.
#[derive(Debug, Default)]
pub struct Verifier {
    /// By the hash of the stream's name, which is a third of the name's size.
    heads: HashMap<[u8; 16], (Position, Hash)>,
    verified: Verified,
}

impl Verifier {
    /// Checks the next commit.
    pub fn check(&mut self, raw: &RawCommit) -> Result<(), ChainError> {
        let broken = |reason| ChainError { position: raw.position, reason };
        let key = stream_key(&raw.stream);
        let (previous, previous_hash) = self.heads.get(&key).copied().unwrap_or_default();
        let linked = raw.previous == previous
            && raw.previous_hash == previous_hash
            && raw.position > self.verified.head;
        if !linked {
            return Err(broken(Break::Link));
        }
        if raw.hash != Hash::link(previous_hash, Hash::content(raw.body.as_bytes())) {
            return Err(broken(Break::Content));
        }
        if raw.envelope() != Some((raw.id, raw.stream.clone())) {
            return Err(broken(Break::Envelope));
        }
        self.heads.insert(key, (raw.position, raw.hash));
        self.verified.orgs.entry(raw.stream.scope).or_default().fold(raw.hash);
        self.verified.commits += 1;
        self.verified.head = raw.position;
        Ok(())
    }

    pub fn finish(self) -> Verified {
        self.verified
    }
}

fn stream_key(stream: &StreamId) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&Hash::content(stream.to_string().as_bytes()).0[..16]);
    key
}

/// Verifies what `filter` gives, which must hold whole streams: one stream, an org, a kind, or
/// everything ([`Filter::all`]). `progress` hears each page's last position.
///
/// # Errors
/// [`VerifyError::Chain`] names the first commit that differs.
pub async fn verify(
    log: &dyn EventLog,
    filter: &Filter,
    mut progress: impl FnMut(Position) + Send,
) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::default();
    let mut after = Position::START;
    loop {
        let page = log.read_raw(filter, after, PAGE).await?;
        for raw in &page {
            verifier.check(raw)?;
        }
        match page.last() {
            Some(last) => after = last.position,
            None => return Ok(verifier.finish()),
        }
        progress(after);
    }
}

/// Verifies one stream.
pub async fn verify_stream(log: &dyn EventLog, stream: &StreamId) -> Result<Verified, VerifyError> {
    verify(log, &Filter::stream(stream.clone()), |_| ()).await
}

/// Verifies that every commit can be read by this build, which the hashes do not tell.
///
/// # Errors
/// [`LogError::Corrupt`] names the first that cannot.
pub async fn verify_readable(log: &dyn EventLog, upcasters: &Upcasters) -> Result<(), LogError> {
    let mut after = Position::START;
    loop {
        let page = log.read_raw(&Filter::all(), after, PAGE).await?;
        for raw in &page {
            raw.decode(upcasters)?;
        }
        match page.last() {
            Some(last) => after = last.position,
            None => return Ok(()),
        }
    }
}
