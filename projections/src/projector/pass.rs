//! One pass over the log for the read models that stand at about the same position.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use theazo_log::{Commit, EventLog, Position};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::projection::{Projection, make};
use crate::tenants::Tenants;
use crate::{Model, ProjectionError, ReadModels};

use super::source::{Batch, Source};
use super::write::{Move, Stop, Target, Work, write_all};

/// What becomes of a pass when one read model cannot fold a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFoldError {
    /// It stops and answers no more reads; the others go on.
    Stop,
    /// The whole pass fails.
    Fail,
}

struct Member {
    model: Model,
    projection: Box<dyn Projection>,
    /// Every commit up to here is folded.
    at: Position,
}

pub(super) struct Pass {
    reads: ReadModels,
    members: Vec<Member>,
    prefix: String,
    on_fold_error: OnFoldError,
    epoch: u64,
    /// Read when the pass begins.
    tenants: Option<Tenants>,
}

impl Pass {
    /// A pass for `models`, each from its checkpoint, onto the tables with `prefix`. `epoch` is the
    /// one that the checkpoints are of.
    pub(super) fn new(
        reads: ReadModels,
        models: impl Iterator<Item = (Model, Position)>,
        prefix: &str,
        on_fold_error: OnFoldError,
        epoch: u64,
    ) -> Self {
        let dialect = reads.writer().dialect();
        let make = |model| make(model, dialect, prefix, reads.options());
        let members =
            models.map(|(model, at)| Member { model, projection: make(model), at }).collect();
        Self { members, prefix: prefix.to_owned(), on_fold_error, epoch, reads, tenants: None }
    }

    /// Where the member that is furthest behind stands.
    pub(super) fn position(&self) -> Position {
        self.members.iter().map(|member| member.at).min().unwrap_or(Position::START)
    }

    /// Goes on until `stop`.
    pub(super) async fn follow(
        mut self,
        log: Arc<dyn EventLog>,
        stop: CancellationToken,
    ) -> Result<(), ProjectionError> {
        if let Some(head) = self.is_serving().then(|| log.head()) {
            let head = head.await?;
            self.reads.update(|standing| standing.head = standing.head.max(head));
        }
        let source = Source::start(log, self.position(), None);
        self.run(source, &stop, &mut |_| {}).await?;
        // It also ends when its last read model has stopped: a rebuild may bring one back.
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = self.reads.any_running() => Err(ProjectionError::Moved),
        }
    }

    /// Takes in every commit up to `until`; less when `stop` comes first.
    pub(super) async fn run_until(
        &mut self,
        log: Arc<dyn EventLog>,
        until: Position,
        stop: &CancellationToken,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), ProjectionError> {
        let source = Source::start(log, self.position(), Some(until));
        self.run(source, stop, progress).await
    }

    fn is_serving(&self) -> bool {
        self.prefix.is_empty()
    }

    async fn run(
        &mut self,
        mut source: Source,
        stop: &CancellationToken,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), ProjectionError> {
        let committed = Arc::new(AtomicU64::new(0));
        let target = Target {
            reads: self.reads.clone(),
            prefix: self.prefix.clone(),
            epoch: self.is_serving().then_some(self.epoch),
        };
        // One batch waits while one is written: folding is never further ahead.
        let (sender, work) = mpsc::channel(1);
        let writer = tokio::spawn(write_all(target, work, committed.clone()));
        let mut writer = AbortOnDropHandle::new(writer);
        loop {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // It ends by itself only when it fails.
                _ = sender.closed() => break,
                batch = source.next() => batch,
            };
            let Some(batch) = batch? else { break };
            let work = self.fold(&batch).await?;
            let upto = work.upto;
            if sender.send(work).await.is_err() || self.members.is_empty() {
                break;
            }
            let written = Position(committed.load(Ordering::Acquire));
            for member in &mut self.members {
                member.projection.committed(written);
            }
            progress(upto);
        }
        drop(sender);
        match (&mut writer).await {
            Ok(ended) => ended,
            Err(panic) => Err(ProjectionError::Database(format!("writing failed: {panic}"))),
        }
    }

    /// The rows that `batch` changes, and the checkpoints after it.
    pub(super) async fn fold(&mut self, batch: &Batch) -> Result<Work, ProjectionError> {
        let upto = batch.last().map_or(Position::START, |commit| commit.position);
        let mut tenants = match self.tenants.take() {
            Some(tenants) => tenants,
            None => Tenants::load(self.reads.readers()).await?,
        };
        let new = tenants.meet(batch)?;
        let mut work = Work::new(new, upto);
        let mut going_on = Vec::with_capacity(self.members.len());
        for mut member in std::mem::take(&mut self.members) {
            match Self::fold_one(&self.reads, &mut member, batch, &tenants, &mut work).await {
                Ok(()) => going_on.push(member),
                Err(error @ ProjectionError::Fold { .. })
                    if self.on_fold_error == OnFoldError::Stop =>
                {
                    work.stops.push(Stop {
                        model: member.model,
                        at: member.at,
                        reason: error.to_string(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        self.members = going_on;
        self.tenants = Some(tenants);
        Ok(work)
    }

    async fn fold_one(
        reads: &ReadModels,
        member: &mut Member,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        work: &mut Work,
    ) -> Result<(), ProjectionError> {
        // A member that is ahead of the others has seen the first ones.
        let new = &batch[batch.partition_point(|commit| commit.position <= member.at)..];
        let Some(last) = new.last() else { return Ok(()) };
        let rows = member.projection.fold(new, tenants, reads.readers()).await?;
        work.rows.extend(rows.into_iter().filter(|rows| !rows.is_empty()));
        match work.checkpoints.iter_mut().find(|moved| moved.from == member.at) {
            Some(moved) => moved.models.push(member.model),
            None => {
                work.checkpoints.push(Move { from: member.at, models: vec![member.model] });
            }
        }
        member.at = last.position;
        Ok(())
    }
}
