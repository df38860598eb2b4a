//! The one writer: takes what has queued up, decides it, makes it durable as one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Connection, Row, SqliteConnection};
use theazo_domain::{CommitId, StreamId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::SqliteOptions;
use super::answer::{Answer, Failed, Settled};
use super::checkpoint::{Signals, checkpoint};
use super::connect::{self, Failure, unavailable};
use super::heads::{Head, Heads, load_heads, load_ids};
use super::insert::{MAX_ROWS, NewRow, Statements, insert};
use super::job::Job;
use super::plan::{Candidate, Outcome, Plan, plan};
use super::scopes::Scopes;
use crate::{LogError, Position};

/// Bytes of bodies in one transaction, unless one commit alone is larger.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// How often a batch is decided anew when the file turns out to hold more than the writer knew.
const MAX_ATTEMPTS: usize = 3;

pub(super) struct Writer {
    options: SqliteOptions,
    /// `None` after a failure, until the next batch.
    conn: Option<SqliteConnection>,
    statements: Statements,
    scopes: Arc<Scopes>,
    heads: Heads,
    /// The position of the last commit.
    last: Position,
    settled: mpsc::Sender<Settled>,
    signals: Arc<Signals>,
    /// Bytes of bodies since the last checkpoint was asked for.
    unsaved: u64,
}

impl Writer {
    pub(super) fn new(
        options: SqliteOptions,
        conn: SqliteConnection,
        last: Position,
        scopes: Arc<Scopes>,
        settled: mpsc::Sender<Settled>,
        signals: Arc<Signals>,
    ) -> Self {
        let heads = Heads::new(options.heads);
        Self {
            options,
            conn: Some(conn),
            statements: Statements::default(),
            scopes,
            heads,
            last,
            settled,
            signals,
            unsaved: 0,
        }
    }

    /// Writes until every sender is gone, or until `closing` and then what has queued up.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, closing: CancellationToken) {
        let max = self.options.max_batch.clamp(1, MAX_ROWS);
        let mut queued = Vec::with_capacity(max);
        loop {
            tokio::select! {
                biased;
                () = closing.cancelled(), if !jobs.is_closed() => jobs.close(),
                taken = jobs.recv_many(&mut queued, max) => {
                    if taken == 0 {
                        break;
                    }
                }
            }
            while !queued.is_empty() {
                let rest = queued.split_off(batch_len(&queued));
                let batch = std::mem::replace(&mut queued, rest);
                self.settle(batch).await;
            }
            self.finish_checkpoint().await;
        }
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(%error, "the log's write connection did not close cleanly");
        }
    }

    /// Decides `jobs`, writes what wins, and hands on the answers.
    async fn settle(&mut self, jobs: Vec<Job>) {
        let (plan, failed) = match self.write(&jobs).await {
            Ok(plan) => (plan, None),
            Err((plan, failed)) => (plan, Some(failed)),
        };
        let mut settled = Settled::default();
        match &failed {
            None => self.commit(&plan, &jobs),
            Some(failed) => {
                tracing::error!(error = %failed.reason, appends = jobs.len(), "a batch is lost");
                // What was remembered may be wrong now, and the connection broken.
                self.heads.clear();
                self.conn = None;
            }
        }
        for (index, job) in jobs.into_iter().enumerate() {
            let outcome = plan.outcomes.get(index).copied();
            let answer = match (&failed, outcome) {
                (Some(failed), _) => failed.answer(outcome, plan.base),
                (None, Some(Outcome::Written(link))) => {
                    let commit = Arc::new(link.commit(job.draft));
                    settled.sizes.push(job.body.len());
                    settled.commits.push(Arc::clone(&commit));
                    Answer::Written(commit)
                }
                (None, Some(Outcome::SameAs(earlier))) => settled.written_as(&plan, earlier),
                (None, Some(Outcome::Stored(position))) => Answer::Stored(position),
                (None, Some(Outcome::Conflict { actual })) => Answer::Conflict(actual),
                (None, None) => Answer::Unknown("the writer did not decide it".to_owned()),
            };
            settled.answers.push((job.answer, answer));
        }
        // The publisher goes only after the writer.
        let _ = self.settled.send(settled).await;
    }

    /// Remembers what is durable now.
    fn commit(&mut self, plan: &Plan, jobs: &[Job]) {
        for (stream, head) in &plan.heads {
            self.heads.put(stream.clone(), *head);
        }
        self.last = Position(plan.base.0 + plan.writes as u64);
        self.unsaved += jobs.iter().map(|job| job.body.len() as u64).sum::<u64>();
        if self.unsaved >= self.options.checkpoint_bytes {
            self.unsaved = 0;
            self.signals.ask();
        }
    }

    /// Decides `jobs` and makes what wins durable. The plan of a failure says how far it came.
    async fn write(&mut self, jobs: &[Job]) -> Result<Plan, (Plan, Failed)> {
        let candidates: Vec<Candidate<'_>> = jobs.iter().map(Job::candidate).collect();
        let undecided = |failed| (Plan::default(), failed);
        let mut conn = self.connected().await.map_err(|e| undecided(Failed::before(e)))?;
        for attempt in 1..=MAX_ATTEMPTS {
            let careful = attempt > 1;
            let (plan, rows) = match self.decide(&mut conn, jobs, &candidates, careful).await {
                Ok(decided) => decided,
                Err(e) => return Err(undecided(Failed::before(not_read(&e)))),
            };
            let written = match rows.is_empty() {
                true => Ok(()),
                false => insert(&mut conn, &mut self.statements, &rows).await,
            };
            match written.map_err(|e| (Failure::of(&e), e)) {
                Ok(()) => {
                    self.conn = Some(conn);
                    return Ok(plan);
                }
                // The file holds more than the writer knew: a repeated id, a stream that was not
                // in memory, or another process. Nothing was written; decide on what is there.
                Err((Failure::Duplicate, _)) if attempt < MAX_ATTEMPTS => {}
                Err((failure, e)) => {
                    let reason = unavailable("a commit cannot be written", &e);
                    return Err((plan, Failed { failure, reason }));
                }
            }
        }
        let reason = LogError::Unavailable("it was decided too often".to_owned());
        Err(undecided(Failed::before(reason)))
    }

    /// The connection; after a failure a new one, with the log's end read anew.
    async fn connected(&mut self) -> Result<SqliteConnection, LogError> {
        if let Some(conn) = self.conn.take() {
            return Ok(conn);
        }
        let mut conn = connect::writer(&self.options).await?;
        self.last = last_position(&mut conn).await.map_err(|e| not_read(&e))?;
        Ok(conn)
    }

    /// The plan for `candidates`, and its rows. A `careful` one takes nothing from memory.
    async fn decide(
        &mut self,
        conn: &mut SqliteConnection,
        jobs: &[Job],
        candidates: &[Candidate<'_>],
        careful: bool,
    ) -> Result<(Plan, Vec<NewRow>), sqlx::Error> {
        if careful {
            self.heads.clear();
            self.last = last_position(conn).await?;
        }
        let heads = self.heads_of(conn, candidates, careful).await?;
        let every = if careful { candidates } else { &[] };
        let mut stored = stored_ids(conn, every, &heads).await?;
        let mut decided = plan(candidates, &heads, &stored, self.last);
        if !careful && decided.has_conflicts() {
            // A conflict may be the repeat of an append that won long ago.
            let lost: Vec<Candidate<'_>> = decided.conflicts(candidates).collect();
            stored = stored_ids(conn, &lost, &heads).await?;
            if !stored.is_empty() {
                decided = plan(candidates, &heads, &stored, self.last);
            }
        }
        let mut rows = Vec::with_capacity(decided.writes);
        for (job, outcome) in jobs.iter().zip(&decided.outcomes) {
            if let Outcome::Written(link) = outcome {
                let scope = self.scopes.enroll(conn, job.draft.stream.scope).await?;
                rows.push(job.row(link, scope));
            }
        }
        Ok((decided, rows))
    }

    /// The heads of the candidates' streams. One that an append expects to be empty, and that is
    /// not in memory, is taken to be new: the insert fails when it is not.
    async fn heads_of(
        &mut self,
        conn: &mut SqliteConnection,
        candidates: &[Candidate<'_>],
        careful: bool,
    ) -> Result<HashMap<StreamId, Head>, sqlx::Error> {
        let mut heads = HashMap::with_capacity(candidates.len());
        let mut missing: Vec<&StreamId> = Vec::new();
        for candidate in candidates {
            if heads.contains_key(candidate.stream) {
                continue;
            }
            match self.heads.get(candidate.stream) {
                Some(head) => {
                    heads.insert(candidate.stream.clone(), head);
                }
                None if careful || candidate.expected != Position::START => {
                    missing.push(candidate.stream);
                }
                None => {}
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            heads.extend(load_heads(conn, &missing).await?);
        }
        Ok(heads)
    }

    /// The writer's part of a checkpoint, when its background part is done.
    async fn finish_checkpoint(&mut self) {
        if !self.signals.take_nearly() {
            return;
        }
        if let Some(conn) = &mut self.conn
            && let Err(error) = checkpoint(conn).await
        {
            tracing::warn!(%error, "a checkpoint failed");
        }
    }
}

/// How many of `queued` fit into one transaction.
fn batch_len(queued: &[Job]) -> usize {
    let mut bytes = 0;
    let fits = queued.iter().take_while(|job| {
        bytes += job.body.len();
        bytes <= MAX_BATCH_BYTES
    });
    fits.count().max(1)
}

/// Those of `candidates` whose id is in their stream, which is one of `heads`.
async fn stored_ids(
    conn: &mut SqliteConnection,
    candidates: &[Candidate<'_>],
    heads: &HashMap<StreamId, Head>,
) -> Result<HashMap<(Position, CommitId), Position>, sqlx::Error> {
    let ids: Vec<(Position, CommitId)> = candidates
        .iter()
        .filter_map(|candidate| Some((heads.get(candidate.stream)?.origin, candidate.id)))
        .collect();
    if ids.is_empty() { Ok(HashMap::new()) } else { load_ids(conn, &ids).await }
}

/// The position of the log's last commit.
pub(super) async fn last_position(conn: &mut SqliteConnection) -> Result<Position, sqlx::Error> {
    let last: i64 = sqlx::query("SELECT coalesce(max(position), 0) FROM commits")
        .fetch_one(conn)
        .await?
        .try_get(0)?;
    Ok(Position(last.cast_unsigned()))
}

fn not_read(error: &sqlx::Error) -> LogError {
    unavailable("what an append needs to know cannot be read", error)
}
