use axum::extract::State;
use theazo_domain::Scope;
use theazo_log::{Filter, OrgChain, Position, Verifier};
use theazo_projections::{ChainCheckpoint, Page, ReadModels};

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::wire::audit::{Broken, Verification};
use crate::write::Shown;

/// Commits, and checkpoints, read at a time.
const BATCH: usize = 1_024;

/// Verify the hash chain
///
/// Hashes every commit of yours again, and compares with what was stored and with the signed
/// checkpoints. A difference is a `200` with `ok: false` and the first commit that differs.
#[utoipa::path(get, path = "/v1/audit/verify", tag = "audit",
    responses((status = 200, description = "What was found", body = Verification)))]
pub(super) async fn audit_verify(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
) -> Result<Shown<Verification>, ApiError> {
    // It reads a whole history: one at a time leaves room for everything else.
    let _turn = state.verifying.lock().await;
    let scope = reader.scope();
    let checkpoints = checkpoints(&reader.models, scope).await?;
    let mut run = Run::new(&state, scope, checkpoints);
    let log = writer.commander.log();
    let mut after = Position::START;
    loop {
        let batch = log.read_raw(&Filter::scope(scope), after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        for raw in &batch {
            let checked = run.verifier.check(raw).map_err(|e| e.reason.to_string());
            if let Err(reason) = checked.and_then(|()| run.fold(raw.position, raw.hash)) {
                return Ok(Shown(run.broken(raw.position, reason)));
            }
        }
        // Hashing does not wait for anything: others get their turn here.
        tokio::task::yield_now().await;
    }
    // What is left was taken off the log's end.
    Ok(Shown(match run.checkpoints.pop() {
        Some(missing) => {
            run.broken(missing.position, "a commit that a checkpoint is of is missing".to_owned())
        }
        None => run.whole(),
    }))
}

struct Run<'a> {
    state: &'a AppState,
    scope: Scope,
    /// Those that are to come, the next one last.
    checkpoints: Vec<ChainCheckpoint>,
    verifier: Verifier,
    chain: OrgChain,
    found: Verification,
}

impl<'a> Run<'a> {
    /// `checkpoints` are newest first.
    fn new(state: &'a AppState, scope: Scope, checkpoints: Vec<ChainCheckpoint>) -> Self {
        Self {
            state,
            scope,
            checkpoints,
            verifier: Verifier::default(),
            chain: OrgChain::default(),
            found: Verification::default(),
        }
    }

    /// Takes in a commit whose own hash is right.
    fn fold(&mut self, position: Position, hash: theazo_log::Hash) -> Result<(), String> {
        self.chain.fold(hash);
        if let Some(checkpoint) = self.checkpoints.pop_if(|next| next.position <= position) {
            let same = checkpoint.position == position
                && checkpoint.hash == self.chain.hash
                && checkpoint.length == self.chain.commits;
            if !same {
                return Err("the order or number of commits is not the checkpoint's".to_owned());
            }
            if !self.state.chain_key.verify(self.scope, &checkpoint) {
                return Err("the checkpoint here is not signed by this platform".to_owned());
            }
            self.found.checkpoints += 1;
        }
        self.found.commits = self.chain.commits;
        self.found.position = position;
        self.found.hash = self.chain.hash;
        Ok(())
    }

    fn broken(self, position: Position, reason: String) -> Verification {
        Verification { ok: false, broken: Some(Broken { position, reason }), ..self.found }
    }

    fn whole(self) -> Verification {
        Verification { ok: true, ..self.found }
    }
}

/// All signed checkpoints of a tenant, newest first.
async fn checkpoints(models: &ReadModels, scope: Scope) -> Result<Vec<ChainCheckpoint>, ApiError> {
    let limit = u32::try_from(BATCH).unwrap_or(u32::MAX);
    let mut all: Vec<ChainCheckpoint> = Vec::new();
    loop {
        let before = all.last().map(|oldest| oldest.position.0);
        let page = models.chain_checkpoints(scope, Page { before, limit }).await?;
        let done = page.len() < BATCH;
        all.extend(page);
        if done {
            return Ok(all);
        }
    }
}
