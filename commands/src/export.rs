//! Pushes of usage to billers.

use theazo_domain::export::{Export, ExportCommand, ExportStatus, Exporter, StartExport};
use theazo_domain::{ExportId, Scope, StreamId, Timestamp};

use crate::{CommandError, Commander, Done, Origin, Seed};

/// What a caller asks to be pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushRequest {
    pub exporter: Exporter,
    /// Only usage at this time or later.
    pub from: Option<Timestamp>,
    /// Only usage before this time.
    pub until: Option<Timestamp>,
    /// Also what the biller has rejected.
    pub retry_rejected: bool,
}

/// The id of a tenant's push by its number: who starts one cannot but see the one before.
fn id_of(scope: Scope, exporter: Exporter, number: u32) -> ExportId {
    let (org, number) = (scope.org.to_string(), number.to_string());
    let parts = ["export of", &org, scope.mode.as_str(), exporter.as_str(), &number];
    ExportId::from_uuid(Seed::of(&parts).uuid("export"))
}

impl Commander {
    /// Starts the next push; there is one at a time. `latest`: the number of the last one that the
    /// caller knows of, 0 for none.
    pub async fn start_export(
        &self,
        origin: &Origin,
        request: &PushRequest,
        latest: u32,
    ) -> Result<Done<Export>, CommandError> {
        let upto = self.log.head().await?.0;
        let (mut number, mut after) = (latest.max(1), 0);
        loop {
            let export_id = id_of(origin.scope, request.exporter, number);
            let start = ExportCommand::Start(StartExport {
                export_id,
                exporter: request.exporter,
                number,
                from: request.from,
                until: request.until,
                retry_rejected: request.retry_rejected,
                after,
                upto,
            });
            let done = self.export(origin, export_id, &start).await?;
            // One that has ended changes no more: the next one goes on where it was.
            if done.changed || done.state.status == ExportStatus::Running {
                return Ok(done);
            }
            after = done.state.covers();
            number = number.saturating_add(1);
        }
    }

    pub async fn export(
        &self,
        origin: &Origin,
        id: ExportId,
        command: &ExportCommand,
    ) -> Result<Done<Export>, CommandError> {
        self.execute(origin, &StreamId::export(origin.scope, id), command).await
    }
}
