//! One push, from where it is to its end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use theazo_billing::push::{Exporter, is_live_key_in_test};
use theazo_commands::{CommandError, Origin, now};
use theazo_domain::agent::Failure;
use theazo_domain::export::{
    Biller, Export, ExportCommand, ExportOutcome, ExportRecord, ExportStatus, NO_CUSTOMER, Outcome,
};
use theazo_domain::settings::Settings;
use theazo_domain::validate::Metadata;
use theazo_domain::{ExportId, Kind, Scope, StreamId};
use theazo_log::Position;
use theazo_projections::ReadError;

use crate::retry::until_done;

use super::Means;

/// How long the read models may take to come to where the push is.
const CATCH_UP: Duration = Duration::from_secs(60);
/// The code of records that are too long under way to be sent again without a look.
const IN_DOUBT: &str = "in_doubt";

/// Whether there is more to do; a break is the end, or somebody else's doing.
pub(super) type Flow = ControlFlow<()>;

/// A push that is under way.
pub(super) struct Push<'m> {
    pub means: &'m Means,
    pub scope: Scope,
    pub export: Arc<Export>,
    /// Where the push began in the log: what the ledger says since then is its own.
    pub began: Position,
    pub exporter: Box<dyn Exporter>,
    pub biller: Biller,
    /// Records without a cost, since the last batch.
    pub skipped: u64,
}

/// Carries a push on to its end.
pub(super) async fn carry_out(means: &Means, scope: Scope, id: ExportId) {
    let Ok(_place) = means.places.acquire().await else { return };
    until_done("a push of usage does not go on", || async {
        // Where another one has carried it on, it is looked at anew.
        while !round(means, scope, id).await? {}
        Ok(())
    })
    .await;
}

/// Whether it has ended.
async fn round(means: &Means, scope: Scope, id: ExportId) -> Result<bool, CommandError> {
    let stream = StreamId::export(scope, id);
    let loaded = means.host.commander.load_fresh::<Export>(&stream).await?;
    let Some(export) = loaded.state.filter(|export| export.status == ExportStatus::Running) else {
        return Ok(true);
    };
    // What the ledger does not know yet would be sent twice.
    if !means.reads.wait_for(loaded.revision, CATCH_UP).await {
        return Err(CommandError::Unavailable("the read models are behind the log".to_owned()));
    }
    let Some(row) = means.reads.export(scope, id).await.map_err(unavailable)? else {
        return Err(CommandError::Unavailable("a push is not in the read models".to_owned()));
    };
    let began = Position(row.seq);
    let settings = StreamId::singleton(scope, Kind::Settings);
    let settings = means.host.commander.load_fresh::<Settings>(&settings).await?.state;
    let biller = settings.map(|settings| settings.biller(export.exporter)).unwrap_or_default();
    match exporter(means, scope, &export, &biller).await? {
        Ok(exporter) => {
            let push = Push { means, scope, export, began, exporter, biller, skipped: 0 };
            push.run().await
        }
        Err(failure) => give_up(means, scope, &export, failure).await,
    }
}

async fn exporter(
    means: &Means,
    scope: Scope,
    export: &Export,
    biller: &Biller,
) -> Result<Result<Box<dyn Exporter>, Failure>, CommandError> {
    let (name, secret) = (export.exporter, export.exporter.secret());
    let failure = |code: &str, message: String| Failure { code: code.to_owned(), message };
    let Some(key) = means.host.commander.reveal_org_secret(scope, secret).await? else {
        let message = format!("The org's secret {secret} is not set; set it, then push again.");
        return Ok(Err(failure("no_key", message)));
    };
    if is_live_key_in_test(scope.mode, &key) {
        let message = format!("The secret {secret} of test mode is a live key; set a test key.");
        return Ok(Err(failure("live_key_in_test_mode", message)));
    }
    Ok(Ok(means.billers.exporter(name, key, biller)))
}

/// Ends a push that cannot be carried on at all.
async fn give_up(
    means: &Means,
    scope: Scope,
    export: &Export,
    failure: Failure,
) -> Result<bool, CommandError> {
    let (commander, origin) = (&means.host.commander, origin(scope));
    if !export.open.is_empty() {
        // Whoever had it before may have sent some of it.
        let unknown = |record: &ExportRecord| ExportOutcome::unknown(&record.id, &failure.code);
        let outcomes = export.open.iter().map(unknown).collect();
        let report = ExportCommand::Report { batch: export.batch, outcomes };
        commander.export(&origin, export.id, &report).await?;
    }
    commander.export(&origin, export.id, &ExportCommand::Fail(failure)).await?;
    Ok(true)
}

fn origin(scope: Scope) -> Origin {
    Origin::system(scope, "exporter")
}

pub(super) fn unavailable(error: ReadError) -> CommandError {
    CommandError::Unavailable(error.to_string())
}

impl Push<'_> {
    async fn run(mut self) -> Result<bool, CommandError> {
        if !self.export.open.is_empty() && self.take_up().await?.is_break() {
            return Ok(false);
        }
        if self.again().await?.is_break() || self.replay().await?.is_break() {
            return Ok(false);
        }
        let skipped = std::mem::take(&mut self.skipped);
        // The next look at it sees its end.
        self.tell(&ExportCommand::Finish { skipped }).await.map(|_| false)
    }

    /// The batch that whoever had it before did not see the end of.
    async fn take_up(&mut self) -> Result<Flow, CommandError> {
        let under_way = now().millis_since(self.export.updated_at);
        if u128::from(under_way) < self.exporter.remembers().as_millis() {
            return self.send_open(true).await;
        }
        let unknown = |record: &ExportRecord| ExportOutcome::unknown(&record.id, IN_DOUBT);
        let outcomes = self.export.open.iter().map(unknown).collect();
        let batch = self.export.batch;
        self.tell(&ExportCommand::Report { batch, outcomes }).await
    }

    /// Sends these records, once they are in the log; those that have been refused are only noted.
    pub async fn batch(
        &mut self,
        records: Vec<ExportRecord>,
        replayed: u64,
    ) -> Result<Flow, CommandError> {
        if records.is_empty() {
            return Ok(Flow::Continue(()));
        }
        let (batch, skipped) = (self.export.batch + 1, std::mem::take(&mut self.skipped));
        let send = ExportCommand::Send { batch, records, replayed, skipped };
        if self.tell(&send).await?.is_break() {
            return Ok(Flow::Break(()));
        }
        if self.export.open.is_empty() {
            return Ok(Flow::Continue(()));
        }
        self.send_open(false).await
    }

    /// `again`: whoever had the push before may have sent some of it.
    async fn send_open(&mut self, again: bool) -> Result<Flow, CommandError> {
        let mut sent = self.exporter.send(&self.export.open).await;
        for told in sent.outcomes.iter_mut().filter(|_| again) {
            if told.outcome == Outcome::Unsent {
                told.outcome = Outcome::Unknown;
            }
        }
        let report = ExportCommand::Report { batch: self.export.batch, outcomes: sent.outcomes };
        if self.tell(&report).await?.is_break() {
            return Ok(Flow::Break(()));
        }
        match sent.trouble {
            Some(failure) => {
                let failed = self.tell(&ExportCommand::Fail(failure)).await;
                failed.map(|_| Flow::Break(()))
            }
            None => Ok(Flow::Continue(())),
        }
    }

    /// A break when somebody else has told it before, or more.
    pub async fn tell(&mut self, command: &ExportCommand) -> Result<Flow, CommandError> {
        let commander = &self.means.host.commander;
        let done = commander.export(&origin(self.scope), self.export.id, command).await?;
        self.export = done.state;
        Ok(if done.changed { Flow::Continue(()) } else { Flow::Break(()) })
    }

    /// The biller's customer of a user: by the session's own word, else by the org's.
    pub fn customer(&self, user_id: &str, metadata: &Metadata) -> Option<String> {
        let own = metadata.get(self.export.exporter.metadata_key());
        let own = own.and_then(|value| value.as_str()).map(str::trim).filter(|id| !id.is_empty());
        let own = own.map(str::to_owned);
        own.or_else(|| self.biller.customers.get(user_id).cloned())
    }

    /// With the reason why it is not to be sent, if there is one.
    pub fn examined(&self, mut record: ExportRecord) -> ExportRecord {
        let refused = match &record.customer {
            None => Some(NO_CUSTOMER),
            Some(_) => self.exporter.refuses(record.at, now()),
        };
        record.refused = refused.map(str::to_owned);
        record
    }
}
